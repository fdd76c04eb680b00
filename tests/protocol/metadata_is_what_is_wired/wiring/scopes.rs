//! What can be asked for.

use std::sync::PoisonError;

use serde_json::Value;

use super::tokens::Tokens;
use super::{App, Probe};

/// Asks for a refresh token rather than for access.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// What clients ask for that know nothing of a server.
const ELSEWHERE: [&str; 6] = [OFFLINE_ACCESS, "openid", "profile", "email", "*", "never-declared"];

impl Probe<'_> {
    /// What is granted to whoever asks for it, for one API or another. All else is refused or dropped.
    pub async fn scopes(&self) -> Option<Value> {
        let mut supported = Vec::new();
        for token in self.scope_tokens() {
            let apis = self.target.apis.iter().filter_map(|api| api.resource.as_deref()).map(Some);
            for resource in [None].into_iter().chain(apis) {
                if self.grants(token, resource).await {
                    supported.push(token);
                    break;
                }
            }
        }
        Self::list(supported)
    }

    /// Everything that a test can think of, each once.
    pub fn scope_tokens(&self) -> Vec<&'static str> {
        let known = self.target.scopes.iter().chain(&self.target.wildcard).copied();
        let mut tokens: Vec<_> = known.chain(ELSEWHERE).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    /// Whether who asks for `token` gets it, with an access token for `resource`.
    pub async fn grants(&self, token: &'static str, resource: Option<&str>) -> bool {
        let asked = (token, resource.map(ToOwned::to_owned));
        let known = self.granted_scopes.lock().unwrap_or_else(PoisonError::into_inner).get(&asked).copied();
        if let Some(known) = known {
            return known;
        }
        let granted = match token {
            OFFLINE_ACCESS => self.grants_offline_access(resource).await,
            token => self.grants_access(token, resource).await,
        };
        self.granted_scopes.lock().unwrap_or_else(PoisonError::into_inner).insert(asked, granted);
        granted
    }

    /// It is what brings refresh tokens, also where they come without (MCP-019), unless it is a scope like any other.
    async fn grants_offline_access(&self, resource: Option<&str>) -> bool {
        let scope = format!("{} {OFFLINE_ACCESS}", self.target.scopes[0]);
        for app in self.apps() {
            let tokens = self.wished(app, &scope, resource).await;
            if tokens.is_ok_and(|tokens| tokens.has_scope(OFFLINE_ACCESS) || tokens.refresh.is_some()) {
                return true;
            }
        }
        false
    }

    async fn grants_access(&self, token: &str, resource: Option<&str>) -> bool {
        let app = &self.target.public;
        match self.wished(app, token, resource).await {
            Ok(tokens) if tokens.has_scope(token) || self.target.wildcard == Some(token) => return true,
            Err(error) if error != "invalid_scope" => {
                self.note(format!("scope={token} for {resource:?} is answered with {error}"));
            }
            _ => {}
        }
        let beside = self.wished(app, &format!("{} {token}", self.target.scopes[0]), resource).await;
        if beside.is_ok_and(|tokens| tokens.has_scope(token)) {
            self.note(format!("{token} is granted beside another scope only"));
        }
        false
    }

    async fn wished(&self, app: &App, scope: &str, resource: Option<&str>) -> Result<Tokens, String> {
        let wishes: Vec<_> = [("scope", scope)].into_iter().chain(resource.map(|uri| ("resource", uri))).collect();
        self.granted(app, &wishes).await
    }
}
