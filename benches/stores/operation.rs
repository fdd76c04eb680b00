//! The operations, and what each call is made with.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::client::ClientId;
use grantor::clock::Timestamp;
use grantor::grant::{AccessTokenRecord, CodeRecord, IssuedTokens, Retirement};
use grantor::identifier::Subject;
use grantor::secret::{GrantId, TokenKey};
use grantor::store::{ClientRegistry, GrantStore, Insertion, Page, Redemption, Reuse, Rotation};

use crate::dataset::{self, CLIENTS, Dataset, Dice};

/// How many rows a call of `purge_tokens` may delete.
pub(crate) const PURGE_LIMIT: NonZeroU32 = NonZeroU32::new(100).unwrap();

const LIST_LIMIT: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// What every store that ships is.
pub(crate) trait Store: GrantStore + ClientRegistry {}

impl<T: GrantStore + ClientRegistry> Store for T {}

/// In the order in which they are measured: what uses up stored tokens comes late.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    FindClient,
    FindAccessToken,
    FindRefreshToken,
    ListGrants,
    TouchGrant,
    Reuse,
    Rotate,
    InsertCode,
    FindCode,
    Exchange,
    RevokeAccessToken,
    RevokeGrant,
    PurgeTokens,
}

impl Operation {
    pub(crate) const ALL: [Self; 13] = [
        Self::FindClient,
        Self::FindAccessToken,
        Self::FindRefreshToken,
        Self::ListGrants,
        Self::TouchGrant,
        Self::Reuse,
        Self::Rotate,
        Self::InsertCode,
        Self::FindCode,
        Self::Exchange,
        Self::RevokeAccessToken,
        Self::RevokeGrant,
        Self::PurgeTokens,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FindClient => "find_client",
            Self::FindAccessToken => "find_access_token",
            Self::FindRefreshToken => "find_refresh_token",
            Self::ListGrants => "list_grants",
            Self::TouchGrant => "touch_grant",
            Self::Reuse => "reuse",
            Self::Rotate => "rotate",
            Self::InsertCode => "insert_code",
            Self::FindCode => "find_code",
            Self::Exchange => "exchange",
            Self::RevokeAccessToken => "revoke_access_token",
            Self::RevokeGrant => "revoke_grant",
            Self::PurgeTokens => "purge_tokens (100)",
        }
    }

    /// Whether there is a bare statement to compare it with.
    pub(crate) const fn has_floor(self) -> bool {
        use Operation::{Exchange, FindAccessToken, FindCode, FindRefreshToken, Rotate};
        matches!(self, FindAccessToken | FindRefreshToken | FindCode | Exchange | Rotate)
    }
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    FindClient(ClientId),
    FindAccessToken(TokenKey),
    FindRefreshToken(TokenKey),
    ListGrants(Subject),
    TouchGrant(GrantId, Timestamp),
    Reuse(TokenKey, Box<AccessTokenRecord>),
    Rotate(TokenKey, Box<(Retirement, IssuedTokens)>),
    InsertCode(Box<CodeRecord>),
    FindCode(TokenKey),
    Exchange(TokenKey, Box<IssuedTokens>),
    RevokeAccessToken(TokenKey),
    RevokeGrant(GrantId, Timestamp),
    InsertTokens(Box<IssuedTokens>),
    PurgeTokens(Timestamp),
}

impl Call {
    /// Makes the call. What it answers is known: anything else is a mistake of the measurement, or of the store.
    pub(crate) async fn make(&self, store: &dyn Store) {
        let expected = match self {
            Self::FindClient(id) => store.find_client(id).await.expect("find_client").is_some(),
            Self::FindAccessToken(key) => store.find_access_token(key).await.expect("find_access_token").is_some(),
            Self::FindRefreshToken(key) => store.find_refresh_token(key).await.expect("find_refresh_token").is_some(),
            Self::ListGrants(subject) => {
                !store.list_grants(subject, None, Page::first(LIST_LIMIT)).await.expect("list_grants").is_empty()
            }
            Self::TouchGrant(id, at) => {
                store.touch_grant(id, *at).await.expect("touch_grant");
                true
            }
            Self::Reuse(key, access) => {
                let reuse = store.reuse_refresh_token(key, access.expires_at, access).await.expect("reuse");
                reuse == Reuse::Accepted
            }
            Self::Rotate(key, successors) => {
                let (retirement, tokens) = &**successors;
                store.rotate_refresh_token(key, retirement, tokens).await.expect("rotate") == Rotation::Rotated
            }
            Self::InsertCode(code) => store.insert_code(code).await.expect("insert_code") == Insertion::Inserted,
            Self::FindCode(key) => store.find_code(key).await.expect("find_code").is_some(),
            Self::Exchange(key, tokens) => {
                store.exchange_code(key, tokens).await.expect("exchange") == Redemption::First
            }
            Self::RevokeAccessToken(key) => {
                store.revoke_access_token(key).await.expect("revoke_access_token");
                true
            }
            Self::RevokeGrant(id, at) => {
                store.revoke_grant(id, *at).await.expect("revoke_grant");
                true
            }
            Self::InsertTokens(tokens) => {
                store.insert_tokens(tokens).await.expect("insert_tokens") == Insertion::Inserted
            }
            Self::PurgeTokens(before) => {
                let _ = store.purge_tokens(*before, PURGE_LIMIT).await.expect("purge_tokens");
                true
            }
        };
        assert!(expected, "unexpected answer to {self:?}");
    }

    /// The exchange of a code that was inserted.
    pub(crate) fn exchange(code: &CodeRecord) -> Self {
        Self::Exchange(code.key, Box::new(dataset::fresh_tokens(&code.grant)))
    }
}

/// Makes calls about a set of stored grants, each at most once where that matters.
pub(crate) struct Caller {
    pub(crate) live: Dataset,
    dice: Dice,
    /// How many grants were used up.
    used: u64,
}

impl Caller {
    pub(crate) const fn new(live: Dataset) -> Self {
        Self { live, dice: Dice(1), used: 0 }
    }

    /// Calls of an operation that needs nothing but what is stored; fewer than `count` once all grants are used up.
    pub(crate) fn calls(&mut self, operation: Operation, count: usize) -> Vec<Call> {
        (0..count).map_while(|_| self.call(operation)).collect()
    }

    fn call(&mut self, operation: Operation) -> Option<Call> {
        let at = Timestamp::from_unix_millis(dataset::now());
        let any = self.dice.below(self.live.grants);
        Some(match operation {
            Operation::FindClient => Call::FindClient(dataset::client_id(self.dice.below(CLIENTS))),
            Operation::FindAccessToken => Call::FindAccessToken(self.live.access_key(any)),
            Operation::FindRefreshToken => Call::FindRefreshToken(self.live.refresh_key(any)),
            Operation::ListGrants => Call::ListGrants(dataset::subject(any)),
            Operation::TouchGrant => Call::TouchGrant(self.live.grant_id(any), at),
            Operation::Reuse => {
                let key = self.live.refresh_key(any);
                Call::Reuse(key, Box::new(dataset::fresh_access_token(key.grant)))
            }
            Operation::Rotate => {
                let n = self.take()?;
                let tokens = dataset::fresh_tokens(&self.live.grant(n));
                Call::Rotate(self.live.refresh_key(n), Box::new((retirement(&tokens), tokens)))
            }
            Operation::InsertCode | Operation::FindCode | Operation::Exchange => {
                Call::InsertCode(Box::new(dataset::fresh_code(any)))
            }
            Operation::RevokeAccessToken => {
                let n = self.take()?;
                Call::RevokeAccessToken(self.live.access_key(n))
            }
            Operation::RevokeGrant => {
                let n = self.take()?;
                Call::RevokeGrant(self.live.grant_id(n), at)
            }
            Operation::PurgeTokens => Call::InsertTokens(Box::new(dataset::stale_tokens(any))),
        })
    }

    /// A grant that was not taken before, far from the last one.
    fn take(&mut self) -> Option<u64> {
        // A prime that divides no number of grants that fits a memory, so that the multiples visit every grant once.
        const STRIDE: u128 = 2_654_435_761;
        let taken = u128::from(self.used) * STRIDE % u128::from(self.live.grants);
        self.used += 1;
        (self.used <= self.live.grants).then(|| u64::try_from(taken).expect("it is below the number of grants"))
    }
}

fn retirement(successors: &IssuedTokens) -> Retirement {
    Retirement {
        at: successors.access.issued_at,
        nonce: *GrantId::random().as_bytes(),
        successor: successors.refresh.as_ref().expect("a refresh token").key.hash,
        scope: successors.access.scope.clone(),
        resource: successors.access.resource.clone(),
        access_expires_at: successors.access.expires_at,
    }
}

/// What calls are made to.
#[derive(Clone)]
pub(crate) enum Target {
    Store(Arc<dyn Store>),
    Floor(Arc<dyn Floor>),
}

impl Target {
    pub(crate) async fn make(&self, call: &Call) {
        match self {
            Self::Store(store) => call.make(&**store).await,
            Self::Floor(floor) => assert!(floor.make(call).await, "unexpected answer to {call:?}"),
        }
    }
}

/// The least that a call can be on the same backend: one bare statement, no check, no decoding beyond a column.
#[async_trait::async_trait]
pub(crate) trait Floor: Send + Sync {
    /// Whether it found what it should.
    async fn make(&self, call: &Call) -> bool;

    /// Makes known what was stored by a call to the store itself, where the two share nothing.
    fn observe(&self, call: &Call);
}
