//! The APIs: what tokens are for.

use grantor::testkit::Form;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, Method};
use serde_json::Value;
use url::Url;

use super::scopes::OFFLINE_ACCESS;
use super::{Api, Members, Probe};

/// What no API is called.
const UNKNOWN: &str = "https://unknown.test/api";

impl Probe<'_> {
    /// What can be asked for as `resource`: the token is good at that API, and at no other.
    pub async fn protected_resources(&self) -> Option<Value> {
        let mut supported = Vec::new();
        for api in self.target.apis.iter().filter(|api| api.resource.is_some()) {
            if self.is_reached(api).await {
                supported.extend(api.resource.as_deref());
            }
        }
        match self.granted(&self.target.public, &[("resource", UNKNOWN)]).await {
            Err(error) if error == "invalid_target" => {}
            outcome => self.note(format!("resource={UNKNOWN} leads to {outcome:?}")),
        }
        Self::list(supported)
    }

    /// A token for whatever of the scopes the API understands.
    async fn token_for(&self, resource: &str) -> Option<String> {
        for scope in &self.target.scopes {
            if let Ok(tokens) = self.granted(&self.target.public, &[("scope", scope), ("resource", resource)]).await {
                return Some(tokens.access);
            }
        }
        None
    }

    async fn is_reached(&self, api: &Api) -> bool {
        let resource = api.resource.as_deref().unwrap_or_default();
        let Some(token) = self.token_for(resource).await else { return false };
        for other in &self.target.apis {
            let accepted = self.accepts(other, &token).await;
            if accepted != (other.resource == api.resource) {
                self.note(format!("a token for {resource} is accepted at {}: {accepted}", other.path));
                return false;
            }
        }
        true
    }

    /// Where each API says that its metadata are, and what they should tell.
    pub async fn apis(&self, issuer: Option<&str>) -> Vec<(String, Members)> {
        let mut apis = Vec::new();
        for api in &self.target.apis {
            let refused = self.target.get(&api.path).await;
            let challenge = refused.header(WWW_AUTHENTICATE).filter(|_| refused.status == 401).unwrap_or_default();
            let place = challenge.split_once("resource_metadata=\"").and_then(|(_, rest)| rest.split('"').next());
            match (place, &api.resource) {
                (None, None) => {}
                (Some(place), Some(resource)) if place == metadata_of(resource) => {
                    let members = self.api(api, resource, issuer).await;
                    let path = place.strip_prefix(&Url::parse(place).unwrap().origin().ascii_serialization());
                    apis.push((path.unwrap().to_owned(), members));
                }
                told => self.note(format!("the metadata of {} are at {told:?}", api.path)),
            }
        }
        apis
    }

    async fn api(&self, api: &Api, resource: &str, issuer: Option<&str>) -> Members {
        let mut scopes = Vec::new();
        for token in self.scope_tokens() {
            // MCP-019: who has refresh tokens is the server, and not its APIs.
            let is_access = token != OFFLINE_ACCESS && self.target.wildcard != Some(token);
            if is_access && self.grants(token, Some(resource)).await {
                scopes.push(token);
            }
        }
        let reached = self.is_reached(api).await;
        Members::from([
            ("resource", reached.then(|| resource.into())),
            ("authorization_servers", Self::list(issuer.filter(|_| reached))),
            ("scopes_supported", Self::list(scopes)),
            ("bearer_methods_supported", self.bearer_methods(api, resource).await),
            // It is only said.
            ("resource_name", api.name.clone().map(Into::into)),
        ])
    }

    /// How a token can be sent (RFC 6750 §2): it makes a difference that it is there.
    async fn bearer_methods(&self, api: &Api, resource: &str) -> Option<Value> {
        let token = self.token_for(resource).await?;
        let send = async |method: &str, token: &str| {
            let separator = if api.path.contains('?') { '&' } else { '?' };
            let form = Form::of([("access_token", token)]);
            match method {
                "header" => self.target.send(Method::GET, &api.path, super::endpoints::bearer(token), "").await,
                "query" => self.target.get(&format!("{}{separator}{}", api.path, form.encode())).await,
                _ => self.target.post(&api.path, &form, HeaderMap::new()).await,
            }
        };
        let mut supported = Vec::new();
        for method in ["header", "query", "body"] {
            if send(method, &token).await.status != send(method, "wrong").await.status {
                supported.push(method);
            }
        }
        Self::list(supported)
    }
}

/// Where the metadata of a resource are: the well-known part comes before its path (RFC 9728 §3.1).
fn metadata_of(resource: &str) -> String {
    let origin = Url::parse(resource).unwrap().origin().ascii_serialization();
    let rest = resource.strip_prefix(&origin).unwrap();
    format!("{origin}/.well-known/oauth-protected-resource{}", if rest == "/" { "" } else { rest })
}
