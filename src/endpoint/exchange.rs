//! A code for tokens (RFC 6749 §4.1.3).

use std::borrow::Cow;

use super::Refusal;
use super::join::both;
use super::limit::Caller;
use crate::client::{AuthenticatedClient, GrantType};
use crate::configuration::narrow_resources;
use crate::error::{ErrorReason, StoreError};
use crate::grant::{CodeCheck, CodeRecord, Issuing, Minted};
use crate::observer::Event;
use crate::secret::{Kind, Token, TokenKey};
use crate::server::AuthorizationServer;
use crate::store::Redemption;
use crate::wire::{Presented, TokenResponse};

impl AuthorizationServer {
    /// Reads client and code at once, checks everything, and then spends the code and stores the tokens in one step.
    pub(super) async fn exchange(
        &self,
        caller: &Caller<'_>,
        code: Option<&str>,
        presented: &Presented<'_>,
        resources: &[Cow<'_, str>],
    ) -> Result<TokenResponse, Refusal> {
        let prefix = &self.configuration().prefixes.authorization_code;
        let key = code.and_then(|code| Token::parse(Kind::AuthorizationCode, prefix, code)).map(|token| token.key());
        let (client, record) = both(self.find_client(caller.id), self.find_code(key.as_ref())).await;

        let client = self.authenticate(caller, client?).await?;
        if !client.client().allows(GrantType::AuthorizationCode) {
            return Err(ErrorReason::GrantTypeNotAllowed.into());
        }
        if code.is_none() {
            return Err(ErrorReason::CodeMissing.into());
        }
        let record = record?.ok_or(ErrorReason::CodeUnknown)?;
        let redeemed = self.redeem(caller, &client, &record, presented, resources).await;
        redeemed.map_err(|refusal| refusal.about(record.grant.id))
    }

    async fn redeem(
        &self,
        caller: &Caller<'_>,
        client: &AuthenticatedClient,
        record: &CodeRecord,
        presented: &Presented<'_>,
        resources: &[Cow<'_, str>],
    ) -> Result<TokenResponse, Refusal> {
        let check = record.check(client, self.configuration(), presented, caller.now);
        match check {
            CodeCheck::Redeem | CodeCheck::Replay => {}
            CodeCheck::WrongVerifier => {
                self.inner.grants.count_failure(&record.key).await?;
                return Err(ErrorReason::CodeVerifierMismatch.into());
            }
            CodeCheck::Refuse(reason) => return Err(reason.into()),
        }
        let resource = narrow_resources(&record.grant.resource, resources)?;
        if check == CodeCheck::Replay {
            return Err(self.replayed(client, record, caller).await);
        }

        let issuing = Issuing::to(client.client(), self.configuration(), caller.now);
        let Minted { tokens, response } = issuing.exchange(&record.grant, resource)?;
        match self.inner.grants.exchange_code(&record.key, &tokens).await? {
            Redemption::First => {
                self.observe(&Event::Issued {
                    grant: record.grant.id,
                    client: client.client().id(),
                    subject: record.grant.subject.as_ref(),
                    grant_type: GrantType::AuthorizationCode,
                });
                Ok(response)
            }
            Redemption::Replayed => Err(self.replayed(client, record, caller).await),
            Redemption::Unknown => Err(ErrorReason::CodeUnknown.into()),
        }
    }

    async fn find_code(&self, key: Option<&TokenKey>) -> Result<Option<CodeRecord>, StoreError> {
        match key {
            Some(key) => self.inner.grants.find_code(key).await,
            None => Ok(None),
        }
    }

    /// A second request that is right in every respect: two parties hold the code, so what it bought is revoked.
    async fn replayed(&self, client: &AuthenticatedClient, record: &CodeRecord, caller: &Caller<'_>) -> Refusal {
        let grant = record.grant.id;
        if let Err(error) = self.inner.grants.revoke_grant(&grant, caller.now).await {
            return error.into();
        }
        let reason = ErrorReason::CodeReplayed;
        let (client, subject) = (client.client().id(), record.grant.subject.as_ref());
        self.observe(&Event::Replayed { grant, client, subject, reason });
        reason.into()
    }
}
