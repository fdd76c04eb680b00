//! Parameters: how they are encoded, spelled and repeated (RFC 6749 §3.1, §3.2, appendix B).

use http::HeaderMap;

use super::{FORM, form_endpoints, post_as};
use crate::testkit::Form;
use crate::testkit::protocol::{Failure, Feature, Reply, identified};

/// A redirect with an error to the client, or a page: what a request may get that cannot be read.
fn expect_unread(reply: &Reply, request: &Form) -> Result<(), Failure> {
    if reply.location().is_some() {
        reply.expect_redirect_error(request, "invalid_request")?;
    } else {
        reply.expect_page(400)?;
    }
    Ok(())
}

/// Whether two answers to the same request are of the same kind: the same page, or the same error, or a code each.
fn expect_alike(one: &Reply, other: &Reply, name: &str) -> Result<(), Failure> {
    let kind = |reply: &Reply| {
        let (_, query) = reply.location().and_then(|location| location.split_once('?')).unwrap_or_default();
        let response = Form::parse(query);
        (reply.status(), response.get("error").map(ToOwned::to_owned), response.get("code").is_some())
    };
    let (one, other) = (kind(one), kind(other));
    ensure!(one == other, "without a value {name} leads to {one:?}, and without {name} it is {other:?}");
    Ok(())
}

rows! {
    $ __protocol_rows_http_parameters;

    /// Names and values of a form are percent-decoded to bytes, a plus is a space, and the bytes are UTF-8.
    ["HTTP-006", Must, "RFC 6749 App. B"]
    async fn http_006_parameters_are_form_decoded_as_utf_8(run) {
        let client = &run.profile().public;
        let request = run.request(client).without("state");
        let address = run.address_with(&format!("{}&st%61te=+%25%26%2B%C2%A3%E2%82%AC", request.encode()));
        let code = run.approve_at(&address).await?.expect_code(&request.with("state", " %&+£€"))?;

        let exchange = run.exchange(client, &code).without("grant_type").encode();
        let body = format!("gr%61nt_type=authorization%5Fcode&{exchange}");
        post_as(run, &run.profile().endpoints.token, FORM, &body).await?.expect_ok()?;
    }

    /// An ill-formed percent escape or invalid UTF-8 is refused, not replaced.
    ["HTTP-007", Should, "RFC 6749 App. B; practice"]
    async fn http_007_what_cannot_be_decoded_is_refused(run) {
        let client = &run.profile().public;
        let request = run.request(client);
        for bad in ["client_id=%ZZ", "redirect_uri=%FF%FE", "redirect_uri=https://app.test/%ZZ"] {
            let (name, _) = bad.split_once('=').unwrap_or_default();
            let query = format!("{}&{bad}", request.clone().without(name).encode());
            run.approve_at(&run.address_with(&query)).await?.expect_page(400)?;
        }
        let stateless = request.without("state");
        run.approve(&stateless).await?.expect_code(&stateless)?;
        for bad in ["state=%ZZ", "state=%", "state=%4", "state=%FF%FE", "state=%C3", "state=%C3%28"] {
            let query = format!("{}&{bad}", stateless.encode());
            expect_unread(&run.approve_at(&run.address_with(&query)).await?, &stateless)?;
        }

        let exchange = run.exchange(client, &run.code(client).await?);
        for name in ["client_id", "code", "redirect_uri", "code_verifier", "grant_type"] {
            for bad in ["%ZZ", "%", "%4", "%FF%FE", "%C3%28"] {
                let value = Form::of([(name, exchange.get(name).unwrap_or_default())]).encode();
                let body = format!("{}&{value}{bad}", exchange.clone().without(name).encode());
                let reply = post_as(run, &run.profile().endpoints.token, FORM, &body).await?;
                reply.expect_error(400, "invalid_request")?;
            }
        }
    }

    /// A parameter without a value counts as not sent, at both endpoints.
    ["HTTP-008", Must, "RFC 6749 §3.1, §3.2"]
    async fn http_008_a_parameter_without_a_value_was_not_sent(run) {
        let client = &run.profile().public;
        let request = run.request(client);
        for name in ["response_type", "redirect_uri", "scope", "code_challenge", "code_challenge_method", "client_id"] {
            let empty = run.approve(&request.clone().with(name, "")).await?;
            expect_alike(&empty, &run.approve(&request.clone().without(name)).await?, name)?;
        }
        for name in ["prompt", "resource", "response_mode"] {
            let request = request.clone().with(name, "");
            run.approve(&request).await?.expect_code(&request)?;
        }
        // `expect_code` knows that an empty state is none.
        let stateless = request.clone().with("state", "");
        run.approve(&stateless).await?.expect_code(&stateless)?;

        let scope = async |request: &Form| {
            let code = run.code_for(request).await?;
            run.tokens_for(&run.exchange(client, &code)).await.map(|tokens| tokens.scope)
        };
        let (empty, absent) =
            (scope(&request.clone().with("scope", "")).await?, scope(&request.without("scope")).await?);
        ensure!(empty == absent, "an empty scope is granted {empty:?}, and none {absent:?}");

        let exchange = async || Ok::<_, Failure>(run.exchange(client, &run.code(client).await?));
        let empty = run.token(&exchange().await?.with("redirect_uri", "")).await?;
        let absent = run.token(&exchange().await?.without("redirect_uri")).await?;
        ensure!(
            empty.status() == absent.status(),
            "an empty redirect_uri leads to {}, and none to {}",
            empty.status(),
            absent.status(),
        );
        run.token(&exchange().await?.with("client_secret", "").with("scope", "")).await?.expect_ok()?;
    }

    /// Unknown parameters are ignored, and not echoed.
    ["HTTP-009", Must, "RFC 6749 §3.1, §3.2; OAuth 2.1 §3.1, §3.2"]
    async fn http_009_unknown_parameters_are_ignored(run) {
        let client = &run.profile().web;
        let request = run.request(client).and("foo", "bar-of-foo").and("Redirect_Uri", "https://evil.test/cb");
        let reply = run.approve(&request).await?;
        let code = reply.expect_code(&request)?;
        let location = reply.location().unwrap_or_default();
        ensure!(!location.contains("foo") && !location.contains("evil"), "the response echoes it: {location:?}");

        let reply = run.token(&run.exchange(client, &code).and("foo", "bar-of-foo").and("", "x")).await?;
        let members = reply.expect_ok()?;
        ensure!(!reply.text().contains("bar-of-foo"), "the token response echoes it");
        let access = members.get("access_token").and_then(|token| token.as_str()).unwrap_or_default();
        let form = identified(client, Form::of([("token", access), ("foo", "bar-of-foo")]));
        if run.has(Feature::Introspection) {
            let told = run.post(&run.profile().endpoints.introspection, &form, HeaderMap::new()).await?.expect_ok()?;
            ensure!(told.get("active") == Some(&true.into()), "introspection does not know the token");
        }
        if run.has(Feature::Revocation) {
            run.post(&run.profile().endpoints.revocation, &form, HeaderMap::new()).await?.expect_status(200)?;
        }
    }

    /// A parameter of the protocol that appears twice is an error, even when both values are equal; only those that an
    /// extension declares repeatable (`resource`) are not.
    ["HTTP-010", Must, "RFC 6749 §3.1, §3.2; OAuth 2.1 §3.1"]
    async fn http_010_a_repeated_parameter_is_an_error(run) {
        let client = &run.profile().public;
        let request = run.request(client).and("prompt", "consent");
        for name in ["response_type", "scope", "code_challenge", "code_challenge_method", "prompt"] {
            let value = request.get(name).unwrap_or_default();
            for (one, other) in [(value, value), (value, "other"), ("other", value)] {
                let twice = request.clone().with(name, one).and(name, other);
                run.authorize(&twice).await?.expect_redirect_error(&twice, "invalid_request")?;
            }
        }
        let exchange = run.exchange(client, &run.code(client).await?);
        for name in ["grant_type", "code", "client_id", "redirect_uri", "code_verifier"] {
            let value = exchange.get(name).unwrap_or_default();
            for (one, other) in [(value, value), (value, "other"), ("other", value)] {
                let twice = exchange.clone().with(name, one).and(name, other);
                run.token(&twice).await?.expect_error(400, "invalid_request")?;
            }
        }
        for endpoint in form_endpoints(run).into_iter().filter(|endpoint| *endpoint != run.profile().endpoints.token) {
            let twice = identified(&run.profile().web, Form::of([("token", "x"), ("token", "x")]));
            run.post(endpoint, &twice, HeaderMap::new()).await?.expect_error(400, "invalid_request")?;
        }
        if run.has(Feature::ResourceIndicators) {
            let api = &run.profile().api;
            let request = run.request(client).and("resource", &api.resource);
            let request = request.and("resource", api.other_resource.as_ref().unwrap_or(&api.resource));
            run.approve(&request).await?.expect_code(&request)?;
        }
    }

    /// Unknown parameters may repeat without harm.
    ["HTTP-011", Should, "RFC 6749 §3.1; practice"]
    async fn http_011_unknown_parameters_may_repeat(run) {
        let client = &run.profile().public;
        let request = run.request(client).and("foo", "1").and("foo", "2").and("foo", "2");
        let code = run.approve(&request).await?.expect_code(&request)?;
        run.token(&run.exchange(client, &code).and("foo", "1").and("foo", "2")).await?.expect_ok()?;
    }

    /// Names and values of parameters are case sensitive.
    ["HTTP-012", Must, "OAuth 2.1 §1.9"]
    async fn http_012_names_and_values_have_a_case(run) {
        let client = &run.profile().public;
        let request = run.request(client);
        for (name, value, code) in [
            ("response_type", "CODE", "unsupported_response_type"),
            ("response_type", "Code", "unsupported_response_type"),
            ("code_challenge_method", "s256", "invalid_request"),
        ] {
            let request = request.clone().with(name, value);
            run.approve(&request).await?.expect_redirect_error(&request, code)?;
        }
        let renamed = request.clone().without("response_type").and("Response_Type", "code");
        run.approve(&renamed).await?.expect_redirect_error(&renamed, "invalid_request")?;
        let renamed = request.without("client_id").and("Client_Id", &client.id);
        run.approve(&renamed).await?.expect_page(400)?;

        let exchange = run.exchange(client, &run.code(client).await?);
        let renamed = exchange.clone().without("grant_type").and("Grant_Type", "authorization_code");
        run.token(&renamed).await?.expect_error(400, "invalid_request")?;
        let renamed = exchange.clone().without("code").and("CODE", exchange.get("code").unwrap_or_default());
        run.token(&renamed).await?.expect_error(400, "invalid_request")?;
        let shouted = exchange.clone().with("grant_type", "AUTHORIZATION_CODE");
        run.token(&shouted).await?.expect_error(400, "unsupported_grant_type")?;
        run.tokens_for(&exchange).await?;
    }
}
