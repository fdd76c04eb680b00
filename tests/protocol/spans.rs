//! The feature `tracing`: a span for each operation, an event for each decision.

use std::sync::Arc;

use grantor::ResourceServer;
use grantor::error::Retry;
use grantor::secret::Prefix;
use grantor::testkit::When;
use tracing::field::Empty;
use tracing::{Level, info_span};

use crate::support::failing::{CAUSE, Failing, Fault};
use crate::support::traces::{Trace, Traces};
use crate::support::yielding::Yielding;
use crate::support::{Setup, bearer};

#[track_caller]
fn expect(trace: &Trace, fields: &[(&str, Option<&str>)]) {
    for (name, value) in fields {
        assert_eq!(trace.fields.get(name), *value, "{name} of {trace:?}");
    }
}

fn named<'a>(traces: &'a [Trace], name: &str) -> &'a Trace {
    let found = traces.iter().find(|trace| trace.fields.get("event").unwrap_or(&trace.span) == name);
    found.unwrap_or_else(|| panic!("no {name} in {traces:?}"))
}

#[tokio::test]
async fn an_operation_is_a_span_with_whom_it_was_about_and_how_it_ended() {
    let traces = Traces::of_this_thread();
    let setup = Setup::memory().await;
    setup.tokens("web").await;
    let grant = setup.granted().await[0].grant.id.to_string();
    let spans = traces.spans();
    let names: Vec<_> = spans.iter().map(|span| span.span.as_str()).collect();
    assert_eq!(names, ["authorize", "authorize", "approve", "token"]);
    assert!(spans.iter().all(|span| span.target == "grantor" && span.level == Level::INFO));
    let whole = [
        ("operation", Some("token")),
        ("client", Some("web")),
        ("grant", Some(grant.as_str())),
        ("subject", Some("alice")),
        ("grant_type", Some("authorization_code")),
        ("outcome", Some("ok")),
        ("reason", None),
    ];
    expect(named(&spans, "token"), &whole);
    expect(named(&spans, "authorize"), &[("client", Some("web")), ("subject", None), ("outcome", Some("ok"))]);
    expect(named(&spans, "approve"), &[("client", Some("web")), ("grant", Some(&grant)), ("subject", Some("alice"))]);
}

#[tokio::test]
async fn an_event_is_in_the_span_of_its_operation_with_its_ids() {
    let traces = Traces::of_this_thread();
    let setup = Setup::memory().await;
    let tokens = setup.tokens("web").await;
    let grant = setup.granted().await[0].grant.id.to_string();
    let events = traces.events();
    let whose = [("client", Some("web")), ("subject", Some("alice")), ("grant", Some(grant.as_str()))];
    for (event, span, level, field) in [
        ("requested", "authorize", Level::DEBUG, ("grant", None)),
        ("approved", "approve", Level::INFO, ("consent", Some("asked"))),
        ("authenticated", "token", Level::DEBUG, ("endpoint", Some("token"))),
        ("issued", "token", Level::INFO, ("grant_type", Some("authorization_code"))),
    ] {
        let event = named(&events, event);
        assert_eq!((event.span.as_str(), event.level), (span, level));
        expect(event, &[field]);
    }
    expect(named(&events, "issued"), &whose);
    setup.revoke("web", tokens.text("refresh_token")).await.expect_ok();
    let events = traces.events();
    expect(named(&events, "revoked"), &whose);
    expect(named(&events, "revoked"), &[("extent", Some("grant")), ("by", Some("client"))]);
}

#[tokio::test]
async fn what_happens_all_the_time_is_for_debugging() {
    let traces = Traces::of_this_thread();
    let setup = Setup::memory().await;
    let tokens = setup.tokens("web").await;
    traces.forget();
    assert!(setup.is_accepted(tokens.text("access_token")).await);
    setup.introspect("web", tokens.text("access_token")).await.expect_ok();
    let (spans, events) = (traces.spans(), traces.events());
    assert_eq!(spans.iter().map(|span| span.span.as_str()).collect::<Vec<_>>(), ["verify", "introspect"]);
    assert!(spans.iter().chain(&events).all(|trace| trace.level == Level::DEBUG), "{spans:?} {events:?}");
    expect(named(&events, "access_granted"), &[("client", Some("web")), ("subject", Some("alice"))]);
    // What is refused is not.
    assert!(!setup.is_accepted("no such token").await);
    let refused = traces.events();
    assert_eq!(named(&refused, "refused").level, Level::INFO);
    expect(named(&refused, "refused"), &[("endpoint", Some("resource")), ("reason", Some("access_token_malformed"))]);
}

#[tokio::test]
async fn a_replay_is_a_warning() {
    let traces = Traces::of_this_thread();
    let setup = Setup::memory().await;
    let code = setup.code("web").await;
    setup.token(&setup.exchange("web", &code)).await.expect_ok();
    traces.forget();
    setup.token(&setup.exchange("web", &code)).await.expect_error(400, "invalid_grant");
    let (spans, events) = (traces.spans(), traces.events());
    let replayed = named(&events, "replayed");
    assert_eq!(replayed.level, Level::WARN);
    expect(replayed, &[("client", Some("web")), ("subject", Some("alice")), ("reason", Some("code_replayed"))]);
    expect(named(&spans, "token"), &[("outcome", Some("refused")), ("reason", Some("code_replayed"))]);
}

#[tokio::test]
async fn a_store_that_fails_is_an_error_with_its_whole_cause() {
    let traces = Traces::of_this_thread();
    let failing = Arc::new(Failing::default());
    let setup = Setup::intercepted(Setup::memory_start(), &failing, |builder| builder).await;
    let fault = |method, retry| Fault { method, when: When::Before, retry, skip: 0 };
    failing.arm(fault("find_client", Retry::CanHelp));
    setup.token(&setup.refresh("web", "x")).await.expect_error(503, "temporarily_unavailable");
    let (spans, events) = (traces.spans(), traces.events());
    expect(named(&spans, "token"), &[("outcome", Some("failed")), ("reason", Some("store_unavailable"))]);
    let error = format!("the store is unavailable: {CAUSE}");
    assert_eq!(named(&events, "refused").level, Level::ERROR);
    expect(named(&events, "refused"), &[("error", Some(&error)), ("endpoint", Some("token")), ("operation", None)]);
    // The calls of the host answer nobody, and tell all the same.
    failing.arm(fault("revoke_subject", Retry::CannotHelp));
    drop(setup.server.revoke_subject(&setup.alice).await.unwrap_err());
    let events = traces.events();
    assert_eq!(named(&events, "failed").level, Level::ERROR);
    let error = format!("the store failed: {CAUSE}");
    expect(named(&events, "failed"), &[("error", Some(&error)), ("operation", Some("revoke_subject"))]);
}

#[tokio::test]
async fn an_operation_whose_caller_goes_away_ends_as_abandoned() {
    let traces = Traces::of_this_thread();
    let setup = Setup::intercepted(Setup::memory_start(), &Arc::new(Yielding), |builder| builder).await;
    let form = setup.exchange("web", &setup.code("web").await);
    traces.spans();
    assert!(setup.drop_after(1, setup.token(&form)).await.is_none());
    expect(named(&traces.spans(), "token"), &[("outcome", Some("abandoned")), ("reason", None)]);
}

#[tokio::test]
async fn a_span_of_the_hosts_is_not_written_into() {
    let traces = Traces::of_this_thread();
    let setup = Setup::memory().await;
    let pending = setup.pending(&setup.request("web")).await.unwrap();
    traces.spans();
    let own = info_span!("page", client = Empty, grant = Empty, outcome = Empty, reason = Empty);
    own.in_scope(|| drop(pending.confirm(&setup.session, &setup.alice, "forged").unwrap_err()));
    drop(own);
    let spans = traces.spans();
    expect(named(&spans, "page"), &[("client", None), ("outcome", None), ("reason", None)]);
    // The decision is there, inside of the host's span.
    let events = traces.events();
    assert_eq!(named(&events, "refused").span, "page");
    expect(named(&events, "refused"), &[("client", Some("web")), ("reason", Some("consent_token_invalid"))]);
}

#[tokio::test]
async fn a_resource_server_elsewhere_is_traced_as_well() {
    let setup = Setup::memory().await;
    let tokens = setup.tokens("web").await;
    let prefix = Prefix::parse("gr_at_").unwrap();
    let elsewhere = ResourceServer::for_any_resource(setup.grants.clone(), prefix).with_clock(setup.clock.clone());
    let traces = Traces::of_this_thread();
    elsewhere.verify(&bearer(tokens.text("access_token"))).await.unwrap();
    expect(named(&traces.spans(), "verify"), &[("client", Some("web")), ("outcome", Some("ok"))]);
}
