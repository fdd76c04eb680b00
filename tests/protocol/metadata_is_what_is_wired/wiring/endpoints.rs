//! Where the endpoints are: the places that do what an endpoint does.

use grantor::testkit::Form;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use super::tokens::{Tokens, identified};
use super::{Api, App, Probe};

/// Headers with a bearer token.
pub fn bearer(token: &str) -> HeaderMap {
    let value = format!("Bearer {token}").parse().unwrap();
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

impl Probe<'_> {
    pub fn url(&self, place: &str) -> Value {
        format!("{}{place}", self.target.origin).into()
    }

    /// The only place of its kind, if there is one.
    fn only(&self, kind: &str, found: Vec<String>) -> Option<String> {
        if found.len() > 1 {
            self.note(format!("several places are the {kind}: {found:?}"));
        }
        found.into_iter().next()
    }

    /// The place that has tokens.
    pub async fn token_endpoint(&self) -> String {
        let web = &self.target.web;
        let mut found = Vec::new();
        for place in &self.target.places {
            let form = identified(web, self.good(web).await);
            if Tokens::read(&self.target.post(place, &form, HeaderMap::new()).await).is_ok() {
                found.push(place.clone());
            }
        }
        self.only("token endpoint", found).expect("a token endpoint")
    }

    /// Whether an API takes a token; whether it has the scope for what is asked there does not matter.
    pub async fn accepts(&self, api: &Api, token: &str) -> bool {
        self.target.send(Method::GET, &api.path, bearer(token), "").await.status != 401
    }

    /// The place after which an API refuses a token that it took before.
    pub async fn revocation_endpoint(&self) -> Option<String> {
        let (web, api) = (&self.target.web, &self.target.apis[0]);
        let mut found = Vec::new();
        for place in &self.target.places {
            let token = self.granted(web, &[]).await.expect("tokens").access;
            if !self.accepts(api, &token).await {
                self.note(format!("{} refuses {token}", api.path));
            }
            let answer =
                self.target.post(place, &identified(web, Form::of([("token", &*token)])), HeaderMap::new()).await;
            if answer.status == 200 && !self.accepts(api, &token).await {
                found.push(place.clone());
            }
        }
        self.only("revocation endpoint", found)
    }

    /// The place that knows a token.
    pub async fn introspection_endpoint(&self) -> Option<String> {
        let web = &self.target.web;
        let mut found = Vec::new();
        for place in &self.target.places {
            let token = self.granted(web, &[]).await.expect("tokens").access;
            let answer =
                self.target.post(place, &identified(web, Form::of([("token", &*token)])), HeaderMap::new()).await;
            if answer.members().get("active") == Some(&json!(true)) {
                found.push(place.clone());
            }
        }
        self.only("introspection endpoint", found)
    }

    /// The place where clients register themselves. Who did so is a newcomer from then on.
    pub async fn registration_endpoint(&mut self) -> Option<Value> {
        let code = json!({
            "client_name": "A newcomer", "redirect_uris": ["https://new.test/cb"], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let own = json!({ "client_name": "A newcomer", "grant_types": ["client_credentials"] });
        let mut found = Vec::new();
        for place in &self.target.places {
            for document in [&code, &own] {
                let mut headers = self.target.initial_token.map(bearer).unwrap_or_default();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let answer = self.target.send(Method::POST, place, headers, document.to_string()).await;
                if answer.status != 201 {
                    continue;
                }
                if document == &code {
                    let id = answer.text("client_id").expect("an identifier");
                    let redirect_uri = "https://new.test/cb".to_owned();
                    self.newcomers.push(App { id, secret: answer.text("client_secret"), redirect_uri });
                }
                found.push(place.clone());
                break;
            }
        }
        self.only("registration endpoint", found).map(|place| self.url(&place))
    }

    /// The place with keys; one of them verifies what is signed.
    pub async fn jwks_uri(&self, issuer: Option<&str>) -> Option<Value> {
        let mut signed = Vec::new();
        for app in self.apps() {
            signed.push(self.granted(app, &[]).await.expect("tokens").access);
        }
        signed.retain(|token| decode_header(token).is_ok());
        let mut found = Vec::new();
        for place in &self.target.places {
            let Ok(keys) = serde_json::from_value::<JwkSet>(self.target.get(place).await.members().into()) else {
                continue;
            };
            if !signed.iter().all(|token| verifies(&keys, token, issuer)) || signed.is_empty() {
                self.note(format!("{place} has keys that do not verify {signed:?}"));
            }
            found.push(place.clone());
        }
        if found.is_empty() && !signed.is_empty() {
            self.note(format!("no place has the keys that verify {signed:?}"));
        }
        self.only("set of keys", found).map(|place| self.url(&place))
    }
}

fn verifies(keys: &JwkSet, token: &str, issuer: Option<&str>) -> bool {
    let header = decode_header(token).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(issuer.as_slice());
    validation.validate_aud = false;
    // The clock of the server may stand still.
    validation.validate_exp = false;
    let keys = keys.keys.iter().filter_map(|key| DecodingKey::from_jwk(key).ok());
    keys.into_iter().any(|key| decode::<Value>(token, &key, &validation).is_ok())
}
