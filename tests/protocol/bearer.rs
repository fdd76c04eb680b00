//! Calls of a protected resource (protocol 6).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use grantor::error::{BearerError, ErrorReason};
use grantor::secret::Prefix;
use grantor::store::{MemoryStore, TokenStore};
use grantor::{AuthorizationServer, Issuer, NewPersonalToken, ResourceServer};
use http::{HeaderMap, HeaderValue};

use crate::support::{Answer, Setup, bearer};

/// Headers with these values of `Authorization`.
fn headers(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append("authorization", HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

/// The resource server of the second API, over the same store.
fn second_api(setup: &Setup) -> ResourceServer {
    let tokens: Arc<dyn TokenStore> = setup.grants.clone();
    ResourceServer::for_any_resource(tokens, Prefix::parse("gr_at_").unwrap())
        .with_resource("https://api.test/two".parse().unwrap())
        .with_realm("two")
        .with_clock(setup.clock.clone())
}

/// The parameters of the one challenge: `Bearer`, in one header, every value quoted, none twice (RS-010, RS-011).
#[track_caller]
fn challenge(answer: &Answer) -> HashMap<String, String> {
    assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1, "{answer:?}");
    let mut rest = answer.header("www-authenticate").unwrap().strip_prefix("Bearer ").expect("Bearer comes first");
    let mut parameters = HashMap::new();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").expect("a quoted value");
        let (value, behind) = value.split_once('"').expect("the end of the quoted value");
        assert!(value.bytes().all(|byte| (0x20..=0x7E).contains(&byte) && byte != b'\\'), "{answer:?}");
        assert!(parameters.insert(name.trim_start().to_owned(), value.to_owned()).is_none(), "{name} comes twice");
        rest = behind.strip_prefix(',').unwrap_or(behind);
    }
    parameters
}

/// A refusal with its challenge, which browser clients may read (RS-016) and which leads to the metadata (RS-008).
#[track_caller]
fn refused(error: BearerError, status: u16, code: Option<&str>) -> HashMap<String, String> {
    let answer = Answer::from(error.into_http());
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    assert_eq!(answer.header("access-control-expose-headers"), Some("WWW-Authenticate, Retry-After"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.json.get("access_token").is_none() && answer.json["error"].is_string());
    let challenge = challenge(&answer);
    assert_eq!(challenge.get("error").map(String::as_str), code, "{answer:?}");
    assert!(
        challenge["resource_metadata"].starts_with("https://api.test/.well-known/oauth-protected-resource/"),
        "{answer:?}"
    );
    challenge
}

on_both_stores! {
    // RS-001
    async fn the_scheme_has_no_case(setup) {
        let tokens = setup.tokens("pub").await;
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            let headers = headers(&[&format!("{scheme} {}", tokens.text("access_token"))]);
            let access = setup.server.resource_server().verify(&headers).await.unwrap();
            assert_eq!(access.subject(), Some(&setup.alice), "{scheme}");
        }
    }

    // RS-002, RS-006, RS-007
    async fn a_call_without_a_token_is_told_how_to_get_one(setup) {
        for values in [&[][..], &["Basic d2ViOng="], &["Digest x"], &["bearertoken"], &[""]] {
            let error = setup.server.resource_server().verify(&headers(values)).await.unwrap_err();
            let challenge = refused(error, 401, None);
            assert_eq!(challenge["realm"], "as.test");
        }
    }

    // RS-003, RS-013, RS-015, RT-029, ATK-057
    async fn whatever_is_no_live_access_token_is_invalid(setup) {
        let (expired, code) = (setup.tokens("pub").await, setup.code("pub").await);
        setup.clock.advance(Duration::from_secs(3_600));
        let (revoked, live) = (setup.tokens("pub").await, setup.tokens("pub").await);
        setup.revoke("pub", revoked.text("access_token")).await.expect_ok();
        let token = live.text("access_token");
        let registered = register(&setup).await;
        let (cut, long, other_prefix) =
            (&token[..token.len() - 1], "x".repeat(8_000), token.replacen("gr_at_", "gr_rt_", 1));
        for token in [
            "xyz",
            expired.text("access_token"),
            revoked.text("access_token"),
            live.text("refresh_token"),
            &code,
            cut,
            &long,
            &other_prefix,
            registered.text("registration_access_token"),
            registered.text("client_secret"),
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
        ] {
            let error = setup.server.resource_server().verify(&bearer(token)).await.unwrap_err();
            refused(error, 401, Some("invalid_token"));
        }
        assert!(setup.is_accepted(token).await);
    }

    // RS-003
    async fn what_was_let_in_is_good_for_as_long_as_its_token(setup) {
        let server = setup.server.resource_server();
        let (expiring, revoked, other) = (setup.tokens("pub").await, setup.tokens("pub").await, setup.tokens("pub").await);
        let mut let_in = Vec::new();
        for tokens in [&expiring, &revoked, &other] {
            let_in.push(server.verify(&bearer(tokens.text("access_token"))).await.unwrap());
        }
        for access in &let_in {
            server.verify_again(access).await.unwrap();
        }
        setup.revoke("pub", revoked.text("refresh_token")).await.expect_ok();
        server.verify_again(&let_in[0]).await.unwrap();
        let error = server.verify_again(&let_in[1]).await.unwrap_err();
        assert_eq!(error.reason(), ErrorReason::AccessTokenUnknown);
        refused(error, 401, Some("invalid_token"));
        // The token of another API is none here, whoever asks.
        assert_eq!(second_api(&setup).verify_again(&let_in[2]).await.unwrap_err().reason(), ErrorReason::AudienceMismatch);
        setup.clock.advance(Duration::from_secs(3_599));
        server.verify_again(&let_in[0]).await.unwrap();
        setup.clock.advance(Duration::from_secs(1));
        assert_eq!(server.verify_again(&let_in[0]).await.unwrap_err().reason(), ErrorReason::AccessTokenExpired);
    }

    // RS-004
    async fn a_malformed_or_repeated_header_is_a_bad_request(setup) {
        let tokens = setup.tokens("pub").await;
        let right = format!("Bearer {}", tokens.text("access_token"));
        for values in [
            &["Bearer"][..],
            &["Bearer "],
            &["Bearer a b"],
            &["Bearer \"x\""],
            &["Bearer é"],
            &["Bearer a,Bearer b"],
            &[&right, &right],
            &[&right, "Basic d2ViOng="],
            &[&format!("{right} x")],
        ] {
            let error = setup.server.resource_server().verify(&headers(values)).await.unwrap_err();
            refused(error, 400, Some("invalid_request"));
        }
    }

    // RS-005, RS-009
    async fn a_token_with_too_little_scope_is_told_what_is_needed(setup) {
        let tokens = setup.tokens_for("pub", "read write", &[]).await;
        let access = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap();
        for enough in ["read", "write", "read write", "write  read", ""] {
            access.require(enough).unwrap();
        }
        for (needed, told) in
            [("admin", "admin"), ("read admin", "read admin"), ("READ", "READ"), ("readwrite", "readwrite")]
        {
            let challenge = refused(access.require(needed).unwrap_err(), 403, Some("insufficient_scope"));
            assert_eq!(challenge["scope"], told);
        }
    }

    // RS-009, MCP-006, MCP-007
    async fn a_call_without_a_usable_token_is_told_which_scope_to_ask_for(setup) {
        let (server, tokens) = (setup.server.resource_server(), setup.tokens_for("pub", "read write", &[]).await);
        let right = bearer(tokens.text("access_token"));
        for (values, code) in [(&[][..], None), (&["Bearer xyz"], Some("invalid_token"))] {
            for scope in ["read", "read write", "admin"] {
                let challenge = refused(server.verify_scope(&headers(values), scope).await.unwrap_err(), 401, code);
                assert_eq!(challenge["scope"], scope);
            }
            let challenge = refused(server.verify_scope(&headers(values), "").await.unwrap_err(), 401, code);
            assert!(!challenge.contains_key("scope"));
        }
        let challenge = refused(server.verify_scope(&right, "read admin").await.unwrap_err(), 403, Some("insufficient_scope"));
        assert_eq!(challenge["scope"], "read admin");
        // No other scope would mend the request.
        let twice = headers(&["Bearer xyz", "Bearer xyz"]);
        let challenge = refused(server.verify_scope(&twice, "read").await.unwrap_err(), 400, Some("invalid_request"));
        assert!(!challenge.contains_key("scope"));
        for enough in ["read", "write", "read write", ""] {
            assert_eq!(server.verify_scope(&right, enough).await.unwrap().subject(), Some(&setup.alice), "{enough}");
        }
    }

    // RS-009, MCP-032: what an API names itself stands for what it would have named, and nowhere else.
    async fn an_api_may_name_another_scope_to_ask_for(setup) {
        let (server, tokens) = (setup.server.resource_server(), setup.tokens_for("pub", "read", &[]).await);
        let more = || "read write".parse().unwrap();
        for (values, code) in [(&[][..], None), (&["Bearer xyz"], Some("invalid_token"))] {
            let error = server.verify_scope(&headers(values), "write").await.unwrap_err().with_scope(more());
            assert_eq!(refused(error, 401, code)["scope"], "read write");
        }
        let access = server.verify(&bearer(tokens.text("access_token"))).await.unwrap();
        let error = access.require("write").unwrap_err().with_scope(more());
        assert_eq!(refused(error, 403, Some("insufficient_scope"))["scope"], "read write");
        let twice = server.verify(&headers(&["Bearer xyz", "Bearer xyz"])).await.unwrap_err().with_scope(more());
        assert!(!refused(twice, 400, Some("invalid_request")).contains_key("scope"));
    }

    // RS-009, MCP-032: what a client has, or would be asked for anyway, is among what it is told to ask for.
    async fn challenges_step_up_if_the_api_says_so(setup) {
        let server = setup.server.resource_server().clone().with_step_up("read".parse().unwrap());
        let tokens = setup.tokens_for("pub", "read", &[]).await;
        for (values, code) in [(&[][..], None), (&["Bearer xyz"], Some("invalid_token"))] {
            for (needed, told) in [("", "read"), ("read", "read"), ("write", "read write")] {
                let error = server.verify_scope(&headers(values), needed).await.unwrap_err();
                assert_eq!(refused(error, 401, code)["scope"], told);
            }
            assert_eq!(refused(server.verify(&headers(values)).await.unwrap_err(), 401, code)["scope"], "read");
        }
        let own = bearer(tokens.text("access_token"));
        let error = server.verify_scope(&own, "write").await.unwrap_err();
        assert_eq!(refused(error, 403, Some("insufficient_scope"))["scope"], "read write");
        let error = server.verify(&own).await.unwrap().require("write admin").unwrap_err();
        assert_eq!(refused(error, 403, Some("insufficient_scope"))["scope"], "read write admin");
        // What is needed comes first if both are too much for one scope.
        let most: Vec<String> = (0..grantor::scope::MAX_TOKENS).map(|n| format!("t{n}")).collect();
        let error = server.verify_scope(&own, &most.join(" ")).await.unwrap_err();
        assert_eq!(refused(error, 403, Some("insufficient_scope"))["scope"], most.join(" "));
        // MCP-019: a refresh token is nothing that a call needs.
        let server = server.with_step_up("read offline_access".parse().unwrap());
        let error = server.verify(&HeaderMap::new()).await.unwrap_err();
        assert_eq!(refused(error, 401, None)["scope"], "read");
        // No scope would mend the request.
        let twice = server.verify(&headers(&["Bearer xyz", "Bearer xyz"])).await.unwrap_err();
        assert!(!refused(twice, 400, Some("invalid_request")).contains_key("scope"));
    }

    // MCP 2025-11-25, Transports: Origin. Whatever the page brings, it is told nothing, not even where to get a token.
    async fn pages_of_other_origins_may_not_call(setup) {
        let origins = ["https://app.test", "http://localhost:6274"].map(HeaderValue::from_static);
        let server = setup.server.resource_server().clone().with_origins(origins);
        let own = bearer(setup.tokens_for("pub", "read", &[]).await.text("access_token"));
        let from = |headers: &HeaderMap, origins: &[&str]| {
            let mut headers = headers.clone();
            for origin in origins {
                headers.append("origin", HeaderValue::from_str(origin).unwrap());
            }
            headers
        };
        for origins in [
            &["https://evil.test"][..],
            &["null"],
            &[""],
            &["https://app.test:443"],
            &["https://app.test.evil.test"],
            &["http://app.test"],
            &["https://APP.test"],
            &["http://localhost"],
            &["https://app.test", "https://evil.test"],
            &["https://app.test", "https://app.test"],
        ] {
            for headers in [&own, &HeaderMap::new()] {
                let error = server.verify_scope(&from(headers, origins), "read").await.unwrap_err();
                assert_eq!(error.reason(), ErrorReason::OriginRefused, "{origins:?}");
                let response = error.into_http();
                assert_eq!(response.status(), 403);
                let mut told = response.headers().keys().map(|name| name.as_str());
                assert!(told.all(|name| name != "www-authenticate" && !name.starts_with("access-control-")));
            }
        }
        for origins in [&[][..], &["https://app.test"], &["http://localhost:6274"]] {
            assert!(server.verify(&from(&own, origins)).await.is_ok(), "{origins:?}");
        }
        // An API for pages of anywhere says nothing about origins.
        let open = setup.server.resource_server().verify(&from(&own, &["https://evil.test"])).await;
        assert!(open.is_ok());
    }

    // RS-012, RI-003, BCP-005, ATK-056
    async fn a_token_is_good_for_its_own_audience_only(setup) {
        let (one, two) = (setup.server.resource_server(), second_api(&setup));
        for (resources, first, second) in [
            (&["https://api.test/one"][..], true, false),
            (&["https://api.test/two"], false, true),
            (&["https://api.test/one", "https://api.test/two"], true, true),
            (&[], true, false),
        ] {
            let tokens = setup.tokens_for("pub", "read", resources).await;
            let headers = bearer(tokens.text("access_token"));
            for (server, accepted) in [(one, first), (&two, second)] {
                match server.verify(&headers).await {
                    Ok(_) => assert!(accepted, "{resources:?}"),
                    Err(error) => {
                        assert!(!accepted, "{resources:?}");
                        refused(error, 401, Some("invalid_token"));
                    }
                }
            }
        }
    }

    // RS-008: each API has metadata of its own
    async fn the_challenge_names_the_metadata_of_its_resource(setup) {
        for (server, path, realm) in
            [(setup.server.resource_server(), "one", "as.test"), (&second_api(&setup), "two", "two")]
        {
            let challenge = refused(server.verify(&HeaderMap::new()).await.unwrap_err(), 401, None);
            let expected = format!("https://api.test/.well-known/oauth-protected-resource/{path}");
            assert_eq!((&challenge["resource_metadata"], challenge["realm"].as_str()), (&expected, realm));
        }
    }

    // RS-010: whatever the operator calls the realm
    async fn a_realm_cannot_break_out_of_its_quotes(setup) {
        let server = second_api(&setup).with_realm("a\"b\\c\r\nd é");
        let challenge = refused(server.verify(&HeaderMap::new()).await.unwrap_err(), 401, None);
        assert_eq!(challenge["realm"], "abcd ");
    }

    // REV-013: at once, and for every token of the grant
    async fn a_withdrawn_grant_is_refused_at_the_next_call(setup) {
        let first = setup.tokens("pub").await;
        let second = setup.refreshed("pub", first.text("refresh_token")).await;
        setup.server.withdraw(&setup.alice, &"pub".parse().unwrap()).await.unwrap();
        for tokens in [&first, &second] {
            let error = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap_err();
            refused(error, 401, Some("invalid_token"));
        }
    }

    // ATK-078
    async fn a_clock_that_goes_back_revives_nothing_that_was_revoked(setup) {
        let (revoked, expired) = (setup.tokens("pub").await, setup.tokens("pub").await);
        setup.revoke("pub", revoked.text("refresh_token")).await.expect_ok();
        setup.clock.advance(Duration::from_secs(3_600));
        assert!(!setup.is_accepted(expired.text("access_token")).await);
        setup.clock.set_back(Duration::from_secs(100_000));
        assert!(!setup.is_accepted(revoked.text("access_token")).await);
        // It lives by the difference, and no longer.
        assert!(setup.is_accepted(expired.text("access_token")).await);
    }
}

// RS-012, MCP-008
#[tokio::test]
async fn a_token_for_no_resource_is_refused_where_one_is_required() {
    let store = Arc::new(MemoryStore::new());
    let issuer = Issuer::parse("https://as.test").unwrap();
    let builder = AuthorizationServer::builder(issuer, Arc::clone(&store)).scope("read", "Read your things");
    let server = builder.build().unwrap();
    let new = NewPersonalToken::new("alice".parse().unwrap(), "Backup".parse().unwrap(), "read".parse().unwrap());
    let headers = bearer(server.issue_personal_token(new).await.unwrap().token().expose());
    assert!(server.resource_server().verify(&headers).await.unwrap().resource().is_empty());
    let bound = server.resource_server().clone().with_resource("https://api.test/one".parse().unwrap());
    assert_eq!(bound.verify(&headers).await.unwrap_err().reason(), ErrorReason::AudienceMismatch);
}

/// A registration with a secret and a registration access token.
async fn register(setup: &Setup) -> Answer {
    let document = r#"{"redirect_uris":["https://dcr.test/cb"],"token_endpoint_auth_method":"client_secret_basic"}"#;
    let request = http::Request::post("/oauth/register").header("content-type", "application/json");
    let answer = setup.send(request.body(document.to_owned()).unwrap()).await;
    assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
    answer
}
