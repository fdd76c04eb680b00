//! The few grants and names that the steps of one sequence are about.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::grant::{GrantModel, KeyTaken};
use super::step::{Answer, CODES, GRANTS, KEYS, Lasts, NAMES, Step, Tokens};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RefreshTokenRecord, Retirement};
use crate::identifier::{Subject, Tenant};
use crate::pkce::CodeChallenge;
use crate::secret::{GrantId, TokenHash, TokenKey};
use crate::store::{FoundAccessToken, FoundRefreshToken, GrantStore, GrantSummary, Page};
use crate::testkit::fixtures::{self, from_now};

/// The grants and names, with what the model holds of them.
pub(super) struct World {
    grants: Vec<Arc<Grant>>,
    subjects: Vec<Subject>,
    clients: Vec<ClientId>,
    tenants: Vec<Tenant>,
    models: Vec<Option<GrantModel>>,
    start: Timestamp,
}

impl World {
    pub(super) fn new() -> Self {
        let subjects: Vec<_> = (0..NAMES).map(|_| fixtures::subject()).collect();
        let clients: Vec<_> = (0..NAMES).map(|_| fixtures::client_id()).collect();
        let tenants: Vec<_> = (0..NAMES).map(|_| fixtures::tenant()).collect();
        let mut ids: Vec<_> = (0..GRANTS).map(|_| GrantId::random()).collect();
        ids.sort_unstable();
        let grant = |(n, id): (usize, GrantId)| {
            let grant = fixtures::grant_of(&subjects[n % NAMES], &clients[n / NAMES]);
            // The first is confined to no tenant, and the others to one each.
            let tenant = n.checked_sub(1).map(|n| tenants[n % NAMES].clone());
            Arc::new(Grant { id, tenant, ..Grant::clone(&grant) })
        };
        let grants = ids.into_iter().enumerate().map(grant).collect();
        Self { grants, subjects, clients, tenants, models: vec![None; GRANTS], start: from_now(0) }
    }

    /// What the model answers, which takes the step.
    pub(super) fn expect(&mut self, step: &Step) -> Answer {
        match step {
            Step::InsertGrant { grant, lasts } => {
                let (of, until) = (Arc::clone(&self.grants[*grant]), self.hours(*lasts));
                Answer::Insertion(GrantModel::insert(&mut self.models[*grant], &of, Some(until), None))
            }
            Step::InsertCode { grant, code, lasts } => {
                let code = self.code(*grant, *code, *lasts);
                let model = &mut self.models[*grant];
                Answer::Insertion(GrantModel::insert(model, &code.grant, Some(code.expires_at), Some(&code)))
            }
            Step::InsertTokens { grant, tokens } => {
                let tokens = self.tokens(*grant, tokens);
                Answer::Insertion(GrantModel::insert_tokens(&mut self.models[*grant], &tokens))
            }
            Step::RevokeSubject { name, at } => {
                let subject = self.subjects[*name].clone();
                self.revoke_all(*at, |grant| grant.subject.as_ref() == Some(&subject))
            }
            Step::RevokeClient { name, at } => {
                let client = self.clients[*name].clone();
                self.revoke_all(*at, |grant| grant.client.as_ref() == Some(&client))
            }
            Step::RevokeTenant { name, at } => {
                let tenant = self.tenants[*name].clone();
                self.revoke_all(*at, |grant| grant.tenant.as_ref() == Some(&tenant))
            }
            Step::List { name, client, after, limit } => {
                let after = after.map(|grant| self.grants[grant].id);
                let matches = |summary: &&GrantSummary| {
                    summary.grant.subject.as_ref() == Some(&self.subjects[*name])
                        && client.is_none_or(|client| summary.grant.client.as_ref() == Some(&self.clients[client]))
                        && after.is_none_or(|after| summary.grant.id > after)
                };
                let all = self.models.iter().flatten().map(|model| &model.summary);
                Answer::Grants(all.filter(matches).take(*limit as usize).cloned().collect())
            }
            Step::PurgeNothing => Answer::Count(0),
            step => self.expect_of_grant(step),
        }
    }

    /// What the model of one grant answers.
    fn expect_of_grant(&mut self, step: &Step) -> Answer {
        let prepared = self.prepare(step);
        let Some(model) = self.models.get_mut(step.grant()).and_then(Option::as_mut) else {
            return step.of_no_grant();
        };
        let grant = Arc::clone(&model.summary.grant);
        let hash = prepared.key.hash;
        match step {
            Step::FindCode { .. } => Answer::Code(model.find_code(hash).cloned()),
            Step::Redeem { .. } => Answer::Redemption(model.redeem(hash, prepared.at, prepared.until)),
            Step::CountFailure { .. } => {
                model.count_failure(hash);
                Answer::Done
            }
            Step::Exchange { .. } => or_failed(model.exchange(hash, &prepared.tokens), Answer::Redemption),
            Step::FindAccess { .. } => {
                Answer::Access(model.find_access_token(hash).cloned().map(|token| FoundAccessToken { token, grant }))
            }
            Step::FindRefresh { .. } => {
                Answer::Refresh(model.find_refresh_token(hash).cloned().map(|token| FoundRefreshToken { token, grant }))
            }
            Step::Rotate { .. } => {
                or_failed(model.rotate(hash, &prepared.retirement, &prepared.tokens), Answer::Rotation)
            }
            Step::Reuse { .. } => or_failed(model.reuse(hash, prepared.until, &prepared.tokens.access), Answer::Reuse),
            Step::RevokeAccess { .. } => {
                model.revoke_access_token(hash);
                Answer::Done
            }
            Step::RevokeGrant { .. } => {
                model.revoke(prepared.at);
                Answer::Done
            }
            _ => {
                model.touch(prepared.at);
                Answer::Done
            }
        }
    }

    /// Takes the step in a store.
    pub(super) async fn take(&self, store: &dyn GrantStore, step: &Step) -> Answer {
        self.call(store, step).await.unwrap_or(Answer::Failed)
    }

    async fn call(&self, store: &dyn GrantStore, step: &Step) -> Result<Answer, StoreError> {
        let Prepared { key, at, until, tokens, retirement } = self.prepare(step);
        Ok(match step {
            Step::InsertGrant { grant, lasts } => {
                Answer::Insertion(store.insert_grant(&self.grants[*grant], self.hours(*lasts)).await?)
            }
            Step::InsertCode { grant, code, lasts } => {
                Answer::Insertion(store.insert_code(&self.code(*grant, *code, *lasts)).await?)
            }
            Step::FindCode { .. } => Answer::Code(store.find_code(&key).await?),
            Step::Redeem { .. } => Answer::Redemption(store.redeem_code(&key, at, until).await?),
            Step::CountFailure { .. } => done(store.count_failure(&key).await)?,
            Step::Exchange { .. } => Answer::Redemption(store.exchange_code(&key, &tokens).await?),
            Step::InsertTokens { .. } => Answer::Insertion(store.insert_tokens(&tokens).await?),
            Step::FindAccess { .. } => Answer::Access(store.find_access_token(&key).await?),
            Step::FindRefresh { .. } => Answer::Refresh(store.find_refresh_token(&key).await?),
            Step::Rotate { .. } => Answer::Rotation(store.rotate_refresh_token(&key, &retirement, &tokens).await?),
            Step::Reuse { .. } => Answer::Reuse(store.reuse_refresh_token(&key, until, &tokens.access).await?),
            Step::RevokeAccess { .. } => done(store.revoke_access_token(&key).await)?,
            Step::RevokeGrant { grant, .. } => done(store.revoke_grant(&self.grants[*grant].id, at).await)?,
            Step::RevokeSubject { name, .. } => Answer::Count(store.revoke_subject(&self.subjects[*name], at).await?),
            Step::RevokeClient { name, .. } => Answer::Count(store.revoke_client(&self.clients[*name], at).await?),
            Step::RevokeTenant { name, .. } => Answer::Count(store.revoke_tenant(&self.tenants[*name], at).await?),
            Step::Touch { grant, .. } => done(store.touch_grant(&self.grants[*grant].id, at).await)?,
            Step::List { name, client, after, limit } => {
                let limit = NonZeroU32::new(*limit).expect("a limit above zero");
                let page = Page { after: after.map(|grant| self.grants[grant].id), limit };
                let client = client.map(|client| &self.clients[client]);
                Answer::Grants(store.list_grants(&self.subjects[*name], client, page).await?)
            }
            Step::PurgeNothing => {
                // Before the sequences that came earlier as well, whose revoked grants may be due by now.
                let before = Timestamp::from_unix_millis(self.start.unix_millis() - 86_400_000);
                let codes = store.purge_codes(before, NonZeroU32::MAX).await?;
                Answer::Count(u64::from(codes + store.purge_tokens(before, NonZeroU32::MAX).await?))
            }
        })
    }

    /// Everything that can be asked, with the model's answers.
    pub(super) fn questions(&mut self) -> Vec<(Step, Answer)> {
        let mut questions = Vec::new();
        for grant in 0..GRANTS {
            questions.extend((0..CODES).map(|code| Step::FindCode { grant, code }));
            questions.extend((0..KEYS).map(|access| Step::FindAccess { grant, access }));
            questions.extend((0..KEYS).map(|refresh| Step::FindRefresh { grant, refresh }));
        }
        let limit = u32::try_from(GRANTS).expect("a few");
        questions.extend((0..NAMES).map(|name| Step::List { name, client: None, after: None, limit }));
        questions
            .into_iter()
            .map(|step| {
                let answer = self.expect(&step);
                (step, answer)
            })
            .collect()
    }

    fn revoke_all(&mut self, at: u8, of: impl Fn(&Grant) -> bool) -> Answer {
        let at = self.minutes(at);
        let models = self.models.iter_mut().flatten().filter(|model| of(&model.summary.grant));
        Answer::Count(models.filter_map(|model| model.revoke(at).then_some(1)).sum())
    }

    fn prepare(&self, step: &Step) -> Prepared {
        let grant = step.grant();
        let mut prepared = Prepared {
            key: key(&self.grants[grant], b'?', 0),
            at: self.start,
            until: None,
            tokens: self
                .tokens(grant, &Tokens { access: 0, refresh: Some(0), access_lasts: None, refresh_lasts: None }),
            retirement: fixtures::retirement(&fixtures::issued(&self.grants[grant])),
        };
        let of = |kind, n: &usize| key(&self.grants[grant], kind, *n);
        match step {
            Step::FindCode { code, .. } | Step::CountFailure { code, .. } => prepared.key = of(b'c', code),
            Step::Redeem { code, keep, .. } => {
                prepared.key = of(b'c', code);
                prepared.until = keep.map(|lasts| self.hours(lasts));
            }
            Step::Exchange { code, tokens, .. } => {
                prepared.key = of(b'c', code);
                prepared.tokens = self.tokens(grant, tokens);
            }
            Step::InsertTokens { tokens, .. } => prepared.tokens = self.tokens(grant, tokens),
            Step::FindAccess { access, .. } | Step::RevokeAccess { access, .. } => prepared.key = of(b'a', access),
            Step::FindRefresh { refresh, .. } => prepared.key = of(b'r', refresh),
            Step::Rotate { refresh, tokens, nonce, .. } => {
                prepared.key = of(b'r', refresh);
                prepared.tokens = self.tokens(grant, tokens);
                prepared.retirement = Retirement { nonce: [*nonce; 16], ..fixtures::retirement(&prepared.tokens) };
            }
            Step::Reuse { refresh, lasts, tokens, .. } => {
                prepared.key = of(b'r', refresh);
                prepared.until = lasts.map(|lasts| self.hours(lasts));
                prepared.tokens = self.tokens(grant, tokens);
            }
            Step::RevokeGrant { at, .. }
            | Step::RevokeSubject { at, .. }
            | Step::RevokeClient { at, .. }
            | Step::RevokeTenant { at, .. }
            | Step::Touch { at, .. } => prepared.at = self.minutes(*at),
            Step::InsertGrant { .. } | Step::InsertCode { .. } | Step::List { .. } | Step::PurgeNothing => {}
        }
        prepared
    }

    fn code(&self, grant: usize, code: usize, lasts: Lasts) -> CodeRecord {
        let fixture = fixtures::code(&self.grants[grant]);
        let challenge = Some(CodeChallenge::from_bytes([7; 32]));
        let key = key(&self.grants[grant], b'c', code);
        CodeRecord { key, challenge, expires_at: self.hours(lasts), ..fixture }
    }

    fn tokens(&self, grant: usize, tokens: &Tokens) -> IssuedTokens {
        let grant = &self.grants[grant];
        let access = AccessTokenRecord {
            key: key(grant, b'a', tokens.access),
            issued_at: self.start,
            expires_at: tokens.access_lasts.map(|lasts| self.hours(lasts)),
            ..fixtures::access_token(grant)
        };
        let refresh = tokens.refresh.map(|refresh| RefreshTokenRecord {
            key: key(grant, b'r', refresh),
            issued_at: self.start,
            expires_at: tokens.refresh_lasts.map(|lasts| self.hours(lasts)),
            ..fixtures::refresh_token(grant)
        });
        IssuedTokens { grant: Arc::clone(grant), access, refresh }
    }

    fn hours(&self, hours: u8) -> Timestamp {
        Timestamp::from_unix_millis(self.start.unix_millis() + i64::from(hours) * 3_600_000)
    }

    fn minutes(&self, minutes: u8) -> Timestamp {
        Timestamp::from_unix_millis(self.start.unix_millis() + i64::from(minutes) * 60_000)
    }
}

/// What a step hands to a store.
struct Prepared {
    key: TokenKey,
    at: Timestamp,
    until: Option<Timestamp>,
    tokens: IssuedTokens,
    retirement: Retirement,
}

/// The key of the `n`th code or token of its kind under a grant.
fn key(grant: &Grant, kind: u8, n: usize) -> TokenKey {
    let mut hash = [kind; 32];
    hash[0] = u8::try_from(n).expect("a few");
    TokenKey { grant: grant.id, hash: TokenHash::from_bytes(hash) }
}

fn done(outcome: Result<(), StoreError>) -> Result<Answer, StoreError> {
    outcome.map(|()| Answer::Done)
}

fn or_failed<T>(outcome: Result<T, KeyTaken>, answer: impl FnOnce(T) -> Answer) -> Answer {
    outcome.map_or(Answer::Failed, answer)
}
