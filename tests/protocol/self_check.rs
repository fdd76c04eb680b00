//! `AuthorizationServer::check`: what an operator is told at start-up.

use std::sync::Arc;
use std::time::Duration;

use grantor::Finding;
use grantor::client::GrantType;
use grantor::configuration::{Registration, RegistrationRules};
use grantor::policy::Lifetimes;
use grantor::rate_limit::{DefaultRatePolicy, LocalRateLimiter};

use crate::support::Setup;

#[tokio::test]
async fn a_sound_set_up_has_nothing_but_its_foreign_resources_to_report() {
    let limiter = || Arc::new(LocalRateLimiter::new(DefaultRatePolicy::new()));
    for setup in Setup::both_with(|builder| builder.rate_limiter(limiter())).await {
        let findings = setup.server.check().await;
        assert!(findings.iter().all(|finding| matches!(finding, Finding::ForeignResource(_))), "{findings:?}");
        assert_eq!(findings.len(), 2, "the fixtures declare two resources on another origin");
    }
}

on_both_stores! {
    // DCR-027
    async fn registrations_that_nothing_limits_are_reported(setup) {
        let findings = setup.server.check().await;
        assert!(findings.iter().any(|finding| matches!(finding, Finding::UnlimitedRegistration)), "{findings:?}");
    }

    async fn a_check_leaves_nothing_that_a_user_would_see(setup) {
        let _ = setup.server.check().await;
        let subject = "grantor check äß✓ '\";--".parse().unwrap();
        let page = grantor::store::Page::first(10.try_into().unwrap());
        let grants = setup.server.grants(&subject, page).await.unwrap();
        assert!(grants.iter().all(|summary| summary.revoked_at.is_some()), "{grants:?}");
    }
}

#[tokio::test]
async fn an_unsafe_configuration_is_reported() {
    let lifetimes = Lifetimes::new().with_access_token(None).with_refresh_idle(None).with_refresh_absolute(None);
    let rules = RegistrationRules::new().with_grant_types(GrantType::ALL);
    let setup =
        Setup::memory_with(|builder| builder.lifetimes(lifetimes).registration(Registration::Open(rules))).await;
    let findings = setup.server.check().await;
    let has = |wanted: fn(&Finding) -> bool| findings.iter().any(wanted);
    assert!(has(|finding| matches!(finding, Finding::LongAccessTokens)), "{findings:?}");
    assert!(has(|finding| matches!(finding, Finding::EndlessRefreshTokens)), "{findings:?}");
    assert!(has(|finding| matches!(finding, Finding::OpenClientCredentials)), "{findings:?}");
}

#[tokio::test]
async fn a_day_of_access_is_not_yet_long() {
    let lifetimes = Lifetimes::new().with_access_token(Some(Duration::from_hours(24)));
    let setup = Setup::memory_with(|builder| builder.lifetimes(lifetimes)).await;
    assert!(!setup.server.check().await.iter().any(|finding| matches!(finding, Finding::LongAccessTokens)));
}
