//! Grants, and the state machines that make, spend and renew what belongs to them.
//!
//! Nothing here awaits, reads a clock or touches a store: every rule is a function of its arguments, and all policy is
//! here.
//!
//! ```text
//! request:  Params ─resolve→ RedirectTarget ─validate→ PendingAuthorization ─confirm→ ConfirmedAuthorization ─approve→ CodeRecord
//! code:     CodeRecord ─check→ exchange
//! refresh:  RefreshTokenRecord ─check→ rotate │ reuse │ retry │ replay
//! ```

mod asking;
mod authorization_code;
mod authorization_request;
mod decision;
mod imported;
mod issue;
mod prompt;
mod refresh_token;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::identifier::{Extra, Name, Subject, Tenant};
use crate::pkce::CodeChallenge;
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{GrantId, TokenHash, TokenKey};

pub use asking::ClientWarning;
pub(crate) use authorization_code::CodeCheck;
pub use authorization_request::PendingAuthorization;
pub(crate) use authorization_request::UI_LOCALES;
pub(crate) use decision::Decided;
pub use decision::{Approval, ConfirmedAuthorization, SessionSecret, ShortSessionSecret};
pub use imported::ImportedGrant;
pub(crate) use issue::{Issuing, Minted, Successors};
pub use prompt::Prompt;
pub(crate) use refresh_token::RetiredUse;

/// What somebody allowed a client to do: the unit of consent, of revocation, of listing, and of sharding.
///
/// RFC 6749 §1.3 calls the credential a grant; here it is the authorization that a credential stands for. Codes and
/// tokens belong to one grant each, carry its id, and die with it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors build it from their rows")]
pub struct Grant {
    /// The identifier, which every code and token of the grant carries.
    pub id: GrantId,
    /// The client; `None` for a personal access token.
    pub client: Option<ClientId>,
    /// The user who granted it; `None` if the client acts for itself (`client_credentials`).
    pub subject: Option<Subject>,
    /// Everything that was granted.
    pub scope: Scope,
    /// The resources that were granted.
    pub resource: Resources,
    /// What the grant is confined to, if the host confines grants.
    pub tenant: Option<Tenant>,
    /// What its user calls it: it is a personal access token, or one that a page of the host issued for `client`. `None` for
    /// what a client obtained itself.
    pub name: Option<Name>,
    /// What else the host keeps with the grant.
    pub extra: Extra,
    /// When it was granted.
    pub created_at: Timestamp,
}

/// An authorization code as it is stored.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors build it from their rows")]
pub struct CodeRecord {
    /// The key of the code; its grant is that of `grant`.
    pub key: TokenKey,
    /// What the code is for.
    pub grant: Arc<Grant>,
    /// What the client must prove to know; `None` only for a client that is exempt.
    pub challenge: Option<CodeChallenge>,
    /// Where the code was sent, with the port that was asked for.
    pub redirect_uri: Arc<str>,
    /// Whether the authorization request named the redirect URI.
    pub redirect_uri_source: RedirectUriSource,
    /// When the code's life is over.
    pub expires_at: Timestamp,
    /// How many requests of its client failed on the verifier so far.
    pub failures: u32,
    /// When the code was redeemed.
    pub redeemed_at: Option<Timestamp>,
}

/// Where the redirect URI of an authorization request came from (RFC 6749 §4.1.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: store authors match it")]
pub enum RedirectUriSource {
    /// The request named it.
    Requested,
    /// The request left it out, and the only registered one was used.
    Registered,
}

/// An access token as it is stored.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors build it from their rows")]
pub struct AccessTokenRecord {
    /// The key of the token.
    pub key: TokenKey,
    /// What the token allows; never more than its grant.
    pub scope: Scope,
    /// The resources that the token is for; never more than its grant.
    pub resource: Resources,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When its life is over; `None` if only revocation ends it.
    pub expires_at: Option<Timestamp>,
}

/// A refresh token as it is stored.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors build it from their rows")]
pub struct RefreshTokenRecord {
    /// The key of the token.
    pub key: TokenKey,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When its life is over; `None` if only revocation ends it.
    pub expires_at: Option<Timestamp>,
    /// Whether it is in use, or was replaced.
    pub state: RefreshTokenState,
}

/// The life of a refresh token.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: store authors match it")]
pub enum RefreshTokenState {
    /// It can be used.
    Active,
    /// It was used and replaced.
    Retired(Retirement),
}

/// What is remembered of a refresh token's replacement, so that a retry gets the same answer again.
///
/// The successors are derived from the retired token and `nonce`; this record alone yields nothing. Together with the
/// token it would yield what is live, so the nonce is kept only until the successor is first used, and `Debug` leaves
/// it out.
#[derive(Clone, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors build it from their rows")]
pub struct Retirement {
    /// When it was replaced.
    pub at: Timestamp,
    /// What its successors were derived with; zeros once the successor was used.
    pub nonce: [u8; 16],
    /// The refresh token that replaced it.
    pub successor: TokenHash,
    /// What the access token of the same answer allows.
    pub scope: Scope,
    /// The resources that the access token of the same answer is for.
    pub resource: Resources,
    /// When the access token of the same answer expires.
    pub access_expires_at: Option<Timestamp>,
}

impl Retirement {
    /// Whether the refresh token that replaced it was used: its rotation overwrites the nonce.
    #[must_use]
    pub const fn successor_state(&self) -> SuccessorState {
        if u128::from_ne_bytes(self.nonce) == 0 { SuccessorState::Used } else { SuccessorState::Unused }
    }
}

impl fmt::Debug for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retirement")
            .field("at", &self.at)
            .field("successor", &self.successor)
            .field("scope", &self.scope)
            .field("resource", &self.resource)
            .field("access_expires_at", &self.access_expires_at)
            .finish_non_exhaustive()
    }
}

/// Whether the successor of a retired refresh token was used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: callers match it")]
pub enum SuccessorState {
    /// It was not.
    Unused,
    /// It was retired in its turn.
    Used,
}

/// What one token request issues; stored together or not at all.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors take it apart")]
pub struct IssuedTokens {
    /// The grant that the tokens belong to; stored along if it is new.
    pub grant: Arc<Grant>,
    /// The access token.
    pub access: AccessTokenRecord,
    /// The refresh token, if there is one.
    pub refresh: Option<RefreshTokenRecord>,
}

impl IssuedTokens {
    /// When the last of the tokens expires; `None` if one never does. Until then the grant, its code and whatever tells
    /// a replay must be kept.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        match &self.refresh {
            Some(refresh) => Some(self.access.expires_at?.max(refresh.expires_at?)),
            None => self.access.expires_at,
        }
    }
}
