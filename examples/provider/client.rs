//! An OAuth client, step by step: what a team that uses the shortener's API would write, or get from a library.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantor::{InvalidReturnTarget, Issuer, ReturnTarget};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::connections::{AuthorizationRequest, Connection, Tokens};
use super::services::{Method, Service};
use crate::shortener::random;
use crate::shortener::views::ApiCall;

/// The client identifier.
pub const ID: &str = "demo";
/// The path at which the app store begins.
pub const INSTALL_PATH: &str = "/demo/install";
/// The path of the redirect URI.
pub const REDIRECT_PATH: &str = "/demo/callback";

/// The demo client.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    issuer: String,
    api: String,
    redirect_uri: String,
    service: Arc<Service>,
}

/// The answer of the token endpoint (RFC 6749 §5.1).
#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    #[serde(default)]
    scope: String,
}

impl Client {
    /// A client of the server that browsers know as `issuer` and this process reaches at `api`.
    pub fn new(issuer: &str, api: &str, service: Arc<Service>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            issuer: issuer.to_owned(),
            api: api.to_owned(),
            redirect_uri: format!("{issuer}{REDIRECT_PATH}"),
            service,
        })
    }

    /// Where the shortener's app store says that the browser belongs in the end: nowhere but with the shortener.
    pub fn return_target(&self, redirect: &str) -> Result<ReturnTarget, InvalidReturnTarget> {
        let issuer = Issuer::parse(&self.issuer).map_err(|_| InvalidReturnTarget)?;
        ReturnTarget::parse(&issuer, redirect)
    }

    /// Step 1: where to send the browser, and what to remember until it comes back.
    pub fn authorization_request(&self, return_to: Option<ReturnTarget>) -> (String, AuthorizationRequest) {
        let request = AuthorizationRequest { state: random::token(), code_verifier: random::token(), return_to };
        let code_challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&request.code_verifier));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", ID)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", self.scope())
            .append_pair("state", &request.state)
            .append_pair("code_challenge", &code_challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        (format!("{}{}?{query}", self.issuer, self.service.paths.authorize()), request)
    }

    /// What it asks for.
    pub fn scope(&self) -> &str {
        self.service.demo_scope
    }

    /// Step 2: reads the answer that the browser brought back, and exchanges its code.
    pub async fn finish(&self, request: &AuthorizationRequest, query: &str) -> Connection {
        let parameter = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
        };
        if parameter("state").as_deref() != Some(&request.state) {
            return failed("The answer does not belong to a request of this browser.");
        }
        // RFC 9207 §2.4: an answer of another server must not be taken for one of this.
        if parameter("iss").as_deref() != Some(&self.issuer) {
            return failed("The answer comes from another server.");
        }
        match (parameter("error").as_deref(), parameter("code")) {
            (Some("access_denied"), _) => Connection::Denied,
            (None, Some(code)) => self.exchange(&code, &request.code_verifier).await,
            _ => failed(&format!("{} refused the request.", self.service.title)),
        }
    }

    /// Step 3: the code becomes a token.
    async fn exchange(&self, code: &str, code_verifier: &str) -> Connection {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", ID),
            ("redirect_uri", &self.redirect_uri),
            ("code", code),
            ("code_verifier", code_verifier),
        ];
        let response = self.http.post(format!("{}{}", self.api, self.service.paths.token())).form(&form).send().await;
        match response.and_then(reqwest::Response::error_for_status) {
            Ok(response) => match response.json::<TokenResponse>().await {
                Ok(tokens) => Connection::Connected(Tokens { access_token: tokens.access_token, scope: tokens.scope }),
                Err(_) => failed("The token endpoint's answer could not be read."),
            },
            Err(_) => failed("The token endpoint refused the code."),
        }
    }

    /// Step 4: uses the token, until it is revoked.
    pub async fn call_api(&self, tokens: &Tokens) -> Vec<ApiCall> {
        let mut calls = Vec::new();
        for route in self.service.api.iter().filter(|route| route.method == Method::Get) {
            calls.push(self.call(route.path, &tokens.access_token).await);
        }
        calls
    }

    async fn call(&self, path: &'static str, access_token: &str) -> ApiCall {
        match self.http.get(format!("{}{path}", self.api)).bearer_auth(access_token).send().await {
            Ok(response) => {
                let status = response.status();
                let body = response.json::<serde_json::Value>().await.unwrap_or_default();
                let body = serde_json::to_string_pretty(&body).unwrap_or_default();
                ApiCall { path, status: status.to_string(), ok: status.is_success(), body }
            }
            Err(_) => ApiCall { path, status: "no answer".to_owned(), ok: false, body: String::new() },
        }
    }
}

fn failed(why: &str) -> Connection {
    Connection::Failed(why.to_owned())
}
