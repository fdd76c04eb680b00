//! Where a client that registered itself may be answered.

use grantor::configuration::{Registration, RegistrationRules};
use grantor::redirect_uri::{DestinationPattern, LocalhostRedirects, RedirectDestinations, RedirectUriPolicy};
use grantor::{AuthorizationServerBuilder, Stores};
use serde_json::{Value, json};

use crate::browser::{expect_code, expect_page};
use crate::registration::{expect_registered, public, register, with};
use crate::support::Setup;

/// Where clients of today have themselves answered, and so register.
const HOSTED_AND_LOCAL: [&str; 9] = [
    "https://claude.ai/api/mcp/auth_callback",
    "https://chatgpt.com/connector_platform_oauth_redirect",
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "vscode://vscode.github-authentication/did-authenticate",
    "vscode-insiders://vscode.github-authentication/did-authenticate",
    "windsurf://oauth-callback/x",
    "http://localhost:8787/callback",
    "http://127.0.0.1:33418/",
    "http://127.0.0.1/callback",
];

fn patterns<const N: usize>(texts: [&str; N]) -> [DestinationPattern; N] {
    texts.map(|text| text.parse().unwrap())
}

fn open(destinations: RedirectDestinations) -> impl Fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    move |builder| {
        let rules = RegistrationRules::new().with_redirect_destinations(destinations.clone());
        builder.redirect_uris(RedirectUriPolicy::new().with_known_app_schemes()).registration(Registration::Open(rules))
    }
}

fn leading_to(uris: &[&str]) -> Value {
    with(public(), "redirect_uris", json!(uris))
}

// MCP-016, MCP-030, CLI-057, D12
#[tokio::test]
async fn the_callbacks_of_hosted_and_local_clients_register_and_are_led_to_byte_by_byte() {
    for setup in Setup::both_with(open(RedirectDestinations::new())).await {
        for uri in HOSTED_AND_LOCAL {
            let registered = expect_registered(register(&setup, &leading_to(&[uri])).await);
            assert_eq!(registered.json["redirect_uris"], json!([uri]));
            let request = setup.request("pub").set("client_id", registered.text("client_id"));
            for used in [uri, &uri.replace("127.0.0.1/", "127.0.0.1:51004/")] {
                let request = request.clone().set("redirect_uri", used);
                let code = expect_code(&setup.approve(&request).await, used, &request);
                let form = setup.exchange("pub", &code).set("client_id", registered.text("client_id"));
                setup.token(&form.set("redirect_uri", used)).await.expect_ok();
            }
        }
        for uri in ["http://evil.test/cb", "javascript:alert(1)", "unheard-of://x/cb", "myapp:/cb"] {
            register(&setup, &leading_to(&[uri])).await.expect_error(400, "invalid_redirect_uri");
        }
    }
}

// MCP-016
#[tokio::test]
async fn only_the_destinations_that_the_operator_named_register() {
    let some = RedirectDestinations::new().allowing_only(patterns(["claude.ai", "*.agents.test", "cursor:"]));
    for setup in Setup::both_with(open(some.clone().denying(patterns(["bad.agents.test"])))).await {
        for uri in ["https://claude.ai/api/mcp/auth_callback", "https://a.agents.test/cb", "cursor://x/cb"] {
            expect_registered(register(&setup, &leading_to(&[uri])).await);
        }
        for uri in [
            "https://agents.test/cb",
            "https://bad.agents.test/cb",
            "https://BAD.agents.test./cb",
            "https://claude.ai.evil.test/cb",
            "http://127.0.0.1/cb",
            "vscode://x/cb",
        ] {
            for uris in [vec![uri], vec!["https://claude.ai/cb", uri]] {
                let refused = register(&setup, &leading_to(&uris)).await.expect_error(400, "invalid_redirect_uri");
                let place = format!("redirect_uris[{}]", uris.len() - 1);
                assert!(refused.text("error_description").starts_with(&place), "{refused:?}");
            }
        }
    }
}

// DCM-006
#[tokio::test]
async fn a_replaced_registration_leads_nowhere_else() {
    let some = RedirectDestinations::new().denying(patterns(["evil.test"]));
    for setup in Setup::both_with(open(some.clone())).await {
        let registered = expect_registered(register(&setup, &public()).await);
        let uri = registered.text("registration_client_uri").strip_prefix("https://as.test").unwrap().to_owned();
        let put = |metadata: Value| {
            let request = http::Request::put(&uri)
                .header("content-type", "application/json")
                .header("authorization", format!("Bearer {}", registered.text("registration_access_token")));
            setup.send(request.body(metadata.to_string()).unwrap())
        };
        let metadata = |uri: &str| with(leading_to(&[uri]), "client_id", json!(registered.text("client_id")));
        put(metadata("https://evil.test/cb")).await.expect_error(400, "invalid_redirect_uri");
        put(metadata("https://other.test/cb")).await.expect_ok();
    }
}

// ATK-111, RURI-019
#[tokio::test]
async fn a_destination_that_is_closed_is_closed_to_whoever_registered_before() {
    let before = Setup::memory_with(open(RedirectDestinations::new())).await;
    let registered = expect_registered(register(&before, &leading_to(&["https://evil.test/cb"])).await);
    let request = before.request("pub").set("client_id", registered.text("client_id"));
    let request = request.set("redirect_uri", "https://evil.test/cb");
    let code = before.code_for(&request).await;

    let stores = Stores::new(before.registry.clone(), before.grants.clone()).with_registry(before.registry.clone());
    let (grants, registry) = (before.grants.clone(), before.registry.clone());
    for id in ["pub", "multi", "native", "other-pub", "self", "web", "other", "1PpG/Q 1", "exempt", "svc"] {
        assert_eq!(registry.delete_client(&id.parse().unwrap()).await.unwrap(), grantor::store::Deletion::Deleted);
    }
    let closed = open(RedirectDestinations::new().denying(patterns(["evil.test", "app.test"])));
    let after = Setup::build(stores, grants, registry, None, closed).await;
    expect_page(&after.approve(&request).await, 400, &"the destination is closed");
    let form = after.exchange("pub", &code).set("client_id", registered.text("client_id"));
    after.token(&form.set("redirect_uri", "https://evil.test/cb")).await.expect_error(400, "invalid_grant");
    // Whoever is vouched for is not affected.
    let vetted = after.request("pub");
    expect_code(&after.approve(&vetted).await, "https://app.test/cb", &vetted);
}

#[tokio::test]
async fn what_the_server_refuses_is_not_opened_for_newcomers() {
    let builder = |builder: AuthorizationServerBuilder| {
        let some = RedirectDestinations::new().allowing_only(patterns(["localhost", "cursor:"]));
        let rules = RegistrationRules::new().with_redirect_destinations(some);
        builder
            .redirect_uris(RedirectUriPolicy::new().with_localhost(LocalhostRedirects::Refused))
            .registration(Registration::Open(rules))
    };
    for setup in Setup::both_with(builder).await {
        for uri in ["http://localhost/cb", "cursor://x/cb"] {
            register(&setup, &leading_to(&[uri])).await.expect_error(400, "invalid_redirect_uri");
        }
    }
}
