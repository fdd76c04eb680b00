//! How tokens are had, by the shortest way that there is.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantor::testkit::Form;
use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::visit::{Answer, Browser, Reached};
use super::{App, Probe, Target};

/// The verifier of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// What a token response hands over.
#[derive(Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    scope: String,
}

impl Tokens {
    pub fn read(answer: &Answer) -> Result<Self, String> {
        match answer.text("access_token").filter(|_| answer.status == 200) {
            Some(access) => Ok(Self {
                access,
                refresh: answer.text("refresh_token"),
                scope: answer.text("scope").unwrap_or_default(),
            }),
            None => Err(answer.text("error").unwrap_or_else(|| format!("the status {}", answer.status))),
        }
    }

    pub fn has_scope(&self, token: &str) -> bool {
        self.scope.split(' ').any(|own| own == token)
    }
}

/// The `S256` challenge of the verifier.
pub fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

/// Adds a client's identity, and its secret if it has one.
pub fn identified(app: &App, form: Form) -> Form {
    let form = form.and("client_id", &app.id);
    app.secret.iter().fold(form, |form, secret| form.and("client_secret", secret))
}

/// The usual authorization request.
pub fn request(target: &Target, app: &App) -> Form {
    Form::of([
        ("response_type", "code"),
        ("client_id", &app.id),
        ("redirect_uri", &app.redirect_uri),
        ("scope", target.scopes[0]),
        ("state", "af0ifjsldkj"),
        ("code_challenge", &challenge()),
        ("code_challenge_method", "S256"),
    ])
}

/// What brings the tokens for a code.
pub fn exchange(app: &App, code: &str) -> Form {
    Form::of([
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", VERIFIER),
    ])
}

impl<'a> Probe<'a> {
    /// Finds the two endpoints that everything else needs.
    pub async fn begin(target: &'a Target) -> Self {
        let browser = Browser::signed_in(target).await;
        let mut found = Vec::new();
        for place in &target.places {
            if let Reached::Client(_, parameters) = browser.approve(place, &request(target, &target.public)).await {
                found.push((place.clone(), parameters.contains_key("code")));
            }
        }
        assert_eq!(found.len(), 1, "authorization endpoints among {:?}: {found:?}", target.places);
        let (authorization, gives_codes) = found.remove(0);
        let mut probe = Self {
            target,
            browser,
            authorization,
            token: String::new(),
            gives_codes,
            newcomers: Vec::new(),
            granted_scopes: Mutex::default(),
            problems: Mutex::default(),
        };
        probe.token = probe.token_endpoint().await;
        probe
    }

    /// Where an authorization request leads; a code, or the error.
    pub async fn code(&self, request: &Form) -> Result<String, String> {
        match self.browser.approve(&self.authorization, request).await {
            Reached::Client("query", mut parameters) => {
                let error = parameters.remove("error").unwrap_or_default();
                parameters.remove("code").ok_or(error)
            }
            Reached::Client(mode, _) => Err(format!("an answer by {mode}")),
            Reached::Page(status) => Err(format!("a page with the status {status}")),
        }
    }

    /// A token request that has to succeed if `app` proves who it is. Without codes, a client without a secret has what it
    /// has from before.
    pub async fn good(&self, app: &App) -> Form {
        if self.gives_codes {
            let code = self.code(&request(self.target, app)).await;
            return exchange(app, &code.expect("a code"));
        }
        let kept = self.target.refresh_token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match kept.filter(|_| app.secret.is_none()) {
            Some(token) => Form::of([("grant_type", "refresh_token"), ("refresh_token", &token)]),
            None => Form::of([("grant_type", "client_credentials"), ("scope", self.target.scopes[0])]),
        }
    }

    /// Sends a token request.
    pub async fn send(&self, form: &Form, headers: HeaderMap) -> Answer {
        let answer = self.target.post(&self.token, form, headers).await;
        if let Some(next) = answer.text("refresh_token") {
            let mut kept = self.target.refresh_token.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.is_some() && kept.as_deref() == form.get("refresh_token") {
                *kept = Some(next);
            }
        }
        answer
    }

    /// What `app` gets that asks for this; where there are no codes, what the client with a secret gets for itself.
    pub async fn granted(&self, app: &App, wishes: &[(&str, &str)]) -> Result<Tokens, String> {
        let with = |form: Form| wishes.iter().fold(form, |form, (name, value)| form.with(name, value));
        let form = if self.gives_codes {
            let code = self.code(&with(request(self.target, app))).await?;
            identified(app, exchange(app, &code))
        } else {
            identified(&self.target.web, with(self.good(&self.target.web).await))
        };
        Tokens::read(&self.send(&form, HeaderMap::new()).await)
    }
}
