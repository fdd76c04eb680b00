//! Clients that register themselves in a row (RFC 7591), and manage what they registered (RFC 7592).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::{Failure, Feature, KnownClient, Reply, Run, authorization};

/// A client that a row has registered.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    /// The registration, as the target told it.
    pub(crate) metadata: Map<String, Value>,
    /// The client, for requests.
    pub(crate) client: KnownClient,
}

impl Registered {
    /// Its registration access token.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the target told none.
    pub(crate) fn token(&self) -> Result<&str, Failure> {
        self.text("registration_access_token")
    }

    /// A member that is text.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is not there.
    pub(crate) fn text(&self, member: &str) -> Result<&str, Failure> {
        let text = self.metadata.get(member).and_then(Value::as_str);
        text.ok_or_else(|| Failure::new(format!("the registration tells no {member}")))
    }
}

impl Reply {
    /// A registration: 201 with a JSON object that nobody may store, with `client_id` and `redirect_uris`.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_registered(&self) -> Result<Registered, Failure> {
        self.expect_status(201)?;
        let metadata = self.expect_json()?;
        let id = metadata.get("client_id").and_then(Value::as_str);
        let id = id.ok_or_else(|| Failure::new("the registration tells no client_id"))?.to_owned();
        let texts = |member: &str| {
            let list = metadata.get(member)?.as_array()?;
            list.iter().map(|entry| entry.as_str().map(ToOwned::to_owned)).collect::<Option<Vec<_>>>()
        };
        let no_list = || Failure::new("redirect_uris is no array of strings");
        let redirect_uris = texts("redirect_uris").ok_or_else(no_list)?;
        let client = KnownClient {
            id,
            secret: metadata.get("client_secret").and_then(Value::as_str).map(ToOwned::to_owned),
            redirect_uri: redirect_uris.first().cloned().unwrap_or_default(),
            redirect_uris,
            grant_types: Vec::new(),
            scope: metadata.get("scope").and_then(Value::as_str).map(ToOwned::to_owned),
        };
        Ok(Registered { metadata, client })
    }
}

impl Run<'_> {
    /// The metadata of a client like those that the rows register: public unless it is changed.
    #[must_use]
    pub(crate) fn client_metadata(&self) -> Value {
        json!({
            "client_name": "A client of the suite",
            "redirect_uris": ["https://new.test/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        })
    }

    /// A client that registers with this metadata.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is refused, or the target has no registration.
    pub(crate) async fn registered(&self, metadata: &Value) -> Result<Registered, Failure> {
        self.register(metadata).await?.expect_registered()
    }

    /// A registration whose body is whatever it is, of any type.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the target has no registration.
    pub(crate) async fn register_text(
        &self,
        content_type: Option<&str>,
        body: impl AsRef<[u8]>,
    ) -> Result<Reply, Failure> {
        self.requires(Feature::Registration)?;
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            let value = content_type.parse().map_err(|_| Failure::new(format!("{content_type:?} cannot be sent")))?;
            headers.insert(CONTENT_TYPE, value);
        }
        self.send(Method::POST, &self.profile().endpoints.registration, headers, Bytes::copy_from_slice(body.as_ref()))
            .await
    }

    /// A request to where the client manages its registration, with its token.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the target told no such place.
    pub(crate) async fn manage(&self, method: Method, client: &Registered, body: &Value) -> Result<Reply, Failure> {
        self.manage_with(method, client, authorization(&format!("Bearer {}", client.token()?))?, body).await
    }

    /// A request to where the client manages its registration, with headers of choice. No body is `null`.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the target told no such place.
    pub(crate) async fn manage_with(
        &self,
        method: Method,
        client: &Registered,
        mut headers: HeaderMap,
        body: &Value,
    ) -> Result<Reply, Failure> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        if !body.is_empty() {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        self.send(method, client.text("registration_client_uri")?, headers, body).await
    }
}
