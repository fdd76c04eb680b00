//! A store that fails under the authorization endpoint and under registration.

use grantor::error::{AuthorizeError, Retry};
use grantor::observer::Endpoint;
use grantor::testkit::When;
use grantor::{Approval, Recall, Visitor};
use http::Request;
use serde_json::{Value, json};

use crate::support::broken::{Broken, expect_nothing_internal};
use crate::support::failing::Fault;
use crate::support::{Answer, Setup};

/// What a signed-in browser gets, and what the operator is told.
fn expect_trouble(broken: &Broken, error: AuthorizeError, fault: Fault, redirected: bool) {
    broken.expect_told(fault, Endpoint::Authorization);
    let answer = broken.setup.answer(error, Visitor::SignedIn);
    expect_nothing_internal(&format!("{:?} {}", answer.headers, answer.body));
    let (status, code) = match fault.retry {
        Retry::CanHelp => (503, "temporarily_unavailable"),
        _ => (500, "server_error"),
    };
    if !redirected {
        assert_eq!(answer.status.as_u16(), status, "{fault:?}");
        assert!(answer.header("location").is_none());
        return;
    }
    let pairs = answer.expect_redirect("https://web.test/cb");
    for (name, value) in [("error", code), ("state", "af0ifjsldkj"), ("iss", "https://as.test")] {
        assert!(pairs.contains(&(name.to_owned(), value.to_owned())), "{name} in {pairs:?}");
    }
    assert!(pairs.iter().all(|(name, _)| name != "code"), "{pairs:?}");
}

// AERR-007: before the redirect URI is known there is nowhere to send anything
#[tokio::test]
async fn a_client_that_cannot_be_looked_up_is_not_an_unknown_client() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for fault in Fault::each_of(&["find_client"]) {
            broken.arm(fault);
            let error = setup.pending(&setup.request("web")).await.unwrap_err();
            expect_trouble(&broken, error, fault, false);
            setup.code("web").await;
        }
    }
}

// AERR-007
#[tokio::test]
async fn a_consent_that_cannot_be_looked_up_is_an_error_for_the_client() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        setup.tokens("web").await;
        for fault in Fault::each_of(&["list_grants"]) {
            let pending = setup.pending(&setup.request("web")).await.unwrap();
            broken.arm(fault);
            let error = setup.server.recall(pending, &setup.alice).await.unwrap_err();
            expect_trouble(&broken, error, fault, true);
            let pending = setup.pending(&setup.request("web")).await.unwrap();
            assert!(matches!(setup.server.recall(pending, &setup.alice).await.unwrap(), Recall::Remembered(_)));
        }
    }
}

// AERR-007
#[tokio::test]
async fn a_code_that_cannot_be_stored_is_not_sent() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for fault in Fault::each_of(&["insert_code"]) {
            let request = setup.request("web");
            let token = setup.consent_token(&setup.pending(&request).await.unwrap());
            let confirmed =
                async || setup.pending(&request).await.unwrap().confirm(&setup.session, &setup.alice, &token).unwrap();
            let first = confirmed().await;
            broken.arm(fault);
            let error = setup.server.approve(first, Approval::all()).await.unwrap_err();
            expect_trouble(&broken, error, fault, true);
            // The same form again: what was not stored is stored now, what was is not stored twice.
            let again = setup.server.approve(confirmed().await, Approval::all()).await;
            assert_eq!(again.is_ok(), fault.when == When::Before, "{fault:?}");
            setup.tokens("web").await;
        }
    }
}

/// A request to the registration endpoint, or to where a registration is managed.
async fn send(setup: &Setup, method: &str, path: &str, token: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = request.header("authorization", format!("Bearer {token}"));
    setup.send(request.body(body.to_string()).unwrap()).await
}

fn document() -> Value {
    json!({"redirect_uris": ["https://dcr.test/cb"], "token_endpoint_auth_method": "none"})
}

// DCR-002
#[tokio::test]
async fn a_registration_can_be_tried_again() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for fault in Fault::each_of(&["count_clients", "insert_client"]) {
            broken.arm(fault);
            let answer = send(setup, "POST", "/oauth/register", "x", &document()).await;
            broken.expect_trouble(answer, fault, Endpoint::Registration);
            assert_eq!(send(setup, "POST", "/oauth/register", "x", &document()).await.status.as_u16(), 201);
        }
    }
}

// DCM-002, DCM-003, DCM-005
#[tokio::test]
async fn the_management_of_a_registration_can_be_tried_again() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for (method, calls, status) in [
            ("GET", &["find_client"][..], 200),
            ("PUT", &["find_client", "update_client"], 200),
            ("DELETE", &["find_client", "revoke_client", "delete_client"], 204),
        ] {
            for fault in Fault::each_of(calls) {
                let client = send(setup, "POST", "/oauth/register", "x", &document()).await;
                let path = format!("/oauth/register/{}", client.text("client_id"));
                let token = client.text("registration_access_token");
                let mut body = document();
                body["client_id"] = client.text("client_id").into();
                broken.arm(fault);
                let answer = send(setup, method, &path, token, &body).await;
                broken.expect_trouble(answer, fault, Endpoint::RegistrationManagement);
                let retry = send(setup, method, &path, token, &body).await;
                let gone = (fault.method, fault.when) == ("delete_client", When::After);
                assert_eq!(retry.status.as_u16(), if gone { 401 } else { status }, "{method} {fault:?}");
            }
        }
    }
}
