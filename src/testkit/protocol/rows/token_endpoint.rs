//! Requests to the token endpoint, whatever they ask for (RFC 6749 §3.2, §5.2).
//!
//! | row | why it is not here |
//! |---|---|
//! | TOK-009 | the operator disables clients and users, by no request of OAuth |
//! | TOK-010 | guesses are throttled by source, and everything here has one |
//! | TOK-011 | a store that fails is not seen from outside |

use crate::testkit::Form;
use crate::testkit::protocol::{Feature, VERIFIER, basic, identified, random};

rows! {
    $ __protocol_rows_token_endpoint;

    /// A request without `grant_type` is an `invalid_request`. Names are case-sensitive, and an empty value is none.
    ["TOK-001", Must, "RFC 6749 §5.2; OAuth 2.1 §3.2.4"]
    async fn tok_001_a_missing_grant_type_is_an_invalid_request(run) {
        let client = &run.profile().public;
        let right = run.exchange(client, &run.code(client).await?);
        for wrong in [
            right.clone().without("grant_type"),
            right.clone().with("grant_type", ""),
            right.clone().without("grant_type").and("Grant_Type", "authorization_code"),
            Form::new(),
        ] {
            run.token(&wrong).await?.expect_error(400, "invalid_request")?;
        }
        run.token_with(&Form::new(), basic(&run.profile().web)).await?.expect_error(400, "invalid_request")?;
        run.token(&right).await?.expect_ok()?;
    }

    /// A `grant_type` that the server does not know is an `unsupported_grant_type`.
    ["TOK-002", Must, "RFC 6749 §5.2; OAuth 2.1 §3.2.4"]
    async fn tok_002_an_unknown_grant_type_is_unsupported(run) {
        let client = &run.profile().web;
        let right = run.exchange(client, &run.code(client).await?);
        for unknown in ["foo", "urn:x", "implicit", "code", "AUTHORIZATION_CODE", " authorization_code", "é"] {
            let wrong = right.clone().with("grant_type", unknown);
            run.token(&wrong).await?.expect_error(400, "unsupported_grant_type")?;
        }
        run.token(&right).await?.expect_ok()?;
    }

    /// The password grant is never supported, and nobody learns there whether a password is right.
    ["TOK-003", Must, "RFC 9700 §2.4; OAuth 2.1 §10"]
    async fn tok_003_the_password_grant_is_unsupported(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let form =
                identified(client, Form::of([("grant_type", "password"), ("scope", &run.profile().scopes.default)]));
            let guess = |name: &str, password: &str| form.clone().and("username", name).and("password", password);
            let first = run.token(&guess("alice", "correct horse battery staple")).await?;
            first.expect_error(400, "unsupported_grant_type")?;
            for other in [guess("alice", "password"), guess("nobody", "x"), form.clone()] {
                run.token(&other).await?.expect_same(&first)?;
            }
        }
    }

    /// A client that is not registered for a grant type gets `unauthorized_client`.
    ["TOK-004", Must, "RFC 6749 §5.2; OAuth 2.1 §3.2.4"]
    async fn tok_004_a_client_is_held_to_its_grant_types(run) {
        run.requires(Feature::ClientCredentials)?;
        let (public, web, service) = (&run.profile().public, &run.profile().web, &run.profile().service);
        let own = Form::of([("grant_type", "client_credentials")]);
        // A public client can authenticate itself for this grant in no way, so that it may be told so (CC-001).
        let answer = run.token(&identified(public, own.clone())).await?;
        answer.expect_one_of(&[(400, "unauthorized_client"), (401, "invalid_client")])?;
        run.token(&identified(web, own)).await?.expect_error(400, "unauthorized_client")?;
        let code = Form::of([("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", VERIFIER)]);
        run.token(&identified(service, code)).await?.expect_error(400, "unauthorized_client")?;
        run.token(&run.refresh(service, "x")).await?.expect_error(400, "unauthorized_client")?;
    }

    /// The order of checks: is the grant type known, who is the client, may it use the grant, and only then the grant
    /// itself. Nothing is said of a code or token before the client is authenticated.
    ["TOK-005", Should, "practice"]
    async fn tok_005_the_client_is_authenticated_before_anything_is_said_of_a_grant(run) {
        let client = &run.profile().web;
        let (code, tokens) = (run.code(client).await?, run.refreshable(client).await?);
        for code in ["bogus", &code] {
            let right = run.exchange(client, code);
            for wrong in [
                right.clone().with("client_id", &random()),
                right.clone().with("client_id", &random()).without("client_secret"),
                right.clone().with("client_secret", "wrong"),
                right.clone().without("client_secret"),
                right.without("client_secret").without("code"),
            ] {
                run.token(&wrong).await?.expect_error(401, "invalid_client")?;
            }
        }
        for token in ["bogus", &tokens.refresh] {
            let right = run.refresh(client, token);
            for wrong in [right.clone().with("client_id", &random()), right.with("client_secret", "wrong")] {
                run.token(&wrong).await?.expect_error(401, "invalid_client")?;
            }
        }
        let unknown = Form::of([("grant_type", "foo"), ("client_id", &random())]);
        run.token(&unknown).await?.expect_error(400, "unsupported_grant_type")?;
        if run.has(Feature::ClientCredentials) {
            let without_code = identified(&run.profile().service, Form::of([("grant_type", "authorization_code")]));
            run.token(&without_code).await?.expect_error(400, "unauthorized_client")?;
        }
        // All of that was refused for the client's sake: the code and the token are as they were.
        run.token(&run.exchange(client, &code)).await?.expect_ok()?;
        run.refreshed(client, &tokens).await?;
    }

    /// A grant without the parameter that carries it is an `invalid_request`.
    ["TOK-006", Must, "RFC 6749 §5.2; OAuth 2.1 §3.2.4"]
    async fn tok_006_a_missing_parameter_of_the_grant_is_an_invalid_request(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let (exchange, refresh) = (run.exchange(client, "x"), run.refresh(client, "x"));
            for wrong in [
                exchange.clone().without("code"),
                exchange.clone().with("code", ""),
                exchange.clone().without("code").and("Code", "x"),
                refresh.clone().without("refresh_token"),
                refresh.clone().with("refresh_token", ""),
            ] {
                run.token(&wrong).await?.expect_error(400, "invalid_request")?;
            }
            for complete in [exchange, refresh] {
                run.token(&complete).await?.expect_error(400, "invalid_grant")?;
            }
        }
    }

    /// A failed request is answered with 400, unless the error is `invalid_client`.
    ["TOK-007", Must, "RFC 6749 §5.2; OAuth 2.1 §3.2.4"]
    async fn tok_007_every_failure_is_a_400_unless_it_is_the_clients(run) {
        let (web, restricted) = (&run.profile().web, &run.profile().scopes.restricted);
        let tokens = run.refreshable(web).await?;
        let (exchange, refresh) = (run.exchange(web, "x"), run.refresh(web, &tokens.refresh));
        for (wrong, error) in [
            (exchange.clone().without("grant_type"), "invalid_request"),
            (exchange.clone().without("code"), "invalid_request"),
            (exchange.clone().and("code", "x"), "invalid_request"),
            (exchange.clone().with("grant_type", "foo"), "unsupported_grant_type"),
            (exchange, "invalid_grant"),
            (refresh.clone().with("refresh_token", "x"), "invalid_grant"),
            (refresh.clone().and("scope", restricted), "invalid_scope"),
        ] {
            run.token(&wrong).await?.expect_error(400, error)?;
        }
        run.token(&refresh.with("client_secret", "wrong")).await?.expect_error(401, "invalid_client")?;
    }

    /// Parameters of another grant are ignored, and so are unknown ones.
    ["TOK-008", Must, "RFC 6749 §3.2; practice"]
    async fn tok_008_parameters_of_another_grant_are_ignored(run) {
        let client = &run.profile().public;
        let exchange = run.exchange(client, &run.code(client).await?).and("refresh_token", "x").and("username", "bob");
        let exchange = exchange.and("foo", "1").and("foo", "2").and("assertion", "x").and("device_code", "x");
        let tokens = run.tokens_for(&exchange).await?;
        let refresh = run.refresh(client, &tokens.refresh).and("code", "x").and("code_verifier", "x");
        run.token(&refresh.and("redirect_uri", "https://evil.test").and("foo", "bar")).await?.expect_ok()?;
        if run.has(Feature::ClientCredentials) {
            let more = Form::of([("code", "x"), ("refresh_token", "x"), ("redirect_uri", "https://evil.test")]);
            run.own_token(&run.profile().service, &more).await?.expect_ok()?;
        }
    }
}
