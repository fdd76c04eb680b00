//! Metadata: of the authorization server (RFC 8414), and of the API (RFC 9728).

pub mod resource;
pub mod server_members;
pub mod server_place;

use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use url::{Host, Url};

use crate::testkit::protocol::{Failure, Reply, Run};

/// What is put between host and path of an issuer (RFC 8414 §3.1).
pub(crate) const SERVER: &str = "/.well-known/oauth-authorization-server";
/// What is put between host and path of a resource (RFC 9728 §3.1).
pub(super) const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// The part of a URL behind its origin; a slash that is all there is counts for nothing.
pub(crate) fn path_of(url: &str) -> &str {
    let path = url.strip_prefix(crate::testkit::protocol::origin_of(url)).unwrap_or_default();
    if path == "/" { "" } else { path }
}

/// Where the metadata of the API is.
pub(super) fn resource_url(run: &Run<'_>) -> String {
    let resource = &run.profile().api.resource;
    format!("{}{RESOURCE}{}", crate::testkit::protocol::origin_of(resource), path_of(resource))
}

/// Where the metadata of the API is, and that of every resource on its origin that the server's own metadata lists.
pub(super) fn resource_urls(run: &Run<'_>, server: &Map<String, Value>) -> Vec<String> {
    let origin = crate::testkit::protocol::origin_of(&run.profile().api.resource);
    let listed = server.get("protected_resources").and_then(Value::as_array).into_iter().flatten();
    let listed = listed.filter_map(Value::as_str).filter(|resource| {
        crate::testkit::protocol::origin_of(resource) == origin && *resource != run.profile().api.resource
    });
    let others = listed.map(|resource| format!("{origin}{RESOURCE}{}", path_of(resource)));
    std::iter::once(resource_url(run)).chain(others).collect()
}

/// The members of a metadata document: 200 with a JSON object.
pub(crate) fn document(reply: &Reply) -> Result<Map<String, Value>, Failure> {
    reply.expect_status(200)?;
    let kind = reply.header(&CONTENT_TYPE).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    ensure!(essence.eq_ignore_ascii_case("application/json"), "the content type is {kind:?}");
    serde_json::from_str(&reply.text()).map_err(|error| Failure::new(format!("no JSON object: {error}")))
}

/// The strings of a member that is an array.
pub(super) fn texts<'a>(document: &'a Map<String, Value>, member: &str) -> Result<Vec<&'a str>, Failure> {
    let list = document.get(member).and_then(Value::as_array);
    let list = list.map(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    list.flatten().ok_or_else(|| Failure::new(format!("{member} is no array of strings")))
}

/// Nothing is empty or null, at any depth.
pub(super) fn expect_filled(at: &str, value: &Value) -> Result<(), Failure> {
    let empty = match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    ensure!(!empty, "{at} is {value}");
    match value {
        Value::Array(list) => list.iter().try_for_each(|value| expect_filled(at, value)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| expect_filled(name, value)),
        _ => Ok(()),
    }
}

/// Whether nobody on the way can read what is sent to a URL.
pub(super) fn is_confidential(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

/// An absolute URL without a fragment, as endpoints have them: https, or http on this machine.
pub(super) fn expect_endpoint(name: &str, value: &Value) -> Result<(), Failure> {
    let text = value.as_str().ok_or_else(|| Failure::new(format!("{name} is no text: {value}")))?;
    let url = Url::parse(text).map_err(|error| Failure::new(format!("{name} is no URL: {error}")))?;
    ensure!(is_confidential(&url), "{name} is not secure: {text}");
    ensure!(url.fragment().is_none(), "{name} has a fragment: {text}");
    Ok(())
}

/// What is not there: a 4xx, which clients take as a reason to look elsewhere; neither a page, nor a way to the
/// sign-in.
pub(super) fn expect_absent(path: &str, reply: &Reply) -> Result<(), Failure> {
    ensure!(reply.status().is_client_error(), "{path} is answered with {}", reply.status());
    Ok(())
}
