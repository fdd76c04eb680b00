//! What the operator is told: one event for each decision, with the ids of whom it is about.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use grantor::client::{ClientId, ClientMetadata};
use grantor::configuration::{Registration, RegistrationRules};
use grantor::observer::{Event, Observer};
use grantor::secret::SecretHash;
use grantor::store::{Deletion, Page};
use grantor::{Approval, NewApp, Recall};
use http::{HeaderMap, Request};
use serde_json::json;

use crate::support::{Answer, Form, Recorder, SECRET, Setup, Start, bearer};

/// A server and its operator.
async fn watched(start: Start) -> (Setup, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let rules = RegistrationRules::new();
    let initial_tokens = vec![SecretHash::of("the first initial token"), SecretHash::of("the second initial token")];
    let setup = Setup::start(start, |builder| {
        builder.observer(recorder.clone()).registration(Registration::Guarded { initial_tokens, rules })
    })
    .await;
    (setup, recorder)
}

/// Turns each test into one on both stores.
macro_rules! watched_on_both_stores {
    ($($(#[$meta:meta])* async fn $name:ident($setup:ident, $told:ident) $body:block)*) => {
        $(
            $(#[$meta])*
            #[tokio::test]
            async fn $name() {
                for start in Setup::both_starts().await {
                    let ($setup, recorder) = watched(start).await;
                    let $told = Told(recorder);
                    $body
                }
            }
        )*
    };
}

/// What was told.
struct Told(Arc<Recorder>);

impl Told {
    /// These events since the last time, in this order: the kind of each, and what else it must name.
    #[track_caller]
    fn expect(&self, expected: &[&str]) {
        let told = self.0.take();
        let kinds: Vec<&str> = told.iter().map(|event| event.split([' ', '{']).next().unwrap()).collect();
        let words: Vec<Vec<&str>> = expected.iter().map(|event| event.split(' ').collect()).collect();
        assert_eq!(kinds, words.iter().map(|words| words[0]).collect::<Vec<_>>(), "{told:?}");
        for (event, words) in told.iter().zip(words) {
            let text = event.replace(' ', "");
            assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {event}");
        }
    }
}

async fn manage(setup: &Setup, method: &str, registered: &Answer, body: String) -> Answer {
    let path = registered.text("registration_client_uri").strip_prefix("https://as.test").unwrap();
    let token = registered.text("registration_access_token");
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    setup.send(request.header("authorization", format!("Bearer {token}")).body(body).unwrap()).await
}

watched_on_both_stores! {
    async fn a_request_a_question_and_an_answer_are_told(setup, told) {
        let request = setup.request("web");
        let pending = setup.pending(&request).await.unwrap();
        told.expect(&["Requested web"]);
        let Recall::Ask(pending) = setup.server.recall(pending, &setup.alice).await.unwrap() else { panic!("new") };
        told.expect(&["Asked web alice"]);
        let token = setup.consent_token(&pending);
        drop(setup.server.deny(pending.confirm(&setup.session, &setup.alice, &token).unwrap()).await.unwrap());
        told.expect(&["Denied web alice"]);
        setup.approve(&request).await;
        told.expect(&["Requested web", "Requested web", "Approved web alice Asked GrantId("]);
    }

    async fn a_consent_that_is_remembered_is_told_apart_from_one_that_is_given(setup, told) {
        setup.tokens("web").await;
        told.0.take();
        let pending = setup.pending(&setup.request("web")).await.unwrap();
        let Recall::Remembered(confirmed) = setup.server.recall(pending, &setup.alice).await.unwrap() else {
            panic!("forgotten")
        };
        let earlier = format!("{:?}", setup.granted().await[0].grant.id);
        drop(setup.server.approve(confirmed, Approval::all()).await.unwrap());
        told.expect(&["Requested", &format!("Remembered web alice {earlier}"), "Approved web alice consent:Remembered"]);
    }

    async fn a_forged_decision_and_a_sign_in_that_may_not_be_shown_are_told(setup, told) {
        let pending = setup.pending(&setup.request("web")).await.unwrap();
        drop(pending.confirm(&setup.session, &setup.alice, "forged").unwrap_err());
        let silent = setup.pending(&setup.request("web").and("prompt", "none")).await.unwrap();
        drop(silent.sign_in_required().unwrap_err());
        told.expect(&[
            "Requested", "Refused Authorization ConsentTokenInvalid web",
            "Requested", "Refused Authorization LoginRequired web",
        ]);
    }

    async fn tokens_are_told_with_whose_they_are(setup, told) {
        let code = setup.code("web").await;
        told.0.take();
        let exchange = setup.exchange("web", &code);
        let first = setup.token(&exchange).await.expect_ok();
        let grant = format!("{:?}", setup.granted().await[0].grant.id);
        told.expect(&["Authenticated Token web", &format!("Issued web alice AuthorizationCode {grant}")]);
        setup.refreshed("web", first.text("refresh_token")).await;
        told.expect(&["Authenticated Token web", &format!("Issued web alice RefreshToken {grant}")]);
        setup.refreshed("web", first.text("refresh_token")).await;
        told.expect(&["Authenticated Token web", &format!("Retried web alice {grant}")]);
        setup.clock.advance(Duration::from_secs(60));
        setup.token(&setup.refresh("web", first.text("refresh_token"))).await.expect_error(400, "invalid_grant");
        told.expect(&[
            "Authenticated Token web",
            &format!("Replayed web alice RefreshTokenReplayed {grant}"),
            &format!("Refused Token web RefreshTokenReplayed {grant}"),
        ]);
        setup.own_token("svc").await;
        told.expect(&["Authenticated Token svc", "Issued svc ClientCredentials subject:None"]);
    }

    async fn a_wrong_secret_is_told_and_a_public_client_proves_nothing(setup, told) {
        setup.token(&setup.refresh("web", "x").set("client_secret", "wrong")).await.expect_error(401, "invalid_client");
        told.expect(&["Refused Token ClientAuthenticationFailed web"]);
        setup.token(&setup.refresh("pub", "x")).await.expect_error(400, "invalid_grant");
        told.expect(&["Refused Token RefreshTokenUnknown pub grant:None"]);
    }

    async fn a_revocation_is_told_with_its_extent_and_whose_wish_it_was(setup, told) {
        let tokens = setup.tokens("web").await;
        let other = setup.tokens("other").await;
        told.0.take();
        let proof = "Authenticated Revocation web";
        setup.revoke("web", tokens.text("access_token")).await.expect_ok();
        told.expect(&[proof, "Revoked web alice AccessToken by:Client"]);
        setup.revoke("web", tokens.text("refresh_token")).await.expect_ok();
        told.expect(&[proof, "Revoked web alice extent:Grant by:Client"]);
        setup.revoke("web", tokens.text("refresh_token")).await.expect_ok();
        told.expect(&[proof, "NothingToRevoke web"]);
        setup.revoke("web", other.text("access_token")).await.expect_error(400, "invalid_grant");
        told.expect(&[proof, "Refused Revocation TokenForeign web GrantId("]);
        setup.server.withdraw(&setup.alice, &"other".parse().unwrap()).await.unwrap();
        told.expect(&["Revoked other alice extent:Grant by:User"]);
    }

    async fn what_the_service_revokes_is_told_with_how_much_it_was(setup, told) {
        for client in ["web", "web", "other"] {
            setup.tokens(client).await;
        }
        told.0.take();
        assert_eq!(setup.server.revoke_client(&"web".parse().unwrap()).await.unwrap(), 2);
        told.expect(&["ClientRevoked web grants:2"]);
        assert_eq!(setup.server.revoke_subject(&setup.alice).await.unwrap(), 1);
        told.expect(&["SubjectRevoked alice grants:1"]);
        setup.clock.advance(Duration::from_hours(24 * 365 * 2));
        let limit = NonZeroU32::new(1_000).unwrap();
        while setup.server.purge(limit).await.unwrap() > 0 {}
        let told = told.0.take();
        assert!(!told.is_empty() && told.iter().all(|event| event.starts_with("Purged")), "{told:?}");
    }

    async fn an_introspection_names_the_grant_of_an_active_token_only(setup, told) {
        let tokens = setup.tokens("web").await;
        told.0.take();
        setup.introspect("web", tokens.text("access_token")).await.expect_ok();
        told.expect(&["Authenticated Introspection web", "Introspected web GrantId("]);
        for token in ["unknown", setup.tokens("other").await.text("access_token")] {
            told.0.take();
            setup.introspect("web", token).await.expect_ok();
            told.expect(&["Authenticated Introspection web", "Introspected web grant:None"]);
        }
    }

    async fn an_api_call_is_told_with_whose_token_it_came_with(setup, told) {
        let tokens = setup.tokens("web").await;
        told.0.take();
        let api = setup.server.resource_server();
        let access = api.verify(&bearer(tokens.text("access_token"))).await.unwrap();
        told.expect(&["AccessGranted web alice GrantId("]);
        drop(access.require("admin").unwrap_err());
        told.expect(&["Refused Resource ScopeInsufficient web GrantId("]);
        drop(api.verify(&HeaderMap::new()).await.unwrap_err());
        told.expect(&["Refused Resource AccessTokenMissing client:None"]);
        setup.clock.advance(Duration::from_hours(48));
        drop(api.verify(&bearer(tokens.text("access_token"))).await.unwrap_err());
        told.expect(&["Refused Resource AccessTokenExpired web GrantId("]);
    }

    async fn the_whole_life_of_a_registration_is_told(setup, told) {
        let document = json!({"redirect_uris": ["https://dcr.test/cb"], "token_endpoint_auth_method": "none"});
        let request = Request::post("/oauth/register").header("content-type", "application/json");
        let request = request.header("authorization", "Bearer the second initial token").body(document.to_string());
        let registered = setup.send(request.unwrap()).await;
        let id = registered.text("client_id").to_owned();
        told.expect(&["InitialTokenUsed index:1", &format!("Registered {id} by:Client")]);
        manage(&setup, "GET", &registered, String::new()).await.expect_ok();
        told.expect(&[&format!("RegistrationRead {id}")]);
        let secretive = json!({"client_id": id, "redirect_uris": ["https://dcr.test/cb"]});
        manage(&setup, "PUT", &registered, secretive.to_string()).await.expect_ok();
        told.expect(&[&format!("RegistrationChanged {id} by:Client"), &format!("SecretMade {id}")]);
        assert_eq!(manage(&setup, "DELETE", &registered, String::new()).await.status, 204);
        told.expect(&[&format!("Deleted {id} by:Client grants:0")]);
    }

    async fn what_developers_and_the_operator_do_with_clients_is_told(setup, told) {
        let app = NewApp::new(setup.alice.clone(), ClientMetadata::new(), vec!["https://dev.test/cb".parse().unwrap()]);
        let app = setup.server.register_confidential_app(app).await.unwrap();
        let id = app.client().id();
        told.expect(&[&format!("Registered {id} by:User"), &format!("SecretMade {id}")]);
        assert_eq!(setup.server.delete_own_client(&setup.alice, id).await.unwrap(), Deletion::Deleted);
        told.expect(&[&format!("Deleted {id} by:User")]);
        let mut document = json!({
            "client_id": "installed", "client_secret": SECRET, "redirect_uris": ["https://in.test/cb"],
        });
        for event in ["Registered installed by:Operator", "RegistrationChanged installed by:Operator"] {
            setup.server.install_client(document.to_string().as_bytes()).await.unwrap();
            told.expect(&[event]);
            document["client_name"] = "Installed".into();
        }
        setup.tokens("web").await;
        told.0.take();
        assert_eq!(setup.server.delete_client(&"web".parse().unwrap()).await.unwrap(), Deletion::Deleted);
        told.expect(&["Deleted web grants:1 by:Operator"]);
    }

    async fn what_only_looks_is_told_nothing_of(setup, told) {
        setup.server.client(&"web".parse().unwrap()).await.unwrap();
        setup.server.apps(&setup.alice, Page::first(NonZeroU32::MIN)).await.unwrap();
        setup.server.grants(&setup.alice, Page::first(NonZeroU32::MIN)).await.unwrap();
        let metadata = Request::get("/.well-known/oauth-authorization-server").body(String::new()).unwrap();
        assert_eq!(setup.send(metadata).await.status, 200);
        told.expect(&[]);
    }
}

/// Keeps what an event says of itself.
#[derive(Debug, Default)]
struct Facts(std::sync::Mutex<Vec<String>>);

impl Observer for Facts {
    fn observe(&self, event: &Event<'_>) {
        let id = |client: &ClientId| client.as_str().to_owned();
        let facts = (event.name(), event.client().map(id), event.subject().map(ToString::to_string), event.grant());
        self.0.lock().unwrap().push(format!("{} {:?} {:?} {}", facts.0, facts.1, facts.2, facts.3.is_some()));
    }
}

#[tokio::test]
async fn an_observer_can_ask_any_event_whom_it_is_about() {
    let facts = Arc::new(Facts::default());
    let setup = Setup::memory_with(|builder| builder.observer(facts.clone())).await;
    setup.token(&setup.exchange("pub", &setup.code("pub").await)).await.expect_ok();
    setup
        .token(&Form::of(&[("grant_type", "foo"), ("client_id", "pub")]))
        .await
        .expect_error(400, "unsupported_grant_type");
    setup.server.revoke_subject(&setup.alice).await.unwrap();
    let told = std::mem::take(&mut *facts.0.lock().unwrap());
    assert_eq!(
        told,
        [
            "requested Some(\"pub\") None false",
            "requested Some(\"pub\") None false",
            "approved Some(\"pub\") Some(\"alice\") true",
            "issued Some(\"pub\") Some(\"alice\") true",
            "refused Some(\"pub\") None false",
            "subject_revoked None Some(\"alice\") false",
        ]
    );
}
