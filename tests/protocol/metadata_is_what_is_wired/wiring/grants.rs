//! How tokens can be had.

use std::sync::PoisonError;

use grantor::testkit::Form;
use http::HeaderMap;
use serde_json::Value;

use super::tokens::{Tokens, identified};
use super::{App, Probe};

/// The values of `grant_type` that nobody gets tokens by here, each with what its request would have.
const OTHERS: [(&str, &[(&str, &str)]); 7] = [
    ("password", &[("username", "alice"), ("password", "x")]),
    ("implicit", &[]),
    ("urn:ietf:params:oauth:grant-type:device_code", &[("device_code", "x")]),
    ("urn:ietf:params:oauth:grant-type:jwt-bearer", &[("assertion", "e30.e30.x")]),
    ("urn:ietf:params:oauth:grant-type:saml2-bearer", &[("assertion", "PHgvPg")]),
    (
        "urn:ietf:params:oauth:grant-type:token-exchange",
        &[("subject_token", "x"), ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token")],
    ),
    ("urn:openid:params:grant-type:ciba", &[("auth_req_id", "x")]),
];

impl Probe<'_> {
    /// Every kind of client that there is.
    pub fn apps(&self) -> impl Iterator<Item = &App> {
        [&self.target.web, &self.target.public].into_iter().chain(&self.newcomers)
    }

    /// What brings a token. All else is unsupported, by that name (RFC 6749 §5.2).
    pub async fn grant_types(&self) -> Option<Value> {
        let web = &self.target.web;
        let mut supported = Vec::new();
        let code = [("code", "x"), ("redirect_uri", &*web.redirect_uri), ("code_verifier", "x")];
        if self.gives_codes {
            supported.push("authorization_code");
        } else {
            self.expect_unsupported("authorization_code", &code, &["unsupported_grant_type"]).await;
        }
        if self.refreshes().await {
            supported.push("refresh_token");
        } else {
            // A server that has the grant and gives nobody such a token may say that this is none, or not for this client.
            let errors = ["unsupported_grant_type", "invalid_grant", "unauthorized_client"];
            self.expect_unsupported("refresh_token", &[("refresh_token", "x")], &errors).await;
        }
        let own = Form::of([("grant_type", "client_credentials"), ("scope", self.target.scopes[0])]);
        if Tokens::read(&self.send(&identified(web, own), HeaderMap::new()).await).is_ok() {
            supported.push("client_credentials");
        } else {
            self.expect_unsupported("client_credentials", &[], &["unsupported_grant_type"]).await;
        }
        for (grant_type, parameters) in OTHERS {
            self.expect_unsupported(grant_type, parameters, &["unsupported_grant_type"]).await;
        }
        Self::list(supported)
    }

    async fn expect_unsupported(&self, grant_type: &str, parameters: &[(&str, &str)], errors: &[&str]) {
        let form = Form::of([("grant_type", grant_type)].into_iter().chain(parameters.iter().copied()));
        match Tokens::read(&self.send(&identified(&self.target.web, form), HeaderMap::new()).await) {
            Err(error) if errors.contains(&error.as_str()) => {}
            outcome => self.note(format!("grant_type={grant_type} leads to {outcome:?}")),
        }
    }

    /// Whether a refresh token of anybody's brings a token.
    async fn refreshes(&self) -> bool {
        let mut had = Vec::new();
        if self.gives_codes {
            for app in self.apps() {
                let refresh = self.granted(app, &[]).await.expect("tokens").refresh;
                had.extend(refresh.map(|token| (app, token)));
            }
        }
        let kept = self.target.refresh_token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        had.extend(kept.map(|token| (&self.target.public, token)));
        let mut works = false;
        for (app, token) in had {
            let form = Form::of([("grant_type", "refresh_token"), ("refresh_token", &*token)]);
            match Tokens::read(&self.send(&identified(app, form), HeaderMap::new()).await) {
                Ok(_) => works = true,
                Err(error) => self.note(format!("the refresh token of {} is answered with {error}", app.id)),
            }
        }
        works
    }
}
