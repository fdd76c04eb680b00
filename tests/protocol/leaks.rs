//! The search for secrets in what every test writes: it finds them, by whatever way they get out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use grantor::configuration::Prefixes;
use grantor::observer::{Event, Observer};
use tracing::field::Empty;

use crate::support::output::Everywhere;
use crate::support::secrets::recognised;
use crate::support::{Answer, Setup};

/// A server whose tokens no other test takes for its own, and a code and tokens of it.
async fn careless() -> (Setup, String, Answer) {
    let setup = Setup::memory_with(|builder| builder.prefixes(Prefixes::of("careless").unwrap())).await;
    let code = setup.code("web").await;
    let tokens = setup.tokens("web").await;
    assert_eq!(setup.secrets.leaks(), Vec::<String>::new());
    (setup, code, tokens)
}

/// The test that this server belongs to fails at its end.
#[track_caller]
fn expect_failure(setup: Setup, what: &str) {
    let failure = catch_unwind(AssertUnwindSafe(|| drop(setup))).expect_err("it leaked");
    let failure = failure.downcast_ref::<String>().expect("a message");
    assert!(failure.starts_with("secrets were written:") && failure.contains(what), "{failure}");
}

#[tokio::test]
async fn a_token_in_an_event_fails_the_test() {
    let (setup, _, tokens) = careless().await;
    tracing::trace!(token = tokens.text("access_token"), "issued");
    expect_failure(setup, "a access_token: ");
}

#[tokio::test]
async fn a_token_in_what_is_printed_by_debug_fails_the_test() {
    let (setup, _, tokens) = careless().await;
    tracing::debug!(target: "sqlx::query", answer = ?tokens.json, "stored");
    expect_failure(setup, "refresh_token");
}

#[tokio::test]
async fn a_code_that_a_span_learns_later_fails_the_test() {
    let (setup, code, _) = careless().await;
    let span = tracing::trace_span!("exchange", code = Empty);
    span.record("code", &code[..]);
    drop(span);
    expect_failure(setup, "a code: ");
}

#[tokio::test]
async fn a_secret_in_the_label_of_a_metric_fails_the_test() {
    let (setup, ..) = careless().await;
    let token = setup.consent_token(&setup.pending(&setup.request("web")).await.unwrap());
    metrics::counter!("forms", "token" => token).increment(1);
    expect_failure(setup, "a consent token: ");
}

#[tokio::test]
async fn a_state_in_the_url_of_a_redirect_fails_the_test() {
    let (setup, ..) = careless().await;
    let answer = setup.approve(&setup.request("web").set("state", "a state / of its own & secret")).await;
    tracing::info!("{}", answer.header("location").unwrap());
    expect_failure(setup, "a code: ");
}

#[tokio::test]
async fn a_secret_that_another_thread_writes_fails_the_test() {
    let (setup, ..) = careless().await;
    let wrong = setup.exchange("web", "x").set("client_secret", "a wrong secret of the client");
    setup.token(&wrong).await.expect_error(401, "invalid_client");
    std::thread::spawn(|| tracing::error!("login failed: a wrong secret of the client")).join().unwrap();
    expect_failure(setup, "a client_secret: ");
}

/// What somebody might write who means well.
#[derive(Debug)]
struct Careless(Arc<str>);

impl Observer for Careless {
    fn observe(&self, event: &Event<'_>) {
        Everywhere.observe(event);
        tracing::info!("{} with {}", event.name(), self.0);
    }
}

#[tokio::test]
async fn an_observer_that_adds_a_secret_fails_the_test() {
    let observer = Arc::new(Careless("the password of a database".into()));
    let setup = Setup::memory_with(|builder| builder.observer(observer)).await;
    setup.secrets.note("password", "the password of a database");
    setup.code("web").await;
    expect_failure(setup, "a password: ");
}

#[test]
fn what_looks_like_a_token_of_the_server_is_recognised_even_if_no_test_has_seen_it() {
    let body = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEg";
    for prefix in ["gr_ac_", "gr_at_", "gr_rt_", "gr_cs_", "gr_reg_"] {
        let found = recognised(&format!("a line\nINFO token={prefix}{body}, and more\nanother"));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains(&format!("INFO token={prefix}")) && !found[0].contains("another"), "{found:?}");
    }
    // What a person writes about tokens is none.
    assert!(
        recognised("tokens begin with gr_at_, codes with gr_ac_abc; gr_at_ is followed by 70 characters").is_empty()
    );
}
