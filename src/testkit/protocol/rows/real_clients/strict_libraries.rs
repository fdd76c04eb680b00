//! oauth4webapi and openid-client, Rust oauth2, Go x/oauth2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use super::{exchanged, text};
use crate::testkit::Form;
use crate::testkit::protocol::rows::metadata::{document, resource_url};
use crate::testkit::protocol::rows::registration::with;
use crate::testkit::protocol::{Failure, Feature, KnownClient, Reply, authorization, basic, identified, random};

/// Form-encoded as oauth4webapi does it: with the characters escaped that need no escaping.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// A media type that is JSON to the letter, whatever its parameters.
fn expect_json_type(reply: &Reply) -> Result<(), Failure> {
    let kind = reply.header(&CONTENT_TYPE).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim_end();
    ensure!(essence == "application/json", "the content type is {kind:?}");
    Ok(())
}

rows! {
    $ __protocol_rows_real_clients_strict_libraries;

    /// oauth4webapi and openid-client follow no redirect: nothing that clients call leads elsewhere.
    ["CLI-001", Must, "practice: oauth4webapi, openid-client"]
    async fn cli_001_nothing_that_clients_call_redirects(run) {
        let (endpoints, web) = (&run.profile().endpoints, &run.profile().web);
        run.get(&run.metadata_address()).await?.expect_status(200)?;
        let form = run.refresh(web, "xyz");
        run.post(&endpoints.token, &form, HeaderMap::new()).await?.expect_error(400, "invalid_grant")?;
        for address in [&endpoints.token, &endpoints.revocation, &endpoints.introspection, &endpoints.registration] {
            let path = address.strip_prefix(run.origin()).unwrap_or(address);
            for bent in [path.to_owned(), format!("{path}/"), format!("{path}?x=y"), format!("/{path}")] {
                let reply = run.post(&bent, &form, HeaderMap::new()).await?;
                ensure!(!reply.status().is_redirection(), "POST {bent} leads to {:?}", reply.location());
                ensure!(reply.location().is_none(), "POST {bent} has a location");
            }
        }
        for address in [run.metadata_address(), format!("{}/", run.metadata_address()), resource_url(run)] {
            let reply = run.get(&address).await?;
            ensure!(!reply.status().is_redirection(), "GET {address} leads to {:?}", reply.location());
        }
    }

    /// oauth4webapi reads an error only from `application/json` with a text `error`, and a challenge before it.
    ["CLI-002", Must, "practice: oauth4webapi"]
    async fn cli_002_an_error_is_json_and_has_a_challenge_only_with_a_401(run) {
        let (web, token) = (&run.profile().web, &run.profile().endpoints.token);
        let wrong = KnownClient { secret: Some(random()), ..web.clone() };
        for (form, headers, status) in [
            (Form::new(), HeaderMap::new(), 400),
            (run.refresh(web, "xyz"), HeaderMap::new(), 400),
            (Form::of([("grant_type", "refresh_token"), ("refresh_token", "x")]), basic(&wrong), 401),
            (run.refresh(&wrong, "xyz"), HeaderMap::new(), 401),
        ] {
            let reply = run.post(token, &form, headers).await?;
            reply.expect_status(status)?;
            expect_json_type(&reply)?;
            let members = reply.expect_json()?;
            text(&members, "error")?;
            let challenged = reply.headers().contains_key(WWW_AUTHENTICATE);
            ensure!(challenged == (status == 401), "is there a challenge with {status}? {challenged}");
        }
    }

    /// oauth4webapi refuses a response where `code`, `state` or `iss` comes twice, `state` was not sent, or `iss` is
    /// another.
    ["CLI-003", Must, "practice: oauth4webapi"]
    async fn cli_003_an_authorization_response_has_each_parameter_once(run) {
        let advertised = run.metadata().await?.get("authorization_response_iss_parameter_supported").cloned();
        for request in [run.request(&run.profile().public), run.request(&run.profile().multi).without("state")] {
            let response = run.approve(&request).await?;
            // It looks at every one of these.
            response.expect_code(&request)?;
            let parameters = response.expect_response(&request)?;
            ensure!(
                parameters.get("iss").is_some() == (advertised == Some(json!(true))),
                "iss and its advertisement disagree"
            );
            ensure!(parameters.get("response").is_none(), "there is a response parameter");
        }
    }

    /// oauth4webapi wants a token response with the status 200, a type that it knows, a number that is not negative,
    /// and texts that are not empty.
    ["CLI-004", Must, "practice: oauth4webapi"]
    async fn cli_004_a_token_response_is_as_it_is_defined(run) {
        let client = &run.profile().web;
        let first = exchanged(run, client).await?;
        let refresh = text(&first.expect_ok()?, "refresh_token")?.to_owned();
        for reply in [first, run.token(&run.refresh(client, &refresh)).await?] {
            expect_json_type(&reply)?;
            let members = reply.expect_ok()?;
            text(&members, "access_token")?;
            ensure!(text(&members, "token_type")?.eq_ignore_ascii_case("bearer"), "the type is unknown");
            let expires_in = members.get("expires_in").and_then(Value::as_u64);
            ensure!(expires_in.is_some_and(|seconds| seconds > 0), "expires_in is {:?}", members.get("expires_in"));
            for member in ["refresh_token", "scope"] {
                ensure!(!members.contains_key(member) || text(&members, member).is_ok(), "{member} is empty");
            }
            ensure!(!members.contains_key("id_token"), "there is an ID token that nobody asked for");
        }
    }

    /// oauth4webapi wants a 201 for a registration, a number with a secret, and a 200 for a revocation.
    ["CLI-006", Must, "practice: oauth4webapi"]
    async fn cli_006_registration_and_revocation_have_their_statuses(run) {
        let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!("client_secret_basic"));
        let registered = run.registered(&metadata).await?;
        let end = registered.metadata.get("client_secret_expires_at");
        ensure!(end.is_some_and(Value::is_number), "client_secret_expires_at is {end:?}");
        let tokens = run.tokens(&registered.client).await?;
        run.revoke(&registered.client, &tokens.refresh).await?.expect_status(200)?;
    }

    /// oauth4webapi escapes more in Basic than it has to.
    ["CLI-007", Must, "practice: oauth4webapi"]
    async fn cli_007_basic_may_be_escaped_more_than_it_has_to(run) {
        for client in [&run.profile().encoded, &run.profile().web] {
            let exchange = run.exchange(client, &run.code(client).await?);
            let form = exchange.without("client_id").without("client_secret");
            let secret = client.secret.as_deref().unwrap_or_default();
            let credentials = STANDARD.encode(format!("{}:{}", escaped(&client.id), escaped(secret)));
            let wrong = STANDARD.encode(format!("{}:{}", escaped(&client.id), escaped(&random())));
            let token = &run.profile().endpoints.token;
            let refused = run.post(token, &form, authorization(&format!("Basic {wrong}"))?).await?;
            refused.expect_error(401, "invalid_client")?;
            run.post(token, &form, authorization(&format!("Basic {credentials}"))?).await?.expect_ok()?;
        }
    }

    /// oauth4webapi compares `issuer` and `resource` after it has read them as URLs.
    ["CLI-009", Must, "practice: oauth4webapi"]
    async fn cli_009_issuer_and_resource_are_what_was_asked_for(run) {
        let same = |told: Option<&Value>, asked: &str| {
            let told = told.and_then(Value::as_str).and_then(|told| url::Url::parse(told).ok());
            told.is_some() && told == url::Url::parse(asked).ok()
        };
        let members = run.metadata().await?;
        ensure!(same(members.get("issuer"), &run.profile().issuer), "the issuer is {:?}", members.get("issuer"));
        run.requires(Feature::Api)?;
        let members = document(&run.get(&resource_url(run)).await?)?;
        let told = members.get("resource");
        ensure!(same(told, &run.profile().api.resource), "the resource is {told:?}");
    }

    /// oauth4webapi wants `active` as a boolean.
    ["CLI-010", Must, "practice: oauth4webapi"]
    async fn cli_010_active_is_a_boolean(run) {
        let client = &run.profile().web;
        for (token, active) in [(run.tokens(client).await?.access, true), ("xyz".to_owned(), false)] {
            let reply = run.introspect(client, &token).await?;
            expect_json_type(&reply)?;
            ensure!(reply.expect_ok()?.get("active") == Some(&json!(active)), "active is no boolean, or wrong");
        }
    }

    /// Go's library takes an `error` in a 200 for a failure, fails for a fraction, and reads other types as a form.
    ["CLI-030", Must, "practice: Go x/oauth2"]
    async fn cli_030_a_token_response_has_no_error_and_no_fraction(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let reply = exchanged(run, client).await?;
            expect_json_type(&reply)?;
            let members = reply.expect_ok()?;
            let expires_in = members.get("expires_in");
            let whole = expires_in.and_then(Value::as_u64).is_some_and(|seconds| seconds < 1 << 31);
            ensure!(whole, "expires_in is {expires_in:?}");
            ensure!(!reply.text().contains("\"error"), "the response has an error member");
        }
    }

    /// Go's library tries Basic first, for a public client with an empty secret, and after any error the same in the
    /// body: the first attempt spends nothing.
    ["CLI-031", Must, "practice: Go x/oauth2"]
    async fn cli_031_a_failed_first_attempt_spends_nothing(run) {
        let token = &run.profile().endpoints.token;
        let (public, web) = (&run.profile().public, &run.profile().web);
        let without_secret = KnownClient { secret: None, ..web.clone() };
        for (client, tried) in [(public, public), (web, &without_secret), (web, web)] {
            let tokens = run.tokens(client).await?;
            let code = run.code(client).await?;
            for whole in [run.exchange(client, &code), run.refresh(client, &tokens.refresh)] {
                let form = whole.clone().without("client_id").without("client_secret");
                let first = run.post(token, &form, basic(tried)).await?;
                if first.status() == 200 {
                    first.expect_ok()?;
                } else {
                    ensure!(tried.secret.is_none(), "Basic with the right secret is answered with {}", first.status());
                    first.expect_error(401, "invalid_client")?;
                    run.tokens_for(&whole).await?;
                }
            }
        }
    }

    /// The Rust library wants exactly a 200 everywhere, and JSON if there is a type at all.
    ["CLI-033", Must, "practice: Rust oauth2"]
    async fn cli_033_every_success_is_a_200_with_json(run) {
        let client = &run.profile().web;
        let reply = exchanged(run, client).await?;
        let refresh = text(&reply.expect_ok()?, "refresh_token")?.to_owned();
        let mut replies = vec![reply];
        if run.profile().has(Feature::Introspection) {
            replies.push(run.introspect(client, &refresh).await?);
        }
        if run.profile().has(Feature::Revocation) {
            replies.push(run.revoke(client, &refresh).await?);
        }
        for reply in replies {
            reply.expect_status(200)?;
            let kind = reply.header(&CONTENT_TYPE).unwrap_or("application/json");
            ensure!(kind.starts_with("application/json"), "the content type is {kind:?}");
        }
    }

    /// The Rust library fails for a member that comes twice, wants `token_type` and a whole `expires_in`, and a body
    /// with an error.
    ["CLI-034", Must, "practice: Rust oauth2"]
    async fn cli_034_no_member_comes_twice_and_errors_have_a_body(run) {
        let reply = exchanged(run, &run.profile().web).await?;
        let members = reply.expect_ok()?;
        text(&members, "token_type")?;
        ensure!(members.get("expires_in").is_some_and(Value::is_u64), "expires_in is {:?}", members.get("expires_in"));
        for member in members.keys() {
            let count = reply.text().matches(&format!("\"{member}\":")).count();
            ensure!(count == 1, "{member} comes {count} times");
        }
        let error = run.token(&identified(&run.profile().web, Form::new())).await?;
        ensure!(!error.expect_refusal()?.is_empty(), "an error has no body");
        text(&error.expect_json()?, "error")?;
    }

    /// The Rust library form-encodes identifier and secret in Basic.
    ["CLI-035", Must, "practice: Rust oauth2"]
    async fn cli_035_basic_is_form_encoded(run) {
        let client = &run.profile().encoded;
        let exchange = run.exchange(client, &run.code(client).await?);
        let form = exchange.without("client_id").without("client_secret");
        let token = &run.profile().endpoints.token;
        let wrong = KnownClient { secret: Some(random()), ..client.clone() };
        run.post(token, &form, basic(&wrong)).await?.expect_error(401, "invalid_client")?;
        run.post(token, &form, basic(client)).await?.expect_ok()?;
    }
}
