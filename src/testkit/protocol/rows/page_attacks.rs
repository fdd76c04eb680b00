//! Attacks on the person in front of the page: on sign-in, consent, and what pages show (OAuth 2.1 §7, RFC 9700 §4).
//!
//! A row holds if the attacker gets nothing, and the person's own decision still counts.
//!
//! | row | why it is not here |
//! |---|---|
//! | ATK-035 | about the response mode `form_post`, which is optional |
//! | ATK-038 | about a server that leaves the sign-in to another one |

use http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use serde_json::{Value, json};
use url::Url;

use super::decisions::{approval, is_signed_in, session_cookies};
use super::pages::{consent_page, expect_inert, expect_unframed, fetched, is_own, pages, redirects};
use crate::testkit::Form;
use crate::testkit::protocol::{Browser, Decision, Failure, KnownClient, Reply, Run, Submission, User, random};

/// Ways to write an address elsewhere that some browser or parser takes for one of ours.
const ELSEWHERE: [&str; 12] = [
    "https://evil.test/",
    "//evil.test/",
    "///evil.test/",
    "/\\evil.test/",
    "\\\\evil.test/",
    "/\t/evil.test/",
    "\t//evil.test/",
    " //evil.test/",
    "https:evil.test",
    "https:/evil.test/",
    "javascript:alert(1)",
    "@evil.test/",
];

/// Markup that runs if nobody escapes it.
const MARKUP: [&str; 5] = [
    "<script>alert(1)</script>",
    r#""><img src=x onerror=alert(1)>"#,
    "' onmouseover='alert(1)",
    "</title></textarea><svg onload=alert(1)>",
    "javascript:alert(1)//<b>",
];

/// The form of a sign-in page, filled in for alice.
async fn sign_in_form(run: &Run<'_>, page: &Reply) -> Result<Submission, Failure> {
    let alice = run.newly_signed_in(User::Alice).await?;
    let sent = alice.last_form().ok_or_else(|| Failure::new("alice signed in without a form"))?;
    let path = |action: &str| action.split('?').next().unwrap_or_default().to_owned();
    let form = page.forms().into_iter().find(|form| path(&form.action) == path(&sent.action));
    let mut form = form.ok_or_else(|| Failure::new("the page has no form to sign in"))?.submit();
    for (name, value) in sent.fields.iter() {
        // What the page filled in itself is of this page.
        if form.fields.get(name).is_none_or(str::is_empty) {
            form.fields = form.fields.with(name, value);
        }
    }
    Ok(form)
}

/// Whoever follows this location on a page of the target stays there.
fn expect_own_location(run: &Run<'_>, reply: &Reply, payload: &str) -> Result<(), Failure> {
    let Some(location) = reply.location() else { return Ok(()) };
    let base = Url::parse(&run.profile().endpoints.authorization);
    let target = base.and_then(|base| Ok((base.join(location)?.origin(), base.origin())));
    let own = target.is_ok_and(|(target, own)| target == own);
    ensure!(own, "{payload:?} leads to {location:?}");
    Ok(())
}

/// The same form with a payload in the place of every way back.
fn with_way_back(form: &Submission, payload: &str) -> Option<Submission> {
    let is_way_back = |value: &str| value.starts_with('/');
    form.fields.iter().any(|(_, value)| is_way_back(value)).then(|| {
        let fields = form.fields.iter().fold(Form::new(), |fields, (name, value)| {
            fields.and(name, if is_way_back(value) { payload } else { value })
        });
        Submission { action: form.action.clone(), fields }
    })
}

/// A client that has just registered itself with this metadata; `None` if it is refused.
async fn registered(run: &Run<'_>, member: &str, value: &Value) -> Result<Option<KnownClient>, Failure> {
    let metadata = json!({
        "redirect_uris": ["https://newcomer.test/cb"],
        "token_endpoint_auth_method": "none",
        member: value,
    });
    let reply = run.register(&metadata).await?;
    if reply.status().is_client_error() {
        return Ok(None);
    }
    let document = reply.expect_status(201)?.expect_json()?;
    let id = document.get("client_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let redirect_uri = "https://newcomer.test/cb".to_owned();
    Ok(Some(KnownClient { id, redirect_uri, ..run.profile().public.clone() }))
}

/// The answer to a form that was tampered with: nothing, or what was asked for.
async fn expect_no_gain(run: &Run<'_>, reply: &Reply, request: &Form) -> Result<(), Failure> {
    let client = &run.profile().public;
    if let Ok(code) = reply.expect_code(request) {
        let told = run.tokens_for(&run.exchange(client, &code)).await?.scope;
        ensure!(told == run.profile().scopes.default, "the form that was tampered with is granted {told:?}");
    } else if reply.location().is_some() && reply.expect_ui().is_err() {
        let error = reply.expect_response(request)?;
        ensure!(error.get("code").is_none(), "a code comes with an error");
    } else if reply.status() != 200 {
        reply.expect_undecided()?;
    }
    Ok(())
}

/// The same form with one parameter of its address changed.
fn with_address(form: &Submission, name: &str, value: &str) -> Option<Submission> {
    let (path, query) = form.action.split_once('?')?;
    let query = Form::parse(query).with(name, value).encode();
    Some(Submission { action: format!("{path}?{query}"), fields: form.fields.clone() })
}

rows! {
    $ __protocol_rows_page_attacks;

    /// Consent forgery: a form that another site's page sends in the person's browser decides nothing.
    ["ATK-023", Must, "RFC 6749 §10.12; RFC 9700 §4.7"]
    async fn atk_023_another_site_decides_nothing(run) {
        let request = run.asking(&run.profile().public);
        let mut alice = run.signed_in(User::Alice).await?;
        let form = approval(run, &mut alice, &request).await?;
        let mut attacker = run.signed_in(User::Bob).await?;
        let of_attacker = approval(run, &mut attacker, &request).await?;
        let buttons = form.fields.iter().filter(|(name, value)| of_attacker.fields.get(name) == Some(value));
        let without_proof = buttons.fold(Form::new(), |fields, (name, value)| fields.and(name, value));
        let without_proof = Submission { action: form.action.clone(), fields: without_proof };
        for forged in [&of_attacker, &without_proof] {
            alice.submit(forged).await?.expect_undecided()?;
            alice.submit_from("https://evil.test", "cross-site", forged).await?.expect_undecided()?;
        }
        alice.submit_from("https://evil.test", "cross-site", &form).await?.expect_undecided()?;
        run.anonymous().submit_from("https://evil.test", "cross-site", &form).await?.expect_undecided()?;
        alice.submit(&form).await?.expect_code(&request)?;
    }

    /// Clickjacking: no page on the way can be put in a frame.
    ["ATK-024", Must, "RFC 9700 §4.16; OAuth 2.1 §7.11"]
    async fn atk_024_no_page_can_be_put_in_a_frame(run) {
        for (name, page) in pages(run).await? {
            expect_unframed(name, &page)?;
        }
        expect_unframed("consent page of a native app", &consent_page(run, &run.profile().native).await?)?;
    }

    /// Consent replay: a form that was sent decides nothing more, for its own request or another.
    ["ATK-025", Must, "practice"]
    async fn atk_025_a_form_is_not_replayed(run) {
        let (request, other) = (run.asking(&run.profile().public), run.asking(&run.profile().multi));
        let mut alice = run.signed_in(User::Alice).await?;
        let form = approval(run, &mut alice, &request).await?;
        let of_other = approval(run, &mut alice, &other).await?;
        let code = alice.submit(&form).await?.expect_code(&request)?;
        alice.submit(&form).await?.expect_undecided()?;
        let swapped = Submission { action: of_other.action.clone(), fields: form.fields.clone() };
        alice.submit(&swapped).await?.expect_undecided()?;
        run.tokens_for(&run.exchange(&run.profile().public, &code)).await?;
        alice.submit(&form).await?.expect_undecided()?;
        alice.submit(&of_other).await?.expect_code(&other)?;
    }

    /// Consent tampering: no changed field, and no changed address of the form, gives more or leads elsewhere.
    ["ATK-026", Must, "practice"]
    async fn atk_026_a_form_that_was_tampered_with_gives_no_more(run) {
        let profile = run.profile();
        let request = run.asking(&profile.public);
        let mut alice = run.signed_in(User::Alice).await?;
        for (name, value) in [
            ("scope", profile.scopes.restricted.as_str()),
            ("redirect_uri", "https://evil.test/cb"),
            ("client_id", profile.web.id.as_str()),
            ("state", "changed"),
            ("code_challenge", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ("user", "bob"),
            ("sub", "bob"),
        ] {
            let form = approval(run, &mut alice, &request).await?;
            let beside = Submission { action: form.action.clone(), fields: form.fields.clone().and(name, value) };
            let replaced = Submission { action: form.action.clone(), fields: form.fields.clone().with(name, value) };
            for tampered in [Some(beside), Some(replaced), with_address(&form, name, value)].into_iter().flatten() {
                let reply = alice.submit(&tampered).await?;
                expect_no_gain(run, &reply, &request).await?;
            }
        }
        let form = approval(run, &mut alice, &request).await?;
        alice.submit(&form).await?.expect_code(&request)?;
    }

    /// Tab swap: of two pages in one session, each decides about its own request.
    ["ATK-027", Must, "practice"]
    async fn atk_027_each_of_two_pages_decides_its_own_request(run) {
        let profile = run.profile();
        let mut alice = run.signed_in(User::Alice).await?;
        let write = profile.scopes.write.as_str();
        let (one, two) = (run.asking(&profile.public), run.asking(&profile.web).with("scope", write));
        for one_is_first in [true, false] {
            let (first, second) = (approval(run, &mut alice, &one).await?, approval(run, &mut alice, &two).await?);
            let (code_of_one, code_of_two) = if one_is_first {
                let code = alice.submit(&first).await?.expect_code(&one)?;
                (code, alice.submit(&second).await?.expect_code(&two)?)
            } else {
                let code = alice.submit(&second).await?.expect_code(&two)?;
                (alice.submit(&first).await?.expect_code(&one)?, code)
            };
            let of_one = run.tokens_for(&run.exchange(&profile.public, &code_of_one)).await?.scope;
            let of_two = run.tokens_for(&run.exchange(&profile.web, &code_of_two)).await?.scope;
            ensure!(of_one == profile.scopes.default && of_two == write, "the scopes are {of_one:?} and {of_two:?}");
        }
    }

    /// Account swap: a page of one person decides nothing once somebody else is signed in with the browser.
    ["ATK-028", Must, "practice"]
    async fn atk_028_a_page_does_not_outlive_its_person(run) {
        let request = run.asking(&run.profile().public);
        for (shown_to, then) in [(User::Alice, User::Bob), (User::Bob, User::Alice)] {
            let mut browser = run.newly_signed_in(shown_to).await?;
            let form = approval(run, &mut browser, &request).await?;
            run.sign_out(&mut browser).await?;
            run.sign_in(&mut browser, then).await?;
            browser.submit(&form).await?.expect_undecided()?;
            // Not even when the first is back.
            run.sign_out(&mut browser).await?;
            run.sign_in(&mut browser, shown_to).await?;
            browser.submit(&form).await?.expect_undecided()?;
            let form = approval(run, &mut browser, &request).await?;
            browser.submit(&form).await?.expect_code(&request)?;
        }
    }

    /// Sign-in forgery and fixation: no other site signs a person in, and no planted session becomes theirs.
    ["ATK-029", Must, "RFC 6749 §10.12; practice"]
    async fn atk_029_nobody_is_signed_in_by_somebody_else(run) {
        let address = run.address(&run.asking(&run.profile().public));
        let mut victim = run.anonymous();
        let page = victim.visit(&address).await?;
        let form = sign_in_form(run, &page).await?;
        victim.submit_from("https://evil.test", "cross-site", &form).await?;
        ensure!(!is_signed_in(run, &mut victim).await?, "a form of another site signs people in");
        let reply = victim.submit(&form).await?;
        ensure!(reply.status().is_redirection(), "the honest sign-in is answered with {}", reply.status());
        ensure!(is_signed_in(run, &mut victim).await?, "the honest sign-in signs nobody in");

        let known: Vec<_> = session_cookies(run, &victim).await?;
        let (mut victim, mut attacker) = (run.anonymous(), run.anonymous());
        for (name, _, _) in &known {
            let planted = random();
            victim.plant(name, &planted);
            attacker.plant(name, &planted);
        }
        run.sign_in(&mut victim, User::Alice).await?;
        ensure!(!is_signed_in(run, &mut attacker).await?, "a planted session is alice's");
    }

    /// A form with a password or a decision is not repeated to the client, nor a request that was posted.
    ["ATK-030", Must, "RFC 9700 §4.12; OAuth 2.1 §7.5.3"]
    async fn atk_030_no_form_reaches_the_client(run) {
        let mut alice = run.newly_signed_in(User::Alice).await?;
        let request = run.asking(&run.profile().web);
        run.decide_in(&mut alice, &request, &Decision::Approve).await?.expect_code(&request)?;
        let wrong = request.with("response_type", "foo");
        run.authorize_by_post(&wrong).await?;
        let exchanges = run.exchanges();
        let posts: Vec<_> = exchanges.iter().filter(|exchange| exchange.request().starts_with("POST ")).collect();
        ensure!(posts.len() >= 3, "there were only {} forms", posts.len());
        for post in posts {
            let status = post.response().lines().next().unwrap_or_default();
            ensure!(!status.contains(" 307") && !status.contains(" 308"), "a form is answered with {status}");
        }
    }

    /// Leaks: no page or redirect tells its address to the next site, loads anything from there, or is stored.
    ["ATK-031", Must, "RFC 9700 §4.2"]
    async fn atk_031_codes_and_state_do_not_leak(run) {
        for (name, page) in pages(run).await?.into_iter().chain(redirects(run).await?) {
            page.expect_discreet().map_err(|failure| Failure::new(format!("the {name}: {failure}")))?;
            let elements = page.elements();
            let foreign = elements.iter().flat_map(fetched).find(|address| !is_own(run, address));
            ensure!(foreign.is_none(), "the {name} loads {foreign:?}");
            let stored = page.header(&http::header::CACHE_CONTROL).unwrap_or_default();
            ensure!(stored.contains("no-store"), "Cache-Control of the {name} is {stored:?}");
        }
        let client = &run.profile().public;
        let code = run.code(client).await?;
        run.tokens_for(&run.exchange(client, &code)).await?;
        run.token(&run.exchange(client, &code)).await?.expect_error(400, "invalid_grant")?;
    }

    /// Open redirect: neither signing in nor signing out leads to another host.
    ["ATK-032", Must, "RFC 9700 §4.11.2; RFC 6749 §10.15"]
    async fn atk_032_signing_in_and_out_leads_nowhere_else(run) {
        let request = run.asking(&run.profile().public);
        let address = run.address(&request);
        let to_sign_in = run.anonymous().get(&address).await?.location().map(ToOwned::to_owned);
        for payload in ELSEWHERE {
            let mut browser = run.anonymous();
            let page = browser.visit(&address).await?;
            if let Some(form) = with_way_back(&sign_in_form(run, &page).await?, payload) {
                expect_own_location(run, &browser.submit(&form).await?, payload)?;
            }
            // The address of the sign-in page says where to go on, or might.
            if let Some((path, query)) = to_sign_in.as_deref().and_then(|address| address.split_once('?')) {
                let names = Form::parse(query).iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
                let query = names.iter().fold(Form::parse(query), |query, name| query.with(name, payload));
                let elsewhere = format!("{path}?{}", query.encode());
                let mut browser = run.anonymous();
                let page = browser.get(&elsewhere).await?;
                expect_own_location(run, &page, payload)?;
                if page.status() == 200 {
                    let form = sign_in_form(run, &page).await?;
                    expect_own_location(run, &browser.submit(&form).await?, payload)?;
                }
                expect_own_location(run, &run.signed_in(User::Alice).await?.get(&elsewhere).await?, payload)?;
            }
            let mut alice = run.newly_signed_in(User::Alice).await?;
            let page = run.ask(&mut alice, &request).await?;
            let decides = run.fill_in(&page, &Decision::Approve)?.action;
            let others = page.forms().into_iter().filter(|form| form.action != decides);
            for form in others.filter_map(|form| with_way_back(&form.submit(), payload)) {
                expect_own_location(run, &alice.submit(&form).await?, payload)?;
            }
        }
    }

    /// Scripts in what a client says of itself are shown as text, or refused.
    ["ATK-033", Must, "RFC 7591 §5; practice"]
    async fn atk_033_metadata_runs_no_script(run) {
        for member in ["client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts"] {
            for markup in MARKUP {
                let value = if member == "contacts" { json!([markup]) } else { json!(markup) };
                if let Some(client) = registered(run, member, &value).await? {
                    expect_inert(&consent_page(run, &client).await?, markup)?;
                }
            }
        }
        let client = registered(run, "client_name", &json!("Newcomer")).await?;
        let client = client.ok_or_else(|| Failure::new("an honest name is refused"))?;
        let page = consent_page(run, &client).await?;
        ensure!(page.words().contains("Newcomer"), "the page does not name the client: {:?}", page.words());
    }

    /// Scripts in a request are shown as text on the error page, or not at all.
    ["ATK-034", Must, "practice"]
    async fn atk_034_an_error_page_runs_no_script(run) {
        let request = run.request(&run.profile().public);
        for name in ["client_id", "redirect_uri", "response_mode"] {
            for markup in MARKUP {
                let address = run.address(&request.clone().with(name, markup));
                let address = format!("{address}&error_description=%3Cscript%3Ealert(1)%3C/script%3E");
                for mut browser in [run.anonymous(), run.signed_in(User::Alice).await?] {
                    let page: Reply = Browser::get(&mut browser, &address).await?;
                    page.expect_page(400)?.expect_header(&X_CONTENT_TYPE_OPTIONS, "nosniff")?;
                    expect_inert(&page, markup)?;
                    ensure!(page.headers().contains_key(CONTENT_SECURITY_POLICY), "the error page has no policy");
                }
            }
        }
    }

    /// Spoofing: a name that imitates another, or the page, is refused or kept apart, and the host of the client is shown.
    ["ATK-036", Must, "RFC 9700 §4.11; practice"]
    async fn atk_036_a_name_does_not_imitate_the_page(run) {
        let long = "x".repeat(10_000);
        for name in
            ["\u{202E}elgooG", "Google\u{200B}", "Board\nThis app is verified", "\u{2067}x", "a\u{7}b", long.as_str()]
        {
            let Some(client) = registered(run, "client_name", &json!(name)).await? else { continue };
            let page = consent_page(run, &client).await?;
            let text = page.text();
            let raw = ["\u{202E}", "\u{200B}", "\u{2067}", "\u{7}", "Board\nThis", long.as_str()];
            let imitates = raw.iter().find(|raw| name.contains(**raw) && text.contains(**raw));
            ensure!(imitates.is_none(), "the page shows the name {:?} as it is", name.get(..20).unwrap_or(name));
        }
        let client = registered(run, "client_name", &json!("Google")).await?;
        if let Some(client) = client {
            let page = consent_page(run, &client).await?;
            ensure!(page.words().contains("newcomer.test"), "the page does not show the host: {:?}", page.words());
        }
    }

    /// Consent phishing: whoever registers cannot ask for the strongest scope.
    ["ATK-037", Must, "OAuth 2.1 §7.3.2; RFC 9700 §4.11"]
    async fn atk_037_whoever_registers_cannot_ask_for_everything(run) {
        let client = run.self_registered(&["https://phish.test/cb"], Value::Null).await?;
        let scopes = &run.profile().scopes;
        for asked in [scopes.restricted.clone(), format!("{} {}", scopes.default, scopes.restricted)] {
            let request = run.request(&client).with("scope", &asked);
            run.approve(&request).await?.expect_redirect_error(&request, "invalid_scope")?;
        }
        // Nor by registering for it.
        let metadata = json!({
            "redirect_uris": ["https://phish.test/cb"],
            "token_endpoint_auth_method": "none",
            "scope": format!("{} {}", scopes.default, scopes.restricted),
        });
        let reply = run.register(&metadata).await?;
        if reply.status() == 201 {
            let document = reply.expect_json()?;
            let scope = document.get("scope").and_then(Value::as_str).unwrap_or_default().to_owned();
            ensure!(!scope.split(' ').any(|token| token == scopes.restricted), "{scope:?} is registered");
        } else {
            reply.expect_refusal()?;
        }
        run.granted(&client, &run.request(&client), &Decision::Approve).await?;
    }

    /// Probing with `prompt=none`: a site learns nothing but that somebody has to be asked.
    ["ATK-039", Must, "OpenID Connect Core §3.1.2.1"]
    async fn atk_039_probing_yields_nothing(run) {
        let probe = |client: &KnownClient| {
            let request = run.request(client).and("prompt", "none");
            request.and("id_token_hint", "e30.e30.").and("login_hint", "alice")
        };
        let request = probe(&run.profile().web);
        let reply = run.anonymous().get(&run.address(&request)).await?;
        reply.expect_redirect_error(&request, "login_required")?;
        expect_unframed("answer to a probe", &reply)?;

        // What alice consented to is no answer about bob.
        let metadata = json!({ "token_endpoint_auth_method": "client_secret_basic" });
        let client = run.self_registered(&["https://newcomer.test/cb"], metadata).await?;
        let request = probe(&client);
        for (user, consents) in [(User::Alice, true), (User::Bob, false)] {
            let mut browser = run.signed_in(user).await?;
            let reply = browser.get(&run.address(&request)).await?;
            let error = reply.expect_response(&request)?;
            let error = error.get("error").unwrap_or_default();
            let right = ["consent_required", "interaction_required", "login_required"].contains(&error);
            ensure!(right, "a probe about {user:?} yields {error:?}");
            if consents {
                run.granted(&client, &run.request(&client), &Decision::Approve).await?;
            }
        }
    }

    /// Numbers out of range break nothing.
    ["ATK-040", Must, "practice"]
    async fn atk_040_numbers_out_of_range_break_nothing(run) {
        for number in ["99999999999999999999", "-1", "1e3", " 5", "0x10", "NaN", "9223372036854775808", "१२"] {
            let request = run.asking(&run.profile().public).and("max_age", number).and("expires_in", number);
            let reply = run.approve(&request).await?;
            // A server that knows `max_age` refuses it, or asks for a new sign-in; others do not look at it.
            if reply.location().is_some() && reply.expect_ui().is_err() {
                let response = reply.expect_response(&request)?;
                let error = response.get("error").unwrap_or("invalid_request");
                ensure!(error == "invalid_request", "with {number:?} the error is {error:?}");
            } else {
                ensure!(!reply.status().is_server_error(), "with {number:?} the status is {}", reply.status());
            }
        }
        run.code(&run.profile().public).await?;
    }
}
