//! Dynamic client registration: each member of the metadata.

use std::num::NonZeroU32;

use serde_json::{Value, json};

use crate::browser::expect_code;
use crate::registration::{expect_registered, public, register};
use crate::support::Setup;

fn with(member: &str, value: Value) -> Value {
    let mut metadata = public();
    metadata[member] = value;
    metadata
}

on_both_stores! {
    // DCR-020, RURI-004, RURI-008 to RURI-011, RURI-015, RURI-020, ATK-006, ATK-011, ATK-014, ATK-018
    async fn an_unacceptable_redirect_uri_is_refused(setup) {
        let long = format!("https://new.test/{}", "a".repeat(3_000));
        for uri in [
            "https://new.test/cb#",
            "https://new.test/cb#x",
            "/cb",
            "//new.test/cb",
            "https:new.test/cb",
            "new.test/cb",
            "http://new.test/cb",
            "http://10.0.0.1/cb",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://new.test/x",
            "about:blank",
            "view-source:https://new.test",
            "intent:x",
            "https://new.test\\@evil.test/cb",
            "https://new.test/cb\r\nX: y",
            "https://new.test/c b",
            "https://new。test/cb",
            "https://аpp.test/cb",
            "https://new.test@evil.test/cb",
            "https://user:pw@new.test/cb",
            "https://*.new.test/cb",
            "https://new.test/*",
            "*",
            "https://",
            "https://new.test/cb?state=1",
            "https://new.test/cb?code=evil",
            "myapp:/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            long.as_str(),
        ] {
            for uris in [json!([uri]), json!(["https://new.test/cb", uri]), json!([uri, "https://new.test/cb"])] {
                let answer = register(&setup, &with("redirect_uris", uris)).await;
                assert!(!answer.status.is_success(), "{uri:?}");
                answer.expect_error(400, "invalid_redirect_uri");
            }
        }
        assert_eq!(setup.registry.count_clients(NonZeroU32::MAX).await.unwrap(), 10, "only the fixtures");
    }

    // DCR-004, DCR-011, RURI-013
    async fn redirect_uris_are_kept_and_told_exactly_as_they_came(setup) {
        let uris = json!([
            "https://New.test:8443",
            "https://new.test/a%2Fb?x=1&y=a%20b",
            "http://127.0.0.1:33418/",
            "http://localhost/callback",
            "com.example.app:/cb"
        ]);
        let answer = expect_registered(register(&setup, &with("redirect_uris", uris.clone())).await);
        assert_eq!(answer.json["redirect_uris"], uris);
        for uri in uris.as_array().unwrap() {
            let uri = uri.as_str().unwrap();
            let request = setup.request("pub").set("client_id", answer.text("client_id")).set("redirect_uri", uri);
            expect_code(&setup.approve(&request).await, uri, &request);
        }
    }

    // DCR-021, NAT-010, NAT-011, NAT-013, CLI-057
    async fn the_application_type_is_told_back_and_decides_nothing(setup) {
        let mixed = json!(["https://new.test/cb", "http://127.0.0.1/cb", "com.example.app:/cb"]);
        for kind in [json!("native"), json!("web"), Value::Null] {
            let mut metadata = with("redirect_uris", mixed.clone());
            metadata["application_type"] = kind.clone();
            let answer = expect_registered(register(&setup, &metadata).await);
            assert_eq!(answer.json.get("application_type"), Some(&kind).filter(|kind| !kind.is_null()));
            assert_eq!(answer.text("token_endpoint_auth_method"), "none");
        }
    }

    // DCR-031, ATK-033
    async fn only_web_addresses_are_kept_as_addresses(setup) {
        for member in ["client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri", "jwks_uri"] {
            for uri in [
                "javascript:alert(1)",
                "data:text/html,x",
                "http://new.test",
                "ftp://new.test",
                "new.test",
                "//new.test",
                "https://u:p@new.test",
                "https://new.test/\"><img src=x>",
                "https://new.test/a b",
                "https://",
                "file:///etc/passwd",
            ] {
                let answer = register(&setup, &with(member, json!(uri))).await;
                assert!(!answer.status.is_success(), "{member}: {uri}");
                answer.expect_error(400, "invalid_client_metadata");
            }
            for uri in ["https://new.test/x?y=1", "http://127.0.0.1:3000/x", "http://localhost/x"] {
                let answer = register(&setup, &with(member, json!(uri))).await;
                assert_eq!(answer.status, 201, "{member}: {uri}: {answer:?}");
                assert!(member == "jwks_uri" || answer.text(member) == uri, "{member}: {answer:?}");
            }
        }
    }

    // DCR-032, ATK-036
    async fn a_name_that_would_mislead_people_is_refused(setup) {
        let long = "x".repeat(201);
        for name in [
            "Goo\u{202E}gle",
            "\u{2066}Bank",
            "a\nb",
            "a\rb",
            "a\tb",
            "a\u{0}b",
            "\u{1b}[31m",
            "Bank\u{200B}",
            "Bank\u{200F}",
            "\u{FEFF}Bank",
            "   ",
            long.as_str(),
        ] {
            for member in ["client_name", "software_id", "software_version"] {
                let answer = register(&setup, &with(member, json!(name))).await;
                assert!(!answer.status.is_success(), "{member}: {name:?}");
                answer.expect_error(400, "invalid_client_metadata");
            }
            let answer = register(&setup, &with("contacts", json!([name]))).await;
            assert!(!answer.status.is_success(), "contacts: {name:?}");
        }
        // Markup is for the page to escape.
        for name in ["Grüße ✓", "\"><img src=x onerror=alert(1)>", "日本語", "O'Reilly & Sons"] {
            let answer = expect_registered(register(&setup, &with("client_name", json!(name))).await);
            assert_eq!(answer.text("client_name"), name);
        }
    }

    // DCR-003
    async fn everything_that_is_kept_is_told(setup) {
        let metadata = json!({
            "redirect_uris": ["https://new.test/cb"],
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "client_name": "Board",
            "client_uri": "https://new.test",
            "logo_uri": "https://new.test/logo.png",
            "scope": "read",
            "contacts": ["a@new.test", "b@new.test"],
            "tos_uri": "https://new.test/tos",
            "policy_uri": "https://new.test/policy",
            "initiate_login_uri": "https://new.test/install?plan=pro",
            "software_id": "4NRB1-0XZABZI9E6-5SM3R",
            "software_version": "2.1",
            "application_type": "web",
        });
        let answer = expect_registered(register(&setup, &metadata).await);
        for (member, value) in metadata.as_object().unwrap() {
            assert_eq!(&answer.json[member], value, "{member}");
        }
    }

    // DCR-015: a developer who reads the description knows what to change.
    async fn a_refusal_names_the_member_that_is_wrong(setup) {
        for (member, value) in [
            ("client_name", json!(5)),
            ("client_name", json!("a\nb")),
            ("redirect_uris", json!("https://new.test/cb")),
            ("redirect_uris", json!([])),
            ("contacts", json!([1])),
            ("contacts", json!([" "])),
            ("grant_types", json!(["password"])),
            ("response_types", json!(["token"])),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
            ("application_type", json!("desktop")),
            ("scope", json!("re\"ad")),
            ("scope", json!("bogus")),
            ("logo_uri", json!("javascript:alert(1)")),
            ("initiate_login_uri", json!("https://new.test/#x")),
            ("jwks_uri", json!(5)),
            ("jwks_uri", json!("http://new.test")),
            ("jwks", json!({ "keys": [{ "kty": "oct" }] })),
            ("software_version", json!({})),
        ] {
            let refused = register(&setup, &with(member, value.clone())).await;
            assert_eq!(refused.status, 400, "{member}: {value}: {refused:?}");
            assert!(refused.text("error_description").contains(member), "{member}: {value}: {refused:?}");
        }
        for (uris, at) in [(["http://a.test", "https://a.test"], 0), (["https://a.test", "https://a.test/#"], 1)] {
            let refused = register(&setup, &with("redirect_uris", json!(uris))).await;
            let refused = refused.expect_error(400, "invalid_redirect_uri");
            assert!(refused.text("error_description").starts_with(&format!("redirect_uris[{at}]: ")), "{refused:?}");
        }
        let twice = r#"{"redirect_uris":["https://new.test/cb"],"scope":"read","scope":"write"}"#;
        let refused = crate::registration::register_raw(&setup, twice, &[("content-type", "application/json")]).await;
        let refused = refused.expect_error(400, "invalid_client_metadata");
        assert!(refused.text("error_description").contains("scope"), "{refused:?}");
    }

    // HTTP-018, DCR-015
    async fn a_description_keeps_to_its_characters_whatever_was_sent(setup) {
        for text in ["\"\\\n<script>é", "https://x.test/\"\\"] {
            for (member, value) in [
                ("redirect_uris", json!([text])),
                ("client_name", json!(text)),
                ("logo_uri", json!(text)),
                ("scope", json!(text)),
                ("token_endpoint_auth_method", json!(text)),
            ] {
                let answer = register(&setup, &with(member, value)).await;
                // `expect_error` looks at every character of the description.
                if answer.status != 201 {
                    let code = answer.text("error").to_owned();
                    let answer = answer.expect_error(400, &code);
                    assert!(!answer.body.contains("<script>"), "{member}: {answer:?}");
                }
            }
        }
    }
}
