//! Requests to the token endpoint, whatever they ask for (protocol 4.1).

use grantor::client::ClientStatus;

use crate::support::{Form, SECRET, Setup, basic};

on_both_stores! {
    // TOK-001, HTTP-008, HTTP-012
    async fn a_request_without_a_grant_type_is_invalid(setup) {
        let baseline = setup.exchange("pub", &setup.code("pub").await);
        for form in [
            baseline.clone().without("grant_type"),
            baseline.clone().set("grant_type", ""),
            baseline.clone().without("grant_type").and("Grant_Type", "authorization_code"),
            Form::default(),
        ] {
            setup.token(&form).await.expect_error(400, "invalid_request");
        }
        setup.token(&baseline).await.expect_ok();
    }

    // TOK-002, TOK-003
    async fn a_grant_type_that_does_not_exist_here_is_unsupported(setup) {
        let baseline =
            setup.exchange("web", &setup.code("web").await).and("username", "alice").and("password", "hunter2");
        for grant_type in [
            "foo",
            "urn:x",
            "password",
            "implicit",
            "code",
            "AUTHORIZATION_CODE",
            " authorization_code",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ] {
            let answer = setup.token(&baseline.clone().set("grant_type", grant_type)).await;
            assert_eq!(answer.json["error"], "unsupported_grant_type", "{grant_type}");
            answer.expect_error(400, "unsupported_grant_type");
        }
        setup.token(&baseline).await.expect_ok();
    }

    // TOK-004
    async fn a_client_is_held_to_its_grant_types(setup) {
        for (client, form) in [
            ("pub", Form::of(&[("grant_type", "client_credentials")])),
            ("web", Form::of(&[("grant_type", "client_credentials")])),
            ("svc", Form::of(&[("grant_type", "authorization_code"), ("code", "x")])),
            ("svc", Form::of(&[("grant_type", "refresh_token"), ("refresh_token", "x")])),
        ] {
            let answer = setup.token(&setup.identify(client, form.clone())).await;
            assert_eq!(answer.json["error"], "unauthorized_client", "{client} {form:?}");
            answer.expect_error(400, "unauthorized_client");
        }
    }

    // TOK-005
    async fn nothing_is_said_of_codes_and_tokens_before_the_client_is_authenticated(setup) {
        let (code, tokens) = (setup.code("web").await, setup.tokens("web").await);
        for code in ["bogus", &code] {
            for form in [
                setup.exchange("nobody", code),
                setup.exchange("nobody", code).without("client_secret"),
                setup.exchange("web", code).set("client_secret", "wrong"),
                setup.exchange("web", code).without("client_secret"),
                setup.exchange("web", code).without("client_secret").without("code"),
            ] {
                setup.token(&form).await.expect_error(401, "invalid_client");
            }
        }
        for token in ["bogus", tokens.text("refresh_token")] {
            setup.token(&setup.refresh("nobody", token)).await.expect_error(401, "invalid_client");
            setup
                .token(&setup.refresh("web", token).set("client_secret", "wrong"))
                .await
                .expect_error(401, "invalid_client");
        }
    }

    // TOK-005
    async fn the_grant_type_is_checked_before_the_client_and_the_clients_grants_before_the_grant(setup) {
        let unknown = Form::of(&[("grant_type", "foo"), ("client_id", "nobody")]);
        setup.token(&unknown).await.expect_error(400, "unsupported_grant_type");
        setup.token(&unknown.without("client_id")).await.expect_error(400, "unsupported_grant_type");
        let without_code = setup.identify("svc", Form::of(&[("grant_type", "authorization_code")]));
        setup.token(&without_code).await.expect_error(400, "unauthorized_client");
    }

    // TOK-006
    async fn a_missing_parameter_of_the_grant_is_an_invalid_request(setup) {
        for client in ["pub", "web"] {
            let exchange = setup.exchange(client, "x");
            let refresh = setup.refresh(client, "x");
            for form in [
                exchange.clone().without("code"),
                exchange.set("code", ""),
                refresh.clone().without("refresh_token"),
                refresh.set("refresh_token", ""),
            ] {
                let answer = setup.token(&form).await;
                assert_eq!(answer.status, 400, "{form:?}");
                answer.expect_error(400, "invalid_request");
            }
        }
    }

    // TOK-008, HTTP-009, HTTP-011
    async fn parameters_of_other_grants_and_unknown_ones_are_ignored(setup) {
        let exchange = setup.exchange("pub", &setup.code("pub").await).and("refresh_token", "x").and("username", "x");
        let exchange = exchange.and("foo", "1").and("foo", "2").and("assertion", "x").and("state", "x");
        let tokens = setup.token(&exchange).await.expect_ok();
        let refresh = setup.refresh("pub", tokens.text("refresh_token")).and("code", "x").and("code_verifier", "x");
        setup.token(&refresh.and("redirect_uri", "https://evil.test").and("foo", "bar")).await.expect_ok();
        let own = setup
            .identify("svc", Form::of(&[("grant_type", "client_credentials"), ("code", "x"), ("refresh_token", "x")]));
        setup.token(&own).await.expect_ok();
    }

    // HTTP-010
    async fn a_parameter_that_comes_twice_is_refused_and_spends_nothing(setup) {
        let exchange = setup.exchange("web", &setup.code("web").await).and("scope", "read");
        for name in ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret", "scope"] {
            let value = exchange.get(name).unwrap_or_else(|| panic!("{name} is in the baseline")).to_owned();
            for twice in [value.as_str(), "other", ""] {
                let answer = setup.token(&exchange.clone().and(name, twice)).await;
                assert_eq!(answer.status, 400, "{name} {twice}");
                answer.expect_error(400, "invalid_request");
            }
        }
        let tokens = setup.token(&exchange).await.expect_ok();
        let refresh = setup.refresh("web", tokens.text("refresh_token"));
        let twice = refresh.clone().and("refresh_token", tokens.text("refresh_token"));
        setup.token(&twice).await.expect_error(400, "invalid_request");
        setup.token(&refresh).await.expect_ok();
    }

    // HTTP-007
    async fn what_cannot_be_decoded_is_refused_and_not_replaced(setup) {
        for garbage in ["code=%ZZ", "code=%", "code=%4", "code=%FF%FE", "code=%00", "%FF=1", "client_id=%C3%28"] {
            let body =
                format!("{}&{garbage}", setup.exchange("pub", "x").without("code").without("client_id").encode());
            let request =
                http::Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
            let answer = setup.send(request.body(body).unwrap()).await;
            assert_eq!(answer.status, 400, "{garbage}");
            answer.expect_error(400, "invalid_request");
        }
    }

    // TOK-009, RT-031
    async fn a_disabled_client_gets_nothing_until_it_is_enabled_again(setup) {
        for (client, enabled) in [("pub", false), ("web", true)] {
            let (code, tokens) = (setup.code(client).await, setup.tokens(client).await);
            setup.change(client, |client| client.with_status(ClientStatus::Disabled)).await;
            setup.token(&setup.exchange(client, &code)).await.expect_error(401, "invalid_client");
            setup.token(&setup.refresh(client, tokens.text("refresh_token"))).await.expect_error(401, "invalid_client");
            setup.revoke(client, tokens.text("access_token")).await.expect_error(401, "invalid_client");
            if enabled {
                setup.introspect(client, tokens.text("access_token")).await.expect_error(401, "invalid_client");
            }
            setup.change(client, |client| client.with_status(ClientStatus::Enabled)).await;
            setup.token(&setup.exchange(client, &code)).await.expect_ok();
            setup.refreshed(client, tokens.text("refresh_token")).await;
        }
        setup.change("svc", |client| client.with_status(ClientStatus::Disabled)).await;
        let own = setup.identify("svc", Form::of(&[("grant_type", "client_credentials")]));
        setup.token(&own).await.expect_error(401, "invalid_client");
    }

    // TOK-009, CODE-017, RT-019, RT-031
    async fn a_disabled_user_is_cut_off_everywhere_at_once(setup) {
        let (code, tokens) = (setup.code("web").await, setup.tokens("pub").await);
        assert_eq!(setup.server.revoke_subject(&setup.alice).await.unwrap(), 2);
        setup.token(&setup.exchange("web", &code)).await.expect_error(400, "invalid_grant");
        setup.token(&setup.refresh("pub", tokens.text("refresh_token"))).await.expect_error(400, "invalid_grant");
        assert!(!setup.is_accepted(tokens.text("access_token")).await);
        let own = setup.own_token("svc").await;
        assert!(setup.is_accepted(own.text("access_token")).await);
    }

    // HTTP-020
    async fn the_answer_is_json_whatever_the_client_accepts(setup) {
        for accept in ["text/html", "application/x-www-form-urlencoded", "image/png"] {
            let request = http::Request::post("/oauth/token")
                .header("content-type", "application/x-www-form-urlencoded")
                .header("authorization", basic("svc", SECRET))
                .header("accept", accept)
                .body("grant_type=client_credentials".to_owned());
            setup.send(request.unwrap()).await.expect_ok();
        }
    }
}
