//! MCP: how clients register themselves (Model Context Protocol, authorization).

use http::Method;
use serde_json::{Value, json};

use crate::testkit::protocol::rows::metadata::{expect_filled, texts};
use crate::testkit::protocol::rows::registration::{expect_refused, with, without};
use crate::testkit::protocol::{basic, random};

const CURSOR: &str = "cursor://anysphere.cursor-mcp/oauth/callback";
const VS_CODE: &str = "vscode://vscode.github-authentication/did-authenticate";

/// A port as an operating system hands it out to a client that listens for its answer (RFC 6335 §6).
pub(super) fn free_port() -> u16 {
    u16::from_be_bytes(crate::secret::random()) | 0xC000
}

rows! {
    $ __protocol_rows_mcp_registration;

    /// A redirect URI leads to this machine, to an https address, or by a private-use scheme that the server allows.
    ["MCP-016", Must, "MCP, every revision"]
    async fn mcp_016_redirect_uris_are_loopback_or_https(run) {
        for uri in ["http://127.0.0.1/cb", "https://app.test/cb"] {
            run.registered(&with(run.client_metadata(), "redirect_uris", json!([uri]))).await?;
        }
        for uri in ["http://evil.test/cb", "http://127.0.0.1.evil.test/cb", "http://localhost.evil.test/cb"] {
            let reply = run.register(&with(run.client_metadata(), "redirect_uris", json!([uri]))).await?;
            expect_refused(uri, &reply, &["invalid_redirect_uri"])?;
        }
    }

    /// `application_type` is accepted with the redirect URIs of its kind, and may be left out.
    ["MCP-017", Must, "MCP 2026-07-28"]
    async fn mcp_017_the_application_type_is_accepted_or_left_out(run) {
        let (loopback, web) = ("http://127.0.0.1:33418/callback", "https://app.test/cb");
        for (kind, uri, refusable) in [
            (json!("native"), loopback, false),
            (json!("web"), web, false),
            (Value::Null, loopback, false),
            (Value::Null, web, false),
            (json!("web"), loopback, true),
        ] {
            let metadata = with(run.client_metadata(), "redirect_uris", json!([uri]));
            let metadata = if kind.is_null() { metadata } else { with(metadata, "application_type", kind.clone()) };
            let reply = run.register(&metadata).await?;
            if refusable && reply.status() != 201 {
                expect_refused("a web application on this machine", &reply, &["invalid_redirect_uri"])?;
            } else {
                ensure!(reply.status() == 201, "{kind} with {uri} is answered with {}", reply.status());
                run.tokens(&reply.expect_registered()?.client).await?;
            }
        }
    }

    /// A client that registered for `refresh_token` gets one without asking for `offline_access`.
    ["MCP-020", Should, "practice"]
    async fn mcp_020_a_refresh_token_comes_without_offline_access(run) {
        let registered = run.registered(&run.client_metadata()).await?;
        let tokens = run.tokens(&registered.client).await?;
        ensure!(!tokens.refresh.is_empty(), "there is no refresh token");
        run.tokens_for(&run.refresh(&registered.client, &tokens.refresh)).await?;
    }

    /// A client that is forgotten gets a page at the authorization endpoint and a 401 `invalid_client` at the token
    /// endpoint, so that it registers again; and that works.
    ["MCP-022", Must, "practice"]
    async fn mcp_022_a_forgotten_client_is_told_to_register_again(run) {
        let registered = run.registered(&run.client_metadata()).await?;
        let forgotten = registered.client.clone();
        let tokens = run.tokens(&forgotten).await?;
        run.manage(Method::DELETE, &registered, &Value::Null).await?.expect_status(204)?;
        let never = crate::testkit::protocol::KnownClient { id: random(), ..forgotten.clone() };
        for client in [&forgotten, &never] {
            run.authorize(&run.request(client)).await?.expect_page(400)?;
            run.token(&run.exchange(client, "x")).await?.expect_error(401, "invalid_client")?;
            run.token(&run.refresh(client, &tokens.refresh)).await?.expect_error(401, "invalid_client")?;
        }
        run.tokens(&run.registered(&run.client_metadata()).await?.client).await?;
    }

    /// The registration of a public client tells the five members that clients read, and neither a secret nor a null.
    ["MCP-025", Must, "practice"]
    async fn mcp_025_the_registration_of_a_public_client_is_whole(run) {
        let registered = run.registered(&without(run.client_metadata(), "grant_types")).await?;
        for list in ["redirect_uris", "grant_types", "response_types"] {
            ensure!(!texts(&registered.metadata, list)?.is_empty(), "{list} is empty");
        }
        ensure!(registered.text("token_endpoint_auth_method")? == "none", "the client is told to be confidential");
        for member in ["client_secret", "client_secret_expires_at"] {
            ensure!(!registered.metadata.contains_key(member), "there is a {member}");
        }
        expect_filled("the registration", &Value::Object(registered.metadata))?;
    }

    /// A native client that asks for a secret gets one, or is told to be public; what is told works.
    ["MCP-026", Should, "practice"]
    async fn mcp_026_the_method_that_is_told_works(run) {
        let native = with(run.client_metadata(), "redirect_uris", json!(["http://127.0.0.1:33418/callback"]));
        for method in ["client_secret_post", "client_secret_basic"] {
            let registered = run.registered(&with(native.clone(), "token_endpoint_auth_method", json!(method))).await?;
            let told = registered.text("token_endpoint_auth_method")?;
            ensure!(told == method || told == "none", "asked for {method}, told {told}");
            ensure!(registered.client.secret.is_some() == (told != "none"), "{told} and the secret disagree");
            let client = &registered.client;
            let form = run.exchange(client, &run.code(client).await?);
            let reply = if told == "client_secret_basic" {
                run.token_with(&form.without("client_id").without("client_secret"), basic(client)).await?
            } else {
                run.token(&form).await?
            };
            reply.expect_ok()?;
        }
    }

    /// The callbacks of hosted and local clients register, are led to byte by byte, and bring tokens.
    ["MCP-030", Must, "practice"]
    async fn mcp_030_the_callbacks_of_hosted_clients_are_led_to_exactly(run) {
        let [registered, other] = [free_port(), free_port()].map(|port| format!("http://127.0.0.1:{port}/callback"));
        for (uri, asked, refusable) in [
            ("https://claude.ai/api/mcp/auth_callback", "https://claude.ai/api/mcp/auth_callback", false),
            ("http://localhost:8787/callback", "http://localhost:8787/callback", false),
            ("http://127.0.0.1:33418/", "http://127.0.0.1:33418/", false),
            (&*registered, &*registered, false),
            ("http://127.0.0.1/callback", &*other, false),
            // A private-use scheme without a dot may be refused (OAuth 2.1 §2.3.1).
            (CURSOR, CURSOR, true),
            (VS_CODE, VS_CODE, true),
        ] {
            let reply = run.register(&with(run.client_metadata(), "redirect_uris", json!([uri]))).await?;
            if refusable && reply.status() != 201 {
                expect_refused(uri, &reply, &["invalid_redirect_uri"])?;
                continue;
            }
            ensure!(reply.status() == 201, "{uri} is answered with {}", reply.status());
            let client = reply.expect_registered()?.client;
            ensure!(client.redirect_uris == [uri], "{uri} is told as {:?}", client.redirect_uris);
            let request = run.request(&client).with("redirect_uri", asked);
            let code = run.approve(&request).await?.expect_code(&request)?;
            run.tokens_for(&run.exchange_of(&client, &request, &code)).await?;
        }
    }
}
