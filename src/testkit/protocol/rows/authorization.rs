//! The authorization endpoint: methods, sign-in, and requests side by side (RFC 6749 §3.1).

use http::header::{ALLOW, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::testkit::Form;
use crate::testkit::protocol::{Browser, Decision, Failure, Reply, Run, Submission, User};

/// The names under which pages are told where to go after a sign-in.
const WAYS_BACK: [&str; 9] =
    ["next", "return_to", "returnTo", "continue", "redirect", "redirect_uri", "url", "goto", "rd"];

/// Where nobody may be sent, in every spelling that a browser takes for another origin.
const ELSEWHERE: [&str; 9] = [
    "https://evil.test",
    "//evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https:evil.test",
    "///evil.test",
    "/\t/evil.test",
    "/.//evil.test/..//evil.test",
    "javascript:alert(1)",
];

/// Whether a POST to the authorization endpoint is refused as such, which a server without OpenID Connect may do.
fn refuses_post(reply: &Reply) -> Result<bool, Failure> {
    if reply.status() != 405 {
        return Ok(false);
    }
    let allowed = reply.header(&ALLOW).unwrap_or_default();
    ensure!(allowed.split(',').any(|method| method.trim() == "GET"), "Allow is {allowed:?}");
    Ok(true)
}

/// Nothing that lets a script of another origin read it.
fn expect_no_cors(reply: &Reply) -> Result<(), Failure> {
    let found = reply.headers().keys().find(|name| name.as_str().starts_with("access-control-"));
    ensure!(found.is_none(), "there is a header {found:?}");
    Ok(())
}

/// The form with every way back that it may know leading elsewhere.
fn misled(fields: &Form, way: &str) -> Form {
    let leads = |text: &str| text.starts_with('/') || text.contains("://");
    let fields =
        fields.iter().fold(Form::new(), |form, (name, value)| form.and(name, if leads(value) { way } else { value }));
    WAYS_BACK.iter().fold(fields, |form, name| form.with(name, way))
}

/// What a browser without a session gets that signs in with its way back changed; `None` if it did not come to that.
async fn sign_in_misled<'a>(
    run: &'a Run<'_>,
    address: &str,
    way: &str,
) -> Result<Option<(Browser<'a>, Reply)>, Failure> {
    let mut browser = run.anonymous();
    let mut page = browser.get(address).await?;
    if let Some(location) = page.location().map(ToOwned::to_owned) {
        let (path, query) = location.split_once('?').unwrap_or((&location, ""));
        page = browser.get(&format!("{path}?{}", misled(&Form::parse(query), way).encode())).await?;
        page = run.follow_here(&mut browser, page).await?;
    }
    let Ok(mut form) = run.credentials(&page, User::Alice) else { return Ok(None) };
    form.fields = misled(&form.fields, way);
    if let Some((path, query)) = form.action.split_once('?') {
        form.action = format!("{path}?{}", misled(&Form::parse(query), way).encode());
    }
    let reply = browser.submit(&form).await?;
    Ok(Some((browser, reply)))
}

/// The browser is led to a page that asks who is there, however the request wants people to be asked.
async fn expect_sign_in(run: &Run<'_>, browser: &mut Browser<'_>, request: &Form) -> Result<(), Failure> {
    for prompt in ["", "consent", "login"] {
        let first = browser.get(&run.address(&request.clone().with("prompt", prompt))).await?;
        first.expect_ui()?;
        let page = browser.follow(first).await?;
        page.expect_ui()?;
        run.credentials(&page, User::Alice)?;
    }
    Ok(())
}

rows! {
    $ __protocol_rows_authorization;

    /// GET is supported.
    ["AUTHZ-001", Must, "RFC 6749 §3.1; OAuth 2.1 §3.1"]
    async fn authz_001_get_is_supported(run) {
        let profile = run.profile();
        for client in [&profile.public, &profile.multi, &profile.native, &profile.encoded, &profile.web] {
            let request = run.asking(client);
            run.authorize(&request).await?.expect_ui()?;
            let code = run.approve(&request).await?.expect_code(&request)?;
            run.tokens_for(&run.exchange_of(client, &request, &code)).await?;
        }
    }

    /// POST with a form gives the same result as GET, if it is supported.
    ["AUTHZ-002", May, "OpenID Connect Core §3.1.2.1; RFC 6749 §3.1"]
    async fn authz_002_post_is_as_good_as_get(run) {
        let client = &run.profile().public;
        let request = run.asking(client);
        let mut browser = run.signed_in(User::Alice).await?;
        let endpoint = &run.profile().endpoints.authorization;
        let page = run.post_from_elsewhere(&mut browser, endpoint, &request).await?;
        if refuses_post(&page)? {
            return Ok(());
        }
        page.expect_ui()?;
        let code = run.approve_on(&mut browser, page).await?.expect_code(&request)?;
        run.tokens_for(&run.exchange_of(client, &request, &code)).await?;

        let wrong = request.with("response_type", "foo");
        let reply = run.post_from_elsewhere(&mut browser, endpoint, &wrong).await?;
        reply.expect_redirect_error(&wrong, "unsupported_response_type")?;
    }

    /// The parameters of a POST come from its body only; what the query says beside it is never used.
    ["AUTHZ-003", Must, "RFC 6749 §3.1; practice"]
    async fn authz_003_the_query_of_a_post_is_never_used(run) {
        let profile = run.profile();
        let request = run.asking(&profile.public);
        let mut browser = run.signed_in(User::Alice).await?;
        for (name, value) in [
            ("redirect_uri", "https://evil.test/cb"),
            ("client_id", &profile.other.id),
            ("state", "evil"),
            ("response_type", "token"),
            ("scope", &profile.scopes.write),
            ("code_challenge", "ZtNPunH49FD35FWYhT5Tv8I7vRKQJ8uxMaL0_9eHjNA"),
        ] {
            let action = format!("{}?{}", profile.endpoints.authorization, Form::of([(name, value)]).encode());
            let page = run.post_from_elsewhere(&mut browser, &action, &request).await?;
            if refuses_post(&page)? {
                return Ok(());
            }
            if page.status() == 400 {
                page.expect_page(400)?;
                continue;
            }
            let code = run.approve_on(&mut browser, page).await?.expect_code(&request)?;
            let tokens = run.tokens_for(&run.exchange_of(&profile.public, &request, &code)).await?;
            let scope = &profile.scopes.default;
            ensure!(&tokens.scope == scope, "{name} in the query: the scope is {:?}, not {scope:?}", tokens.scope);
        }
    }

    /// A request that another site posts only starts the flow, whatever decision it carries.
    ["AUTHZ-004", Must, "practice"]
    async fn authz_004_a_request_of_another_site_decides_nothing(run) {
        let request = run.asking(&run.profile().public);
        let endpoint = &run.profile().endpoints.authorization;
        // What an attacker knows is the form that was made for the attacker.
        let mut attacker = run.signed_in(User::Bob).await?;
        let page = attacker.get(&run.address(&request)).await?;
        let decision = run.fill_in(&page, &Decision::Approve)?;
        let more = decision.fields.iter().filter(|(name, _)| request.get(name).is_none());
        let both = more.fold(request.clone(), |fields, (name, value)| fields.and(name, value));
        for (action, fields) in [
            (endpoint, &both),
            (&decision.action, &both),
            (&decision.action, &decision.fields),
            (endpoint, &decision.fields),
        ] {
            let mut alice = run.signed_in(User::Alice).await?;
            // A browser that keeps its cookies from other sites, and one that does not.
            let reply = run.post_from_elsewhere(&mut alice, action, fields).await?;
            let form = Submission { action: action.clone(), fields: fields.clone() };
            let other = alice.submit_from("https://evil.test", "cross-site", &form).await?;
            for reply in [reply, alice.follow(other).await?] {
                let location = reply.location().unwrap_or_default();
                ensure!(!location.contains("code="), "a decision of another site made a code: {location:?}");
                run.expect_here(&reply)?;
            }
        }
        // In the browser that it was made for, it decides.
        attacker.submit(&decision).await?.expect_code(&request)?;
    }

    /// No script of another origin reads the authorization endpoint.
    ["AUTHZ-005", Must, "OAuth 2.1 §3.1; RFC 9700 §2.6"]
    async fn authz_005_there_is_no_cors(run) {
        let mut headers = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static("https://app.test"))]);
        let request = run.asking(&run.profile().public);
        let unknown = request.clone().with("client_id", "nobody-knows-it");
        let wrong = request.clone().with("response_type", "foo");
        for browser in [&mut run.anonymous(), &mut run.signed_in(User::Alice).await?] {
            for request in [&request, &unknown, &wrong] {
                let address = run.address(request);
                let reply = browser.send(Method::GET, &address, headers.clone(), String::new()).await?;
                expect_no_cors(&reply)?;
            }
        }
        for (name, value) in
            [("access-control-request-method", "GET"), ("access-control-request-headers", "authorization")]
        {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        for method in [HeaderValue::from_static("GET"), HeaderValue::from_static("POST")] {
            headers.insert(HeaderName::from_static("access-control-request-method"), method);
            expect_no_cors(&run.send(Method::OPTIONS, &run.address(&request), headers.clone(), "").await?)?;
        }
    }

    /// Nobody gets a code who is not signed in.
    ["AUTHZ-006", Must, "RFC 6749 §3.1; OAuth 2.1 §3.1"]
    async fn authz_006_the_person_signs_in_first(run) {
        // She consented, so that the same request by her needs no page any more.
        let request = run.request(&run.profile().web);
        run.approve(&request).await?.expect_code(&request)?;

        expect_sign_in(run, &mut run.anonymous(), &request).await?;
        let mut left = run.newly_signed_in(User::Alice).await?;
        let mut kept = left.clone();
        run.sign_out(&mut left).await?;
        // One who signed out, and one who keeps the cookies of before.
        expect_sign_in(run, &mut left, &request).await?;
        expect_sign_in(run, &mut kept, &request).await?;

        let endpoint = &run.profile().endpoints.authorization;
        let mut nobody = run.anonymous();
        let reply = run.post_from_elsewhere(&mut nobody, endpoint, &request).await?;
        if !refuses_post(&reply)? {
            run.credentials(&reply, User::Alice)?;
        }
    }

    /// The request survives the sign-in unchanged, and nothing that the browser brings back changes it.
    ["AUTHZ-007", Must, "practice"]
    async fn authz_007_the_request_survives_the_sign_in(run) {
        let profile = run.profile();
        let client = &profile.public;
        let request = run.asking(client);
        let (mut browser, form) = run.at_the_door(&run.address(&request), User::Alice).await?;
        let reply = browser.submit(&form).await?;
        let page = run.follow_here(&mut browser, reply).await?;
        let code = run.approve_on(&mut browser, page).await?.expect_code(&request)?;
        let tokens = run.tokens_for(&run.exchange_of(client, &request, &code)).await?;
        ensure!(tokens.scope == profile.scopes.default, "the scope is {:?} after the sign-in", tokens.scope);

        for (name, value) in [
            ("redirect_uri", "https://evil.test/cb"),
            ("client_id", &profile.other.id),
            ("client_id", "nobody-knows-it"),
            ("scope", &format!("{} {}", profile.scopes.default, profile.scopes.write)),
            ("code_challenge", "ZtNPunH49FD35FWYhT5Tv8I7vRKQJ8uxMaL0_9eHjNA"),
        ] {
            let (mut browser, form) = run.at_the_door(&run.address(&request), User::Alice).await?;
            let reply = browser.submit(&form.tampered(&request, name, value)).await?;
            let page = run.follow_here(&mut browser, reply).await?;
            // A server that keeps the request in the address may take it for another request. Then it is one that was
            // checked, and she is asked about it: what she sees is what she approves.
            let Ok(decision) = run.fill_in(&page, &Decision::Approve) else { continue };
            browser.submit(&decision).await?.expect_code(&request)?;
        }
    }

    /// Requests in two tabs of one browser do not mix.
    ["AUTHZ-008", Should, "practice"]
    async fn authz_008_two_tabs_do_not_mix(run) {
        let profile = run.profile();
        let clients = [&profile.public, &profile.web, &profile.public];
        let requests = clients.map(|client| run.asking(client));
        let mut browser = run.signed_in(User::Alice).await?;
        let mut forms = Vec::new();
        for request in &requests {
            let page = run.ask(&mut browser, request).await?;
            forms.push(run.fill_in(&page, &Decision::Approve)?);
        }
        // The last one first.
        for ((client, request), form) in clients.into_iter().zip(&requests).zip(&forms).rev() {
            let code = browser.submit(form).await?.expect_code(request)?;
            run.tokens_for(&run.exchange_of(client, request, &code)).await?;
        }
    }

    /// No parameter of the sign-in page sends the browser to another origin.
    ["AUTHZ-009", Must, "RFC 9700 §4.11.2; RFC 6749 §10.15"]
    async fn authz_009_the_sign_in_leads_to_no_other_origin(run) {
        let address = run.address(&run.asking(&run.profile().public));
        let (mut browser, reply) = sign_in_misled(run, &address, "/")
            .await?
            .ok_or_else(|| Failure::new("there is no form to sign in with"))?;
        run.follow_here(&mut browser, reply).await?;
        let start = run.anonymous().get(&address).await?;
        let door = start.location().unwrap_or(&address);
        let (path, query) = door.split_once('?').unwrap_or((door, ""));
        for way in ELSEWHERE {
            if let Some((mut browser, reply)) = sign_in_misled(run, &address, way).await? {
                run.follow_here(&mut browser, reply).await?;
            }
            // Who is signed in already may be sent on at once.
            if start.location().is_some() {
                let mut browser = run.signed_in(User::Alice).await?;
                let reply = browser.get(&format!("{path}?{}", misled(&Form::parse(query), way).encode())).await?;
                run.follow_here(&mut browser, reply).await?;
            }
        }
    }
}
