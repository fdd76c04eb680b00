//! Authorization responses: what the redirect to the client carries.

use std::collections::HashSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantor::Approval;
use grantor::policy::Lifetimes;

use crate::browser::{expect_code, expect_page, expect_rejection, refuse, value};
use crate::support::{Form, SECRET, Setup, redirect_uri};

/// The part of a code behind the service's own prefix.
fn random_part(code: &str) -> &str {
    code.strip_prefix("gr_ac_").unwrap_or_else(|| panic!("{code} has no prefix"))
}

/// The access token that a code of `web` buys, as introspection describes it.
async fn described(setup: &Setup, code: &str) -> serde_json::Value {
    let tokens = setup.token(&setup.exchange("web", code)).await.expect_ok();
    let form = Form::of(&[("token", tokens.text("access_token")), ("client_id", "web"), ("client_secret", SECRET)]);
    setup.post("/oauth/introspect", &form, None).await.expect_ok().json
}

on_both_stores! {
    // ARESP-001, ARESP-005, AERR-010, ATK-017, CLI-003
    async fn code_state_and_issuer_come_once_each_in_the_query(setup) {
        let request = setup.request("pub");
        let answer = setup.approve(&request).await;
        let location = answer.header("location").unwrap();
        assert!(location.starts_with("https://app.test/cb?"), "{location}");
        assert!(!location.contains('#'), "{location}");
        for name in ["code=", "state=", "iss="] {
            assert_eq!(location.matches(name).count(), 1, "{name} in {location}");
        }
        expect_code(&answer, "https://app.test/cb", &request);
    }

    // ARESP-002, HTTP-006, AERR-008, ATK-016, ATK-020
    async fn any_state_comes_back_as_it_was(setup) {
        let long = "s".repeat(4_000);
        for state in [
            "a b&c=d%25+é/\"<>",
            " %&+£€",
            "x&code=evil",
            "x%26code%3Devil",
            "\r\nSet-Cookie: a=b",
            "\t",
            "+",
            "%2B",
            "#",
            "?",
            "{}",
            "👾",
            "\u{202E}",
            "' OR 1=1 --",
            "=",
            "null",
            long.as_str(),
        ] {
            let request = setup.request("pub").set("state", state);
            let answer = setup.approve(&request).await;
            expect_code(&answer, redirect_uri("pub"), &request);
            assert!(!answer.headers.contains_key("set-cookie"), "{state:?}");
            let location = answer.header("location").unwrap();
            assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{state:?}: {location}");

            let request = request.set("response_type", "foo");
            let answer = setup.approve(&request).await;
            expect_rejection(&answer, redirect_uri("pub"), "unsupported_response_type", &request);
        }
    }

    // HTTP-006
    async fn a_state_is_read_as_utf_8_after_percent_decoding(setup) {
        let request = setup.request("pub").without("state");
        let query = format!("{}&state=+%25%26%2B%C2%A3%E2%82%AC", request.encode());
        let shown = setup.server.authorize(&query).await.unwrap();
        let token = setup.consent_token(&shown);
        let confirmed = shown.confirm(&setup.session, &setup.alice, &token).unwrap();
        let answer = setup.server.approve(confirmed, Approval::all()).await.unwrap().into_http().into();
        expect_code(&answer, redirect_uri("pub"), &request.and("state", " %&+£€"));
    }

    // ARESP-003, HTTP-008
    async fn no_state_goes_back_if_none_was_sent(setup) {
        for request in [setup.request("pub").without("state"), setup.request("pub").set("state", "")] {
            expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
            let request = request.set("scope", "bogus");
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
        }
    }

    // ATK-021, HTTP-013
    async fn a_state_without_bounds_is_refused_and_not_sent_on(setup) {
        let request = setup.request("pub");
        let huge = request.clone().set("state", &"s".repeat(100_000));
        expect_page(&setup.approve(&huge).await, 414, &"a state of 100 kB");
        let large = request.clone().set("state", &"s".repeat(10_000));
        expect_rejection(
            &setup.approve(&large).await,
            redirect_uri("pub"),
            "invalid_request",
            &request.clone().without("state"),
        );
        let request = request.without("state").encode();
        for state in ["state=a%00b", "state=%FF%FE", "state=a%0"] {
            expect_page(&refuse(&setup, &format!("{request}&{state}")).await, 400, &state);
        }
    }

    // ARESP-011, ARESP-012, UI-001, UI-008, UI-012, UI-014, HTTP-016, ATK-024, ATK-030, ATK-031
    async fn a_redirect_is_a_303_that_nobody_keeps_frames_or_learns_from(setup) {
        for (request, parameter) in
            [(setup.request("pub"), "code"), (setup.request("pub").set("scope", "bogus"), "error")]
        {
            let answer = setup.approve(&request).await;
            assert!(value(&answer.expect_redirect(redirect_uri("pub")), parameter).is_some(), "{answer:?}");
            assert_eq!(answer.status, 303);
            assert_eq!(answer.headers.get_all("location").iter().count(), 1);
            for (name, expected) in [
                ("cache-control", "no-store"),
                ("referrer-policy", "no-referrer"),
                ("x-frame-options", "DENY"),
                ("x-content-type-options", "nosniff"),
            ] {
                assert_eq!(answer.header(name), Some(expected), "{request:?}");
            }
            assert!(answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"), "{answer:?}");
            assert_eq!(answer.body, "");
        }
    }

    // ARESP-007, ARESP-010
    async fn a_code_is_url_safe_and_tells_nothing(setup) {
        let request = setup.request("pub");
        let code = setup.code_for(&request).await;
        assert!(code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte)), "{code}");
        let bytes = URL_SAFE_NO_PAD.decode(random_part(&code)).unwrap();
        let challenge = URL_SAFE_NO_PAD.decode(request.get("code_challenge").unwrap()).unwrap();
        for told in [&challenge, &b"alice".to_vec(), &b"pub".to_vec(), &b"app.test".to_vec(), &b"read".to_vec()] {
            assert!(!bytes.windows(told.len()).any(|window| window == told.as_slice()), "{code} tells {told:?}");
        }
        assert!(!code.contains(request.get("code_challenge").unwrap()));
    }

    // ARESP-008
    async fn a_code_lives_for_a_minute(setup) {
        let code = setup.code("pub").await;
        setup.clock.advance(Duration::from_millis(59_999));
        setup.token(&setup.exchange("pub", &code)).await.expect_ok();

        let code = setup.code("pub").await;
        setup.clock.advance(Duration::from_secs(60));
        setup.token(&setup.exchange("pub", &code)).await.expect_error(400, "invalid_grant");
    }

    // ARESP-009, BCP-005
    async fn a_code_is_bound_to_person_client_scope_and_resource(setup) {
        let request = setup.request("web").set("scope", "write").and("resource", "https://api.test/two");
        let token = described(&setup, &setup.code_for(&request).await).await;
        assert_eq!(token["sub"], "alice");
        assert_eq!(token["client_id"], "web");
        assert_eq!(token["scope"], "write");
        assert_eq!(token["aud"], serde_json::json!(["https://api.test/two"]));

        let code = setup.code_for(&request).await;
        let other = setup.exchange("web", &code).and("resource", "https://api.test/one");
        setup.token(&other).await.expect_error(400, "invalid_target");
        setup.token(&setup.exchange("other", &code)).await.expect_error(400, "invalid_grant");
        setup.token(&setup.exchange("web", &code)).await.expect_ok();
    }

    // BCP-011
    async fn no_redirect_carries_an_access_token(setup) {
        for request in [setup.request("pub"), setup.request("pub").set("response_type", "code token")] {
            let answer = setup.approve(&request).await;
            assert!(!answer.header("location").unwrap().contains("access_token"), "{answer:?}");
        }
    }
}

// ARESP-006
#[tokio::test]
async fn codes_are_unguessable_and_share_no_structure() {
    const COUNT: usize = 2_000;
    let setup = Setup::memory().await;
    let request = setup.request("pub");
    let mut parts = HashSet::new();
    let mut ones = [0_usize; 48 * 8];
    for _ in 0..COUNT {
        let code = setup.code_for(&request).await;
        let part = random_part(&code).to_owned();
        assert!(part.len() >= 22, "{code}");
        let bytes = URL_SAFE_NO_PAD.decode(&part).unwrap();
        for (bit, count) in ones.iter_mut().enumerate() {
            *count += usize::from(bytes[bit / 8] >> (bit % 8) & 1);
        }
        assert!(parts.insert(part), "{code} was issued before");
    }
    // A fair bit is set in 1,000 of 2,000 codes, give or take 22; ten times that never happens.
    let lopsided: Vec<_> = ones.iter().enumerate().filter(|(_, count)| count.abs_diff(COUNT / 2) > 220).collect();
    assert!(lopsided.is_empty(), "these bits are not random: {lopsided:?}");
}

// ARESP-008
#[tokio::test]
async fn a_code_never_lives_longer_than_ten_minutes_whatever_is_configured() {
    let lifetimes = Lifetimes::new().with_code(Duration::from_hours(24));
    for setup in Setup::both_with(|builder| builder.lifetimes(lifetimes)).await {
        let code = setup.code("pub").await;
        setup.clock.advance(Duration::from_mins(10));
        setup.token(&setup.exchange("pub", &code)).await.expect_error(400, "invalid_grant");

        let code = setup.code("pub").await;
        setup.clock.advance(Duration::from_mins(10) - Duration::from_millis(1));
        setup.token(&setup.exchange("pub", &code)).await.expect_ok();
    }
}
