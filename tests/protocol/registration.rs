//! Dynamic client registration (RFC 7591): what is accepted, corrected and refused.

use std::num::NonZeroU32;

use grantor::store::Deletion;
use http::Request;
use serde_json::{Value, json};

use crate::browser::{expect_code, expect_page, expect_rejection};
use crate::support::{Answer, Form, Setup, basic};

pub const PATH: &str = "/oauth/register";

/// Posts a registration.
pub async fn register(setup: &Setup, metadata: &Value) -> Answer {
    register_raw(setup, &metadata.to_string(), &[("content-type", "application/json")]).await
}

pub async fn register_raw(setup: &Setup, body: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers.iter().fold(Request::post(PATH), |request, (name, value)| request.header(*name, *value));
    setup.send(request.body(body.to_owned()).unwrap()).await
}

/// `DCR-002`, `DCR-003`: 201, JSON, not to be stored, nothing empty or null.
#[track_caller]
pub fn expect_registered(answer: Answer) -> Answer {
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let members = answer.json.as_object().expect("a JSON object");
    assert!(members.values().all(|value| !value.is_null() && value != ""), "{answer:?}");
    assert!(answer.json["redirect_uris"].is_array(), "{answer:?}");
    answer
}

/// The metadata of a public client.
pub fn public() -> Value {
    json!({ "redirect_uris": ["https://new.test/cb"], "token_endpoint_auth_method": "none" })
}

/// The same metadata with one member changed.
pub fn with(mut metadata: Value, member: &str, value: Value) -> Value {
    metadata[member] = value;
    metadata
}

/// An authorization request of a client that just registered.
pub fn request(setup: &Setup, registered: &Answer) -> Form {
    let uri = registered.json["redirect_uris"][0].as_str().unwrap();
    setup.request("pub").set("client_id", registered.text("client_id")).set("redirect_uri", uri)
}

on_both_stores! {
    // DCR-001
    async fn only_one_json_object_is_read(setup) {
        let body = public().to_string();
        for content_type in [
            "application/x-www-form-urlencoded",
            "text/plain",
            "text/json",
            "application/jwt",
            "multipart/form-data; boundary=x",
            "",
        ] {
            let answer = register_raw(&setup, &body, &[("content-type", content_type)]).await;
            assert!(matches!(answer.status.as_u16(), 400 | 415), "{content_type}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{content_type}");
        }
        assert!(matches!(register_raw(&setup, &body, &[]).await.status.as_u16(), 400 | 415), "no content type");
        for body in [
            "[]",
            "[{}]",
            "5",
            "\"x\"",
            "null",
            "true",
            "",
            "{",
            "{}x",
            "{\"redirect_uris\":[\"https://new.test/cb\"],}",
            "redirect_uris=x",
        ] {
            let answer = register_raw(&setup, body, &[("content-type", "application/json")]).await;
            answer.expect_error(400, "invalid_client_metadata");
        }
        expect_registered(
            register_raw(&setup, &format!(" {body}\n"), &[("content-type", "Application/JSON; charset=utf-8")]).await,
        );
    }

    // DCR-002 to DCR-008, CLI-006, CLI-014, CLI-022, CLI-029, CLI-039, CLI-041
    async fn a_minimal_registration_gets_the_defaults_and_is_told_all_of_them(setup) {
        let answer = expect_registered(register(&setup, &json!({ "redirect_uris": ["https://new.test/cb"] })).await);
        assert_eq!(answer.json["redirect_uris"], json!(["https://new.test/cb"]));
        assert_eq!(answer.json["grant_types"], json!(["authorization_code"]));
        assert_eq!(answer.json["response_types"], json!(["code"]));
        assert_eq!(answer.text("token_endpoint_auth_method"), "client_secret_basic");
        assert_eq!(answer.json["client_secret_expires_at"], json!(0));
        assert_eq!(answer.json["client_id_issued_at"], json!(1_800_000_000));
        assert!(answer.text("client_secret").len() >= 43);
        assert!(!answer.text("registration_access_token").is_empty());
        let uri = format!("https://as.test/oauth/register/{}", answer.text("client_id"));
        assert_eq!(answer.text("registration_client_uri"), uri);
    }

    // DCR-005, DCR-022, CLI-026
    async fn a_public_client_gets_no_secret_and_must_use_pkce(setup) {
        let answer = expect_registered(register(&setup, &public()).await);
        assert_eq!(answer.text("token_endpoint_auth_method"), "none");
        for member in ["client_secret", "client_secret_expires_at"] {
            assert!(answer.json.get(member).is_none(), "{member}");
        }
        let request = request(&setup, &answer);
        let code = expect_code(&setup.approve(&request).await, "https://new.test/cb", &request);
        let exchange = setup.exchange("pub", &code).set("client_id", answer.text("client_id"));
        setup.token(&exchange.set("redirect_uri", "https://new.test/cb")).await.expect_ok();
        let request = request.without("code_challenge");
        expect_rejection(&setup.approve(&request).await, "https://new.test/cb", "invalid_request", &request);
    }

    // DCR-003, DCR-005: the secret that is told is the one that works.
    async fn a_confidential_client_authenticates_with_its_secret_and_must_use_pkce(setup) {
        for method in ["client_secret_basic", "client_secret_post"] {
            let metadata = json!({ "redirect_uris": ["https://new.test/cb"], "token_endpoint_auth_method": method });
            let answer = expect_registered(register(&setup, &metadata).await);
            assert_eq!(answer.text("token_endpoint_auth_method"), method);
            let request = request(&setup, &answer);
            let code = setup.code_for(&request).await;
            let form = setup.exchange("pub", &code).without("client_id").set("redirect_uri", "https://new.test/cb");
            let (id, secret) = (answer.text("client_id"), answer.text("client_secret"));
            setup.token(&form.clone().and("client_id", id)).await.expect_error(401, "invalid_client");
            setup.post("/oauth/token", &form, Some(&basic(id, secret))).await.expect_ok();
            let request = request.without("code_challenge");
            expect_rejection(&setup.approve(&request).await, "https://new.test/cb", "invalid_request", &request);
        }
    }

    // DCR-009, DCR-034
    async fn unknown_members_are_ignored_and_not_stored(setup) {
        let metadata = with(with(public(), "foo", json!({ "a": [1, null] })), "client_name#de", json!("B"));
        let metadata = with(with(metadata, "client_name", json!("A")), "id_token_signed_response_alg", json!("none"));
        let answer = expect_registered(register(&setup, &metadata).await);
        assert_eq!(answer.text("client_name"), "A");
        assert!(!answer.body.contains("foo") && !answer.body.contains("id_token_signed_response_alg"), "{answer:?}");
    }

    // DCR-011, DCR-013, DCR-015, DCR-029, DCR-030
    async fn a_registration_is_refused_with_the_code_of_its_fault(setup) {
        let rsa = json!({ "keys": [{ "kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB" }] });
        for (metadata, code) in [
            (
                with(
                    public(),
                    "redirect_uris",
                    json!(["https://new.test/cb", "http://new.test/cb", "https://new.test/x"]),
                ),
                "invalid_redirect_uri",
            ),
            (with(public(), "redirect_uris", json!([""])), "invalid_redirect_uri"),
            (with(public(), "grant_types", json!(5)), "invalid_client_metadata"),
            (with(public(), "token_endpoint_auth_method", json!("private_key_jwt")), "invalid_client_metadata"),
            (with(public(), "token_endpoint_auth_method", json!("NONE")), "invalid_client_metadata"),
            (with(public(), "application_type", json!("desktop")), "invalid_client_metadata"),
            (with(public(), "software_statement", json!("garbage")), "invalid_software_statement"),
            (with(public(), "software_statement", json!("eyJhbGciOiJub25lIn0.e30.")), "invalid_software_statement"),
            (
                with(with(public(), "jwks", json!({ "keys": [] })), "jwks_uri", json!("https://new.test/jwks")),
                "invalid_client_metadata",
            ),
            (with(public(), "jwks", rsa), "invalid_client_metadata"),
            (with(public(), "jwks", json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] })), "invalid_client_metadata"),
            (with(public(), "jwks", json!({ "keys": [{ "kty": "oct" }] })), "invalid_client_metadata"),
            (
                with(public(), "jwks", json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB" })),
                "invalid_client_metadata",
            ),
        ] {
            let before = setup.registry.count_clients(NonZeroU32::MAX).await.unwrap();
            let answer = register(&setup, &metadata).await;
            assert!(!answer.status.is_success(), "{metadata}");
            answer.expect_error(400, code);
            assert_eq!(setup.registry.count_clients(NonZeroU32::MAX).await.unwrap(), before, "{metadata}");
        }
    }

    // DCR-012
    async fn a_client_with_the_code_grant_needs_a_redirect_uri(setup) {
        for metadata in [json!({}), json!({ "redirect_uris": [] }), json!({ "redirect_uris": null })] {
            register(&setup, &metadata).await.expect_error(400, "invalid_redirect_uri");
        }
    }

    // DCR-016
    async fn members_of_a_wrong_type_are_refused_and_not_coerced(setup) {
        for (member, value) in [
            ("redirect_uris", json!("https://new.test/cb")),
            ("redirect_uris", json!([5])),
            ("redirect_uris", json!([null])),
            ("redirect_uris", json!([["https://new.test/cb"]])),
            ("redirect_uris", json!({ "0": "https://new.test/cb" })),
            ("grant_types", json!("authorization_code")),
            ("grant_types", json!([1])),
            ("response_types", json!("code")),
            ("client_name", json!(5)),
            ("client_name", json!(["x"])),
            ("scope", json!(["read"])),
            ("scope", json!(true)),
            ("contacts", json!("a@new.test")),
            ("logo_uri", json!(5)),
            ("token_endpoint_auth_method", json!(["none"])),
            ("application_type", json!(1)),
            ("software_id", json!({})),
            ("jwks", json!("{}")),
            ("jwks", json!(5)),
            ("jwks", json!([])),
            ("jwks", json!({})),
            ("jwks_uri", json!(5)),
            ("jwks_uri", json!(["https://new.test"])),
        ] {
            let answer = register(&setup, &with(public(), member, value.clone())).await;
            assert!(!answer.status.is_success(), "{member}: {value}");
            answer.expect_error(400, "invalid_client_metadata");
        }
    }

    // DCR-017
    async fn a_member_that_comes_twice_is_refused(setup) {
        for body in [
            r#"{"redirect_uris":["https://new.test/cb"],"redirect_uris":["https://evil.test/cb"]}"#,
            r#"{"redirect_uris":["https://new.test/cb"],"redirect\u005furis":["https://evil.test/cb"]}"#,
            r#"{"redirect_uris":["https://new.test/cb"],"scope":"read","scope":"read write"}"#,
        ] {
            register_raw(&setup, body, &[("content-type", "application/json")])
                .await
                .expect_error(400, "invalid_client_metadata");
        }
    }

    // DCR-018
    async fn null_and_the_empty_string_mean_absent(setup) {
        for member in [
            "client_name",
            "client_uri",
            "logo_uri",
            "tos_uri",
            "policy_uri",
            "initiate_login_uri",
            "scope",
            "software_id",
            "software_version",
            "software_statement",
            "jwks_uri",
            "jwks",
            "application_type",
            "client_id",
            "client_secret",
        ] {
            for empty in [json!(""), Value::Null] {
                let answer = register(&setup, &with(public(), member, empty.clone())).await;
                assert_eq!(answer.status, 201, "{member} {empty}: {answer:?}");
                let answer = expect_registered(answer);
                assert!(
                    matches!(member, "client_id" | "scope") || answer.json.get(member).is_none(),
                    "{member}: {answer:?}"
                );
            }
        }
        for list in ["grant_types", "response_types", "contacts"] {
            expect_registered(register(&setup, &with(public(), list, Value::Null)).await);
        }
    }

    // DCR-019, BCP-008
    async fn a_client_chooses_neither_its_identifier_nor_its_secret(setup) {
        let metadata = json!({ "redirect_uris": ["https://new.test/cb"], "client_id": "alice", "client_secret": "x" });
        let answer = expect_registered(register(&setup, &metadata).await);
        assert_ne!(answer.text("client_id"), "alice");
        assert_ne!(answer.text("client_secret"), "x");
        let form = Form::of(&[("token", "x")]);
        for (id, secret) in [(answer.text("client_id"), "x"), ("alice", "x"), ("alice", answer.text("client_secret"))] {
            setup.post("/oauth/revoke", &form, Some(&basic(id, secret))).await.expect_error(401, "invalid_client");
        }
    }

    // DCR-027
    async fn lists_and_bodies_have_bounds(setup) {
        let uris = |count: usize| -> Vec<String> { (0..count).map(|at| format!("https://new.test/{at}")).collect() };
        expect_registered(register(&setup, &with(public(), "redirect_uris", json!(uris(20)))).await);
        register(&setup, &with(public(), "redirect_uris", json!(uris(21))))
            .await
            .expect_error(400, "invalid_redirect_uri");
        let large = with(public(), "redirect_uris", json!(uris(10_000)));
        assert!(matches!(register(&setup, &large).await.status.as_u16(), 400 | 413));
        let huge = with(public(), "client_uri", json!("x".repeat(1 << 20)));
        register(&setup, &huge).await.expect_error(413, "invalid_request");
        register(&setup, &with(public(), "contacts", json!(vec!["a@new.test"; 11])))
            .await
            .expect_error(400, "invalid_client_metadata");
    }

    // DCR-028
    async fn a_client_that_was_deleted_is_unknown_everywhere(setup) {
        let answer = expect_registered(
            register(&setup, &with(public(), "grant_types", json!(["authorization_code", "refresh_token"]))).await,
        );
        let id = answer.text("client_id");
        let code = setup.code_for(&request(&setup, &answer)).await;
        let exchange = setup.exchange("pub", &code).set("client_id", id).set("redirect_uri", "https://new.test/cb");
        let tokens = setup.token(&exchange).await.expect_ok();
        assert_eq!(setup.server.delete_client(&id.parse().unwrap()).await.unwrap(), Deletion::Deleted);
        expect_page(&setup.approve(&request(&setup, &answer)).await, 400, &id);
        setup.token(&exchange).await.expect_error(401, "invalid_client");
        let refresh = setup.refresh("pub", tokens.text("refresh_token")).set("client_id", id);
        setup.token(&refresh).await.expect_error(401, "invalid_client");
        assert!(!setup.is_accepted(tokens.text("access_token")).await);
    }

    // DCR-033
    async fn an_identifier_needs_no_escaping_and_looks_like_no_url(setup) {
        let mut ids = std::collections::HashSet::new();
        for _ in 0..100 {
            let answer = expect_registered(register(&setup, &public()).await);
            let id = answer.text("client_id").to_owned();
            assert!(
                id.len() >= 8 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte)),
                "{id}"
            );
            assert!(!id.starts_with("http"), "{id}");
            assert!(ids.insert(id));
        }
    }
}
