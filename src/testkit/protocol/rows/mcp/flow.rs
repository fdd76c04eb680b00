//! MCP: how clients get their tokens, and keep them (Model Context Protocol, authorization).

use std::time::Duration;

use http::Uri;
use serde_json::{Value, json};

use super::registration::free_port;
use crate::testkit::protocol::rows::metadata::{document, path_of, texts};
use crate::testkit::protocol::rows::registration::with;
use crate::testkit::protocol::{Failure, Feature, origin_of, random, winners};

rows! {
    $ __protocol_rows_mcp_flow;

    /// `resource` is understood at both endpoints, exactly as it is registered; of a bare host in both its spellings.
    ["MCP-009", Must, "MCP 2025-06-18"]
    async fn mcp_009_the_resource_is_understood_at_both_endpoints(run) {
        run.requires(Feature::ResourceIndicators)?;
        let (client, resource) = (&run.profile().public, &run.profile().api.resource);
        let mut spellings = vec![resource.clone()];
        if path_of(resource).is_empty() {
            spellings = vec![origin_of(resource).to_owned(), format!("{}/", origin_of(resource))];
        }
        for spelling in &spellings {
            let request = run.request(client).and("resource", spelling);
            let exchange = run.exchange(client, &run.code_for(&request).await?).and("resource", spelling);
            let tokens = run.tokens_for(&exchange).await?;
            let next = run.tokens_for(&run.refresh(client, &tokens.refresh).and("resource", spelling)).await?;
            for access in [&tokens.access, &next.access] {
                run.expect_access_live(client, access).await?;
            }
        }
    }

    /// Without `resource` there is a token for the API that the server is for.
    ["MCP-010", Should, "practice"]
    async fn mcp_010_a_missing_resource_is_the_api(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let tokens = run.tokens(client).await?;
            run.expect_access_live(client, &tokens.access).await?;
            let next = run.tokens_for(&run.refresh(client, &tokens.refresh)).await?;
            run.expect_access_live(client, &next.access).await?;
        }
    }

    /// Refresh tokens of public clients rotate: each use gives another, and the old one ends.
    ["MCP-011", Must, "MCP 2025-06-18; OAuth 2.1 §4.3.1"]
    async fn mcp_011_refresh_tokens_of_public_clients_rotate(run) {
        let client = &run.profile().public;
        let first = run.tokens(client).await?;
        let second = run.tokens_for(&run.refresh(client, &first.refresh)).await?;
        ensure!(!second.refresh.is_empty() && second.refresh != first.refresh, "the refresh token is the same");
        let third = run.tokens_for(&run.refresh(client, &second.refresh)).await?;
        ensure!(!third.refresh.is_empty() && third.refresh != second.refresh, "the refresh token is the same");
        // Two steps behind, whatever is done for a client whose answer was lost.
        run.token(&run.refresh(client, &first.refresh)).await?.expect_error(400, "invalid_grant")?;
        if run.profile().has(Feature::Clock) {
            let first = run.tokens(client).await?;
            run.tokens_for(&run.refresh(client, &first.refresh)).await?;
            run.pass(Duration::from_mins(10))?;
            run.token(&run.refresh(client, &first.refresh)).await?.expect_error(400, "invalid_grant")?;
        }
    }

    /// A client whose answer to a refresh was lost sends the same again and goes on, and so do two processes with one
    /// token.
    ["MCP-012", Should, "practice"]
    async fn mcp_012_a_lost_answer_to_a_refresh_is_survived(run) {
        let client = &run.profile().public;
        let first = run.tokens(client).await?;
        let refresh = run.refresh(client, &first.refresh);
        let lost = run.tokens_for(&refresh).await?;
        let again = run.tokens_for(&refresh).await?;
        run.expect_access_live(client, &again.access).await?;
        run.expect_access_live(client, &lost.access).await?;
        let next = run.tokens_for(&run.refresh(client, &again.refresh)).await?;
        run.expect_access_live(client, &next.access).await?;
        run.tokens_for(&run.refresh(client, &next.refresh)).await?;

        let shared = run.tokens(client).await?;
        let refresh = run.refresh(client, &shared.refresh);
        let both = winners(&run.tokens_at_once(&[refresh.clone(), refresh]).await?)?;
        ensure!(both.len() == 2, "of two processes at once {} got tokens", both.len());
        for tokens in &both {
            run.expect_access_live(client, &tokens.access).await?;
        }
        if run.profile().has(Feature::Revocation) {
            // What is revoked for one is revoked for the other.
            run.revoke(client, &both[0].refresh).await?.expect_status(200)?;
            for tokens in &both {
                run.expect_access_dead(client, &tokens.access).await?;
            }
        }
    }

    /// The page says where the answer goes: the host of the redirect URI.
    ["MCP-015", Must, "MCP 2025-11-25; MCP 2026-07-28"]
    async fn mcp_015_the_page_says_where_the_answer_goes(run) {
        for client in [&run.profile().public, &run.profile().native, &run.profile().multi] {
            let uri: Uri = client.redirect_uri.parse().unwrap_or_default();
            let host = uri.host().ok_or_else(|| Failure::new(format!("{} has no host", client.redirect_uri)))?;
            let request = run.request(client).with("prompt", "consent");
            let page = run.authorize(&request).await?;
            page.expect_ui()?.expect_status(200)?;
            ensure!(page.words().contains(host), "the page does not say {host}: {:?}", page.words());
        }
    }

    /// `iss` is in every authorization response, and advertised.
    ["MCP-018", Should, "MCP 2026-07-28"]
    async fn mcp_018_the_issuer_is_in_responses_and_advertised(run) {
        let advertised = run.metadata().await?.get("authorization_response_iss_parameter_supported").cloned();
        ensure!(advertised == Some(Value::Bool(true)), "advertised is {advertised:?}");
        let request = run.request(&run.profile().public);
        run.approve(&request).await?.expect_code(&request)?;
        let request = request.with("scope", &random());
        run.approve(&request).await?.expect_redirect_error(&request, "invalid_scope")?;
    }

    /// `prompt=consent` is accepted without `openid`, and asks.
    ["MCP-021", Must, "practice"]
    async fn mcp_021_prompt_consent_needs_no_openid(run) {
        let scope = format!("{} offline_access", run.profile().scopes.default);
        let request = run.request(&run.profile().web).with("scope", &scope).and("prompt", "consent");
        for _ in 0..2 {
            run.authorize(&request).await?.expect_ui()?.expect_status(200)?;
            run.approve(&request).await?.expect_code(&request)?;
        }
    }

    /// A dead refresh token is a 400 `invalid_grant`, which clients take as a reason to begin again.
    ["MCP-023", Must, "practice"]
    async fn mcp_023_a_dead_refresh_token_is_a_400_invalid_grant(run) {
        let client = &run.profile().public;
        let (tokens, longer) = (run.tokens(client).await?, run.tokens(client).await?.refresh + "x");
        for made_up in ["xyz", &random(), &longer, &tokens.access] {
            run.token(&run.refresh(client, made_up)).await?.expect_error(400, "invalid_grant")?;
        }
        if run.profile().has(Feature::Revocation) {
            let tokens = run.tokens_for(&run.refresh(client, &tokens.refresh)).await?;
            run.revoke(client, &tokens.refresh).await?.expect_status(200)?;
            run.token(&run.refresh(client, &tokens.refresh)).await?.expect_error(400, "invalid_grant")?;
        }
        if run.profile().has(Feature::Clock) {
            let tokens = run.tokens(client).await?;
            run.pass(Duration::from_hours(24 * 365 * 5))?;
            run.token(&run.refresh(client, &tokens.refresh)).await?.expect_error(400, "invalid_grant")?;
        }
    }

    /// What the public conformance suite looks at, in one flow: metadata that agree with themselves and advertise PKCE, the
    /// mark of client identifier metadata documents, a loopback redirect with `code`, `state` and `iss` once each, and a
    /// token response that nobody may store.
    ["MCP-031", Should, "MCP conformance suite 0.2.0-alpha.11"]
    async fn mcp_031_the_checks_of_the_conformance_suite_hold(run) {
        run.requires(Feature::Registration)?;
        let members = document(&run.get(&run.metadata_address()).await?)?;
        let endpoints = &run.profile().endpoints;
        for (member, expected) in [
            ("issuer", &run.profile().issuer),
            ("authorization_endpoint", &endpoints.authorization),
            ("token_endpoint", &endpoints.token),
            ("registration_endpoint", &endpoints.registration),
        ] {
            let told = members.get(member).and_then(Value::as_str);
            ensure!(told == Some(expected), "{member} is {told:?}, not {expected:?}");
        }
        for (member, value) in [
            ("response_types_supported", "code"),
            ("grant_types_supported", "authorization_code"),
            ("code_challenge_methods_supported", "S256"),
            ("token_endpoint_auth_methods_supported", "none"),
        ] {
            ensure!(texts(&members, member)?.contains(&value), "{member} does not list {value}");
        }
        let documents = members.get("client_id_metadata_document_supported");
        ensure!(documents.is_none_or(Value::is_boolean), "client_id_metadata_document_supported is {documents:?}");

        let uri = format!("http://127.0.0.1:{}/callback", free_port());
        let metadata = with(run.client_metadata(), "redirect_uris", json!([uri]));
        let client = run.registered(&metadata).await?.client;
        let request = run.request(&client);
        let code = run.approve(&request).await?.expect_code(&request)?;
        let tokens = run.token(&run.exchange_of(&client, &request, &code)).await?.expect_ok()?;
        let text = |member: &str| tokens.get(member).and_then(Value::as_str).unwrap_or_default();
        ensure!(text("token_type").eq_ignore_ascii_case("bearer"), "token_type is {:?}", text("token_type"));
        ensure!(!text("access_token").is_empty(), "there is no access token");
    }

    /// A client that needs more asks for the old and the new scope together: the person is asked, and the token has
    /// both.
    ["MCP-032", Should, "MCP 2026-07-28"]
    async fn mcp_032_more_scope_is_asked_for_and_had(run) {
        let (client, scopes) = (&run.profile().web, &run.profile().scopes);
        let first = run.tokens(client).await?;
        ensure!(!first.scope.split(' ').any(|token| token == scopes.write), "the default is {:?}", first.scope);
        let request = run.request(client).with("scope", &format!("{} {}", scopes.default, scopes.write));
        let tokens = run.tokens_for(&run.exchange(client, &run.code_for(&request).await?)).await?;
        for token in [&scopes.default, &scopes.write] {
            ensure!(tokens.scope.split(' ').any(|own| own == token), "{token} is not in {:?}", tokens.scope);
        }
        if run.profile().has(Feature::Api) {
            run.write(&first.access).await?.expect_bearer(403, Some("insufficient_scope"))?;
            let reply = run.write(&tokens.access).await?;
            ensure!(reply.status().is_success(), "the token for more gets {}", reply.status());
        }
        if run.profile().has(Feature::Registration) {
            // Nobody has been asked about a client that is new.
            let fresh = run.registered(&run.client_metadata()).await?.client;
            let narrow = run.request(&fresh);
            run.approve(&narrow).await?.expect_code(&narrow)?;
            let wide = run.request(&fresh).with("scope", &format!("{} {}", scopes.default, scopes.write));
            let page = run.authorize(&wide).await?;
            ensure!(page.status() == 200, "the person is not asked about more: {}", page.status());
            run.approve(&wide).await?.expect_code(&wide)?;
        }
    }

    /// An access token lives five minutes at least and an hour at most, and the response tells how long.
    ["MCP-034", Should, "practice"]
    async fn mcp_034_an_access_token_lives_long_enough_and_not_longer(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let members = run.token(&run.exchange(client, &run.code(client).await?)).await?.expect_ok()?;
            let lifetime = members.get("expires_in").and_then(Value::as_u64);
            let lifetime = lifetime.ok_or_else(|| Failure::new("there is no expires_in"))?;
            ensure!((300..=3_600).contains(&lifetime), "the token lives for {lifetime} s");
        }
    }
}
