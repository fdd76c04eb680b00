//! Registration and its management.

use grantor::Approval;
use grantor::store::{ClientRegistry, GrantStore};
use http::{Request, StatusCode};
use serde_json::json;

use super::machine::{Machine, Seen};

// DCR-027: a client that nobody uses is forgotten by the next purge, if not by this one
pub async fn a_purge_of_clients<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let metadata = json!({ "redirect_uris": ["https://new.test/cb"], "token_endpoint_auth_method": "none" });
    let calls = machine
        .at_every_fault(async |point| {
            let request = Request::post("/oauth/register").header("content-type", "application/json");
            let registered = setup.send(request.body(metadata.to_string()).unwrap()).await;
            let id = registered.text("client_id").parse().unwrap();
            setup.clock.advance(std::time::Duration::from_hours(25));
            let purged = machine.try_with(point, setup.server.purge(100.try_into().unwrap())).await;
            let known = setup.server.client(&id).await.unwrap().is_some();
            assert!(!(known && matches!(purged, Some(Ok(_)))), "{point:?}");
            setup.server.purge(100.try_into().unwrap()).await.unwrap();
            assert!(setup.server.client(&id).await.unwrap().is_none(), "{point:?}");
        })
        .await;
    assert!(calls >= 7, "{calls}");
}

// AERR-007, UI-006: the first grant of a client that registered itself, of which its use is noted as well
pub async fn a_first_use<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let metadata = json!({ "redirect_uris": ["https://new.test/cb"], "token_endpoint_auth_method": "none" });
    let calls = machine
        .at_every_fault(async |point| {
            let request = Request::post("/oauth/register").header("content-type", "application/json");
            let registered = setup.send(request.body(metadata.to_string()).unwrap()).await;
            let request = setup.request("pub").set("client_id", registered.text("client_id"));
            let request = request.set("redirect_uri", "https://new.test/cb");
            let token = setup.consent_token(&setup.pending(&request).await.unwrap());
            let approve = async || {
                let confirmed = setup.pending(&request).await?.confirm(&setup.session, &setup.alice, &token)?;
                setup.server.approve(confirmed, Approval::all()).await
            };
            let known = setup.granted().await.len();
            let approved = machine.try_with(point, approve()).await;
            let made = setup.granted().await.len() - known;
            assert!(made <= 1 && (made == 1 || !matches!(approved, Some(Ok(_)))), "{point:?}");
            assert_eq!(approve().await.is_ok(), made == 0, "{point:?}");
        })
        .await;
    assert_eq!(calls, 3);
}

// DCR-003: a registration is answered with what is stored, or there is none that anybody knows of
pub async fn a_registration<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let send = async |method: &str, uri: &str, token: Option<&str>, body: serde_json::Value| {
        let mut request = Request::builder().method(method).uri(uri).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        setup.send(request.body(body.to_string()).unwrap()).await
    };
    let metadata = json!({ "redirect_uris": ["https://new.test/cb"], "token_endpoint_auth_method": "none" });
    let calls = machine
        .at_every_fault(async |point| {
            let register = send("POST", "/oauth/register", None, metadata.clone());
            let seen = machine.attempt(point, StatusCode::CREATED, register).await;
            if let Seen::Right(answer) = seen {
                let id = answer.text("client_id").parse().unwrap();
                assert!(setup.server.client(&id).await.unwrap().is_some());
            }
            send("POST", "/oauth/register", None, metadata.clone()).await.text("client_id");
        })
        .await;
    assert!(calls >= 2);
    let calls = machine
        .at_every_fault(async |point| {
            let client = send("POST", "/oauth/register", None, metadata.clone()).await;
            let (id, token) =
                (client.text("client_id").to_owned(), client.text("registration_access_token").to_owned());
            let uri = client.text("registration_client_uri").strip_prefix("https://as.test").unwrap().to_owned();
            let change = json!({ "client_id": id, "redirect_uris": ["https://changed.test/cb"],
                "token_endpoint_auth_method": "none" });
            let seen = machine.attempt(point, StatusCode::OK, send("PUT", &uri, Some(&token), change.clone())).await;
            let read = send("GET", &uri, Some(&token), json!({})).await.expect_ok();
            let changed = read.json["redirect_uris"] == json!(["https://changed.test/cb"]);
            assert!(
                changed || (!matches!(seen, Seen::Right(_)) && read.json["redirect_uris"] == metadata["redirect_uris"])
            );
            send("PUT", &uri, Some(&token), change).await.expect_ok();
        })
        .await;
    assert_eq!(calls, 2);
    let calls = machine
        .at_every_fault(async |point| {
            let client = send("POST", "/oauth/register", None, metadata.clone()).await;
            let (id, token) =
                (client.text("client_id").to_owned(), client.text("registration_access_token").to_owned());
            let uri = client.text("registration_client_uri").strip_prefix("https://as.test").unwrap().to_owned();
            let deletion = send("DELETE", &uri, Some(&token), json!({}));
            let seen = machine.attempt(point, StatusCode::NO_CONTENT, deletion).await;
            let known = setup.server.client(&id.parse().unwrap()).await.unwrap().is_some();
            assert!(!(known && matches!(seen, Seen::Right(_))), "{point:?}");
            let again = send("DELETE", &uri, Some(&token), json!({})).await;
            assert_eq!(again.status, if known { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED });
            assert!(setup.server.client(&id.parse().unwrap()).await.unwrap().is_none());
        })
        .await;
    assert!(calls >= 3);
}
