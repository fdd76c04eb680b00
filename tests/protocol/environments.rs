//! Where an app under development may be sent, and one in production may not; and how the operator says which is which.

use grantor::client::{Client, Environment};
use grantor::configuration::{Registration, RegistrationRules};
use grantor::policy::PkceRequirement;
use grantor::redirect_uri::{LocalhostRedirects, RedirectUriPolicy};
use grantor::{AuthorizationServerBuilder, Visitor};
use serde_json::{Value, json};

use crate::browser::{expect_code, expect_page};
use crate::registration::{public, register, with};
use crate::support::{Form, Setup};

const LOCALHOST: &str = "http://localhost:3000/cb";

fn without_localhost(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    builder.redirect_uris(RedirectUriPolicy::new().with_localhost(LocalhostRedirects::Refused))
}

fn request(setup: &Setup, uri: &str) -> Form {
    setup.request("native").set("redirect_uri", uri)
}

async fn become_of(setup: &Setup, environment: Environment) {
    setup.change("native", |client| client.with_environment(environment)).await;
}

async fn install(setup: &Setup, object: &Value) -> Result<Client, String> {
    let installed = setup.server.install_client(object.to_string().as_bytes()).await;
    installed.map_err(|error| error.description().to_owned())
}

fn app(uri: &str) -> Value {
    json!({ "client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": [uri] })
}

#[tokio::test]
async fn only_an_app_under_development_may_use_localhost_where_the_server_refuses_it() {
    for setup in Setup::both_with(without_localhost).await {
        let request = request(&setup, "http://localhost:51004/cb");
        for (environment, accepted) in
            [(Environment::Unspecified, false), (Environment::Development, true), (Environment::Production, false)]
        {
            become_of(&setup, environment).await;
            let answer = setup.approve(&request).await;
            if accepted {
                expect_code(&answer, "http://localhost:51004/cb", &request);
            } else {
                expect_page(&answer, 400, &environment);
            }
        }
    }
}

on_both_stores! {
    async fn an_app_in_production_is_not_sent_to_this_machine_whatever_was_registered_before(setup) {
        become_of(&setup, Environment::Production).await;
        for uri in ["http://127.0.0.1:51004/cb", "http://[::1]/cb", "http://localhost/cb"] {
            let error = setup.pending(&request(&setup, uri)).await.unwrap_err();
            expect_page(&setup.answer(error, Visitor::SignedIn), 400, &uri);
        }
        let private = request(&setup, "com.example.app:/cb");
        expect_code(&setup.approve(&private).await, "com.example.app:/cb", &private);
    }

    async fn a_code_for_this_machine_is_dead_once_the_app_is_in_production(setup) {
        let code = setup.code("native").await;
        become_of(&setup, Environment::Production).await;
        setup.token(&setup.exchange("native", &code)).await.expect_error(400, "invalid_grant");
        become_of(&setup, Environment::Development).await;
        setup.token(&setup.exchange("native", &code)).await.expect_ok();
    }

    async fn the_operator_says_what_the_rfc_has_no_name_for(setup) {
        let service = json!({
            "environment": "development", "tenant": "acme", "owner": "user-17",
            "policies": { "pkce": "exempt", "refresh_policy": "reuse", "default_scope": "write", "unknown_scope": "drop" }
        });
        let client = install(&setup, &with(app(LOCALHOST), "service", service.clone())).await.unwrap();
        assert_eq!(client.environment(), Environment::Development);
        assert_eq!(client.tenant().map(|tenant| tenant.as_str()), Some("acme"));
        assert_eq!(client.owner().map(|owner| owner.as_str()), Some("user-17"));
        assert_eq!(client.policies().pkce(), Some(&PkceRequirement::Exempt));
        assert_eq!(client.policies().default_scope().map(|scope| scope.as_str()), Some("write"));

        let again = install(&setup, &app(LOCALHOST)).await.unwrap();
        assert_eq!((again.environment(), again.tenant()), (Environment::Development, client.tenant()));
        let cleared = install(&setup, &with(app("https://app.test/cb"), "service", json!({}))).await.unwrap();
        assert_eq!((cleared.environment(), cleared.tenant(), cleared.owner()), (Environment::Unspecified, None, None));
        assert_eq!(cleared.policies().pkce(), None);
    }

    async fn what_is_wrong_with_an_object_is_said_and_nothing_is_installed(setup) {
        for (uri, service, problem) in [
            (LOCALHOST, json!({"environment": "production"}), "redirect URI"),
            (LOCALHOST, json!({"environment": "staging"}), "staging"),
            (LOCALHOST, json!({"enviroment": "production"}), "enviroment"),
            (LOCALHOST, json!({"policies": {"pcke": "exempt"}}), "pcke"),
            (LOCALHOST, json!({"policies": {"default_scope": "bogus"}}), "default scope"),
            (LOCALHOST, json!("production"), "object"),
        ] {
            let error = install(&setup, &with(app(uri), "service", service.clone())).await.unwrap_err();
            assert!(error.contains(problem), "{service}: {error}");
        }
        assert!(setup.registry.find_client(&"app".parse().unwrap()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_client_that_registers_itself_does_not_choose_its_environment() {
    let configure = |builder: AuthorizationServerBuilder| {
        without_localhost(builder).registration(Registration::Open(RegistrationRules::new()))
    };
    for setup in Setup::both_with(configure).await {
        let metadata = with(public(), "service", json!({ "environment": "development", "owner": "admin", "x": 1 }));
        let answer = register(&setup, &metadata).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let client = setup.registry.find_client(&answer.text("client_id").parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((client.environment(), client.owner()), (Environment::Unspecified, None));
        let metadata = with(metadata, "redirect_uris", json!([LOCALHOST]));
        register(&setup, &metadata).await.expect_error(400, "invalid_redirect_uri");
        assert!(install(&setup, &app(LOCALHOST)).await.is_err());
    }
}
