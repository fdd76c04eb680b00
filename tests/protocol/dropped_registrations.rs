//! Registrations whose handlers are dropped at every await, as in `dropped_futures`.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::client::ClientId;
use http::Request;
use serde_json::{Value, json};

use crate::support::yielding::{Yielding, at_every_point};
use crate::support::{Answer, Form, Setup, Start, VERIFIER, basic};

const MANY: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

async fn waiting(start: Start) -> Setup {
    Setup::intercepted(start, &Arc::new(Yielding), |builder| builder).await
}

/// The metadata of a client.
fn document(name: &str) -> Value {
    json!({
        "client_name": name,
        "redirect_uris": ["https://dcr.test/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_basic",
    })
}

/// A request to the registration endpoint, or to where a registration is managed.
async fn send(setup: &Setup, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    setup.send(request.body(body.map(Value::to_string).unwrap_or_default()).unwrap()).await
}

/// A registered client: its answer, and the path where it is managed.
async fn registered(setup: &Setup) -> (Answer, String) {
    let answer = send(setup, "POST", "/oauth/register", None, Some(&document("Before"))).await;
    assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
    let path = format!("/oauth/register/{}", answer.text("client_id"));
    (answer, path)
}

/// The access token of a fresh code of a registered client.
async fn access_token(setup: &Setup, client: &Answer) -> String {
    let id = client.text("client_id");
    let request = setup.request("web").set("client_id", id).set("redirect_uri", "https://dcr.test/cb");
    let code = setup.code_for(&request).await;
    let form = Form::of(&[("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)]);
    let tokens = setup.post("/oauth/token", &form, Some(&basic(id, client.text("client_secret")))).await.expect_ok();
    tokens.text("access_token").to_owned()
}

// DCR-002
#[tokio::test]
async fn a_client_was_registered_or_was_not() {
    for start in Setup::both_starts().await {
        let setup = waiting(start).await;
        at_every_point(3, async |polls| {
            let before = setup.registry.count_clients(MANY).await.unwrap();
            let document = document("New");
            let done = setup.drop_after(polls, send(&setup, "POST", "/oauth/register", None, Some(&document))).await;
            let after = setup.registry.count_clients(MANY).await.unwrap();
            assert!(after == before + 1 || (after == before && done.is_none()));
            let (retried, _) = registered(&setup).await;
            assert!(setup.is_accepted(&access_token(&setup, &retried).await).await);
            done.is_some_and(|answer| answer.status.as_u16() == 201)
        })
        .await;
    }
}

// DCM-003
#[tokio::test]
async fn a_registration_was_replaced_or_was_not() {
    for start in Setup::both_starts().await {
        let setup = waiting(start).await;
        at_every_point(3, async |polls| {
            let (client, path) = registered(&setup).await;
            let token = Some(client.text("registration_access_token"));
            let mut after = document("After");
            after["client_id"] = client.text("client_id").into();
            let done = setup.drop_after(polls, send(&setup, "PUT", &path, token, Some(&after))).await;
            let read = send(&setup, "GET", &path, token, None).await.expect_ok();
            let name = read.text("client_name");
            assert!(name == "After" || (name == "Before" && done.is_none()));
            let retried = send(&setup, "PUT", &path, token, Some(&after)).await.expect_ok();
            assert_eq!(retried.text("client_name"), "After");
            assert!(setup.is_accepted(&access_token(&setup, &client).await).await, "the secret stays");
            done.map(Answer::expect_ok).is_some()
        })
        .await;
    }
}

// DCM-005: a client that is gone leaves nothing alive
#[tokio::test]
async fn a_client_was_deleted_with_its_tokens_or_can_be() {
    for start in Setup::both_starts().await {
        let setup = waiting(start).await;
        at_every_point(7, async |polls| {
            let (client, path) = registered(&setup).await;
            let token = Some(client.text("registration_access_token"));
            let access = access_token(&setup, &client).await;
            let done = setup.drop_after(polls, send(&setup, "DELETE", &path, token, None)).await;
            let id: ClientId = client.text("client_id").parse().unwrap();
            let exists = setup.registry.find_client(&id).await.unwrap().is_some();
            assert!(exists || !setup.is_accepted(&access).await);
            assert!(!(exists && done.is_some()));
            let retried = send(&setup, "DELETE", &path, token, None).await;
            assert_eq!(retried.status.as_u16(), if exists { 204 } else { 401 });
            assert!(setup.registry.find_client(&id).await.unwrap().is_none());
            assert!(!setup.is_accepted(&access).await);
            done.is_some_and(|answer| answer.status.as_u16() == 204)
        })
        .await;
    }
}

// DCM-003: a public client that becomes confidential, and does not hear of its secret, can ask for another
#[tokio::test]
async fn a_secret_that_was_lost_on_the_way_can_be_replaced() {
    for start in Setup::both_starts().await {
        let setup = waiting(start).await;
        at_every_point(3, async |polls| {
            let mut public = document("Public");
            public["token_endpoint_auth_method"] = "none".into();
            let client = send(&setup, "POST", "/oauth/register", None, Some(&public)).await;
            let token = Some(client.text("registration_access_token"));
            let path = format!("/oauth/register/{}", client.text("client_id"));
            public["client_id"] = client.text("client_id").into();
            let mut confidential = document("Confidential");
            confidential["client_id"] = client.text("client_id").into();
            let done = setup.drop_after(polls, send(&setup, "PUT", &path, token, Some(&confidential))).await;
            send(&setup, "PUT", &path, token, Some(&public)).await.expect_ok();
            let again = send(&setup, "PUT", &path, token, Some(&confidential)).await.expect_ok();
            assert!(setup.is_accepted(&access_token(&setup, &again).await).await);
            done.map(Answer::expect_ok).is_some()
        })
        .await;
    }
}
