//! Clients, grants and records to store. No two are alike: every call makes new identifiers and keys.
//!
//! Expiries lie in the future of the real clock, so that a store that evicts by a clock of its own keeps what it is
//! given.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::client::{
    ApplicationType, Client, ClientAuthentication, ClientId, ClientMetadata, ClientStatus, Environment,
    SecretAuthentication, SecretMethod, Vetting,
};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
    Retirement,
};
use crate::identifier::{Extra, Subject, Tenant};
use crate::pkce::CodeChallenge;
use crate::policy::{AccessTokenFormat, ClientPolicies, Lifetimes, PkceRequirement, RefreshPolicy, UnknownScope};
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{GrantId, SecretHash, TokenHash, TokenKey, random};

/// An instant that lies `seconds` after the present one of the system clock (before it, if negative), rounded down to
/// the second.
#[must_use]
pub fn from_now(seconds: i64) -> Timestamp {
    let now = SystemClock.now().unix_seconds().saturating_mul(1_000);
    Timestamp::from_unix_millis(now.saturating_add(seconds.saturating_mul(1_000)))
}

/// A new client identifier.
#[must_use]
pub fn client_id() -> ClientId {
    ClientId::generated(format!("client-{}", GrantId::random()))
}

/// A new tenant.
#[must_use]
pub fn tenant() -> Tenant {
    parsed(&format!("tenant-{}", GrantId::random()))
}

/// A new user.
#[must_use]
pub fn subject() -> Subject {
    parsed(&format!("user-{}", GrantId::random()))
}

/// A public client with the redirect URI `https://app.example/callback`.
#[must_use]
pub fn client() -> Client {
    Client::public(client_id()).with_redirect_uri(parsed("https://app.example/callback"))
}

/// The client, to be reviewed at this instant.
#[must_use]
pub fn to_review(client: Client, at: Timestamp) -> Client {
    client.with_review_at(Some(at))
}

/// A confidential client of which every field is set: disabled, so that a server treats it as unknown, with the secret
/// `second`, beside which `first` is good for another minute.
#[must_use]
pub fn full_client() -> Client {
    let policies = ClientPolicies::new()
        .with_refresh_policy(RefreshPolicy::Rotate { grace: Duration::from_millis(1_500) })
        .with_lifetimes(Lifetimes::new().with_code(Duration::from_secs(30)).with_access_token(None))
        .with_pkce(PkceRequirement::Exempt)
        .with_access_token_format(AccessTokenFormat::Jwt)
        .with_default_scope(scope("links:read"))
        .with_unknown_scope(UnknownScope::Drop);
    let authentication = SecretAuthentication::new(SecretHash::of("first"))
        .with_method(SecretMethod::Post)
        .rotated(SecretHash::of("second"), from_now(60))
        .with_expiry(from_now(3_600));
    client()
        .with_redirect_uri(parsed("http://127.0.0.1/callback"))
        .with_redirect_uri(parsed("com.example.app:/callback"))
        .with_authentication(ClientAuthentication::Secret(authentication))
        .with_scope(scope("links:read links:write"))
        .with_policies(policies)
        .with_environment(Environment::Development)
        .with_tenant(tenant())
        .with_vetting(Vetting::SelfRegistered)
        .with_status(ClientStatus::Disabled)
        .with_owner(subject())
        .with_metadata(metadata("Link Board", "https://board.example/"))
        .with_registration_token(SecretHash::of("registration"))
        .with_created_at(from_now(-60))
        .with_updated_at(from_now(-30))
        .with_review_at(Some(from_now(86_400)))
        .with_used_at(Some(from_now(-10)))
        .with_version(3)
}

/// Metadata of which every member is set.
pub(super) fn metadata(text: &str, url: &str) -> ClientMetadata {
    let metadata = ClientMetadata::new()
        .with_name(text)
        .and_then(|metadata| metadata.with_client_uri(url))
        .and_then(|metadata| metadata.with_logo_uri(url))
        .and_then(|metadata| metadata.with_tos_uri(url))
        .and_then(|metadata| metadata.with_description(&"d".repeat(1_000)))
        .and_then(|metadata| metadata.with_policy_uri(url))
        .and_then(|metadata| metadata.with_initiate_login_uri(url))
        .and_then(|metadata| metadata.with_software_id(text))
        .and_then(|metadata| metadata.with_software_version(text))
        .and_then(|metadata| metadata.with_contact(text))
        .and_then(|metadata| metadata.with_contact("ops@board.example"));
    metadata.expect("the text is acceptable").with_application_type(ApplicationType::Native)
}

/// A grant of [`subject`] to [`client_id`] of which every field is set.
#[must_use]
pub fn grant() -> Arc<Grant> {
    grant_of(&subject(), &client_id())
}

/// A grant of this user to this client.
#[must_use]
pub fn grant_of(subject: &Subject, client: &ClientId) -> Arc<Grant> {
    Arc::new(Grant {
        id: GrantId::random(),
        client: Some(client.clone()),
        subject: Some(subject.clone()),
        scope: scope("links:read links:write"),
        resource: resources(&["https://api.example", "https://stats.example/v1"]),
        tenant: Some(parsed::<Tenant>("acme")),
        name: Some(parsed("Backup script")),
        extra: extra_of(&json!({ "plan": "bulk", "seats": 12 })),
        created_at: from_now(-5),
    })
}

/// A fresh code for a grant; it expires in a minute.
#[must_use]
pub fn code(grant: &Arc<Grant>) -> CodeRecord {
    CodeRecord {
        key: key(grant),
        grant: Arc::clone(grant),
        challenge: Some(CodeChallenge::from_bytes(random())),
        redirect_uri: "https://app.example/callback".into(),
        redirect_uri_source: RedirectUriSource::Requested,
        expires_at: from_now(60),
        failures: 0,
        redeemed_at: None,
    }
}

/// A fresh access token of a grant; it expires in an hour.
#[must_use]
pub fn access_token(grant: &Grant) -> AccessTokenRecord {
    AccessTokenRecord {
        key: key(grant),
        scope: scope("links:read"),
        resource: resources(&["https://api.example"]),
        issued_at: from_now(0),
        expires_at: Some(from_now(3_600)),
    }
}

/// A fresh refresh token of a grant; it expires in a day.
#[must_use]
pub fn refresh_token(grant: &Grant) -> RefreshTokenRecord {
    RefreshTokenRecord {
        key: key(grant),
        issued_at: from_now(0),
        expires_at: Some(from_now(86_400)),
        state: RefreshTokenState::Active,
    }
}

/// A fresh access and a fresh refresh token of a grant.
#[must_use]
pub fn issued(grant: &Arc<Grant>) -> IssuedTokens {
    IssuedTokens { grant: Arc::clone(grant), access: access_token(grant), refresh: Some(refresh_token(grant)) }
}

/// How a refresh token is retired by these successors.
///
/// # Panics
///
/// If there is no refresh token among them.
#[must_use]
pub fn retirement(successors: &IssuedTokens) -> Retirement {
    Retirement {
        at: successors.access.issued_at,
        nonce: random(),
        successor: refresh_key(successors).hash,
        scope: successors.access.scope.clone(),
        resource: successors.access.resource.clone(),
        access_expires_at: successors.access.expires_at,
    }
}

/// The key of a code or token that nobody knows.
#[must_use]
pub fn key(grant: &Grant) -> TokenKey {
    TokenKey { grant: grant.id, hash: TokenHash::from_bytes(random()) }
}

/// The key of the refresh token among these.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn refresh_key(tokens: &IssuedTokens) -> TokenKey {
    tokens.refresh.as_ref().expect("there is a refresh token").key
}

#[track_caller]
pub(super) fn scope(text: &str) -> Scope {
    parsed(text)
}

pub(super) fn resources(uris: &[&str]) -> Resources {
    uris.iter().map(|uri| parsed(uri)).collect()
}

#[track_caller]
pub(super) fn extra_of(value: &serde_json::Value) -> Extra {
    match Extra::of(value) {
        Ok(extra) => extra,
        Err(error) => panic!("{value}: {error}"),
    }
}

#[track_caller]
pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> T {
    match text.parse() {
        Ok(value) => value,
        Err(error) => panic!("{text:?}: {error}"),
    }
}
