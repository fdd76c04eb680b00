//! What web pages of other origins may do (Fetch, CORS protocol).
//!
//! | row | why it is not here |
//! |---|---|
//! | CORS-006 | no DPoP |

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE, CONTENT_TYPE, ORIGIN, VARY,
};
use http::{HeaderValue, Method};

use super::metadata::{SERVER, resource_url};
use crate::testkit::Form;
use crate::testkit::protocol::run::FORM;
use crate::testkit::protocol::{
    Failure, Feature, Reply, Run, User, authorization, from_origin, identified, lists, random,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Origins that a test of suffixes, of parts, or of nothing at all would take for `https://app.test`.
const ALIKE: [&str; 6] = [
    "https://app.test.evil.test",
    "https://evilapp.test",
    "http://app.test",
    "https://app.test:444",
    "https://APP.test.",
    "null",
];

/// A request as a page of `origin` sends it, with a body of this type.
async fn send(
    run: &Run<'_>,
    method: Method,
    address: &str,
    origin: Option<&str>,
    kind: Option<HeaderValue>,
    body: &str,
) -> Result<Reply, Failure> {
    let mut headers = origin.map(from_origin).transpose()?.unwrap_or_default();
    headers.extend(kind.map(|kind| (CONTENT_TYPE, kind)));
    run.send(method, address, headers, body.to_owned()).await
}

/// One of each answer that a browser client needs to read: the requests, with their statuses.
async fn readable(run: &Run<'_>) -> Result<Vec<(Method, String, Option<HeaderValue>, String, u16)>, Failure> {
    let (public, endpoints) = (&run.profile().public, &run.profile().endpoints);
    let exchange = run.exchange(public, &run.code(public).await?).encode();
    let mut all = vec![
        (Method::GET, run.metadata_address(), None, String::new(), 200),
        (Method::POST, endpoints.token.clone(), Some(FORM), exchange, 200),
    ];
    if run.profile().has(Feature::Revocation) {
        let form = identified(public, Form::of([("token", "x")])).encode();
        all.push((Method::POST, endpoints.revocation.clone(), Some(FORM), form, 200));
    }
    if run.profile().has(Feature::Registration) {
        let metadata = run.client_metadata().to_string();
        all.push((Method::POST, endpoints.registration.clone(), Some(JSON), metadata, 201));
    }
    if run.profile().has(Feature::Api) {
        all.push((Method::GET, resource_url(run), None, String::new(), 200));
    }
    Ok(all)
}

/// One of each error that a browser client needs to read, with its status.
fn errors(run: &Run<'_>) -> Vec<(Method, String, Option<HeaderValue>, String, u16)> {
    let (token, web) = (&run.profile().endpoints.token, &run.profile().web);
    let wrong = Form::of([("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", &web.id)]);
    let wrong = wrong.and("client_secret", &random()).encode();
    let large = "a".repeat(1 << 20);
    vec![
        (Method::POST, token.clone(), Some(FORM), String::new(), 400),
        (Method::POST, token.clone(), Some(FORM), "grant_type=password".to_owned(), 400),
        (Method::POST, token.clone(), Some(FORM), wrong, 401),
        (Method::GET, format!("{SERVER}/nope"), None, String::new(), 404),
        (Method::GET, token.clone(), None, String::new(), 405),
        (Method::POST, run.metadata_address(), Some(FORM), String::new(), 405),
        (Method::POST, token.clone(), Some(FORM), large, 413),
        (Method::POST, token.clone(), Some(JSON), "{}".to_owned(), 415),
    ]
}

/// Whether an error is the one that was meant: some may be told as a 400.
fn is_meant(reply: &Reply, status: u16) -> bool {
    reply.status() == status || (matches!(status, 401 | 413 | 415) && reply.status() == 400)
}

/// The endpoints that pages of other origins call, each with its method.
fn endpoints(run: &Run<'_>) -> Vec<(String, Method)> {
    let all = &run.profile().endpoints;
    let mut endpoints = vec![(all.token.clone(), Method::POST)];
    for (feature, url) in [(Feature::Revocation, &all.revocation), (Feature::Registration, &all.registration)] {
        if run.profile().has(feature) {
            endpoints.push((url.clone(), Method::POST));
        }
    }
    endpoints
}

rows! {
    $ __protocol_rows_cors;

    /// Metadata may be read by a page of any origin.
    ["CORS-001", Must, "OAuth 2.1 §3.2; RFC 9700 §2.6; browser-based apps draft §6.3.3.4"]
    async fn cors_001_metadata_may_be_read_by_any_page(run) {
        for origin in ["https://any.test", "http://localhost:6274", "null"] {
            let mut documents = vec![run.metadata_address()];
            documents.extend(run.profile().has(Feature::Api).then(|| resource_url(run)));
            for document in documents {
                let reply = send(run, Method::GET, &document, Some(origin), None, "").await?;
                reply.expect_status(200)?.expect_header(&ACCESS_CONTROL_ALLOW_ORIGIN, "*")?;
            }
        }
    }

    /// A page of a client's origin may call the token, revocation and registration endpoint.
    ["CORS-002", Should, "RFC 9700 §2.6; OAuth 2.1 §3.2; browser-based apps draft §6.3.3.4"]
    async fn cors_002_browser_clients_may_call_their_endpoints(run) {
        let origin = "https://app.test";
        for (method, address, kind, body, status) in readable(run).await? {
            let reply = send(run, method, &address, Some(origin), kind, &body).await?;
            reply.expect_status(status)?.expect_readable_from(origin)?;
        }
    }

    /// A preflight is answered without authentication and body, and spends nothing.
    ["CORS-003", Must, "Fetch, CORS protocol"]
    async fn cors_003_a_preflight_asks_for_nothing_and_spends_nothing(run) {
        let (origin, headers) = ("https://app.test", ["authorization", "content-type"]);
        for (endpoint, method) in endpoints(run) {
            let reply = run.preflight(&endpoint, origin, &method, &headers).await?;
            reply.expect_preflight(origin, &method, &headers)?;
            ensure!(reply.is_empty(), "the answer to a preflight has a body");
        }
        let client = &run.profile().public;
        let form = run.exchange(client, &run.code(client).await?);
        for _ in 0..6 {
            send(run, Method::OPTIONS, &run.profile().endpoints.token, Some(origin), Some(FORM), &form.encode())
                .await?;
        }
        run.tokens_for(&form).await?;
    }

    /// No page of another origin may read the authorization endpoint, or any page behind it.
    ["CORS-004", Must, "RFC 9700 §2.6; OAuth 2.1 §3.1"]
    async fn cors_004_no_script_may_read_the_pages(run) {
        let origin = "https://app.test";
        let public = &run.profile().public;
        let request = run.request(public).with("prompt", "consent");
        let mut alice = run.signed_in(User::Alice).await?;
        for (request, status) in [
            (request.clone(), 200),
            (request.clone().with("client_id", "nobody"), 400),
            (request.clone().with("redirect_uri", "https://evil.test/cb"), 400),
        ] {
            let address = run.address(&request);
            let reply = alice.send(Method::GET, &address, from_origin(origin)?, String::new()).await?;
            reply.expect_status(status)?.expect_unreadable()?;
        }
        for request in [run.request(public), run.request(public).with("scope", &random())] {
            let reply = run.approve(&request).await?;
            reply.expect_response(&request)?;
            reply.expect_unreadable()?;
        }
        // The way of somebody who is not signed in, to the sign-in.
        let mut anonymous = run.anonymous();
        let mut address = run.address(&request);
        for _ in 0..5 {
            let reply = anonymous.send(Method::GET, &address, from_origin(origin)?, String::new()).await?;
            reply.expect_ui()?.expect_unreadable()?;
            match reply.location() {
                Some(next) => address = next.to_owned(),
                None => break,
            }
        }
        let authorization = &run.profile().endpoints.authorization;
        for method in [Method::GET, Method::POST] {
            run.preflight(authorization, origin, &method, &["content-type"]).await?.expect_unreadable()?;
            run.preflight(&address, origin, &method, &["content-type"]).await?.expect_unreadable()?;
        }
    }

    /// A preflight for any well-known place of OAuth allows the headers of clients by name, also where nothing is
    /// served.
    ["CORS-005", Must, "practice"]
    async fn cors_005_a_preflight_for_metadata_allows_the_headers_of_clients(run) {
        let headers = ["mcp-protocol-version", "authorization", "content-type", "accept"];
        let server = run.metadata_address();
        let mut places =
            vec![server.clone(), format!("{server}/tenant1"), "/.well-known/oauth-protected-resource/nope".to_owned()];
        places.extend(run.profile().has(Feature::Api).then(|| resource_url(run)));
        for place in places {
            for origin in ["https://any.test", "http://localhost:6274"] {
                let reply = run.preflight(&place, origin, &Method::GET, &headers).await?;
                reply.expect_preflight(origin, &Method::GET, &headers)?;
            }
        }
    }

    /// No endpoint says that cookies count.
    ["CORS-007", Must, "practice"]
    async fn cors_007_cookies_never_count(run) {
        let mut all = readable(run).await?;
        all.extend(errors(run));
        for (method, address, kind, body, status) in all {
            let reply = send(run, method.clone(), &address, Some("https://app.test"), kind, &body).await?;
            ensure!(is_meant(&reply, status), "{method} {address} is answered with {}", reply.status());
            reply.expect_no_header(&ACCESS_CONTROL_ALLOW_CREDENTIALS)?;
            let reply = run.preflight(&address, "https://app.test", &method, &["content-type"]).await?;
            reply.expect_no_header(&ACCESS_CONTROL_ALLOW_CREDENTIALS)?;
        }
    }

    /// A page may read the challenge of a 401, and when to try again.
    ["CORS-008", Should, "practice"]
    async fn cors_008_a_page_may_read_the_challenge(run) {
        let mut replies = Vec::new();
        for (method, address, kind, body, status) in errors(run).into_iter().filter(|error| error.4 == 401) {
            let reply = send(run, method, &address, Some("https://app.test"), kind, &body).await?;
            reply.expect_status(status)?;
            replies.push(reply);
        }
        if run.profile().has(Feature::Api) {
            let reply = run.call_with(from_origin("https://app.test")?).await?;
            reply.expect_status(401)?;
            replies.push(reply);
        }
        for reply in replies {
            for header in ["WWW-Authenticate", "Retry-After"] {
                ensure!(lists(&reply, &ACCESS_CONTROL_EXPOSE_HEADERS, header), "{header} is not exposed");
            }
        }
    }

    /// An error has the same headers for pages as a success.
    ["CORS-009", Must, "practice"]
    async fn cors_009_an_error_may_be_read_like_a_success(run) {
        let origin = "https://app.test";
        for (method, address, kind, body, status) in errors(run) {
            let reply = send(run, method.clone(), &address, Some(origin), kind, &body).await?;
            ensure!(is_meant(&reply, status), "{method} {address} is answered with {}", reply.status());
            reply.expect_readable_from(origin)?;
        }
        if run.profile().has(Feature::Api) {
            let tokens = run.tokens(&run.profile().public).await?;
            let mut headers = authorization(&format!("Bearer {}", tokens.access))?;
            headers.extend(from_origin(origin)?);
            run.call_with(headers.clone()).await?.expect_status(200)?.expect_readable_from(origin)?;
            run.write_with(headers).await?.expect_status(403)?.expect_readable_from(origin)?;
            run.call_with(from_origin(origin)?).await?.expect_status(401)?.expect_readable_from(origin)?;
        }
    }

    /// Where an origin is reflected, `Vary: Origin` is there, whoever asks.
    ["CORS-010", Must, "Fetch, CORS protocol"]
    async fn cors_010_what_depends_on_the_origin_says_so(run) {
        for (method, address, kind, body, _) in errors(run) {
            let mut replies = Vec::new();
            for origin in [Some("https://app.test"), Some("https://any.test"), None] {
                replies.push(send(run, method.clone(), &address, origin, kind.clone(), &body).await?);
            }
            let allowed = |reply: &Reply| reply.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN).cloned();
            let fixed = replies.iter().all(|reply| allowed(reply) == Some(HeaderValue::from_static("*")));
            let varies = replies.iter().all(|reply| lists(reply, &VARY, "Origin"));
            ensure!(fixed || varies, "{method} {address} depends on the origin and does not say so");
        }
    }

    /// The origin `null` is nobody's, and not reflected.
    ["CORS-011", Must, "practice"]
    async fn cors_011_the_origin_null_is_not_reflected(run) {
        for (method, address, kind, body, status) in readable(run).await? {
            let reply = send(run, method.clone(), &address, Some("null"), kind, &body).await?;
            reply.expect_status(status)?;
            let allowed = reply.header(&ACCESS_CONTROL_ALLOW_ORIGIN);
            ensure!(allowed.is_none_or(|allowed| allowed == "*"), "{address} allows {allowed:?}");
            let reply = run.preflight(&address, "null", &method, &["content-type"]).await?;
            let allowed = reply.header(&ACCESS_CONTROL_ALLOW_ORIGIN);
            ensure!(allowed.is_none_or(|allowed| allowed == "*"), "the preflight of {address} allows {allowed:?}");
        }
    }

    /// Introspection is for servers: no page may call it.
    ["CORS-012", Should, "practice"]
    async fn cors_012_no_script_may_introspect(run) {
        run.requires(Feature::Introspection)?;
        let (origin, endpoint) = ("https://app.test", &run.profile().endpoints.introspection);
        let form = identified(&run.profile().web, Form::of([("token", "x")])).encode();
        let told = send(run, Method::POST, endpoint, Some(origin), Some(FORM), &form).await?;
        told.expect_ok()?;
        told.expect_unreadable()?;
        send(run, Method::POST, endpoint, Some(origin), Some(FORM), "").await?.expect_refusal()?.expect_unreadable()?;
        run.preflight(endpoint, origin, &Method::POST, &["content-type"]).await?.expect_unreadable()?;
    }

    /// A page of a foreign origin may use a code, or is refused without spending it.
    ["CORS-013", Must, "practice"]
    async fn cors_013_a_refused_origin_spends_nothing(run) {
        let client = &run.profile().public;
        for origin in ["https://evil.test", "https://web.test"] {
            let form = run.exchange(client, &run.code(client).await?);
            let token = &run.profile().endpoints.token;
            let reply = send(run, Method::POST, token, Some(origin), Some(FORM), &form.encode()).await?;
            if reply.status() == 200 {
                reply.expect_ok()?;
            } else {
                ensure!(matches!(reply.status().as_u16(), 400 | 403), "{origin} is answered with {}", reply.status());
                reply.expect_no_header(&ACCESS_CONTROL_ALLOW_ORIGIN)?;
                run.tokens_for(&form).await?;
            }
        }
    }

    /// The answer to a preflight may be kept for a day at most.
    ["CORS-014", May, "Fetch, CORS protocol"]
    async fn cors_014_a_preflight_is_not_kept_for_long(run) {
        let mut all = endpoints(run);
        all.push((run.metadata_address(), Method::GET));
        for (endpoint, method) in all {
            let reply = run.preflight(&endpoint, "https://app.test", &method, &["content-type"]).await?;
            reply.expect_preflight("https://app.test", &method, &["content-type"])?;
            if let Some(age) = reply.header(&ACCESS_CONTROL_MAX_AGE) {
                let short = age.parse::<i64>().is_ok_and(|age| age <= 86_400);
                ensure!(short, "the preflight of {endpoint} may be kept for {age:?}");
            }
        }
    }

    /// An origin counts as a whole: scheme, host and port; what only looks like it is not allowed, unless all are.
    ["CORS-015", Must, "practice"]
    async fn cors_015_an_origin_counts_as_a_whole(run) {
        for (method, address, kind, body, status) in errors(run) {
            let own = send(run, method.clone(), &address, Some("https://app.test"), kind.clone(), &body).await?;
            ensure!(is_meant(&own, status), "{method} {address} is answered with {}", own.status());
            own.expect_readable_from("https://app.test")?;
            for origin in ALIKE {
                let reply = send(run, method.clone(), &address, Some(origin), kind.clone(), &body).await?;
                let allowed = reply.header(&ACCESS_CONTROL_ALLOW_ORIGIN);
                ensure!(allowed.is_none_or(|allowed| allowed == "*"), "{origin} gets {allowed:?} at {address}");
            }
        }
    }

    /// A request without an origin gets the same answer.
    ["CORS-016", Should, "practice"]
    async fn cors_016_an_origin_changes_no_answer(run) {
        for (method, address, kind, body, status) in errors(run) {
            let with = send(run, method.clone(), &address, Some("https://app.test"), kind.clone(), &body).await?;
            let without = send(run, method.clone(), &address, None, kind, &body).await?;
            ensure!(is_meant(&with, status), "{method} {address} is answered with {}", with.status());
            let same = with.status() == without.status() && with.text() == without.text();
            ensure!(same, "{method} {address} is answered differently with an origin");
        }
        let tokens = run.tokens(&run.profile().public).await?;
        run.requires(Feature::Api)?;
        let mut headers = authorization(&format!("Bearer {}", tokens.access))?;
        let without = run.call_with(headers.clone()).await?;
        headers.insert(ORIGIN, HeaderValue::from_static("https://app.test"));
        let with = run.call_with(headers).await?;
        without.expect_status(200)?;
        ensure!(with.status() == 200 && with.text() == without.text(), "the API answers differently with an origin");
    }
}
