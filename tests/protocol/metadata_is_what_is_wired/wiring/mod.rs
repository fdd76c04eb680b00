//! What is wired in a server, found out by trying. The metadata is read only to be compared with what was found.

mod authentication;
mod comparison;
mod endpoints;
mod front;
mod grants;
mod resources;
mod scopes;
mod target;
mod tokens;
mod visit;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

pub use comparison::disagreements;
pub use target::{Api, App, Documents, SignIn, Target};
use visit::Browser;

/// The members that a document has to have, each with its value, or none if it has to be absent. What is not here has no probe.
pub type Members = BTreeMap<&'static str, Option<Value>>;

/// What a server does.
#[derive(Debug)]
pub struct Wiring {
    /// The metadata of the server that tell it.
    pub server: Members,
    /// Each API: where its metadata are, and what they should tell.
    pub apis: Vec<(String, Members)>,
    /// What can be told by no metadata, since it contradicts itself.
    pub problems: Vec<String>,
}

/// A server that is being tried.
struct Probe<'a> {
    target: &'a Target,
    browser: Browser<'a>,
    /// The path of the authorization endpoint.
    authorization: String,
    /// The path of the token endpoint.
    token: String,
    /// Whether requests lead to codes.
    gives_codes: bool,
    /// Clients that nobody vouches for: one that registered itself, one that its document describes.
    newcomers: Vec<App>,
    /// Which scope token is granted for which resource, as far as that was tried.
    granted_scopes: Mutex<BTreeMap<(&'static str, Option<String>), bool>>,
    problems: Mutex<Vec<String>>,
}

impl Probe<'_> {
    /// Notes what no document could be right about.
    fn note(&self, problem: String) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
    }

    /// A list as metadata have it: absent where it would be empty (RFC 8414 §3.2).
    fn list(found: impl IntoIterator<Item = impl Into<Value>>) -> Option<Value> {
        let found: Vec<Value> = found.into_iter().map(Into::into).collect();
        (!found.is_empty()).then_some(Value::Array(found))
    }
}

impl Wiring {
    /// Tries all that there is to try.
    pub async fn of(target: &Target) -> Self {
        let mut probe = Probe::begin(target).await;
        let registration_endpoint = probe.registration_endpoint().await;
        let documents = probe.reads_documents().await;
        let (issuer, names_itself) = probe.issuer().await;
        let revocation = probe.revocation_endpoint().await;
        let introspection = probe.introspection_endpoint().await;
        let token = probe.token.clone();
        let server = Members::from([
            ("issuer", issuer.clone().map(Into::into)),
            ("authorization_endpoint", Some(probe.url(&probe.authorization))),
            ("token_endpoint", Some(probe.url(&token))),
            ("registration_endpoint", registration_endpoint),
            ("revocation_endpoint", revocation.as_ref().map(|place| probe.url(place))),
            ("introspection_endpoint", introspection.as_ref().map(|place| probe.url(place))),
            ("jwks_uri", probe.jwks_uri(issuer.as_deref()).await),
            ("scopes_supported", probe.scopes().await),
            ("response_types_supported", probe.response_types().await),
            ("response_modes_supported", probe.response_modes().await),
            ("grant_types_supported", probe.grant_types().await),
            ("token_endpoint_auth_methods_supported", probe.methods_for_tokens().await),
            ("revocation_endpoint_auth_methods_supported", probe.methods_at(revocation.as_deref()).await),
            ("introspection_endpoint_auth_methods_supported", probe.methods_at(introspection.as_deref()).await),
            ("code_challenge_methods_supported", probe.code_challenge_methods().await),
            ("authorization_response_iss_parameter_supported", names_itself.then_some(true.into())),
            ("client_id_metadata_document_supported", documents.then_some(true.into())),
            ("protected_resources", probe.protected_resources().await),
        ]);
        let apis = probe.apis(issuer.as_deref()).await;
        Self { server, apis, problems: probe.problems.into_inner().unwrap_or_else(PoisonError::into_inner) }
    }

    /// What the server publishes about itself: the document of RFC 8414 first, then those of OpenID Connect, as far as they
    /// are there.
    pub async fn published(&self, target: &Target) -> Vec<Map<String, Value>> {
        let issuer = self.server["issuer"].as_ref().and_then(Value::as_str).expect("an issuer");
        let path = issuer.strip_prefix(&target.origin).expect("an issuer of this origin").trim_end_matches('/');
        let places = [
            format!("/.well-known/oauth-authorization-server{path}"),
            format!("/.well-known/openid-configuration{path}"),
            format!("{path}/.well-known/openid-configuration"),
        ];
        let mut documents = Vec::new();
        for (at, place) in places.iter().enumerate() {
            let answer = target.get(place).await;
            assert!(answer.status == 200 || (at > 0 && answer.status == 404), "{place}: {answer:?}");
            if answer.status == 200 {
                documents.push(answer.members());
            }
        }
        documents
    }

    /// In what the metadata of a server, and of its APIs, differ from what it does.
    pub async fn compare(self, target: &Target) -> Vec<String> {
        let mut found = Vec::new();
        for document in self.published(target).await {
            found.extend(disagreements(&self.server, &document));
        }
        for (place, members) in &self.apis {
            let document = target.get(place).await.members();
            found.extend(disagreements(members, &document).into_iter().map(|words| format!("{place}: {words}")));
        }
        found.extend(self.problems);
        found
    }
}
