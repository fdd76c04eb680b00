//! Apps that their developers change on a page of the host.

use std::time::Duration;

use grantor::client::{Client, ClientAuthentication, ClientId, ClientMetadata, Environment, GrantType, SecretMethod};
use grantor::error::ErrorReason;
use grantor::policy::{ClientPolicies, RefreshPolicy};
use grantor::{AppChanges, DeveloperApp, NewApp, Recall};

use crate::support::{Form, Setup, VERIFIER};

const URI: &str = "https://app.example/cb";

fn new(setup: &Setup, name: &str) -> NewApp {
    let metadata = ClientMetadata::new().with_name(name).unwrap();
    NewApp::new(setup.alice.clone(), metadata, vec![URI.parse().unwrap()])
}

fn noted(setup: &Setup, app: &DeveloperApp) -> String {
    let secret = app.secret().expect("a secret").expose().to_owned();
    setup.secrets.note("secret of a client", &secret);
    secret
}

async fn public(setup: &Setup) -> Client {
    setup.server.register_public_app(new(setup, "Mine")).await.unwrap().client().clone()
}

async fn stored(setup: &Setup, id: &ClientId) -> Client {
    Client::clone(&*setup.server.client(id).await.unwrap().unwrap())
}

fn request(setup: &Setup, id: &ClientId) -> Form {
    setup.request("pub").set("client_id", id.as_str()).set("redirect_uri", URI)
}

/// The tokens of an app that alice approves; with its secret, if it has one.
async fn tokens(setup: &Setup, id: &ClientId, secret: Option<&str>) -> crate::support::Answer {
    let code = setup.code_for(&request(setup, id)).await;
    let form = Form::of(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", URI)]);
    let form = form.and("code_verifier", VERIFIER).and("client_id", id.as_str());
    let form = secret.into_iter().fold(form, |form, secret| form.and("client_secret", secret));
    setup.token(&form).await.expect_ok()
}

fn refresh(id: &ClientId, token: &str, secret: Option<&str>) -> Form {
    let form = Form::of(&[("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", id.as_str())]);
    secret.into_iter().fold(form, |form, secret| form.and("client_secret", secret))
}

on_both_stores! {
    async fn what_is_named_changes_and_the_rest_stays(setup) {
        let app = new(&setup, "Mine")
            .with_tenant("blue".parse().unwrap())
            .with_scope("read write".parse().unwrap())
            .with_policies(ClientPolicies::new().with_refresh_policy(RefreshPolicy::Never))
            .with_secret_method(SecretMethod::Post);
        let app = setup.server.register_confidential_app(app).await.unwrap();
        noted(&setup, &app);
        let before = app.client().clone();
        assert!(before.id().as_str().starts_with("app_"));
        assert_eq!(before.tenant().unwrap().as_str(), "blue");
        let ClientAuthentication::Secret(secrets) = before.authentication() else { panic!("confidential") };
        assert_eq!(secrets.method(), SecretMethod::Post);
        assert_eq!(secrets.secrets().next().unwrap().created_at, Some(setup.now()));
        setup.clock.advance(Duration::from_secs(1));
        let scope: grantor::Scope = "read".parse().unwrap();
        let changes = AppChanges::new().with_scope(scope.clone()).with_policies(ClientPolicies::new());
        let changed = setup.server.update_app(&setup.alice, before.id(), changes).await.unwrap();
        let expected = before.clone().with_scope(scope).with_policies(ClientPolicies::new()).with_version(before.version() + 1);
        assert_eq!(*changed, expected);
        assert_eq!(stored(&setup, before.id()).await, expected);
    }

    async fn consent_is_asked_again_only_if_people_see_something_else(setup) {
        let app = public(&setup).await;
        tokens(&setup, app.id(), None).await;
        let is_remembered = async || {
            let pending = setup.pending(&request(&setup, app.id())).await.unwrap();
            matches!(setup.server.recall(pending, &setup.alice).await.unwrap(), Recall::Remembered(_))
        };
        setup.clock.advance(Duration::from_secs(1));
        let unseen = AppChanges::new().with_scope("read write".parse().unwrap());
        let same = AppChanges::new().with_metadata(app.metadata().clone()).with_redirect_uris(app.redirect_uris().to_vec());
        for changes in [AppChanges::new(), unseen, same] {
            let changed = setup.server.update_app(&setup.alice, app.id(), changes).await.unwrap();
            assert_eq!(changed.updated_at(), app.updated_at());
            assert!(is_remembered().await);
        }
        let renamed = AppChanges::new().with_metadata(ClientMetadata::new().with_name("Your bank").unwrap());
        let changed = setup.server.update_app(&setup.alice, app.id(), renamed).await.unwrap();
        assert_eq!(changed.updated_at(), setup.now());
        assert!(!is_remembered().await);
        tokens(&setup, app.id(), None).await;
        assert!(is_remembered().await);
        setup.clock.advance(Duration::from_secs(1));
        let moved = vec![URI.parse().unwrap(), "https://elsewhere.example/cb".parse().unwrap()];
        setup.server.update_app(&setup.alice, app.id(), AppChanges::new().with_redirect_uris(moved)).await.unwrap();
        assert!(!is_remembered().await);
    }

    async fn a_change_that_a_new_app_could_not_have_is_refused_whole(setup) {
        let app = public(&setup).await;
        let name = ClientMetadata::new().with_name("Changed").unwrap();
        for (changes, reason) in [
            (AppChanges::new().with_redirect_uris(Vec::new()), ErrorReason::RedirectUriInvalid),
            (AppChanges::new().with_scope("nothing".parse().unwrap()), ErrorReason::MetadataInvalid),
            (AppChanges::new().with_grant_types([]), ErrorReason::MetadataInvalid),
            (AppChanges::new().with_grant_types([GrantType::ClientCredentials]), ErrorReason::MetadataInvalid),
        ] {
            let changes = changes.with_metadata(name.clone()).with_environment(Environment::Unspecified);
            let refused = setup.server.update_app(&setup.alice, app.id(), changes).await.unwrap_err();
            assert_eq!(refused.reason(), reason);
        }
        assert_eq!(stored(&setup, app.id()).await, app);
    }

    async fn somebody_elses_app_is_unknown(setup) {
        let app = public(&setup).await;
        let bob = "bob".parse().unwrap();
        let changes = || AppChanges::new().with_metadata(ClientMetadata::new());
        let nobody: ClientId = "nobody".parse().unwrap();
        let web: ClientId = "web".parse().unwrap();
        for (owner, id) in [(&bob, app.id()), (&setup.alice, &nobody), (&setup.alice, &web)] {
            for refused in [
                setup.server.update_app(owner, id, changes()).await.map(drop),
                setup.server.make_public(owner, id).await.map(drop),
                setup.server.make_confidential(owner, id, SecretMethod::Basic).await.map(drop),
            ] {
                assert_eq!(refused.unwrap_err().reason(), ErrorReason::ClientUnknown);
            }
        }
        assert_eq!(stored(&setup, app.id()).await, app);
    }

    async fn changes_at_once_all_take_place(setup) {
        let app = public(&setup).await;
        let change = |changes: AppChanges| {
            let (server, alice, id) = (setup.server.clone(), setup.alice.clone(), app.id().clone());
            tokio::spawn(async move { server.update_app(&alice, &id, changes).await.unwrap() })
        };
        let one = change(AppChanges::new().with_scope("read".parse().unwrap()));
        let other = change(AppChanges::new().with_metadata(ClientMetadata::new().with_name("Changed").unwrap()));
        one.await.unwrap();
        other.await.unwrap();
        let stored = stored(&setup, app.id()).await;
        assert_eq!((stored.display_name(), stored.scope().map(|scope| scope.as_str())), ("Changed", Some("read")));
    }

    async fn an_app_that_becomes_confidential_needs_its_secret_from_then_on(setup) {
        let app = public(&setup).await;
        let granted = tokens(&setup, app.id(), None).await;
        let switched = setup.server.make_confidential(&setup.alice, app.id(), SecretMethod::Post).await.unwrap();
        let secret = noted(&setup, &switched);
        assert_eq!(*switched.client(), stored(&setup, app.id()).await);
        let old = granted.text("refresh_token");
        setup.token(&refresh(app.id(), old, None)).await.expect_error(401, "invalid_client");
        setup.token(&refresh(app.id(), old, Some(&secret))).await.expect_ok();
        tokens(&setup, app.id(), Some(&secret)).await;
        let again = setup.server.make_confidential(&setup.alice, app.id(), SecretMethod::Post).await.unwrap_err();
        assert_eq!(again.reason(), ErrorReason::MetadataInvalid);
        setup.token(&refresh(app.id(), old, Some(&secret))).await.expect_ok();
    }

    async fn an_app_that_becomes_public_has_no_secret_and_its_refresh_tokens_rotate(setup) {
        let policies = ClientPolicies::new().with_refresh_policy(RefreshPolicy::Reuse);
        let app = setup.server.register_confidential_app(new(&setup, "Mine").with_policies(policies)).await.unwrap();
        let secret = noted(&setup, &app);
        let id = app.client().id();
        let granted = tokens(&setup, id, Some(&secret)).await;
        let old = granted.text("refresh_token");
        for _ in 0..2 {
            let public = setup.server.make_public(&setup.alice, id).await.unwrap();
            assert!(public.is_public());
            assert_eq!(*public, stored(&setup, id).await);
        }
        setup.token(&refresh(id, old, Some(&secret))).await.expect_error(401, "invalid_client");
        let refreshed = setup.token(&refresh(id, old, None)).await.expect_ok();
        assert_ne!(refreshed.text("refresh_token"), old);
        // PKCE is all that it proves itself by.
        let bare = request(&setup, id).without("code_challenge").without("code_challenge_method");
        let error = setup.pending(&bare).await.unwrap_err();
        assert_eq!(error.reason(), ErrorReason::CodeChallengeMissing);
    }

    async fn an_app_that_acts_for_itself_cannot_become_public(setup) {
        let grants = [GrantType::AuthorizationCode, GrantType::ClientCredentials];
        let app = setup.server.register_confidential_app(new(&setup, "Mine").with_grant_types(grants)).await.unwrap();
        noted(&setup, &app);
        let refused = setup.server.make_public(&setup.alice, app.client().id()).await.unwrap_err();
        assert_eq!(refused.reason(), ErrorReason::MetadataInvalid);
        assert_eq!(stored(&setup, app.client().id()).await, *app.client());
    }
}

#[tokio::test]
async fn the_service_chooses_what_the_identifiers_of_apps_begin_with() {
    for setup in Setup::both_with(|builder| builder.app_id_prefix("kit app_")).await {
        let app = public(&setup).await;
        assert!(app.id().as_str().starts_with("kitapp_"), "what needs escaping is left out: {}", app.id());
    }
}
