//! Resource indicators (protocol 10.1).

use std::sync::Arc;

use grantor::NewPersonalToken;
use grantor::configuration::{ConfigurationError, ProtectedResource};
use grantor::grant::Grant;
use grantor::store::MemoryStore;
use http::StatusCode;
use serde_json::json;

use crate::support::{Answer, Form, Setup, bearer};

const ONE: &str = "https://api.test/one";
const TWO: &str = "https://api.test/two";

/// What is no absolute URI without a fragment.
static MALFORMED: [&str; 8] = [
    "foo",
    "/x",
    "https://a#b",
    "mcp.example.com",
    "https://api.test/one#",
    "https:api.test",
    "https://",
    "https://api.test/ one",
];

/// Well-formed, and none of the server's.
static UNKNOWN: [&str; 10] = [
    "https://evil.test",
    "https://api.test/three",
    "https://api.test",
    "https://api.test/one/",
    "https://api.test/One",
    "https://api.test/one/sub",
    "https://api.test/one?x",
    "https://api.test/on",
    "http://api.test/one",
    "https://api.test:8443/one",
];

/// The audience of an access token.
async fn audience(setup: &Setup, client: &str, tokens: &Answer) -> serde_json::Value {
    setup.introspect(client, tokens.text("access_token")).await.expect_ok().json["aud"].clone()
}

/// The answer to an exchange of a fresh code that was granted for `granted`, with these resources.
async fn exchange(setup: &Setup, granted: &[&str], resources: &[&str]) -> Answer {
    let request = granted.iter().fold(setup.request("web"), |request, resource| request.and("resource", resource));
    let form = setup.exchange("web", &setup.code_for(&request).await);
    setup.token(&resources.iter().fold(form, |form, resource| form.and("resource", resource))).await
}

on_both_stores! {
    // RI-001, RI-003, RI-007, RI-008
    async fn a_token_is_for_what_was_asked_for_or_for_the_default(setup) {
        for (granted, expected) in [
            (&[ONE][..], json!([ONE])),
            (&[TWO], json!([TWO])),
            (&[ONE, TWO], json!([ONE, TWO])),
            (&[TWO, ONE, TWO], json!([TWO, ONE])),
            (&[], json!([ONE])),
            (&[""], json!([ONE])),
        ] {
            let tokens = exchange(&setup, granted, &[]).await.expect_ok();
            assert_eq!(audience(&setup, "web", &tokens).await, expected, "{granted:?}");
            assert!(tokens.json.get("resource").is_none(), "RI-015");
        }
    }

    // RI-002, RI-004, RI-011, RI-012
    async fn what_is_no_resource_here_is_an_invalid_target_everywhere(setup) {
        let tokens = setup.tokens_for("web", "read", &[ONE, TWO]).await;
        let eleven: Vec<String> = (0..11).map(|n| format!("{ONE}?{n}")).collect();
        let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
        let single = MALFORMED.iter().chain(&UNKNOWN).map(std::slice::from_ref);
        for resources in single.chain([&[ONE, "https://evil.test"][..], &["x", ONE], &eleven]) {
            let with = |form: Form| resources.iter().fold(form, |form, resource| form.and("resource", resource));
            let answer = setup.approve(&with(setup.request("web"))).await;
            let pairs = answer.expect_redirect("https://web.test/cb");
            assert!(pairs.contains(&("error".to_owned(), "invalid_target".to_owned())), "{resources:?} {pairs:?}");
            for form in [
                setup.exchange("web", &setup.code("web").await),
                setup.refresh("web", tokens.text("refresh_token")),
                setup.identify("svc", Form::of(&[("grant_type", "client_credentials")])),
            ] {
                let answer = setup.token(&with(form)).await;
                assert_eq!(answer.json["error"], "invalid_target", "{resources:?}");
                answer.expect_error(400, "invalid_target");
            }
        }
        setup.refreshed("web", tokens.text("refresh_token")).await;
    }

    // RI-005, RI-013, ATK-055, ATK-056
    async fn an_exchange_may_select_from_what_was_granted_and_no_more(setup) {
        for (granted, selected, expected) in [
            (&[ONE, TWO][..], &[ONE][..], Some(json!([ONE]))),
            (&[ONE, TWO], &[TWO], Some(json!([TWO]))),
            (&[ONE, TWO], &[TWO, ONE], Some(json!([TWO, ONE]))),
            (&[ONE], &[ONE], Some(json!([ONE]))),
            (&[ONE], &[TWO], None),
            (&[ONE], &[ONE, TWO], None),
            (&[TWO], &[ONE], None),
            (&[], &[ONE], Some(json!([ONE]))),
            (&[], &[TWO], None),
        ] {
            let answer = exchange(&setup, granted, selected).await;
            match expected {
                Some(expected) => assert_eq!(audience(&setup, "web", &answer.expect_ok()).await, expected),
                None => drop(answer.expect_error(400, "invalid_target")),
            }
        }
    }

    // RI-005: a wrong target spends no code
    async fn a_wrong_target_leaves_the_code_as_it_was(setup) {
        let right = setup.exchange("web", &setup.code("web").await);
        setup.token(&right.clone().and("resource", TWO)).await.expect_error(400, "invalid_target");
        setup.token(&right).await.expect_ok();
    }

    // RI-006, RT-030
    async fn the_refresh_token_keeps_all_that_was_granted(setup) {
        let tokens = exchange(&setup, &[ONE, TWO], &[ONE]).await.expect_ok();
        let mut refresh_token = tokens.text("refresh_token").to_owned();
        for (selected, expected) in [
            (&[TWO][..], json!([TWO])),
            (&[ONE], json!([ONE])),
            (&[], json!([ONE, TWO])),
            (&[TWO, ONE], json!([TWO, ONE])),
        ] {
            let form = setup.refresh("web", &refresh_token);
            let form = selected.iter().fold(form, |form, resource| form.and("resource", resource));
            let tokens = setup.token(&form).await.expect_ok();
            assert_eq!(audience(&setup, "web", &tokens).await, expected, "{selected:?}");
            refresh_token = tokens.text("refresh_token").to_owned();
        }
    }

    // RI-011
    async fn scheme_host_and_default_port_are_folded_and_the_registered_spelling_is_the_audience(setup) {
        for spelling in ["HTTPS://API.test:443/one", "https://API.TEST/one", "https://api.test:443/one"] {
            let tokens = exchange(&setup, &[spelling], &[]).await.expect_ok();
            assert_eq!(audience(&setup, "web", &tokens).await, json!([ONE]), "{spelling}");
            let tokens = exchange(&setup, &[ONE, TWO], &[spelling]).await.expect_ok();
            assert_eq!(audience(&setup, "web", &tokens).await, json!([ONE]), "{spelling}");
            let form = setup.refresh("web", tokens.text("refresh_token")).and("resource", spelling);
            let tokens = setup.token(&form).await.expect_ok();
            assert_eq!(audience(&setup, "web", &tokens).await, json!([ONE]), "{spelling}");
        }
    }

    // RI-014
    async fn a_grant_for_one_resource_never_reaches_another(setup) {
        let tokens = exchange(&setup, &[TWO], &[]).await.expect_ok();
        assert!(!setup.is_accepted(tokens.text("access_token")).await);
        let refresh = setup.refresh("web", tokens.text("refresh_token"));
        for other in [ONE, "https://as.test", "https://as.test/userinfo"] {
            let answer = setup.token(&refresh.clone().and("resource", other)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{other}");
            answer.expect_error(400, "invalid_target");
        }
        setup.token(&refresh).await.expect_ok();
    }
}

// RI-010, D13, CLI-015
#[tokio::test]
async fn an_origin_is_the_same_with_and_without_a_slash() {
    for registered in ["https://mcp.test", "https://mcp.test/"] {
        let resource = || ProtectedResource::new(registered.parse().unwrap());
        for setup in Setup::both_with(|builder| builder.resource(resource())).await {
            for spelling in ["https://mcp.test", "https://mcp.test/", "HTTPS://MCP.test:443"] {
                let tokens = exchange(&setup, &[spelling], &[spelling]).await.expect_ok();
                assert_eq!(audience(&setup, "web", &tokens).await, json!([registered]), "{spelling}");
            }
        }
    }
}

/// The fixture with a calendar that understands reading, contacts that understand writing, and a vault that understands
/// what neither does.
async fn offices() -> [Setup; 2] {
    let resource = |name: &str, scope: &str| {
        let uri = format!("https://{name}.test").parse().unwrap();
        ProtectedResource::new(uri).with_scope(scope.parse().unwrap())
    };
    Setup::both_with(|builder| {
        builder
            .resource(resource("calendar", "read"))
            .resource(resource("contacts", "write read"))
            .resource(resource("vault", "admin"))
    })
    .await
}

const CALENDAR: &str = "https://calendar.test";
const CONTACTS: &str = "https://contacts.test";
const VAULT: &str = "https://vault.test";

// RI-009
#[tokio::test]
async fn a_token_carries_of_what_was_granted_what_its_resource_understands() {
    for setup in offices().await {
        let request = setup.request("web").set("scope", "admin read write");
        for (resources, expected) in [
            (&[CALENDAR][..], "read"),
            (&[CONTACTS], "read write"),
            (&[CALENDAR, VAULT], "admin read"),
            // One that does not say what it understands understands everything.
            (&[CALENDAR, ONE], "admin read write"),
            (&[], "admin read write"),
        ] {
            let request = resources.iter().fold(request.clone(), |form, resource| form.and("resource", resource));
            let tokens = setup.token(&setup.exchange("web", &setup.code_for(&request).await)).await.expect_ok();
            assert_eq!(tokens.text("scope"), expected, "{resources:?}");
            let told = setup.introspect("web", tokens.text("access_token")).await.expect_ok();
            assert_eq!(told.text("scope"), expected, "{resources:?}");
        }
    }
}

// RI-009, RI-006: what the token of one resource leaves out is there for another.
#[tokio::test]
async fn the_grant_keeps_what_a_narrower_token_leaves_out() {
    for setup in offices().await {
        let request =
            setup.request("web").set("scope", "write read").and("resource", CALENDAR).and("resource", CONTACTS);
        let code = setup.code_for(&request).await;
        let mut tokens = setup.token(&setup.exchange("web", &code).and("resource", CALENDAR)).await.expect_ok();
        assert_eq!(tokens.text("scope"), "read");
        for (resource, expected) in [(CONTACTS, "write read"), (CALENDAR, "read")] {
            let refresh = setup.refresh("web", tokens.text("refresh_token")).and("resource", resource);
            tokens = setup.token(&refresh).await.expect_ok();
            assert_eq!(tokens.text("scope"), expected, "{resource}");
            // A lost answer is given again as it was.
            assert_eq!(setup.token(&refresh).await.expect_ok().text("scope"), expected, "{resource}");
        }
    }
}

// RI-009
#[tokio::test]
async fn a_scope_of_which_the_resource_understands_nothing_is_refused() {
    for setup in offices().await {
        let answer = setup.approve(&setup.request("web").set("scope", "read").and("resource", VAULT)).await;
        let pairs = answer.expect_redirect("https://web.test/cb");
        assert!(pairs.contains(&("error".to_owned(), "invalid_scope".to_owned())), "{pairs:?}");
        let own = setup.identify("svc", Form::of(&[("grant_type", "client_credentials"), ("scope", "read")]));
        setup.token(&own.clone().and("resource", VAULT)).await.expect_error(400, "invalid_scope");
        setup.token(&own.and("resource", CALENDAR)).await.expect_ok();
    }
}

/// The fixture whose API and MCP server are one service to those who do not tell them apart.
async fn one_service() -> [Setup; 2] {
    Setup::both_with(|builder| builder.default_resources([TWO, ONE].map(|uri| uri.parse().unwrap()))).await
}

// RI-007, RI-008, RI-013, MCP-010
#[tokio::test]
async fn a_request_that_names_no_resource_is_for_every_default_one() {
    for setup in one_service().await {
        let tokens = exchange(&setup, &[], &[]).await.expect_ok();
        assert_eq!(audience(&setup, "web", &tokens).await, json!([TWO, ONE]));
        let tokens = setup.token(&setup.refresh("web", tokens.text("refresh_token"))).await.expect_ok();
        assert_eq!(audience(&setup, "web", &tokens).await, json!([TWO, ONE]));
        let own = setup.identify("svc", Form::of(&[("grant_type", "client_credentials")]));
        let tokens = setup.token(&own).await.expect_ok();
        assert_eq!(audience(&setup, "svc", &tokens).await, json!([TWO, ONE]));
        // An exchange may take any of them.
        for selected in [ONE, TWO] {
            let tokens = exchange(&setup, &[], &[selected]).await.expect_ok();
            assert_eq!(audience(&setup, "web", &tokens).await, json!([selected]));
        }
    }
}

// RS-012, MCP-008: what a token was asked for counts, and not what it would have been without.
#[tokio::test]
async fn a_token_for_one_of_the_default_resources_is_good_for_no_other() {
    for setup in one_service().await {
        let at = |resource: &str| setup.server.resource_server().clone().with_resource(resource.parse().unwrap());
        for (granted, one, two) in [(&[ONE][..], true, false), (&[TWO], false, true), (&[], true, true)] {
            let tokens = exchange(&setup, granted, &[]).await.expect_ok();
            let headers = bearer(tokens.text("access_token"));
            assert_eq!(at(ONE).verify(&headers).await.is_ok(), one, "{granted:?}");
            assert_eq!(at(TWO).verify(&headers).await.is_ok(), two, "{granted:?}");
        }
    }
}

#[tokio::test]
async fn a_personal_token_is_for_every_default_resource_unless_it_is_made_for_one() {
    for setup in one_service().await {
        let new = || NewPersonalToken::new(setup.alice.clone(), "Backup".parse().unwrap(), "read".parse().unwrap());
        let made = async |new: NewPersonalToken| setup.server.issue_personal_token(new).await.unwrap().grant().clone();
        let uris = |grant: &Grant| grant.resource.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(uris(&made(new()).await), [TWO, ONE]);
        assert_eq!(uris(&made(new().with_resource(ONE.parse().unwrap())).await), [ONE]);
    }
}

#[test]
fn a_default_resource_has_to_be_declared() {
    let build = |uri: &str| {
        let issuer = grantor::Issuer::parse("https://as.test").unwrap();
        let builder = grantor::AuthorizationServer::builder(issuer, Arc::new(MemoryStore::new()));
        let builder = builder.resource(ProtectedResource::new(ONE.parse().unwrap()));
        builder.default_resources([uri.parse().unwrap()]).build()
    };
    assert!(build("HTTPS://API.test:443/one").is_ok());
    assert!(matches!(build(TWO), Err(ConfigurationError::UndeclaredResource(uri)) if uri == TWO));
}
