//! What the authorization endpoint does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde_json::Value;
use sha2::{Digest as _, Sha512};

use super::Probe;
use super::tokens::{Tokens, VERIFIER, challenge, exchange, identified, request};
use super::visit::Reached;

/// The values of `response_type` that are registered, or were once thought of.
const RESPONSE_TYPES: [&str; 8] =
    ["code", "token", "id_token", "code token", "code id_token", "id_token token", "code id_token token", "none"];

/// The values of `response_mode` that are registered, and one that drafts use.
const RESPONSE_MODES: [&str; 8] =
    ["query", "fragment", "form_post", "web_message", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"];

/// The values of `code_challenge_method` that are registered, their relatives, and none at all.
const CHALLENGE_METHODS: [&str; 6] = ["S256", "plain", "S512", "s256", "PLAIN", ""];

impl Probe<'_> {
    /// Who answers, and whether each answer tells so (RFC 9207).
    pub async fn issuer(&self) -> (Option<String>, bool) {
        let usual = request(self.target, &self.target.public);
        let wrong = usual.clone().with("response_type", "wrong");
        let mut told = Vec::new();
        for request in [&usual, &wrong] {
            match self.browser.approve(&self.authorization, request).await {
                Reached::Client(_, mut parameters) => told.push(parameters.remove("iss")),
                Reached::Page(status) => self.note(format!("{request:?} leads to a page with the status {status}")),
            }
        }
        if told.windows(2).any(|pair| pair[0] != pair[1]) {
            self.note(format!("the answers tell different issuers: {told:?}"));
        }
        let named = told.iter().all(Option::is_some);
        (told.into_iter().flatten().next(), named)
    }

    /// What an answer does not call unsupported. Where no client gets a code, `code` is no less the one type that there is
    /// (RFC 8414 §2 wants one named): the error is then that of the client.
    pub async fn response_types(&self) -> Option<Value> {
        let mut supported = Vec::new();
        for response_type in RESPONSE_TYPES {
            let request = request(self.target, &self.target.public).with("response_type", response_type);
            match self.browser.approve(&self.authorization, &request).await {
                Reached::Client(_, parameters) => match parameters.get("error").map(String::as_str) {
                    Some("unsupported_response_type") => {}
                    None => supported.push(response_type),
                    Some("unauthorized_client") if !self.gives_codes && response_type == "code" => {
                        supported.push(response_type);
                    }
                    Some(error) => self.note(format!("response_type={response_type} is answered with {error}")),
                },
                Reached::Page(status) => self.note(format!("response_type={response_type} leads to a {status}")),
            }
        }
        Self::list(supported)
    }

    /// By what the client is answered that asks for it; who asks for another mode gets a page (AUTHZ-017).
    pub async fn response_modes(&self) -> Option<Value> {
        let mut supported = Vec::new();
        for mode in RESPONSE_MODES {
            let request = request(self.target, &self.target.public).with("response_mode", mode);
            match self.browser.approve(&self.authorization, &request).await {
                Reached::Client(by, parameters) => {
                    let jwt = parameters.contains_key("response");
                    if jwt == mode.ends_with("jwt") && mode.starts_with(by) {
                        supported.push(mode);
                    } else {
                        self.note(format!("response_mode={mode} is answered by {by}"));
                    }
                }
                Reached::Page(400) => {}
                Reached::Page(status) => self.note(format!("response_mode={mode} leads to a {status}")),
            }
        }
        Self::list(supported)
    }

    /// By what a code is bound to its verifier: with it there are tokens, without it there are none.
    pub async fn code_challenge_methods(&self) -> Option<Value> {
        if !self.gives_codes {
            // META-013 wants it named. There is no code to try it with.
            return Self::list(["S256"]);
        }
        let app = &self.target.public;
        let mut supported = Vec::new();
        for method in CHALLENGE_METHODS {
            let challenge = match method {
                "S256" | "s256" => challenge(),
                "S512" => URL_SAFE_NO_PAD.encode(Sha512::digest(VERIFIER)),
                _ => VERIFIER.to_owned(),
            };
            let request = request(self.target, app).with("code_challenge", &challenge);
            let request = match method {
                "" => request.without("code_challenge_method"),
                method => request.with("code_challenge_method", method),
            };
            match self.code(&request).await {
                Ok(code) => {
                    let form = identified(app, exchange(app, &code));
                    let without = self.send(&form.clone().without("code_verifier"), HeaderMap::new()).await;
                    let with = self.send(&form, HeaderMap::new()).await;
                    match (Tokens::read(&without), Tokens::read(&with)) {
                        // RFC 7636 §4.3: to leave the method out is to say `plain`.
                        (Err(_), Ok(_)) => supported.push(if method.is_empty() { "plain" } else { method }),
                        outcome => self.note(format!("code_challenge_method={method} leads to {outcome:?}")),
                    }
                }
                Err(error) if error == "invalid_request" => {}
                Err(error) => self.note(format!("code_challenge_method={method} is answered with {error}")),
            }
        }
        supported.dedup();
        Self::list(supported)
    }

    /// Whether a client is let in by the address of its document. It is a newcomer from then on.
    pub async fn reads_documents(&mut self) -> bool {
        let documents = &self.target.documents;
        let before = (documents.fetches)();
        let reached = self.browser.approve(&self.authorization, &request(self.target, &documents.app)).await;
        let fetched = (documents.fetches)() > before;
        match reached {
            Reached::Client("query", parameters) if fetched && parameters.contains_key("code") => {
                self.newcomers.push(documents.app.clone());
                true
            }
            Reached::Page(400) if !fetched => false,
            reached => {
                self.note(format!("a client with a document reaches {reached:?}; fetched: {fetched}"));
                fetched
            }
        }
    }
}
