//! What the Security Best Current Practice demands beside all that (RFC 9700).
//!
//! | row | why it is not here |
//! |---|---|
//! | BCP-004 | about tokens that are bound to a key of the client |
//! | BCP-006 | about clients that authenticate by a key |
//! | BCP-009 | about responses that a page hands over to another by script |

use serde_json::{Value, json};
use url::Url;

use crate::testkit::Form;
use crate::testkit::protocol::{Decision, Element, Failure, Feature, Reply, Run, User, random};

/// Where the elements of a page make a browser fetch something from, without anybody clicking.
fn fetched(element: &Element) -> impl Iterator<Item = &str> {
    let link = matches!(element.name.as_str(), "link" | "image" | "use");
    let names = ["src", "srcset", "data", "poster", "background", "manifest"].into_iter();
    names.chain(["href", "xlink:href"].into_iter().filter(move |_| link)).filter_map(|name| element.attribute(name))
}

/// A page that is made of what the target has, and leaks no address to others. What its policy forbids is UI-002.
fn expect_self_contained(run: &Run<'_>, page: &Reply, what: &str) -> Result<(), Failure> {
    let here = Url::parse(run.origin()).map_err(|error| Failure::new(format!("the issuer is no URL: {error}")))?;
    let is_here = |url: &str| here.join(url).is_ok_and(|url| url.origin() == here.origin() || url.scheme() == "data");
    for element in page.elements() {
        let foreign = fetched(&element).find(|url| !is_here(url));
        ensure!(foreign.is_none(), "{what} fetches {foreign:?}");
        if let Some(link) = element.attribute("href").filter(|link| element.name == "a" && !is_here(link)) {
            let referrer = element.attribute("rel").unwrap_or_default();
            ensure!(referrer.split(' ').any(|word| word == "noreferrer"), "{what} tells {link:?} where she comes from");
        }
    }
    ensure!(!page.text().contains("url(http") && !page.text().contains("@import"), "the style of {what} fetches");
    Ok(())
}

rows! {
    $ __protocol_rows_security_practice;

    /// Redirect URIs match exactly; the port of a loopback address is the one exception.
    ["BCP-001", Must, "RFC 9700 §2.1, §4.1.3"]
    async fn bcp_001_redirect_uris_match_exactly_but_for_a_loopback_port(run) {
        let profile = run.profile();
        let native = &profile.native;
        let url = Url::parse(&native.redirect_uri).map_err(|_| Failure::new("the native redirect URI is no URL"))?;
        let at = |port: u16, rest: &str| format!("http://{}:{port}{rest}", url.host_str().unwrap_or_default());
        for port in [1, 5_555, 51_004, 65_535] {
            let request = run.request(native).with("redirect_uri", &at(port, url.path()));
            run.approve(&request).await?.expect_code(&request)?;
            for rest in ["", "/", "/other", &format!("{}/", url.path()), &format!("{}?x=1", url.path())] {
                let request = run.request(native).with("redirect_uri", &at(port, rest));
                run.authorize(&request).await?.expect_page(400)?;
            }
        }
        let public = &profile.public;
        let mut url = Url::parse(&public.redirect_uri).map_err(|_| Failure::new("the redirect URI is no URL"))?;
        url.set_port(Some(8_444)).map_err(|()| Failure::new("the redirect URI has no port"))?;
        let request = run.request(public).with("redirect_uri", url.as_str());
        run.authorize(&request).await?.expect_page(400)?;
    }

    /// The server sends nobody on to wherever a client that registered itself likes: not before the person signed in.
    ["BCP-002", Must, "RFC 9700 §2.1, §4.11.2"]
    async fn bcp_002_the_server_is_no_open_redirector(run) {
        run.requires(Feature::Registration)?;
        let client = run.self_registered(&["https://phish.test/cb"], json!({})).await?;
        let request = run.request(&client);
        for wrong in [
            request.clone().with("scope", "\""),
            request.clone().with("response_type", "token"),
            request.clone().without("code_challenge"),
            request.clone().and("scope", "other"),
            request.clone().with("prompt", "none"),
            request.clone(),
        ] {
            let mut browser = run.anonymous();
            let reply = browser.get(&run.address(&wrong)).await?;
            let page = run.follow_here(&mut browser, reply).await?;
            let status = page.status().as_u16();
            ensure!(matches!(status, 200 | 400), "the answer is {status}, not a page");
            let text = page.text().to_ascii_lowercase();
            ensure!(!text.contains("http-equiv=\"refresh\""), "the page leads on by itself");
            page.expect_no_header(&http::header::REFRESH)?;
        }
        // It is a client like any other to somebody who is signed in.
        run.approve(&request).await?.expect_code(&request)?;
    }

    /// A client can find out that the server knows PKCE.
    ["BCP-003", Must, "RFC 9700 §2.1.1"]
    async fn bcp_003_pkce_is_announced(run) {
        let metadata = run.metadata().await?;
        let methods = metadata.get("code_challenge_methods_supported").and_then(Value::as_array);
        let known = methods.is_some_and(|methods| methods.iter().any(|method| method == "S256"));
        ensure!(known, "code_challenge_methods_supported is {methods:?}");
    }

    /// A token for one resource is good for no other.
    ["BCP-005", Should, "RFC 9700 §2.3"]
    async fn bcp_005_tokens_are_for_one_audience(run) {
        run.requires(Feature::ResourceIndicators)?;
        let (client, api) = (&run.profile().web, &run.profile().api);
        let request = run.request(client).with("resource", &api.resource);
        let tokens = run.granted(client, &request, &Decision::Approve).await?;
        if run.has(Feature::Introspection) {
            let told = run.introspect(client, &tokens.access).await?.expect_ok()?;
            let audience = told.get("aud");
            let right = [json!(api.resource), json!([api.resource])];
            ensure!(audience.is_some_and(|audience| right.contains(audience)), "aud is {audience:?}");
        }
        if run.has(Feature::Api) {
            run.call(&tokens.access).await?.expect_status(200)?;
            if let Some(other) = &api.other_resource {
                let request = run.request(client).with("resource", other);
                let tokens = run.granted(client, &request, &Decision::Approve).await?;
                run.call(&tokens.access).await?.expect_status(401)?;
            }
        }
    }

    /// The server publishes metadata.
    ["BCP-007", Should, "RFC 9700 §2.6"]
    async fn bcp_007_there_is_metadata(run) {
        let metadata = run.metadata().await?;
        for member in ["issuer", "authorization_endpoint", "token_endpoint", "response_types_supported"] {
            ensure!(metadata.contains_key(member), "the metadata has no {member}");
        }
    }

    /// A client does not choose its identifier, nor anything that makes it pass for a user.
    ["BCP-008", Should, "RFC 9700 §2.6, §4.15.1"]
    async fn bcp_008_a_client_does_not_choose_its_identifier(run) {
        run.requires(Feature::Registration)?;
        let profile = run.profile();
        for wanted in ["alice", "bob", &profile.public.id, &profile.web.id, &random()] {
            let metadata = json!({
                "redirect_uris": ["https://new.test/cb"],
                "token_endpoint_auth_method": "none",
                "client_id": wanted,
                "client_secret": "chosen-by-the-client-and-long-enough",
                "sub": "alice",
            });
            let reply = run.register(&metadata).await?;
            if reply.status() == 400 {
                reply.expect_error(400, "invalid_client_metadata")?;
                continue;
            }
            let members = reply.expect_status(201)?.expect_json()?;
            let id = members.get("client_id").and_then(Value::as_str).unwrap_or_default();
            ensure!(!id.is_empty() && id != wanted, "the client chose its identifier {id:?}");
            ensure!(!reply.text().contains("chosen-by-the-client"), "the client chose its secret");
            ensure!(!members.contains_key("sub"), "the client chose a subject");
        }
        // The client that had such an identifier already is what it was.
        run.tokens(&profile.public).await?;
    }

    /// The pages load nothing from third parties, and tell no other site their address.
    ["BCP-010", Must, "RFC 9700 §4.2.4"]
    async fn bcp_010_pages_load_nothing_from_elsewhere(run) {
        let request = run.asking(&run.profile().public);
        let consent = run.authorize(&request).await?;
        consent.expect_status(200)?;
        let mut browser = run.anonymous();
        let door = browser.visit(&run.address(&request)).await?;
        run.credentials(&door, User::Alice)?;
        let error = run.authorize(&request.with("redirect_uri", "https://evil.test/cb")).await?;
        error.expect_page(400)?;
        for (what, page) in [("the consent page", consent), ("the sign-in page", door), ("the error page", error)] {
            expect_self_contained(run, &page, what)?;
        }
    }

    /// No URL that the server makes has an access token in it.
    ["BCP-011", Must, "RFC 9700 §4.3.2"]
    async fn bcp_011_no_token_is_in_a_url(run) {
        let client = &run.profile().web;
        for response_type in ["token", "code token", "id_token token", "code"] {
            for mode in ["query", "fragment", ""] {
                let request = run.request(client).with("response_type", response_type).with("response_mode", mode);
                let reply = run.approve(&request).await?;
                let location = reply.location().unwrap_or_default();
                ensure!(!location.contains("access_token"), "she is sent to {location:?}");
            }
        }
        let request = run.asking(client);
        let reply = run.approve(&request).await?;
        let code = reply.expect_code(&request)?;
        let tokens = run.tokens_for(&run.exchange_of(client, &request, &code)).await?;
        run.token(&run.refresh(client, &tokens.refresh)).await?;
        if run.has(Feature::Api) {
            run.call(&tokens.access).await?.expect_no_header(&http::header::LOCATION)?;
            let address =
                format!("{}?{}", run.profile().api.read, Form::of([("access_token", &*tokens.access)]).encode());
            run.get(&address).await?.expect_status(401)?;
        }
        let seen = run.exchanges();
        ensure!(seen.iter().any(|exchange| exchange.response().contains("\nlocation: ")), "nothing was redirected");
        for exchange in seen {
            let mut headers = exchange.response().lines().filter(|line| line.starts_with("location: "));
            let told = headers.any(|line| line.contains(&tokens.access) || line.contains("access_token="));
            ensure!(!told, "a location has the token in it");
        }
    }
}
