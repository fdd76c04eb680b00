//! Many requests at once, on several threads, over stores that make each of them wait between reading and writing.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use grantor::configuration::{EndpointPaths, ProtectedResource};
use grantor::policy::RefreshPolicy;
use grantor::store::SqliteStore;
use grantor::{AuthorizationServer, Issuer};
use http::{Request, StatusCode};
use tokio::sync::Barrier;

use crate::support::yielding::Yielding;
use crate::support::{Answer, Form, Setup, Start};

const MANY: usize = 64;

/// Starts all futures at the same moment, each on a task of its own.
async fn at_once<T: Send + 'static>(futures: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let barrier = Arc::new(Barrier::new(futures.len()));
    let start = |future| {
        let barrier = Arc::clone(&barrier);
        tokio::spawn(async move {
            barrier.wait().await;
            future.await
        })
    };
    let tasks: Vec<_> = futures.into_iter().map(start).collect();
    let mut outputs = Vec::new();
    for task in tasks {
        outputs.push(task.await.expect("no task panics"));
    }
    outputs
}

/// The answers of one server to as many equal token requests.
async fn tokens_at_once(setup: &Arc<Setup>, form: &Form) -> Vec<Answer> {
    let one = |setup: Arc<Setup>, form: Form| async move { setup.token(&form).await };
    at_once((0..MANY).map(|_| one(Arc::clone(setup), form.clone())).collect()).await
}

/// The answers that brought tokens; all others must be a plain `invalid_grant`.
#[track_caller]
fn winners(answers: Vec<Answer>) -> Vec<Answer> {
    let (winners, losers): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
    losers.into_iter().for_each(|loser| drop(loser.expect_error(400, "invalid_grant")));
    winners.into_iter().map(Answer::expect_ok).collect()
}

async fn waiting(start: Start, policy: RefreshPolicy) -> Arc<Setup> {
    let interceptor = Arc::new(Yielding);
    Arc::new(Setup::intercepted(start, &interceptor, |builder| builder.refresh_policy(policy)).await)
}

/// Turns each test into one on the memory store and one on SQLite, both on several threads.
macro_rules! on_many_threads {
    ($(async fn $name:ident($start:ident) $body:block)*) => {
        mod memory {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    let $start = Setup::memory_start();
                    $body
                }
            )*
        }
        mod sqlite {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    let $start = Setup::sqlite_file().await;
                    $body
                }
            )*
        }
    };
}

on_many_threads! {
    // CODE-005, CODE-009, ATK-041: one wins; the others were right too, so two parties hold the code, and that ends it
    async fn a_code_is_redeemed_once(start) {
        let setup = waiting(start, RefreshPolicy::default()).await;
        for client in ["pub", "web"] {
            let form = setup.exchange(client, &setup.code(client).await);
            let winners = winners(tokens_at_once(&setup, &form).await);
            assert_eq!(winners.len(), 1);
            assert!(!setup.is_accepted(winners[0].text("access_token")).await);
            assert!(!setup.can_refresh(client, winners[0].text("refresh_token")).await);
        }
    }

    // CODE-007, ATK-043: whoever is wrong does not count
    async fn wrong_requests_do_not_disturb_the_right_one(start) {
        let setup = waiting(start, RefreshPolicy::default()).await;
        let right = setup.exchange("web", &setup.code("web").await);
        let wrong = [
            right.clone().set("client_secret", "wrong"),
            right.clone().set("client_id", "other"),
            right.clone().without("code_verifier"),
            right.clone().set("redirect_uri", "https://web.test/other"),
        ];
        let mut forms: Vec<Form> = wrong.iter().cycle().take(MANY - 1).cloned().collect();
        forms.insert(MANY / 2, right);
        let one = |setup: Arc<Setup>, form: Form| async move { setup.token(&form).await };
        let answers = at_once(forms.into_iter().map(|form| one(Arc::clone(&setup), form)).collect()).await;
        let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
        assert!(answers.iter().all(|answer| !answer.status.is_server_error()));
        assert_eq!(won.len(), 1);
        assert!(setup.is_accepted(won[0].text("access_token")).await);
        assert!(setup.can_refresh("web", won[0].text("refresh_token")).await);
    }

    // RT-016, RT-020, CLI-060, ATK-051: everybody gets the one successor
    async fn a_refresh_token_has_one_successor_whoever_asks(start) {
        let setup = waiting(start, RefreshPolicy::default()).await;
        for client in ["pub", "web"] {
            let first = setup.tokens(client).await;
            let winners = winners(tokens_at_once(&setup, &setup.refresh(client, first.text("refresh_token"))).await);
            assert_eq!(winners.len(), MANY);
            let distinct = |member| winners.iter().map(|answer| answer.text(member)).collect::<HashSet<_>>().len();
            assert_eq!((distinct("access_token"), distinct("refresh_token")), (1, 1));
            assert!(setup.is_accepted(winners[0].text("access_token")).await);
            let next = setup.refreshed(client, winners[0].text("refresh_token")).await;
            // Whoever is left with the old one later ends the only branch there is (RT-024).
            setup.clock.advance(Duration::from_secs(10));
            assert!(!setup.can_refresh(client, first.text("refresh_token")).await);
            assert!(!setup.can_refresh(client, next.text("refresh_token")).await);
            assert!(!setup.is_accepted(next.text("access_token")).await);
        }
    }

    // RT-016, ATK-051: without a grace one wins, and the others end the family
    async fn a_refresh_token_is_used_once_if_there_is_no_grace(start) {
        let setup = waiting(start, RefreshPolicy::Rotate { grace: Duration::ZERO }).await;
        let first = setup.tokens("web").await;
        let winners = winners(tokens_at_once(&setup, &setup.refresh("web", first.text("refresh_token"))).await);
        assert_eq!(winners.len(), 1);
        assert!(!setup.is_accepted(winners[0].text("access_token")).await);
        assert!(!setup.can_refresh("web", winners[0].text("refresh_token")).await);
    }

    // RT-026: a token that stays serves everybody
    async fn a_refresh_token_that_is_not_rotated_serves_everybody(start) {
        let setup = waiting(start, RefreshPolicy::Reuse).await;
        let first = setup.tokens("web").await;
        let winners = winners(tokens_at_once(&setup, &setup.refresh("web", first.text("refresh_token"))).await);
        let distinct: HashSet<_> = winners.iter().map(|answer| answer.text("access_token")).collect();
        assert_eq!(distinct.len(), MANY);
        for answer in &winners {
            assert!(setup.is_accepted(answer.text("access_token")).await);
        }
    }

    // CODE-017, ATK-049
    async fn no_token_outlives_a_withdrawal_that_an_exchange_ran_into(start) {
        let setup = waiting(start, RefreshPolicy::default()).await;
        for _ in 0..MANY {
            let form = setup.exchange("web", &setup.code("web").await);
            let race = |withdraw: bool| {
                let (setup, form) = (Arc::clone(&setup), form.clone());
                async move {
                    if withdraw {
                        setup.server.withdraw(&setup.alice, &"web".parse().unwrap()).await.unwrap();
                        return None;
                    }
                    Some(setup.token(&form).await)
                }
            };
            let answers = at_once(vec![race(false), race(true)]).await;
            let answer = answers.into_iter().flatten().next().expect("the answer of the exchange");
            for tokens in winners(vec![answer]) {
                assert!(!setup.is_accepted(tokens.text("access_token")).await);
                assert!(!setup.can_refresh("web", tokens.text("refresh_token")).await);
            }
            setup.token(&form).await.expect_error(400, "invalid_grant");
        }
    }

    // REV-009, REV-013, RT-019: whatever revokes, no refresh outlives it
    async fn no_token_outlives_a_revocation_that_a_refresh_ran_into(start) {
        let setup = waiting(start, RefreshPolicy::default()).await;
        for round in 0..MANY {
            let first = setup.tokens("web").await;
            let token = first.text("refresh_token").to_owned();
            let race = |revoke: bool| {
                let (setup, token) = (Arc::clone(&setup), token.clone());
                async move {
                    match (revoke, round % 2) {
                        (false, _) => return Some(setup.token(&setup.refresh("web", &token)).await),
                        (true, 0) => drop(setup.revoke("web", &token).await.expect_ok()),
                        (true, _) => drop(setup.server.revoke_subject(&setup.alice).await.unwrap()),
                    }
                    None
                }
            };
            let answers = at_once(vec![race(false), race(true)]).await;
            let answer = answers.into_iter().flatten().next().expect("the answer of the refresh");
            for tokens in winners(vec![answer]).iter().chain([&first]) {
                assert!(!setup.is_accepted(tokens.text("access_token")).await);
                assert!(!setup.can_refresh("web", tokens.text("refresh_token")).await);
            }
        }
    }

    // TRESP-012: nobody gets what is another's
    async fn tokens_that_are_issued_at_once_are_all_different_and_all_stored(start) {
        let setup = waiting(start, RefreshPolicy::default()).await;
        let form = setup.identify("svc", Form::of(&[("grant_type", "client_credentials")]));
        let winners = winners(tokens_at_once(&setup, &form).await);
        let distinct: HashSet<_> = winners.iter().map(|answer| answer.text("access_token")).collect();
        assert_eq!(distinct.len(), MANY);
        for answer in &winners {
            assert!(setup.is_accepted(answer.text("access_token")).await);
        }
    }
}

/// Two servers over one database, as two processes would be.
struct Pair {
    first: Arc<Setup>,
    second: AuthorizationServer,
}

impl Pair {
    async fn new() -> Self {
        let start = Setup::sqlite_file().await;
        let Start::Sqlite(_, directory) = &start else { panic!("a SQLite file is on SQLite") };
        let directory: PathBuf = directory.clone();
        let first = Arc::new(Setup::intercepted(start, &Arc::new(Yielding), |builder| builder).await);
        let store = SqliteStore::connect(&format!("sqlite://{}", directory.join("test.db").display())).await.unwrap();
        let second = AuthorizationServer::builder(Issuer::parse("https://as.test").unwrap(), Arc::new(store))
            .scope("read", "Read your things")
            .resource(ProtectedResource::new("https://api.test/one".parse().unwrap()))
            .paths(EndpointPaths::under("/oauth"))
            .clock(first.clock.clone());
        Self { first, second: second.build().unwrap() }
    }

    /// The answers to equal token requests, half of them to each server.
    async fn tokens_at_once(&self, form: &Form) -> Vec<Answer> {
        let body = form.encode();
        let one = |server: AuthorizationServer, body: String| async move {
            let request = Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
            Answer::from(server.handle(request.body(body).unwrap()).await)
        };
        let server = |n: usize| if n.is_multiple_of(2) { self.first.server.clone() } else { self.second.clone() };
        at_once((0..MANY).map(|n| one(server(n), body.clone())).collect()).await
    }
}

// CODE-005, ATK-041
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_over_one_database_redeem_a_code_once() {
    let pair = Pair::new().await;
    let form = pair.first.exchange("web", &pair.first.code("web").await);
    let winners = winners(pair.tokens_at_once(&form).await);
    assert_eq!(winners.len(), 1);
    assert!(!pair.first.is_accepted(winners[0].text("access_token")).await);
}

// RT-016, RT-020
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_over_one_database_give_a_refresh_token_one_successor() {
    let pair = Pair::new().await;
    let first = pair.first.tokens("web").await;
    let winners = winners(pair.tokens_at_once(&pair.first.refresh("web", first.text("refresh_token"))).await);
    let distinct: HashSet<_> = winners.iter().map(|answer| answer.text("refresh_token")).collect();
    assert_eq!((winners.len(), distinct.len()), (MANY, 1));
    assert!(pair.first.is_accepted(winners[0].text("access_token")).await);
    assert!(pair.first.can_refresh("web", winners[0].text("refresh_token")).await);
}

// REV-013: what one server revokes is dead at the other at once
#[tokio::test]
async fn a_revocation_at_one_server_is_seen_by_the_other() {
    let pair = Pair::new().await;
    let tokens = pair.first.tokens("web").await;
    let headers = crate::support::bearer(tokens.text("access_token"));
    pair.second.resource_server().verify(&headers).await.unwrap();
    pair.first.revoke("web", tokens.text("refresh_token")).await.expect_ok();
    pair.second.resource_server().verify(&headers).await.unwrap_err();
}
