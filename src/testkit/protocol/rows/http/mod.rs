//! HTTP itself: methods, media types, encodings, sizes, and answers that are JSON whatever happens.
//!
//! | row | why it is not here |
//! |---|---|
//! | HTTP-023 | how often somebody may ask is the server's to choose; the limit cannot be reached on purpose |

pub mod answers;
pub mod parameters;
pub mod requests;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;

use crate::testkit::protocol::{Failure, Feature, Reply, Run};

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// The endpoints that take forms from clients.
fn form_endpoints<'a>(run: &'a Run<'_>) -> Vec<&'a str> {
    let endpoints = &run.profile().endpoints;
    let optional = [(Feature::Revocation, &endpoints.revocation), (Feature::Introspection, &endpoints.introspection)];
    let optional = optional.into_iter().filter(|(feature, _)| run.has(*feature)).map(|(_, endpoint)| endpoint.as_str());
    std::iter::once(endpoints.token.as_str()).chain(optional).collect()
}

/// The endpoints that take nothing but POST.
fn post_endpoints<'a>(run: &'a Run<'_>) -> Vec<&'a str> {
    let mut endpoints = form_endpoints(run);
    if run.has(Feature::Registration) {
        endpoints.push(&run.profile().endpoints.registration);
    }
    endpoints
}

/// Posts a body as this media type; as none at all, if that is empty.
async fn post_as(run: &Run<'_>, address: &str, media_type: &str, body: &str) -> Result<Reply, Failure> {
    let mut headers = HeaderMap::new();
    if !media_type.is_empty() {
        let value = HeaderValue::from_str(media_type);
        headers.insert(CONTENT_TYPE, value.map_err(|_| Failure::new("a media type that cannot be sent"))?);
    }
    run.send(Method::POST, address, headers, body.to_owned()).await
}

/// An error as JSON, with one of these statuses.
fn expect_json_error(reply: &Reply, statuses: &[u16]) -> Result<(), Failure> {
    let status = reply.status().as_u16();
    ensure!(statuses.contains(&status), "the status is {status}, not one of {statuses:?}");
    let members = reply.expect_json()?;
    let error = members.get("error").and_then(Value::as_str);
    ensure!(error.is_some(), "the member error is no text: {:?}", members.get("error"));
    ensure!(!members.contains_key("access_token"), "an access token comes beside the error");
    Ok(())
}
