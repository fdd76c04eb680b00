//! The sessions of an API: each belongs to whoever began it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

use super::Access;
use crate::secret::{keyed, random};

/// Seals the identifiers of sessions that an API keeps, such as those of the Model Context Protocol (`Mcp-Session-Id`), so
/// that each is of no use to anybody but whoever began it. Nothing is stored for it.
///
/// A session lets nobody in: every request still has to bring its token, and be checked. What the seal adds is that another
/// one's token, good as it is, does not get into a session whose identifier has become known.
///
/// A session belongs to a client, its user and their tenant, so it goes on with a refreshed token, and when the user lets the
/// client do more. The session of a token without a client ends with that token.
///
/// ```
/// # async fn example(server: grantor::AuthorizationServer, headers: http::HeaderMap) -> Result<(), grantor::error::BearerError> {
/// use grantor::SessionSeal;
///
/// let seal = SessionSeal::random(); // once, beside the sessions
///
/// let access = server.resource_server().verify(&headers).await?;
/// let told = seal.seal("session-1", &access); // what the caller is told
/// assert_eq!(seal.open(&told, &access), Some("session-1"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionSeal([u8; 32]);

/// The session that a request names is not its caller's, or there is none of that name: the two look alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no such session")]
pub struct ForeignSession;

impl fmt::Debug for SessionSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSeal(..)")
    }
}

impl SessionSeal {
    /// A seal of this process, for sessions that end with it.
    #[must_use]
    pub fn random() -> Self {
        Self::new(random())
    }

    /// The seal with this key, which has to be secret and random: for processes that share their sessions.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// What the caller with this access is told, who begins the session: its identifier, and a seal behind a dot.
    #[must_use]
    pub fn seal(&self, session: &str, access: &Access) -> String {
        let tag = URL_SAFE_NO_PAD.encode(self.mac(session, access).finalize().into_bytes());
        format!("{session}.{tag}")
    }

    /// The identifier of the session that a caller names; `None` if it is not theirs, or none at all.
    #[must_use]
    pub fn open<'a>(&self, sealed: &'a str, access: &Access) -> Option<&'a str> {
        let (session, tag) = sealed.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        self.mac(session, access).verify_slice(&tag).ok().map(|()| session)
    }

    /// Seals the session that an answer begins, in the header with this name; without that header there is nothing to do.
    pub fn seal_header(&self, headers: &mut HeaderMap, name: &HeaderName, access: &Access) {
        let session = headers.remove(name);
        let session = session.as_ref().and_then(|session| session.to_str().ok());
        let sealed = session.and_then(|session| HeaderValue::try_from(self.seal(session, access)).ok());
        headers.extend(sealed.map(|sealed| (name.clone(), sealed)));
    }

    /// Opens the session that a request goes on with, in the header with this name: what is behind sees its own identifier. A
    /// request without that header belongs to no session, and passes.
    ///
    /// # Errors
    ///
    /// [`ForeignSession`] if it is not the caller's, or none at all; the header is gone then.
    pub fn open_header(
        &self,
        headers: &mut HeaderMap,
        name: &HeaderName,
        access: &Access,
    ) -> Result<(), ForeignSession> {
        if let Some(sealed) = headers.remove(name) {
            let session = sealed.to_str().ok().and_then(|sealed| self.open(sealed, access));
            let session = session.and_then(|session| HeaderValue::from_str(session).ok()).ok_or(ForeignSession)?;
            headers.insert(name, session);
        }
        Ok(())
    }

    /// Over the session and its owner, each part preceded by its length so that none runs into the next.
    fn mac(&self, session: &str, access: &Access) -> Hmac<Sha256> {
        let mut mac = keyed(&self.0);
        let client = access.client_id().map(|client| client.as_str().as_bytes());
        let grant = access.grant_id().filter(|_| client.is_none());
        let parts = [
            Some(&b"grantor session"[..]),
            Some(session.as_bytes()),
            client,
            access.subject().map(|subject| subject.as_str().as_bytes()),
            access.tenant().map(|tenant| tenant.as_str().as_bytes()),
            grant.as_ref().map(|grant| &grant.as_bytes()[..]),
        ];
        for part in parts {
            mac.update(&[u8::from(part.is_some())]);
            mac.update(&(part.unwrap_or_default().len() as u64).to_be_bytes());
            mac.update(part.unwrap_or_default());
        }
        mac
    }
}
