//! Client registration: RFC 7591, and its management by RFC 7592.

pub mod management;
pub mod members;
pub mod policy;
pub mod redirect_uris;
pub mod request;

use serde_json::{Value, json};

use super::metadata::texts;
use crate::testkit::Form;
use crate::testkit::protocol::{Failure, KnownClient, Registered, Reply, Run, basic};

/// Metadata with one member changed.
pub(super) fn with(mut metadata: Value, member: &str, value: Value) -> Value {
    metadata[member] = value;
    metadata
}

/// Metadata without a member.
pub(super) fn without(mut metadata: Value, member: &str) -> Value {
    if let Some(members) = metadata.as_object_mut() {
        members.remove(member);
    }
    metadata
}

/// A registration that is refused: a 400 with one of these codes, and no client.
pub(super) fn expect_refused(what: &str, reply: &Reply, codes: &[&str]) -> Result<(), Failure> {
    ensure!(reply.status() == 400, "{what} is answered with {}", reply.status());
    let members = reply.expect_json()?;
    let error = members.get("error").and_then(Value::as_str).unwrap_or_default();
    ensure!(codes.contains(&error), "{what} is answered with the error {error:?}, not {}", codes.join(" or "));
    reply.expect_error(400, error)?;
    ensure!(!members.contains_key("client_id"), "{what} is refused, and a client_id comes with it");
    Ok(())
}

/// Whether a client can authenticate itself with this secret, tried by a refresh token that does not exist.
pub(super) async fn authenticates(run: &Run<'_>, client: &Registered, secret: &str) -> Result<bool, Failure> {
    let client = KnownClient { secret: Some(secret.to_owned()), ..client.client.clone() };
    let form = Form::of([("grant_type", "refresh_token"), ("refresh_token", "x")]);
    let reply = run.post(&run.profile().endpoints.token, &form, basic(&client)).await?;
    match reply.status().as_u16() {
        400 => Ok(true),
        401 => Ok(false),
        _ => Err(Failure::new(format!("a refresh with a made-up token is answered with {}", reply.status()))),
    }
}

/// A client that registered itself is told nothing about the tokens of others (RFC 7662 §2.1).
pub(super) async fn expect_told_of_nobody(run: &Run<'_>) -> Result<(), Failure> {
    let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!("client_secret_basic"));
    let registered = run.registered(&metadata).await?;
    let tokens = run.tokens(&run.profile().web).await?;
    let told = run.introspect(&registered.client, &tokens.access).await?;
    let active = told.text().contains("\"active\":true") || told.text().contains("\"active\": true");
    ensure!(!active, "a self-registered client is told about the token of another");
    ensure!(matches!(told.status().as_u16(), 200 | 401 | 403), "introspection: {}", told.status());
    let own = run.introspect(&run.profile().web, &tokens.access).await?.expect_ok()?;
    ensure!(own.get("active") == Some(&json!(true)), "the token is dead, so that nothing was shown");
    Ok(())
}
