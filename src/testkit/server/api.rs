//! The API that the tokens are for.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW,
};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde_json::json;
use url::Url;

use super::TestServer;
use crate::endpoint::ProtectedResourceMetadata;
use crate::error::BearerError;
use crate::resource_server::ResourceServer;
use crate::wire::response::{json, respond};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");

/// What guards the API at this address, if there is one.
pub(super) fn find(server: &TestServer, uri: &Uri) -> Option<ResourceServer> {
    let resources = &server.server().configuration().resources;
    if resources.iter().next().is_none() {
        return (uri.path() == "/api").then(|| server.resource_server().clone());
    }
    let at = |url: &Url| url.path() == uri.path() && uri.host().is_none_or(|host| url.host_str() == Some(host));
    let mut indicators = resources.iter().map(|resource| &resource.indicator);
    let found = indicators.find(|indicator| Url::parse(indicator.as_str()).is_ok_and(|url| at(&url)))?;
    Some(server.resource_server().clone().with_resource(found.clone()))
}

/// Answers for the metadata of an API at another origin than the authorization server's, which serves that of its own.
pub(super) fn metadata(server: &TestServer, parts: &Parts) -> Option<Response<String>> {
    let configuration = server.server().configuration();
    let elsewhere =
        configuration.resources.iter().filter(|resource| resource.origin() != configuration.issuer.origin());
    let elsewhere = elsewhere.map(|resource| match resource.scope {
        Some(_) => resource.clone(),
        None => resource.clone().with_scope(configuration.scopes.all().clone()),
    });
    let metadata = ProtectedResourceMetadata::new(&configuration.issuer, elsewhere).ok()?;
    let own = metadata.endpoints().iter().any(|endpoint| endpoint.matches(parts.uri.path()));
    own.then(|| metadata.handle(&Request::from_parts(parts.clone(), ())))
}

/// Answers a call; any web page may send one, because no cookie counts here.
pub(super) async fn respond_to(server: &TestServer, guard: &ResourceServer, parts: &Parts) -> Response<String> {
    open(match call(server, guard, parts).await {
        Ok(response) => response,
        Err(error) => error.into_http(),
    })
}

fn open(mut response: Response<String>) -> Response<String> {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, Retry-After"));
    response
}

async fn call(server: &TestServer, guard: &ResourceServer, parts: &Parts) -> Result<Response<String>, BearerError> {
    let wanted = match parts.method {
        Method::OPTIONS => {
            let headers = HeaderValue::from_static("Authorization, Content-Type");
            let headers = [(ACCESS_CONTROL_ALLOW_METHODS, METHODS), (ACCESS_CONTROL_ALLOW_HEADERS, headers)];
            return Ok(respond(StatusCode::NO_CONTENT, &headers, String::new()));
        }
        Method::GET | Method::HEAD => "read",
        Method::POST => "write",
        _ => return Ok(method_not_allowed(METHODS)),
    };
    let known = server.server().configuration().scopes.description(wanted).is_some();
    let access = guard.verify_scope(&parts.headers, if known { wanted } else { "" }).await?;
    let told = json!({
        "subject": access.subject().map(|subject| subject.as_str()),
        "client_id": access.client_id().map(|id| id.as_str()),
        "scope": access.scope().as_str(),
    });
    let body = if parts.method == Method::HEAD { String::new() } else { told.to_string() };
    Ok(json(StatusCode::OK, body))
}

fn method_not_allowed(allowed: HeaderValue) -> Response<String> {
    let mut response = json(StatusCode::METHOD_NOT_ALLOWED, json!({ "error": "method_not_allowed" }).to_string());
    response.headers_mut().insert(ALLOW, allowed);
    response
}
