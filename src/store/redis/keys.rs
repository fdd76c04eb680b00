//! How the keys are called, and when they may be evicted.
//!
//! Redis Cluster puts keys with the same text in braces into one slot. For a grant that text is its identifier, which every
//! code and token carries. Names that people chose are written without braces.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::identifier::{Subject, Tenant};
use crate::secret::{GrantId, TokenKey};

/// How much longer than its life something is kept: the server's clock may be ahead of the caller's by that much.
const MARGIN: Duration = Duration::from_secs(60);

/// How much longer than its life a grant is kept, and its code: the consent form that it came from, whose number is the grant's,
/// may be sent again for as long as a form can last.
const GRANT_MARGIN: Duration = Duration::from_secs(24 * 60 * 60);

/// The last deadline that a script can reckon with: 2^53 - 1 milliseconds, in the year 287396.
const LAST_DEADLINE: i64 = (1 << 53) - 1;

/// The keys of one store.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: Arc<str>,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: without_braces(prefix).into() }
    }

    pub(super) fn grant(&self, id: &GrantId) -> Vec<u8> {
        self.of_grant(id, "g", &[])
    }

    /// A grant has one code in its life.
    pub(super) fn code(&self, id: &GrantId) -> Vec<u8> {
        self.of_grant(id, "c", &[])
    }

    /// The set of the keys of the grant's tokens that never expire, which must be deleted if it is revoked.
    pub(super) fn permanent(&self, id: &GrantId) -> Vec<u8> {
        self.of_grant(id, "p", &[])
    }

    pub(super) fn access(&self, key: &TokenKey) -> Vec<u8> {
        self.of_grant(&key.grant, "a:", key.hash.as_bytes())
    }

    /// The last 32 bytes are the hash: the scripts exchange them for that of another token.
    pub(super) fn refresh(&self, key: &TokenKey) -> Vec<u8> {
        self.of_grant(&key.grant, "r:", key.hash.as_bytes())
    }

    fn of_grant(&self, id: &GrantId, kind: &str, hash: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), b"{", id.to_string().as_bytes(), b"}:", kind.as_bytes(), hash].concat()
    }

    pub(super) fn client(&self, id: &ClientId) -> Vec<u8> {
        format!("{}client:{}", self.prefix, without_braces(id.as_str())).into_bytes()
    }

    pub(super) fn subject_grants(&self, subject: &Subject) -> List {
        self.list("subject-grants:", subject.as_str())
    }

    pub(super) fn client_grants(&self, client: &ClientId) -> List {
        self.list("client-grants:", client.as_str())
    }

    pub(super) fn tenant_grants(&self, tenant: &Tenant) -> List {
        self.list("tenant-grants:", tenant.as_str())
    }

    pub(super) fn owner_clients(&self, owner: &Subject) -> List {
        self.list("owner-clients:", owner.as_str())
    }

    pub(super) fn all_clients(&self) -> List {
        self.list("clients", "")
    }

    /// When to look whether clients are still used.
    pub(super) fn client_reviews(&self) -> Vec<u8> {
        format!("{}{{clients}}:review", self.prefix).into_bytes()
    }

    pub(super) fn limit(&self, key: &str) -> Vec<u8> {
        format!("{}limit:{}", self.prefix, without_braces(key)).into_bytes()
    }

    fn list(&self, kind: &str, name: &str) -> List {
        let stem = format!("{}{{{kind}{}}}", self.prefix, without_braces(name));
        List { order: format!("{stem}:order").into_bytes(), due: format!("{stem}:due").into_bytes() }
    }
}

/// The two keys of a list.
#[derive(Debug)]
pub(super) struct List {
    /// The members, ordered by their bytes.
    pub(super) order: Vec<u8>,
    /// When to look whether a member is still there.
    pub(super) due: Vec<u8>,
}

impl List {
    pub(super) fn keys(&self) -> [Vec<u8>; 2] {
        [self.order.clone(), self.due.clone()]
    }
}

fn without_braces(name: &str) -> Cow<'_, str> {
    if name.contains(['{', '}', '%']) {
        name.replace('%', "%25").replace('{', "%7B").replace('}', "%7D").into()
    } else {
        name.into()
    }
}

/// When a token may be evicted that expires at this instant, as Redis takes it; empty if it never does.
pub(super) fn token_deadline(expires_at: Option<Timestamp>) -> Vec<u8> {
    expires_at.map_or_else(Vec::new, |at| milliseconds(at.saturating_add(MARGIN)))
}

/// When a grant and its code may be evicted of which this is the last expiry, as Redis takes it; empty if it never expires.
pub(super) fn grant_deadline(expires_at: Option<Timestamp>) -> Vec<u8> {
    expires_at.map_or_else(Vec::new, |at| milliseconds(at.saturating_add(GRANT_MARGIN)))
}

/// An instant as Redis takes it. What lies before its epoch is past anyway.
pub(super) fn milliseconds(at: Timestamp) -> Vec<u8> {
    at.unix_millis().clamp(1, LAST_DEADLINE).to_string().into_bytes()
}
