//! How clients prove who they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grantor::testkit::Form;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::visit::Answer;
use super::{App, Probe};

/// The methods that are registered (RFC 7591 §4.2 and its registry).
const METHODS: [&str; 7] = [
    "none",
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
];

impl Probe<'_> {
    /// By which methods there are tokens.
    pub async fn methods_for_tokens(&self) -> Option<Value> {
        let mut supported = Vec::new();
        for method in METHODS {
            let app = self.app_of(method);
            let (form, headers) = self.authenticated(method, app, self.good(app).await);
            let answer = self.send(&form, headers).await;
            if self.works(&self.token, method, &answer) {
                supported.push(method);
            }
        }
        Self::list(supported)
    }

    /// By which methods an endpoint listens to what is asked about a token.
    pub async fn methods_at(&self, place: Option<&str>) -> Option<Value> {
        let place = place?;
        let mut supported = Vec::new();
        for method in METHODS {
            let (form, headers) = self.authenticated(method, self.app_of(method), Form::of([("token", "x")]));
            let answer = self.target.post(place, &form, headers).await;
            if self.works(place, method, &answer) {
                supported.push(method);
            }
        }
        Self::list(supported)
    }

    /// Who is refused is told that it did not prove who it is, or that nobody without a secret gets anything this way.
    fn works(&self, place: &str, method: &str, answer: &Answer) -> bool {
        let error = answer.text("error").unwrap_or_default();
        match (answer.status, error.as_str()) {
            (200, _) => return true,
            (401, "invalid_client") => {}
            (400, "unauthorized_client") if method == "none" => {}
            outcome => self.note(format!("{method} at {place} is answered with {outcome:?}")),
        }
        false
    }

    fn app_of(&self, method: &str) -> &App {
        if method == "none" { &self.target.public } else { &self.target.web }
    }

    fn authenticated(&self, method: &str, app: &App, form: Form) -> (Form, HeaderMap) {
        let secret = app.secret.as_deref().unwrap_or_default();
        let named = form.clone().and("client_id", &app.id);
        let mut headers = HeaderMap::new();
        let form = match method {
            "client_secret_basic" => {
                let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let credentials = STANDARD.encode(format!("{}:{}", encode(&app.id), encode(secret)));
                headers.insert(AUTHORIZATION, format!("Basic {credentials}").parse().unwrap());
                form
            }
            "client_secret_post" => named.and("client_secret", secret),
            "client_secret_jwt" => {
                let key = EncodingKey::from_secret(secret.as_bytes());
                self.asserted(named, app, Algorithm::HS256, &key)
            }
            "private_key_jwt" => {
                let key = rcgen::KeyPair::generate().unwrap();
                self.asserted(named, app, Algorithm::ES256, &EncodingKey::from_ec_der(&key.serialize_der()))
            }
            // A certificate would be another matter of the connection; there is none.
            _ => named,
        };
        (form, headers)
    }

    /// RFC 7523 §2.2
    fn asserted(&self, form: Form, app: &App, algorithm: Algorithm, key: &EncodingKey) -> Form {
        let claims = json!({
            "iss": app.id, "sub": app.id, "aud": self.url(&self.token), "exp": 4_000_000_000_u64, "jti": "af0ifjsldkj",
        });
        let assertion = encode(&Header::new(algorithm), &claims, key).unwrap();
        form.and("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            .and("client_assertion", &assertion)
    }
}
