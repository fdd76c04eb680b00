//! One part of the grants, with all that belongs to them.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::hash::BuildKeyHasher;
use super::index::{Index, Place, Places};
use super::limits::Quota;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RefreshTokenRecord, RefreshTokenState, Retirement,
};
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{GrantId, TokenHash, TokenKey};
use crate::store::{Insertion, Redemption};

/// The grants of one shard.
///
/// Revoking a grant takes its code and tokens out of the maps at once. So whatever is found in them is not revoked, and
/// a bearer check is a single look-up.
#[derive(Default)]
pub(super) struct Shard {
    pub(super) grants: HashMap<GrantId, StoredGrant, BuildKeyHasher>,
    pub(super) tokens: Tokens,
    pub(super) agenda: Agenda,
    pub(super) clients: BTreeMap<Place, GrantId>,
    pub(super) tenants: BTreeMap<Place, GrantId>,
}

/// When which grant is to be looked at for what has expired. Each grant is in it once, at its [`StoredGrant::due`]
/// unless that is [`NEVER`]; so it cannot outgrow the grants.
///
/// The latest is first, because most grants that come are due last, and a tree takes a new first entry with the fewest
/// comparisons.
pub(super) type Agenda = BTreeSet<(Reverse<Timestamp>, GrantId)>;

pub(super) struct StoredGrant {
    pub(super) grant: Arc<Grant>,
    /// Its keys in [`Shard::clients`] and [`Shard::tenants`], if it has a client and a tenant.
    pub(super) places: Places,
    pub(super) code: Option<Box<CodeRecord>>,
    pub(super) tokens: Vec<Held>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) last_used_at: Option<Timestamp>,
    pub(super) revoked_at: Option<Timestamp>,
    /// Never later than the first expiry of what is held. It may be too early: then the look finds nothing and sets the
    /// next one, which is cheaper than moving it with every token.
    pub(super) due: Timestamp,
}

/// A token of a grant, so that a revocation and a purge find it.
pub(super) struct Held {
    pub(super) kind: Kind,
    pub(super) hash: TokenHash,
    pub(super) expires_at: Timestamp,
}

#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Kind {
    Access,
    Refresh,
}

#[derive(Default)]
pub(super) struct Tokens {
    pub(super) access: HashMap<TokenKey, StoredAccess, BuildKeyHasher>,
    pub(super) refresh: HashMap<TokenKey, StoredRefresh, BuildKeyHasher>,
}

pub(super) struct StoredAccess {
    pub(super) grant: Arc<Grant>,
    pub(super) scope: Scope,
    pub(super) resource: Resources,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
}

pub(super) struct StoredRefresh {
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    /// The token that this one replaced, until this one is used.
    pub(super) replaced: Option<TokenHash>,
    /// On the heap: most refresh tokens that are looked for are active.
    pub(super) retired: Option<Box<Retired>>,
}

pub(super) struct Retired {
    pub(super) retirement: Retirement,
    pub(super) retries: u32,
}

/// The expiry of what does not expire: no instant is later, so nothing is ever purged for it.
pub(super) const NEVER: Timestamp = Timestamp::MAX;

impl Shard {
    /// Stores a grant that is new, with its code if it has one.
    pub(super) fn insert_grant(
        &mut self,
        grant: &Arc<Grant>,
        expires_at: Option<Timestamp>,
        code: Option<&CodeRecord>,
        quota: &Quota,
        index: &Index,
    ) -> Result<Insertion, StoreError> {
        let Entry::Vacant(vacant) = self.grants.entry(grant.id) else {
            return Ok(Insertion::Conflict);
        };
        let places = index.enter(grant, quota)?;
        if let Some(place) = places.client {
            self.clients.insert(place, grant.id);
        }
        if let Some(place) = places.tenant {
            self.tenants.insert(place, grant.id);
        }
        let stored = StoredGrant {
            places,
            grant: Arc::clone(grant),
            code: code.cloned().map(Box::new),
            tokens: Vec::new(),
            expires_at,
            last_used_at: None,
            revoked_at: None,
            due: NEVER,
        };
        vacant.insert(stored).look_by(expires_at.unwrap_or(NEVER), &mut self.agenda);
        Ok(Insertion::Inserted)
    }

    pub(super) fn find_code(&self, key: &TokenKey) -> Option<CodeRecord> {
        let code = self.grants.get(&key.grant)?.code.as_deref()?;
        (code.key == *key).then(|| code.clone())
    }

    pub(super) fn redeem_code(&mut self, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        let Some(stored) = self.grants.get_mut(&key.grant) else {
            return Redemption::Unknown;
        };
        let redemption = stored.redemption(key);
        if redemption == Redemption::First {
            stored.redeem(at, keep_until);
        }
        redemption
    }

    pub(super) fn count_failure(&mut self, key: &TokenKey) {
        let stored = self.grants.get_mut(&key.grant);
        if let Some(code) = stored.and_then(|stored| stored.code.as_deref_mut()).filter(|code| code.key == *key) {
            code.failures = code.failures.saturating_add(1);
        }
    }

    pub(super) fn exchange_code(
        &mut self,
        key: &TokenKey,
        tokens: &IssuedTokens,
        quota: &Quota,
    ) -> Result<Redemption, StoreError> {
        let Some(stored) = self.grants.get_mut(&key.grant) else {
            return Ok(Redemption::Unknown);
        };
        let redemption = stored.redemption(key);
        if redemption == Redemption::First {
            let new = NewTokens::from(tokens);
            self.tokens.admit(&new, stored.tokens.len(), quota)?;
            stored.redeem(new.access.issued_at, tokens.expires_at());
            self.tokens.store(&new, stored, &mut self.agenda);
        }
        Ok(redemption)
    }
}

/// What is to be stored together.
pub(super) struct NewTokens<'a> {
    pub(super) access: &'a AccessTokenRecord,
    pub(super) refresh: Option<&'a RefreshTokenRecord>,
    /// The refresh token that `refresh` replaces.
    pub(super) replaced: Option<TokenHash>,
}

impl<'a> From<&'a IssuedTokens> for NewTokens<'a> {
    fn from(tokens: &'a IssuedTokens) -> Self {
        Self { access: &tokens.access, refresh: tokens.refresh.as_ref(), replaced: None }
    }
}

impl NewTokens<'_> {
    pub(super) const fn count(&self) -> usize {
        if self.refresh.is_some() { 2 } else { 1 }
    }
}

impl Tokens {
    pub(super) fn have_any_of(&self, new: &NewTokens<'_>) -> bool {
        let known = |refresh: &RefreshTokenRecord| self.refresh.contains_key(&refresh.key);
        self.access.contains_key(&new.access.key) || new.refresh.is_some_and(known)
    }

    /// Makes sure that these can be stored under a grant that holds `held` tokens, so that storing them cannot fail
    /// half-way.
    pub(super) fn admit(&self, new: &NewTokens<'_>, held: usize, quota: &Quota) -> Result<(), StoreError> {
        if self.have_any_of(new) {
            return Err(StoreError::failed("a token with this key is stored already"));
        }
        quota.admit_tokens(held, new.count())
    }

    pub(super) fn store(&mut self, new: &NewTokens<'_>, stored: &mut StoredGrant, agenda: &mut Agenda) {
        let access = new.access;
        stored.tokens.reserve(new.count());
        stored.hold(Kind::Access, access.key.hash, access.expires_at, agenda);
        let token = StoredAccess {
            grant: Arc::clone(&stored.grant),
            scope: access.scope.clone(),
            resource: access.resource.clone(),
            issued_at: access.issued_at,
            expires_at: access.expires_at,
        };
        self.access.insert(access.key, token);
        if let Some(refresh) = new.refresh {
            stored.hold(Kind::Refresh, refresh.key.hash, refresh.expires_at, agenda);
            let retired = match &refresh.state {
                RefreshTokenState::Active => None,
                RefreshTokenState::Retired(retirement) => Some(Retired::new(retirement)),
            };
            let token = StoredRefresh {
                issued_at: refresh.issued_at,
                expires_at: refresh.expires_at,
                replaced: new.replaced,
                retired,
            };
            self.refresh.insert(refresh.key, token);
        }
    }

    pub(super) fn remove(&mut self, grant: GrantId, held: &Held) {
        let key = TokenKey { grant, hash: held.hash };
        match held.kind {
            Kind::Access => drop(self.access.remove(&key)),
            Kind::Refresh => drop(self.refresh.remove(&key)),
        }
    }
}

impl Retired {
    pub(super) fn new(retirement: &Retirement) -> Box<Self> {
        Box::new(Self { retirement: retirement.clone(), retries: 0 })
    }
}

impl StoredGrant {
    /// What comes of redeeming the code `key` of this grant.
    fn redemption(&self, key: &TokenKey) -> Redemption {
        match &self.code {
            Some(code) if code.key == *key && code.redeemed_at.is_none() => Redemption::First,
            Some(code) if code.key == *key => Redemption::Replayed,
            _ => Redemption::Unknown,
        }
    }

    fn redeem(&mut self, at: Timestamp, keep_until: Option<Timestamp>) {
        if let Some(code) = &mut self.code {
            code.redeemed_at = Some(at);
        }
        self.keep_until(keep_until);
    }

    /// Raises the expiry, never lowers it.
    pub(super) fn keep_until(&mut self, expires_at: Option<Timestamp>) {
        self.expires_at = self.expires_at.zip(expires_at).map(|(old, new)| old.max(new));
    }

    /// When the grant can be deleted, unless it holds tokens until later.
    pub(super) fn gone_at(&self) -> Timestamp {
        self.expires_at.or(self.revoked_at).unwrap_or(NEVER)
    }

    /// Where the token of this kind is among those that the grant holds. An access and a refresh token may share a hash.
    pub(super) fn position(&self, kind: Kind, hash: TokenHash) -> Option<usize> {
        // The newest tokens are at the end, and the likeliest to be used or revoked.
        self.tokens.iter().rposition(|held| held.kind == kind && held.hash == hash)
    }

    fn hold(&mut self, kind: Kind, hash: TokenHash, expires_at: Option<Timestamp>, agenda: &mut Agenda) {
        let expires_at = expires_at.unwrap_or(NEVER);
        self.tokens.push(Held { kind, hash, expires_at });
        self.look_by(expires_at, agenda);
    }

    /// Makes sure that the grant is looked at once `at` is past.
    pub(super) fn look_by(&mut self, at: Timestamp, agenda: &mut Agenda) {
        if at < self.due {
            if self.due != NEVER {
                agenda.remove(&(Reverse(self.due), self.grant.id));
            }
            agenda.insert((Reverse(at), self.grant.id));
            self.due = at;
        }
    }
}
