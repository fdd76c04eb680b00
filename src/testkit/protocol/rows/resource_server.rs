//! The API that takes the tokens (RFC 6750, OAuth 2.1 §5, RFC 9728 §5).
//!
//! | row | why it is not here |
//! |---|---|
//! | RS-014 | no DPoP |
//! | RS-017 | no step-up by authentication context |

use std::time::Duration;

use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, CONTENT_TYPE, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::json;

use crate::testkit::Form;
use crate::testkit::protocol::run::FORM;
use crate::testkit::protocol::{Failure, Feature, Reply, Run, authorization, lists, miscased, random};

/// Headers with several values of `Authorization`.
fn several(values: &[&str]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for value in values {
        let value = value.parse().map_err(|_| Failure::new(format!("{value:?} cannot be sent as a header")))?;
        headers.append(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// A path with one more parameter in its query.
fn with_query(path: &str, query: &str) -> String {
    format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' })
}

/// A refusal of each kind: no token, no valid one, a malformed call, too little scope.
async fn refusals(run: &Run<'_>) -> Result<[Reply; 4], Failure> {
    let tokens = run.tokens(&run.profile().public).await?;
    let missing = run.call_with(HeaderMap::new()).await?;
    missing.expect_status(401)?;
    let invalid = run.call("xyz").await?;
    invalid.expect_status(401)?;
    let right = format!("Bearer {}", tokens.access);
    let malformed = run.call_with(several(&[&right, &right])?).await?;
    malformed.expect_status(400)?;
    let insufficient = run.write(&tokens.access).await?;
    insufficient.expect_status(403)?;
    Ok([missing, invalid, malformed, insufficient])
}

rows! {
    $ __protocol_rows_resource_server;

    /// `Authorization: Bearer` is supported, and the name of the scheme has no case.
    ["RS-001", Must, "RFC 6750 §2.1; OAuth 2.1 §5.1.1"]
    async fn rs_001_the_scheme_has_no_case(run) {
        let tokens = run.tokens(&run.profile().public).await?;
        run.call(&random()).await?.expect_status(401)?;
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            run.call_with(authorization(&format!("{scheme} {}", tokens.access))?).await?.expect_status(200)?;
        }
    }

    /// A call without a token is a 401 with a `Bearer` challenge that has a parameter, and no error code.
    ["RS-002", Must, "RFC 6750 §3; OAuth 2.1 §5.3.1"]
    async fn rs_002_a_call_without_a_token_is_told_of_bearer_and_of_no_error(run) {
        for values in [&[][..], &["Basic d2ViOng="], &["Digest username=\"x\""], &["bearertoken"]] {
            let challenge = run.call_with(several(values)?).await?.expect_bearer(401, None)?;
            ensure!(!challenge.parameters.is_empty(), "the challenge has no parameter");
        }
        run.write_with(HeaderMap::new()).await?.expect_bearer(401, None)?;
    }

    /// A token that is expired, revoked, unknown or malformed is a 401 `invalid_token`.
    ["RS-003", Should, "RFC 6750 §3.1"]
    async fn rs_003_whatever_is_no_live_token_is_invalid(run) {
        let client = &run.profile().web;
        let tokens = run.tokens(client).await?;
        run.call(&tokens.access).await?.expect_status(200)?;
        let cut = tokens.access.get(..tokens.access.len() - 1).unwrap_or_default();
        let (longer, long) = (format!("{}x", tokens.access), "x".repeat(4_000));
        let (upper, unsigned) = (miscased(&tokens.access), "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.");
        for token in ["xyz", &random(), cut, &longer, &long, &upper, unsigned] {
            run.call(token).await?.expect_bearer(401, Some("invalid_token"))?;
        }
        run.call(&tokens.access).await?.expect_status(200)?;
        if run.profile().has(Feature::Revocation) {
            run.revoke(client, &tokens.access).await?.expect_status(200)?;
            run.call(&tokens.access).await?.expect_bearer(401, Some("invalid_token"))?;
        }
        if run.profile().has(Feature::Clock) {
            let expired = run.tokens(client).await?;
            run.pass(Duration::from_hours(24 * 365))?;
            run.call(&expired.access).await?.expect_bearer(401, Some("invalid_token"))?;
        }
    }

    /// A malformed call, or one with a token twice, is a 400 `invalid_request`. A second token in the body is that too,
    /// or not looked at.
    ["RS-004", Should, "RFC 6750 §3.1"]
    async fn rs_004_a_malformed_or_repeated_token_is_a_bad_request(run) {
        let scopes = &run.profile().scopes;
        let request = run.request(&run.profile().public);
        let request = request.with("scope", &format!("{} {}", scopes.default, scopes.write));
        let code = run.code_for(&request).await?;
        let tokens = run.tokens_for(&run.exchange(&run.profile().public, &code)).await?;
        let right = format!("Bearer {}", tokens.access);
        run.call_with(several(&[&right])?).await?.expect_status(200)?;
        let behind = format!("{right} x");
        for values in [
            &[&*right, &right][..],
            &[&right, "Bearer xyz"],
            &["Bearer xyz", &right],
            &[&right, "Basic d2ViOng="],
            &["Bearer"],
            &["Bearer a b"],
            &[&behind],
            &["Bearer \"x\""],
        ] {
            run.call_with(several(values)?).await?.expect_bearer(400, Some("invalid_request"))?;
        }
        let mut headers = authorization(&right)?;
        headers.insert(CONTENT_TYPE, FORM);
        let body = Form::of([("access_token", &*tokens.access)]).encode();
        let reply = run.send(Method::GET, &run.profile().api.read, headers, body).await?;
        ensure!(matches!(reply.status().as_u16(), 200 | 400), "header and body: {}", reply.status());
    }

    /// A valid token with too little scope is a 403 `insufficient_scope` that says what is needed.
    ["RS-005", Should, "RFC 6750 §3.1; MCP 2025-11-25"]
    async fn rs_005_too_little_scope_is_told_what_is_needed(run) {
        let (client, scopes) = (&run.profile().public, &run.profile().scopes);
        let tokens = run.tokens(client).await?;
        let challenge = run.write(&tokens.access).await?.expect_bearer(403, Some("insufficient_scope"))?;
        let told = challenge.get("scope").unwrap_or_default();
        ensure!(told.split(' ').any(|token| token == scopes.write), "the scope {told:?} lacks {:?}", scopes.write);
        run.call(&tokens.access).await?.expect_status(200)?;
        let request = run.request(client).with("scope", &format!("{} {}", scopes.default, scopes.write));
        let enough = run.tokens_for(&run.exchange(client, &run.code_for(&request).await?)).await?;
        let reply = run.write(&enough.access).await?;
        ensure!(reply.status().is_success(), "a token with the scope that was asked for gets {}", reply.status());
    }

    /// A token in the query of the address is not looked at.
    ["RS-006", Must, "OAuth 2.1 §5.1"]
    async fn rs_006_a_token_in_the_address_is_not_looked_at(run) {
        let tokens = run.tokens(&run.profile().public).await?;
        let right = authorization(&format!("Bearer {}", tokens.access))?;
        let read = &run.profile().api.read;
        let address = with_query(read, &Form::of([("access_token", &*tokens.access)]).encode());
        run.call_with(right.clone()).await?.expect_status(200)?;
        run.get(&address).await?.expect_bearer(401, None)?;
        let wrong = with_query(read, "access_token=xyz");
        run.send(Method::GET, &wrong, right, "").await?.expect_status(200)?;
    }

    /// A token in the body of a call is not looked at.
    ["RS-007", May, "RFC 6750 §2.2"]
    async fn rs_007_a_token_in_the_body_is_not_looked_at(run) {
        let scopes = &run.profile().scopes;
        let request = run.request(&run.profile().public);
        let request = request.with("scope", &format!("{} {}", scopes.default, scopes.write));
        let code = run.code_for(&request).await?;
        let tokens = run.tokens_for(&run.exchange(&run.profile().public, &code)).await?;
        let written = run.write(&tokens.access).await?;
        ensure!(written.status().is_success(), "the token cannot write: {}", written.status());
        let form = Form::of([("access_token", &*tokens.access)]).encode();
        let json = json!({ "access_token": tokens.access }).to_string();
        let part = "Content-Disposition: form-data; name=\"access_token\"";
        let parts = format!("--x\r\n{part}\r\n\r\n{}\r\n--x--\r\n", tokens.access);
        let write = &run.profile().api.write;
        for (kind, body) in [
            (FORM, form),
            (HeaderValue::from_static("application/json"), json),
            (HeaderValue::from_static("multipart/form-data; boundary=x"), parts),
        ] {
            for (method, path) in [(&write.method, &write.path), (&Method::GET, &run.profile().api.read)] {
                let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind.clone())]);
                let reply = run.send(method.clone(), path, headers, body.clone()).await?;
                ensure!(matches!(reply.status().as_u16(), 400 | 401 | 415), "{method} {kind:?}: {}", reply.status());
            }
        }
    }

    /// A 401 tells where the metadata of the resource is: `resource_metadata`, an absolute URL in quotes.
    ["RS-008", Must, "RFC 9728 §5.1; MCP 2025-06-18"]
    async fn rs_008_a_refusal_leads_to_the_metadata(run) {
        for reply in [run.call_with(HeaderMap::new()).await?, run.call("xyz").await?, run.write("xyz").await?] {
            let challenges = reply.expect_status(401)?.challenges()?;
            let parameter = challenges.iter().find(|challenge| challenge.is("Bearer")).and_then(|challenge| {
                challenge.parameters.iter().find(|parameter| parameter.name == "resource_metadata")
            });
            let parameter = parameter.ok_or_else(|| Failure::new("the challenge has no resource_metadata"))?;
            ensure!(parameter.quoted, "resource_metadata is not in quotes");
            let absolute = parameter.value.starts_with("https://") || parameter.value.starts_with("http://");
            ensure!(absolute, "resource_metadata is no absolute URL: {:?}", parameter.value);
        }
    }

    /// A 401 and a 403 say which scope is needed, and a 403 leads to the metadata too.
    ["RS-009", Should, "MCP 2025-11-25; MCP 2026-07-28"]
    async fn rs_009_a_refusal_says_which_scope_is_needed(run) {
        let [missing, invalid, _, insufficient] = refusals(run).await?;
        for reply in [&missing, &invalid, &insufficient] {
            let challenges = reply.challenges()?;
            let bearer = challenges.iter().find(|challenge| challenge.is("Bearer"));
            let scope = bearer.and_then(|challenge| challenge.get("scope")).unwrap_or_default();
            ensure!(!scope.is_empty(), "the challenge of a {} names no scope", reply.status());
        }
        let challenge = insufficient.expect_bearer(403, Some("insufficient_scope"))?;
        let metadata = challenge.get("resource_metadata").unwrap_or_default();
        ensure!(metadata.contains("://"), "the challenge of a 403 has no resource_metadata");
    }

    /// In a challenge no parameter comes twice, every value is in quotes, and none has a character that needs escaping.
    ["RS-010", Must, "RFC 6750 §3"]
    async fn rs_010_a_challenge_keeps_to_its_grammar(run) {
        for reply in refusals(run).await? {
            let challenges = reply.challenges()?;
            ensure!(!challenges.is_empty(), "a {} without a challenge", reply.status());
            for challenge in &challenges {
                for parameter in &challenge.parameters {
                    let names = challenge.parameters.iter().map(|other| other.name.to_ascii_lowercase());
                    let count = names.filter(|name| *name == parameter.name.to_ascii_lowercase()).count();
                    ensure!(count == 1, "{} comes {count} times", parameter.name);
                    ensure!(parameter.quoted, "the value of {} is not in quotes", parameter.name);
                    let plain = |byte: u8| (0x20..=0x7E).contains(&byte) && !matches!(byte, b'"' | b'\\');
                    ensure!(parameter.value.bytes().all(plain), "{} is {:?}", parameter.name, parameter.value);
                }
            }
        }
    }

    /// `Bearer` comes first, and all of it is in one header: several clients look at the first scheme only.
    ["RS-011", Should, "practice"]
    async fn rs_011_bearer_comes_first_and_in_one_header(run) {
        for reply in refusals(run).await? {
            let headers = reply.headers().get_all(WWW_AUTHENTICATE).iter().count();
            ensure!(headers == 1, "there are {headers} headers WWW-Authenticate");
            let challenges = reply.challenges()?;
            let first = challenges.first().map(|challenge| challenge.scheme.as_str());
            ensure!(first == Some("Bearer"), "the first challenge is {first:?}");
        }
    }

    /// A token for another resource is refused with a 401 `invalid_token`.
    ["RS-012", Must, "OAuth 2.1 §5.2; MCP, every revision"]
    async fn rs_012_a_token_for_another_resource_is_refused(run) {
        run.requires(Feature::ResourceIndicators)?;
        let (client, api) = (&run.profile().web, &run.profile().api);
        let other = api.other_resource.as_deref().ok_or(Failure::missing(Feature::ResourceIndicators))?;
        let tokens = async |resources: &[&str]| {
            let request = resources.iter().fold(run.request(client), |form, resource| form.and("resource", resource));
            run.tokens_for(&run.exchange(client, &run.code_for(&request).await?)).await
        };
        run.call(&tokens(&[&api.resource]).await?.access).await?.expect_status(200)?;
        run.call(&tokens(&[other, &api.resource]).await?.access).await?.expect_status(200)?;
        let foreign = tokens(&[other]).await?;
        if run.profile().has(Feature::Introspection) {
            let told = run.introspect(client, &foreign.access).await?.expect_ok()?;
            ensure!(told.get("active") == Some(&json!(true)), "the token for the other resource is dead");
        }
        run.call(&foreign.access).await?.expect_bearer(401, Some("invalid_token"))?;
    }

    /// An expired token is a 401, neither a 403 nor a 200 with an error in it.
    ["RS-013", Must, "MCP, every revision"]
    async fn rs_013_an_expired_token_is_a_401(run) {
        run.requires(Feature::Clock)?;
        let client = &run.profile().public;
        let members = run.token(&run.exchange(client, &run.code(client).await?)).await?.expect_ok()?;
        let access = members.get("access_token").and_then(serde_json::Value::as_str).unwrap_or_default();
        let Some(lifetime) = members.get("expires_in").and_then(serde_json::Value::as_u64) else {
            return Err(Failure::new("the token response has no expires_in"));
        };
        let read = run.call(access).await?;
        read.expect_status(200)?;
        run.pass(Duration::from_secs(lifetime))?;
        let refused = run.call(access).await?;
        refused.expect_bearer(401, Some("invalid_token"))?;
        ensure!(refused.text() != read.text(), "the 401 carries what was asked for");
    }

    /// A refresh token, a code, a registration access token or a client secret is no access token.
    ["RS-015", Must, "practice"]
    async fn rs_015_nothing_else_passes_for_an_access_token(run) {
        let client = &run.profile().web;
        let (tokens, code) = (run.tokens(client).await?, run.code(client).await?);
        let mut others = vec![tokens.refresh.clone(), code.clone()];
        others.extend(client.secret.clone());
        if run.profile().has(Feature::Registration) {
            let registered = run.registered(&run.client_metadata()).await?;
            others.extend(registered.token().ok().map(ToOwned::to_owned));
        }
        for other in &others {
            ensure!(!other.is_empty(), "there is nothing to try");
            run.call(other).await?.expect_bearer(401, Some("invalid_token"))?;
        }
        run.call(&tokens.access).await?.expect_status(200)?;
        run.tokens_for(&run.exchange(client, &code)).await?;
        run.tokens_for(&run.refresh(client, &tokens.refresh)).await?;
    }

    /// A browser client may read the challenge.
    ["RS-016", Should, "practice"]
    async fn rs_016_a_browser_client_may_read_the_challenge(run) {
        let mut wrong = authorization("Bearer xyz")?;
        let origin = HeaderValue::from_static("https://app.test");
        wrong.insert(ORIGIN, origin.clone());
        for headers in [wrong, HeaderMap::from_iter([(ORIGIN, origin)])] {
            for reply in [run.call_with(headers.clone()).await?, run.write_with(headers.clone()).await?] {
                reply.expect_status(401)?;
                let exposed = lists(&reply, &ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate");
                ensure!(exposed, "the challenge is not exposed to browser clients");
            }
        }
    }
}
