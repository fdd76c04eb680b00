//! What there is to tell.

use super::{Actor, Consent, Endpoint, Extent, Operation};
#[cfg(feature = "cimd")]
use crate::cimd::DocumentProblem;
use crate::client::{ClientId, GrantType};
use crate::error::{ErrorReason, StoreError};
use crate::identifier::{Subject, Tenant};
use crate::secret::{GrantId, SecretId};

/// Something that the server decided.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An authorization request is valid. Told for the GET that shows a page, and again for the POST that brings the
    /// decision.
    Requested {
        /// Who asks.
        client: &'a ClientId,
    },
    /// A user has to be asked: a consent page is wanted.
    Asked {
        /// Who asks.
        client: &'a ClientId,
        /// Who is asked.
        subject: &'a Subject,
    },
    /// A user consented to the same before, and need not be asked.
    Remembered {
        /// The grant that says so.
        grant: GrantId,
        /// Who asks.
        client: &'a ClientId,
        /// Who consented.
        subject: &'a Subject,
    },
    /// A request was approved, and a code was issued.
    Approved {
        /// The new grant.
        grant: GrantId,
        /// Who asked.
        client: &'a ClientId,
        /// Who approved.
        subject: &'a Subject,
        /// Whether the user was asked.
        consent: Consent,
    },
    /// A user denied a request.
    Denied {
        /// Who asked.
        client: &'a ClientId,
        /// Who denied.
        subject: &'a Subject,
    },
    /// A confidential client proved who it is.
    Authenticated {
        /// Where.
        endpoint: Endpoint,
        /// Who.
        client: &'a ClientId,
        /// By which of its secrets; tell it to
        /// [`AuthorizationServer::touch_secret`](crate::AuthorizationServer::touch_secret) now and then.
        secret_id: Option<SecretId>,
    },
    /// Tokens were issued.
    Issued {
        /// The grant they belong to.
        grant: GrantId,
        /// Who got them.
        client: &'a ClientId,
        /// On whose behalf; `None` if the client acts for itself.
        subject: Option<&'a Subject>,
        /// How.
        grant_type: GrantType,
    },
    /// A grant was imported from another server, with one token.
    Imported {
        /// The grant.
        grant: GrantId,
        /// The client that it was given to; `None` for a personal access token.
        client: Option<&'a ClientId>,
        /// The user who gave it; `None` if the client acts for itself.
        subject: Option<&'a Subject>,
    },
    /// A personal access token was issued on a page of the host.
    PersonalTokenIssued {
        /// The new grant.
        grant: GrantId,
        /// The client that it is for; `None` if the user uses it.
        client: Option<&'a ClientId>,
        /// Who issued it.
        subject: &'a Subject,
    },
    /// A refresh token was retried within its grace, and the same answer given again.
    Retried {
        /// The grant it belongs to.
        grant: GrantId,
        /// Who retried.
        client: &'a ClientId,
        /// Whose grant it is.
        subject: Option<&'a Subject>,
    },
    /// A spent code or refresh token was used again, and its grant was revoked.
    Replayed {
        /// The grant that was revoked.
        grant: GrantId,
        /// Who used it.
        client: &'a ClientId,
        /// Whose grant it was.
        subject: Option<&'a Subject>,
        /// Which kind of credential it was.
        reason: ErrorReason,
    },
    /// A grant or one access token of it was revoked.
    Revoked {
        /// The grant.
        grant: GrantId,
        /// The client that had it.
        client: Option<&'a ClientId>,
        /// The user who gave it.
        subject: Option<&'a Subject>,
        /// How much of it.
        extent: Extent,
        /// Who wanted it.
        by: Actor,
    },
    /// A client revoked a token that is unknown, or dead already.
    NothingToRevoke {
        /// The client.
        client: &'a ClientId,
    },
    /// A client asked about a token.
    Introspected {
        /// Who asked.
        client: &'a ClientId,
        /// The grant of the token; `None` if it is not active, or not this client's.
        grant: Option<GrantId>,
    },
    /// An access token was accepted at a protected resource.
    AccessGranted {
        /// Its grant.
        grant: GrantId,
        /// The client that it was issued to; `None` for a personal access token.
        client: Option<&'a ClientId>,
        /// The user on whose behalf; `None` if the client acts for itself.
        subject: Option<&'a Subject>,
    },
    /// An initial access token let somebody register a client.
    InitialTokenUsed {
        /// Which one: its place in [`Registration::Guarded`](crate::configuration::Registration::Guarded), from zero.
        index: usize,
    },
    /// A client was registered.
    Registered {
        /// The new client.
        client: &'a ClientId,
        /// Who did it: the client itself, its owner, or the operator.
        by: Actor,
    },
    /// A client secret was made; only its hash is kept.
    SecretMade {
        /// The client whose it is.
        client: &'a ClientId,
    },
    /// Client secrets stopped working before their time: they were reset, or the client needs none any more.
    SecretsEnded {
        /// The client whose they were.
        client: &'a ClientId,
        /// Who did it.
        by: Actor,
    },
    /// A client read its registration.
    RegistrationRead {
        /// The client.
        client: &'a ClientId,
    },
    /// A registration was changed.
    RegistrationChanged {
        /// The client.
        client: &'a ClientId,
        /// Who did it.
        by: Actor,
    },
    /// A client was deleted, and its grants were revoked.
    Deleted {
        /// The client.
        client: &'a ClientId,
        /// How many grants were revoked with it.
        grants: u64,
        /// Who did it.
        by: Actor,
    },
    /// Everything that a client was granted was revoked.
    ClientRevoked {
        /// The client.
        client: &'a ClientId,
        /// How many grants that were.
        grants: u64,
    },
    /// Everything that a user granted was revoked.
    SubjectRevoked {
        /// The user.
        subject: &'a Subject,
        /// How many grants that were.
        grants: u64,
    },
    /// Everything that was confined to a tenant was revoked.
    TenantRevoked {
        /// The tenant.
        tenant: &'a Tenant,
        /// How many grants that were.
        grants: u64,
    },
    /// Dead rows were deleted.
    Purged {
        /// Codes.
        codes: u32,
        /// Tokens, and grants that had none left.
        tokens: u32,
        /// Clients that nobody used; of each, [`Deleted`](Self::Deleted) is told as well.
        clients: u32,
    },
    /// The document of a client was fetched, and describes one.
    #[cfg(feature = "cimd")]
    ClientDocumentRead {
        /// The client, whose identifier is the URL.
        client: &'a ClientId,
    },
    /// The document of a client was looked for, and there is none that describes a client. Told for each attempt; requests
    /// that are refused without a new one are told as [`Refused`](Self::Refused) alone.
    #[cfg(feature = "cimd")]
    ClientDocumentRefused {
        /// The client that was named.
        client: &'a ClientId,
        /// What is wrong.
        problem: &'a DocumentProblem,
    },
    /// A request was refused.
    Refused {
        /// Which endpoint refused it.
        endpoint: Endpoint,
        /// Why.
        reason: ErrorReason,
        /// The client that the request names, if it named a well-formed one, and may be anybody's invention; at a
        /// protected resource the client that the token was issued to.
        client: Option<&'a ClientId>,
        /// The grant of the code or token that came, if there is such a one.
        grant: Option<GrantId>,
        /// The failure of a store behind it.
        source: Option<&'a StoreError>,
    },
    /// A store failed in a call of the host's own; or a rate limiter did in any, which went on without it.
    Failed {
        /// Which call.
        operation: Operation,
        /// The failure.
        source: &'a StoreError,
    },
}

impl Event<'_> {
    /// What logs call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "requested",
            Self::Asked { .. } => "asked",
            Self::Remembered { .. } => "remembered",
            Self::Approved { .. } => "approved",
            Self::Denied { .. } => "denied",
            Self::Authenticated { .. } => "authenticated",
            Self::Issued { .. } => "issued",
            Self::Imported { .. } => "imported",
            Self::PersonalTokenIssued { .. } => "personal_token_issued",
            Self::Retried { .. } => "retried",
            Self::Replayed { .. } => "replayed",
            Self::Revoked { .. } => "revoked",
            Self::NothingToRevoke { .. } => "nothing_to_revoke",
            Self::Introspected { .. } => "introspected",
            Self::AccessGranted { .. } => "access_granted",
            Self::InitialTokenUsed { .. } => "initial_token_used",
            Self::Registered { .. } => "registered",
            Self::SecretMade { .. } => "secret_made",
            Self::SecretsEnded { .. } => "secrets_ended",
            Self::RegistrationRead { .. } => "registration_read",
            Self::RegistrationChanged { .. } => "registration_changed",
            Self::Deleted { .. } => "deleted",
            Self::ClientRevoked { .. } => "client_revoked",
            Self::SubjectRevoked { .. } => "subject_revoked",
            Self::TenantRevoked { .. } => "tenant_revoked",
            Self::Purged { .. } => "purged",
            #[cfg(feature = "cimd")]
            Self::ClientDocumentRead { .. } => "client_document_read",
            #[cfg(feature = "cimd")]
            Self::ClientDocumentRefused { .. } => "client_document_refused",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
        }
    }

    /// The client that it is about.
    #[must_use]
    pub const fn client(&self) -> Option<&ClientId> {
        match self {
            Self::Requested { client }
            | Self::Asked { client, .. }
            | Self::Remembered { client, .. }
            | Self::Approved { client, .. }
            | Self::Denied { client, .. }
            | Self::Authenticated { client, .. }
            | Self::Issued { client, .. }
            | Self::Retried { client, .. }
            | Self::Replayed { client, .. }
            | Self::NothingToRevoke { client }
            | Self::Introspected { client, .. }
            | Self::Registered { client, .. }
            | Self::SecretMade { client }
            | Self::SecretsEnded { client, .. }
            | Self::RegistrationRead { client }
            | Self::RegistrationChanged { client, .. }
            | Self::Deleted { client, .. }
            | Self::ClientRevoked { client, .. } => Some(client),
            #[cfg(feature = "cimd")]
            Self::ClientDocumentRead { client } | Self::ClientDocumentRefused { client, .. } => Some(client),
            Self::PersonalTokenIssued { client, .. }
            | Self::Imported { client, .. }
            | Self::Revoked { client, .. }
            | Self::AccessGranted { client, .. }
            | Self::Refused { client, .. } => *client,
            Self::InitialTokenUsed { .. }
            | Self::SubjectRevoked { .. }
            | Self::TenantRevoked { .. }
            | Self::Purged { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// The user whom it is about.
    #[must_use]
    pub const fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Asked { subject, .. }
            | Self::Remembered { subject, .. }
            | Self::Approved { subject, .. }
            | Self::Denied { subject, .. }
            | Self::PersonalTokenIssued { subject, .. }
            | Self::SubjectRevoked { subject, .. } => Some(subject),
            Self::Issued { subject, .. }
            | Self::Imported { subject, .. }
            | Self::Retried { subject, .. }
            | Self::Replayed { subject, .. }
            | Self::Revoked { subject, .. }
            | Self::AccessGranted { subject, .. } => *subject,
            _ => None,
        }
    }

    /// The grant that it is about.
    #[must_use]
    pub const fn grant(&self) -> Option<GrantId> {
        match self {
            Self::Remembered { grant, .. }
            | Self::Approved { grant, .. }
            | Self::Issued { grant, .. }
            | Self::Imported { grant, .. }
            | Self::PersonalTokenIssued { grant, .. }
            | Self::Retried { grant, .. }
            | Self::Replayed { grant, .. }
            | Self::Revoked { grant, .. }
            | Self::AccessGranted { grant, .. } => Some(*grant),
            Self::Introspected { grant, .. } | Self::Refused { grant, .. } => *grant,
            _ => None,
        }
    }
}
