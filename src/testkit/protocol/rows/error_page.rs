//! Errors that are shown to the person and never redirected (RFC 6749 §4.1.2.1).
//!
//! | row | why it is not here |
//! |---|---|
//! | AUTHZ-020 | which reference the operator's log has cannot be seen from outside |
//! | AUTHZ-023 | about client identifiers that are URLs |
//! | AUTHZ-024 | about pushed and signed requests; AERR-014 says what becomes of them |

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use crate::testkit::Form;
use crate::testkit::protocol::{Browser, Decision, Failure, Feature, Run, Submission, User, identified, random};

const EVIL: &str = "https://evil.test/cb";
const MARKUP: [&str; 3] =
    ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg onload=alert(1)><a href=\"//evil.test\">"];

/// Requests that do not say who asks.
fn without_client_id(run: &Run<'_>) -> Vec<Form> {
    let request = run.request(&run.profile().public);
    vec![request.clone().without("client_id"), request.with("client_id", ""), Form::new()]
}

/// Requests of clients that do not exist, to all kinds of places.
fn of_unknown_clients(run: &Run<'_>) -> Vec<Form> {
    let profile = run.profile();
    let request = run.request(&profile.public);
    let known = &profile.public.id;
    let mut ids = vec![random(), format!("{known} "), format!(" {known}"), format!("{known},{}", profile.web.id)];
    ids.extend([known.to_uppercase(), "p\u{fc}b".to_owned(), "a\r\nb".to_owned(), "x".repeat(256), "%".to_owned()]);
    ids.retain(|id| profile.clients().all(|client| client.id != *id));
    let places = [&profile.public.redirect_uri, &profile.web.redirect_uri, EVIL];
    let of = |id: String| places.map(|place| request.clone().with("client_id", &id).with("redirect_uri", place));
    ids.into_iter().flat_map(of).collect()
}

/// Requests that name two clients, or two places to answer to.
fn repeated(run: &Run<'_>) -> Vec<Form> {
    let profile = run.profile();
    let request = run.request(&profile.public);
    let twice = |name: &str, one: &str, other: &str| request.clone().with(name, one).and(name, other);
    let (client, uri) = (profile.public.id.as_str(), profile.public.redirect_uri.as_str());
    vec![
        twice("client_id", client, client),
        twice("client_id", client, &profile.web.id),
        twice("client_id", &profile.web.id, client),
        twice("redirect_uri", uri, uri),
        twice("redirect_uri", uri, EVIL),
        twice("redirect_uri", EVIL, uri),
    ]
}

/// Requests to be answered at places that the client did not register.
fn to_unregistered_places(run: &Run<'_>) -> Vec<Form> {
    let profile = run.profile();
    let clients = [&profile.public, &profile.multi, &profile.native, &profile.web, &profile.encoded];
    let places = [EVIL, "https://evil.test", "x", "%", "com.evil.app:/cb"];
    let requests = clients.into_iter().flat_map(|client| {
        let others = profile.clients().flat_map(|other| &other.redirect_uris).map(String::as_str);
        let foreign = others.filter(|uri| !client.redirect_uris.iter().any(|own| own == uri));
        let places = places.into_iter().chain(foreign);
        places.map(|place| run.request(client).with("redirect_uri", place)).collect::<Vec<_>>()
    });
    requests.collect()
}

/// Requests of a client that registered several places, and does not say which one it means.
fn to_one_of_several_places(run: &Run<'_>) -> Vec<Form> {
    let request = run.request(&run.profile().multi);
    vec![request.clone().without("redirect_uri"), request.with("redirect_uri", "")]
}

/// Requests of a client that has no place to answer to.
fn to_no_place_at_all(run: &Run<'_>) -> Vec<Form> {
    let profile = run.profile();
    let request = run.request(&profile.service);
    let places = ["https://x.test", EVIL, &profile.web.redirect_uri];
    let named = places.map(|place| request.clone().with("redirect_uri", place));
    named.into_iter().chain([request.clone(), request.without("redirect_uri")]).collect()
}

/// Each request is answered with a page, to whoever is in front of the browser.
async fn expect_pages(run: &Run<'_>, requests: Vec<Form>) -> Result<(), Failure> {
    for request in requests {
        for browser in [&mut run.anonymous(), &mut run.signed_in(User::Alice).await?] {
            browser.get(&run.address(&request)).await?.expect_page(400)?;
        }
    }
    Ok(())
}

/// A decision that says something else than its page is refused, or what it says is not used, or she is asked again.
async fn expect_not_used(
    run: &Run<'_>,
    browser: &mut Browser<'_>,
    form: &Submission,
    request: &Form,
) -> Result<(), Failure> {
    let reply = browser.submit(form).await?;
    let reply = browser.follow(reply).await?;
    let Some(location) = reply.location() else {
        let unanswered = reply.status() == 200 || reply.status().is_client_error();
        ensure!(unanswered, "the decision is answered with {}", reply.status());
        return Ok(());
    };
    if location.contains("code=") {
        reply.expect_code(request)?;
    }
    // What it says may pass for another request, which is refused as such: at a place that is registered.
    let registered = run.profile().clients().flat_map(|client| &client.redirect_uris);
    ensure!(registered.into_iter().any(|uri| location.starts_with(uri.as_str())), "she is sent to {location:?}");
    Ok(())
}

rows! {
    $ __protocol_rows_error_page;

    /// A request without `client_id` is shown and never redirected.
    ["AUTHZ-010", Must, "RFC 6749 §4.1.2.1; OAuth 2.1 §4.1.2.1"]
    async fn authz_010_a_missing_client_id_is_shown(run) {
        expect_pages(run, without_client_id(run)).await?;
    }

    /// A request of an unknown client is shown and never redirected, even to a place that another client registered.
    ["AUTHZ-011", Must, "RFC 6749 §4.1.2.1; OAuth 2.1 §4.1.2.1"]
    async fn authz_011_an_unknown_client_is_shown(run) {
        expect_pages(run, of_unknown_clients(run)).await?;
    }

    /// A request of a client that was deleted is shown and never redirected.
    ["AUTHZ-012", Must, "RFC 6749 §4.1.2.1; practice"]
    async fn authz_012_a_deleted_client_is_shown(run) {
        run.requires(Feature::Registration)?;
        let uri = "https://gone.test/cb";
        let client = run.registered(&json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" })).await?;
        let request = run.asking(&run.profile().public);
        let request = request.with("client_id", &client.client.id).with("redirect_uri", uri);
        let mut browser = run.signed_in(User::Alice).await?;
        let page = run.ask(&mut browser, &request).await?;
        let decision = run.fill_in(&page, &Decision::Approve)?;

        run.manage(Method::DELETE, &client, &Value::Null).await?.expect_status(204)?;
        expect_pages(run, vec![request.clone(), request.with("scope", "bogus")]).await?;
        browser.submit(&decision).await?.expect_page(400)?;
    }

    /// A request that repeats `client_id` or `redirect_uri` is shown and never redirected: nobody can be trusted.
    ["AUTHZ-013", Must, "RFC 6749 §4.1.2.1; OAuth 2.1 §4.1.2.1"]
    async fn authz_013_a_repeated_client_or_redirect_uri_is_shown(run) {
        expect_pages(run, repeated(run)).await?;
    }

    /// A `redirect_uri` that is not registered is shown and never redirected to.
    ["AUTHZ-014", Must, "RFC 6749 §3.1.2.4; OAuth 2.1 §2.3.5"]
    async fn authz_014_an_unregistered_redirect_uri_is_shown(run) {
        expect_pages(run, to_unregistered_places(run)).await?;
    }

    /// A client with several redirect URIs has to say which one it means.
    ["AUTHZ-015", Must, "RFC 6749 §3.1.2.3; OAuth 2.1 §2.3.2"]
    async fn authz_015_a_missing_redirect_uri_is_shown_if_there_are_several(run) {
        expect_pages(run, to_one_of_several_places(run)).await?;
    }

    /// A client without any redirect URI gets a page, whatever it sends.
    ["AUTHZ-016", Must, "RFC 6749 §4.1.2.1"]
    async fn authz_016_a_client_without_redirect_uris_is_shown(run) {
        run.requires(Feature::ClientCredentials)?;
        // There is such a client.
        let own = Form::of([("grant_type", "client_credentials")]);
        run.tokens_for(&identified(&run.profile().service, own)).await?;
        expect_pages(run, to_no_place_at_all(run)).await?;
    }

    /// An unknown `response_mode` is a page with status 400, without an OAuth error: nobody knows how to answer.
    ["AUTHZ-017", Must, "OpenID Connect Core §3.1.2.6"]
    async fn authz_017_an_unknown_response_mode_is_shown(run) {
        let request = run.request(&run.profile().public);
        for mode in ["bogus", "query fragment", "<script>", "no_such_mode"] {
            let page = run.authorize(&request.clone().with("response_mode", mode)).await?;
            page.expect_page(400)?;
            ensure!(!page.text().contains("error="), "the page has the parameters of a redirect");
        }
        let usual = request.with("response_mode", "query");
        run.approve(&usual).await?.expect_code(&usual)?;
    }

    /// The page escapes what it repeats, and does not repeat a rejected redirect URI as a link.
    ["AUTHZ-018", Must, "practice"]
    async fn authz_018_the_page_repeats_nothing_that_acts(run) {
        let request = run.request(&run.profile().public);
        for markup in MARKUP {
            for name in ["client_id", "redirect_uri", "response_mode"] {
                let page = run.authorize(&request.clone().with(name, markup)).await?;
                page.expect_page(400)?;
                ensure!(!page.text().contains(markup), "the page repeats {name} as it came");
                let acts = |name: &str| name.starts_with("on") || ["href", "src", "action"].contains(&name);
                let led = page
                    .elements()
                    .into_iter()
                    .flat_map(|element| element.attributes)
                    .find(|(name, value)| acts(name) && (value.contains("evil.test") || value.contains("alert(")));
                ensure!(led.is_none(), "the page has {led:?}");
            }
        }
        for uri in [EVIL, "javascript:alert(1)", "https://app.test@evil.test/cb", "//evil.test/cb"] {
            let page = run.authorize(&request.clone().with("redirect_uri", uri)).await?;
            page.expect_page(400)?;
            let attributes = page.elements().into_iter().flat_map(|element| element.attributes);
            let link =
                attributes.into_iter().find(|(_, value)| value.contains("evil.test") || value.contains("alert("));
            ensure!(link.is_none(), "the page has {link:?}");
        }
    }

    /// The page names the parameter that is wrong, and does not tell what is registered.
    ["AUTHZ-019", Should, "OAuth 2.1 §4.1.2.1; practice"]
    async fn authz_019_the_page_names_the_parameter(run) {
        let profile = run.profile();
        let request = run.request(&profile.public);
        let several = run.request(&profile.multi);
        for (request, client, named) in [
            (request.clone().without("client_id"), &profile.public, "client_id"),
            (request.clone().and("client_id", &profile.web.id), &profile.public, "client_id"),
            (request.clone().with("redirect_uri", EVIL), &profile.public, "redirect_uri"),
            (request.clone().and("redirect_uri", EVIL), &profile.public, "redirect_uri"),
            (request.with("response_mode", "bogus"), &profile.public, "response_mode"),
            (several.clone().without("redirect_uri"), &profile.multi, "redirect_uri"),
            (several.with("redirect_uri", EVIL), &profile.multi, "redirect_uri"),
        ] {
            let page = run.authorize(&request).await?;
            page.expect_page(400)?;
            ensure!(page.text().contains(named), "the page does not say {named}");
            let told = client.redirect_uris.iter().find(|uri| page.text().contains(uri.as_str()));
            ensure!(told.is_none(), "the page tells what is registered: {told:?}");
        }
    }

    /// If the answer carries an error code, an unknown client is `invalid_client` (or `invalid_request`), and a wrong
    /// redirect URI is `invalid_request`; it is no redirect, also for who asks for JSON.
    ["AUTHZ-021", Should, "practice"]
    async fn authz_021_an_error_code_is_the_right_one(run) {
        let request = run.request(&run.profile().public);
        run.approve(&request).await?.expect_code(&request)?;
        for (request, codes) in [
            (request.clone().with("client_id", &random()), ["invalid_client", "invalid_request"]),
            (request.clone().with("redirect_uri", EVIL), ["invalid_request"; 2]),
            (request.without("client_id"), ["invalid_request"; 2]),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
            let reply = run.send(Method::GET, &run.address(&request), headers, "").await?;
            if reply.header(&CONTENT_TYPE).unwrap_or_default().starts_with("application/json") {
                reply.expect_no_header(&http::header::LOCATION)?;
                let members = reply.expect_status(400)?.expect_json()?;
                let code = members.get("error").and_then(Value::as_str);
                ensure!(code.is_some_and(|code| codes.contains(&code)), "the error is {code:?}, not one of {codes:?}");
            } else {
                reply.expect_page(400)?;
            }
        }
    }

    /// The same holds for requests that are posted, and for the POST of the decision.
    ["AUTHZ-022", Must, "RFC 6749 §3.1.2.4"]
    async fn authz_022_a_post_is_held_to_the_same(run) {
        let profile = run.profile();
        let request = run.asking(&profile.public);
        let mut browser = run.signed_in(User::Alice).await?;
        let endpoint = &profile.endpoints.authorization;
        if run.post_from_elsewhere(&mut browser, endpoint, &request).await?.status() != 405 {
            let refused = [
                without_client_id(run),
                of_unknown_clients(run),
                repeated(run),
                to_unregistered_places(run),
                to_one_of_several_places(run),
                to_no_place_at_all(run),
            ];
            for request in refused.into_iter().flatten() {
                let page = run.post_from_elsewhere(&mut browser, endpoint, &request).await?;
                // Without a client it may be taken for the decision of another site.
                let status = page.status().as_u16();
                page.expect_page(if status == 403 { 403 } else { 400 })?;
            }
        }
        for (name, value) in [
            ("client_id", random().as_str()),
            ("client_id", &profile.web.id),
            ("client_id", &profile.service.id),
            ("redirect_uri", EVIL),
            ("redirect_uri", &profile.web.redirect_uri),
            ("response_mode", "bogus"),
        ] {
            let request = request.clone().with("response_mode", "query");
            let page = run.ask(&mut browser, &request).await?;
            let decision = run.fill_in(&page, &Decision::Approve)?;
            let tampered = decision.tampered(&request, name, value);
            expect_not_used(run, &mut browser, &tampered, &request).await?;
            let beside = Submission { fields: decision.fields.and(name, value), ..decision };
            expect_not_used(run, &mut browser, &beside, &request).await?;
        }
    }
}
