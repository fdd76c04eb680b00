//! From client metadata to a client: what is accepted, corrected, dropped and refused (RFC 7591 §2).

use std::fmt;

use serde_json::Value;

use super::Refusal;
use crate::client::{
    ApplicationType, Client, ClientAuthentication, ClientId, ClientMetadata, GrantType, InvalidMetadata,
    SecretAuthentication, SecretMethod, web_url,
};
use crate::clock::Timestamp;
use crate::configuration::{
    Configuration, OFFLINE_ACCESS, RegistrationAuthentication, RegistrationRules, RegistrationScope,
};
use crate::error::ErrorReason;
use crate::policy::RefreshPolicy;
use crate::redirect_uri::RedirectUri;
use crate::scope::Scope;
use crate::secret::{ClientSecret, SecretHash};
use crate::wire::registration::{ClientDocument, DocumentFault};

/// The most redirect URIs of one client.
const MAX_REDIRECT_URIS: usize = 20;

/// How a client is to authenticate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    None,
    Secret(SecretMethod),
}

/// A client as its metadata describes it, before it has an identity.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) method: Method,
    redirect_uris: Vec<RedirectUri>,
    grant_types: Vec<GrantType>,
    scope: Option<Scope>,
    metadata: ClientMetadata,
}

impl Described {
    /// Makes it a client. A secret that was made on the way is told once, and then only its hash is known.
    pub(crate) fn into_client(self, id: ClientId, authentication: ClientAuthentication) -> Client {
        let client = Client::new(id, authentication)
            .with_grant_types(self.grant_types)
            .with_redirect_uris(self.redirect_uris)
            .with_metadata(self.metadata);
        match self.scope {
            Some(scope) => client.with_scope(scope),
            None => client,
        }
    }
}

/// The authentication of a client that has `secret` since `now`.
pub(crate) fn by_secret(method: SecretMethod, secret: SecretHash, now: Timestamp) -> ClientAuthentication {
    ClientAuthentication::Secret(SecretAuthentication::new(secret).with_method(method).with_created_at(now))
}

/// A fresh secret, and the authentication by it.
pub(crate) fn with_new_secret(
    method: SecretMethod,
    configuration: &Configuration,
    now: Timestamp,
) -> (ClientSecret, ClientAuthentication) {
    let secret = ClientSecret::generate(&configuration.prefixes.client_secret);
    let authentication = by_secret(method, secret.hash(), now);
    (secret, authentication)
}

/// Reads metadata under the rules of the operator.
pub(crate) fn describe(
    document: &ClientDocument,
    rules: &RegistrationRules,
    configuration: &Configuration,
) -> Result<Described, Refusal> {
    if document.software_statement.is_some() {
        return Err(ErrorReason::SoftwareStatementUnsupported.into());
    }
    check_keys(document)?;
    let method = match document.token_endpoint_auth_method.as_deref() {
        None | Some("client_secret_basic") => Method::Secret(SecretMethod::Basic),
        Some("client_secret_post") => Method::Secret(SecretMethod::Post),
        Some("none") => Method::None,
        Some(_) => return Err(invalid("token_endpoint_auth_method is not supported")),
    };
    let method = match rules.authentication {
        RegistrationAuthentication::AsAsked => method,
        RegistrationAuthentication::PublicOnly => Method::None,
    };
    let grant_types = grant_types(document, rules, configuration, method)?;
    Ok(Described {
        method,
        redirect_uris: redirect_uris(document)?,
        grant_types,
        scope: scope(document, rules, configuration)?,
        metadata: metadata(document)?,
    })
}

fn invalid(problem: &'static str) -> Refusal {
    Refusal::described(ErrorReason::MetadataInvalid, problem)
}

impl From<DocumentFault> for Refusal {
    fn from(fault: DocumentFault) -> Self {
        match fault {
            DocumentFault::NotAnObject => ErrorReason::RegistrationMalformed.into(),
            DocumentFault::Repeated(member) => {
                Self::described(ErrorReason::RegistrationMalformed, format!("{member} comes more than once"))
            }
            DocumentFault::Member(member, problem) => {
                Self::described(ErrorReason::MetadataInvalid, format!("{member} {problem}"))
            }
        }
    }
}

impl From<InvalidMetadata> for Refusal {
    fn from(error: InvalidMetadata) -> Self {
        Self::described(ErrorReason::MetadataInvalid, error.to_string())
    }
}

/// Tells which of the redirect URIs it is; it is not repeated, for it may hold anything.
fn invalid_redirect_uri(index: usize, problem: impl fmt::Display) -> Refusal {
    Refusal::described(ErrorReason::RedirectUriInvalid, format!("redirect_uris[{index}]: {problem}"))
}

/// Keys are not used, but a client that publishes a secret one should be told (RFC 7591 §2).
fn check_keys(document: &ClientDocument) -> Result<(), Refusal> {
    if document.jwks.is_some() && document.jwks_uri.is_some() {
        return Err(invalid("jwks and jwks_uri exclude each other"));
    }
    if let Some(uri) = &document.jwks_uri {
        web_url("jwks_uri", uri)?;
    }
    let Some(jwks) = &document.jwks else { return Ok(()) };
    let keys = jwks.get("keys").and_then(Value::as_array).ok_or_else(|| invalid("jwks is not a set of keys"))?;
    let secret = |key: &Value| {
        let private = ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|member| key.get(member).is_some());
        private || key.get("kty").and_then(Value::as_str) == Some("oct")
    };
    if keys.iter().any(secret) { Err(invalid("jwks holds a secret key")) } else { Ok(()) }
}

/// What the client asks for, as far as it may have it; what it may not is dropped, and the response shows it (RFC 7591 §2).
fn grant_types(
    document: &ClientDocument,
    rules: &RegistrationRules,
    configuration: &Configuration,
    method: Method,
) -> Result<Vec<GrantType>, Refusal> {
    let asked = document.grant_types.as_deref().filter(|asked| !asked.is_empty());
    let refresh_policy = rules.policies.refresh_policy().unwrap_or(&configuration.refresh_policy);
    let mut granted = match asked {
        None => vec![GrantType::AuthorizationCode],
        Some(asked) => asked.iter().filter_map(|text| GrantType::parse(text)).collect(),
    };
    granted.retain(|grant_type| {
        rules.grant_types.contains(grant_type)
            && configuration.grant_types.contains(grant_type)
            && match grant_type {
                GrantType::AuthorizationCode => true,
                GrantType::RefreshToken => *refresh_policy != RefreshPolicy::Never,
                GrantType::ClientCredentials => method != Method::None,
            }
    });
    granted.sort_unstable();
    granted.dedup();
    let code = granted.contains(&GrantType::AuthorizationCode);
    if !code && !granted.contains(&GrantType::ClientCredentials) {
        return Err(invalid("none of the grant_types may be used by this client"));
    }
    let wants_code = |types: &[String]| types.is_empty() || types.iter().any(|response_type| response_type == "code");
    if code && !document.response_types.as_deref().is_none_or(wants_code) {
        return Err(invalid("response_types must contain code"));
    }
    Ok(granted)
}

/// All or none: a redirect URI is never silently dropped or changed.
fn redirect_uris(document: &ClientDocument) -> Result<Vec<RedirectUri>, Refusal> {
    let parse =
        |(index, text): (usize, &String)| RedirectUri::parse(text).map_err(|error| invalid_redirect_uri(index, error));
    document.redirect_uris.iter().flatten().enumerate().map(parse).collect()
}

/// Cut to what the operator allows; the response shows it. The wildcard is as good as no scope: all that is allowed, now and
/// later.
fn scope(
    document: &ClientDocument,
    rules: &RegistrationRules,
    configuration: &Configuration,
) -> Result<Option<Scope>, Refusal> {
    let Some(text) = &document.scope else { return Ok(rules.scope.clone()) };
    let asked = Scope::parse(text).map_err(|_| invalid("scope is malformed"))?;
    let scopes = &configuration.scopes;
    if rules.requested_scope == RegistrationScope::AsAllowed || scopes.names_wildcard(&asked) {
        return Ok(rules.scope.clone());
    }
    let granted = asked.intersection(&scopes.limit_of(rules.scope.as_ref()));
    if granted.is_empty() {
        // A client that asks for nothing but a refresh token asks for no particular scope.
        let only_offline = asked.without(OFFLINE_ACCESS).is_empty();
        return if only_offline {
            Ok(rules.scope.clone())
        } else {
            Err(invalid("no token of the scope may be used here"))
        };
    }
    Ok(Some(granted))
}

/// What every client must keep to, whoever puts it together.
pub(crate) fn check_client(client: &Client, configuration: &Configuration) -> Result<(), Refusal> {
    let uris = client.redirect_uris();
    if client.grant_types().is_empty() {
        return Err(invalid("a client needs a grant type"));
    }
    if client.allows(GrantType::AuthorizationCode) && uris.is_empty() {
        let problem = "redirect_uris is needed for the grant type authorization_code";
        return Err(Refusal::described(ErrorReason::RedirectUriInvalid, problem));
    }
    if uris.len() > MAX_REDIRECT_URIS {
        return Err(Refusal::described(ErrorReason::RedirectUriInvalid, "at most 20 redirect_uris are kept"));
    }
    if let Some(index) = uris.iter().position(|uri| !configuration.accepts_redirect(client, uri)) {
        return Err(invalid_redirect_uri(index, "this kind of redirect URI is not accepted here"));
    }
    if client.is_public() && client.allows(GrantType::ClientCredentials) {
        return Err(invalid("client_credentials needs a client secret"));
    }
    let undeclared = |scope: &Scope| configuration.scopes.check_limit(scope).is_err();
    if client.scope().is_some_and(undeclared) {
        return Err(invalid("the scope names a token that is not declared"));
    }
    if client.policies().default_scope().is_some_and(undeclared) {
        return Err(invalid("the default scope names a token that is not declared"));
    }
    if client.policies().lifetimes().is_some_and(|lifetimes| !lifetimes.are_positive()) {
        return Err(invalid("a lifetime is below one second"));
    }
    Ok(())
}

fn metadata(document: &ClientDocument) -> Result<ClientMetadata, Refusal> {
    let metadata = text_members(document)?;
    let metadata = match document.application_type.as_deref() {
        None => metadata,
        Some("native") => metadata.with_application_type(ApplicationType::Native),
        Some("web") => metadata.with_application_type(ApplicationType::Web),
        Some(_) => return Err(invalid("application_type is native or web")),
    };
    Ok(metadata)
}

fn text_members(document: &ClientDocument) -> Result<ClientMetadata, InvalidMetadata> {
    type Member = fn(ClientMetadata, &str) -> Result<ClientMetadata, InvalidMetadata>;
    let members: [(&Option<String>, Member); 8] = [
        (&document.client_name, ClientMetadata::with_name),
        (&document.client_uri, ClientMetadata::with_client_uri),
        (&document.logo_uri, ClientMetadata::with_logo_uri),
        (&document.tos_uri, ClientMetadata::with_tos_uri),
        (&document.policy_uri, ClientMetadata::with_policy_uri),
        (&document.initiate_login_uri, ClientMetadata::with_initiate_login_uri),
        (&document.software_id, ClientMetadata::with_software_id),
        (&document.software_version, ClientMetadata::with_software_version),
    ];
    let mut metadata = ClientMetadata::new();
    for (value, set) in members {
        if let Some(value) = value {
            metadata = set(metadata, value)?;
        }
    }
    for contact in document.contacts.iter().flatten() {
        metadata = metadata.with_contact(contact)?;
    }
    Ok(metadata)
}
