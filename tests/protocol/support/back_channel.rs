//! What a client does without a browser, in one line each.

use std::sync::Arc;

use grantor::client::{Client, GrantType};
use grantor::secret::SecretHash;
use grantor::store::MemoryStore;

use super::{Answer, Form, SECRET, Setup, Start};

impl Setup {
    /// An empty memory store.
    pub fn memory_start() -> Start {
        Start::Memory(Arc::new(MemoryStore::new()))
    }

    /// Both stores, fresh.
    pub async fn both_starts() -> [Start; 2] {
        [Self::memory_start(), Self::sqlite_file().await]
    }

    /// What introspection tells a client about a token.
    pub async fn introspect(&self, client: &str, token: &str) -> Answer {
        let form = self.identify(client, Form::of(&[("token", token)]));
        self.post("/oauth/introspect", &form, None).await
    }

    /// Asks to revoke a token.
    pub async fn revoke(&self, client: &str, token: &str) -> Answer {
        let form = self.identify(client, Form::of(&[("token", token)]));
        self.post("/oauth/revoke", &form, None).await
    }

    /// The answer to a refresh that must succeed.
    pub async fn refreshed(&self, client: &str, refresh_token: &str) -> Answer {
        self.token(&self.refresh(client, refresh_token)).await.expect_ok()
    }

    /// A token that a client asks for itself.
    pub async fn own_token(&self, client: &str) -> Answer {
        let form = self.identify(client, Form::of(&[("grant_type", "client_credentials")]));
        self.token(&form).await.expect_ok()
    }

    /// Tokens for this scope and these resources.
    pub async fn tokens_for(&self, client: &str, scope: &str, resources: &[&str]) -> Answer {
        let request = self.request(client).set("scope", scope);
        let request = resources.iter().fold(request, |request, resource| request.and("resource", resource));
        let code = self.code_for(&request).await;
        self.token(&self.exchange(client, &code)).await.expect_ok()
    }

    /// Whether the refresh token still works, by using it.
    pub async fn can_refresh(&self, client: &str, refresh_token: &str) -> bool {
        let answer = self.token(&self.refresh(client, refresh_token)).await;
        if answer.status == 200 {
            return true;
        }
        answer.expect_error(400, "invalid_grant");
        false
    }
}

/// One more confidential client like `web`, to be configured.
pub fn like_web(id: &str) -> Client {
    Client::confidential(id.parse().unwrap(), SecretHash::of(SECRET))
        .with_redirect_uri("https://web.test/cb".parse().unwrap())
}

/// `like_web` without the grant type `refresh_token`.
pub fn without_refresh(id: &str) -> Client {
    like_web(id).with_grant_types([GrantType::AuthorizationCode])
}
