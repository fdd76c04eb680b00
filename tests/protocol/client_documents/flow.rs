//! From a URL to tokens.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use grantor::Visitor;
use grantor::client::Vetting;
use grantor::error::ErrorReason;
use http::Request;
use serde_json::json;

use super::{CALLBACK, ID, World, with};
use crate::browser::{expect_code, expect_page, page, value};
use crate::support::{Form, Setup, basic};

// CIMD-002, CIMD-026, MCP-014
#[tokio::test]
async fn a_client_that_nobody_registered_gets_tokens_refreshes_and_revokes_them() {
    for world in World::both().await {
        let tokens = world.tokens().await;
        assert!(world.setup.is_accepted(tokens.text("access_token")).await);
        let next = world.setup.token(&world.refresh(&tokens)).await.expect_ok();
        let revocation = Form::of(&[("token", next.text("refresh_token")), ("client_id", ID)]);
        world.setup.post("/oauth/revoke", &revocation, None).await.expect_ok();
        world.setup.token(&world.refresh(&next)).await.expect_error(400, "invalid_grant");
        assert_eq!(world.site.take(), [ID], "one document, fetched once, for all of it");
    }
}

// CIMD-026, CAUTH: in the header the identifier is form-encoded, since it has colons.
#[tokio::test]
async fn a_url_works_in_the_body_and_form_encoded_in_the_header() {
    for world in World::both().await {
        let code = world.code().await;
        let body = world.exchange(&code).encode();
        assert!(body.contains("client_id=https%3A%2F%2Fclient.test%2Fmeta.json"), "{body}");
        let form = world.exchange(&code).without("client_id");
        world.setup.post("/oauth/token", &form, Some(&basic(ID, "x"))).await.expect_error(401, "invalid_client");
        world.setup.post("/oauth/token", &form, Some(&basic(ID, ""))).await.expect_ok();
    }
}

// CIMD-010, ATK-067: a client without a secret is not one that forgot it.
#[tokio::test]
async fn a_secret_or_an_assertion_does_not_authenticate_a_client_that_has_none() {
    let world = World::new().await;
    let exchange = world.exchange(&world.code().await);
    for form in [
        exchange.clone().and("client_secret", "guess"),
        exchange
            .clone()
            .and("client_assertion", "e30.e30.x")
            .and("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ] {
        world.setup.token(&form).await.expect_error(401, "invalid_client");
    }
    let own = Form::of(&[("grant_type", "client_credentials"), ("client_id", ID)]);
    world.setup.token(&own).await.expect_error(400, "unauthorized_client");
    world.setup.token(&exchange).await.expect_ok();
}

// CIMD-011, CLI-055, NAT-001, NAT-003: what Claude Code publishes.
#[tokio::test]
async fn a_loopback_redirect_uri_of_a_document_stands_for_every_port_and_no_other_host() {
    let uris = json!(["http://localhost/callback", "http://127.0.0.1/callback"]);
    for world in World::both().await {
        world.site.publish(ID, &with("redirect_uris", uris.clone()));
        for uri in ["http://localhost:51004/callback", "http://127.0.0.1:3118/callback", "http://localhost/callback"] {
            let request = world.request().set("redirect_uri", uri);
            let code = expect_code(&world.setup.approve(&request).await, uri, &request);
            world.setup.token(&world.exchange(&code).set("redirect_uri", uri)).await.expect_ok();
        }
        for uri in [
            "http://[::1]:51004/callback",
            "http://localhost:51004/",
            "http://localhost:51004/callback/",
            "http://localhost:51004/callback?x=1",
            "https://localhost/callback",
            "http://127.0.0.2:51004/callback",
            "http://localhost.evil.test:51004/callback",
            CALLBACK,
        ] {
            let answer = world.setup.approve(&world.request().set("redirect_uri", uri)).await;
            expect_page(&answer, 400, &uri);
        }
    }
}

// CIMD-019: nothing is kept of a client that nobody approved.
#[tokio::test]
async fn a_client_is_kept_when_somebody_approves_and_not_before() {
    for world in World::both().await {
        let pending = world.setup.pending(&world.request()).await.unwrap();
        let token = world.setup.consent_token(&pending);
        assert!(world.kept().await.is_none());
        let confirmed = pending.confirm(&world.setup.session, &world.setup.alice, &token).unwrap();
        drop(world.setup.server.deny(confirmed).await.unwrap());
        assert!(world.kept().await.is_none());
        world.told.take();

        world.code().await;
        let kept = world.kept().await.unwrap();
        assert_eq!((kept.vetting(), kept.created_at()), (Vetting::SelfRegistered, world.setup.now()));
        assert_eq!((kept.updated_at(), kept.display_name()), (world.setup.now(), "Example"));
        let registered = |told: &[String]| told.iter().filter(|event| event.starts_with("Registered")).count();
        assert_eq!(registered(&world.told.take()), 1);
        world.code().await;
        assert_eq!((registered(&world.told.take()), world.kept().await.unwrap()), (0, kept));
    }
}

// Of many who approve a new client at once, all get their code.
#[tokio::test]
async fn many_who_approve_at_once_keep_one_client() {
    for world in World::both().await {
        let world = Arc::new(world);
        let approving: Vec<_> = (0..16)
            .map(|_| {
                let world = Arc::clone(&world);
                tokio::spawn(async move { world.code().await })
            })
            .collect();
        for code in approving {
            world.setup.token(&world.exchange(&code.await.unwrap())).await.expect_ok();
        }
        let told = world.told.take();
        let kept = told.iter().filter(|event| event.starts_with("Registered")).count();
        assert_eq!((kept, world.kept().await.unwrap().version()), (1, 0), "{told:?}");
        assert_eq!(world.site.take(), [ID]);
    }
}

// DCR-023: a client gets refresh tokens if its document says that it wants them.
#[tokio::test]
async fn a_document_without_the_refresh_grant_gets_no_refresh_tokens() {
    let world = World::new().await;
    world.site.publish(ID, &with("grant_types", serde_json::Value::Null));
    let tokens = world.tokens().await;
    assert!(tokens.json.get("refresh_token").is_none(), "{tokens:?}");
}

// AUTHZ-023, UI-019, ATK-013
#[tokio::test]
async fn an_anonymous_visitor_is_not_sent_to_a_client_that_nobody_vouches_for() {
    let world = World::new().await;
    for request in [world.request().set("scope", "bogus"), world.request().set("response_type", "token")] {
        let page = page(&world.setup, &request.encode(), Visitor::Anonymous).await;
        assert_eq!(page.destination(), Some("client.test"));
        assert!(page.continue_to().is_some_and(|location| location.starts_with(CALLBACK)));
    }
    let silent = world.setup.pending(&world.request().set("prompt", "none")).await.unwrap();
    let error = silent.sign_in_required().unwrap_err();
    let answer = world.setup.answer(error, Visitor::Anonymous);
    assert!(!answer.headers.contains_key("location"), "{answer:?}");
}

// A store that fails to keep the client fails the decision, and nobody has a code.
#[tokio::test]
async fn a_decision_whose_client_cannot_be_kept_is_no_decision() {
    use crate::support::failing::{Failing, Fault};
    use grantor::cimd::ClientIdMetadataDocuments;

    for method in ["insert_client", "find_client"] {
        let (failing, site) = (Arc::new(Failing::default()), Arc::new(super::site::Site::default()));
        let documents = ClientIdMetadataDocuments::new(site.clone());
        let setup = Setup::intercepted(Setup::memory_start(), &failing, |builder| {
            builder.client_id_metadata_documents(documents)
        })
        .await;
        site.publish(ID, &super::document());
        let request = setup.request("pub").set("client_id", ID).set("redirect_uri", CALLBACK);
        let pending = setup.pending(&request).await.unwrap();
        let token = setup.consent_token(&pending);
        let confirmed = pending.confirm(&setup.session, &setup.alice, &token).unwrap();
        let when = grantor::testkit::When::Before;
        failing.arm(Fault { method, when, retry: grantor::error::Retry::CanHelp, skip: 0 });
        let error = setup.server.approve(confirmed, grantor::Approval::all()).await.unwrap_err();
        assert_eq!(error.reason(), ErrorReason::StoreUnavailable, "{method}");
        assert!(failing.has_failed() && setup.granted().await.is_empty(), "{method}");
        let answer = setup.answer(error, Visitor::SignedIn);
        let pairs = answer.expect_redirect(CALLBACK);
        assert_eq!(value(&pairs, "error"), Some("temporarily_unavailable"));
        expect_code(&setup.approve(&request).await, CALLBACK, &request);
    }
}

// CIMD-027, META-019
#[tokio::test]
async fn documents_are_advertised_exactly_when_they_are_read() {
    let get = async |setup: &Setup| {
        let request = Request::get("/.well-known/oauth-authorization-server").body(String::new()).unwrap();
        setup.send(request).await.json
    };
    let member = "client_id_metadata_document_supported";
    assert_eq!(get(&World::new().await.setup).await[member], json!(true));
    assert!(get(&Setup::memory().await).await.get(member).is_none());
}

// DCR-027: what is kept of a client goes once it has been unused for long, and comes back with the next consent.
#[tokio::test]
async fn a_client_that_nobody_uses_any_more_is_not_kept() {
    let (day, many) = (Duration::from_hours(24), NonZeroU32::new(1_000).unwrap());
    for world in World::both().await {
        let until = |days: u32| {
            let world = &world;
            async move {
                for _ in 0..days {
                    world.setup.clock.advance(day);
                    while world.setup.server.purge(many).await.unwrap() > 0 {}
                }
            }
        };
        world.tokens().await;
        until(100).await;
        assert!(world.kept().await.is_some(), "its last grant ended less than 90 days ago");
        world.tokens().await;
        until(100).await;
        assert!(world.kept().await.is_some());
        until(50).await;
        assert!(world.kept().await.is_none());
        world.tokens().await;
        assert!(world.kept().await.is_some());
    }
}
