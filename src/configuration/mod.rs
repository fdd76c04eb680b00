//! What the operator configures: scopes, resources, paths, prefixes, registration, lifetimes.

mod authorization_parameters;
mod paths;
mod prefixes;
mod registration;
mod resources;
mod scope_declarations;
mod scopes;
mod token_requests;
mod token_response;
mod unused_clients;
mod unvetted_errors;
mod wording;

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "cimd")]
use crate::cimd::ClientIdMetadataDocuments;
use crate::client::{Client, GrantType, Vetting};
use crate::error::ErrorReason;
use crate::issuer::Issuer;
use crate::jwt::AccessTokenSigner;
use crate::policy::{AccessTokenFormat, Lifetimes, PkceRequirement, RefreshPolicy};
use crate::rate_limit::RateLimits;
use crate::redirect_uri::{RedirectUri, RedirectUriPolicy};
use crate::telemetry::Telemetry;

#[cfg(test)]
pub(crate) use authorization_parameters::RESERVED;
pub(crate) use authorization_parameters::{AuthorizationParameters, MAX_VALUE};
pub use paths::EndpointPaths;
pub use prefixes::Prefixes;
pub(crate) use registration::client_id_prefix;
pub use registration::{
    Registration, RegistrationAuthentication, RegistrationManagement, RegistrationMember, RegistrationRules,
    RegistrationScope,
};
pub use resources::ProtectedResource;
pub(crate) use resources::{ResourceCatalog, WELL_KNOWN as RESOURCE_METADATA, narrow as narrow_resources};
pub(crate) use scope_declarations::ScopeDeclarations;
pub(crate) use scopes::{OFFLINE_ACCESS, ScopeCatalog};
pub use token_requests::TokenRequestBodies;
pub(crate) use token_response::NoRefreshToken;
pub use token_response::{ResponseMember, TokenResponseShape};
pub use unused_clients::UnusedClients;
pub(crate) use unused_clients::{Usage, Verdict};
pub(crate) use unvetted_errors::Taken;
pub use unvetted_errors::UnvettedErrors;
pub use wording::Wording;
pub(crate) use wording::{Choice, Readers, WordingCatalog, Words};

/// Why an [`AuthorizationServer`](crate::AuthorizationServer) cannot be built.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// Registration is open, or client ID metadata documents are read, but the stores have no registry to keep the clients
    /// in.
    #[error("clients cannot be registered: the stores have no registry")]
    NoRegistry,
    /// Two endpoints share a path, or a path does not begin with a slash.
    #[error("the endpoint path {0:?} is used twice or does not begin with a slash")]
    Path(String),
    /// A resource is neither `https` nor on a loopback host (RFC 9728 §2).
    #[error("the resource {0} must be https, without a fragment")]
    Resource(String),
    /// A default resource is not declared.
    #[error("the default resource {0} is not declared")]
    UndeclaredResource(String),
    /// A scope token implies itself, through whatever it implies.
    #[error("the scope token {0:?} implies itself")]
    ScopeCycle(String),
    /// A scope token is not one token of RFC 6749 §3.3, or is declared twice, or twice in one language.
    #[error("the scope token {0:?} is malformed or declared twice")]
    ScopeToken(String),
    /// A scope names a token that is not declared.
    #[error("the scope {0:?} names a token that is not declared")]
    UndeclaredScope(String),
    /// A language is not a tag of BCP 47.
    #[error("{0:?} is not a language tag")]
    Language(String),
    /// The words for a reason are empty, or a description has a character that RFC 6749 §5.2 does not allow.
    #[error("the words for {0:?} are empty or have a character that a description must not have")]
    Wording(ErrorReason),
    /// Two reasons have different words, but must look alike to a client; or one reason has two.
    #[error("{0:?} and {1:?} must look alike, but have different words")]
    WordingDiffers(ErrorReason, ErrorReason),
    /// A member of token responses has no name, one of the protocol's, or one that another member has.
    #[error("the response member {0:?} is empty, declared twice, or a name of the protocol")]
    ResponseMember(String),
    /// A parameter of authorization requests is malformed, one of the protocol's, declared twice, or one too many: there
    /// may be 20, of up to 100 letters, digits, dots, hyphens and underscores each.
    #[error("the authorization parameter {0:?} is malformed, declared twice, one too many, or a name of the protocol")]
    AuthorizationParameter(String),
    /// A lifetime below one second: everything would have expired when it is issued.
    #[error("a lifetime is below one second")]
    ZeroLifetime,
    /// No client could obtain a token: neither codes nor client credentials are among the grant types. The same holds for
    /// clients that register themselves, or come by a document, as far as there are such clients: one without a secret needs
    /// codes.
    #[error("the grant types have neither authorization_code nor client_credentials, or none that newcomers may use")]
    NoGrantType,
    /// Access tokens are to be JWTs, but there are no keys to sign them with (feature `jwt`).
    #[error("access tokens are to be JWTs, but there are no keys that sign them")]
    NoAccessTokenKeys,
    /// Access tokens are to be JWTs, but have no lifetime: each must say when it expires (RFC 9068 §2.2).
    #[error("access tokens that are JWTs need a lifetime")]
    EndlessJwt,
    /// A member that is to be shown in access tokens is called like a claim that the server alone makes.
    #[error("the claim {0:?} is not the host's to make")]
    AccessTokenClaim(String),
}

/// Whether a user who consented before is asked again for the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RememberedConsent {
    /// Not asked again, as long as a live grant covers the request and the client's identity is assured. Of the grants
    /// to one client up to 1,000 are looked at; who has more may be asked once too often.
    Enabled,
    /// Always asked.
    Disabled,
}

/// Whether tokens are looked for that another server issued, and that were imported with
/// [`AuthorizationServer::import_grant`](crate::AuthorizationServer::import_grant).
///
/// A token of the crate's own form is told from garbage by its checksum, without a store. A token of another server has
/// no such form: while imported tokens are accepted, every text of 16 to 4,096 visible ASCII characters that comes as a
/// token costs the one read that a real one does, and up to two at the revocation and introspection endpoints. Refuse
/// them again once the last imported token has expired.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ImportedTokens {
    /// They are looked for.
    Accepted,
    /// Only tokens of the crate's own form are.
    #[default]
    Refused,
}

/// What an API lets callers in by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResourceCredentials {
    /// Access tokens only.
    #[default]
    AccessToken,
    /// Access tokens, and on the same endpoints the identifier and secret of a confidential client by HTTP Basic, which
    /// then acts for itself: see [`ResourceServer::with_client_authentication`].
    ///
    /// [`ResourceServer::with_client_authentication`]: crate::ResourceServer::with_client_authentication
    AccessTokenOrClientSecret,
}

/// Everything that is decided before the first request.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) issuer: Issuer,
    pub(crate) scopes: ScopeCatalog,
    pub(crate) resources: ResourceCatalog,
    pub(crate) redirect_uris: RedirectUriPolicy,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) refresh_policy: RefreshPolicy,
    pub(crate) pkce: PkceRequirement,
    pub(crate) grant_types: Vec<GrantType>,
    pub(crate) access_token_format: AccessTokenFormat,
    pub(crate) signer: Option<AccessTokenSigner>,
    pub(crate) prefixes: Prefixes,
    pub(crate) imported_tokens: ImportedTokens,
    pub(crate) paths: EndpointPaths,
    pub(crate) registration: Registration,
    pub(crate) unvetted_errors: UnvettedErrors,
    #[cfg(feature = "cimd")]
    pub(crate) client_documents: Option<ClientIdMetadataDocuments>,
    pub(crate) remembered_consent: RememberedConsent,
    pub(crate) consent_lifetime: Duration,
    pub(crate) body_limit: usize,
    pub(crate) token_requests: TokenRequestBodies,
    pub(crate) retention: Duration,
    pub(crate) app_id_prefix: String,
    /// `None` if it is plain.
    pub(crate) token_response: Option<Arc<TokenResponseShape>>,
    pub(crate) authorization_parameters: AuthorizationParameters,
    pub(crate) wording: Option<Arc<WordingCatalog>>,
    pub(crate) telemetry: Telemetry,
    pub(crate) rate_limits: RateLimits,
}

impl Configuration {
    /// Whether answers to this client may be sent there.
    pub(crate) fn accepts_redirect(&self, client: &Client, uri: &RedirectUri) -> bool {
        self.redirect_uris.accepts_in(client.environment(), uri)
            && self.unvetted(client).is_none_or(|rules| rules.redirect_destinations.accepts(uri))
    }

    /// What becomes of this client if nobody uses it.
    pub(crate) fn unused(&self, client: &Client) -> UnusedClients {
        self.unvetted(client).map_or(UnusedClients::Kept, |rules| rules.unused_clients)
    }

    /// Whether there are clients to forget.
    pub(crate) fn forgets_clients(&self) -> bool {
        let rules = [self.registration.rules(), self.document_rules()];
        rules.into_iter().flatten().any(|rules| rules.unused_clients != UnusedClients::Kept)
    }

    /// What the operator decided about a client that nobody vouches for, as far as there still are such clients.
    fn unvetted(&self, client: &Client) -> Option<&RegistrationRules> {
        match client.vetting() {
            Vetting::Vetted => None,
            Vetting::SelfRegistered if client.is_described_by_document() => self.document_rules(),
            Vetting::SelfRegistered => self.registration.rules(),
        }
    }

    #[cfg(feature = "cimd")]
    fn document_rules(&self) -> Option<&RegistrationRules> {
        self.client_documents.as_ref().map(|documents| &documents.rules)
    }

    #[cfg(not(feature = "cimd"))]
    #[expect(clippy::unused_self, reason = "with the feature cimd it is used")]
    const fn document_rules(&self) -> Option<&RegistrationRules> {
        None
    }

    /// Whether clients may identify themselves by the URL of a document.
    #[cfg(feature = "cimd")]
    pub(crate) const fn reads_client_documents(&self) -> bool {
        self.client_documents.is_some()
    }

    /// Whether clients may identify themselves by the URL of a document.
    #[cfg(not(feature = "cimd"))]
    pub(crate) const fn reads_client_documents(&self) -> bool {
        false
    }

    /// Whether a client may obtain tokens in this way here.
    pub(crate) fn allows(&self, client: &Client, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type) && client.allows(grant_type)
    }

    /// Whether clients get refresh tokens: all of them, or those that nobody vouches for. What the operator decided for one
    /// client alone does not count.
    pub(crate) fn refreshes(&self) -> bool {
        let rules = [self.registration.rules(), self.document_rules()].into_iter().flatten();
        let rules = rules.filter(|rules| {
            [GrantType::AuthorizationCode, GrantType::RefreshToken].iter().all(|own| rules.grant_types.contains(own))
        });
        let mut policies = rules.filter_map(|rules| rules.policies.refresh_policy()).chain([&self.refresh_policy]);
        self.grant_types.contains(&GrantType::RefreshToken) && policies.any(|policy| *policy != RefreshPolicy::Never)
    }

    /// Who reads the answer to an authorization request with these `ui_locales`; `None` if nothing was reworded.
    pub(crate) fn readers(&self, ui_locales: Option<&str>) -> Option<Box<Readers>> {
        let wording = Arc::clone(self.wording.as_ref()?);
        let ui_locales = ui_locales.unwrap_or_default().to_owned();
        Some(Box::new(Readers { wording, ui_locales, accept_language: String::new() }))
    }
}
