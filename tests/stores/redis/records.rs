//! What the tests store. Everything expires in the future of the server's clock, unless a test says otherwise.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use grantor::clock::{Clock as _, SystemClock, Timestamp};
use grantor::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
    Retirement,
};
use grantor::identifier::Extra;
use grantor::secret::{GrantId, TokenHash, TokenKey};

pub const MANY: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

pub fn in_seconds(seconds: u64) -> Timestamp {
    SystemClock.now().saturating_add(Duration::from_secs(seconds))
}

pub fn seconds_ago(seconds: u64) -> Timestamp {
    SystemClock.now().saturating_sub(Duration::from_secs(seconds))
}

pub fn grant() -> Arc<Grant> {
    let id = GrantId::random();
    grant_of(&format!("user-{id}"), &format!("client-{id}"))
}

pub fn grant_of(subject: &str, client: &str) -> Arc<Grant> {
    Arc::new(Grant {
        id: GrantId::random(),
        client: Some(client.parse().unwrap()),
        subject: Some(subject.parse().unwrap()),
        scope: "links:read links:write".parse().unwrap(),
        resource: ["https://api.example".parse().unwrap()].into_iter().collect(),
        tenant: Some("acme".parse().unwrap()),
        extra: Extra::new(serde_json::json!({ "plan": "bulk" }).as_object().cloned().unwrap()),
        created_at: seconds_ago(5),
    })
}

pub fn code(grant: &Arc<Grant>) -> CodeRecord {
    CodeRecord {
        key: key(grant),
        grant: Arc::clone(grant),
        challenge: None,
        redirect_uri: "https://app.example/callback".into(),
        redirect_uri_source: RedirectUriSource::Requested,
        expires_at: in_seconds(60),
        failures: 0,
        redeemed_at: None,
    }
}

pub fn access_token(grant: &Grant) -> AccessTokenRecord {
    AccessTokenRecord {
        key: key(grant),
        scope: "links:read".parse().unwrap(),
        resource: grant.resource.clone(),
        issued_at: seconds_ago(1),
        expires_at: Some(in_seconds(3_600)),
    }
}

pub fn refresh_token(grant: &Grant) -> RefreshTokenRecord {
    RefreshTokenRecord {
        key: key(grant),
        issued_at: seconds_ago(1),
        expires_at: Some(in_seconds(86_400)),
        state: RefreshTokenState::Active,
    }
}

pub fn issued(grant: &Arc<Grant>) -> IssuedTokens {
    IssuedTokens { grant: Arc::clone(grant), access: access_token(grant), refresh: Some(refresh_token(grant)) }
}

pub fn retirement(successors: &IssuedTokens) -> Retirement {
    Retirement {
        at: successors.access.issued_at,
        nonce: *GrantId::random().as_bytes(),
        successor: refresh_key(successors).hash,
        scope: successors.access.scope.clone(),
        resource: successors.access.resource.clone(),
        access_expires_at: successors.access.expires_at,
    }
}

pub fn refresh_key(tokens: &IssuedTokens) -> TokenKey {
    tokens.refresh.as_ref().unwrap().key
}

pub fn key(grant: &Grant) -> TokenKey {
    let halves = [*GrantId::random().as_bytes(), *GrantId::random().as_bytes()];
    TokenKey { grant: grant.id, hash: TokenHash::from_bytes(halves.concat().try_into().unwrap()) }
}
