//! The self-check at start-up: what is unsafe, inconsistent, or lost by a store.

use std::sync::Arc;
use std::time::Duration;

use super::AuthorizationServer;
use crate::client::{Client, ClientAuthentication, ClientMetadata, GrantType, SecretAuthentication};
use crate::clock::Timestamp;
use crate::configuration::Registration;
use crate::endpoint::new_client_id;
use crate::error::StoreError;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
};
use crate::identifier::{Extra, Name, Subject, Tenant};
use crate::observer::Operation;
use crate::pkce::CodeChallenge;
use crate::policy::{PkceRequirement, RefreshPolicy};
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{GrantId, SecretHash, TokenHash, TokenKey, random};
use crate::store::{Deletion, Insertion, Redemption};
use crate::telemetry::operate;

/// The longest life of an access token that passes without a remark (RFC 9700 §2.2.1 wants it short).
const LONG_ACCESS_TOKEN: Duration = Duration::from_hours(24);

/// Something that the operator should know before the first request arrives.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// The issuer is `http`: fine on a developer's own machine, and nowhere else.
    #[error("the issuer is http; tokens can be read on the way unless everything runs on this machine")]
    InsecureIssuer,
    /// Access tokens live long, or until they are revoked: whoever finds one can use it for as long.
    #[error("access tokens live for more than a day, or until they are revoked")]
    LongAccessTokens,
    /// Neither an idle nor an absolute lifetime bounds refresh tokens: a forgotten one works forever.
    #[error("refresh tokens never expire; set an idle or an absolute lifetime")]
    EndlessRefreshTokens,
    /// Public clients may leave PKCE out: whoever intercepts the code of one can redeem it.
    #[error("PKCE is optional, also for clients that cannot keep a secret")]
    OptionalPkce,
    /// Anybody can register a client and call the API without a user.
    #[error("clients that register themselves may use client_credentials")]
    OpenClientCredentials,
    /// Anybody can register clients, and nothing limits how often: whoever sends many keeps others from registering.
    #[error("clients register themselves without a rate limiter")]
    UnlimitedRegistration,
    /// Documents of clients are fetched for whoever opens a link, and nothing limits how often.
    #[error("client ID metadata documents are fetched without a rate limiter")]
    UnlimitedClientDocuments,
    /// No resource is declared, so tokens are good for every API that reads this store.
    #[error("no resource is declared: tokens are not restricted to an audience")]
    NoAudience,
    /// A resource is on another origin, which has to serve its metadata itself:
    /// [`ProtectedResourceMetadata`](crate::ProtectedResourceMetadata) does.
    #[error(
        "the metadata of {0} is not served here, since it is on another origin; serve ProtectedResourceMetadata there"
    )]
    ForeignResource(String),
    /// A store gave back something else than it was given.
    #[error("the store does not give back {0} as it was given")]
    StoreLoses(&'static str),
    /// A store does not do what its contract says.
    #[error("the store breaks its contract: {0}")]
    StoreBreaks(&'static str),
    /// A store failed.
    #[error("the store failed")]
    StoreFails(#[from] StoreError),
}

impl AuthorizationServer {
    /// Looks for what is unsafe or inconsistent in the configuration, and tries the stores with records of its own,
    /// which it revokes again. Call it at start-up, log what it finds, and decide which findings you can live with.
    pub async fn check(&self) -> Vec<Finding> {
        let checked = operate(Operation::Check, async { Ok::<_, StoreError>(self.find().await) }).await;
        checked.unwrap_or_default()
    }

    async fn find(&self) -> Vec<Finding> {
        let mut findings = self.check_configuration();
        for result in [self.check_grants().await, self.check_clients().await] {
            match result {
                Ok(found) => findings.extend(found),
                Err(error) => findings.push(error.into()),
            }
        }
        findings
    }

    fn check_configuration(&self) -> Vec<Finding> {
        let configuration = self.configuration();
        let lifetimes = &configuration.lifetimes;
        let mut findings = Vec::new();
        if configuration.issuer.as_str().starts_with("http:") {
            findings.push(Finding::InsecureIssuer);
        }
        let accesses = [lifetimes.access_token(), lifetimes.refreshed_access_token()];
        if accesses.into_iter().any(|lifetime| lifetime.is_none_or(|lifetime| lifetime > LONG_ACCESS_TOKEN)) {
            findings.push(Finding::LongAccessTokens);
        }
        let endless = lifetimes.refresh_idle().is_none() && lifetimes.refresh_absolute().is_none();
        if endless && configuration.refresh_policy != RefreshPolicy::Never {
            findings.push(Finding::EndlessRefreshTokens);
        }
        let own = configuration.registration.rules().and_then(|rules| rules.policies.pkce());
        if [Some(&configuration.pkce), own].contains(&Some(&PkceRequirement::Optional)) {
            findings.push(Finding::OptionalPkce);
        }
        if let Registration::Open(rules) = &configuration.registration
            && rules.grant_types.contains(&GrantType::ClientCredentials)
        {
            findings.push(Finding::OpenClientCredentials);
        }
        if matches!(configuration.registration, Registration::Open(_)) && !configuration.rate_limits.is_on() {
            findings.push(Finding::UnlimitedRegistration);
        }
        if configuration.reads_client_documents() && !configuration.rate_limits.is_on() {
            findings.push(Finding::UnlimitedClientDocuments);
        }
        if configuration.resources.iter().next().is_none() {
            findings.push(Finding::NoAudience);
        }
        let foreign =
            configuration.resources.iter().filter(|resource| resource.origin() != configuration.issuer.origin());
        findings.extend(foreign.map(|resource| Finding::ForeignResource(resource.indicator.to_string())));
        findings
    }

    /// A code and its tokens, through the whole life of a grant.
    async fn check_grants(&self) -> Result<Vec<Finding>, StoreError> {
        let store = &self.inner.grants;
        let mut findings = Vec::new();
        let now = self.now();
        let (code, tokens) = probe(now);

        if store.insert_code(&code).await? != Insertion::Inserted {
            findings.push(Finding::StoreBreaks("a new code conflicts"));
        }
        if store.insert_code(&code).await? != Insertion::Conflict {
            findings.push(Finding::StoreBreaks("a grant can have two codes"));
        }
        if store.find_code(&code.key).await?.as_ref() != Some(&code) {
            findings.push(Finding::StoreLoses("a code"));
        }
        if store.exchange_code(&code.key, &tokens).await? != Redemption::First {
            findings.push(Finding::StoreBreaks("a fresh code cannot be redeemed"));
        }
        if store.exchange_code(&code.key, &tokens).await? == Redemption::First {
            findings.push(Finding::StoreBreaks("a code can be redeemed twice"));
        }
        let access = store.find_access_token(&tokens.access.key).await?;
        if access.as_ref().map(|found| (&found.token, &*found.grant)) != Some((&tokens.access, &*tokens.grant)) {
            findings.push(Finding::StoreLoses("an access token"));
        }
        if let Some(record) = &tokens.refresh {
            let refresh = store.find_refresh_token(&record.key).await?;
            if refresh.as_ref().map(|found| (&found.token, &*found.grant)) != Some((record, &*tokens.grant)) {
                findings.push(Finding::StoreLoses("a refresh token"));
            }
        }
        store.revoke_grant(&tokens.grant.id, now).await?;
        if store.find_access_token(&tokens.access.key).await?.is_some() {
            findings.push(Finding::StoreBreaks("a token of a revoked grant is found"));
        }
        Ok(findings)
    }

    async fn check_clients(&self) -> Result<Vec<Finding>, StoreError> {
        let Some(registry) = &self.inner.registry else { return Ok(Vec::new()) };
        let mut findings = Vec::new();
        let client = probe_client(self.now());
        if registry.insert_client(&client).await? != Insertion::Inserted {
            findings.push(Finding::StoreBreaks("a new client conflicts"));
        }
        let found = registry.find_client(client.id()).await?;
        if found.as_deref() != Some(&client) {
            findings.push(Finding::StoreLoses("a client"));
        }
        if registry.delete_client(client.id()).await? != Deletion::Deleted
            || registry.find_client(client.id()).await?.is_some()
        {
            findings.push(Finding::StoreBreaks("a client cannot be deleted"));
        }
        Ok(findings)
    }
}

/// Records that differ in every field, with text that a careless column would change. They have expired, so that they
/// are purged with the next batch.
fn probe(now: Timestamp) -> (CodeRecord, IssuedTokens) {
    let id = GrantId::random();
    let key = || TokenKey { grant: id, hash: TokenHash::from_bytes(random()) };
    let text = "grantor check äß✓ '\";--";
    let extra = Extra::default().with(text, serde_json::json!({"nested": [1, null, "ü"]})).unwrap_or_default();
    let scope = Scope::parse("b:2 a:1").unwrap_or_default();
    let resource: Resources = "https://probe.invalid/a?b=c".parse().ok().into_iter().collect();
    let grant = Arc::new(Grant {
        id,
        client: Some(new_client_id("check_")),
        subject: Subject::parse(text).ok(),
        scope: scope.clone(),
        resource: resource.clone(),
        tenant: Tenant::parse(text).ok(),
        name: Name::parse(text).ok(),
        extra,
        created_at: now,
    });
    let code = CodeRecord {
        key: key(),
        grant: Arc::clone(&grant),
        challenge: Some(CodeChallenge::from_bytes(random())),
        redirect_uri: Arc::from("http://127.0.0.1:51004/cb?x=%20"),
        redirect_uri_source: RedirectUriSource::Requested,
        expires_at: now,
        failures: 0,
        redeemed_at: None,
    };
    let tokens = IssuedTokens {
        grant,
        access: AccessTokenRecord { key: key(), scope, resource, issued_at: now, expires_at: Some(now) },
        refresh: Some(RefreshTokenRecord {
            key: key(),
            issued_at: now,
            expires_at: Some(now),
            state: RefreshTokenState::Active,
        }),
    };
    (code, tokens)
}

fn probe_client(now: Timestamp) -> Client {
    let secret = SecretAuthentication::new(SecretHash::of("")).with_expiry(now);
    let client = Client::new(new_client_id("check_"), ClientAuthentication::Secret(secret))
        .with_grant_types(GrantType::ALL)
        .with_scope(Scope::parse("b:2 a:1").unwrap_or_default())
        .with_refresh_policy(RefreshPolicy::Reuse)
        .with_pkce(PkceRequirement::Exempt)
        .with_metadata(ClientMetadata::new().with_name("grantor check äß✓ '\";--").unwrap_or_default())
        .with_created_at(now);
    match "http://127.0.0.1/cb?x=%20".parse() {
        Ok(uri) => client.with_redirect_uri(uri),
        Err(_) => client,
    }
}
