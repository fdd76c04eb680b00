//! A client of the authorization server, by hand: every request is under the test's control.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::browser::Browser;
use super::example::Example;
use super::{Reply, http_client};

/// Where a service has what an app calls.
#[derive(Clone, Copy, Debug)]
pub struct Paths {
    /// The authorization endpoint.
    pub authorize: &'static str,
    /// Below which the token endpoint and its like are.
    pub oauth: &'static str,
    /// Below which the API is.
    pub api: &'static str,
}

impl Paths {
    pub const SNIP: Self = Self { authorize: "/oauth/authorize", oauth: "/oauth", api: "/api/v1" };
}

/// A registered client.
#[derive(Clone, Debug)]
pub struct App {
    pub id: String,
    pub secret: Option<String>,
    pub redirect_uri: String,
    /// Where its service has what it calls: as Snip, unless a test says otherwise.
    pub paths: Paths,
    origin: String,
    http: reqwest::Client,
}

/// An authorization request, and what the client has to remember.
#[derive(Clone, Debug)]
pub struct Request {
    /// Path and query.
    pub path: String,
    pub state: String,
    pub verifier: String,
}

/// What a token response hands over.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub scope: String,
}

impl App {
    /// Registers itself, as a public client unless `metadata` says otherwise.
    pub async fn register(example: &Example, metadata: Value) -> Self {
        let mut document = json!({
            "client_name": "Test App",
            "redirect_uris": ["https://app.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        });
        document.as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        let reply = http_client().post(example.url("/oauth/register")).json(&document).send().await.unwrap();
        let reply = Reply::of(reply).await.expect(201);
        let redirect_uri = document["redirect_uris"][0].as_str().unwrap_or_default();
        let secret = reply.json()["client_secret"].as_str().map(ToOwned::to_owned);
        Self { secret, ..Self::known(example, &reply.text("client_id"), redirect_uri) }
    }

    pub async fn public(example: &Example) -> Self {
        Self::register(example, json!({})).await
    }

    pub async fn confidential(example: &Example) -> Self {
        let grant_types = ["authorization_code", "refresh_token", "client_credentials"];
        Self::register(
            example,
            json!({ "token_endpoint_auth_method": "client_secret_basic", "grant_types": grant_types }),
        )
        .await
    }

    /// A client that is registered already.
    pub fn known(example: &Example, id: &str, redirect_uri: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: None,
            redirect_uri: redirect_uri.to_owned(),
            paths: Paths::SNIP,
            origin: example.origin(),
            http: http_client(),
        }
    }

    /// The same client, led to another process of the same service.
    pub fn at(&self, example: &Example) -> Self {
        Self { origin: example.origin(), ..self.clone() }
    }

    /// The same client, as it appears to the server with another secret, or with none.
    pub fn with_secret(self, secret: Option<&str>) -> Self {
        Self { secret: secret.map(ToOwned::to_owned), ..self }
    }

    /// A request for `scope`, with `changes` to its parameters: an empty value takes one out.
    pub fn request_with(&self, scope: &str, changes: &[(&str, &str)]) -> Request {
        let [state, verifier] = [random(), random()];
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", scope),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        parameters.extend(changes);
        parameters.retain(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        Request { path: format!("{}?{query}", self.paths.authorize), state, verifier }
    }

    pub fn request(&self, scope: &str) -> Request {
        self.request_with(scope, &[])
    }

    /// Lets the person in `browser` approve everything, and hands over the code and its verifier.
    pub async fn code(&self, browser: &mut Browser, scope: &str) -> (String, String) {
        let request = self.request(scope);
        let page = browser.get(&request.path).await;
        let answer = if page.status == 200 {
            browser.submit(&page.form(self.paths.authorize).press("decision", "approve")).await
        } else {
            page
        };
        let answer = answer.answer_to(&self.redirect_uri);
        assert_eq!(answer.get("state"), Some(request.state.as_str()));
        (answer.code().to_owned(), request.verifier)
    }

    /// The whole flow, with everything approved.
    pub async fn connect(&self, browser: &mut Browser, scope: &str) -> Tokens {
        let (code, verifier) = self.code(browser, scope).await;
        Tokens::of(&self.exchange(&code, &verifier).await)
    }

    pub async fn exchange(&self, code: &str, verifier: &str) -> Reply {
        Reply::of(self.exchange_request(code, verifier).send().await.unwrap()).await
    }

    pub fn exchange_request(&self, code: &str, verifier: &str) -> RequestBuilder {
        let redirect_uri = self.redirect_uri.as_str();
        let grant = [("grant_type", "authorization_code"), ("code", code)];
        self.post("/token", &[&grant[..], &[("redirect_uri", redirect_uri), ("code_verifier", verifier)]].concat())
    }

    pub async fn refresh(&self, token: &str) -> Reply {
        Reply::of(self.refresh_request(token).send().await.unwrap()).await
    }

    pub fn refresh_request(&self, token: &str) -> RequestBuilder {
        self.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// A request to the token endpoint, with the client's authentication.
    pub async fn token(&self, form: &[(&str, &str)]) -> Reply {
        Reply::of(self.post("/token", form).send().await.unwrap()).await
    }

    pub async fn introspect(&self, token: &str) -> Reply {
        Reply::of(self.post("/introspect", &[("token", token)]).send().await.unwrap()).await
    }

    pub async fn revoke(&self, token: &str) -> Reply {
        Reply::of(self.post("/revoke", &[("token", token)]).send().await.unwrap()).await
    }

    /// A request to one of the endpoints beside the token endpoint.
    fn post(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let request = self.http.post(format!("{}{}{path}", self.origin, self.paths.oauth));
        match &self.secret {
            Some(secret) => request.basic_auth(encoded(&self.id), Some(encoded(secret))).form(form),
            None => request.form(&[form, &[("client_id", self.id.as_str())]].concat()),
        }
    }

    /// A call of the API.
    pub async fn call(&self, path: &str, access_token: &str) -> Reply {
        let request = self.http.get(format!("{}{}{path}", self.origin, self.paths.api)).bearer_auth(access_token);
        Reply::of(request.send().await.unwrap()).await
    }
}

impl Tokens {
    /// Reads a token response.
    #[track_caller]
    pub fn of(reply: &Reply) -> Self {
        let reply = reply.clone().expect(200);
        assert_eq!(reply.text("token_type"), "Bearer");
        let expires_in = reply.json()["expires_in"].as_u64().expect("an integer");
        assert!((1..1 << 31).contains(&expires_in), "{reply:?}");
        let [access, refresh] = [reply.text("access_token"), reply.text("refresh_token")];
        Self { access, refresh, scope: reply.json()["scope"].as_str().unwrap_or_default().to_owned() }
    }
}

/// Basic credentials are form-encoded first (RFC 6749 §2.3.1).
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}
