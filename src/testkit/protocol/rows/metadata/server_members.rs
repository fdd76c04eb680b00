//! Metadata of the authorization server: what it says, and that it is so (RFC 8414 §2).
//!
//! | row | why it is not here |
//! |---|---|
//! | META-019 | client identifier metadata documents are not among the suite's features |
//! | META-020, META-025 | no pushed and no signed requests |
//! | META-021, META-022 | no DPoP, no mutual TLS |
//! | META-023 | no rich authorization requests |
//! | META-026, META-027 | no OpenID Connect |
//! | META-034 | no JWT-bearer grant |

use http::{HeaderMap, Method};
use serde_json::Value;

use super::{expect_endpoint, expect_filled, texts};
use crate::testkit::Form;
use crate::testkit::protocol::{Failure, Feature, KnownClient, Reply, Run, basic, identified};

/// How a client may authenticate itself, as far as it can be tried.
const METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

/// A request to an endpoint by which `client` authenticates itself in this way.
async fn authenticated(
    run: &Run<'_>,
    endpoint: &str,
    form: Form,
    client: &KnownClient,
    method: &str,
) -> Result<Reply, Failure> {
    match method {
        "client_secret_basic" => run.post(endpoint, &form, basic(client)).await,
        _ => run.post(endpoint, &identified(client, form), HeaderMap::new()).await,
    }
}

/// Which of [`METHODS`] work at an endpoint where any client may ask about `token`.
async fn working(run: &Run<'_>, endpoint: &str) -> Result<Vec<&'static str>, Failure> {
    let mut working = Vec::new();
    for method in METHODS {
        let client = if method == "none" { &run.profile().public } else { &run.profile().web };
        let reply = authenticated(run, endpoint, Form::of([("token", "x")]), client, method).await?;
        match reply.status().as_u16() {
            200 => working.push(method),
            401 | 403 => {}
            _ => return Err(Failure::new(format!("{method} is answered with {}", reply.status()))),
        }
    }
    Ok(working)
}

rows! {
    $ __protocol_rows_metadata_server_members;

    /// `issuer`, `authorization_endpoint`, `token_endpoint` and `response_types_supported` are there, of the right
    /// types.
    ["META-008", Must, "RFC 8414 §2; MCP, every revision"]
    async fn meta_008_the_required_members_are_there(run) {
        let members = run.metadata().await?;
        let endpoints = &run.profile().endpoints;
        for (member, url) in
            [("authorization_endpoint", &endpoints.authorization), ("token_endpoint", &endpoints.token)]
        {
            let value = members.get(member).ok_or_else(|| Failure::new(format!("there is no {member}")))?;
            expect_endpoint(member, value)?;
            ensure!(value.as_str() == Some(url), "{member} is {value}, not {url:?}");
        }
        ensure!(members.get("issuer").is_some_and(Value::is_string), "the issuer is no text");
        let types = texts(&members, "response_types_supported")?;
        ensure!(types.contains(&"code"), "the response types are {types:?}");
    }

    /// No member is empty or null, at any depth.
    ["META-009", Must, "RFC 8414 §3.2"]
    async fn meta_009_nothing_is_empty_or_null(run) {
        let members = run.metadata().await?;
        ensure!(!members.is_empty(), "the document is empty");
        expect_filled("the document", &Value::Object(members))?;
    }

    /// `grant_types_supported` is there, every grant type that it lists works, and no other does.
    ["META-010", Should, "RFC 8414 §2"]
    async fn meta_010_every_listed_grant_type_works_and_no_other(run) {
        let members = run.metadata().await?;
        let listed = texts(&members, "grant_types_supported")?;
        let (web, service) = (&run.profile().web, &run.profile().service);
        let tokens = run.tokens(web).await?;
        ensure!(listed.contains(&"authorization_code"), "authorization_code works and is not listed");
        let refreshed = run.token(&run.refresh(web, &tokens.refresh)).await?.status() == 200;
        ensure!(listed.contains(&"refresh_token") == refreshed, "refresh_token works: {refreshed}; listed: {listed:?}");
        let form = identified(service, Form::of([("grant_type", "client_credentials")]));
        let own = run.token(&form).await?.status() == 200;
        ensure!(listed.contains(&"client_credentials") == own, "client_credentials works: {own}; listed: {listed:?}");
        for other in [
            "password",
            "implicit",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "AUTHORIZATION_CODE",
        ] {
            if !listed.contains(&other) {
                let form = Form::of([("grant_type", other), ("username", "alice"), ("password", "x")]);
                run.token(&identified(web, form)).await?.expect_error(400, "unsupported_grant_type")?;
            }
        }
    }

    /// `token_endpoint_auth_methods_supported` is there, and says how clients can authenticate themselves: `none` too
    /// if there are public ones.
    ["META-011", Should, "RFC 8414 §2"]
    async fn meta_011_every_listed_authentication_method_works_and_no_other(run) {
        let members = run.metadata().await?;
        let listed = texts(&members, "token_endpoint_auth_methods_supported")?;
        for method in METHODS {
            let client = if method == "none" { &run.profile().public } else { &run.profile().web };
            let form = run.exchange(client, &run.code(client).await?).without("client_id").without("client_secret");
            let endpoint = &run.profile().endpoints.token;
            let reply = authenticated(run, endpoint, form, client, method).await?;
            let works = reply.status() == 200;
            ensure!(works || reply.status() == 401, "{method} is answered with {}", reply.status());
            ensure!(listed.contains(&method) == works, "{method} works: {works}; listed: {listed:?}");
        }
    }

    /// The algorithms of client assertions are listed exactly if assertions are, and `none` is not among them.
    ["META-012", Must, "RFC 8414 §2"]
    async fn meta_012_algorithms_of_assertions_come_with_assertions(run) {
        let members = run.metadata().await?;
        for endpoint in ["token", "revocation", "introspection"] {
            let methods = format!("{endpoint}_endpoint_auth_methods_supported");
            let methods = if members.contains_key(&methods) { texts(&members, &methods)? } else { Vec::new() };
            let assertions = methods.iter().any(|method| method.ends_with("_jwt"));
            let member = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
            ensure!(members.contains_key(&member) == assertions, "{member} beside the methods {methods:?}");
            let algorithms = if assertions { texts(&members, &member)? } else { Vec::new() };
            ensure!(!algorithms.contains(&"none"), "{member} lists none");
        }
    }

    /// `code_challenge_methods_supported` is there with `S256`, and with `plain` only if that is accepted.
    ["META-013", Must, "RFC 9700 §2.1.1; MCP 2025-11-25"]
    async fn meta_013_pkce_is_advertised(run) {
        let members = run.metadata().await?;
        let listed = texts(&members, "code_challenge_methods_supported")?;
        ensure!(listed.contains(&"S256"), "S256 is not listed: {listed:?}");
        let request = run.request(&run.profile().public).with("code_challenge_method", "plain");
        let request = request.with("code_challenge", crate::testkit::protocol::VERIFIER);
        let reply = run.approve(&request).await?;
        if listed.contains(&"plain") {
            reply.expect_code(&request)?;
        } else {
            reply.expect_redirect_error(&request, "invalid_request")?;
        }
    }

    /// `response_modes_supported` is there, and what it lists works.
    ["META-014", Should, "RFC 8414 §2"]
    async fn meta_014_response_modes_are_listed(run) {
        let members = run.metadata().await?;
        let listed = texts(&members, "response_modes_supported")?;
        ensure!(listed.contains(&"query"), "query is not listed: {listed:?}");
        let request = run.request(&run.profile().public).with("response_mode", "query");
        run.approve(&request).await?.expect_code(&request)?;
        for other in ["fragment", "form_post"] {
            let request = request.clone().with("response_mode", other);
            let reply = run.approve(&request).await?;
            let code = reply.location().is_some_and(|location| location.contains("code="));
            ensure!(listed.contains(&other) || !code, "{other} is not listed, and a code comes");
        }
    }

    /// `scopes_supported` lists the scope tokens; `offline_access` too, which clients ask for only then.
    ["META-015", Should, "RFC 8414 §2"]
    async fn meta_015_scopes_are_listed(run) {
        let members = run.metadata().await?;
        let listed = texts(&members, "scopes_supported")?;
        let scopes = &run.profile().scopes;
        for token in [&scopes.default, &scopes.write, &scopes.restricted] {
            ensure!(listed.iter().filter(|own| *own == token).count() == 1, "{token} in {listed:?}");
        }
        if texts(&members, "grant_types_supported")?.contains(&"refresh_token") {
            ensure!(listed.contains(&"offline_access"), "offline_access is not listed");
            let request = run.request(&run.profile().web);
            let request = request.with("scope", &format!("{} offline_access", scopes.default));
            run.approve(&request).await?.expect_code(&request)?;
        }
    }

    /// An endpoint is listed exactly if it is there: what is listed answers, and what the target does without is not
    /// listed.
    ["META-016", Must, "RFC 8414 §2; RFC 7009; RFC 7662; RFC 7591"]
    async fn meta_016_an_endpoint_is_listed_exactly_if_it_is_there(run) {
        let members = run.metadata().await?;
        let endpoints = &run.profile().endpoints;
        for (feature, member, url) in [
            (Feature::Registration, "registration_endpoint", &endpoints.registration),
            (Feature::Revocation, "revocation_endpoint", &endpoints.revocation),
            (Feature::Introspection, "introspection_endpoint", &endpoints.introspection),
        ] {
            let listed = members.get(member).and_then(Value::as_str);
            if run.profile().has(feature) {
                ensure!(listed == Some(url), "{member} is {listed:?}, not {url:?}");
            } else {
                ensure!(listed.is_none(), "{member} is listed, and there is no {feature}");
                let reply = run.post(url, &Form::new(), HeaderMap::new()).await?;
                ensure!(reply.status() == 404, "{url} answers with {}", reply.status());
            }
        }
        let listed = members.iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
        let mut count = 0;
        for (name, value) in listed {
            count += 1;
            expect_endpoint(name, value)?;
            let url = value.as_str().unwrap_or_default();
            let reply = if matches!(&**name, "authorization_endpoint" | "jwks_uri" | "userinfo_endpoint") {
                run.send(Method::GET, url, HeaderMap::new(), "").await?
            } else {
                run.post(url, &Form::new(), HeaderMap::new()).await?
            };
            ensure!(!matches!(reply.status().as_u16(), 404 | 405), "{name} is answered with {}", reply.status());
        }
        ensure!(count >= 2, "only {count} endpoints are listed");
    }

    /// What is listed of how clients authenticate themselves at revocation and introspection is so.
    ["META-017", Should, "RFC 8414 §2"]
    async fn meta_017_the_methods_of_revocation_and_introspection_are_so(run) {
        let members = run.metadata().await?;
        let endpoints = &run.profile().endpoints;
        for (feature, name, url) in [
            (Feature::Revocation, "revocation", &endpoints.revocation),
            (Feature::Introspection, "introspection", &endpoints.introspection),
        ] {
            if run.profile().has(feature) {
                let listed = texts(&members, &format!("{name}_endpoint_auth_methods_supported"))?;
                let working = working(run, url).await?;
                for method in METHODS {
                    let (works, told) = (working.contains(&method), listed.contains(&method));
                    ensure!(works == told, "{name}: {method} works: {works}; listed: {listed:?}");
                }
            }
        }
    }

    /// `authorization_response_iss_parameter_supported` is `true`, as a boolean.
    ["META-018", Must, "RFC 9207 §3"]
    async fn meta_018_the_issuer_in_responses_is_advertised(run) {
        let member = run.metadata().await?.get("authorization_response_iss_parameter_supported").cloned();
        ensure!(member == Some(Value::Bool(true)), "authorization_response_iss_parameter_supported is {member:?}");
        let request = run.request(&run.profile().public);
        run.approve(&request).await?.expect_code(&request)?;
    }

    /// If the resources of the server are listed, then as they are spelt, and tokens for each can be had.
    ["META-024", May, "RFC 9728 §4"]
    async fn meta_024_the_resources_are_listed_as_they_are_spelt(run) {
        let members = run.metadata().await?;
        if !members.contains_key("protected_resources") {
            return Ok(());
        }
        let listed = texts(&members, "protected_resources")?;
        let api = &run.profile().api;
        for resource in [Some(&api.resource), api.other_resource.as_ref()].into_iter().flatten() {
            ensure!(listed.contains(&resource.as_str()), "{resource} is not listed: {listed:?}");
        }
        if run.profile().has(Feature::ResourceIndicators) {
            for resource in listed {
                let request = run.request(&run.profile().public).and("resource", resource);
                run.approve(&request).await?.expect_code(&request)?;
            }
        }
    }

    /// It tells no secret and no client.
    ["META-033", Should, "practice"]
    async fn meta_033_the_document_tells_no_secret_and_no_client(run) {
        let text = Value::Object(run.metadata().await?).to_string();
        ensure!(text.contains(&run.profile().issuer), "the document names no issuer");
        for client in run.profile().clients() {
            ensure!(!text.contains(&client.id), "the document names the client {}", client.id);
            let secret = client.secret.as_deref();
            ensure!(secret.is_none_or(|secret| !text.contains(secret)), "the document has a secret of {}", client.id);
        }
    }
}
