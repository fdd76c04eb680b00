//! What is issued is nowhere but in the answer: not in the store, not in an event, not in `Debug` (protocol 13.3).

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantor::client::{ClientId, ClientMetadata};
use grantor::error::AuthorizeError;
use grantor::grant::ImportedGrant;
use grantor::observer::Operation;
use grantor::store::{Deletion, Page};
use grantor::{Approval, ClientRequest, NewApp, Recall, RegistrationRequest, SessionSecret, Visitor};
use http::{HeaderMap, HeaderValue, Request};
use serde_json::json;

use crate::support::{Answer, ENC_SECRET, Form, Recorder, SECRET, Setup, Start, VERIFIER, basic, bearer};

/// A value that must not be found, and what it is.
type Secret = (&'static str, Vec<u8>);

/// The text of a secret, and the bytes that it encodes, if it is one of the server's.
fn both_forms(what: &'static str, text: &str) -> Vec<Secret> {
    let mut forms = vec![(what, text.as_bytes().to_vec())];
    let body = text.len().checked_sub(70).and_then(|at| URL_SAFE_NO_PAD.decode(&text[at..]).ok());
    // The grant's identifier comes first, and is no secret; the 32 bytes behind it are.
    forms.extend(body.map(|bytes| (what, bytes[16..48].to_vec())));
    forms
}

#[track_caller]
fn expect_none(secrets: &[Secret], haystack: &[u8], place: &str) {
    for (what, secret) in secrets {
        let found = haystack.windows(secret.len()).any(|window| window == secret);
        assert!(!found, "a {what} is in {place}: {}", String::from_utf8_lossy(secret));
    }
}

/// A registration through the endpoint.
async fn register(setup: &Setup) -> Answer {
    let document = r#"{"redirect_uris":["https://dcr.test/cb"],"token_endpoint_auth_method":"client_secret_basic"}"#;
    let request = Request::post("/oauth/register").header("content-type", "application/json");
    setup.send(request.body(document.to_owned()).unwrap()).await
}

/// Everything that a client, a user, a developer and a thief do; returns every secret of it.
async fn everything(setup: &Setup) -> Vec<Secret> {
    let mut secrets = vec![("session secret", vec![7; 32])];
    let mut note = |what, text: &str| secrets.extend(both_forms(what, text));
    for text in [SECRET, ENC_SECRET, VERIFIER, "af0ifjsldkj", "hunter2-the-password"] {
        note("secret of a client", text);
    }
    for client in ["web", "pub"] {
        let pending = setup.pending(&setup.request(client)).await.unwrap();
        note("consent token", &setup.consent_token(&pending));
        let unused = setup.code(client).await;
        let code = setup.code(client).await;
        let exchange = setup.exchange(client, &code);
        setup.token(&exchange.clone().set("code_verifier", &"b".repeat(43))).await.expect_error(400, "invalid_grant");
        let first = setup.token(&exchange).await.expect_ok();
        let second = setup.refreshed(client, first.text("refresh_token")).await;
        let third = setup.refreshed(client, second.text("refresh_token")).await;
        setup.refreshed(client, second.text("refresh_token")).await;
        setup.introspect("web", third.text("access_token")).await;
        setup.introspect("web", third.text("refresh_token")).await;
        assert!(setup.is_accepted(third.text("access_token")).await);
        setup.token(&setup.refresh(client, first.text("refresh_token"))).await.expect_error(400, "invalid_grant");
        setup.token(&exchange).await.expect_error(400, "invalid_grant");
        let revoked = setup.tokens(client).await;
        setup.revoke(client, revoked.text("access_token")).await.expect_ok();
        setup.revoke(client, revoked.text("refresh_token")).await.expect_ok();
        note("code", &unused);
        note("code", &code);
        for tokens in [&first, &second, &third, &revoked] {
            note("access token", tokens.text("access_token"));
            note("refresh token", tokens.text("refresh_token"));
        }
    }
    note("access token", setup.own_token("svc").await.text("access_token"));
    let password = Form::of(&[("grant_type", "password"), ("username", "alice"), ("password", "hunter2-the-password")]);
    setup.token(&setup.identify("web", password)).await.expect_error(400, "unsupported_grant_type");
    setup.post("/oauth/token", &Form::of(&[("grant_type", "foo")]), Some(&basic("web", SECRET))).await;

    let registered = register(setup).await;
    note("client secret", registered.text("client_secret"));
    note("registration access token", registered.text("registration_access_token"));
    let app = NewApp::new(setup.alice.clone(), ClientMetadata::new(), vec!["https://dev.test/cb".parse().unwrap()]);
    let app = setup.server.register_confidential_app(app).await.unwrap();
    note("client secret", app.secret().unwrap().expose());
    secrets
}

/// All bytes of the files in a directory: the database, its log, its index.
fn contents(directory: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|file| std::fs::read(file).unwrap()).collect()
}

// LOG-006, CODE-016, RT-027, CAUTH-020, and the peers' mistake: a copy of the database opens nothing
#[tokio::test]
async fn a_copy_of_the_database_gives_no_credential() {
    let start = Setup::sqlite_file().await;
    let Start::Sqlite(_, directory) = &start else { panic!("a SQLite file is on SQLite") };
    let directory = directory.clone();
    let setup = Setup::start(start, |builder| builder).await;
    let secrets = everything(&setup).await;
    assert!(secrets.len() > 40);
    let stored = contents(&directory);
    expect_none(&secrets, &stored, "the database");
    // The search finds what is there.
    for known in ["alice", "https://app.test/cb"] {
        assert!(stored.windows(known.len()).any(|window| window == known.as_bytes()), "{known}");
    }
}

// LOG-001, LOG-003, LOG-010, and the peers' mistake: events name clients, users and grants, and no credential
#[tokio::test]
async fn no_event_holds_a_credential() {
    for start in Setup::both_starts().await {
        let recorder = Arc::new(Recorder::default());
        let setup = Setup::start(start, |builder| builder.observer(recorder.clone())).await;
        let secrets = everything(&setup).await;
        let events = recorder.take();
        expect_none(&secrets, events.join("\n").as_bytes(), "the events");
        // LOG-005
        for kind in ["Approved", "Issued", "Retried", "Replayed", "Revoked", "Refused", "Registered"] {
            assert!(events.iter().any(|event| event.starts_with(kind)), "no {kind} in {events:?}");
        }
        assert!(events.iter().any(|event| event.contains("alice") && event.contains("GrantId(")));
    }
}

/// What is left to do: everything that is denied, asked for, looked at, changed, withdrawn, deleted and purged.
async fn everything_else(setup: &Setup) {
    let server = &setup.server;
    let silent = setup.pending(&setup.request("web").and("prompt", "none")).await.unwrap();
    drop(silent.sign_in_required().unwrap_err());
    let Ok(Recall::Ask(pending)) =
        server.recall(setup.pending(&setup.request("native")).await.unwrap(), &setup.alice).await
    else {
        panic!("a native app is always asked for")
    };
    let token = setup.consent_token(&pending);
    drop(server.deny(pending.confirm(&setup.session, &setup.alice, &token).unwrap()).await.unwrap());
    drop(
        setup.pending(&setup.request("web")).await.unwrap().confirm(&setup.session, &setup.alice, &token).unwrap_err(),
    );

    let registered = register(setup).await;
    let path = registered.text("registration_client_uri").strip_prefix("https://as.test").unwrap();
    let proof = format!("Bearer {}", registered.text("registration_access_token"));
    let (id, secret) = (registered.text("client_id"), registered.text("client_secret"));
    let same = json!({"client_id": id, "client_secret": secret, "redirect_uris": ["https://dcr.test/cb"]}).to_string();
    for (method, body, status) in [("GET", "", 200), ("PUT", &same, 200), ("DELETE", "", 204), ("GET", "", 401)] {
        let request = Request::builder().method(method).uri(path).header("authorization", &proof);
        let request = request.header("content-type", "application/json").body(body.to_owned()).unwrap();
        assert_eq!(setup.send(request).await.status, status, "{method}");
    }
    let installed = json!({"client_id": "in", "client_secret": SECRET, "redirect_uris": ["https://in.test/cb"]});
    server.install_client(installed.to_string().as_bytes()).await.unwrap();
    let metadata = Request::get("/.well-known/oauth-authorization-server").body(String::new()).unwrap();
    assert_eq!(setup.send(metadata).await.status, 200);

    let tokens = setup.tokens("web").await;
    let access = server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap();
    drop(access.require("admin").unwrap_err());
    let web: ClientId = "web".parse().unwrap();
    let row = ImportedGrant::new(web.clone(), setup.alice.clone(), "read".parse().unwrap());
    server.import_grant(&row).await.unwrap_err();
    assert!(server.client(&web).await.unwrap().is_some());
    let apps = server.apps(&setup.alice, Page::first(NonZeroU32::MIN)).await.unwrap();
    assert!(!server.grants(&setup.alice, Page::first(NonZeroU32::MIN)).await.unwrap().is_empty());
    server.withdraw(&setup.alice, &web).await.unwrap();
    server.revoke_client(&web).await.unwrap();
    server.revoke_subject(&setup.alice).await.unwrap();
    assert_eq!(server.delete_own_client(&setup.alice, apps[0].id()).await.unwrap(), Deletion::Deleted);
    assert_eq!(server.delete_client(&web).await.unwrap(), Deletion::Deleted);
    setup.clock.advance(Duration::from_hours(24 * 365));
    assert!(server.purge(NonZeroU32::MAX).await.unwrap() > 0);
    server.check().await;
}

// LOG-001: whatever the server does, at its most talkative
#[tokio::test]
async fn nothing_that_is_written_about_any_operation_holds_a_credential() {
    for start in Setup::both_starts().await {
        let setup = Setup::start(start, |builder| builder).await;
        let secrets = everything(&setup).await;
        everything_else(&setup).await;
        let output = setup.secrets.output();
        expect_none(&secrets, output.as_bytes(), "the output");
        assert_eq!(setup.secrets.leaks(), Vec::<String>::new());
        for operation in Operation::ALL {
            let counted = format!("grantor_operations_total operation={} outcome=", operation.name());
            assert!(output.contains(&counted), "{operation:?} was not tried");
        }
        for written in ["DEBUG", "event=\"issued\"", "Issued {", "outcome=\"refused\"", "alice"] {
            assert!(output.contains(written), "{written}");
        }
    }
}

// LOG-005
#[tokio::test]
async fn the_operator_hears_of_denials_deletions_and_withdrawals() {
    for start in Setup::both_starts().await {
        let recorder = Arc::new(Recorder::default());
        let setup = Setup::start(start, |builder| builder.observer(recorder.clone())).await;
        let pending = setup.pending(&setup.request("web")).await.unwrap();
        let token = setup.consent_token(&pending);
        drop(setup.server.deny(pending.confirm(&setup.session, &setup.alice, &token).unwrap()).await.unwrap());
        let denied = recorder.take();
        assert!(denied.iter().any(|event| event.starts_with("Denied") && event.contains("\"web\"")), "{denied:?}");
        setup.tokens("web").await;
        recorder.take();
        setup.server.withdraw(&setup.alice, &"web".parse().unwrap()).await.unwrap();
        let revoked = recorder.take();
        assert!(!revoked.is_empty() && revoked.iter().all(|event| event.starts_with("Revoked")), "{revoked:?}");
        assert_eq!(setup.server.delete_client(&"web".parse().unwrap()).await.unwrap(), Deletion::Deleted);
        assert!(matches!(&recorder.take()[..], [event] if event.starts_with("Deleted") && event.contains("\"web\"")));
    }
}

// LOG-004, ATK-106
#[tokio::test]
async fn what_a_request_says_cannot_forge_a_line_of_the_log() {
    for start in Setup::both_starts().await {
        let recorder = Arc::new(Recorder::default());
        let setup = Setup::start(start, |builder| builder.observer(recorder.clone())).await;
        for id in ["a\nFAKE LOG", "a\r\nFAKE", "\u{1b}[31mFAKE", "\u{202e}FAKE", &format!("FAKE{}", "x".repeat(10_000))]
        {
            setup.token(&setup.exchange(id, "x")).await.expect_error(401, "invalid_client");
            setup.post("/oauth/token", &Form::of(&[("grant_type", "refresh_token")]), Some(&basic(id, "x"))).await;
            drop(setup.pending(&setup.request("web").set("client_id", id)).await.unwrap_err());
        }
        for event in recorder.take() {
            assert!(
                !event.contains("FAKE") && event.chars().all(|c| !c.is_control()) && event.len() < 1_000,
                "{event}"
            );
        }
    }
}

#[track_caller]
fn expect_redacted(value: &impl Debug, secrets: &[Secret]) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        expect_none(secrets, text.as_bytes(), &text);
        // Bytes that were printed one by one are no better.
        let joined = text.replace([' ', '\n'], "");
        for (what, secret) in secrets {
            let listed = secret.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
            assert!(!joined.contains(&listed), "a {what} is in {text}");
        }
    }
}

on_both_stores! {
    // LOG-002
    async fn debug_output_of_requests_and_answers_is_redacted(setup) {
        let secrets: Vec<Secret> = [SECRET, VERIFIER, "af0ifjsldkj", "s3cr3t-c0de", "eyJ0b2tlbiI6"]
            .iter()
            .flat_map(|text| both_forms("secret", text))
            .collect();

        let headers: HeaderMap =
            [("content-type", "application/x-www-form-urlencoded"), ("authorization", &basic("web", SECRET))]
                .into_iter()
                .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
                .collect();
        let credentials = basic("web", SECRET);
        let in_header = both_forms("header", credentials.strip_prefix("Basic ").unwrap());
        let form = setup.exchange("web", "s3cr3t-c0de").encode();
        let request = ClientRequest::new(&headers, form.as_bytes());
        expect_redacted(&request, &secrets);
        expect_redacted(&request, &in_header);
        let management = RegistrationRequest::new(&headers, br#"{"client_secret":"s3cr3t-c0de"}"#);
        expect_redacted(&management, &secrets);
        expect_redacted(&management, &in_header);

        let request = setup.request("web").and("id_token_hint", "eyJ0b2tlbiI6");
        let pending = setup.pending(&request).await.unwrap();
        expect_redacted(&pending, &secrets);
        let token = setup.consent_token(&pending);
        let confirmed = pending.confirm(&setup.session, &setup.alice, &token).unwrap();
        expect_redacted(&confirmed, &secrets);
        expect_redacted(&confirmed, &both_forms("consent token", &token));
        let response = setup.server.approve(confirmed, Approval::all()).await.unwrap();
        let (_, code) = response.location().split_once("code=").unwrap();
        let code = code.split('&').next().unwrap().to_owned();
        expect_redacted(&response, &both_forms("code", &code));
        expect_redacted(&response, &secrets);
        let error = setup.pending(&request.set("scope", "bogus")).await.unwrap_err();
        expect_redacted(&error, &secrets);
        for visitor in [Visitor::Anonymous, Visitor::SignedIn] {
            let error: AuthorizeError = setup.pending(&setup.request("self").set("scope", "bogus")).await.unwrap_err();
            expect_redacted(&error.answer(visitor), &secrets);
        }

        let headers: HeaderMap =
            [("content-type".parse().unwrap(), HeaderValue::from_static("application/x-www-form-urlencoded"))]
                .into_iter()
                .collect();
        let form = setup.exchange("web", &code).encode();
        let tokens = setup.server.token(ClientRequest::new(&headers, form.as_bytes())).await.unwrap();
        let access = tokens.access_token().expose().to_owned();
        expect_redacted(&tokens, &both_forms("access token", &access));
        expect_redacted(&tokens, &both_forms("refresh token", tokens.refresh_token().unwrap().expose()));
        expect_redacted(
            &setup.server.resource_server().verify(&bearer(&access)).await.unwrap(),
            &both_forms("access token", &access),
        );
        let form = setup.identify("web", Form::of(&[("token", &access)])).encode();
        let introspection =
            setup.server.introspect(ClientRequest::new(&headers, form.as_bytes())).await.unwrap();
        expect_redacted(&introspection, &both_forms("access token", &access));
        let form = setup.exchange("web", "s3cr3t-c0de").encode();
        let error = setup.server.token(ClientRequest::new(&headers, form.as_bytes())).await.unwrap_err();
        expect_redacted(&error, &secrets);
    }

    // LOG-002
    async fn debug_output_of_what_lives_longer_is_redacted(setup) {
        let secrets = everything(&setup).await;
        expect_redacted(&setup.server, &secrets);
        expect_redacted(&setup.grants, &secrets);
        expect_redacted(&setup.registry, &secrets);
        expect_redacted(&setup.session, &secrets);
        expect_redacted(&SessionSecret::new([7; 32]), &secrets);
        expect_redacted(&setup.granted().await, &secrets);
        for client in ["web", "1PpG/Q 1", "pub"] {
            expect_redacted(&setup.server.client(&client.parse().unwrap()).await.unwrap(), &secrets);
        }
        let app = NewApp::new(setup.alice.clone(), ClientMetadata::new(), vec!["https://dev.test/cb".parse().unwrap()]);
        let app = setup.server.register_confidential_app(app).await.unwrap();
        expect_redacted(&app, &both_forms("client secret", app.secret().unwrap().expose()));

        let headers: HeaderMap =
            [("content-type".parse().unwrap(), HeaderValue::from_static("application/json"))].into_iter().collect();
        let request = RegistrationRequest::new(&headers, br#"{"redirect_uris":["https://dcr.test/cb"]}"#);
        let response = setup.server.register(request).await.unwrap();
        let text = format!("{response:?}{response:#?}");
        let answer = Answer::from(response.into_http());
        for member in ["client_secret", "registration_access_token"] {
            expect_none(&both_forms(member, answer.text(member)), text.as_bytes(), &text);
        }
    }
}
