//! The MCP SDKs for TypeScript, Python, Rust and Go.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};

use super::{exchanged, text};
use crate::testkit::protocol::rows::metadata::{
    RESOURCE, SERVER, document, expect_endpoint, path_of, resource_url, texts,
};
use crate::testkit::protocol::rows::registration::{expect_refused, with, without};
use crate::testkit::protocol::{Failure, Feature, KnownClient, Run, authorization, origin_of, random};

/// What the TypeScript SDK makes of an answer to a probe: metadata, or a reason to try the next place.
async fn probe(run: &Run<'_>, place: &str) -> Result<Option<Map<String, Value>>, Failure> {
    let reply = run.get(place).await?;
    let next = reply.status().is_client_error() || reply.status() == 502;
    ensure!(reply.status() == 200 || next, "{place} ends the discovery with {}", reply.status());
    if next { Ok(None) } else { document(&reply).map(Some) }
}

/// Percent-encoded as the Python SDK does it.
fn quoted(text: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

rows! {
    $ __protocol_rows_real_clients_mcp_sdks;

    /// The TypeScript SDK looks at the first scheme of the first challenge, and wants `resource_metadata` in quotes.
    ["CLI-011", Must, "practice: MCP TypeScript SDK"]
    async fn cli_011_the_first_challenge_leads_to_the_metadata(run) {
        let reply = run.call_with(HeaderMap::new()).await?;
        let header = reply.expect_status(401)?.header(&WWW_AUTHENTICATE).unwrap_or_default();
        let (scheme, _) = header.split_once(' ').unwrap_or((header, ""));
        ensure!(scheme.eq_ignore_ascii_case("bearer"), "the first scheme is {scheme:?}");
        let quoted = header.split_once("resource_metadata=\"").and_then(|(_, rest)| rest.split_once('"'));
        let (place, _) = quoted.ok_or_else(|| Failure::new("there is no quoted resource_metadata"))?;
        document(&run.get(place).await?)?;
    }

    /// The TypeScript SDK goes on to the next place after a 4xx, and stops at anything else.
    ["CLI-012", Must, "practice: MCP TypeScript SDK"]
    async fn cli_012_every_probe_leads_on_or_to_metadata(run) {
        let path = path_of(&run.profile().issuer);
        let openid = "/.well-known/openid-configuration";
        let mut found = 0;
        for place in
            [format!("{SERVER}{path}"), SERVER.to_owned(), format!("{openid}{path}"), format!("{path}{openid}")]
        {
            found += usize::from(probe(run, &place).await?.is_some());
        }
        ensure!(found > 0, "no probe finds metadata");
        run.requires(Feature::Api)?;
        let origin = origin_of(&run.profile().api.resource);
        for place in [format!("{origin}{RESOURCE}/nope"), format!("{origin}{RESOURCE}"), resource_url(run)] {
            probe(run, &place).await?;
        }
        ensure!(probe(run, &resource_url(run)).await?.is_some(), "the metadata of the API is not found");
    }

    /// The TypeScript SDK refuses metadata with a null, or with a text that is none.
    ["CLI-013", Must, "practice: MCP TypeScript SDK"]
    async fn cli_013_metadata_keeps_to_its_schema(run) {
        let members = run.metadata().await?;
        for member in ["issuer", "authorization_endpoint", "token_endpoint"] {
            text(&members, member)?;
        }
        for (name, value) in &members {
            let kept = match name.as_str() {
                name if name.ends_with("_endpoint") || name == "issuer" || name == "service_documentation" => {
                    value.is_string()
                }
                name if name.ends_with("_parameter_supported") => value.is_boolean(),
                name if name.ends_with("_supported") => {
                    value.is_boolean() || value.as_array().is_some_and(|all| all.iter().all(Value::is_string))
                }
                _ => !value.is_null(),
            };
            ensure!(kept, "{name} is {value}");
        }
        texts(&members, "response_types_supported")?;
    }

    /// The TypeScript SDK wants `client_id` and `redirect_uris` back, and no null.
    ["CLI-014", Must, "practice: MCP TypeScript SDK"]
    async fn cli_014_a_registration_tells_identifier_and_redirect_uris(run) {
        let metadata = json!({
            "redirect_uris": ["http://localhost:8090/callback"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "client_name": "TypeScript",
            "client_uri": "https://new.test",
        });
        let registered = run.registered(&metadata).await?;
        text(&registered.metadata, "client_id")?;
        ensure!(registered.metadata.get("redirect_uris") == metadata.get("redirect_uris"), "other redirect URIs");
        let null = registered.metadata.iter().find(|(_, value)| value.is_null());
        ensure!(null.is_none(), "{:?} is null", null.map(|(name, _)| name));
        run.tokens(&registered.client).await?;
    }

    /// The TypeScript SDK sends `resource` as a URL parser writes it: a bare host has a slash.
    ["CLI-015", Must, "practice: MCP TypeScript SDK"]
    async fn cli_015_a_resource_as_a_url_parser_writes_it_is_known(run) {
        run.requires(Feature::ResourceIndicators)?;
        let (client, resource) = (&run.profile().public, &run.profile().api.resource);
        let url = url::Url::parse(resource).map_err(|error| Failure::new(format!("{resource} is no URL: {error}")))?;
        let request = run.request(client).and("resource", url.as_str());
        let exchange = run.exchange(client, &run.code_for(&request).await?).and("resource", url.as_str());
        let tokens = run.tokens_for(&exchange).await?;
        run.expect_access_live(client, &tokens.access).await?;
    }

    /// The TypeScript SDK authenticates itself as its registration tells, and does not encode in Basic.
    ["CLI-016", Must, "practice: MCP TypeScript SDK"]
    async fn cli_016_the_method_that_is_told_works_without_encoding(run) {
        let methods = run.metadata().await?;
        texts(&methods, "token_endpoint_auth_methods_supported")?;
        for asked in [json!("client_secret_basic"), json!("client_secret_post"), json!("none"), Value::Null] {
            let metadata = without(run.client_metadata(), "token_endpoint_auth_method");
            let metadata = if asked.is_null() { metadata } else { with(metadata, "token_endpoint_auth_method", asked) };
            let registered = run.registered(&metadata).await?;
            let client = &registered.client;
            let form = run.exchange(client, &run.code(client).await?);
            let token = &run.profile().endpoints.token;
            let reply = match text(&registered.metadata, "token_endpoint_auth_method")? {
                "client_secret_basic" => {
                    let secret = client.secret.as_deref().unwrap_or_default();
                    let raw = authorization(&format!("Basic {}", STANDARD.encode(format!("{}:{secret}", client.id))))?;
                    run.post(token, &form.without("client_id").without("client_secret"), raw).await?
                }
                _ => run.token(&form).await?,
            };
            reply.expect_ok()?;
        }
    }

    /// The TypeScript SDK cannot read an error with a null in it; `invalid_client` makes it register again,
    /// `invalid_grant` sign in.
    ["CLI-017", Must, "practice: MCP TypeScript SDK"]
    async fn cli_017_errors_are_readable_and_say_what_to_do(run) {
        let client = &run.profile().public;
        let unknown = KnownClient { id: random(), ..client.clone() };
        for (form, status, code) in [
            (run.refresh(&unknown, "x"), 401, "invalid_client"),
            (run.exchange(&unknown, "x"), 401, "invalid_client"),
            (run.refresh(client, "x"), 400, "invalid_grant"),
            (run.exchange(client, "x"), 400, "invalid_grant"),
        ] {
            let members = run.token(&form).await?.expect_error(status, code)?;
            let null = members.values().any(Value::is_null);
            ensure!(!null && members.get("error_description").is_none_or(Value::is_string), "{members:?}");
        }
    }

    /// The TypeScript SDK sends `prompt=consent` when it asks for `offline_access`.
    ["CLI-018", Must, "practice: MCP TypeScript SDK"]
    async fn cli_018_offline_access_with_a_prompt_leads_to_a_refresh_token(run) {
        let client = &run.profile().public;
        let scope = format!("{} offline_access", run.profile().scopes.default);
        let request = run.request(client).with("scope", &scope).and("prompt", "consent");
        run.authorize(&request).await?.expect_ui()?.expect_status(200)?;
        let tokens = run.tokens_for(&run.exchange(client, &run.code_for(&request).await?)).await?;
        ensure!(!tokens.refresh.is_empty(), "there is no refresh token");
        run.tokens_for(&run.refresh(client, &tokens.refresh)).await?;
    }

    /// The Python SDK wants `bearer`, in any letter case, and nothing else.
    ["CLI-019", Must, "practice: MCP Python SDK"]
    async fn cli_019_the_token_type_is_bearer(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let members = exchanged(run, client).await?.expect_ok()?;
            let kind = text(&members, "token_type")?;
            ensure!(kind.eq_ignore_ascii_case("bearer"), "the type is {kind:?}");
        }
    }

    /// The Python SDK wants exactly a 200 for a refresh.
    ["CLI-020", Must, "practice: MCP Python SDK"]
    async fn cli_020_a_refresh_is_a_200(run) {
        let client = &run.profile().public;
        let tokens = run.tokens(client).await?;
        run.token(&run.refresh(client, &tokens.refresh)).await?.expect_status(200)?.expect_ok()?;
    }

    /// The Python SDK percent-encodes Basic, with `%20` for a blank, and repeats `client_id` in the body.
    ["CLI-021", Must, "practice: MCP Python SDK"]
    async fn cli_021_basic_with_the_identifier_in_the_body_is_one_method(run) {
        let token = &run.profile().endpoints.token;
        for client in [&run.profile().encoded, &run.profile().web] {
            let form = run.exchange(client, &run.code(client).await?).without("client_secret");
            let secret = client.secret.as_deref().unwrap_or_default();
            let credentials = STANDARD.encode(format!("{}:{}", quoted(&client.id), quoted(secret)));
            let headers = authorization(&format!("Basic {credentials}"))?;
            run.post(token, &form, HeaderMap::new()).await?.expect_error(401, "invalid_client")?;
            run.post(token, &form, headers).await?.expect_ok()?;
        }
    }

    /// The Python SDK refuses a registration that tells a method with a secret and no secret.
    ["CLI-022", Must, "practice: MCP Python SDK"]
    async fn cli_022_a_method_with_a_secret_comes_with_one(run) {
        for asked in ["none", "client_secret_basic", "client_secret_post"] {
            let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!(asked));
            let registered = run.registered(&metadata).await?;
            let told = text(&registered.metadata, "token_endpoint_auth_method")?;
            let secret = registered.client.secret.is_some();
            ensure!(secret == told.starts_with("client_secret"), "{told}, and is there a secret? {secret}");
        }
    }

    /// The Python SDK ends its discovery at any status that is neither 200 nor a 4xx.
    ["CLI-023", Must, "practice: MCP Python SDK"]
    async fn cli_023_no_probe_ends_the_discovery(run) {
        let openid = "/.well-known/openid-configuration";
        document(&run.get(&run.metadata_address()).await?)?;
        for place in [
            run.metadata_address(),
            SERVER.to_owned(),
            openid.to_owned(),
            format!("{SERVER}/mcp"),
            format!("/mcp{openid}"),
        ] {
            let status = run.get(&place).await?.status();
            ensure!(status == 200 || status.is_client_error(), "{place} ends the discovery with {status}");
        }
    }

    /// The Rust SDK needs `issuer` and both endpoints.
    ["CLI-024", Must, "practice: MCP Rust SDK"]
    async fn cli_024_metadata_has_issuer_and_both_endpoints(run) {
        let members = run.metadata().await?;
        ensure!(text(&members, "issuer")? == run.profile().issuer, "another issuer");
        ensure!(text(&members, "authorization_endpoint")? == run.profile().endpoints.authorization, "another endpoint");
        ensure!(text(&members, "token_endpoint")? == run.profile().endpoints.token, "another endpoint");
    }

    /// The Rust SDK refreshes with the granted scope, `offline_access` if that is listed, and `resource`.
    ["CLI-025", Must, "practice: MCP Rust SDK"]
    async fn cli_025_a_refresh_with_offline_access_and_resource_works(run) {
        let client = &run.profile().public;
        let members = run.metadata().await?;
        let listed = texts(&members, "scopes_supported")?.contains(&"offline_access");
        let tokens = run.tokens(client).await?;
        let scope = if listed { format!("{} offline_access", tokens.scope) } else { tokens.scope.clone() };
        let mut form = run.refresh(client, &tokens.refresh).and("scope", &scope);
        if run.profile().has(Feature::ResourceIndicators) {
            form = form.and("resource", &run.profile().api.resource);
        }
        let next = run.tokens_for(&form).await?;
        run.expect_access_live(client, &next.access).await?;
        ensure!(!next.refresh.is_empty(), "there is no refresh token any more");
    }

    /// The Rust SDK registers with the method `none`, and wants `client_id` and `redirect_uris` back.
    ["CLI-026", Must, "practice: MCP Rust SDK"]
    async fn cli_026_a_client_without_a_secret_registers(run) {
        let metadata = json!({
            "client_name": "rmcp", "redirect_uris": ["http://127.0.0.1:8080/callback"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
            "response_types": ["code"],
        });
        let registered = run.registered(&metadata).await?;
        for (member, value) in metadata.as_object().into_iter().flatten() {
            ensure!(registered.metadata.get(member) == Some(value), "{member} is not what was asked for");
        }
        run.tokens(&registered.client).await?;
    }

    /// The Go SDK wants a 200 of the type `application/json`, methods of PKCE, and endpoints at https or on this
    /// machine.
    ["CLI-027", Must, "practice: MCP Go SDK"]
    async fn cli_027_metadata_has_pkce_and_secure_endpoints(run) {
        let reply = run.get(&run.metadata_address()).await?;
        let members = document(&reply)?;
        let kind = reply.header(&CONTENT_TYPE).unwrap_or_default();
        ensure!(kind.split(';').next() == Some("application/json"), "the content type is {kind:?}");
        let methods = texts(&members, "code_challenge_methods_supported")?;
        ensure!(methods.contains(&"S256"), "PKCE is listed as {methods:?}");
        for (name, value) in members.iter().filter(|(name, _)| name.ends_with("_endpoint")) {
            expect_endpoint(name, value)?;
        }
    }

    /// The Go SDK takes an `iss` that is not advertised for an error, and the other way round.
    ["CLI-028", Must, "practice: MCP Go SDK"]
    async fn cli_028_iss_comes_if_it_is_advertised(run) {
        let advertised = run.metadata().await?.get("authorization_response_iss_parameter_supported").cloned();
        let request = run.request(&run.profile().public);
        let wrong = run.request(&run.profile().public).with("scope", &random());
        for (request, member) in [(request, "code"), (wrong, "error")] {
            let response = run.approve(&request).await?.expect_response(&request)?;
            ensure!(response.get(member).is_some(), "there is no {member}");
            let there = response.get("iss").is_some();
            ensure!(there == (advertised == Some(json!(true))), "iss is there: {there}, advertised: {advertised:?}");
        }
    }

    /// The Go SDK reads the error of a registration from a 400 only, and takes a missing method for Basic.
    ["CLI-029", Must, "practice: MCP Go SDK"]
    async fn cli_029_a_registration_tells_its_method_and_errors_are_400(run) {
        let registered = run.registered(&run.client_metadata()).await?;
        text(&registered.metadata, "token_endpoint_auth_method")?;
        let reply = run.register(&with(run.client_metadata(), "redirect_uris", json!(["http://new.test/cb"]))).await?;
        expect_refused("a redirect URI without TLS", &reply, &["invalid_redirect_uri"])?;
    }
}
