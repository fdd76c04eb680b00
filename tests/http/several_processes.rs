//! Several processes of the example on one server: to people and clients they are one service.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::mcp::Agent;
use super::support::server::server;
use super::support::{ADA, App, Browser, Example, GRACE, OwnDatabase, Reply, Tokens, http_client};

/// How often connections break under load, and how much has to be acknowledged from one time to the next.
const BREAKS: usize = 6;
const BETWEEN_BREAKS: usize = 20;

/// Two processes that know each other only by their database. It goes last.
struct Two {
    first: Example,
    second: Example,
    database: Option<OwnDatabase>,
    _directory: TempDir,
}

impl Two {
    fn start(database: OwnDatabase) -> Self {
        let url = database.url().to_owned();
        Self { database: Some(database), ..Self::start_at(&url) }
    }

    fn start_at(url: &str) -> Self {
        Self::start_with(url, &[])
    }

    fn start_with(url: &str, settings: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        // What is not in Redis is in a file that both have.
        let shortener = format!("sqlite://{}", directory.path().join("snip.db").display());
        let variables = [("DATABASE_URL", url), ("SHORTENER_DATABASE_URL", shortener.as_str())];
        let variables = [&variables[..], settings].concat();
        let first = Example::start_with(&variables);
        let issuer = first.origin();
        let second = Example::start_with(&[&variables[..], &[("ISSUER", &issuer)]].concat());
        assert_ne!(first.address(), second.address());
        Self { first, second, database: None, _directory: directory }
    }
}

/// Each test, on each server.
macro_rules! on_each_server {
    ($($test:ident)*) => {
        mod postgres {
            use super::{OwnDatabase, Two};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
                async fn $test() {
                    super::$test(Two::start(OwnDatabase::postgres())).await;
                }
            )*

            #[test]
            #[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
            fn of_several_that_start_at_once_on_a_new_database_all_start() {
                super::start_at_once(&OwnDatabase::postgres());
            }
        }

        mod redis {
            use super::{OwnDatabase, Two};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
                async fn $test() {
                    super::$test(Two::start(OwnDatabase::redis())).await;
                }
            )*

            #[test]
            #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
            fn of_several_that_start_at_once_on_a_new_database_all_start() {
                super::start_at_once(&OwnDatabase::redis());
            }
        }
    };
}

on_each_server! {
    a_person_signs_in_at_one_and_consents_at_the_other
    a_code_is_redeemed_once_whoever_is_asked
    a_refresh_token_has_one_successor_whoever_is_asked
    what_is_revoked_at_one_is_revoked_at_the_other
    an_app_that_registers_at_one_is_known_to_the_other
    an_agent_begins_anew_where_its_session_is_not_known
    when_one_is_killed_the_other_goes_on
    when_connections_break_nothing_is_lost_and_both_recover
}

mod redis_cluster {
    use super::{Two, server};

    /// In turn, because here they share what is known of Ada.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs a Redis Cluster: tests/servers/run cargo test -- --include-ignored"]
    async fn what_holds_on_one_server_holds_on_several() {
        let url = server("GRANTOR_TEST_REDIS_CLUSTER");
        let start = || Two::start_at(&url);
        super::a_person_signs_in_at_one_and_consents_at_the_other(start()).await;
        super::a_code_is_redeemed_once_whoever_is_asked(start()).await;
        super::a_refresh_token_has_one_successor_whoever_is_asked(start()).await;
        super::when_one_is_killed_the_other_goes_on(start()).await;
    }
}

/// Without a server: an SQLite file will do for two processes that are not under load.
#[tokio::test]
async fn agents_without_sessions_are_answered_by_whichever_they_reach() {
    let directory = TempDir::new().unwrap();
    let url = format!("sqlite://{}", directory.path().join("both.db").display());
    let two = Two::start_with(&url, &[("MCP_SESSIONS", "off")]);
    let app = App::public(&two.first).await;
    let mut browser = Browser::signed_in(&two.first, ADA).await;
    let tokens = app.connect(&mut browser, "links:read links:write").await;
    let [first, second] = [&two.first, &two.second].map(|example| Agent::new(example).with_token(&tokens.access));
    first.initialize().await.expect(200);
    second.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await.expect(202);
    let made = first.result("create_short_link", json!({ "url": "https://example.com/" })).await;
    let links = second.result("list_links", json!({})).await;
    assert!(links["links"].as_array().unwrap().iter().any(|link| link["slug"] == made["slug"]), "{made}: {links}");
}

/// Each has another issuer, from its port, so each changes the demo client.
fn start_at_once(database: &OwnDatabase) {
    let directory = TempDir::new().unwrap();
    let shortener = format!("sqlite://{}", directory.path().join("snip.db").display());
    thread::scope(|scope| {
        for _ in 0..6 {
            let variables = [("DATABASE_URL", database.url()), ("SHORTENER_DATABASE_URL", &shortener)];
            scope.spawn(move || Example::start_with(&variables));
        }
    });
}

async fn a_person_signs_in_at_one_and_consents_at_the_other(two: Two) {
    let app = App::public(&two.first).await;
    let request = app.request("links:read links:write");
    let mut at_first = Browser::new(&two.first);
    let page = at_first.visit(&request.path).await;
    assert_eq!(at_first.submit_sign_in(&page, ADA.username, ADA.password).await.redirect(), request.path);
    // The page comes from one, and the decision goes to the other.
    let form = at_first.at(&two.second).get(&request.path).await.form("/oauth/authorize").press("decision", "approve");
    let answer = at_first.submit(&form).await.answer_to(&app.redirect_uri);
    assert_eq!(answer.get("iss"), Some(two.first.origin().as_str()));
    at_first.at(&two.second).submit(&form).await.expect_error_page(409);

    let tokens = Tokens::of(&app.at(&two.second).exchange(answer.code(), &request.verifier).await);
    let made = http_client().post(two.second.url("/api/v1/links")).bearer_auth(&tokens.access);
    let made = made.json(&json!({ "url": "https://example.com/" })).send().await.unwrap();
    let slug = Reply::of(made).await.expect(201).text("slug");
    let links = app.call("/links", &tokens.access).await.expect(200).json();
    assert!(links["links"].as_array().unwrap().iter().any(|link| link["slug"] == slug.as_str()), "{links}");
    // Who is remembered at one is remembered at the other; who signs out at one is signed out at both.
    let again = at_first.at(&two.second).get(&app.request("links:read").path).await;
    again.answer_to(&app.redirect_uri).code();
    let mut at_second = at_first.at(&two.second);
    let form = at_second.get("/").await.form("/signout");
    assert_eq!(at_second.submit(&form).await.redirect(), "/");
    assert!(at_first.get("/connected").await.redirect().starts_with("/signin?"));
}

async fn a_code_is_redeemed_once_whoever_is_asked(two: Two) {
    let first = App::confidential(&two.first).await;
    let second = first.at(&two.second);
    let mut browser = Browser::signed_in(&two.first, ADA).await;
    for _ in 0..3 {
        let (code, verifier) = first.code(&mut browser, "links:read").await;
        let exchanges: Vec<_> =
            [&first, &second].repeat(16).into_iter().map(|app| app.exchange_request(&code, &verifier)).collect();
        let exchanges: Vec<_> = exchanges.into_iter().map(|request| tokio::spawn(request.send())).collect();
        let mut won = 0;
        for exchange in exchanges {
            let reply = Reply::of(exchange.await.unwrap().unwrap()).await;
            if reply.status == 200 {
                won += 1;
            } else {
                reply.expect_error(400, "invalid_grant");
            }
        }
        assert_eq!(won, 1);
    }
}

async fn a_refresh_token_has_one_successor_whoever_is_asked(two: Two) {
    let first = App::public(&two.first).await;
    let second = first.at(&two.second);
    let mut browser = Browser::signed_in(&two.second, GRACE).await;
    let mut tokens = second.connect(&mut browser, "links:read").await;
    for _ in 0..3 {
        let refreshes = [&first, &second].repeat(8).into_iter().map(|app| app.refresh_request(&tokens.refresh));
        let refreshes: Vec<_> = refreshes.map(|request| tokio::spawn(request.send())).collect();
        let mut successors = HashSet::new();
        for refresh in refreshes {
            let next = Tokens::of(&Reply::of(refresh.await.unwrap().unwrap()).await);
            successors.insert((next.access, next.refresh));
        }
        assert_eq!(successors.len(), 1, "{successors:?}");
        let (access, refresh) = successors.into_iter().next().unwrap();
        first.call("/links", &access).await.expect(200);
        tokens = Tokens { access, refresh, ..tokens };
    }
    // Its use at one makes the one before it a replay at the other.
    let next = Tokens::of(&first.refresh(&tokens.refresh).await);
    Tokens::of(&second.refresh(&next.refresh).await);
    first.refresh(&tokens.refresh).await.expect_error(400, "invalid_grant");
    second.call("/links", &next.access).await.expect_error(401, "invalid_token");
}

async fn what_is_revoked_at_one_is_revoked_at_the_other(two: Two) {
    let first = App::public(&two.first).await;
    let second = first.at(&two.second);
    let mut browser = Browser::signed_in(&two.first, ADA).await;
    let tokens = first.connect(&mut browser, "links:read").await;
    second.call("/links", &tokens.access).await.expect(200);
    first.revoke(&tokens.access).await.expect(200);
    second.call("/links", &tokens.access).await.expect_error(401, "invalid_token");

    let tokens = first.connect(&mut browser, "links:read").await;
    second.revoke(&tokens.refresh).await.expect(200);
    first.call("/links", &tokens.access).await.expect_error(401, "invalid_token");
    first.refresh(&tokens.refresh).await.expect_error(400, "invalid_grant");

    // By the person, on the page of connected apps.
    let tokens = first.connect(&mut browser, "links:read").await;
    let mut at_second = browser.at(&two.second);
    let form = at_second.get("/connected").await.form("/connected/revoke");
    at_second.submit(&form).await.expect(303);
    first.call("/links", &tokens.access).await.expect_error(401, "invalid_token");
    first.refresh(&tokens.refresh).await.expect_error(400, "invalid_grant");
}

async fn an_app_that_registers_at_one_is_known_to_the_other(two: Two) {
    let first = App::confidential(&two.first).await;
    let second = first.at(&two.second);
    let mut browser = Browser::signed_in(&two.second, ADA).await;
    let tokens = second.connect(&mut browser, "links:read").await;
    assert_eq!(first.introspect(&tokens.access).await.expect(200).json()["active"], true);

    // The same on the page for developers: registered at one, listed and deleted at the other.
    let form = browser.get("/developers").await.form("/developers");
    let form = form.with("name", "Made by hand").with("redirect_uris", "https://app.example/cb");
    browser.submit(&form).await.expect(200);
    let mut at_first = browser.at(&two.first);
    let listed = at_first.get("/developers").await;
    assert!(listed.body.contains("Made by hand"));
    let form = listed.form("/developers/delete");
    let deleted = App::known(&two.second, form.value("client_id"), "https://app.example/cb");
    at_first.submit(&form).await.expect(303);
    browser.get(&deleted.request("links:read").path).await.expect_error_page(400);
}

/// Sessions are in the memory of one process, so this is how one ends when its process does.
async fn an_agent_begins_anew_where_its_session_is_not_known(two: Two) {
    let app = App::public(&two.first).await;
    let mut browser = Browser::signed_in(&two.first, ADA).await;
    let tokens = app.connect(&mut browser, "links:read").await;
    let agent = Agent::connected(&two.first, &tokens.access).await;
    let elsewhere = agent.at(&two.second);
    elsewhere.call("list_links", json!({})).await.expect(404);
    let anew = Agent::connected(&two.second, &tokens.access).await;
    anew.result("list_links", json!({})).await;
    // Neither process knows the other's, and each goes on with its own.
    anew.at(&two.first).call("list_links", json!({})).await.expect(404);
    agent.result("list_links", json!({})).await;
}

async fn when_one_is_killed_the_other_goes_on(two: Two) {
    let Two { mut first, second, .. } = two;
    let at_first = App::public(&first).await;
    let at_second = at_first.at(&second);
    let mut browser = Browser::signed_in(&first, ADA).await;
    let tokens = at_first.connect(&mut browser, "links:read").await;
    let (code, verifier) = at_first.code(&mut browser, "links:read").await;
    let exchanges: Vec<_> = (0..8).map(|_| at_first.exchange_request(&code, &verifier)).collect();
    let exchanges: Vec<_> = exchanges.into_iter().map(|request| tokio::spawn(request.send())).collect();
    let refreshes: Vec<_> = (0..8).map(|_| tokio::spawn(at_first.refresh_request(&tokens.refresh).send())).collect();
    // One answer, and everything else in the middle.
    let answered = Reply::of(at_first.refresh_request(&tokens.refresh).send().await.unwrap()).await;
    first.kill();
    let mut redeemed = 0;
    for exchange in exchanges {
        redeemed += usize::from(exchange.await.unwrap().is_ok_and(|response| response.status() == 200));
    }
    for refresh in refreshes {
        let _ = refresh.await.unwrap();
    }

    at_second.call("/links", &tokens.access).await.expect(200);
    let next = Tokens::of(&at_second.refresh(&tokens.refresh).await);
    assert_eq!(next.refresh, Tokens::of(&answered).refresh);
    let late = at_second.exchange(&code, &verifier).await;
    if redeemed > 0 || late.status != 200 {
        late.expect_error(400, "invalid_grant");
    }
    at_second.exchange(&code, &verifier).await.expect_error(400, "invalid_grant");
    let mut browser = browser.at(&second);
    let tokens = at_second.connect(&mut browser, "links:read").await;
    at_second.call("/links", &tokens.access).await.expect(200);
}

async fn when_connections_break_nothing_is_lost_and_both_recover(two: Two) {
    let first = App::public(&two.first).await;
    let mut browser = Browser::signed_in(&two.first, ADA).await;
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..3 {
        for app in [first.clone(), first.at(&two.second)] {
            let mut tokens = first.connect(&mut browser, "links:read").await;
            let acknowledged = Arc::clone(&acknowledged);
            workers.spawn(async move {
                while acknowledged.load(Ordering::Relaxed) < BREAKS * BETWEEN_BREAKS {
                    let reply = app.refresh(&tokens.refresh).await;
                    if reply.status == 200 {
                        tokens = Tokens::of(&reply);
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                    } else {
                        expect_unavailable(&reply);
                    }
                    let reply = app.call("/links", &tokens.access).await;
                    if reply.status != 200 {
                        expect_unavailable(&reply);
                    }
                }
            });
        }
    }
    for number in 1..BREAKS {
        while acknowledged.load(Ordering::Relaxed) < number * BETWEEN_BREAKS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        two.database.as_ref().unwrap().break_connections();
        let page = browser.get("/").await;
        if page.status != 200 {
            expect_unavailable(&page);
        }
    }
    workers.join_all().await;
    browser.get("/connected").await.expect(200);
}

/// Trouble that is not the client's, and when to come back.
#[track_caller]
fn expect_unavailable(reply: &Reply) {
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.header("retry-after").unwrap().parse::<u32>().unwrap() > 0, "{reply:?}");
}
