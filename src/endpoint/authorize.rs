//! The authorization endpoint (RFC 6749 §3.1).

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::client::{ClientId, ClientStatus};
use crate::configuration::{Readers, RememberedConsent};
use crate::error::{AuthorizeError, ErrorReason, StoreError};
use crate::grant::{Approval, ConfirmedAuthorization, Decided, Grant, PendingAuthorization, UI_LOCALES};
use crate::identifier::Subject;
use crate::observer::{Endpoint, Event, Operation};
use crate::rate_limit::{Limited, LimitedCall, Stage};
use crate::secret::GrantId;
use crate::server::AuthorizationServer;
use crate::store::{GrantSummary, Insertion, Page};
use crate::telemetry::operate;
use crate::wire::params::{Parameter, Params};
use crate::wire::{AuthorizationRequest, AuthorizationResponse};

/// The longest query that is read, in bytes.
const MAX_QUERY: usize = 32 * 1024;
/// How many grants are looked at for a remembered consent; a person who has more is asked once too often.
const MAX_REMEMBERED: usize = 1_000;
/// How many of them are asked for at once.
const REMEMBERED_BATCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// Whether a user has to be asked.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a user is asked or not")]
#[must_use = "the user waits for an answer"]
pub enum Recall {
    /// Ask: show the consent page.
    Ask(PendingAuthorization),
    /// The user consented to this before: approve it, or [`ask_again`](ConfirmedAuthorization::ask_again).
    Remembered(ConfirmedAuthorization),
}

impl AuthorizationServer {
    /// Checks an authorization request: the query of the URL, without the question mark, or an [`AuthorizationRequest`] that
    /// also tells where it comes from.
    ///
    /// Call it for the GET that shows a page, and again for the POST that brings the decision: the form posts back to
    /// its own URL, and what was true a minute ago is checked anew.
    ///
    /// # Errors
    ///
    /// [`AuthorizeError`], in the order of its causes: what must be shown to the person first, then what the client is
    /// told.
    pub async fn authorize<'a>(
        &self,
        request: impl Into<AuthorizationRequest<'a>> + Send,
    ) -> Result<PendingAuthorization, AuthorizeError> {
        let request = request.into();
        let checked = async {
            let (mut named, mut readers) = (None, self.configuration().readers(None));
            match self.check_request(request, &mut named, &mut readers).await {
                Ok(pending) => {
                    self.observe(&Event::Requested { client: pending.client().id() });
                    Ok(pending)
                }
                Err(error) => Err(self.refuse_authorization(error.for_readers(readers), named.as_ref())),
            }
        };
        operate(Operation::Authorize, checked).await
    }

    async fn check_request(
        &self,
        request: AuthorizationRequest<'_>,
        named: &mut Option<ClientId>,
        readers: &mut Option<Box<Readers>>,
    ) -> Result<PendingAuthorization, AuthorizeError> {
        let query = request.query();
        if query.len() > MAX_QUERY {
            return Err(AuthorizeError::show(ErrorReason::QueryTooLong));
        }
        let params = Params::parse(query).map_err(AuthorizeError::show)?;
        *readers = self.configuration().readers(params.unknown(UI_LOCALES));
        if params.repeats(Parameter::ClientId) {
            return Err(AuthorizeError::show(ErrorReason::ClientIdRepeated));
        }
        let id = params.get(Parameter::ClientId).ok_or(AuthorizeError::show(ErrorReason::ClientIdMissing))?;
        let id = ClientId::parse(id).map_err(|_| AuthorizeError::show(ErrorReason::ClientUnknown))?;
        let id = &*named.insert(id);
        let known = self.inner.clients.find_client(id).await?;
        let client = self.asking_client(request, &params, id, known).await?;
        let client = client.filter(|client| client.status() == ClientStatus::Enabled);
        let client = client.ok_or(AuthorizeError::show(ErrorReason::ClientUnknown))?;
        PendingAuthorization::validate(&self.inner.configuration, client, params, self.now())
    }

    /// Looks whether `subject` consented to this before, and need not be asked again.
    ///
    /// A live grant for the same client must cover scope and resources, and have the same values of the service's own
    /// parameters; the client must not have changed what people see of it since; and another app must not be able to
    /// pass for it (RFC 8252 §8.6).
    ///
    /// What the user chose is chosen again: the remembered decision has the tenant of that grant. Where they decided for
    /// several tenants, or once for one and once for all, they have to say which one it is this time; where
    /// [`PendingAuthorization::tenant`] says it, only consent for that one counts. That the user may still use the tenant
    /// is for the host to know.
    ///
    /// # Errors
    ///
    /// [`ErrorReason::ConsentRequired`] if the client asked not to show anything (`prompt=none`), or the failure of a
    /// store.
    pub async fn recall(&self, pending: PendingAuthorization, subject: &Subject) -> Result<Recall, AuthorizeError> {
        operate(Operation::Recall, self.look_back(pending, subject)).await
    }

    async fn look_back(&self, pending: PendingAuthorization, subject: &Subject) -> Result<Recall, AuthorizeError> {
        let client = pending.client().id();
        let enabled = self.configuration().remembered_consent == RememberedConsent::Enabled;
        if enabled && pending.may_be_remembered() {
            let covering = self.covering_grant(&pending, subject).await;
            let covering = covering.map_err(|error| self.refuse_authorization(pending.fail(error), Some(client)))?;
            if let Some(grant) = covering {
                self.observe(&Event::Remembered { grant: grant.id, client, subject });
                return Ok(Recall::Remembered(pending.remembered(subject.clone(), &grant)));
            }
        }
        pending.ask(subject).map(Recall::Ask)
    }

    /// A live grant to the same client that covers the request, if there is one among the first [`MAX_REMEMBERED`], and
    /// none there for another tenant.
    async fn covering_grant(
        &self,
        pending: &PendingAuthorization,
        subject: &Subject,
    ) -> Result<Option<Arc<Grant>>, StoreError> {
        let client = pending.client();
        let now = self.now();
        let covers = |summary: &GrantSummary| {
            summary.is_live(now)
                // A token that a page of the host issued for the app says nothing of where its codes may go.
                && summary.grant.name.is_none()
                && summary.grant.created_at >= client.updated_at()
                && (pending.tenant().is_none() || summary.grant.tenant.as_ref() == pending.tenant())
                && pending.keeps_the_same(&summary.grant.extra)
                && summary.grant.scope.contains_all(pending.scope())
                && summary.grant.resource.contains_all(pending.resource())
        };
        let mut page = Page::first(REMEMBERED_BATCH);
        let mut seen = 0;
        let mut found: Option<Arc<Grant>> = None;
        loop {
            let grants = self.inner.grants.list_grants(subject, Some(client.id()), page).await?;
            for GrantSummary { grant, .. } in grants.iter().filter(|summary| covers(summary)) {
                if pending.tenant().is_some() {
                    return Ok(Some(Arc::clone(grant)));
                }
                match &found {
                    Some(other) if other.tenant != grant.tenant => return Ok(None),
                    Some(_) => {}
                    None => found = Some(Arc::clone(grant)),
                }
            }
            seen += grants.len();
            match grants.last() {
                Some(last) if grants.len() >= REMEMBERED_BATCH.get() as usize && seen < MAX_REMEMBERED => {
                    page = Page::after(last.grant.id, REMEMBERED_BATCH);
                }
                _ => return Ok(found),
            }
        }
    }

    /// Grants what the user approved: stores a code, and returns the redirect that takes it to the client.
    ///
    /// # Errors
    ///
    /// [`ErrorReason::AccessDenied`] if nothing of the request was approved, [`ErrorReason::DecisionRepeated`] if this
    /// form was submitted before, or the failure of a store; nobody gets a code then.
    pub async fn approve(
        &self,
        confirmed: ConfirmedAuthorization,
        approval: Approval,
    ) -> Result<AuthorizationResponse, AuthorizeError> {
        let stored = async {
            let now = self.now();
            let decided = confirmed.approve(approval, now);
            let decided = decided.map_err(|error| self.refuse_decision(error, &confirmed))?;
            self.limit_decision(&confirmed, Operation::Approve).await?;
            let kept = self.keep_client(confirmed.request().client(), now).await;
            kept.map_err(|error| self.refuse_decision(confirmed.fail(error), &confirmed))?;
            // Before the code is stored: what follows that could lose the answer.
            self.note_use(confirmed.request().client(), Operation::Approve).await;
            let (grant, response) = self.store_decision(&confirmed, decided).await?;
            let (client, subject, consent) =
                (confirmed.request().client().id(), confirmed.subject(), confirmed.consent());
            self.observe(&Event::Approved { grant, client, subject, consent });
            Ok(response)
        };
        operate(Operation::Approve, stored).await
    }

    /// Refuses what the user denied: stores that this form was submitted, and returns the redirect that tells the client
    /// (RFC 6749 §4.1.2.1).
    ///
    /// # Errors
    ///
    /// [`ErrorReason::DecisionRepeated`] if this form was submitted before, or the failure of a store.
    pub async fn deny(&self, confirmed: ConfirmedAuthorization) -> Result<AuthorizationResponse, AuthorizeError> {
        let stored = async {
            self.limit_decision(&confirmed, Operation::Deny).await?;
            let (_, response) = self.store_decision(&confirmed, confirmed.deny(self.now())).await?;
            let client = confirmed.request().client().id();
            self.observe(&Event::Denied { client, subject: confirmed.subject() });
            Ok(response)
        };
        operate(Operation::Deny, stored).await
    }

    /// Each decision leaves a grant: whoever makes them without end is told to wait.
    async fn limit_decision(
        &self,
        confirmed: &ConfirmedAuthorization,
        operation: Operation,
    ) -> Result<(), AuthorizeError> {
        let configuration = self.configuration();
        let client = confirmed.request().client();
        let call = LimitedCall::new(Endpoint::Authorization, Stage::Decided)
            .with_claimed_client(Some(client.id()))
            .with_subject(Some(confirmed.subject()));
        let limited = configuration.rate_limits.check(call, operation, &configuration.telemetry).await;
        limited.map_err(|Limited(wait)| {
            let error = confirmed.request().show(ErrorReason::RateLimited).with_retry_after(wait);
            self.refuse_decision(error, confirmed)
        })
    }

    /// One form, one decision: a second one conflicts with the code of the first.
    async fn store_decision(
        &self,
        confirmed: &ConfirmedAuthorization,
        Decided { record, response }: Decided,
    ) -> Result<(GrantId, AuthorizationResponse), AuthorizeError> {
        let error = match self.inner.grants.insert_code(&record).await {
            Ok(Insertion::Inserted) => return Ok((record.grant.id, response)),
            Ok(Insertion::Conflict) => confirmed.request().show(ErrorReason::DecisionRepeated),
            Err(error) => confirmed.fail(error),
        };
        Err(self.refuse_decision(error, confirmed))
    }

    fn refuse_decision(&self, error: AuthorizeError, confirmed: &ConfirmedAuthorization) -> AuthorizeError {
        self.refuse_authorization(error, Some(confirmed.request().client().id()))
    }

    fn refuse_authorization(&self, error: AuthorizeError, client: Option<&ClientId>) -> AuthorizeError {
        self.observe(&Event::Refused {
            endpoint: Endpoint::Authorization,
            reason: error.reason(),
            client,
            grant: None,
            source: error.store_error(),
        });
        error
    }
}
