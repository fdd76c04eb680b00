//! What a token response looks like, on the wire (protocol 4.6, 15.1 and 15.2).

use std::collections::HashSet;
use std::time::Duration;

use grantor::policy::Lifetimes;

use crate::support::{Answer, Form, Setup, VERIFIER, without_refresh};

/// A token response of every kind.
async fn one_of_each(setup: &Setup) -> Vec<Answer> {
    setup.add(without_refresh("code-only")).await;
    let (web, public) = (setup.tokens("web").await, setup.tokens("pub").await);
    let refreshed = setup.refreshed("web", web.text("refresh_token")).await;
    let retried = setup.refreshed("web", web.text("refresh_token")).await;
    vec![web, public, refreshed, retried, setup.own_token("svc").await, setup.tokens("code-only").await]
}

on_both_stores! {
    // TRESP-001 to TRESP-011, CLI-063, RI-015: what every client library accepts, and nothing else
    async fn a_token_response_is_what_every_client_understands(setup) {
        for tokens in one_of_each(&setup).await {
            assert_eq!(tokens.status.as_u16(), 200, "{tokens:?}");
            assert_eq!(tokens.header("content-type"), Some("application/json"));
            assert_eq!(tokens.header("cache-control"), Some("no-store"));
            assert!(!tokens.headers.contains_key("etag") && !tokens.headers.contains_key("www-authenticate"));
            assert_eq!(tokens.text("token_type"), "Bearer");
            assert!((1..=2_147_483_647).contains(&tokens.json["expires_in"].as_i64().expect("an integer")));
            assert!(!tokens.text("scope").is_empty());
            let documented = ["access_token", "token_type", "expires_in", "refresh_token", "scope"];
            let members = tokens.json.as_object().unwrap();
            for (name, value) in members {
                assert!(documented.contains(&name.as_str()), "{name}");
                assert!(!value.is_null() && value != "", "{name}");
                // serde_json keeps the last of two members with one name; the text would have both.
                assert_eq!(tokens.body.matches(&format!("\"{name}\":")).count(), 1, "{name}");
            }
            let token68 =
                |token: &str| token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~+/-".contains(&byte));
            assert!(token68(tokens.text("access_token")));
            assert!(members.get("refresh_token").is_none_or(|token| token68(token.as_str().expect("a text"))));
            assert!(tokens.body.len() < 1_024);
        }
    }

    // TRESP-004, and the peers' mistake: the life is the access token's own, not the code's
    async fn expires_in_is_how_long_the_access_token_is_accepted(setup) {
        for tokens in one_of_each(&setup).await {
            let life = Duration::from_secs(tokens.json["expires_in"].as_u64().unwrap());
            assert_eq!(life, Duration::from_hours(1), "TRESP-013: an hour by default");
            setup.clock.advance(life - Duration::from_secs(5));
            assert!(setup.is_accepted(tokens.text("access_token")).await);
            setup.clock.advance(Duration::from_secs(5));
            assert!(!setup.is_accepted(tokens.text("access_token")).await);
            setup.clock.set_back(life);
        }
    }

    // TRESP-005, CLI-047: the scope that was asked for comes back in its own order
    async fn the_scope_of_the_response_is_one_text(setup) {
        for (scope, granted) in [("read", "read"), ("write read", "write read"), (" read  read ", "read"), ("", "read")]
        {
            assert_eq!(setup.tokens_for("web", scope, &[]).await.text("scope"), granted, "{scope}");
        }
    }

    // TRESP-012
    async fn access_tokens_are_long_distinct_and_whole(setup) {
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let tokens = setup.own_token("svc").await;
            let token = tokens.text("access_token").to_owned();
            let random = token.strip_prefix("gr_at_").expect("the prefix of access tokens");
            assert_eq!(random.len(), 70);
            assert!(seen.insert(token));
        }
        let token = seen.into_iter().next().unwrap();
        assert!(setup.is_accepted(&token).await);
        for at in 0..token.len() {
            let mut damaged = token.clone();
            let other = if token[at..=at] == *"A" { "B" } else { "A" };
            damaged.replace_range(at..=at, other);
            assert!(!setup.is_accepted(&damaged).await, "{damaged}");
        }
    }

    // TRESP-007, TRESP-009, TRESP-014, TRESP-015: no answer quotes what was sent
    async fn an_error_is_json_and_quotes_nothing(setup) {
        let marker = "m4rk3r-0f-a-s3cr3t-th4t-must-n0t-c0me-b4ck-y";
        let exchange = setup.exchange("web", &setup.code("web").await);
        let refresh = setup.refresh("web", marker);
        for form in [
            exchange.clone().set("code", marker),
            exchange.clone().set("code_verifier", marker),
            exchange.clone().set("redirect_uri", marker),
            exchange.clone().set("client_secret", marker),
            exchange.clone().set("client_id", marker),
            exchange.clone().set("grant_type", marker),
            exchange.clone().and("resource", marker),
            exchange.and("code", marker),
            refresh.clone(),
            refresh.clone().and("scope", marker),
            setup.identify("svc", Form::of(&[("grant_type", "client_credentials"), ("scope", marker)])),
            setup.identify("svc", Form::of(&[("grant_type", "client_credentials"), ("resource", marker)])),
        ] {
            let answer = setup.token(&form).await;
            assert!(answer.status.is_client_error(), "{form:?}");
            assert!(
                !answer.body.contains("m4rk3r") && !format!("{:?}", answer.headers).contains("m4rk3r"),
                "{answer:?}"
            );
            let members = answer.json.as_object().expect("an object");
            assert!(
                members.keys().all(|name| ["error", "error_description", "error_uri"].contains(&name.as_str())),
                "{answer:?}"
            );
            assert!(members.values().all(serde_json::Value::is_string), "{answer:?}");
            let status = answer.status.as_u16();
            let code = answer.text("error").to_owned();
            answer.expect_error(status, &code);
        }
        // The verifier that was right is not quoted either.
        let answer = setup.token(&setup.exchange("web", "x")).await;
        assert!(!answer.body.contains(VERIFIER));
    }

    // HTTP-018: what is sent cannot get into a description
    async fn descriptions_keep_to_their_characters_whatever_is_sent(setup) {
        for scope in ["\"", "\\", "a\nb", "é", "<script>alert(1)</script>", "\u{1b}[31m", "\u{202e}"] {
            let form = setup.identify("svc", Form::of(&[("grant_type", "client_credentials"), ("scope", scope)]));
            let answer = setup.token(&form).await;
            assert_eq!(answer.json["error"], "invalid_scope", "{scope:?}");
            answer.expect_error(400, "invalid_scope");
        }
    }
}

// TRESP-004: an integer that every client can hold, however long the operator lets a token live
#[tokio::test]
async fn a_long_life_is_told_in_31_bits_and_no_life_not_at_all() {
    for (lifetime, expires_in) in [
        (Some(Duration::from_hours(24 * 365 * 100)), Some(2_147_483_647)),
        (Some(Duration::from_millis(1_999)), Some(1)),
        (None, None),
    ] {
        let lifetimes = Lifetimes::new().with_access_token(lifetime);
        for setup in Setup::both_with(|builder| builder.lifetimes(lifetimes)).await {
            let tokens = setup.tokens("web").await;
            assert_eq!(tokens.json.get("expires_in").map(|value| value.as_i64().expect("an integer")), expires_in);
        }
    }
}
