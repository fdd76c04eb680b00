//! Pages: what holds for each that people see, and for the redirects between them (RFC 9700 §4.16, OAuth 2.1 §7.11).
//!
//! | row | why it is not here |
//! |---|---|
//! | UI-011 | how a wrong password is answered; how people prove who they are is the host's own affair |

use http::HeaderName;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use serde_json::{Value, json};

use crate::testkit::protocol::{
    Decision, Element, Failure, Feature, KnownClient, Reply, Run, Submission, User, origin_of, random,
};

/// The pages on the way from a request to its answer, each with what it is: sign-in, consent, and errors.
pub(super) async fn pages(run: &Run<'_>) -> Result<Vec<(&'static str, Reply)>, Failure> {
    let request = run.asking(&run.profile().public);
    let address = run.address(&request);
    let unknown = run.address(&request.clone().with("client_id", &random()));
    let (mut alice, mut nobody) = (run.signed_in(User::Alice).await?, run.anonymous());
    let consent = run.ask(&mut alice, &request).await?;
    let form = run.fill_in(&consent, &Decision::Approve)?;
    let forged = alice.submit_from("https://evil.test", "cross-site", &form).await?;
    ensure!(forged.status().is_client_error(), "a form from elsewhere is answered with {}", forged.status());
    let pages = vec![
        ("sign-in page", nobody.visit(&address).await?),
        ("consent page", consent),
        ("error page of a signed-in person", alice.get(&unknown).await?),
        ("error page of a visitor", nobody.get(&unknown).await?),
        ("refusal of a forged form", forged),
    ];
    for (name, page) in &pages {
        let kind = page.header(&CONTENT_TYPE).unwrap_or_default();
        ensure!(kind.starts_with("text/html"), "the {name} is of the type {kind:?}");
    }
    Ok(pages)
}

/// The redirects on that way: to the sign-in, and to the client.
pub(super) async fn redirects(run: &Run<'_>) -> Result<Vec<(&'static str, Reply)>, Failure> {
    let request = run.asking(&run.profile().public);
    let wrong = request.clone().with("response_type", "foo");
    let redirects = vec![
        ("redirect with a code", run.approve(&request).await?),
        ("redirect of a denial", run.decide(&request, &Decision::Deny).await?),
        ("redirect with an error", run.authorize(&wrong).await?),
    ];
    for (_, redirect) in &redirects {
        redirect.expect_response(&request)?;
    }
    let to_sign_in = run.anonymous().get(&run.address(&request)).await?;
    let to_sign_in = to_sign_in.status().is_redirection().then_some(("redirect to the sign-in", to_sign_in));
    Ok(redirects.into_iter().chain(to_sign_in).collect())
}

/// The consent page of a client for alice.
pub(super) async fn consent_page(run: &Run<'_>, client: &KnownClient) -> Result<Reply, Failure> {
    run.ask(&mut run.signed_in(User::Alice).await?, &run.asking(client)).await
}

/// The directives of a page's content security policy, of all its headers together.
fn policy(page: &Reply) -> Vec<String> {
    let headers = page.headers().get_all(CONTENT_SECURITY_POLICY).iter().filter_map(|header| header.to_str().ok());
    headers.flat_map(|header| header.split([';', ','])).map(|directive| directive.trim().to_owned()).collect()
}

/// Whether a page may load this, or run it, or lead there when a form is sent: it is the target's own.
pub(super) fn is_own(run: &Run<'_>, address: &str) -> bool {
    let address = address.trim();
    let elsewhere = address.starts_with("//") || address.starts_with('\\') || address.contains(':');
    !elsewhere || address.starts_with("data:image/") || origin_of(address) == run.origin()
}

/// What an element makes a browser fetch by itself.
pub(super) fn fetched(element: &Element) -> impl Iterator<Item = &str> {
    let linked = (element.name == "link").then_some("href");
    let names = ["src", "srcset", "poster", "data", "background"].into_iter().chain(linked);
    names.filter_map(|name| element.attribute(name))
}

/// Nothing on the page runs a script that came in with a text. What the page has of its own is for its policy to judge.
pub(super) fn expect_inert(page: &Reply, text: &str) -> Result<(), Failure> {
    ensure!(!text.contains('<') || !page.text().contains(text), "{text:?} is on the page as it came");
    for element in page.elements() {
        let injected = element.attributes.iter().find(|(name, value)| {
            let address = ["href", "src", "action"].contains(&name.as_str());
            let script = address && value.trim().to_ascii_lowercase().starts_with("javascript:");
            script || name.starts_with("on") && value.contains("alert(")
        });
        ensure!(injected.is_none(), "{text:?} became {element:?}");
    }
    Ok(())
}

/// No site may frame this.
pub(super) fn expect_unframed(name: &str, page: &Reply) -> Result<(), Failure> {
    let framed = page.header(&X_FRAME_OPTIONS).unwrap_or_default();
    ensure!(framed.eq_ignore_ascii_case("DENY"), "X-Frame-Options of the {name} is {framed:?}");
    let policy = policy(page);
    let forbidden = policy.iter().any(|directive| directive == "frame-ancestors 'none'");
    ensure!(forbidden, "the policy of the {name} has no frame-ancestors 'none': {policy:?}");
    Ok(())
}

rows! {
    $ __protocol_rows_pages;

    /// No page and no redirect can be framed.
    ["UI-001", Must, "OAuth 2.1 §7.11; RFC 9700 §4.16; RFC 6749 §10.13"]
    async fn ui_001_nothing_can_be_framed(run) {
        for (name, page) in pages(run).await?.into_iter().chain(redirects(run).await?) {
            expect_unframed(name, &page)?;
        }
    }

    /// A restrictive content security policy: nothing by default, no inline script, no other base.
    ["UI-002", Should, "RFC 9700 §4.16"]
    async fn ui_002_the_policy_is_restrictive(run) {
        for (name, page) in pages(run).await? {
            let policy = policy(&page);
            for wanted in ["default-src 'none'", "base-uri 'none'"] {
                let there = policy.iter().any(|directive| directive == wanted);
                ensure!(there, "the policy of the {name} has no {wanted}: {policy:?}");
            }
            let unsafe_source = policy.iter().find(|directive| {
                let script = directive.starts_with("script-src") || directive.starts_with("default-src");
                script
                    && ["'unsafe-inline'", "'unsafe-eval'", " *", " https:", " http:"]
                        .iter()
                        .any(|source| directive.contains(source))
            });
            ensure!(unsafe_source.is_none(), "the policy of the {name} has {unsafe_source:?}");
            let handler = page
                .elements()
                .into_iter()
                .find(|element| element.attributes.iter().any(|(name, _)| name.starts_with("on")));
            ensure!(handler.is_none(), "the {name} has a script in {handler:?}");
        }
    }

    /// `form-action` does not break the last redirect, to which some browsers apply it too.
    ["UI-003", Must, "practice"]
    async fn ui_003_the_policy_lets_the_answer_through(run) {
        let profile = run.profile();
        let private_use = profile.native.redirect_uris.iter().find(|uri| !uri.starts_with("http"));
        for uri in [&profile.public.redirect_uri, &profile.native.redirect_uri].into_iter().chain(private_use) {
            let client = if *uri == profile.public.redirect_uri { &profile.public } else { &profile.native };
            let mut alice = run.signed_in(User::Alice).await?;
            let page = run.ask(&mut alice, &run.asking(client).with("redirect_uri", uri)).await?;
            for directive in policy(&page).iter().filter(|directive| directive.starts_with("form-action")) {
                let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
                let mut sources = directive.split(' ').skip(1);
                let through = sources.any(|source| {
                    let web = uri.starts_with("http") && (source == "*" || source == origin_of(uri));
                    web || source == format!("{scheme}:")
                });
                ensure!(through, "{directive:?} keeps the answer from {uri}");
            }
        }
    }

    /// Pages and redirects do not tell the next site what the address was.
    ["UI-008", Must, "RFC 9700 §4.2.4"]
    async fn ui_008_addresses_are_not_told(run) {
        for (name, page) in pages(run).await?.into_iter().chain(redirects(run).await?) {
            page.expect_discreet().map_err(|failure| Failure::new(format!("the {name}: {failure}")))?;
        }
    }

    /// Pages load nothing from elsewhere.
    ["UI-015", Must, "RFC 9700 §4.2.4"]
    async fn ui_015_pages_load_nothing_from_elsewhere(run) {
        let logo = json!({ "logo_uri": "https://newcomer.test/logo.png", "client_uri": "https://newcomer.test/" });
        let mut pages = pages(run).await?;
        if run.has(Feature::Registration) {
            let client = run.self_registered(&["https://newcomer.test/cb"], logo).await?;
            pages.push(("consent page of a client with a logo", consent_page(run, &client).await?));
        }
        for (name, page) in pages {
            for element in page.elements() {
                let foreign = fetched(&element).find(|address| !is_own(run, address));
                ensure!(foreign.is_none(), "the {name} loads {foreign:?}");
            }
        }
    }

    /// What a client calls itself, and what a request says, is text and nothing else.
    ["UI-016", Must, "practice"]
    async fn ui_016_foreign_text_is_escaped(run) {
        let names = [
            r#""><img src=x onerror=alert(1)>"#,
            "<script>alert(1)</script>",
            "</title><script>alert(1)</script>",
            "' autofocus onfocus='alert(1)",
            "{{ 7 * 7 }} &amp; &lt;b&gt;",
        ];
        for text in names {
            let request = run.asking(&run.profile().public);
            let mut alice = run.signed_in(User::Alice).await?;
            expect_inert(&run.ask(&mut alice, &request.clone().with("state", text)).await?, text)?;
            for name in ["client_id", "redirect_uri", "response_mode"] {
                let page = alice.get(&run.address(&request.clone().with(name, text))).await?;
                page.expect_page(400)?;
                expect_inert(&page, text)?;
            }
        }
        let accepts = async |member: &str, value: &str| {
            run.self_registered_if_accepted(&["https://newcomer.test/cb"], json!({ member: value })).await
        };
        for name in names {
            let Some(client) = accepts("client_name", name).await? else { continue };
            let page = consent_page(run, &client).await?;
            expect_inert(&page, name)?;
            let shown = name.split_whitespace().collect::<Vec<_>>().join(" ");
            ensure!(page.words().contains(&shown), "{name:?} is shown otherwise: {:?}", page.words());
        }
        for member in ["client_uri", "logo_uri", "policy_uri", "tos_uri"] {
            let link = "javascript:alert(1)";
            if let Some(client) = accepts(member, link).await? {
                expect_inert(&consent_page(run, &client).await?, link)?;
            }
        }
    }

    /// Every page says what it is, and nobody stores it.
    ["UI-017", Must, "practice"]
    async fn ui_017_pages_are_html_that_nobody_stores(run) {
        for (name, page) in pages(run).await? {
            let kind = page.header(&CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase().replace(' ', "");
            ensure!(kind == "text/html;charset=utf-8", "the type of the {name} is {kind:?}");
            let checked = page.expect_header(&X_CONTENT_TYPE_OPTIONS, "nosniff").and_then(Reply::expect_not_stored);
            checked.map_err(|failure| Failure::new(format!("the {name}: {failure}")))?;
        }
    }

    /// Pages work without scripts and can be read out: real forms, labels, a language, and a denial that is as easy as
    /// a consent.
    ["UI-018", Should, "practice"]
    async fn ui_018_pages_work_without_scripts_and_can_be_read_out(run) {
        for (name, page) in pages(run).await? {
            let elements = page.elements();
            let language =
                elements.iter().find(|element| element.name == "html").and_then(|html| html.attribute("lang"));
            ensure!(language.is_some_and(|language| !language.is_empty()), "the {name} has no language");
            let fields = elements.iter().filter(|element| {
                let kind = element.attribute("type").unwrap_or_default().to_ascii_lowercase();
                element.name == "input"
                    && !["hidden", "submit", "button"].contains(&&*kind)
                    && element.attribute("aria-label").is_none()
            });
            let (fields, labels) = (fields.count(), elements.iter().filter(|element| element.name == "label").count());
            ensure!(fields <= labels, "the {name} has {fields} fields and {labels} labels");
        }
        let page = consent_page(run, &run.profile().public).await?;
        let [approve, deny]: [Submission; 2] =
            [run.fill_in(&page, &Decision::Approve)?, run.fill_in(&page, &Decision::Deny)?];
        ensure!(approve != deny, "approval and denial are the same form");
        ensure!(approve.action == deny.action, "a denial is another form than an approval");
        let posts = page.elements().into_iter().any(|element| {
            element.name == "form"
                && element.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("post"))
                && element.attribute("action").unwrap_or_default() == approve.action
        });
        ensure!(posts, "the decision is not sent by a form with method=post");
    }

    /// A host name outside of ASCII is shown as it is written in a URL.
    ["UI-020", Must, "practice"]
    async fn ui_020_host_names_are_shown_in_ascii(run) {
        let host = "xn--pple-43d.test";
        let client = run.self_registered(&[&format!("https://{host}/cb")], Value::Null).await?;
        let page = consent_page(run, &client).await?;
        ensure!(page.words().contains(host), "the page does not show {host}: {:?}", page.words());
        ensure!(!page.words().contains("аpple"), "the page shows what looks like another host: {:?}", page.words());
    }

    /// A page that opened in a pop-up keeps the relation to its opener.
    ["UI-021", Should, "practice"]
    async fn ui_021_pages_keep_their_opener(run) {
        for (name, page) in pages(run).await?.into_iter().chain(redirects(run).await?) {
            let policy = page.header(&HeaderName::from_static("cross-origin-opener-policy")).unwrap_or("unsafe-none");
            ensure!(
                ["unsafe-none", "same-origin-allow-popups"].contains(&policy),
                "the policy of the {name} is {policy}"
            );
        }
    }

    /// Pages need none of a browser's powers, and are in no search engine.
    ["UI-022", Should, "practice"]
    async fn ui_022_pages_have_no_powers_and_are_not_indexed(run) {
        for (name, page) in pages(run).await? {
            let robots = page.header(&HeaderName::from_static("x-robots-tag")).unwrap_or_default();
            ensure!(robots.contains("noindex"), "X-Robots-Tag of the {name} is {robots:?}");
            let powers = page.header(&HeaderName::from_static("permissions-policy")).unwrap_or_default();
            ensure!(powers.contains("camera=()"), "Permissions-Policy of the {name} is {powers:?}");
        }
    }

    /// After signing out nothing of a page is left: it was stored nowhere, and is not served again.
    ["UI-026", Must, "practice"]
    async fn ui_026_after_signing_out_no_page_is_served(run) {
        let request = run.asking(&run.profile().public);
        let mut alice = run.newly_signed_in(User::Alice).await?;
        let mut copy = alice.clone();
        run.ask(&mut alice, &request).await?.expect_not_stored()?;
        run.ask(&mut copy, &request).await?;
        run.sign_out(&mut alice).await?;
        for browser in [&mut alice, &mut copy] {
            let page = browser.get(&run.address(&request)).await?;
            ensure!(run.fill_in(&page, &Decision::Approve).is_err(), "the consent page is there after signing out");
            page.expect_ui()?;
        }
    }
}
