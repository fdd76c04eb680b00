//! Codes, and their exchange for tokens.

use std::num::NonZeroU32;

use async_trait::async_trait;
use redis::cmd;

use super::RedisStore;
use super::bytes::instant;
use super::calls::{Reply, all_bytes, unexpected};
use super::grant_lists::listed_until;
use super::keys::grant_deadline;
use super::records::{self, Lasting};
use super::scripts::{COUNT_FAILURE, EXCHANGE, INSERT_GRANT, REDEEM};
use super::tokens::{check_grant, key_taken};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{CodeRecord, Grant, IssuedTokens};
use crate::secret::TokenKey;
use crate::store::{CodeStore, GrantStore, Insertion, Redemption};

#[async_trait]
impl CodeStore for RedisStore {
    /// Stores the code's grant too, until the code expires; a grant that is there already conflicts.
    async fn insert_code(&self, code: &CodeRecord) -> Result<Insertion, StoreError> {
        check_grant(&code.grant.id, [code.key])?;
        self.insert_new_grant(&code.grant, records::code_value(code), code.expires_at).await
    }

    async fn find_code(&self, key: &TokenKey) -> Result<Option<CodeRecord>, StoreError> {
        let grant_key = self.keys.grant(&key.grant);
        let mut get = cmd("MGET");
        get.arg(&grant_key).arg(self.keys.code(&key.grant));
        let [Some(grant), Some(code)] = all_bytes(self.read(&grant_key, get).await?)? else { return Ok(None) };
        let Some(grant) = records::live_grant(&grant, key.grant)? else { return Ok(None) };
        records::code(&code, *key, grant)
    }

    async fn redeem_code(
        &self,
        key: &TokenKey,
        at: Timestamp,
        keep_until: Option<Timestamp>,
    ) -> Result<Redemption, StoreError> {
        let lasting = Lasting::until([keep_until]);
        let keys = [self.keys.grant(&key.grant), self.keys.code(&key.grant)];
        let arguments = vec![key.hash.as_bytes().to_vec(), instant(at).to_vec()];
        redemption(&self.run_lasting(&REDEEM, &key.grant, lasting, &keys, arguments).await?)
    }

    async fn count_failure(&self, key: &TokenKey) -> Result<(), StoreError> {
        let keys = [self.keys.grant(&key.grant), self.keys.code(&key.grant)];
        self.run(&COUNT_FAILURE, &keys, &[key.hash.as_bytes().to_vec()]).await?;
        Ok(())
    }

    /// Deletes nothing: Redis does, with the grant of the code, a day after that expired.
    async fn purge_codes(&self, _before: Timestamp, _limit: NonZeroU32) -> Result<u32, StoreError> {
        Ok(0)
    }
}

#[async_trait]
impl GrantStore for RedisStore {
    async fn exchange_code(&self, code: &TokenKey, tokens: &IssuedTokens) -> Result<Redemption, StoreError> {
        let keys = self.token_keys(&code.grant, None, &tokens.access.key, tokens.refresh.as_ref());
        let mut arguments = Self::token_arguments(&tokens.access, tokens.refresh.as_ref());
        arguments.extend([code.hash.as_bytes().to_vec(), instant(tokens.access.issued_at).to_vec()]);
        redemption(&self.run_lasting(&EXCHANGE, &code.grant, Lasting::of(tokens), &keys, arguments).await?)
    }
}

impl RedisStore {
    /// Stores a grant that is not there, with its code if it has one.
    pub(super) async fn insert_new_grant(
        &self,
        grant: &Grant,
        code: Vec<u8>,
        expires_at: Timestamp,
    ) -> Result<Insertion, StoreError> {
        let lasting = Lasting::until([Some(expires_at)]);
        let listed = self.list_grant(grant, lasting).await?;
        let keys = [self.keys.grant(&grant.id), self.keys.code(&grant.id)];
        let value = records::grant_value(grant, lasting, listed_until(lasting))?;
        let reply = self.run(&INSERT_GRANT, &keys, &[value, code, grant_deadline(Some(expires_at))]).await?;
        let insertion = insertion(&reply)?;
        self.look_for(listed).await;
        Ok(insertion)
    }
}

pub(super) fn insertion(reply: &Reply) -> Result<Insertion, StoreError> {
    match reply.word() {
        b"inserted" => Ok(Insertion::Inserted),
        b"conflict" => Ok(Insertion::Conflict),
        _ => Err(unexpected()),
    }
}

fn redemption(reply: &Reply) -> Result<Redemption, StoreError> {
    match reply.word() {
        b"first" => Ok(Redemption::First),
        b"replayed" => Ok(Redemption::Replayed),
        b"unknown" => Ok(Redemption::Unknown),
        b"taken" => Err(key_taken()),
        _ => Err(unexpected()),
    }
}
