//! AppAuth, Spring Security, requests-oauthlib, Authlib, Laravel Socialite.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use super::{exchanged, text};
use crate::testkit::Form;
use crate::testkit::protocol::rows::metadata::{expect_absent, path_of};
use crate::testkit::protocol::rows::registration::{expect_refused, with};
use crate::testkit::protocol::{Decision, Feature, authorization, basic, identified, random};

rows! {
    $ __protocol_rows_real_clients_libraries;

    /// AppAuth for Android throws for a null `expires_in`, keeps the text "null", and takes any `error` for a failure.
    ["CLI-036", Must, "practice: AppAuth-Android"]
    async fn cli_036_a_token_response_has_no_null(run) {
        for client in [&run.profile().public, &run.profile().native] {
            let reply = exchanged(run, client).await?;
            let members = reply.expect_ok()?;
            let nulls = members.values().filter(|value| value.is_null()).count();
            ensure!(nulls == 0 && !reply.text().contains("null"), "{nulls} members are null");
            ensure!(members.get("expires_in").is_some_and(Value::is_i64), "there is no expires_in");
        }
    }

    /// AppAuth for Android wants the end of a secret with it, and the registration token with its place.
    ["CLI-039", Must, "practice: AppAuth-Android"]
    async fn cli_039_a_registration_has_no_half(run) {
        for method in ["none", "client_secret_basic"] {
            let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!(method));
            let members = run.registered(&metadata).await?.metadata;
            for (one, other) in [
                ("client_secret", "client_secret_expires_at"),
                ("registration_access_token", "registration_client_uri"),
            ] {
                let (one, other) = (members.contains_key(one), members.contains_key(other));
                ensure!(one == other, "{method}: a half is missing");
            }
            ensure!(members.contains_key("client_secret") == (method != "none"), "{method}: the secret");
        }
    }

    /// AppAuth for iOS wants exactly a 200, reads the error of a 4xx, and ignores members of wrong types.
    ["CLI-040", Must, "practice: AppAuth-iOS"]
    async fn cli_040_members_have_their_types_and_errors_are_4xx(run) {
        let client = &run.profile().native;
        let members = exchanged(run, client).await?.expect_ok()?;
        for member in ["access_token", "token_type", "scope", "refresh_token"] {
            text(&members, member)?;
        }
        ensure!(members.get("expires_in").is_some_and(Value::is_i64), "expires_in is {:?}", members.get("expires_in"));
        let error = run.token(&run.exchange(client, "xyz")).await?;
        error.expect_error(400, "invalid_grant")?;
    }

    /// AppAuth for iOS takes a 200 or 201 for a registration, and reads an error from a 400 only.
    ["CLI-041", Must, "practice: AppAuth-iOS"]
    async fn cli_041_a_refused_registration_is_a_400(run) {
        run.registered(&run.client_metadata()).await?;
        for (member, value, code) in [
            ("redirect_uris", json!([]), "invalid_redirect_uri"),
            ("redirect_uris", json!(["http://new.test/cb"]), "invalid_redirect_uri"),
            ("grant_types", json!(5), "invalid_client_metadata"),
        ] {
            let reply = run.register(&with(run.client_metadata(), member, value)).await?;
            expect_refused(member, &reply, &[code, "invalid_client_metadata"])?;
        }
    }

    /// Spring Security wants JSON, `Bearer` and `expires_in`; without that a token lives for a second.
    ["CLI-043", Must, "practice: Spring Security"]
    async fn cli_043_a_token_response_says_how_long_it_lives(run) {
        let client = &run.profile().web;
        let first = exchanged(run, client).await?;
        let refresh = text(&first.expect_ok()?, "refresh_token")?.to_owned();
        let mut replies = vec![first, run.token(&run.refresh(client, &refresh)).await?];
        if run.profile().has(Feature::ClientCredentials) {
            let form = Form::of([("grant_type", "client_credentials")]);
            replies.push(run.token(&identified(&run.profile().service, form)).await?);
        }
        for reply in replies {
            let members = reply.expect_ok()?;
            let kind = reply.header(&CONTENT_TYPE).unwrap_or_default();
            ensure!(kind.starts_with("application/json"), "the content type is {kind:?}");
            ensure!(text(&members, "token_type")?.eq_ignore_ascii_case("bearer"), "the type is unknown");
            let expires_in = members.get("expires_in").and_then(Value::as_u64);
            ensure!(expires_in.is_some_and(|seconds| seconds > 1), "expires_in is {expires_in:?}");
        }
    }

    /// Spring Security reads an error from a 400 only, and not if that has a challenge.
    ["CLI-044", Must, "practice: Spring Security"]
    async fn cli_044_a_400_has_no_challenge(run) {
        let (client, token) = (&run.profile().web, &run.profile().endpoints.token);
        exchanged(run, client).await?.expect_ok()?;
        let refresh = Form::of([("grant_type", "refresh_token"), ("refresh_token", "xyz")]);
        for (form, headers) in [
            (run.exchange(client, "xyz"), HeaderMap::new()),
            (refresh.clone(), basic(client)),
            (refresh.and("scope", &random()), basic(client)),
            (identified(client, Form::of([("grant_type", "nope")])), HeaderMap::new()),
        ] {
            let reply = run.post(token, &form, headers).await?;
            reply.expect_status(400)?.expect_no_header(&WWW_AUTHENTICATE)?;
            text(&reply.expect_json()?, "error")?;
        }
    }

    /// Spring Security looks at the places of OpenID Connect before it looks at that of OAuth, and compares the issuer
    /// as text.
    ["CLI-045", Must, "practice: Spring Security"]
    async fn cli_045_the_third_place_is_reached_and_names_the_issuer(run) {
        let path = path_of(&run.profile().issuer);
        let openid = "/.well-known/openid-configuration";
        let mut found = None;
        for place in [format!("{path}{openid}"), format!("{openid}{path}"), run.metadata_address()] {
            let reply = run.get(&place).await?;
            if reply.status() == 200 {
                let told = serde_json::from_str::<Value>(&reply.text()).unwrap_or_default();
                found = told.get("issuer").and_then(Value::as_str).map(ToOwned::to_owned);
                break;
            }
            expect_absent(&place, &reply)?;
        }
        ensure!(found.as_deref() == Some(&run.profile().issuer), "the first metadata found is of the issuer {found:?}");
    }

    /// Spring Security URL-encodes the credentials in Basic, and falls back to the body, then to none.
    ["CLI-046", Must, "practice: Spring Security"]
    async fn cli_046_basic_body_and_none_work(run) {
        let token = &run.profile().endpoints.token;
        let encoded = &run.profile().encoded;
        let exchange = run.exchange(encoded, &run.code(encoded).await?);
        let form = exchange.without("client_id").without("client_secret");
        run.post(token, &form, HeaderMap::new()).await?.expect_error(401, "invalid_client")?;
        run.post(token, &form, basic(encoded)).await?.expect_ok()?;
        for client in [encoded, &run.profile().public] {
            exchanged(run, client).await?.expect_ok()?;
        }
        let methods = run.metadata().await?.get("token_endpoint_auth_methods_supported").cloned();
        for method in ["client_secret_basic", "client_secret_post", "none"] {
            let listed = methods.as_ref().and_then(Value::as_array).is_some_and(|all| all.contains(&json!(method)));
            ensure!(listed, "{method} is not listed: {methods:?}");
        }
    }

    /// requests-oauthlib fails if the scope that it gets is not what it asked for.
    ["CLI-047", Must, "practice: requests-oauthlib"]
    async fn cli_047_the_scope_that_is_asked_for_comes_back(run) {
        let (client, scopes) = (&run.profile().web, &run.profile().scopes);
        for asked in [
            scopes.default.clone(),
            scopes.write.clone(),
            format!("{} {}", scopes.default, scopes.write),
            format!("{} {}", scopes.write, scopes.default),
        ] {
            let request = run.request(client).with("scope", &asked);
            let code = run.decide(&request, &Decision::Approve).await?.expect_code(&request)?;
            let tokens = run.tokens_for(&run.exchange(client, &code)).await?;
            ensure!(tokens.scope == asked, "asked for {asked:?}, got {:?}", tokens.scope);
            let again = run.tokens_for(&run.refresh(client, &tokens.refresh)).await?;
            ensure!(again.scope == asked, "a refresh of {asked:?} gives {:?}", again.scope);
        }
    }

    /// requests-oauthlib sends Basic without any encoding, and for a public client with an empty password.
    ["CLI-048", Should, "practice: requests-oauthlib"]
    async fn cli_048_basic_may_be_raw(run) {
        let token = &run.profile().endpoints.token;
        for client in [&run.profile().encoded, &run.profile().web] {
            let exchange = run.exchange(client, &run.code(client).await?);
            let form = exchange.without("client_id").without("client_secret");
            let secret = client.secret.as_deref().unwrap_or_default();
            let wrong = STANDARD.encode(format!("{}:{secret}x", client.id));
            let refused = run.post(token, &form, authorization(&format!("Basic {wrong}"))?).await?;
            refused.expect_error(401, "invalid_client")?;
            let raw = STANDARD.encode(format!("{}:{secret}", client.id));
            run.post(token, &form, authorization(&format!("Basic {raw}"))?).await?.expect_ok()?;
        }
        let public = &run.profile().public;
        let exchange = run.exchange(public, &run.code(public).await?);
        let empty = STANDARD.encode(format!("{}:", public.id));
        let reply = run.post(token, &exchange, authorization(&format!("Basic {empty}"))?).await?;
        if reply.status() != 200 {
            reply.expect_error(401, "invalid_client")?;
            run.tokens_for(&exchange).await?;
        }
    }

    /// Authlib refreshes with the scope that it asked for, and a null in place of a refresh token makes it forget that.
    ["CLI-050", Must, "practice: Authlib"]
    async fn cli_050_a_refresh_with_the_scope_that_was_asked_for_works(run) {
        let (client, scopes) = (&run.profile().web, &run.profile().scopes);
        let asked = format!("{} {}", scopes.default, scopes.write);
        let request = run.request(client).with("scope", &asked);
        let mut tokens = run.tokens_for(&run.exchange(client, &run.code_for(&request).await?)).await?;
        for _ in 0..2 {
            let reply = run.token(&run.refresh(client, &tokens.refresh).and("scope", &asked)).await?;
            let members = reply.expect_ok()?;
            ensure!(!members.get("refresh_token").is_some_and(Value::is_null), "the refresh token is null");
            if let Some(next) = members.get("refresh_token").and_then(Value::as_str) {
                next.clone_into(&mut tokens.refresh);
            }
        }
    }

    /// Authlib gives up on a 5xx before it reads it: what a client does wrong is a 4xx.
    ["CLI-051", Must, "practice: Authlib"]
    async fn cli_051_what_a_client_does_wrong_is_a_4xx(run) {
        let (client, token) = (&run.profile().web, &run.profile().endpoints.token);
        let long = "x".repeat(20_000);
        let tokens = run.tokens(client).await?;
        for value in ["", "é", "\u{0}", "%00", "'; DROP TABLE tokens; --", "../../etc/passwd", &long, "{}", "[]"] {
            for (name, form) in [
                ("code", run.exchange(client, "x")),
                ("code_verifier", run.exchange(client, "x")),
                ("redirect_uri", run.exchange(client, "x")),
                ("client_id", run.exchange(client, "x")),
                ("client_secret", run.exchange(client, "x")),
                ("grant_type", run.exchange(client, "x")),
                ("refresh_token", run.refresh(client, "x")),
                ("scope", run.refresh(client, "x")),
                ("resource", run.refresh(client, "x")),
            ] {
                let reply = run.post(token, &form.with(name, value), HeaderMap::new()).await?;
                reply.expect_refusal()?;
                text(&reply.expect_json()?, "error")?;
            }
        }
        run.tokens_for(&run.refresh(client, &tokens.refresh)).await?;
    }

    /// Socialite sends its credentials in the body, an empty secret too, and joins scope tokens by commas: that is an
    /// `invalid_scope`.
    ["CLI-052", Must, "practice: Laravel Socialite"]
    async fn cli_052_an_empty_secret_is_none_and_commas_are_no_separator(run) {
        let (public, scopes) = (&run.profile().public, &run.profile().scopes);
        let form = run.exchange(public, &run.code(public).await?).and("client_secret", "");
        run.tokens_for(&form).await?;
        exchanged(run, &run.profile().web).await?.expect_ok()?;
        let request = run.request(public).with("scope", &format!("{},{}", scopes.default, scopes.write));
        run.approve(&request).await?.expect_redirect_error(&request, "invalid_scope")?;
    }

    /// oauthlib and Authlib take `expires_at` for the end of the token: it is not there.
    ["CLI-063", Must, "practice: oauthlib, Authlib"]
    async fn cli_063_there_is_no_expires_at(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let members = exchanged(run, client).await?.expect_ok()?;
            ensure!(!members.contains_key("expires_at"), "expires_at is {:?}", members.get("expires_at"));
            let refresh = text(&members, "refresh_token")?;
            let members = run.token(&run.refresh(client, refresh)).await?.expect_ok()?;
            ensure!(!members.contains_key("expires_at"), "expires_at is {:?}", members.get("expires_at"));
        }
    }
}
