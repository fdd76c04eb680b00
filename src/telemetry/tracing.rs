//! Spans and events, for whatever subscriber the process has.

use std::error::Error;
use std::fmt::Write as _;

use ::tracing::field::{Empty, display};
use ::tracing::{Level, Span, enabled, event, span};

use super::operate::Outcome;
use crate::observer::{Actor, Event, Operation};
use crate::secret::SecretId;

const TARGET: &str = "grantor";

/// Opens the span of an operation.
pub(super) fn span(operation: Operation) -> Span {
    // A name and a level belong to one place in the code.
    macro_rules! spans {
        ($($level:ident($($operation:ident)*))*; none($($other:ident)*)) => {
            match operation {
                $($(
                    Operation::$operation => span!(
                        target: TARGET,
                        Level::$level,
                        Operation::$operation.name(),
                        operation = operation.name(),
                        client = Empty,
                        grant = Empty,
                        subject = Empty,
                        grant_type = Empty,
                        outcome = Empty,
                        reason = Empty,
                    ),
                )*)*
                $(Operation::$other)|* => Span::none(),
            }
        };
    }
    spans! {
        INFO(
            Authorize Recall Approve Deny Token Revoke Register ReadRegistration ReplaceRegistration DeleteRegistration
            InstallClient RegisterApp UpdateApp MakeConfidential MakePublic RotateSecret ResetSecret EndPreviousSecret
            TouchSecret Apps Client DeleteOwnClient DeleteClient RevokeClient ImportGrant Grants IssuePersonalToken
            ResetPersonalToken PersonalTokens RevokeOwnGrant Withdraw RevokeSubject RevokeTenant Purge Check
        )
        DEBUG(Introspect Verify);
        none(SignIn Confirm Require RequireTenant Metadata)
    }
}

/// Says how an operation ended.
pub(super) fn end(span: &Span, outcome: Outcome) {
    span.record("outcome", outcome.name());
    if let Outcome::Refused(reason) | Outcome::Failed(reason) = outcome {
        span.record("reason", reason.name());
    }
}

/// Writes an event, and what it says of an operation into the span of that.
pub(super) fn write(event: &Event<'_>) {
    macro_rules! at {
        ($level:ident) => {
            if enabled!(target: TARGET, Level::$level) {
                let fields = Fields::of(event);
                event!(
                    target: TARGET,
                    Level::$level,
                    event = event.name(),
                    client = event.client().map(|client| client.as_str()),
                    grant = event.grant().map(display),
                    subject = event.subject().map(|subject| subject.as_str()),
                    tenant = fields.tenant,
                    secret_id = fields.secret_id.map(display),
                    endpoint = fields.endpoint,
                    operation = fields.operation,
                    grant_type = fields.grant_type,
                    consent = fields.consent,
                    extent = fields.extent,
                    by = fields.by,
                    reason = fields.reason,
                    index = fields.index,
                    grants = fields.grants,
                    codes = fields.codes,
                    tokens = fields.tokens,
                    clients = fields.clients,
                    error = fields.source.map(chain).as_deref(),
                );
            }
        };
    }
    record(&Span::current(), event);
    match event {
        Event::Refused { source: Some(_), .. } | Event::Failed { .. } => at!(ERROR),
        Event::Replayed { .. } => at!(WARN),
        Event::Requested { .. }
        | Event::Authenticated { .. }
        | Event::Introspected { .. }
        | Event::AccessGranted { .. }
        | Event::RegistrationRead { .. } => at!(DEBUG),
        _ => at!(INFO),
    }
}

/// Writes the ids of an event into the span of its operation, each once: a subscriber would show every time.
fn record(span: &Span, event: &Event<'_>) {
    // Where no operation runs, the current span is the host's, and its fields are none of ours.
    if span.metadata().is_none_or(|metadata| metadata.target() != TARGET) {
        return;
    }
    match event {
        // What follows in the same operation has the same client; and a withdrawal is about any number of grants.
        Event::Authenticated { .. }
        | Event::SecretMade { .. }
        | Event::SecretsEnded { .. }
        | Event::Revoked { by: Actor::User, .. } => return,
        // So has what follows the look at its document, and the decision that a client is kept for.
        #[cfg(feature = "cimd")]
        Event::ClientDocumentRead { .. } | Event::ClientDocumentRefused { .. } => return,
        Event::Registered { .. } | Event::RegistrationChanged { .. } if is_of(span, Operation::Approve) => return,
        // What follows has its client and its grant.
        Event::Replayed { .. } => {}
        _ => {
            if let Some(client) = event.client() {
                span.record("client", client.as_str());
            }
            if let Some(grant) = event.grant() {
                span.record("grant", display(grant));
            }
        }
    }
    if let Some(subject) = event.subject() {
        span.record("subject", subject.as_str());
    }
    if let Event::Issued { grant_type, .. } = event {
        span.record("grant_type", grant_type.as_str());
    }
}

fn is_of(span: &Span, operation: Operation) -> bool {
    span.metadata().is_some_and(|metadata| metadata.name() == operation.name())
}

/// What only some events have.
#[derive(Default)]
struct Fields<'a> {
    tenant: Option<&'a str>,
    secret_id: Option<SecretId>,
    endpoint: Option<&'static str>,
    operation: Option<&'static str>,
    grant_type: Option<&'static str>,
    consent: Option<&'static str>,
    extent: Option<&'static str>,
    by: Option<&'static str>,
    reason: Option<&'static str>,
    index: Option<usize>,
    grants: Option<u64>,
    codes: Option<u32>,
    tokens: Option<u32>,
    clients: Option<u32>,
    source: Option<&'a (dyn Error + 'static)>,
}

impl<'a> Fields<'a> {
    fn of(event: &Event<'a>) -> Self {
        let none = Self::default();
        match event {
            Event::Approved { consent, .. } => Self { consent: Some(consent.name()), ..none },
            Event::Authenticated { endpoint, secret_id, .. } => {
                Self { endpoint: Some(endpoint.name()), secret_id: *secret_id, ..none }
            }
            Event::Issued { grant_type, .. } => Self { grant_type: Some(grant_type.as_str()), ..none },
            Event::Replayed { reason, .. } => Self { reason: Some(reason.name()), ..none },
            Event::Revoked { extent, by, .. } => Self { extent: Some(extent.name()), by: Some(by.name()), ..none },
            Event::InitialTokenUsed { index } => Self { index: Some(*index), ..none },
            Event::Registered { by, .. } | Event::RegistrationChanged { by, .. } | Event::SecretsEnded { by, .. } => {
                Self { by: Some(by.name()), ..none }
            }
            Event::Deleted { grants, by, .. } => Self { grants: Some(*grants), by: Some(by.name()), ..none },
            Event::ClientRevoked { grants, .. } | Event::SubjectRevoked { grants, .. } => {
                Self { grants: Some(*grants), ..none }
            }
            Event::TenantRevoked { tenant, grants } => {
                Self { tenant: Some(tenant.as_str()), grants: Some(*grants), ..none }
            }
            Event::Purged { codes, tokens, clients } => {
                Self { codes: Some(*codes), tokens: Some(*tokens), clients: Some(*clients), ..none }
            }
            #[cfg(feature = "cimd")]
            Event::ClientDocumentRefused { problem, .. } => {
                Self { reason: Some(problem.reason().name()), source: Some(*problem), ..none }
            }
            Event::Refused { endpoint, reason, source, .. } => {
                let source = source.map(|source| source as _);
                Self { endpoint: Some(endpoint.name()), reason: Some(reason.name()), source, ..none }
            }
            Event::Failed { operation, source } => Self {
                operation: Some(operation.name()),
                reason: Some(source.reason().name()),
                source: Some(*source),
                ..none
            },
            _ => none,
        }
    }
}

/// A failure, down to its last cause.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
