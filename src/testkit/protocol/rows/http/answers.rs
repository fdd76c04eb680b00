//! Answers: JSON whatever happens, never stored, never redirected, and named by nobody but the configuration.

use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::{FORM, expect_json_error, form_endpoints, post_as, post_endpoints};
use crate::testkit::Form;
use crate::testkit::protocol::{Failure, Feature, KnownClient, Reply, Run, User, identified};

/// Headers that a proxy would set, as if the target were somewhere else.
const FORWARDED: [(&str, &str); 8] = [
    ("x-forwarded-host", "evil.test"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-port", "81"),
    ("x-forwarded-prefix", "/evil.test"),
    ("x-forwarded-for", "203.0.113.7"),
    ("forwarded", "for=203.0.113.7;host=evil.test;proto=http"),
    ("x-original-url", "/evil.test"),
    ("x-rewrite-url", "/evil.test"),
];

/// The headers by which proxies say whose certificate they have seen.
const CERTIFICATES: [&str; 5] =
    ["x-forwarded-client-cert", "x-ssl-client-verify", "x-ssl-client-s-dn", "x-client-cert", "client-cert"];

fn forwarded() -> HeaderMap {
    FORWARDED
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .into_iter()
        .collect()
}

fn as_json() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))])
}

/// The metadata of a client that registers itself.
fn registration() -> Value {
    json!({ "redirect_uris": ["https://new.test/cb"], "token_endpoint_auth_method": "none" })
}

/// A redirect to the client that is about nobody else.
fn expect_untouched(reply: &Reply, request: &Form) -> Result<(), Failure> {
    reply.expect_code(request)?;
    ensure!(!format!("{:?}", reply.headers()).contains("evil.test"), "the answer names another host");
    Ok(())
}

/// Every member of every object has a value.
fn is_complete(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().all(|value| !value.is_null() && value != "" && is_complete(value)),
        Value::Array(items) => items.iter().all(is_complete),
        _ => true,
    }
}

/// An answer of each kind that has JSON in it, errors too.
async fn json_answers(run: &Run<'_>, client: &KnownClient) -> Result<Vec<(&'static str, Reply)>, Failure> {
    let exchange = run.exchange(client, &run.code(client).await?);
    let token = run.token(&exchange).await?;
    let members = token.expect_ok()?;
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut answers = vec![
        ("metadata", run.get(&run.metadata_address()).await?),
        ("refresh", run.token(&run.refresh(client, text("refresh_token"))).await?),
        ("token error", run.token(&exchange).await?),
        ("client error", run.token(&run.refresh(client, "x").with("client_secret", "wrong")).await?),
    ];
    if run.has(Feature::ClientCredentials) {
        let form = identified(&run.profile().service, Form::of([("grant_type", "client_credentials")]));
        answers.push(("client credentials", run.token(&form).await?));
    }
    if run.has(Feature::Introspection) {
        answers.push(("introspection", run.introspect(client, text("access_token")).await?));
        answers.push(("introspection of nothing", run.introspect(client, "x").await?));
    }
    if run.has(Feature::Registration) {
        answers.push(("registration", run.register(&registration()).await?));
        answers.push(("registration error", run.register(&json!({ "redirect_uris": ["x"] })).await?));
    }
    answers.push(("token", token));
    Ok(answers)
}

rows! {
    $ __protocol_rows_http_answers;

    /// Bodies and URLs have a size limit, and the answer is a clean error; the server goes on.
    ["HTTP-013", Must, "practice"]
    async fn http_013_what_is_too_large_is_refused(run) {
        for endpoint in form_endpoints(run) {
            let reply = post_as(run, endpoint, FORM, &"a".repeat(1 << 20)).await?;
            expect_json_error(&reply, &[400, 413])?;
        }
        // Right in everything but its size; without the filling it is right, so nothing was spent.
        let client = &run.profile().public;
        let exchange = run.exchange(client, &run.code(client).await?);
        let padded = run.token(&exchange.clone().and("foo", &"a".repeat(1 << 20))).await?;
        expect_json_error(&padded, &[400, 413])?;
        run.tokens_for(&exchange).await?;
        if run.has(Feature::Registration) {
            let padded = json!({ "redirect_uris": ["https://new.test/cb"], "software_id": "a".repeat(1 << 20) });
            expect_json_error(&run.register(&padded).await?, &[400, 413])?;
        }
        let request = run.request(&run.profile().public);
        // As much as the HTTP library sends.
        let address = run.address(&request);
        let filling = "a".repeat(65_000 - address.len());
        let reply = run.approve_at(&format!("{address}&foo={filling}")).await?;
        ensure!(matches!(reply.status().as_u16(), 400 | 414 | 431), "a query of 64 KiB gets {}", reply.status());
        reply.expect_no_header(&http::header::LOCATION)?;
    }

    /// Headers that a proxy sets change nothing when they come from elsewhere.
    ["HTTP-014", Must, "RFC 9700 §4.13"]
    async fn http_014_forwarding_headers_change_nothing(run) {
        let plain = run.get(&run.metadata_address()).await?;
        let forged = run.send(Method::GET, &run.metadata_address(), forwarded(), "").await?;
        ensure!(plain.text() == forged.text(), "the metadata changes with the headers of a proxy");

        let request = run.request(&run.profile().web).and("prompt", "consent");
        let anonymous = run.anonymous().send(Method::GET, &run.address(&request), forwarded(), String::new()).await?;
        anonymous.expect_ui()?;
        let mut browser = run.signed_in(User::Alice).await?;
        let page = browser.send(Method::GET, &run.address(&request), forwarded(), String::new()).await?;
        ensure!(!page.text().contains("evil.test"), "the page names another host");
        let form = run.fill_in(&page, &crate::testkit::protocol::Decision::Approve)?;
        let mut headers = forwarded();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        expect_untouched(&browser.send(Method::POST, &form.action, headers, form.fields.encode()).await?, &request)?;

        if run.has(Feature::Registration) {
            let mut headers = forwarded();
            headers.extend(as_json());
            let body = registration().to_string();
            let reply = run.send(Method::POST, &run.profile().endpoints.registration, headers, body).await?;
            reply.expect_status(201)?;
            ensure!(!reply.text().contains("evil.test"), "the registration is managed elsewhere");
        }
        let client = &run.profile().web;
        let exchange = run.exchange(client, &run.code(client).await?);
        for name in CERTIFICATES {
            for value in ["SUCCESS", &format!("CN={}", client.id), &format!("Subject=\"CN={}\"", client.id)] {
                let value =
                    HeaderValue::from_str(value).map_err(|_| Failure::new("an identifier that cannot be sent"))?;
                let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value)]);
                let reply = run
                    .post(&run.profile().endpoints.token, &exchange.clone().without("client_secret"), headers)
                    .await?;
                reply.expect_refusal()?;
            }
        }
        run.tokens_for(&exchange).await?;
    }

    /// Issuer and endpoints are named by the configuration, not by the request.
    ["HTTP-015", Must, "practice"]
    async fn http_015_the_host_header_changes_nothing(run) {
        let plain = run.get(&run.metadata_address()).await?;
        plain.expect_status(200)?;
        for host in ["evil.test", "evil.test:81", "as.test@evil.test"] {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            let reply = run.send(Method::GET, &run.metadata_address(), headers.clone(), "").await?;
            ensure!(!reply.text().contains("evil.test"), "the metadata names the host {host:?}");
            ensure!(
                reply.text() == plain.text() || reply.status().is_client_error(),
                "the metadata changes with the host {host:?}"
            );

            let request = run.request(&run.profile().public).and("prompt", "none");
            let reply =
                run.anonymous().send(Method::GET, &run.address(&request), headers.clone(), String::new()).await?;
            if !reply.status().is_client_error() {
                // `iss` of the response is looked at.
                reply.expect_redirect_error(&request, "login_required")?;
            }
            if run.has(Feature::Registration) {
                let mut headers = headers;
                headers.extend(as_json());
                let body = registration().to_string();
                let reply = run.send(Method::POST, &run.profile().endpoints.registration, headers, body).await?;
                ensure!(!reply.text().contains("evil.test"), "the registration names the host {host:?}");
            }
        }
    }

    /// What holds tokens, codes, secrets or personal data is not stored by caches.
    ["HTTP-016", Must, "RFC 6749 §5.1; OAuth 2.1 §3.2.3"]
    async fn http_016_nothing_confidential_is_stored(run) {
        let client = &run.profile().web;
        for (what, reply) in json_answers(run, client).await?.iter().filter(|(what, _)| *what != "metadata") {
            reply.expect_not_stored().map_err(|failure| Failure::new(format!("{what}: {failure}")))?;
        }
        let request = run.request(client).and("prompt", "consent");
        let page = run.authorize(&request).await?;
        page.expect_status(200)?.expect_not_stored()?;
        let mut browser = run.signed_in(User::Alice).await?;
        let redirect = run.approve_on(&mut browser, page).await?;
        redirect.expect_code(&request)?;
        redirect.expect_not_stored()?;
    }

    /// Errors of JSON endpoints are JSON whatever is wrong.
    ["HTTP-017", Should, "practice"]
    async fn http_017_errors_are_json(run) {
        for endpoint in post_endpoints(run) {
            expect_json_error(&run.get(endpoint).await?, &[405])?;
            expect_json_error(&post_as(run, endpoint, "text/plain", "x").await?, &[400, 415])?;
            let media_type = if *endpoint == run.profile().endpoints.registration { "application/json" } else { FORM };
            expect_json_error(&post_as(run, endpoint, media_type, &"a".repeat(1 << 20)).await?, &[400, 413])?;
            expect_json_error(&post_as(run, endpoint, media_type, "").await?, &[400, 401])?;
        }
        let nowhere = format!("{}/no/such/issuer", run.metadata_address());
        expect_json_error(&run.get(&nowhere).await?, &[404])?;
    }

    /// `error` and `error_description` keep to the characters that are allowed in them, whatever was sent.
    ["HTTP-018", Must, "RFC 6749 §4.1.2.1, §5.2, App. A.7, A.8"]
    async fn http_018_descriptions_keep_to_their_characters(run) {
        let allowed = |text: &str| text.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E));
        let request = run.request(&run.profile().public);
        let refresh = run.refresh(&run.profile().web, "x");
        for bad in ["re\"ad", "re\\ad", "read\nwrite", "r\u{e9}ad", "<script>alert(1)</script>", "\u{7f}"] {
            for name in ["scope", "response_type", "code_challenge", "code_challenge_method"] {
                let request = request.clone().with(name, bad);
                let response = run.approve(&request).await?.expect_response(&request)?;
                ensure!(response.get("error").is_some(), "{bad:?} is accepted as {name}");
                for part in ["error", "error_description", "error_uri"] {
                    let text = response.get(part).unwrap_or_default();
                    ensure!(allowed(text) && !text.contains('<'), "{part} is {text:?} when {name} is {bad:?}");
                }
            }
            for name in ["grant_type", "refresh_token", "client_id", "scope"] {
                let reply = run.token(&refresh.clone().with(name, bad)).await?;
                let error =
                    reply.expect_refusal()?.expect_json()?.get("error").and_then(Value::as_str).map(ToOwned::to_owned);
                // It looks at the description.
                let members = reply.expect_error(reply.status().as_u16(), &error.unwrap_or_default())?;
                ensure!(members.values().all(|member| member.as_str().is_none_or(allowed)), "{name} is {bad:?}");
            }
            if run.has(Feature::Registration) {
                let reply = run.register(&json!({ "redirect_uris": [bad] })).await?;
                let members = reply.expect_error(400, "invalid_redirect_uri")?;
                ensure!(members.values().all(|member| member.as_str().is_none_or(allowed)), "the URI is {bad:?}");
            }
        }
    }

    /// JSON is one object in which every member has a value.
    ["HTTP-019", Must, "OAuth 2.1 §3.2.3"]
    async fn http_019_no_member_is_null_or_empty(run) {
        for (what, reply) in json_answers(run, &run.profile().web).await? {
            let parsed: Result<Value, _> = serde_json::from_str(&reply.text());
            let value = parsed.map_err(|error| Failure::new(format!("the answer ({what}) is no JSON: {error}")))?;
            ensure!(value.is_object(), "the answer ({what}) is no object: {value}");
            ensure!(is_complete(&value), "the answer ({what}) has a member without a value: {value}");
        }
    }

    /// JSON is `application/json`, whatever the client says to accept.
    ["HTTP-020", Should, "practice"]
    async fn http_020_json_is_json_whatever_is_accepted(run) {
        let client = &run.profile().web;
        for accept in ["text/html", FORM, "application/xml", "text/json", "image/png;q=1", "*/*"] {
            let accepting = || HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            let token = &run.profile().endpoints.token;
            let exchange = run.exchange(client, &run.code(client).await?);
            run.post(token, &exchange, accepting()).await?.expect_ok()?;
            run.post(token, &exchange.with("grant_type", "x"), accepting())
                .await?
                .expect_error(400, "unsupported_grant_type")?;
            if run.has(Feature::Introspection) {
                let form = identified(client, Form::of([("token", "x")]));
                run.post(&run.profile().endpoints.introspection, &form, accepting()).await?.expect_ok()?;
            }
            if run.has(Feature::Registration) {
                let mut headers = accepting();
                headers.extend(as_json());
                let endpoint = &run.profile().endpoints.registration;
                run.send(Method::POST, endpoint, headers, "{}").await?.expect_refusal()?.expect_json()?;
            }
            let metadata = run.send(Method::GET, &run.metadata_address(), accepting(), "").await?;
            let kind = metadata.expect_status(200)?.header(&CONTENT_TYPE).unwrap_or_default();
            ensure!(kind.starts_with("application/json"), "the metadata is of the type {kind:?}");
        }
    }

    /// A POST of the protocol is not redirected, also not to a path without a slash at its end.
    ["HTTP-021", Must, "practice"]
    async fn http_021_no_post_is_redirected(run) {
        let client = &run.profile().public;
        let exchange = run.exchange(client, &run.code(client).await?);
        for endpoint in post_endpoints(run) {
            let path = endpoint.strip_prefix(run.origin()).unwrap_or(endpoint);
            for address in [format!("{path}/"), format!("/{path}"), path.to_uppercase(), path.to_owned()] {
                let media_type =
                    if *endpoint == run.profile().endpoints.registration { "application/json" } else { FORM };
                let body = exchange.clone().with("code", "x").encode();
                let reply = post_as(run, &address, media_type, &body).await?;
                ensure!(!reply.status().is_redirection(), "{address} is redirected with {}", reply.status());
                reply.expect_no_header(&http::header::LOCATION)?;
                let elsewhere = address != path;
                ensure!(!elsewhere || reply.status() == 404, "{address} is answered with {}", reply.status());
            }
        }
        let reply = run.token(&exchange).await?;
        reply.expect_ok()?;
        reply.expect_no_header(&http::header::LOCATION)?;
    }

    /// HEAD of the metadata is GET without a body; HEAD of an authorization request makes no code.
    ["HTTP-022", Should, "practice"]
    async fn http_022_head_is_get_without_a_body_and_makes_nothing(run) {
        let mut addresses = vec![run.metadata_address()];
        addresses.extend(run.metadata().await?.get("jwks_uri").and_then(Value::as_str).map(ToOwned::to_owned));
        for address in addresses {
            let get = run.get(&address).await?;
            let head = run.send(Method::HEAD, &address, HeaderMap::new(), "").await?;
            head.expect_status(200)?;
            ensure!(head.is_empty(), "HEAD of {address} has a body");
            let kinds = [&get, &head].map(|reply| reply.header(&CONTENT_TYPE));
            ensure!(kinds[0] == kinds[1], "GET and HEAD of {address} are of the types {kinds:?}");
        }
        let request = run.request(&run.profile().web);
        run.approve(&request).await?.expect_code(&request)?;
        let mut browser = run.signed_in(User::Alice).await?;
        if run.has(Feature::RememberedConsent) {
            // By GET it would be a code.
            browser.get(&run.address(&request)).await?.expect_code(&request)?;
        }
        let head = browser.send(Method::HEAD, &run.address(&request), HeaderMap::new(), String::new()).await?;
        ensure!(matches!(head.status().as_u16(), 200 | 405), "HEAD is answered with {}", head.status());
        let location = head.location().unwrap_or_default();
        ensure!(!location.contains("code="), "HEAD is answered with a code: {location:?}");
    }
}
