//! Forms and sessions: what counts as somebody's decision (RFC 6749 §10.12, OAuth 2.1 §7.5.3, §7.13).

use std::time::Duration;

use http::header::{CONTENT_TYPE, LOCATION, REFRESH};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::testkit::Form;
use crate::testkit::protocol::run::FORM;
use crate::testkit::protocol::{Browser, Decision, Failure, Feature, Reply, Run, Submission, User, random};

/// The form with which whoever is signed in approves a request.
pub(super) async fn approval(run: &Run<'_>, browser: &mut Browser<'_>, request: &Form) -> Result<Submission, Failure> {
    run.fill_in(&run.ask(browser, request).await?, &Decision::Approve)
}

/// The fields of a form that another person's form for the same request has other values for: the proof that the form
/// is of a page of this person.
fn proofs(own: &Submission, other: &Submission) -> Vec<String> {
    let differs = |(name, value): &(&str, &str)| other.fields.get(name) != Some(value);
    own.fields.iter().filter(differs).map(|(name, _)| name.to_owned()).collect()
}

/// Sends a form with exactly these headers beside its type.
async fn send(
    browser: &mut Browser<'_>,
    form: &Submission,
    headers: &[(&'static str, &'static str)],
) -> Result<Reply, Failure> {
    let mut all = HeaderMap::from_iter([(CONTENT_TYPE, FORM)]);
    for &(name, value) in headers {
        all.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    browser.send(Method::POST, &form.action, all, form.fields.encode()).await
}

/// Whether somebody is signed in with this browser: the request is asked about.
pub(super) async fn is_signed_in(run: &Run<'_>, browser: &mut Browser<'_>) -> Result<bool, Failure> {
    let reply = browser.get(&run.address(&run.asking(&run.profile().public))).await?;
    reply.expect_ui()?;
    Ok(run.fill_in(&reply, &Decision::Approve).is_ok())
}

/// The cookies with which alone somebody is signed in; all of them, if it takes several.
pub(super) async fn session_cookies(
    run: &Run<'_>,
    signed_in: &Browser<'_>,
) -> Result<Vec<(String, String, String)>, Failure> {
    let own = |(name, value, set_by): (&str, &str, &str)| (name.to_owned(), value.to_owned(), set_by.to_owned());
    let all: Vec<_> = signed_in.cookies().map(own).collect();
    let mut enough = Vec::new();
    for cookie in &all {
        let mut browser = run.anonymous();
        browser.plant(&cookie.0, &cookie.1);
        if is_signed_in(run, &mut browser).await? {
            enough.push(cookie.clone());
        }
    }
    ensure!(!all.is_empty(), "nobody is known by a cookie");
    Ok(if enough.is_empty() { all } else { enough })
}

/// No form of this row, of which there were three or more, is answered by having the browser send it again elsewhere.
pub(super) fn expect_no_form_repeated(run: &Run<'_>) -> Result<(), Failure> {
    let exchanges = run.exchanges();
    let posts: Vec<_> = exchanges.iter().filter(|exchange| exchange.request().starts_with("POST ")).collect();
    ensure!(posts.len() >= 3, "there were only {} forms", posts.len());
    for post in posts {
        let status = post.response().lines().next().unwrap_or_default();
        ensure!(!status.contains(" 307") && !status.contains(" 308"), "a form is answered with {status}");
    }
    Ok(())
}

rows! {
    $ __protocol_rows_decisions;

    /// A decision carries a value that nobody can guess and that is bound to the session and to the request.
    ["UI-004", Must, "RFC 6749 §10.12; practice"]
    async fn ui_004_a_decision_carries_a_proof_of_its_page(run) {
        let request = run.asking(&run.profile().public);
        let mut alice = run.signed_in(User::Alice).await?;
        let form = approval(run, &mut alice, &request).await?;
        let mut bob = run.signed_in(User::Bob).await?;
        let of_bob = approval(run, &mut bob, &request).await?;
        let mut alice_elsewhere = run.newly_signed_in(User::Alice).await?;
        let of_other_session = approval(run, &mut alice_elsewhere, &request).await?;
        let proofs = proofs(&form, &of_bob);
        ensure!(!proofs.is_empty(), "the forms of two people are the same");

        let changed = |change: &dyn Fn(&str) -> Option<String>| {
            form.fields.iter().fold(Form::new(), |fields, (name, value)| {
                let value = if proofs.iter().any(|own| own == name) { change(value) } else { Some(value.to_owned()) };
                value.map_or_else(|| fields.clone(), |value| fields.clone().and(name, &value))
            })
        };
        let forged = [
            of_bob.fields,
            of_other_session.fields,
            changed(&|_| None),
            changed(&|_| Some(String::new())),
            changed(&|_| Some("x".to_owned())),
            changed(&|value| Some(format!("{value}A"))),
            changed(&|value| Some(value.chars().rev().collect())),
            changed(&|value| Some(value.chars().skip(1).collect())),
        ];
        for fields in forged {
            let forged = Submission { action: form.action.clone(), fields };
            alice.submit(&forged).await?.expect_undecided()?;
        }
        // The proof of one request for another: it decides about its own, or about nothing.
        let other = run.asking(&run.profile().multi);
        let of_other_request = approval(run, &mut alice, &other).await?;
        let swapped = Submission { action: of_other_request.action, fields: form.fields.clone() };
        if swapped.action != form.action {
            alice.submit(&swapped).await?.expect_undecided()?;
        }
        alice.submit(&form).await?.expect_code(&request)?;

        // The form of the attacker's own sign-in page signs nobody else in.
        let address = run.address(&request);
        let form = run.credentials(&run.anonymous().visit(&address).await?, User::Bob)?;
        let mut victim = run.anonymous();
        victim.visit(&address).await?;
        victim.submit_from("https://evil.test", "cross-site", &form).await?;
        ensure!(!is_signed_in(run, &mut victim).await?, "a form of another site signs people in");
    }

    /// A decision is a POST; the same by GET does nothing.
    ["UI-005", Must, "practice"]
    async fn ui_005_a_decision_by_get_does_nothing(run) {
        let request = run.asking(&run.profile().public);
        let mut alice = run.signed_in(User::Alice).await?;
        let form = approval(run, &mut alice, &request).await?;
        let in_query = Form::parse(form.action.split_once('?').map_or("", |(_, query)| query));
        let more = form.fields.iter().filter(|(name, _)| in_query.get(name).is_none());
        let more = more.fold(Form::new(), |more, (name, value)| more.and(name, value));
        let separator = if form.action.contains('?') { '&' } else { '?' };
        for fields in [&more, &form.fields] {
            let reply = alice.get(&format!("{}{separator}{}", form.action, fields.encode())).await?;
            if let Some(location) = reply.location() {
                ensure!(reply.expect_code(&request).is_err(), "a decision by GET is answered with {location:?}");
            } else {
                ensure!(!reply.status().is_server_error(), "a decision by GET is answered with {}", reply.status());
            }
        }
        alice.submit(&form).await?.expect_code(&request)?;
    }

    /// A decision works once: sent twice, it makes no second code, and the first is as good as before.
    ["UI-006", Must, "practice"]
    async fn ui_006_a_decision_works_once(run) {
        for client in [&run.profile().public, &run.profile().web, &run.profile().native] {
            let request = run.asking(client);
            let mut alice = run.signed_in(User::Alice).await?;
            let form = approval(run, &mut alice, &request).await?;
            let code = alice.submit(&form).await?.expect_code(&request)?;
            let again = alice.submit(&form).await?;
            if let Ok(second) = again.expect_code(&request) {
                ensure!(second == code, "a decision that was sent twice made two codes");
            } else {
                again.expect_undecided()?;
            }
            run.tokens_for(&run.exchange(client, &code)).await?;
            let spent = alice.submit(&form).await?;
            ensure!(spent.expect_code(&request).ok().is_none_or(|third| third == code), "a decision made another code");
        }
    }

    /// Where a form comes from may be left out or veiled; a form that says to come from elsewhere is refused.
    ["UI-007", Must, "Fetch; practice"]
    async fn ui_007_a_veiled_origin_is_accepted_and_a_foreign_one_is_not(run) {
        let request = run.asking(&run.profile().public);
        let mut alice = run.signed_in(User::Alice).await?;
        for headers in [
            &[("origin", "https://evil.test")][..],
            &[("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")],
            &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        ] {
            let form = approval(run, &mut alice, &request).await?;
            let reply = send(&mut alice, &form, headers).await?;
            reply.expect_undecided()?;
            ensure!(reply.status().is_client_error(), "{headers:?} is answered with {}", reply.status());
        }
        for headers in [&[][..], &[("origin", "null")], &[("origin", "null"), ("sec-fetch-site", "same-origin")]] {
            let form = approval(run, &mut alice, &request).await?;
            let reply = send(&mut alice, &form, headers).await?;
            let code = reply.expect_code(&request);
            code.map_err(|failure| Failure::new(format!("an honest form with {headers:?}: {failure}")))?;
        }
    }

    /// The session cookie is out of reach for scripts and foreign forms, but there when a client sends a person over.
    ["UI-009", Must, "practice"]
    async fn ui_009_the_session_cookie_is_out_of_reach(run) {
        let alice = run.newly_signed_in(User::Alice).await?;
        for (name, _, set_by) in session_cookies(run, &alice).await? {
            let attributes: Vec<_> = set_by.split(';').skip(1).map(|part| part.trim().to_ascii_lowercase()).collect();
            let secure = run.origin().starts_with("https:").then_some("secure");
            for wanted in ["httponly", "path=/", "samesite=lax"].into_iter().chain(secure) {
                ensure!(attributes.iter().any(|own| own == wanted), "the cookie {name} is not {wanted}: {set_by:?}");
            }
            let shared = attributes.iter().any(|own| own.starts_with("domain"));
            ensure!(!shared, "the cookie {name} goes to other hosts too: {set_by:?}");
        }
    }

    /// Signing in changes the session: what was known of the one before is worth nothing.
    ["UI-010", Must, "practice"]
    async fn ui_010_signing_in_changes_the_session(run) {
        let mut browser = run.anonymous();
        browser.visit(&run.address(&run.asking(&run.profile().public))).await?;
        let mut before = browser.clone();
        run.sign_in(&mut browser, User::Alice).await?;
        ensure!(is_signed_in(run, &mut browser).await?, "alice is not signed in after signing in");
        ensure!(!is_signed_in(run, &mut before).await?, "the session of before the sign-in is alice's now");

        let names: Vec<_> = session_cookies(run, &browser).await?.into_iter().map(|(name, _, _)| name).collect();
        let planted = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let (mut victim, mut attacker) = (run.anonymous(), run.anonymous());
        for name in &names {
            victim.plant(name, planted);
            attacker.plant(name, planted);
        }
        run.sign_in(&mut victim, User::Alice).await?;
        ensure!(is_signed_in(run, &mut victim).await?, "with a planted cookie nobody can sign in");
        ensure!(!is_signed_in(run, &mut attacker).await?, "a planted session is alice's");
    }

    /// After a form with credentials or a decision the redirect does not repeat it: never 307 or 308.
    ["UI-012", Must, "OAuth 2.1 §7.5.3; RFC 9700 §4.12"]
    async fn ui_012_no_form_is_repeated(run) {
        let request = run.asking(&run.profile().public);
        let mut alice = run.newly_signed_in(User::Alice).await?;
        for decision in [Decision::Approve, Decision::Deny] {
            run.decide_in(&mut alice, &request, &decision).await?.expect_response(&request)?;
        }
        run.sign_out(&mut alice).await?;
        expect_no_form_repeated(run)?;
    }

    /// The redirect of a remembered consent answers a GET: 302 or 303, which nobody stores.
    ["UI-013", Should, "RFC 9110 §15.4"]
    async fn ui_013_a_silent_answer_is_302_or_303(run) {
        run.requires(Feature::RememberedConsent)?;
        let client = &run.profile().web;
        run.granted(client, &run.asking(client), &Decision::Approve).await?;
        let request = run.request(client);
        run.authorize(&request).await?.expect_code(&request)?;
    }

    /// A redirect to the client is one by HTTP, with one location and nothing of the request in its body.
    ["UI-014", Must, "practice"]
    async fn ui_014_a_redirect_is_nothing_but_a_redirect(run) {
        for state in
            [&*random(), "\"><script>alert(1)</script>", "https://evil.test/", "x\r\nLocation: https://evil.test/"]
        {
            let request = run.asking(&run.profile().public).with("state", state);
            for decision in [Decision::Approve, Decision::Deny] {
                let reply = run.decide(&request, &decision).await?;
                let response = reply.expect_response(&request)?;
                reply.expect_no_header(&REFRESH)?;
                let body = reply.text();
                let repeats = |name: &&str| response.get(name).is_some_and(|value| body.contains(value));
                let repeated = ["code", "state"].into_iter().find(repeats);
                ensure!(repeated.is_none(), "the redirect repeats {repeated:?} in its body: {body:?}");
                let locations = reply.headers().get_all(LOCATION).iter().count();
                ensure!(locations == 1, "there are {locations} locations");
            }
        }
    }

    /// An error of a client that nobody vetted is shown first, not sent on, while nobody is signed in.
    ["UI-019", Must, "OAuth 2.1 §7.13.2; RFC 9700 §4.11.2; this catalogue's profile"]
    async fn ui_019_an_error_of_an_unvetted_client_is_shown_first(run) {
        let vetted = run.request(&run.profile().public);
        let silent = vetted.clone().and("prompt", "none");
        let reply = run.anonymous().get(&run.address(&silent)).await?;
        reply.expect_redirect_error(&silent, "login_required")?;
        // A stricter server has people sign in before it sends them anywhere.
        let wrong = vetted.with("response_type", "token");
        let reply = run.anonymous().get(&run.address(&wrong)).await?;
        if reply.expect_ui().is_err() {
            reply.expect_redirect_error(&wrong, "unsupported_response_type")?;
        }

        let client = run.self_registered(&["https://newcomer.test/cb"], Value::Null).await?;
        let request = run.request(&client);
        for wrong in [
            request.clone().with("scope", "bogus"),
            request.clone().with("response_type", "token"),
            request.clone().without("code_challenge"),
            request.and("prompt", "none"),
        ] {
            let page = run.anonymous().get(&run.address(&wrong)).await?;
            if page.location().is_some() {
                page.expect_ui()?;
                continue;
            }
            page.expect_page(page.status().as_u16())?;
            ensure!(page.status().is_client_error(), "an error is answered with {}", page.status());
            ensure!(!page.words().is_empty(), "the page explains nothing");
            let way_on = page.elements().iter().any(|element| {
                let target = element.attribute("href").or_else(|| element.attribute("action"));
                target.is_some_and(|target| target.starts_with(&client.redirect_uri) || element.name == "form")
            });
            ensure!(way_on, "the page does not lead on");
        }
    }

    /// A page that was left open for too long decides nothing, and does not lead to the client.
    ["UI-023", Must, "practice"]
    async fn ui_023_a_page_does_not_live_for_ever(run) {
        run.requires(Feature::Clock)?;
        let request = run.asking(&run.profile().public);
        let mut alice = run.newly_signed_in(User::Alice).await?;
        let form = approval(run, &mut alice, &request).await?;
        run.pass(Duration::from_hours(24))?;
        alice.submit(&form).await?.expect_undecided()?;
        let mut alice = run.newly_signed_in(User::Alice).await?;
        let form = approval(run, &mut alice, &request).await?;
        alice.submit(&form).await?.expect_code(&request)?;
    }

    /// What a page carries of its request cannot be used in another session, nor again after the decision.
    ["UI-024", Must, "practice"]
    async fn ui_024_what_a_page_carries_is_good_for_one_decision_in_one_session(run) {
        let request = run.asking(&run.profile().public);
        let mut alice = run.newly_signed_in(User::Alice).await?;
        let form = approval(run, &mut alice, &request).await?;
        let mut elsewhere = run.newly_signed_in(User::Alice).await?;
        elsewhere.submit(&form).await?.expect_undecided()?;
        run.anonymous().submit(&form).await?.expect_undecided()?;
        let code = alice.submit(&form).await?.expect_code(&request)?;
        run.tokens_for(&run.exchange(&run.profile().public, &code)).await?;
        for _ in 0..2 {
            alice.submit(&form).await?.expect_undecided()?;
        }

        // A no is a decision too.
        let page = run.ask(&mut alice, &request).await?;
        let (no, yes) = (run.fill_in(&page, &Decision::Deny)?, run.fill_in(&page, &Decision::Approve)?);
        alice.submit(&no).await?.expect_redirect_error(&request, "access_denied")?;
        alice.submit(&yes).await?.expect_undecided()?;

        run.sign_out(&mut alice).await?;
        alice.submit(&form).await?.expect_undecided()?;
    }

    /// Another account can be chosen on the consent page; the same request is then asked about anew.
    ["UI-025", Should, "OpenID Connect Core §3.1.2.1; practice"]
    async fn ui_025_another_account_can_be_chosen(run) {
        let request = run.asking(&run.profile().public);
        let mut browser = run.newly_signed_in(User::Alice).await?;
        let page = run.ask(&mut browser, &request).await?;
        let form = run.fill_in(&page, &Decision::Approve)?;
        for other in page.forms().into_iter().filter(|other| other.action != form.action) {
            let reply = browser.submit(&other.submit()).await?;
            browser.follow(reply).await?;
            if !is_signed_in(run, &mut browser).await? {
                break;
            }
        }
        ensure!(!is_signed_in(run, &mut browser).await?, "no form of the consent page lets another account be chosen");
        run.sign_in(&mut browser, User::Bob).await?;
        browser.submit(&form).await?.expect_undecided()?;
        approval(run, &mut browser, &request).await?;
    }
}
