//! Sign-in and consent: who is asked, about what, and what a decision is good for (OAuth 2.1 §7.3, §7.9).
//!
//! | row | why it is not here |
//! |---|---|
//! | CONS-004, CONS-005 | about client identifier metadata documents, which are not among the suite's features |
//! | CONS-008 | where people withdraw a grant is a page of the host's own, which the suite does not know |
//! | CONS-009, CONS-010 | about a server that leaves the sign-in to another one |

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::testkit::Form;
use crate::testkit::protocol::{
    Browser, Decision, Failure, Feature, KnownClient, Registered, Reply, Run, User, random,
};

/// Whether the person is asked about a request; if not, there must be a code.
async fn is_asked(run: &Run<'_>, browser: &mut Browser<'_>, request: &Form) -> Result<bool, Failure> {
    let reply = browser.get(&run.address(request)).await?;
    if reply.status() == 200 {
        run.fill_in(&reply, &Decision::Approve)?;
        return Ok(true);
    }
    reply.expect_code(request)?;
    Ok(false)
}

/// A confidential client that has just registered itself, so that nobody has decided about it yet.
async fn newcomer(run: &Run<'_>) -> Result<KnownClient, Failure> {
    let metadata = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    run.self_registered(&["https://newcomer.test/cb"], metadata).await
}

/// Has alice consent to the baseline request of a newcomer, and makes sure that this is remembered.
async fn consent_once(run: &Run<'_>, client: &KnownClient) -> Result<(), Failure> {
    let mut alice = run.signed_in(User::Alice).await?;
    ensure!(is_asked(run, &mut alice, &run.request(client)).await?, "nobody is asked about a client that is new");
    run.granted(client, &run.request(client), &Decision::Approve).await?;
    let again = is_asked(run, &mut alice, &run.request(client)).await?;
    ensure!(!again, "alice is asked again although her consent is said to be remembered");
    Ok(())
}

/// The words of a page that another page does not have.
fn words_beyond(page: &Reply, other: &Reply) -> BTreeSet<String> {
    let words = |page: &Reply| page.words().split(' ').map(ToOwned::to_owned).collect::<BTreeSet<_>>();
    &words(page) - &words(other)
}

/// Changes the name of a client that registered itself (RFC 7592 §2.2).
async fn rename(run: &Run<'_>, registered: &Registered, name: &str) -> Result<(), Failure> {
    let issued =
        ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];
    let mut changed = registered.metadata.clone();
    changed.retain(|member, _| !issued.contains(&member.as_str()));
    changed.insert("client_name".to_owned(), json!(name));
    run.manage(Method::PUT, registered, &Value::Object(changed)).await?.expect_status(200)?;
    Ok(())
}

rows! {
    $ __protocol_rows_consent;

    /// Nothing is released before the person has decided.
    ["CONS-001", Must, "OpenID Connect Core §3.1.2.4; RFC 6749 §10.2"]
    async fn cons_001_nothing_is_released_before_a_decision(run) {
        let profile = run.profile();
        for client in [&profile.public, &profile.web, &profile.native] {
            let request = run.asking(client);
            let mut alice = run.signed_in(User::Alice).await?;
            let page = run.ask(&mut alice, &request).await?;
            page.expect_ui()?;
            let form = run.fill_in(&page, &Decision::Approve)?;
            alice.submit(&form).await?.expect_code(&request)?;
        }
        let client = run.self_registered(&["https://newcomer.test/cb"], Value::Null).await?;
        let request = run.request(&client);
        let mut alice = run.signed_in(User::Alice).await?;
        ensure!(is_asked(run, &mut alice, &request).await?, "nobody is asked about a client that is new");
        ensure!(is_asked(run, &mut alice, &request).await?, "a look at the page counts as consent");
    }

    /// A public client that another program could pass for is not approved again without asking.
    ["CONS-002", Should, "OAuth 2.1 §7.3, §7.3.1; RFC 8252 §8.6"]
    async fn cons_002_a_public_client_is_not_approved_silently(run) {
        let client = &run.profile().native;
        let mut alice = run.signed_in(User::Alice).await?;
        for uri in &client.redirect_uris {
            let request = run.request(client).with("redirect_uri", uri);
            run.granted(client, &request, &Decision::Approve).await?;
            ensure!(is_asked(run, &mut alice, &request).await?, "a code went to {uri} without a question");
            let silent = request.and("prompt", "none");
            let error = alice.get(&run.address(&silent)).await?.expect_response(&silent)?;
            let error = error.get("error").unwrap_or_default();
            let right = ["consent_required", "interaction_required"].contains(&error);
            ensure!(right, "without a question, {uri} gets {error:?}");
        }
    }

    /// The page says which client asks, that nobody vouches for it, what it asks for, where the answer goes, and who
    /// decides.
    ["CONS-003", Should, "OAuth 2.1 §7.9; RFC 9700 §4.11"]
    async fn cons_003_the_page_says_who_asks_for_what_and_who_decides(run) {
        let (profile, host) = (run.profile(), "newcomer.test");
        let name = format!("Thenewcomer {}", random());
        let client = run.self_registered(&[&format!("https://{host}/cb")], json!({ "client_name": name })).await?;
        let request = run.request(&client);
        let mut alice = run.signed_in(User::Alice).await?;
        let page = run.ask(&mut alice, &request).await?;
        for expected in [name.as_str(), host] {
            ensure!(page.words().contains(expected), "the page does not say {expected:?}: {:?}", page.words());
        }
        let again = run.ask(&mut alice, &request).await?;
        ensure!(words_beyond(&page, &again).is_empty(), "the same page says something else the second time");

        let more = request.clone().with("scope", &format!("{} {}", profile.scopes.default, profile.scopes.write));
        let more = run.ask(&mut alice, &more).await?;
        ensure!(
            !words_beyond(&more, &page).is_empty(),
            "the page for more scope says nothing more: {:?}",
            more.words()
        );

        let mut bob = run.signed_in(User::Bob).await?;
        let of_bob = run.ask(&mut bob, &request).await?;
        ensure!(!words_beyond(&of_bob, &page).is_empty(), "the page does not say who decides: {:?}", page.words());

        let vetted = run.ask(&mut alice, &run.asking(&profile.public)).await?;
        let mut mark = words_beyond(&page, &vetted);
        // What differs because the clients do is no mark.
        mark.retain(|word| !name.contains(word.as_str()) && !word.contains(host));
        ensure!(!mark.is_empty(), "the page does not say that the client registered itself: {:?}", page.words());
    }

    /// A consent is remembered for one person, client, scope and resource; whoever asks for more is asked about.
    ["CONS-006", Must, "practice"]
    async fn cons_006_a_consent_is_remembered_for_what_it_was_given_for(run) {
        run.requires(Feature::RememberedConsent)?;
        let (client, profile) = (newcomer(run).await?, run.profile());
        consent_once(run, &client).await?;
        let request = run.request(&client);
        let mut alice = run.signed_in(User::Alice).await?;
        for more in [profile.scopes.write.clone(), format!("{} {}", profile.scopes.default, profile.scopes.write)] {
            let more = request.clone().with("scope", &more);
            ensure!(is_asked(run, &mut alice, &more).await?, "nobody is asked about more scope: {more:?}");
        }
        let mut bob = run.signed_in(User::Bob).await?;
        ensure!(is_asked(run, &mut bob, &request).await?, "bob is not asked because alice consented");
        let another = run.request(&newcomer(run).await?);
        ensure!(is_asked(run, &mut alice, &another).await?, "a consent counts for another client");
        ensure!(!is_asked(run, &mut alice, &request).await?, "alice is asked again for the same");
        if let Some(resource) = &profile.api.other_resource {
            // What names no resource may have been for both.
            let client = newcomer(run).await?;
            let [own, elsewhere] = [&profile.api.resource, resource].map(|uri| run.request(&client).and("resource", uri));
            run.granted(&client, &own, &Decision::Approve).await?;
            ensure!(!is_asked(run, &mut alice, &own).await?, "alice is asked again for the same resource");
            ensure!(is_asked(run, &mut alice, &elsewhere).await?, "nobody is asked about another resource");
        }
    }

    /// A client that changed its name is asked about again.
    ["CONS-007", Should, "Client ID Metadata Document §6.3"]
    async fn cons_007_a_client_that_changed_is_asked_about_again(run) {
        run.requires(Feature::RememberedConsent)?;
        let metadata = json!({
            "redirect_uris": ["https://newcomer.test/cb"],
            "client_name": "Newcomer",
            "token_endpoint_auth_method": "client_secret_basic",
        });
        let registered = run.registered(&metadata).await?;
        let client = &registered.client;
        consent_once(run, client).await?;
        if run.has(Feature::Clock) {
            run.pass(Duration::from_secs(1))?;
        }
        rename(run, &registered, "Somebody Else").await?;
        let mut alice = run.signed_in(User::Alice).await?;
        let asked = is_asked(run, &mut alice, &run.request(client)).await?;
        ensure!(asked, "the consent to a client outlives its name");
    }

    /// If somebody else signs in while a page is open, that page decides nothing.
    ["CONS-011", Must, "practice"]
    async fn cons_011_a_page_decides_for_whoever_it_was_shown_to(run) {
        let request = run.asking(&run.profile().public);
        let mut browser = run.newly_signed_in(User::Alice).await?;
        let page = run.ask(&mut browser, &request).await?;
        let form = run.fill_in(&page, &Decision::Approve)?;
        run.sign_out(&mut browser).await?;
        browser.submit(&form).await?.expect_undecided()?;
        run.sign_in(&mut browser, User::Bob).await?;
        browser.submit(&form).await?.expect_undecided()?;

        // Of bob's own page the decision counts.
        let page = run.ask(&mut browser, &request).await?;
        browser.submit(&run.fill_in(&page, &Decision::Approve)?).await?.expect_code(&request)?;
    }
}
