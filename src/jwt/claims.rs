//! What an access token says (RFC 9068 §2.2).

use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::identifier::{Extra, Subject, Tenant};
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::TokenKey;

/// What a token is to say, before it is signed.
#[derive(Debug)]
#[cfg_attr(not(feature = "jwt"), expect(dead_code, reason = "without the feature nobody signs"))]
pub(crate) struct TokenClaims<'a> {
    pub(crate) key: TokenKey,
    pub(crate) client: Option<&'a ClientId>,
    pub(crate) subject: Option<&'a Subject>,
    pub(crate) scope: &'a Scope,
    pub(crate) resource: &'a Resources,
    pub(crate) tenant: Option<&'a Tenant>,
    pub(crate) extra: &'a Extra,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What a token says whose signature was checked; its times and audience are not checked yet.
#[derive(Debug)]
pub(crate) struct SignedClaims {
    pub(crate) key: TokenKey,
    pub(crate) client: Option<ClientId>,
    pub(crate) subject: Option<Subject>,
    pub(crate) scope: Scope,
    pub(crate) resource: Resources,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) extra: Extra,
    pub(crate) issued_at: Timestamp,
    /// This server's own tokens do not say it.
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) expires_at: Timestamp,
}
