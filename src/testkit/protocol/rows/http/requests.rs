//! What endpoints are called, and what they take: methods, and media types (RFC 6749 §3.1, §3.2).

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use super::super::metadata::is_confidential;
use super::{FORM, expect_json_error, form_endpoints, post_as, post_endpoints};
use crate::testkit::Form;
use crate::testkit::protocol::{Failure, Feature, Run, identified};

/// The URLs of the metadata, each with the member that it is in.
async fn urls_of_the_metadata(run: &Run<'_>) -> Result<Vec<(String, String)>, Failure> {
    let metadata = run.metadata().await?;
    for needed in ["issuer", "authorization_endpoint", "token_endpoint"] {
        ensure!(metadata.get(needed).is_some_and(serde_json::Value::is_string), "the metadata has no {needed}");
    }
    let texts = metadata.into_iter().filter_map(|(member, value)| Some((member, value.as_str()?.to_owned())));
    Ok(texts.filter(|(_, text)| text.contains("://")).collect())
}

rows! {
    $ __protocol_rows_http_requests;

    /// Every URL of the protocol uses https; plain http is for loopback addresses only.
    ["HTTP-001", Must, "OAuth 2.1 §1.5; RFC 6749 §3.1, §3.2"]
    async fn http_001_every_url_is_https_or_loopback(run) {
        for (member, url) in urls_of_the_metadata(run).await? {
            ensure!(Url::parse(&url).is_ok_and(|url| is_confidential(&url)), "{member} is {url:?}");
        }
    }

    /// The URL of an endpoint contains no fragment.
    ["HTTP-002", Must, "RFC 6749 §3.1, §3.2"]
    async fn http_002_no_endpoint_has_a_fragment(run) {
        for (member, url) in urls_of_the_metadata(run).await? {
            ensure!(!url.contains('#') || !member.ends_with("_endpoint"), "{member} is {url:?}");
        }
    }

    /// The token, revocation, introspection and registration endpoints accept POST only.
    ["HTTP-003", Must, "RFC 6749 §3.2; OAuth 2.1 §3.2"]
    async fn http_003_what_takes_posts_takes_nothing_else(run) {
        let client = &run.profile().public;
        let exchange = run.exchange(client, &run.code(client).await?);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        for endpoint in post_endpoints(run) {
            let address = format!("{endpoint}?{}", exchange.encode());
            for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH] {
                let reply = run.send(method.clone(), &address, headers.clone(), exchange.encode()).await?;
                reply.expect_status(405)?;
                let allowed = reply.header(&ALLOW).unwrap_or_default();
                let mut allowed_methods = allowed.split(',').map(str::trim);
                ensure!(allowed_methods.clone().any(|own| own == "POST"), "Allow is {allowed:?} at {endpoint}");
                ensure!(!allowed_methods.any(|own| own == method), "{method} is refused, but Allow is {allowed:?}");
                ensure!(!reply.text().contains("access_token"), "{method} is answered with a token");
            }
        }
        // None of them has taken the code.
        run.tokens_for(&exchange).await?;
    }

    /// Credentials and grants in the URL of a POST are not honoured.
    ["HTTP-004", Must, "OAuth 2.1 §2.4.1; RFC 6749 §2.3.1"]
    async fn http_004_nothing_in_the_url_of_a_post_counts(run) {
        let (client, token) = (&run.profile().web, &run.profile().endpoints.token);
        let exchange = run.exchange(client, &run.code(client).await?);
        let everything = format!("{token}?{}", exchange.encode());
        post_as(run, &everything, FORM, "").await?.expect_error(400, "invalid_request")?;

        for name in ["client_secret", "code", "grant_type", "code_verifier"] {
            let exchange = run.exchange(client, &run.code(client).await?);
            let address = format!("{token}?{}", Form::of([(name, exchange.get(name).unwrap_or_default())]).encode());
            post_as(run, &address, FORM, &exchange.clone().without(name).encode()).await?.expect_refusal()?;
        }

        let query = ["client_secret=wrong", "client_id=other", "code=x", "grant_type=refresh_token", "code_verifier=x"];
        for ignored in query {
            let body = run.exchange(client, &run.code(client).await?).encode();
            let reply = post_as(run, &format!("{token}?{ignored}"), FORM, &body).await?;
            if reply.status() == 400 {
                reply.expect_error(400, "invalid_request")?;
            } else {
                reply.expect_ok()?;
            }
        }

        let tokens = run.tokens(client).await?;
        let named = identified(client, Form::of([("token", tokens.access.as_str())])).encode();
        for endpoint in form_endpoints(run).into_iter().filter(|endpoint| endpoint != token) {
            expect_json_error(&post_as(run, &format!("{endpoint}?{named}"), FORM, "").await?, &[400, 401])?;
        }
        if run.has(Feature::Introspection) {
            let told = run.introspect(client, &tokens.access).await?.expect_ok()?;
            ensure!(told.get("active") == Some(&true.into()), "the URL of a POST revoked the token");
        }
    }

    /// A form is read from the media type `application/x-www-form-urlencoded` only, whatever its case and charset.
    ["HTTP-005", Must, "RFC 6749 §4.1.3, App. B; OAuth 2.1 §3.2.2"]
    async fn http_005_a_form_is_read_from_its_own_media_type_only(run) {
        let (client, token) = (&run.profile().public, &run.profile().endpoints.token);
        let spelled = [
            "Application/X-WWW-Form-Urlencoded;charset=UTF-8",
            "application/x-www-form-urlencoded ; charset=utf-8",
            FORM,
        ];
        for media_type in spelled {
            let body = run.exchange(client, &run.code(client).await?).encode();
            post_as(run, token, media_type, &body).await?.expect_ok()?;
        }
        let exchange = run.exchange(client, &run.code(client).await?);
        let token_of = |name: &str| identified(&run.profile().web, Form::of([("token", name)])).encode();
        for media_type in [
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencodedx",
            "application/xml",
            "application/json, application/x-www-form-urlencoded",
            "x",
            "",
        ] {
            expect_json_error(&post_as(run, token, media_type, &exchange.encode()).await?, &[400, 415])?;
            for endpoint in form_endpoints(run).into_iter().filter(|endpoint| endpoint != token) {
                expect_json_error(&post_as(run, endpoint, media_type, &token_of("x")).await?, &[400, 415])?;
            }
        }
        let parts = exchange
            .iter()
            .map(|(name, value)| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
        let multipart = format!("{}--x--\r\n", parts.collect::<String>());
        let reply = post_as(run, token, "multipart/form-data; boundary=x", &multipart).await?;
        expect_json_error(&reply, &[400, 415])?;
        let object: serde_json::Map<_, _> =
            exchange.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let object = serde_json::Value::Object(object).to_string();
        expect_json_error(&post_as(run, token, "application/json", &object).await?, &[400, 415])?;
        if run.has(Feature::Introspection) {
            run.introspect(&run.profile().web, "x").await?.expect_ok()?;
        }
        run.tokens_for(&exchange).await?;
    }
}
