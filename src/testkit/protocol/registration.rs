//! Clients that come and go while a row is at work (RFC 7591, RFC 7592).

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::{Map, Value};

use super::{Failure, Reply, Run, authorization};

/// What the target told a client that registered itself.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "what rows read")]
pub struct Registration {
    /// Every member.
    pub members: Map<String, Value>,
}

impl Registration {
    /// A member that is a text; empty, if there is none.
    #[must_use]
    pub fn text(&self, member: &str) -> &str {
        self.members.get(member).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Run<'_> {
    /// Registers a client.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is refused, or the target cannot be asked.
    pub async fn registration(&self, metadata: &Value) -> Result<Registration, Failure> {
        let reply = self.register(metadata).await?;
        ensure!(reply.status() == 201, "the registration of {metadata} was answered with {}", reply.status());
        Ok(Registration { members: reply.expect_json()? })
    }

    /// Calls the place where a registration is managed, as the client that it belongs to.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or there is no such place.
    pub async fn manage(&self, registration: &Registration, method: Method, body: &Value) -> Result<Reply, Failure> {
        let mut headers = authorization(&format!("Bearer {}", registration.text("registration_access_token")))?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        self.send(method, registration.text("registration_client_uri"), headers, body).await
    }
}
