//! Attacks on sign-in and consent: on what counts as a person's decision (OAuth 2.1 §7, RFC 6749 §10.12).

use super::super::decisions::{approval, expect_no_form_repeated, is_signed_in, session_cookies};
use crate::testkit::Form;
use crate::testkit::protocol::{Decision, Failure, Reply, Run, Submission, User, random};

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

/// Where this leads is at the target, whatever the payload.
fn expect_here(run: &Run<'_>, reply: &Reply, payload: &str) -> Result<(), Failure> {
    run.expect_here(reply).map_err(|failure| Failure::new(format!("{payload:?}: {failure}")))
}

rows! {
    $ __protocol_rows_front_channel_attacks_decisions;

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
        let form = run.credentials(&page, User::Alice)?;
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
        expect_no_form_repeated(run)?;
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
            if let Some(form) = with_way_back(&run.credentials(&page, User::Alice)?, payload) {
                expect_here(run, &browser.submit(&form).await?, payload)?;
            }
            // The address of the sign-in page says where to go on, or might.
            if let Some((path, query)) = to_sign_in.as_deref().and_then(|address| address.split_once('?')) {
                let names = Form::parse(query).iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
                let query = names.iter().fold(Form::parse(query), |query, name| query.with(name, payload));
                let elsewhere = format!("{path}?{}", query.encode());
                let mut browser = run.anonymous();
                let page = browser.get(&elsewhere).await?;
                expect_here(run, &page, payload)?;
                if page.status() == 200 {
                    let form = run.credentials(&page, User::Alice)?;
                    expect_here(run, &browser.submit(&form).await?, payload)?;
                }
                expect_here(run, &run.signed_in(User::Alice).await?.get(&elsewhere).await?, payload)?;
            }
            let mut alice = run.newly_signed_in(User::Alice).await?;
            let page = run.ask(&mut alice, &request).await?;
            let decides = run.fill_in(&page, &Decision::Approve)?.action;
            let others = page.forms().into_iter().filter(|form| form.action != decides);
            for form in others.filter_map(|form| with_way_back(&form.submit(), payload)) {
                expect_here(run, &alice.submit(&form).await?, payload)?;
            }
        }
    }
}
