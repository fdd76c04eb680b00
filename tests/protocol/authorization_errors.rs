//! Errors that go back to the client: which code, with what, and in what order.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::client::{Client, GrantType};
use grantor::store::{MemoryLimits, MemoryStore, Page};
use grantor::{Approval, Visitor};
use sqlx::{Connection as _, SqliteConnection};

use crate::browser::{expect_code, expect_page, expect_rejection, value};
use crate::support::{Setup, Start, redirect_uri};

on_both_stores! {
    // AERR-001, HTTP-008
    async fn a_missing_response_type_is_an_invalid_request(setup) {
        for request in [setup.request("pub").without("response_type"), setup.request("pub").set("response_type", "")] {
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_request", &request);
        }
    }

    // AERR-002, AERR-003, AERR-004, AERR-010, HTTP-012, ATK-017
    async fn only_code_is_a_response_type_and_the_error_is_in_the_query(setup) {
        for response_type in [
            "foo",
            "token",
            "id_token",
            "id_token token",
            "token id_token",
            "code token",
            "token code",
            "code id_token",
            "id_token code",
            "code id_token token",
            "none",
            "CODE",
            "Code",
            "code code",
            " code",
            "code ",
            "code,token",
            "code\ttoken",
        ] {
            for client in ["pub", "multi", "native", "web", "exempt"] {
                let request = setup.request(client).set("response_type", response_type);
                let answer = setup.approve(&request).await;
                expect_rejection(&answer, redirect_uri(client), "unsupported_response_type", &request);
                assert!(!answer.header("location").unwrap().contains('#'), "{request:?}");
            }
        }
    }

    // AERR-005
    async fn a_client_without_the_code_grant_is_unauthorized(setup) {
        let client =
            Client::public("implicit".parse().unwrap()).with_redirect_uri("https://web.test/cb".parse().unwrap());
        setup.add(client.with_grant_types([GrantType::RefreshToken])).await;
        let request = setup.request("pub").set("client_id", "implicit").set("redirect_uri", "https://web.test/cb");
        expect_rejection(&setup.approve(&request).await, "https://web.test/cb", "unauthorized_client", &request);

        setup.change("web", |client| client.with_grant_types([GrantType::ClientCredentials])).await;
        let request = setup.request("web");
        expect_rejection(&setup.approve(&request).await, redirect_uri("web"), "unauthorized_client", &request);
    }

    // AERR-006, AERR-013, ATK-013
    async fn a_denied_request_is_access_denied_and_leaves_nothing_that_lives(setup) {
        for client in ["pub", "native", "self", "web"] {
            let request = setup.request(client);
            let shown = setup.pending(&request).await.unwrap();
            let token = setup.consent_token(&shown);
            let confirmed = shown.confirm(&setup.session, &setup.alice, &token).unwrap();
            let answer = setup.server.deny(confirmed).await.unwrap().into_http().into();
            expect_rejection(&answer, redirect_uri(client), "access_denied", &request);
        }
        // What tells that the forms were submitted is no code and no grant of anything.
        for summary in setup.granted().await {
            assert!(!summary.is_live(setup.now()) && summary.grant.scope.is_empty(), "{summary:?}");
        }
    }

    // AERR-009, HTTP-010
    async fn a_state_that_came_twice_does_not_go_back(setup) {
        for states in [["a", "b"], ["a", "a"], ["", "a"], ["a", ""]] {
            let request = setup.request("pub").without("state");
            let twice = states.into_iter().fold(request.clone(), |request, state| request.and("state", state));
            expect_rejection(&setup.approve(&twice).await, redirect_uri("pub"), "invalid_request", &request);
        }
    }

    // AERR-008, AERR-011, AERR-012, AERR-013, ISS-001: `expect_rejection` looks at every one of them.
    async fn every_rejection_has_state_and_issuer_and_no_code(setup) {
        let request = setup.request("pub").set("state", "ab c&d");
        for (request, code) in [
            (request.clone().without("response_type"), "invalid_request"),
            (request.clone().set("response_type", "token"), "unsupported_response_type"),
            (request.clone().set("request", "x"), "request_not_supported"),
            (request.clone().without("code_challenge"), "invalid_request"),
            (request.clone().set("code_challenge_method", "plain"), "invalid_request"),
            (request.clone().set("scope", "bogus"), "invalid_scope"),
            (request.clone().set("resource", "https://nope.test"), "invalid_target"),
            (request.clone().and("scope", "read"), "invalid_request"),
        ] {
            let answer = setup.approve(&request).await;
            expect_rejection(&answer, redirect_uri("pub"), code, &request);
            assert!(!answer.header("location").unwrap().contains("code="), "{request:?}: {answer:?}");
        }
        assert!(setup.granted().await.is_empty());
    }

    // AERR-014
    async fn features_that_are_off_are_told_by_their_own_codes(setup) {
        for (name, sent, code) in [
            ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
            ("request_uri", "https://app.test/request.jwt", "request_uri_not_supported"),
            ("request_uri", "urn:ietf:params:oauth:request_uri:x", "request_uri_not_supported"),
            ("registration", "{}", "registration_not_supported"),
        ] {
            let request = setup.request("pub").and(name, sent);
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), code, &request);
            let request = setup.request("pub").and(name, "");
            expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
        }
    }

    // AERR-015, 0.4
    async fn the_first_failing_check_decides_the_code(setup) {
        // Each line repairs the first fault of the line before.
        let all = setup
            .request("pub")
            .set("response_type", "foo")
            .and("request", "x")
            .without("code_challenge")
            .set("scope", "bogus");
        let repaired = all.clone().set("response_type", "code");
        let challenged = repaired.clone().without("request");
        let challenge = setup.request("pub");
        let scoped = challenged.clone().and("code_challenge", challenge.get("code_challenge").unwrap());
        for (request, code) in [
            (all.clone().and("scope", "read"), "invalid_request"),
            (all, "unsupported_response_type"),
            (repaired, "request_not_supported"),
            (challenged, "invalid_request"),
            (scoped, "invalid_scope"),
        ] {
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), code, &request);
        }
    }

    // HTTP-018
    async fn an_error_description_keeps_to_its_characters_whatever_is_sent(setup) {
        for bad in ["re\"ad", "re\\ad", "read\nwrite", "réad", "<script>", "\u{7f}"] {
            for name in ["scope", "response_type", "code_challenge", "code_challenge_method", "resource"] {
                let request = setup.request("pub").set(name, bad);
                let answer = setup.approve(&request).await;
                let pairs = answer.expect_redirect(redirect_uri("pub"));
                let description =
                    value(&pairs, "error_description").unwrap_or_else(|| panic!("{request:?}: {answer:?}"));
                let allowed = |byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
                assert!(description.bytes().all(allowed), "{request:?}: {description}");
                assert!(!description.contains("<script>"), "{request:?}: {description}");
            }
        }
    }

    // RI, appendix C: `invalid_target`
    async fn a_resource_that_is_not_the_servers_is_an_invalid_target(setup) {
        for resource in ["https://nope.test", "/relative", "https://api.test/one#x", "https://api.test/one/", "x"] {
            let request = setup.request("pub").and("resource", "https://api.test/one").and("resource", resource);
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_target", &request);
        }
    }
}

/// Breaks a table of the database behind the server's back.
pub async fn spoil(url: &str, statement: &'static str) {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A server on a database file, and the URL of the file.
pub async fn on_a_file() -> (Setup, String) {
    let start = Setup::sqlite_file().await;
    let Start::Sqlite(_, directory) = &start else { panic!("not on SQLite") };
    let url = format!("sqlite://{}", directory.join("test.db").display());
    (Setup::start(start, |builder| builder).await, url)
}

// AERR-007, LOG-008
#[tokio::test]
async fn a_store_that_fails_at_the_decision_is_a_server_error_for_the_client() {
    let (setup, url) = on_a_file().await;
    let request = setup.request("pub");
    let shown = setup.pending(&request).await.unwrap();
    let token = setup.consent_token(&shown);
    let confirmed = shown.confirm(&setup.session, &setup.alice, &token).unwrap();
    spoil(&url, "ALTER TABLE grantor_codes RENAME TO lost").await;
    let error = setup.server.approve(confirmed, Approval::all()).await.unwrap_err();
    assert!(error.store_error().is_some());
    let answer = setup.answer(error, Visitor::SignedIn);
    expect_rejection(&answer, redirect_uri("pub"), "server_error", &request);
    for told in ["grantor_codes", "SQL", "sqlite", "lost"] {
        assert!(!answer.header("location").unwrap().contains(told), "{answer:?}");
    }
}

// AERR-007
#[tokio::test]
async fn a_store_that_fails_when_consent_is_looked_up_is_a_server_error_for_the_client() {
    let (setup, url) = on_a_file().await;
    for request in [setup.request("pub"), setup.request("pub").set("prompt", "none")] {
        let pending = setup.pending(&request).await.unwrap();
        if request.get("prompt").is_none() {
            spoil(&url, "ALTER TABLE grantor_grants RENAME TO lost").await;
        }
        let error = setup.server.recall(pending, &setup.alice).await.expect_err("a failure");
        assert!(error.store_error().is_some(), "{error:?}");
        expect_rejection(&setup.answer(error, Visitor::SignedIn), redirect_uri("pub"), "server_error", &request);
    }
}

// AERR-007
#[tokio::test]
async fn a_store_that_fails_before_the_redirect_uri_is_checked_is_shown() {
    let (setup, url) = on_a_file().await;
    spoil(&url, "ALTER TABLE grantor_clients RENAME TO lost").await;
    let request = setup.request("pub");
    expect_page(&setup.approve(&request).await, 500, &request);
}

// AERR-007
#[tokio::test]
async fn a_store_that_is_full_is_temporarily_unavailable_and_leaves_nothing_behind() {
    let store = Arc::new(MemoryStore::with_limits(MemoryLimits::new().with_grants(1)));
    let setup = Setup::start(Start::Memory(store), |builder| builder).await;
    let request = setup.request("pub");
    let code = expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
    expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "temporarily_unavailable", &request);
    assert_eq!(setup.server.grants(&setup.alice, Page::first(NonZeroU32::MAX)).await.unwrap().len(), 1);
    setup.token(&setup.exchange("pub", &code)).await.expect_ok();
}
