//! Token requests as JSON, for a service whose clients send them so.

use grantor::configuration::TokenRequestBodies;
use http::Request;
use serde_json::{Value, json};

use crate::http::FORM;
use crate::support::{Answer, Form, SECRET, Setup, basic};

const JSON: &str = "application/json";
const ENDPOINTS: [&str; 3] = ["/oauth/token", "/oauth/revoke", "/oauth/introspect"];

async fn setups() -> [Setup; 2] {
    Setup::both_with(|builder| builder.token_requests(TokenRequestBodies::FormOrJson)).await
}

/// The same parameters as an object.
fn object(form: &Form) -> Value {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(form.encode().as_bytes()).into_owned().collect();
    pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect::<serde_json::Map<_, _>>().into()
}

async fn post(setup: &Setup, path: &str, content_type: &str, body: String) -> Answer {
    setup.send(Request::post(path).header("content-type", content_type).body(body).unwrap()).await
}

async fn token(setup: &Setup, body: &Value) -> Answer {
    post(setup, "/oauth/token", JSON, body.to_string()).await
}

/// A member added to the text of an object, even if the object has it.
fn and_member(object: &Value, member: &str) -> String {
    let text = object.to_string();
    format!("{},{member}}}", text.strip_suffix('}').unwrap())
}

#[tokio::test]
async fn every_grant_can_be_asked_for_in_json() {
    for setup in setups().await {
        for client in ["pub", "web", "exempt"] {
            let exchange = object(&setup.exchange(client, &setup.code(client).await));
            let tokens = token(&setup, &exchange).await.expect_ok();
            assert!(setup.is_accepted(tokens.text("access_token")).await);
            let refresh = object(&setup.refresh(client, tokens.text("refresh_token")));
            let refreshed = token(&setup, &refresh).await.expect_ok();
            assert_ne!(refreshed.text("access_token"), tokens.text("access_token"));
        }
        let own = setup.identify("svc", Form::of(&[("grant_type", "client_credentials"), ("scope", "write")]));
        assert_eq!(token(&setup, &object(&own)).await.expect_ok().text("scope"), "write");
    }
}

#[tokio::test]
async fn forms_are_read_as_before() {
    for setup in setups().await {
        let tokens = setup.tokens("web").await;
        setup.refreshed("web", tokens.text("refresh_token")).await;
        assert_eq!(setup.revoke("web", tokens.text("access_token")).await.status, 200);
    }
}

#[tokio::test]
async fn tokens_are_revoked_and_introspected_in_json() {
    for setup in setups().await {
        let tokens = setup.tokens("web").await;
        let form = setup.identify("web", Form::of(&[("token", tokens.text("access_token"))]));
        let body = object(&form).to_string();
        let active = post(&setup, "/oauth/introspect", JSON, body.clone()).await.expect_ok();
        assert_eq!(active.json["active"], true);
        assert_eq!(post(&setup, "/oauth/revoke", JSON, body).await.status, 200);
        assert!(!setup.is_accepted(tokens.text("access_token")).await);
    }
}

#[tokio::test]
async fn json_stays_an_unsupported_media_type_unless_it_was_asked_for() {
    for setup in [Setup::memory().await, Setup::memory_with(|b| b.token_requests(TokenRequestBodies::Form)).await] {
        let exchange = setup.exchange("web", &setup.code("web").await);
        for path in ENDPOINTS {
            post(&setup, path, JSON, object(&exchange).to_string()).await.expect_error(415, "invalid_request");
        }
        setup.token(&exchange).await.expect_ok();
    }
}

#[tokio::test]
async fn the_media_type_decides_what_a_body_is() {
    for setup in setups().await {
        let exchange = setup.exchange("web", &setup.code("web").await);
        let text = object(&exchange).to_string();
        for other in ["", "text/json", "application/json-patch+json", "application/jsonx", "text/plain"] {
            post(&setup, "/oauth/token", other, text.clone()).await.expect_error(415, "invalid_request");
        }
        let both = Request::post("/oauth/token").header("content-type", JSON).header("content-type", FORM);
        setup.send(both.body(text.clone()).unwrap()).await.expect_error(415, "invalid_request");
        post(&setup, "/oauth/token", JSON, exchange.encode()).await.expect_error(400, "invalid_request");
        post(&setup, "/oauth/token", FORM, text.clone()).await.expect_error(400, "invalid_request");
        post(&setup, "/oauth/token", "Application/JSON ; charset=utf-8", text).await.expect_ok();
    }
}

#[tokio::test]
async fn a_secret_in_json_is_one_in_the_body() {
    for setup in setups().await {
        let exchange = object(&setup.exchange("web", &setup.code("web").await));
        let mut wrong = exchange.clone();
        wrong["client_secret"] = json!("wrong");
        token(&setup, &wrong).await.expect_error(401, "invalid_client");
        // It counts as one of the ways to authenticate, and the header as another.
        let request = Request::post("/oauth/token").header("content-type", JSON);
        let request = request.header("authorization", basic("web", SECRET));
        let answer = setup.send(request.body(exchange.to_string()).unwrap()).await;
        answer.expect_error(400, "invalid_request");

        let mut bare = exchange;
        bare.as_object_mut().unwrap().remove("client_secret");
        let request = Request::post("/oauth/token").header("content-type", JSON);
        let request = request.header("authorization", basic("web", SECRET));
        setup.send(request.body(bare.to_string()).unwrap()).await.expect_ok();
    }
}

#[tokio::test]
async fn null_and_empty_members_count_as_not_sent_and_unknown_ones_not_at_all() {
    for setup in setups().await {
        let exchange = object(&setup.exchange("web", &setup.code("web").await));
        for (missing, status, error) in [
            ("grant_type", 400, "invalid_request"),
            ("code", 400, "invalid_request"),
            ("client_id", 401, "invalid_client"),
        ] {
            for nothing in [Value::Null, json!("")] {
                let mut body = exchange.clone();
                body[missing] = nothing;
                token(&setup, &body).await.expect_error(status, error);
            }
        }
        let mut body = exchange;
        for (name, value) in [("plan", json!(5)), ("debug", json!(true)), ("device", json!({"code": ["x", null]}))] {
            body[name] = value;
        }
        body["scope"] = Value::Null;
        token(&setup, &body).await.expect_ok();
    }
}

#[tokio::test]
async fn a_parameter_of_another_type_is_malformed_and_one_that_comes_twice_is_repeated() {
    let malformed = "The request is not well-formed.";
    let repeated = "A parameter is included more than once.";
    for setup in setups().await {
        let exchange = object(&setup.exchange("web", &setup.code("web").await));
        for name in ["grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "resource"] {
            for value in [json!(5), json!(1.5), json!(true), json!({}), json!([5]), json!([["x"]])] {
                let mut body = exchange.clone();
                body[name] = value;
                let answer = token(&setup, &body).await.expect_error(400, "invalid_request");
                assert_eq!(answer.text("error_description"), malformed, "{name}");
            }
        }
        for member in [r#""code":"x""#, r#""cod\u0065":null"#, r#""client_id":"web""#, r#""grant_type":"""#] {
            let answer = post(&setup, "/oauth/token", JSON, and_member(&exchange, member)).await;
            assert_eq!(answer.expect_error(400, "invalid_request").text("error_description"), repeated, "{member}");
        }
        let twice = and_member(&exchange, r#""resource":"https://api.test/one","resource":"https://api.test/one""#);
        let answer = post(&setup, "/oauth/token", JSON, twice).await;
        assert_eq!(answer.expect_error(400, "invalid_request").text("error_description"), repeated);
        // None of it burned the code.
        token(&setup, &exchange).await.expect_ok();
    }
}

#[tokio::test]
async fn what_is_not_one_object_is_refused() {
    for setup in setups().await {
        let exchange = object(&setup.exchange("web", &setup.code("web").await));
        let text = exchange.to_string();
        let bodies = [
            String::new(),
            "null".to_owned(),
            format!("[{text}]"),
            format!("{text}{text}"),
            format!("{text} x"),
            format!("\u{feff}{text}"),
            text.trim_end_matches('}').to_owned(),
            json!(text).to_string(),
            and_member(&exchange, r#""state":"a\u0000b""#),
            and_member(&exchange, r#""state":"\ud800""#),
            and_member(&exchange, &format!("\"x\":{}{}", "[".repeat(10_000), "]".repeat(10_000))),
            and_member(&exchange, &vec!["\"x\":1"; 200].join(",")),
        ];
        for body in bodies {
            for path in ENDPOINTS {
                let answer = post(&setup, path, JSON, body.clone()).await;
                assert_eq!(answer.status, 400, "{path} {body}");
                answer.expect_error(400, "invalid_request");
            }
        }
        let latin = Request::post("/oauth/token").header("content-type", JSON).body(&b"{\"code\":\"\xFF\"}"[..]);
        let latin = latin.unwrap().map(|body| http_body_util::Full::new(bytes::Bytes::from_static(body)));
        Answer::from(setup.server.handle(latin).await).expect_error(400, "invalid_request");
        token(&setup, &exchange).await.expect_ok();
    }
}

#[tokio::test]
async fn a_resource_is_one_string_or_an_array_of_strings() {
    for setup in setups().await {
        let (one, two) = ("https://api.test/one", "https://api.test/two");
        let request = setup.request("web").and("resource", one).and("resource", two);
        for (resource, audience) in [
            (json!(one), json!([one])),
            (json!([one]), json!([one])),
            (json!(["", two]), json!([two])),
            (json!([one, two]), json!([one, two])),
            (json!([]), json!([one, two])),
        ] {
            let mut body = object(&setup.exchange("web", &setup.code_for(&request).await));
            body["resource"] = resource.clone();
            let tokens = token(&setup, &body).await.expect_ok();
            let introspected = setup.introspect("web", tokens.text("access_token")).await;
            assert_eq!(introspected.json["aud"], audience, "{resource}");
        }
        let mut body = object(&setup.exchange("web", &setup.code_for(&request).await));
        body["resource"] = json!([one, "https://api.test/three"]);
        token(&setup, &body).await.expect_error(400, "invalid_target");
    }
}

// What a page of another origin sends must pass its preflight.
#[tokio::test]
async fn a_browser_may_send_json() {
    for setup in setups().await {
        let preflight = Request::options("/oauth/token")
            .header("origin", "https://spa.test")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let answer = setup.send(preflight.body(String::new()).unwrap()).await;
        assert!(answer.header("access-control-allow-headers").unwrap().to_ascii_lowercase().contains("content-type"));
        let exchange = object(&setup.exchange("pub", &setup.code("pub").await));
        let request = Request::post("/oauth/token").header("content-type", JSON).header("origin", "https://spa.test");
        let answer = setup.send(request.body(exchange.to_string()).unwrap()).await.expect_ok();
        assert!(answer.headers.contains_key("access-control-allow-origin"));
    }
}
