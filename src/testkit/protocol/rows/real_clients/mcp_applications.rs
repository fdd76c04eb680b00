//! Applications that speak MCP: hosted ones, editors, command lines, the Inspector.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use super::text;
use crate::testkit::Form;
use crate::testkit::protocol::rows::metadata::texts;
use crate::testkit::protocol::rows::registration::{expect_refused, with, without};
use crate::testkit::protocol::run::FORM;
use crate::testkit::protocol::{Feature, authorization, from_origin, identified};

rows! {
    $ __protocol_rows_real_clients_mcp_applications;

    /// A hosted assistant registers again after a 401 `invalid_client`, and after no 400.
    ["CLI-054", Must, "practice: hosted assistants"]
    async fn cli_054_a_client_that_is_gone_is_a_401(run) {
        let metadata = with(run.client_metadata(), "redirect_uris", json!(["https://assistant.test/api/mcp/auth_callback"]));
        let registered = run.registered(&metadata).await?;
        let tokens = run.tokens(&registered.client).await?;
        run.manage(Method::DELETE, &registered, &Value::Null).await?.expect_status(204)?;
        run.token(&run.refresh(&registered.client, &tokens.refresh)).await?.expect_error(401, "invalid_client")?;
        run.registered(&metadata).await?;
    }

    /// VS Code registers a port of this machine and may come back at another.
    ["CLI-056", Must, "practice: VS Code"]
    async fn cli_056_another_port_of_this_machine_is_the_same_client(run) {
        let metadata = with(run.client_metadata(), "redirect_uris", json!(["http://127.0.0.1:33418/"]));
        let registered = run.registered(&metadata).await?;
        for uri in ["http://127.0.0.1:33418/", "http://127.0.0.1:51123/"] {
            let request = run.request(&registered.client).with("redirect_uri", uri);
            let code = run.approve(&request).await?.expect_code(&request)?;
            run.tokens_for(&run.exchange(&registered.client, &code).with("redirect_uri", uri)).await?;
        }
        let request = run.request(&registered.client).with("redirect_uri", "http://127.0.0.1:51123/other");
        run.authorize(&request).await?.expect_page(400)?;
    }

    /// Cursor registers a private-use scheme without a dot, and no `application_type`: it is accepted, or refused as a
    /// redirect URI.
    ["CLI-057", Must, "practice: Cursor"]
    async fn cli_057_a_scheme_without_a_dot_is_accepted_or_told(run) {
        let uri = "cursor://anysphere.cursor-mcp/oauth/callback";
        let reply = run.register(&with(run.client_metadata(), "redirect_uris", json!([uri]))).await?;
        if reply.status() != 201 {
            expect_refused(uri, &reply, &["invalid_redirect_uri"])?;
        } else {
            run.tokens(&reply.expect_registered()?.client).await?;
        }
        // With a dot nobody has a reason to refuse it, and `application_type` is left out as well.
        let uri = "com.example.app:/oauth/callback";
        run.tokens(&run.registered(&with(run.client_metadata(), "redirect_uris", json!([uri]))).await?.client).await?;
    }

    /// Copilot CLI registers without a scope.
    ["CLI-058", Must, "practice: Copilot CLI"]
    async fn cli_058_a_registration_without_a_scope_may_have_the_default(run) {
        let registered = run.registered(&without(run.client_metadata(), "scope")).await?;
        let tokens = run.tokens_for(&run.exchange(&registered.client, &run.code(&registered.client).await?)).await?;
        ensure!(tokens.scope == run.profile().scopes.default, "the scope is {:?}", tokens.scope);
    }

    /// Hosted connectors ask for `offline_access`, and refresh, only if that is advertised.
    ["CLI-059", Must, "practice: hosted assistants"]
    async fn cli_059_offline_access_is_advertised_and_works(run) {
        let (members, client) = (run.metadata().await?, &run.profile().web);
        ensure!(texts(&members, "scopes_supported")?.contains(&"offline_access"), "offline_access is not listed");
        let request = run.request(client).with("scope", &format!("{} offline_access", run.profile().scopes.default));
        let tokens = run.tokens_for(&run.exchange(client, &run.code_for(&request).await?)).await?;
        run.tokens_for(&run.refresh(client, &tokens.refresh)).await?;
    }

    /// Several processes share one refresh token: each gets on, and all belong to one grant.
    ["CLI-060", Should, "practice: Codex and other command lines"]
    async fn cli_060_processes_may_share_a_refresh_token(run) {
        let client = &run.profile().native;
        let first = run.tokens(client).await?;
        let refresh = run.refresh(client, &first.refresh);
        let (one, two) = (run.tokens_for(&refresh).await?, run.tokens_for(&refresh).await?);
        for tokens in [&one, &two] {
            run.expect_access_live(client, &tokens.access).await?;
        }
        run.tokens_for(&run.refresh(client, &two.refresh)).await?;
        if run.profile().has(Feature::Revocation) {
            run.revoke(client, &two.refresh).await?.expect_status(200)?;
            for tokens in [&one, &two] {
                run.expect_access_dead(client, &tokens.access).await?;
            }
        }
    }

    /// The Inspector does all of it from a page: metadata, registration, tokens, the call.
    ["CLI-061", Must, "practice: MCP Inspector"]
    async fn cli_061_a_page_does_all_of_it(run) {
        let origin = "http://localhost:6274";
        let (endpoints, from) = (&run.profile().endpoints, from_origin(origin)?);
        run.send(Method::GET, &run.metadata_address(), from.clone(), "")
            .await?
            .expect_status(200)?
            .expect_readable_from(origin)?;
        let typed = |kind: &'static str| {
            let mut headers = from.clone();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            headers
        };
        let metadata = with(run.client_metadata(), "redirect_uris", json!(["http://localhost:6274/oauth/callback"]));
        run.requires(Feature::Registration)?;
        let body = metadata.to_string();
        let reply = run.send(Method::POST, &endpoints.registration, typed("application/json"), body).await?;
        let client = reply.expect_readable_from(origin)?.expect_registered()?.client;
        let form = run.exchange(&client, &run.code(&client).await?);
        let mut headers = from.clone();
        headers.insert(CONTENT_TYPE, FORM);
        let reply = run.send(Method::POST, &endpoints.token, headers.clone(), form.encode()).await?;
        let members = reply.expect_readable_from(origin)?.expect_ok()?;
        let wrong = identified(&client, Form::of([("grant_type", "refresh_token"), ("refresh_token", "x")]));
        let reply = run.send(Method::POST, &endpoints.token, headers, wrong.encode()).await?;
        reply.expect_readable_from(origin)?.expect_error(400, "invalid_grant")?;
        let mut headers = authorization(&format!("Bearer {}", text(&members, "access_token")?))?;
        headers.extend(from);
        run.call_with(headers).await?.expect_status(200)?.expect_readable_from(origin)?;
    }
}
