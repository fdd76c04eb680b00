//! Attacks through the form of a request.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::json;

use crate::testkit::Form;
use crate::testkit::protocol::rows::client_authentication::endpoints;
use crate::testkit::protocol::{Failure, Feature, Reply, Run, Tokens, basic, identified};

/// The content type of a form, and others beside it.
fn headers(more: &[(http::HeaderName, &'static str)]) -> HeaderMap {
    let form = (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let more = more.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
    std::iter::once(form).chain(more).collect()
}

async fn post(run: &Run<'_>, address: &str, headers: HeaderMap, body: impl Into<Bytes>) -> Result<Reply, Failure> {
    run.send(Method::POST, address, headers, body).await
}

rows! {
    $ __protocol_rows_request_attacks;

    /// Only a form that says so is a form: not JSON, not text, not `multipart`, and not a form that says to be one of
    /// these.
    ["ATK-068", Must, "RFC 6749 §3.2, appendix B; OAuth 2.1 §3.2.2"]
    async fn atk_068_another_content_type_is_no_form(run) {
        let client = &run.profile().web;
        let right = run.exchange(client, &run.code(client).await?);
        let endpoint = &run.profile().endpoints.token;
        let pairs = right.iter().map(|(name, value)| (name.to_owned(), json!(value)));
        let as_json = serde_json::Value::Object(pairs.collect()).to_string();
        let part = |(name, value)| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        let as_parts = format!("{}--x--\r\n", right.iter().map(part).collect::<String>());
        let encoded = right.encode();
        for (kind, body) in [
            (Some("application/json"), &encoded),
            (Some("application/json"), &as_json),
            (Some("text/plain"), &encoded),
            (Some("text/plain"), &as_json),
            (Some("multipart/form-data; boundary=x"), &as_parts),
            (Some("multipart/form-data; boundary=x"), &encoded),
            (Some("application/x-www-form-urlencoded-x"), &encoded),
            (Some("application/json, application/x-www-form-urlencoded"), &encoded),
            (Some("x"), &encoded),
            (None, &encoded),
            (Some("application/x-www-form-urlencoded"), &as_json),
            (Some("application/x-www-form-urlencoded"), &as_parts),
        ] {
            let kind = kind.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind)));
            let answer = post(run, endpoint, kind.into_iter().collect(), body.clone()).await?;
            ensure!(matches!(answer.status().as_u16(), 400 | 415), "the answer is {}", answer.status());
            answer.expect_refusal()?;
        }
        let mut twice = headers(&[]);
        twice.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        post(run, endpoint, twice, encoded.clone()).await?.expect_refusal()?;
        let spelled = HeaderValue::from_static("Application/X-WWW-Form-Urlencoded;charset=UTF-8");
        post(run, endpoint, HeaderMap::from_iter([(CONTENT_TYPE, spelled)]), encoded).await?.expect_ok()?;
    }

    /// Credentials, codes and tokens in the address count for nothing: they would be in logs.
    ["ATK-069", Must, "RFC 6749 §2.3.1; OAuth 2.1 §2.4.1; RFC 9700 §4.3.2"]
    async fn atk_069_the_address_carries_no_credential(run) {
        let client = &run.profile().web;
        let tokens = run.refreshable(client).await?;
        let right = run.exchange(client, &run.code(client).await?);
        let endpoint = &run.profile().endpoints.token;
        for form in [&right, &run.refresh(client, &tokens.refresh)] {
            let all = format!("{endpoint}?{}", form.encode());
            post(run, &all, headers(&[]), "").await?.expect_refusal()?;
            run.get(&all).await?.expect_refusal()?;
            for moved in ["client_secret", "code", "refresh_token"] {
                if let Some(value) = form.get(moved) {
                    let address = format!("{endpoint}?{}", Form::of([(moved, value)]).encode());
                    let rest = form.clone().without(moved);
                    post(run, &address, headers(&[]), rest.encode()).await?.expect_refusal()?;
                }
            }
        }
        if run.has(Feature::Api) {
            run.call(&tokens.access).await?.expect_status(200)?;
            let read = &run.profile().api.read;
            let separator = if read.contains('?') { '&' } else { '?' };
            run.get(&format!("{read}{separator}access_token={}", tokens.access)).await?.expect_status(401)?;
        }
        for (endpoint, form) in endpoints(run).into_iter().filter(|(_, form)| form.get("token").is_some()) {
            let query = form.with("token", &tokens.refresh).encode();
            let answer = run.post(&format!("{endpoint}?{query}"), &Form::new(), basic(client)).await?;
            answer.expect_error(400, "invalid_request")?;
        }
        // Neither do they count as a second value.
        let address = format!("{endpoint}?client_secret=wrong&code=x&grant_type=foo");
        let answer = post(run, &address, headers(&[]), right.encode()).await?;
        if answer.status() == 200 {
            answer.expect_ok()?;
        } else {
            // A server may refuse credentials in an address even if they are not needed.
            answer.expect_error(400, "invalid_request")?;
            run.token(&right).await?.expect_ok()?;
        }
        run.expect_alive(client, &tokens).await?;
    }

    /// Bodies that are too large, too many parameters and compressed bodies are refused; others are still served.
    ["ATK-070", Must, "practice"]
    async fn atk_070_a_burdensome_body_is_refused(run) {
        let client = &run.profile().web;
        let right = run.exchange(client, &run.code(client).await?);
        for (endpoint, form) in endpoints(run) {
            let named = identified(client, form).encode();
            let many = (0..20_000).map(|n| format!("p{n}&")).collect::<String>();
            for body in ["x".repeat(1 << 20), format!("{named}&x={}", "x".repeat(1 << 20)), format!("{many}{named}")] {
                let answer = post(run, endpoint, headers(&[]), body).await?;
                ensure!(matches!(answer.status().as_u16(), 400 | 413), "the answer is {}", answer.status());
            }
            for encoding in ["gzip", "deflate", "br", "x"] {
                let answer = post(run, endpoint, headers(&[(CONTENT_ENCODING, encoding)]), named.clone()).await?;
                ensure!(matches!(answer.status().as_u16(), 400 | 415), "{encoding} is answered {}", answer.status());
            }
        }
        let long = "x".repeat(60_000);
        for name in ["code", "redirect_uri", "client_id", "grant_type"] {
            run.token(&right.clone().with(name, &long)).await?.expect_refusal()?;
        }
        run.token(&right).await?.expect_ok()?;
    }

    /// No cache keeps a token response: it comes on POST only, with nothing to ask for it again by.
    ["ATK-079", Must, "RFC 6749 §5.1; OAuth 2.1 §3.2"]
    async fn atk_079_no_cache_keeps_a_token_response(run) {
        let client = &run.profile().web;
        let right = run.exchange(client, &run.code(client).await?);
        let address = format!("{}?{}", run.profile().endpoints.token, right.encode());
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = run.send(method, &address, headers(&[]), right.encode()).await?;
            answer.expect_status(405)?;
            ensure!(!answer.text().contains("access_token"), "there is a token");
        }
        let first = post(run, &run.profile().endpoints.token, headers(&[(IF_NONE_MATCH, "*")]), right.encode()).await?;
        let tokens = Tokens::of(&first.expect_ok()?);
        let form = run.refresh(client, &tokens.refresh).encode();
        let second = post(run, &run.profile().endpoints.token, headers(&[(IF_NONE_MATCH, "*")]), form).await?;
        second.expect_ok()?;
        for answer in [first, second] {
            answer.expect_no_header(&ETAG)?.expect_no_header(&LAST_MODIFIED)?;
        }
    }
}
