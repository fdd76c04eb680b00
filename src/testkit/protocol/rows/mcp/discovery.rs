//! MCP: how clients find their way (Model Context Protocol, authorization).

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::testkit::Form;
use crate::testkit::protocol::rows::metadata::{SERVER, document, path_of, resource_urls, texts};
use crate::testkit::protocol::{Failure, Feature, Run, authorization, origin_of};

/// Every place where clients look for metadata of the authorization server.
fn places(run: &Run<'_>) -> [String; 3] {
    let path = path_of(&run.profile().issuer);
    let openid = "/.well-known/openid-configuration";
    [run.metadata_address(), format!("{openid}{path}"), format!("{path}{openid}")]
}

/// The scope tokens of a `Bearer` challenge.
async fn challenged(run: &Run<'_>) -> Result<Vec<String>, Failure> {
    let scopes = &run.profile().scopes;
    let tokens = run.tokens(&run.profile().public).await?;
    let mut all = Vec::new();
    for (reply, status) in [
        (run.call_with(HeaderMap::new()).await?, 401),
        (run.write_with(HeaderMap::new()).await?, 401),
        (run.call("xyz").await?, 401),
        (run.write(&tokens.access).await?, 403),
    ] {
        reply.expect_status(status)?;
        let challenges = reply.challenges()?;
        let scope = challenges.iter().find_map(|challenge| challenge.get("scope")).unwrap_or_default();
        all.extend(scope.split(' ').filter(|token| !token.is_empty()).map(ToOwned::to_owned));
    }
    ensure!(all.contains(&scopes.write), "no challenge names the scope {}", scopes.write);
    Ok(all)
}

rows! {
    $ __protocol_rows_mcp_discovery;

    /// There is metadata at one of the places where clients look, at least.
    ["MCP-001", Must, "MCP 2025-06-18; MCP 2025-11-25; MCP 2026-07-28"]
    async fn mcp_001_there_is_metadata_where_clients_look(run) {
        let mut found = 0;
        for place in places(run) {
            let reply = run.get(&place).await?;
            ensure!(reply.status() == 200 || reply.status().is_client_error(), "{place}: {}", reply.status());
            if reply.status() == 200 {
                let members = document(&reply)?;
                let issuer = members.get("issuer").and_then(Value::as_str);
                ensure!(issuer == Some(&run.profile().issuer), "{place} is of the issuer {issuer:?}");
                found += 1;
            }
        }
        ensure!(found > 0, "there is no metadata");
    }

    /// If the API shares the issuer's origin, metadata is at the root of that, where the oldest clients look.
    ["MCP-003", Should, "MCP 2025-03-26; practice"]
    async fn mcp_003_metadata_is_at_the_root_of_the_apis_origin(run) {
        let shared = origin_of(&run.profile().api.resource) == run.origin();
        let reply = run.get(SERVER).await?;
        if shared || path_of(&run.profile().issuer).is_empty() {
            document(&reply)?;
        } else {
            ensure!(reply.status() == 200 || reply.status().is_client_error(), "{SERVER}: {}", reply.status());
        }
    }

    /// Whichever document a client reads, PKCE with `S256` is in it.
    ["MCP-004", Must, "MCP 2025-11-25; MCP 2026-07-28"]
    async fn mcp_004_every_document_advertises_pkce(run) {
        document(&run.get(&run.metadata_address()).await?)?;
        for place in places(run) {
            let reply = run.get(&place).await?;
            if reply.status() == 200 {
                let members = document(&reply)?;
                let methods = texts(&members, "code_challenge_methods_supported")?;
                ensure!(methods.contains(&"S256"), "{place} lists {methods:?}");
            }
        }
    }

    /// A call without a token is a 401 that leads to metadata which anybody may read.
    ["MCP-005", Must, "MCP 2025-06-18"]
    async fn mcp_005_a_refusal_leads_to_metadata_that_anybody_may_read(run) {
        for reply in [run.write_with(HeaderMap::new()).await?, run.call_with(HeaderMap::new()).await?] {
            let challenge = reply.expect_bearer(401, None)?;
            let place = challenge.get("resource_metadata").unwrap_or_default();
            let members = document(&run.get(place).await?)?;
            ensure!(members.contains_key("resource"), "the metadata names no resource");
        }
    }

    /// A challenge names the scope that the call needs, and not all there are.
    ["MCP-006", Should, "MCP 2025-11-25"]
    async fn mcp_006_a_challenge_names_the_scope_that_the_call_needs(run) {
        let scopes = &run.profile().scopes;
        let all = challenged(run).await?;
        ensure!(!all.contains(&scopes.restricted), "a challenge names {}, which no call needs", scopes.restricted);
        let read = run.call_with(HeaderMap::new()).await?.expect_bearer(401, None)?;
        let told = read.get("scope").unwrap_or_default();
        ensure!(!told.split(' ').any(|token| token == scopes.write), "to read it names {told:?}");
    }

    /// 401 is for no token or none that is valid, 403 for too little scope, 400 for a malformed call.
    ["MCP-007", Must, "MCP 2025-06-18"]
    async fn mcp_007_every_refusal_has_its_status(run) {
        let tokens = run.tokens(&run.profile().public).await?;
        run.call(&tokens.access).await?.expect_status(200)?;
        run.write_with(HeaderMap::new()).await?.expect_status(401)?;
        run.write("xyz").await?.expect_status(401)?;
        run.write(&tokens.access).await?.expect_status(403)?;
        let mut twice = authorization(&format!("Bearer {}", tokens.access))?;
        if let Some(value) = twice.get(AUTHORIZATION).cloned() {
            twice.append(AUTHORIZATION, value);
        }
        run.call_with(twice).await?.expect_status(400)?;
        if run.profile().has(Feature::Clock) {
            run.pass(Duration::from_hours(24 * 365))?;
            run.write(&tokens.access).await?.expect_status(401)?;
        }
    }

    /// `offline_access` is listed by the server that has refresh tokens, and neither by the API nor in a challenge.
    ["MCP-019", Should, "MCP 2026-07-28"]
    async fn mcp_019_offline_access_is_listed_by_the_server_alone(run) {
        let members = run.metadata().await?;
        let refreshes = texts(&members, "grant_types_supported")?.contains(&"refresh_token");
        let listed = texts(&members, "scopes_supported")?.contains(&"offline_access");
        ensure!(listed == refreshes, "refresh tokens: {refreshes}, offline_access: {listed}");
        run.requires(Feature::Api)?;
        for place in resource_urls(run, &members) {
            let resource = document(&run.get(&place).await?)?;
            let lists = resource.contains_key("scopes_supported")
                && texts(&resource, "scopes_supported")?.contains(&"offline_access");
            ensure!(!lists, "{place} lists offline_access");
        }
        ensure!(!challenged(run).await?.iter().any(|own| own == "offline_access"), "a challenge names offline_access");
    }

    /// `MCP-Protocol-Version`, of any value, changes nothing, and a preflight allows it.
    ["MCP-024", Must, "MCP 2025-11-25; MCP 2026-07-28; practice"]
    async fn mcp_024_the_protocol_version_changes_nothing(run) {
        let version = HeaderName::from_static("mcp-protocol-version");
        let headers = HeaderMap::from_iter([(version.clone(), HeaderValue::from_static("2099-01-01"))]);
        let members = run.metadata().await?;
        let mut addresses = places(run).to_vec();
        addresses.push(format!("{SERVER}/nope"));
        addresses.extend(members.get("jwks_uri").and_then(Value::as_str).map(ToOwned::to_owned));
        if run.profile().has(Feature::Api) {
            addresses.extend(resource_urls(run, &members));
        }
        for address in &addresses {
            let (with, without) = (run.send(Method::GET, address, headers.clone(), "").await?, run.get(address).await?);
            // Where there is nothing, the page may name the request.
            let same = with.status() == without.status() && (with.status() != 200 || with.text() == without.text());
            ensure!(same, "{address} is answered differently");
            let reply = run.preflight(address, "https://app.test", &Method::GET, &[version.as_str()]).await?;
            reply.expect_preflight("https://app.test", &Method::GET, &[version.as_str()])?;
        }
        let (client, endpoints) = (&run.profile().public, &run.profile().endpoints);
        // Tokens and identifiers differ each time; what is told about them does not.
        let plain = run.token(&run.exchange(client, &run.code(client).await?)).await?.expect_ok()?;
        let form = run.exchange(client, &run.code(client).await?);
        let told = run.post(&endpoints.token, &form, headers.clone()).await?.expect_ok()?;
        ensure!(told.keys().eq(plain.keys()), "the token response has {:?}, not {:?}", told, plain);
        for member in ["token_type", "scope", "expires_in"] {
            ensure!(told.get(member) == plain.get(member), "{member} is {:?}", told.get(member));
        }
        let refused = run.post(&endpoints.token, &Form::new(), headers.clone()).await?;
        refused.expect_error(400, "invalid_request")?;
        refused.expect_same(&run.token(&Form::new()).await?)?;
        let mut preflighted = vec![&endpoints.token];
        if run.profile().has(Feature::Registration) {
            let mut headers = headers;
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let body = run.client_metadata().to_string();
            let told = run.send(Method::POST, &endpoints.registration, headers, body).await?.expect_registered()?;
            let plain = run.registered(&run.client_metadata()).await?;
            ensure!(told.metadata.keys().eq(plain.metadata.keys()), "the registration has {:?}", told.metadata.keys());
            preflighted.push(&endpoints.registration);
        }
        for endpoint in preflighted {
            let reply = run.preflight(endpoint, "https://app.test", &Method::POST, &[version.as_str()]).await?;
            reply.expect_preflight("https://app.test", &Method::POST, &[version.as_str()])?;
        }
    }

    /// The scope that the API challenges with is known to the server: a client that asks for it gets it.
    ["MCP-033", Must, "MCP 2026-07-28"]
    async fn mcp_033_the_scope_of_a_challenge_can_be_had(run) {
        let members = run.metadata().await?;
        let known = texts(&members, "scopes_supported")?;
        let client = &run.profile().public;
        for token in challenged(run).await? {
            ensure!(known.contains(&token.as_str()), "the server does not know {token:?}: {known:?}");
            let request = run.request(client).with("scope", &token);
            let tokens = run.tokens_for(&run.exchange(client, &run.code_for(&request).await?)).await?;
            ensure!(tokens.scope == token, "asked for {token:?}, got {:?}", tokens.scope);
        }
    }
}
