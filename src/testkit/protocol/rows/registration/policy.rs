//! Registration: grants, authentication, scope, and what a registration is good for (RFC 7591 §2).

use http::Method;
use serde_json::{Value, json};

use super::{expect_refused, texts, with};
use crate::testkit::Form;
use crate::testkit::protocol::{identified, random};

rows! {
    $ __protocol_rows_registration_policy;

    /// The server may replace what is asked for, and the answer tells so.
    ["DCR-010", Must, "RFC 7591 §3.2.1"]
    async fn dcr_010_what_is_not_to_be_had_is_dropped_and_told(run) {
        let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!("client_secret_post"));
        let reply = run.register(&with(metadata, "grant_types", json!(["password", "authorization_code"]))).await?;
        if reply.status() != 201 {
            return expect_refused("the grant type password", &reply, &["invalid_client_metadata"]);
        }
        let registered = reply.expect_registered()?;
        ensure!(texts(&registered.metadata, "grant_types")? == ["authorization_code"], "other grant types are told");
        let form = Form::of([("grant_type", "password"), ("username", "alice"), ("password", "x")]);
        run.token(&identified(&registered.client, form)).await?.expect_refusal()?;
        let request = run.request(&registered.client);
        run.approve(&request).await?.expect_code(&request)?;
    }

    /// `grant_types` and `response_types` agree: the response type `code` comes with the grant `authorization_code`.
    ["DCR-014", Must, "RFC 7591 §2.1"]
    async fn dcr_014_grant_types_and_response_types_agree(run) {
        let secret = with(run.client_metadata(), "token_endpoint_auth_method", json!("client_secret_basic"));
        for (grant_types, response_types) in [
            (json!(["authorization_code"]), json!(["code"])),
            (json!(["client_credentials"]), json!(["code"])),
            (json!(["authorization_code"]), json!([])),
            (json!(["authorization_code"]), json!(["token"])),
            (json!(["authorization_code"]), json!(["code", "token"])),
            (json!(["authorization_code"]), json!(["id_token"])),
            (json!(["implicit"]), json!(["token"])),
        ] {
            let what = format!("{grant_types} with {response_types}");
            let metadata = with(
                with(secret.clone(), "grant_types", grant_types.clone()),
                "response_types",
                response_types.clone(),
            );
            let reply = run.register(&metadata).await?;
            let plain = grant_types == json!(["authorization_code"]) && response_types == json!(["code"]);
            ensure!(!plain || reply.status() == 201, "{what} is answered with {}", reply.status());
            if reply.status() != 201 {
                expect_refused(&what, &reply, &["invalid_client_metadata"])?;
                continue;
            }
            let registered = reply.expect_registered()?;
            let code = texts(&registered.metadata, "response_types")?.contains(&"code");
            let grant = texts(&registered.metadata, "grant_types")?.contains(&"authorization_code");
            ensure!(code == grant, "{what} is told as code: {code}, authorization_code: {grant}");
            let token = texts(&registered.metadata, "response_types")?.contains(&"token");
            ensure!(!token, "{what}: the response type token is told");
        }
    }

    /// `none` gives a public client: without a secret, and with PKCE.
    ["DCR-022", Must, "RFC 7591 §2"]
    async fn dcr_022_a_public_client_has_no_secret_and_uses_pkce(run) {
        let registered = run.registered(&run.client_metadata()).await?;
        ensure!(registered.text("token_endpoint_auth_method")? == "none", "the client is told to be confidential");
        ensure!(registered.client.secret.is_none(), "a public client is told a secret");
        run.tokens(&registered.client).await?;
        let request = run.request(&registered.client).without("code_challenge").without("code_challenge_method");
        run.approve(&request).await?.expect_redirect_error(&request, "invalid_request")?;
    }

    /// A refresh token is issued exactly to a client whose registration tells `refresh_token`.
    ["DCR-023", Should, "practice"]
    async fn dcr_023_a_refresh_token_comes_if_the_registration_tells_so(run) {
        for asked in [json!(["authorization_code", "refresh_token"]), json!(["authorization_code"])] {
            let registered = run.registered(&with(run.client_metadata(), "grant_types", asked.clone())).await?;
            let told = texts(&registered.metadata, "grant_types")?.contains(&"refresh_token");
            let wanted = asked.as_array().is_some_and(|asked| asked.contains(&json!("refresh_token")));
            ensure!(wanted || !told, "refresh_token is told and was not asked for");
            let tokens = run.tokens(&registered.client).await?;
            ensure!(tokens.refresh.is_empty() != told, "{asked}: told: {told}, issued: {}", !tokens.refresh.is_empty());
        }
    }

    /// `scope` limits the client, or is replaced, and the answer tells by what (RFC 7591 §3.2.1); left out, there is a
    /// default, which is told.
    ["DCR-024", Must, "RFC 7591 §2"]
    async fn dcr_024_a_scope_limits_the_client_and_none_is_no_error(run) {
        let scopes = &run.profile().scopes;
        let open = run.registered(&run.client_metadata()).await?;
        let told: Vec<_> = open.text("scope")?.split(' ').map(ToOwned::to_owned).collect();
        ensure!(told.contains(&scopes.default), "the scope that is told is {told:?}");
        run.tokens(&open.client).await?;
        let registered = run.registered(&with(run.client_metadata(), "scope", json!(scopes.default))).await?;
        let limit: Vec<_> = registered.text("scope")?.split(' ').map(ToOwned::to_owned).collect();
        ensure!(limit.contains(&scopes.default), "the scope that is told is {limit:?}");
        run.tokens(&registered.client).await?;
        let request = run.request(&registered.client).with("scope", &scopes.write);
        let reply = run.approve(&request).await?;
        if limit.contains(&scopes.write) {
            reply.expect_code(&request)?;
        } else {
            reply.expect_redirect_error(&request, "invalid_scope")?;
        }
    }

    /// A scope that is not to be had is dropped, and the answer tells so, or it is refused.
    ["DCR-025", Should, "practice"]
    async fn dcr_025_a_scope_that_is_not_to_be_had_is_dropped_or_refused(run) {
        let scopes = &run.profile().scopes;
        let unknown = random();
        for asked in [&scopes.restricted, &unknown] {
            for scope in [format!("{} {asked}", scopes.default), asked.clone()] {
                let reply = run.register(&with(run.client_metadata(), "scope", json!(scope))).await?;
                if reply.status() != 201 {
                    expect_refused(&scope, &reply, &["invalid_client_metadata"])?;
                    continue;
                }
                let registered = reply.expect_registered()?;
                let told = registered.text("scope")?.split(' ').any(|token| token == asked);
                ensure!(!told || *asked != unknown, "a scope that nobody knows is told");
                let request = run.request(&registered.client).with("scope", asked);
                let reply = run.approve(&request).await?;
                if told {
                    reply.expect_code(&request)?;
                } else {
                    reply.expect_redirect_error(&request, "invalid_scope")?;
                }
            }
        }
    }

    /// A client that is gone is unknown to everybody: a page for people, a 401 `invalid_client` for the client.
    ["DCR-028", Must, "practice"]
    async fn dcr_028_a_client_that_is_gone_is_unknown(run) {
        let registered = run.registered(&run.client_metadata()).await?;
        let client = &registered.client;
        let (tokens, spare) = (run.tokens(client).await?, run.code(client).await?);
        run.manage(Method::DELETE, &registered, &Value::Null).await?.expect_status(204)?;
        run.authorize(&run.request(client)).await?.expect_page(400)?;
        run.token(&run.exchange(client, &spare)).await?.expect_error(401, "invalid_client")?;
        run.token(&run.refresh(client, &tokens.refresh)).await?.expect_error(401, "invalid_client")?;
        run.expect_access_dead(client, &tokens.access).await?;
    }
}
