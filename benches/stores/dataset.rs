//! Grants with an access and a refresh token each, of which every identifier is known and looks random.
//!
//! The n-th identifier is a SHA-256 of n, which a database can work out by itself: a million rows need not be sent. Expiries rise
//! with n by fractions of the time in which the grants came, so that an index by expiry grows as it does in life.

use std::sync::Arc;

use grantor::client::ClientId;
use grantor::clock::{Clock as _, SystemClock, Timestamp};
use grantor::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
};
use grantor::identifier::{Extra, Subject};
use grantor::pkce::CodeChallenge;
use grantor::resource::Resources;
use grantor::scope::Scope;
use grantor::secret::{GrantId, TokenHash, TokenKey};
use sha2::{Digest as _, Sha256};

pub(crate) const CLIENTS: u64 = 100;
pub(crate) const GRANTS_PER_USER: u64 = 2;
pub(crate) const SCOPE: &str = "links:read links:write";

pub(crate) const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// What an identifier is for. It is hashed along.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Purpose {
    Grant = b'g',
    Access = b'a',
    Refresh = b'r',
}

/// All in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Dataset {
    /// Hashed along, so that no two data sets share an identifier.
    pub(crate) space: u8,
    pub(crate) grants: u64,
    pub(crate) began: i64,
    /// In which time the grants came.
    pub(crate) span: i64,
    pub(crate) access_life: i64,
    pub(crate) refresh_life: i64,
}

pub(crate) fn now() -> i64 {
    SystemClock.now().unix_millis()
}

impl Dataset {
    /// Tokens that live longer than this measurement.
    pub(crate) fn live(tokens: u64) -> Self {
        let (began, grants) = (now() - HOUR, tokens / 2);
        Self { space: 0, grants, began, span: HOUR, access_life: DAY, refresh_life: 30 * DAY }
    }

    /// Tokens that are all expired since a week, and their grants.
    pub(crate) fn expired(tokens: u64) -> Self {
        let (began, grants) = (now() - 31 * DAY, tokens / 2);
        Self { space: 1, grants, began, span: 20 * DAY, access_life: HOUR, refresh_life: DAY }
    }

    /// Tokens that all expire at one instant.
    pub(crate) fn expiring_at(tokens: u64, at: i64) -> Self {
        Self { space: 2, grants: tokens / 2, began: at - HOUR, span: 0, access_life: HOUR, refresh_life: HOUR }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.grants * 2
    }

    pub(crate) fn prefix(&self, purpose: Purpose) -> [u8; 2] {
        [self.space, purpose as u8]
    }

    fn digest(&self, purpose: Purpose, n: u64) -> [u8; 32] {
        Sha256::new().chain_update(self.prefix(purpose)).chain_update(n.to_be_bytes()).finalize().into()
    }

    pub(crate) fn grant_id(&self, n: u64) -> GrantId {
        let digest = self.digest(Purpose::Grant, n);
        GrantId::from_bytes(*digest.first_chunk().expect("a digest is longer than an identifier"))
    }

    pub(crate) fn access_key(&self, n: u64) -> TokenKey {
        TokenKey { grant: self.grant_id(n), hash: TokenHash::from_bytes(self.digest(Purpose::Access, n)) }
    }

    pub(crate) fn refresh_key(&self, n: u64) -> TokenKey {
        TokenKey { grant: self.grant_id(n), hash: TokenHash::from_bytes(self.digest(Purpose::Refresh, n)) }
    }

    pub(crate) fn issued_at(&self, n: u64) -> i64 {
        let n = i64::try_from(n).expect("that many grants fit no memory");
        self.began + n * self.span / i64::try_from(self.grants).expect("see above").max(1)
    }

    pub(crate) fn grant(&self, n: u64) -> Arc<Grant> {
        grant(self.grant_id(n), n, self.issued_at(n))
    }

    pub(crate) fn issued(&self, n: u64) -> IssuedTokens {
        let at = self.issued_at(n);
        let keys = (self.access_key(n), self.refresh_key(n));
        issued(self.grant(n), keys, at, at + self.access_life, at + self.refresh_life)
    }
}

pub(crate) fn client_id(n: u64) -> ClientId {
    format!("client-{}", n % CLIENTS).parse().expect("a client identifier")
}

pub(crate) fn subject(n: u64) -> Subject {
    format!("user-{}", n / GRANTS_PER_USER).parse().expect("a subject")
}

pub(crate) fn scope() -> Scope {
    SCOPE.parse().expect("a scope")
}

fn grant(id: GrantId, n: u64, created_at: i64) -> Arc<Grant> {
    Arc::new(Grant {
        id,
        client: Some(client_id(n)),
        subject: Some(subject(n)),
        scope: scope(),
        resource: Resources::default(),
        tenant: None,
        name: None,
        extra: Extra::default(),
        created_at: Timestamp::from_unix_millis(created_at),
    })
}

fn issued(
    grant: Arc<Grant>,
    (access, refresh): (TokenKey, TokenKey),
    at: i64,
    access_expires_at: i64,
    refresh_expires_at: i64,
) -> IssuedTokens {
    let access = access_token(access, at, access_expires_at);
    let refresh = RefreshTokenRecord {
        key: refresh,
        issued_at: Timestamp::from_unix_millis(at),
        expires_at: Some(Timestamp::from_unix_millis(refresh_expires_at)),
        state: RefreshTokenState::Active,
    };
    IssuedTokens { grant, access, refresh: Some(refresh) }
}

fn access_token(key: TokenKey, at: i64, expires_at: i64) -> AccessTokenRecord {
    AccessTokenRecord {
        key,
        scope: scope(),
        resource: Resources::default(),
        issued_at: Timestamp::from_unix_millis(at),
        expires_at: Some(Timestamp::from_unix_millis(expires_at)),
    }
}

/// A key that nothing else has.
pub(crate) fn random_key(grant: GrantId) -> TokenKey {
    TokenKey { grant, hash: TokenHash::from_bytes(random()) }
}

fn random() -> [u8; 32] {
    let (one, other) = (GrantId::random(), GrantId::random());
    let mut bytes = [0; 32];
    let (first, second) = bytes.split_at_mut(16);
    first.copy_from_slice(one.as_bytes());
    second.copy_from_slice(other.as_bytes());
    bytes
}

/// A new grant of a user who has others, to be exchanged for [`fresh_tokens`].
pub(crate) fn fresh_code(n: u64) -> CodeRecord {
    let grant = grant(GrantId::random(), n, now());
    CodeRecord {
        key: random_key(grant.id),
        grant,
        challenge: Some(CodeChallenge::from_bytes(random())),
        redirect_uri: "https://app.example/callback".into(),
        redirect_uri_source: RedirectUriSource::Requested,
        expires_at: Timestamp::from_unix_millis(now() + HOUR),
        failures: 0,
        redeemed_at: None,
    }
}

pub(crate) fn fresh_tokens(grant: &Arc<Grant>) -> IssuedTokens {
    let keys = (random_key(grant.id), random_key(grant.id));
    issued(Arc::clone(grant), keys, now(), now() + DAY, now() + 30 * DAY)
}

pub(crate) fn fresh_access_token(grant: GrantId) -> AccessTokenRecord {
    access_token(random_key(grant), now(), now() + DAY)
}

/// A new grant and its tokens, which expired long ago.
pub(crate) fn stale_tokens(n: u64) -> IssuedTokens {
    let at = now() - 9 * DAY;
    let grant = grant(GrantId::random(), n, at);
    let keys = (random_key(grant.id), random_key(grant.id));
    issued(grant, keys, at, at + HOUR, at + DAY)
}

/// Numbers that look random and are the same in each run (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}
