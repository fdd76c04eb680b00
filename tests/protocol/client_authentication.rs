//! How a client proves who it is, at every endpoint that asks (protocol 4.2 and appendix A.2).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use grantor::client::{Client, ClientAuthentication, SecretAuthentication};
use grantor::clock::Clock as _;
use grantor::secret::SecretHash;

use crate::support::{Answer, ENC_SECRET, Form, SECRET, Setup, basic, like_web};

/// The endpoints that authenticate a client, with a request that a client of any kind may make there (CAUTH-025).
fn endpoints() -> [(&'static str, Form); 3] {
    [
        ("/oauth/token", Form::of(&[("grant_type", "refresh_token"), ("refresh_token", "x")])),
        ("/oauth/revoke", Form::of(&[("token", "x")])),
        ("/oauth/introspect", Form::of(&[("token", "x")])),
    ]
}

/// Whether the answer is about the request, so that its client was authenticated; else it must be about the client.
#[track_caller]
fn is_authenticated(path: &str, answer: Answer) -> bool {
    match answer.json["error"].as_str() {
        None => answer.expect_ok(),
        Some("invalid_grant") if path == "/oauth/token" => answer.expect_error(400, "invalid_grant"),
        Some(_) => {
            let answer = answer.expect_error(401, "invalid_client");
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, Some("Basic realm=\"as.test\""), "{answer:?}");
            return false;
        }
    };
    true
}

/// The confidential client `id`, registered with the operator's own secret.
fn confidential(id: &str, secret: &str) -> Client {
    like_web(id).with_authentication(ClientAuthentication::Secret(SecretAuthentication::new(SecretHash::of(secret))))
}

on_both_stores! {
    // CAUTH-001, CAUTH-002, CAUTH-019, CAUTH-025
    async fn a_secret_may_come_in_the_header_or_in_the_body(setup) {
        for (path, form) in endpoints() {
            let answer = setup.post(path, &form, Some(&basic("web", SECRET))).await;
            assert!(is_authenticated(path, answer));
            let answer = setup.post(path, &setup.identify("web", form), None).await;
            assert!(is_authenticated(path, answer));
        }
        let exchange = setup.exchange("web", &setup.code("web").await).without("client_id").without("client_secret");
        setup.post("/oauth/token", &exchange, Some(&basic("web", SECRET))).await.expect_ok();
    }

    // CAUTH-003, CAUTH-004, CAUTH-025, CLI-007, CLI-016, CLI-021, CLI-035, CLI-048
    async fn the_header_is_understood_in_every_encoding_that_clients_use(setup) {
        setup.add(confidential("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw")).await;
        setup.add(confidential("c1", "p%ss w+rd:é")).await;
        setup.add(confidential("my-client_1.a~b", "s")).await;
        setup.add(confidential("a:b", "c")).await;
        setup.add(confidential("plus", "a+b")).await;
        let over_escaped = STANDARD.encode("my%2Dclient%5F1%2Ea%7Eb:s");
        let colon = STANDARD.encode("a%3Ab:c");
        let plus = STANDARD.encode("plus:a+b");
        for credentials in [
            "czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3",
            "MVBwRyUyRlErMTp6JTJGdFo5VndGWnFBcG1JUSUyQlpIMUk1cExrJTJGdUI0dWQlM0FYMiUyRjhiTCUyQndmRlR0MXJGdyUzRA==",
            "YzE6cCUyNXNzK3clMkJyZCUzQSVDMyVBOQ==",
            "YzE6cCUyNXNzJTIwdyUyQnJkJTNBJUMzJUE5",
            "YzE6cCVzcyB3K3JkOsOp",
            &over_escaped,
            &colon,
            &plus,
        ] {
            for (path, form) in endpoints() {
                let answer = setup.post(path, &form, Some(&format!("Basic {credentials}"))).await;
                assert!(is_authenticated(path, answer), "{path} {credentials}");
            }
        }
    }

    // CAUTH-003, CAUTH-004, ATK-065
    async fn reading_leniently_lets_no_wrong_secret_and_no_other_client_in(setup) {
        setup.add(confidential("c1", "p%ss w+rd:é")).await;
        setup.add(confidential("a:b", "c")).await;
        setup.add(confidential("a", "b:c")).await;
        for credentials in [
            "c1:p%ss w rd:é",
            "c1:p%ss+w+rd:é",
            "c1:p%25ss w+rd",
            "c1:p%ss w+rd:%C3",
            "c1:",
            "c1:%",
            // The first colon separates; after decoding there are more, and they separate nothing.
            "a%3Ab:b:c",
            "a:c",
            "web%00:7Fjfp0ZBr1KtDRbnfVdmIw",
        ] {
            for (path, form) in endpoints() {
                let answer = setup.post(path, &form, Some(&format!("Basic {}", STANDARD.encode(credentials)))).await;
                assert!(!is_authenticated(path, answer), "{path} {credentials}");
            }
        }
        let (path, form) = ("/oauth/introspect", Form::of(&[("token", "x")]));
        for (id, credentials) in [("a:b", "a%3Ab:c"), ("a", "a:b:c")] {
            let own = form.clone().and("client_id", id);
            let answer = setup.post(path, &own, Some(&format!("Basic {}", STANDARD.encode(credentials)))).await;
            assert!(is_authenticated(path, answer), "{id}");
        }
    }

    // CAUTH-005
    async fn an_escape_that_cannot_be_decoded_stands_for_itself(setup) {
        setup.add(confidential("c1", "100%")).await;
        for (secret, right) in [("100%", true), ("100%25", true), ("100", false), ("%", false), ("%zz", false)] {
            for (path, form) in endpoints() {
                let answer =
                    setup.post(path, &form, Some(&format!("Basic {}", STANDARD.encode(format!("c1:{secret}"))))).await;
                assert_eq!(is_authenticated(path, answer), right, "{path} {secret}");
            }
        }
    }

    // CAUTH-006
    async fn the_name_of_the_scheme_has_no_case_and_any_number_of_spaces_follows(setup) {
        let credentials = basic("web", SECRET).split_off("Basic ".len());
        for header in
            ["Basic ", "basic ", "BASIC ", "bAsIc ", "Basic   "].map(|scheme| format!("{scheme}{credentials}"))
        {
            let answer = setup.post("/oauth/introspect", &Form::of(&[("token", "x")]), Some(&header)).await;
            assert!(is_authenticated("/oauth/introspect", answer), "{header}");
        }
    }

    // CAUTH-007, ATK-065
    async fn a_header_that_cannot_be_decoded_fails_cleanly(setup) {
        let no_utf_8 = STANDARD.encode(b"web:\xFF\xFE");
        let nul = STANDARD.encode("web\0:x");
        let no_colon = STANDARD.encode("web");
        let url_safe = URL_SAFE.encode("web:>>>???");
        assert!(url_safe.contains(['-', '_']));
        for credentials in ["!!!", "Zm9v", "", "=", "Zm9vOg=x", &no_utf_8, &nul, &no_colon, &url_safe] {
            for (path, form) in endpoints() {
                let answer = setup.post(path, &form, Some(&format!("Basic {credentials}"))).await;
                assert!(!is_authenticated(path, answer), "{path} {credentials}");
            }
        }
        let (path, form) = ("/oauth/introspect", Form::of(&[("token", "x")]));
        assert!(!is_authenticated(path, setup.post(path, &form, Some("Basic")).await));
        let tab = basic("web", SECRET).replace(' ', "\t");
        assert!(!is_authenticated(path, setup.post(path, &form, Some(&tab)).await));
        // Missing padding is decided to be fine, and means the same.
        let unpadded = format!("Basic {}", STANDARD_NO_PAD.encode(format!("web:{SECRET}")));
        assert!(is_authenticated(path, setup.post(path, &form, Some(&unpadded)).await));
    }

    // CAUTH-008, CAUTH-009, CAUTH-013, CAUTH-014, CAUTH-015, CAUTH-025
    async fn whoever_cannot_prove_who_it_is_gets_401_and_a_challenge(setup) {
        let header = |id: &str, secret: &str| (Form::default(), Some(basic(id, secret)));
        let body = |pairs: &[(&str, &str)]| (Form::of(pairs), None);
        for (identity, authorization) in [
            header("web", "wrong"),
            header("web", ""),
            header("nobody", SECRET),
            header("", ""),
            // A secret of a public client is no proof of anything.
            header("pub", SECRET),
            body(&[("client_id", "nobody")]),
            body(&[("client_id", "nobody"), ("client_secret", SECRET)]),
            body(&[("client_id", "web")]),
            body(&[("client_id", "web"), ("client_secret", "")]),
            body(&[("client_id", "web"), ("client_secret", "wrong")]),
            body(&[("client_id", "WEB"), ("client_secret", SECRET)]),
            body(&[("client_id", "pub"), ("client_secret", "whatever")]),
            body(&[("client_secret", SECRET)]),
            body(&[("client_id", "é"), ("client_secret", SECRET)]),
            body(&[]),
        ] {
            for (path, form) in endpoints() {
                let form = ["client_id", "client_secret"].iter().fold(form, |form, name| match identity.get(name) {
                    Some(value) => form.and(name, value),
                    None => form,
                });
                let answer = setup.post(path, &form, authorization.as_deref()).await;
                assert!(!is_authenticated(path, answer), "{path} {identity:?} {authorization:?}");
            }
        }
    }

    // CAUTH-010, CAUTH-012, CAUTH-025, ATK-066
    async fn two_ways_of_authenticating_are_refused_even_if_both_are_right(setup) {
        let right = basic("web", SECRET);
        let assertion = [("client_assertion", "e30.e30.x"), ("client_id", "web")];
        for (identity, authorization) in [
            (Form::of(&[("client_secret", SECRET)]), Some(right.as_str())),
            (Form::of(&[("client_id", "web"), ("client_secret", SECRET)]), Some(&right)),
            (Form::of(&assertion), Some(&right)),
            (Form::of(&assertion).and("client_secret", SECRET), None),
            (Form::of(&[("client_id", "other")]), Some(&right)),
            (Form::of(&[("client_id", "other"), ("client_secret", SECRET)]), Some(&right)),
            (Form::of(&[("client_id", "pub")]), Some(&right)),
        ] {
            for (path, form) in endpoints() {
                let form = ["client_id", "client_secret", "client_assertion"].iter().fold(form, |form, name| {
                    identity.get(name).into_iter().fold(form, |form, value| form.and(name, value))
                });
                let answer = setup.post(path, &form, authorization).await;
                assert_eq!(answer.status, 400, "{path} {identity:?}");
                answer.expect_error(400, "invalid_request");
            }
        }
        let exchange = setup.exchange("web", &setup.code("web").await);
        setup.post("/oauth/token", &exchange, Some(&right)).await.expect_error(400, "invalid_request");
        setup.token(&exchange).await.expect_ok();
    }

    // CAUTH-011
    async fn the_header_and_the_same_client_id_in_the_body_are_one_way(setup) {
        for (path, form) in endpoints() {
            for (id, secret) in [("web", SECRET), ("1PpG/Q 1", ENC_SECRET)] {
                let answer = setup.post(path, &form.clone().and("client_id", id), Some(&basic(id, secret))).await;
                assert!(is_authenticated(path, answer), "{path} {id}");
            }
        }
    }

    // CAUTH-016, HTTP-008, CLI-031, CLI-048
    async fn an_empty_secret_of_a_public_client_is_none(setup) {
        let exchange = setup.exchange("pub", &setup.code("pub").await).without("client_id");
        let tokens = setup.post("/oauth/token", &exchange, Some(&basic("pub", ""))).await.expect_ok();
        let refresh = setup.refresh("pub", tokens.text("refresh_token"));
        setup.token(&refresh.and("client_secret", "")).await.expect_ok();
    }

    // CAUTH-017, CLI-031
    async fn a_failed_authentication_spends_nothing(setup) {
        let exchange = setup.exchange("web", &setup.code("web").await);
        for _ in 0..10 {
            setup.token(&exchange.clone().set("client_secret", "wrong")).await.expect_error(401, "invalid_client");
        }
        let tokens = setup.token(&exchange).await.expect_ok();
        let refresh = setup.refresh("web", tokens.text("refresh_token"));
        for _ in 0..10 {
            setup.token(&refresh.clone().without("client_secret")).await.expect_error(401, "invalid_client");
        }
        let refreshed = setup.token(&refresh).await.expect_ok();
        // Neither is it a replay.
        setup.token(&refresh.set("client_secret", "wrong")).await.expect_error(401, "invalid_client");
        setup.token(&exchange.set("client_secret", "wrong")).await.expect_error(401, "invalid_client");
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        assert!(setup.can_refresh("web", refreshed.text("refresh_token")).await);
    }

    // CAUTH-018, ATK-067
    async fn a_client_cannot_choose_another_way_than_its_own(setup) {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        for (path, form) in endpoints() {
            for id in ["web", "pub"] {
                let form = form
                    .clone()
                    .and("client_id", id)
                    .and("client_assertion_type", kind)
                    .and("client_assertion", "e30.e30.x");
                assert!(!is_authenticated(path, setup.post(path, &form, None).await), "{path} {id}");
            }
        }
    }

    // CAUTH-021
    async fn an_expired_secret_fails(setup) {
        let expires_at = setup.clock.now().saturating_add(Duration::from_secs(60));
        let secret = SecretAuthentication::new(SecretHash::of(SECRET)).with_expiry(expires_at);
        setup.add(like_web("expiring").with_authentication(ClientAuthentication::Secret(secret))).await;
        let form = Form::of(&[("token", "x")]);
        for (wait, accepted) in [(0, true), (59, true), (1, false), (1_000, false)] {
            setup.clock.advance(Duration::from_secs(wait));
            let answer = setup.post("/oauth/introspect", &form, Some(&basic("expiring", SECRET))).await;
            assert_eq!(is_authenticated("/oauth/introspect", answer), accepted, "after {wait} more seconds");
        }
    }

    // CAUTH-022
    async fn two_secrets_are_valid_while_one_replaces_the_other(setup) {
        let end = setup.clock.now().saturating_add(Duration::from_secs(60));
        let rotated = SecretAuthentication::new(SecretHash::of("old")).rotated(SecretHash::of("new"), end);
        setup.change("web", |client| client.with_authentication(ClientAuthentication::Secret(rotated))).await;
        let form = Form::of(&[("token", "x")]);
        for (wait, secret, accepted) in
            [(0, "old", true), (0, "new", true), (0, "other", false), (60, "old", false), (0, "new", true)]
        {
            setup.clock.advance(Duration::from_secs(wait));
            let answer = setup.post("/oauth/introspect", &form, Some(&basic("web", secret))).await;
            assert_eq!(is_authenticated("/oauth/introspect", answer), accepted, "{secret}");
        }
    }

    // CAUTH-023, ATK-063
    async fn an_unknown_client_looks_like_a_wrong_secret(setup) {
        let code = setup.code("web").await;
        for form in
            [Form::of(&[("grant_type", "client_credentials")]), setup.exchange("web", &code).without("client_id")]
        {
            let form = form.without("client_secret");
            let as_basic = |id: &str| basic(id, "wrong");
            let known = setup.post("/oauth/token", &form, Some(&as_basic("web"))).await;
            let unknown = setup.post("/oauth/token", &form, Some(&as_basic("nobody"))).await;
            assert_eq!((known.status, &known.headers, &known.body), (unknown.status, &unknown.headers, &unknown.body));
            let post = |id: &str| form.clone().and("client_id", id).and("client_secret", "wrong");
            let (known, unknown) = (setup.token(&post("web")).await, setup.token(&post("nobody")).await);
            assert_eq!((known.status, &known.headers, &known.body), (unknown.status, &unknown.headers, &unknown.body));
            known.expect_error(401, "invalid_client");
        }
    }

    // CAUTH-024
    async fn another_scheme_is_not_taken_for_client_authentication(setup) {
        for header in ["Bearer x", "Basically x", "Digest username=web", "Negotiate", "x", ""] {
            let exchange = setup.exchange("pub", &setup.code("pub").await);
            setup.post("/oauth/token", &exchange, Some(header)).await.expect_ok();
            let confidential = setup.exchange("web", "x").without("client_secret");
            setup.post("/oauth/token", &confidential, Some(header)).await.expect_error(401, "invalid_client");
        }
    }

    // ATK-065
    async fn two_authorization_headers_are_refused(setup) {
        for (path, form) in endpoints() {
            let request = http::Request::post(path)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("authorization", basic("web", SECRET))
                .header("authorization", basic("web", SECRET));
            setup.send(request.body(form.encode()).unwrap()).await.expect_error(400, "invalid_request");
        }
    }
}
