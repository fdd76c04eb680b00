//! Registration management (RFC 7592): a client reads, replaces and deletes its own registration.

use std::time::Duration;

use grantor::Recall;
use grantor::client::{ClientStatus, Vetting};
use grantor::policy::RefreshPolicy;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::browser::{expect_code, expect_page};
use crate::registration::{PATH, expect_registered, public, register};
use crate::support::{Answer, Form, Setup, basic};

/// Calls the place where a registration is managed.
async fn manage(setup: &Setup, method: Method, id: &str, token: Option<&str>, body: &Value) -> Answer {
    let mut request = Request::builder().method(method).uri(format!("{PATH}/{id}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    setup.send(request.header("content-type", "application/json").body(body).unwrap()).await
}

async fn read(setup: &Setup, client: &Answer) -> Answer {
    let token = client.text("registration_access_token");
    manage(setup, Method::GET, client.text("client_id"), Some(token), &Value::Null).await
}

async fn replace(setup: &Setup, client: &Answer, metadata: &Value) -> Answer {
    let token = client.text("registration_access_token");
    manage(setup, Method::PUT, client.text("client_id"), Some(token), metadata).await
}

async fn delete(setup: &Setup, client: &Answer) -> Answer {
    let token = client.text("registration_access_token");
    manage(setup, Method::DELETE, client.text("client_id"), Some(token), &Value::Null).await
}

/// A client that registered with a name, and its metadata as it would be sent again.
async fn registered(setup: &Setup, method: &str) -> (Answer, Value) {
    let mut metadata = public();
    metadata["token_endpoint_auth_method"] = json!(method);
    metadata["client_name"] = json!("Board");
    metadata["grant_types"] = json!(["authorization_code", "refresh_token"]);
    let client = expect_registered(register(setup, &metadata).await);
    metadata["client_id"] = client.json["client_id"].clone();
    (client, metadata)
}

fn with(metadata: &Value, member: &str, value: Value) -> Value {
    let mut metadata = metadata.clone();
    metadata[member] = value;
    metadata
}

/// A request and an exchange of the client.
fn request(setup: &Setup, client: &Answer) -> Form {
    setup.request("pub").set("client_id", client.text("client_id")).set("redirect_uri", "https://new.test/cb")
}

fn exchange(setup: &Setup, client: &Answer, code: &str) -> Form {
    setup.exchange("pub", code).set("client_id", client.text("client_id")).set("redirect_uri", "https://new.test/cb")
}

on_both_stores! {
    // DCM-001, DCR-005, DCR-007
    async fn a_client_reads_its_registration_as_it_was_told(setup) {
        for method in ["none", "client_secret_basic"] {
            let (client, _) = registered(&setup, method).await;
            let answer = read(&setup, &client).await.expect_ok();
            let mut expected = client.json.clone();
            for secret in ["client_secret", "client_secret_expires_at"] {
                expected.as_object_mut().unwrap().remove(secret);
            }
            assert_eq!(answer.json, expected);
        }
    }

    // DCM-002, DCM-008, DCM-010
    async fn nobody_manages_a_registration_without_its_own_token(setup) {
        let (client, metadata) = registered(&setup, "none").await;
        let (other, _) = registered(&setup, "none").await;
        let user = setup.tokens("pub").await;
        let id = client.text("client_id");
        let flipped = format!("{}x", client.text("registration_access_token"));
        for token in [
            None,
            Some(other.text("registration_access_token")),
            Some(user.text("access_token")),
            Some("x"),
            Some(""),
            Some(&flipped),
        ] {
            for method in [Method::GET, Method::PUT, Method::DELETE] {
                let answer = manage(&setup, method, id, token, &metadata).await.expect_error(401, "invalid_token");
                assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"), "{token:?}: {answer:?}");
                assert!(!answer.body.contains("Board"), "{token:?}: {answer:?}");
            }
        }
        let basic = basic(id, "x");
        let request = Request::get(format!("{PATH}/{id}")).header("authorization", basic).body(String::new()).unwrap();
        setup.send(request).await.expect_error(401, "invalid_token");
        assert_eq!(read(&setup, &client).await.expect_ok().text("client_name"), "Board");
        read(&setup, &other).await.expect_ok();
    }

    // DCM-002, DCM-008: unknown, made by the operator, or disabled, all look alike.
    async fn a_client_without_a_registration_token_of_its_own_is_as_unknown_as_one_that_never_was(setup) {
        let (client, _) = registered(&setup, "none").await;
        let token = client.text("registration_access_token").to_owned();
        let mut seen = Vec::new();
        for id in ["pub", "web", "nope", "client_AAAAAAAAAAAAAAAAAAAAAA"] {
            seen.push(
                manage(&setup, Method::GET, id, Some(&token), &Value::Null).await.expect_error(401, "invalid_token"),
            );
        }
        setup.change(client.text("client_id"), |client| client.with_status(ClientStatus::Disabled)).await;
        seen.push(read(&setup, &client).await.expect_error(401, "invalid_token"));
        assert!(
            seen.windows(2).all(|pair| (&pair[0].body, &pair[0].headers) == (&pair[1].body, &pair[1].headers)),
            "{seen:?}"
        );
    }

    // DCM-003, DCM-009
    async fn replacing_a_registration_replaces_all_of_it(setup) {
        let (client, metadata) = registered(&setup, "none").await;
        let mut replacement = with(&metadata, "redirect_uris", json!(["https://new.test/other"]));
        replacement.as_object_mut().unwrap().remove("client_name");
        replacement.as_object_mut().unwrap().remove("grant_types");
        let answer = replace(&setup, &client, &replacement).await.expect_ok();
        for answer in [answer, read(&setup, &client).await.expect_ok()] {
            assert!(answer.json.get("client_name").is_none(), "{answer:?}");
            assert_eq!(answer.json["redirect_uris"], json!(["https://new.test/other"]));
            assert_eq!(answer.json["grant_types"], json!(["authorization_code"]));
            for same in ["client_id", "client_id_issued_at", "registration_access_token", "registration_client_uri"] {
                assert_eq!(answer.json[same], client.json[same], "{same}");
            }
        }
        expect_page(&setup.approve(&request(&setup, &client)).await, 400, &"the old redirect URI");
        let request = request(&setup, &client).set("redirect_uri", "https://new.test/other");
        expect_code(&setup.approve(&request).await, "https://new.test/other", &request);
    }

    // DCM-004
    async fn a_replacement_names_the_client_and_nothing_that_only_the_server_sets(setup) {
        let (client, metadata) = registered(&setup, "none").await;
        let mut nameless = metadata.clone();
        nameless.as_object_mut().unwrap().remove("client_id");
        let mut wrong =
            vec![nameless, with(&metadata, "client_id", json!("pub")), with(&metadata, "client_id", json!("nope"))];
        for member in
            ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"]
        {
            wrong.push(with(&metadata, member, client.json.get(member).cloned().unwrap_or(json!(0))));
        }
        for replacement in wrong {
            let replacement = with(&replacement, "client_name", json!("Changed"));
            let answer = replace(&setup, &client, &replacement).await;
            assert_eq!(answer.status, 400, "{replacement}: {answer:?}");
            assert!(
                matches!(answer.text("error"), "invalid_request" | "invalid_client_metadata"),
                "{replacement}: {answer:?}"
            );
            assert_eq!(read(&setup, &client).await.expect_ok().text("client_name"), "Board", "{replacement}");
        }
    }

    // DCM-005
    async fn a_client_may_repeat_its_secret_and_not_choose_one(setup) {
        let (client, metadata) = registered(&setup, "client_secret_basic").await;
        let secret = client.text("client_secret");
        for chosen in ["mine", "x", &secret[1..], &secret.to_uppercase()] {
            let answer = replace(&setup, &client, &with(&metadata, "client_secret", json!(chosen))).await;
            assert_eq!(answer.status, 400, "{chosen}: {answer:?}");
        }
        let answer = replace(&setup, &client, &with(&metadata, "client_secret", json!(secret))).await.expect_ok();
        assert!(answer.json.get("client_secret").is_none_or(|told| told == secret), "{answer:?}");
        replace(&setup, &client, &metadata).await.expect_ok();
        let form = Form::of(&[("token", "x")]);
        let used = setup.post("/oauth/revoke", &form, Some(&basic(client.text("client_id"), secret))).await;
        assert_eq!(used.status, 200, "the old secret still works");
        setup
            .post("/oauth/revoke", &form, Some(&basic(client.text("client_id"), "mine")))
            .await
            .expect_error(401, "invalid_client");

        let (public, metadata) = registered(&setup, "none").await;
        let answer = replace(&setup, &public, &with(&metadata, "client_secret", json!("mine"))).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }

    // DCM-003, DCR-005: becoming confidential brings a secret, becoming public ends it.
    async fn a_client_may_change_how_it_authenticates(setup) {
        let (client, metadata) = registered(&setup, "none").await;
        let form = Form::of(&[("token", "x")]);
        let answer =
            replace(&setup, &client, &with(&metadata, "token_endpoint_auth_method", json!("client_secret_basic")))
                .await
                .expect_ok();
        assert_eq!(answer.json["client_secret_expires_at"], json!(0));
        let authorization = basic(client.text("client_id"), answer.text("client_secret"));
        assert_eq!(setup.post("/oauth/revoke", &form, Some(&authorization)).await.status, 200);
        let bare = form.clone().and("client_id", client.text("client_id"));
        setup.post("/oauth/revoke", &bare, None).await.expect_error(401, "invalid_client");

        let answer = replace(&setup, &client, &metadata).await.expect_ok();
        assert!(
            answer.json.get("client_secret").is_none() && answer.json.get("client_secret_expires_at").is_none(),
            "{answer:?}"
        );
        setup.post("/oauth/revoke", &form, Some(&authorization)).await.expect_error(401, "invalid_client");
        assert_eq!(setup.post("/oauth/revoke", &bare, None).await.status, 200);
    }

    // DCM-006
    async fn every_rule_of_registration_holds_for_a_replacement(setup) {
        let (client, metadata) = registered(&setup, "none").await;
        for (member, value, code) in [
            ("redirect_uris", json!(["http://new.test/cb"]), "invalid_redirect_uri"),
            ("redirect_uris", json!([]), "invalid_redirect_uri"),
            ("redirect_uris", json!("https://new.test/cb"), "invalid_client_metadata"),
            ("client_name", json!("Goo\u{202E}gle"), "invalid_client_metadata"),
            ("logo_uri", json!("javascript:alert(1)"), "invalid_client_metadata"),
            ("scope", json!("admin"), "invalid_client_metadata"),
            ("grant_types", json!(["client_credentials"]), "invalid_client_metadata"),
            ("token_endpoint_auth_method", json!("private_key_jwt"), "invalid_client_metadata"),
            ("software_statement", json!("x"), "invalid_software_statement"),
        ] {
            let answer = replace(&setup, &client, &with(&metadata, member, value)).await;
            assert!(!answer.status.is_success(), "{member}");
            answer.expect_error(400, code);
        }
        let mut expected = client.json.clone();
        expected.as_object_mut().unwrap().retain(|name, _| !name.starts_with("client_secret"));
        assert_eq!(read(&setup, &client).await.expect_ok().json, expected, "the old registration is kept");
        let token = client.text("registration_access_token");
        let form = Request::put(format!("{PATH}/{}", client.text("client_id")))
            .header("authorization", format!("Bearer {token}"));
        let form = form.header("content-type", "application/x-www-form-urlencoded").body(metadata.to_string()).unwrap();
        assert!(matches!(setup.send(form).await.status.as_u16(), 400 | 415));
    }

    // DCM-007, DCM-008, DCR-028
    async fn a_deleted_client_is_gone_with_all_that_it_was_granted(setup) {
        let (client, metadata) = registered(&setup, "none").await;
        let code = setup.code_for(&request(&setup, &client)).await;
        let spare = setup.code_for(&request(&setup, &client)).await;
        let tokens = setup.token(&exchange(&setup, &client, &code)).await.expect_ok();
        let answer = delete(&setup, &client).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
        assert_eq!((answer.header("cache-control"), answer.header("content-type")), (Some("no-store"), None));

        assert!(!setup.is_accepted(tokens.text("access_token")).await);
        let refresh = setup.refresh("pub", tokens.text("refresh_token")).set("client_id", client.text("client_id"));
        setup.token(&refresh).await.expect_error(401, "invalid_client");
        setup.token(&exchange(&setup, &client, &spare)).await.expect_error(401, "invalid_client");
        expect_page(&setup.approve(&request(&setup, &client)).await, 400, &"a deleted client");
        read(&setup, &client).await.expect_error(401, "invalid_token");
        replace(&setup, &client, &metadata).await.expect_error(401, "invalid_token");
        delete(&setup, &client).await.expect_error(401, "invalid_token");
    }

    // DCM-007: what others were granted stays.
    async fn deleting_one_client_touches_no_other(setup) {
        let (client, _) = registered(&setup, "none").await;
        let (other, _) = registered(&setup, "none").await;
        let tokens = setup.tokens("pub").await;
        assert_eq!(delete(&setup, &client).await.status, 204);
        read(&setup, &other).await.expect_ok();
        assert!(setup.is_accepted(tokens.text("access_token")).await);
    }

    // DCM-010
    async fn a_registration_token_opens_nothing_else(setup) {
        let (client, _) = registered(&setup, "client_secret_basic").await;
        let token = client.text("registration_access_token");
        assert!(!setup.is_accepted(token).await);
        let form = Form::of(&[("token", token)]);
        let authorization = basic(client.text("client_id"), client.text("client_secret"));
        let described = setup.post("/oauth/introspect", &form, Some(&authorization)).await.expect_ok();
        assert_eq!(described.json, json!({ "active": false }));
        setup
            .post("/oauth/revoke", &form, Some(&basic(client.text("client_id"), token)))
            .await
            .expect_error(401, "invalid_client");
        assert_eq!(setup.post("/oauth/revoke", &form, Some(&authorization)).await.status, 200);
        read(&setup, &client).await.expect_ok();
    }

    // DCM-011
    async fn a_code_dies_with_its_redirect_uri(setup) {
        let (client, metadata) = registered(&setup, "none").await;
        let code = setup.code_for(&request(&setup, &client)).await;
        replace(&setup, &client, &with(&metadata, "redirect_uris", json!(["https://new.test/other"])))
            .await
            .expect_ok();
        setup.token(&exchange(&setup, &client, &code)).await.expect_error(400, "invalid_grant");
        setup.token(&exchange(&setup, &client, &code).without("redirect_uri")).await.expect_error(400, "invalid_grant");
        replace(&setup, &client, &metadata).await.expect_ok();
        setup.token(&exchange(&setup, &client, &code)).await.expect_ok();
    }

    // CONS-007
    async fn a_client_that_replaced_its_registration_is_asked_about_again(setup) {
        let (client, metadata) = registered(&setup, "none").await;
        let asks = async || {
            let pending = setup.pending(&request(&setup, &client)).await.unwrap();
            matches!(setup.server.recall(pending, &setup.alice).await.unwrap(), Recall::Ask(_))
        };
        let code = setup.code_for(&request(&setup, &client)).await;
        setup.token(&exchange(&setup, &client, &code)).await.expect_ok();
        assert!(!asks().await);
        for (member, value) in [("client_name", "Your Bank"), ("logo_uri", "https://bank.test/logo.png")] {
            setup.clock.advance(Duration::from_secs(1));
            replace(&setup, &client, &with(&metadata, member, json!(value))).await.expect_ok();
            assert!(asks().await, "{member}");
            let code = setup.code_for(&request(&setup, &client)).await;
            setup.token(&exchange(&setup, &client, &code)).await.expect_ok();
            assert!(!asks().await, "{member}");
        }
    }

    // A replacement by the client does not undo what the operator decided.
    async fn a_replacement_keeps_what_the_operator_decided(setup) {
        let (client, metadata) = registered(&setup, "none").await;
        setup.change(client.text("client_id"), |client| client.with_refresh_policy(RefreshPolicy::Never)).await;
        replace(&setup, &client, &metadata).await.expect_ok();
        let stored = setup.server.client(&client.text("client_id").parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(stored.policies().refresh_policy(), Some(&RefreshPolicy::Never));
        assert_eq!(stored.vetting(), Vetting::SelfRegistered);
    }

    // HTTP-003
    async fn a_registration_is_managed_with_get_put_and_delete(setup) {
        let (client, _) = registered(&setup, "none").await;
        for method in [Method::POST, Method::PATCH, Method::HEAD] {
            let token = client.text("registration_access_token");
            let answer = manage(&setup, method.clone(), client.text("client_id"), Some(token), &Value::Null).await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("GET, PUT, DELETE")), "{method}");
        }
        for path in ["/oauth/register/", "/oauth/register/x/y", "/oauth/registerx"] {
            let request = Request::get(path).body(String::new()).unwrap();
            assert_eq!(setup.send(request).await.status, 404, "{path}");
        }
    }
}
