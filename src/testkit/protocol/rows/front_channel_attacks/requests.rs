//! Attacks on the front channel: on requests and responses on their way through the browser (RFC 9700 §4).

use http::HeaderName;
use http::header::SET_COOKIE;
use serde_json::{Value, json};

use super::super::pkce::takes_plain;
use crate::testkit::Form;
use crate::testkit::protocol::{Decision, Failure, Reply, Submission, User, VERIFIER, challenge};

/// No code is in this answer, and if it goes to a client, then with an error.
fn expect_nothing(reply: &Reply, request: &Form) -> Result<(), Failure> {
    if reply.location().is_some() && reply.expect_ui().is_err() {
        let response = reply.expect_response(request)?;
        ensure!(response.get("error").is_some() && response.get("code").is_none(), "a code was released");
    } else {
        ensure!(!reply.status().is_server_error(), "the status is {}", reply.status());
    }
    Ok(())
}

/// Whether a response has a header that came in with a request.
fn expect_unsplit(reply: &Reply) -> Result<(), Failure> {
    let cookies = reply.headers().get_all(SET_COOKIE).iter();
    let injected = cookies.into_iter().any(|cookie| String::from_utf8_lossy(cookie.as_bytes()).starts_with("injected"));
    ensure!(!injected, "a cookie came in with the request");
    reply.expect_no_header(&HeaderName::from_static("x-injected"))?;
    Ok(())
}

rows! {
    $ __protocol_rows_front_channel_attacks_requests;

    /// Mix-up: a client that talks to several servers can tell who answered, also by an error.
    ["ATK-001", Must, "RFC 9207; RFC 9700 §4.4"]
    async fn atk_001_every_answer_names_its_server(run) {
        let metadata = run.metadata().await?;
        let issuer = metadata.get("issuer");
        ensure!(issuer == Some(&json!(run.profile().issuer)), "the issuer of the metadata is {issuer:?}");
        let flag = metadata.get("authorization_response_iss_parameter_supported");
        ensure!(flag == Some(&json!(true)), "authorization_response_iss_parameter_supported is {flag:?}");
        let request = run.request(&run.profile().public);
        for request in [
            request.clone(),
            request.clone().with("scope", "not a scope"),
            request.clone().with("response_type", "token"),
            request.without("code_challenge"),
        ] {
            // Every response is checked for the issuer.
            run.approve(&request).await?.expect_response(&request)?;
        }
    }

    /// Code injection: a code is worth nothing in a flow with another verifier.
    ["ATK-002", Must, "RFC 9700 §4.5; OAuth 2.1 §7.5.3"]
    async fn atk_002_an_injected_code_does_not_fit(run) {
        for client in [&run.profile().public, &run.profile().web, &run.profile().native] {
            let own = "o".repeat(43);
            let of_attacker = run.request(client).with("code_challenge", &challenge(&own));
            let (stolen, attackers) = (run.code(client).await?, run.code_for(&of_attacker).await?);
            let injected = run.exchange(client, &stolen).with("code_verifier", &own);
            run.token(&injected).await?.expect_error(400, "invalid_grant")?;
            // Nor the other way round, which would sign the victim in as the attacker.
            run.token(&run.exchange(client, &attackers)).await?.expect_error(400, "invalid_grant")?;
            let code = run.code_for(&of_attacker).await?;
            run.tokens_for(&run.exchange(client, &code).with("code_verifier", &own)).await?;
        }
    }

    /// Downgrade: a challenge that was stripped on the way is missed.
    ["ATK-003", Must, "RFC 9700 §4.8.2"]
    async fn atk_003_a_stripped_challenge_is_missed(run) {
        let profile = run.profile();
        for client in [&profile.public, &profile.native, &profile.web, &profile.encoded] {
            for stripped in [&["code_challenge", "code_challenge_method"][..], &["code_challenge"]] {
                let request = stripped.iter().fold(run.request(client), |request, name| request.without(name));
                run.approve(&request).await?.expect_redirect_error(&request, "invalid_request")?;
            }
            let empty = run.request(client).with("code_challenge", "").with("code_challenge_method", "");
            run.approve(&empty).await?.expect_redirect_error(&empty, "invalid_request")?;
        }
    }

    /// Downgrade: no weaker method is used because it was asked for, or because none was.
    ["ATK-004", Must, "RFC 9700 §2.1.1; RFC 7636 §7.2"]
    async fn atk_004_the_method_cannot_be_downgraded(run) {
        let request = run.request(&run.profile().public);
        let mut downgraded = vec![
            request.clone().with("code_challenge_method", "Plain"),
            request.clone().with("code_challenge_method", "PLAIN"),
            request.clone().and("code_challenge_method", "S256"),
            request.clone().and("code_challenge_method", "plain"),
            request.clone().with("code_challenge_method", "plain").and("code_challenge_method", "S256"),
        ];
        if !takes_plain(run).await? {
            downgraded.extend([
                request.clone().with("code_challenge_method", "plain"),
                request.clone().with("code_challenge_method", ""),
                request.without("code_challenge_method"),
                run.request(&run.profile().public)
                    .with("code_challenge", VERIFIER)
                    .with("code_challenge_method", "plain"),
            ]);
        }
        for request in downgraded {
            run.approve(&request).await?.expect_redirect_error(&request, "invalid_request")?;
        }
    }

    /// Open redirector: whoever registers a client cannot have the server send strangers anywhere.
    ["ATK-013", Must, "OAuth 2.1 §7.13; RFC 9700 §4.11"]
    async fn atk_013_the_server_is_no_open_redirector(run) {
        let client = run.self_registered(&["https://phish.test/cb"], Value::Null).await?;
        let request = run.request(&client);
        for link in [
            request.clone(),
            request.clone().with("scope", "bogus"),
            request.clone().with("response_type", "token"),
            request.clone().without("code_challenge"),
            request.clone().and("request", "x"),
            request.clone().and("prompt", "none"),
            request.clone().and("prompt", "none").with("scope", "bogus"),
            request.and("state", "twice"),
        ] {
            let reply = run.anonymous().get(&run.address(&link)).await?;
            if reply.location().is_some() {
                reply.expect_ui()?;
            } else {
                reply.expect_page(reply.status().as_u16())?;
            }
            let action = run.profile().endpoints.authorization.clone();
            let posted = Submission { action, fields: link };
            let mut browser = run.anonymous();
            let reply = browser.submit_from("https://phish.test", "cross-site", &posted).await?;
            let reply = browser.follow(reply).await?;
            ensure!(reply.location().is_none(), "a form leads a stranger to {:?}", reply.location());
        }
        // Somebody who is signed in sees where it leads before it does.
        let mut alice = run.signed_in(User::Alice).await?;
        let page = run.ask(&mut alice, &run.request(&client)).await?;
        ensure!(page.words().contains("phish.test"), "the page does not say where its answer goes: {:?}", page.words());
    }

    /// Parameter pollution: what occurs twice is refused, and every part of the server reads a request in one way.
    ["ATK-015", Must, "RFC 6749 §3.1; practice"]
    async fn atk_015_a_polluted_request_is_refused_or_read_in_one_way(run) {
        let client = &run.profile().public;
        let request = run.request(client);
        let other = run.profile().web.id.as_str();
        for (name, evil) in [("redirect_uri", "https://evil.test/cb"), ("client_id", other)] {
            let good = request.get(name).unwrap_or_default().to_owned();
            for polluted in [
                request.clone().and(name, evil),
                request.clone().with(name, evil).and(name, &good),
                request.clone().and(name, &good),
                request.clone().and(name, ""),
            ] {
                run.approve(&polluted).await?.expect_page(400)?;
            }
        }
        let restricted = run.profile().scopes.restricted.as_str();
        for (name, evil) in
            [("response_type", "token"), ("scope", restricted), ("code_challenge", "A"), ("prompt", "none")]
        {
            let polluted = request.clone().with("prompt", "consent").and(name, evil);
            run.approve(&polluted).await?.expect_redirect_error(&polluted, "invalid_request")?;
        }
        let twice = request.clone().and("state", "x");
        expect_nothing(&run.approve(&twice).await?, &twice.with("state", ""))?;

        // Array syntax is a name like any other, and what is escaped is part of the value.
        let arrays = request.clone().and("redirect_uri[]", "https://evil.test/cb");
        let arrays = arrays.and("client_id[0]", other).and("scope[]", restricted);
        let told = run.granted(client, &arrays, &Decision::Approve).await?.scope;
        ensure!(told == run.profile().scopes.default, "with array syntax {told:?} is granted");
        let nested = format!("{}&client_id={other}&redirect_uri=https://evil.test/cb", client.redirect_uri);
        run.approve(&request.clone().with("redirect_uri", &nested)).await?.expect_page(400)?;

        // A semicolon separates nothing.
        let state = "x;redirect_uri=https://evil.test/cb;prompt=none";
        let request = run.asking(client).without("state");
        let mut alice = run.signed_in(User::Alice).await?;
        let page = alice.get(&format!("{}&state={state}", run.address(&request))).await?;
        let form = run.fill_in(&page, &Decision::Approve)?;
        alice.submit(&form).await?.expect_code(&request.with("state", state))?;
    }

    /// What a request or a registration smuggles in does not become a parameter of the response.
    ["ATK-016", Must, "RFC 6749 §3.1; practice"]
    async fn atk_016_an_injected_response_parameter_stays_data(run) {
        for state in
            ["x&code=evil", "x%26code%3Devil", "x&iss=https://evil.test", "x#code=evil", "x;code=evil", "x?code=evil"]
        {
            for client in [&run.profile().public, &run.profile().multi] {
                let request = run.request(client).with("state", state);
                let code = run.approve(&request).await?.expect_code(&request)?;
                ensure!(code != "evil", "{state:?} became a code");
                run.tokens_for(&run.exchange(client, &code)).await?;
            }
        }
        run.expect_unregistrable(&[
            "https://newcomer.test/cb?code=evil",
            "https://newcomer.test/cb?x=1&state=evil",
            "https://newcomer.test/cb?%63ode=evil",
            "https://newcomer.test/cb?iss=https://evil.test",
        ])
        .await?;
    }

    /// Nothing is ever put in a fragment, which browsers carry on.
    ["ATK-017", Must, "RFC 9700 §4.1.2, §2.1.2"]
    async fn atk_017_nothing_is_put_in_a_fragment(run) {
        let request = run.request(&run.profile().public);
        for response_type in ["token", "id_token", "code token", "id_token token"] {
            let request = request.clone().with("response_type", response_type);
            for request in [request.clone(), request.and("response_mode", "fragment")] {
                let reply = run.approve(&request).await?;
                if reply.location().is_some() {
                    // A response with a fragment is none.
                    reply.expect_redirect_error(&request, "unsupported_response_type")?;
                } else {
                    reply.expect_page(400)?;
                }
            }
        }
        run.approve(&request).await?.expect_code(&request)?;
    }

    /// Impersonation: another program on the machine that poses as a known client gets no code without a question.
    ["ATK-019", Must, "RFC 8252 §8.6; OAuth 2.1 §7.3.1"]
    async fn atk_019_another_program_gets_no_silent_code(run) {
        let client = &run.profile().native;
        run.granted(client, &run.request(client), &Decision::Approve).await?;
        let loopback = client.redirect_uris.iter().filter(|uri| uri.starts_with("http://"));
        let ports = loopback.filter_map(|uri| {
            let (origin, path) = uri.rsplit_once('/')?;
            Some(format!("{origin}:6666/{path}"))
        });
        for uri in ports.chain(client.redirect_uris.iter().cloned()) {
            let request = run.request(client).with("redirect_uri", &uri);
            let page = run.authorize(&request).await?;
            run.fill_in(&page, &Decision::Approve).map_err(|_| Failure::new(format!("{uri} is not asked about")))?;
            let silent = request.and("prompt", "none");
            expect_nothing(&run.authorize(&silent).await?, &silent)?;
        }
    }

    /// Response splitting: no line break of a request gets into the head of a response.
    ["ATK-020", Must, "practice"]
    async fn atk_020_a_response_cannot_be_split(run) {
        let split = "x\r\nSet-Cookie: injected=1\r\nX-Injected: 1\r\n\r\n<html>";
        let client = &run.profile().public;
        let request = run.request(client).with("state", split);
        let reply = run.approve(&request).await?;
        expect_unsplit(&reply)?;
        // It comes back encoded, or the request is refused.
        if let Some(location) = reply.location() {
            ensure!(location.bytes().all(|byte| byte.is_ascii_graphic()), "the location is {location:?}");
            reply.expect_response(&request)?;
        } else {
            reply.expect_page(400)?;
        }
        for name in ["scope", "response_type", "code_challenge", "code_challenge_method", "resource", "prompt", "nonce"]
        {
            let reply = run.approve(&run.request(client).with(name, split)).await?;
            expect_unsplit(&reply)?;
            ensure!(!reply.status().is_server_error(), "with a line break in {name} the status is {}", reply.status());
        }
        for (name, value) in
            [("client_id", split.to_owned()), ("redirect_uri", format!("{}{split}", client.redirect_uri))]
        {
            let reply = run.approve(&run.request(client).with(name, &value)).await?;
            expect_unsplit(&reply)?;
            reply.expect_page(400)?;
        }
        run.expect_unregistrable(&["https://newcomer.test/cb\r\nSet-Cookie: injected=1"]).await?;
    }

    /// A `state` without bounds, or of no characters, breaks nothing and goes nowhere.
    ["ATK-021", Must, "practice"]
    async fn atk_021_a_state_without_bounds_or_sense_is_refused(run) {
        let request = run.request(&run.profile().public).without("state");
        for state in ["%00", "a%00b", "%FF", "%C0%80", "%ED%A0%80", "%0"] {
            let mut alice = run.signed_in(User::Alice).await?;
            let page = alice.get(&format!("{}&state={state}", run.address(&request))).await?;
            ensure!(page.status().is_client_error(), "the state {state:?} is answered with {}", page.status());
            page.expect_page(page.status().as_u16())?;
        }
        let by_get = run.authorize(&request.clone().and("state", &"s".repeat(50_000))).await?;
        let by_post = run.authorize_by_post(&request.clone().and("state", &"s".repeat(60_000))).await?;
        for reply in [by_get, by_post] {
            ensure!(reply.status() != 200, "a state of 50 kB is taken");
            expect_nothing(&reply, &request)?;
        }
        run.approve(&request).await?.expect_code(&request)?;
    }

    /// GET for POST and POST for GET: a decision by GET is none, and a request that another site posts leaves the
    /// session alone.
    ["ATK-022", Must, "practice"]
    async fn atk_022_swapped_methods_do_nothing(run) {
        let request = run.asking(&run.profile().public);
        let mut alice = run.signed_in(User::Alice).await?;
        let form = run.fill_in(&run.ask(&mut alice, &request).await?, &Decision::Approve)?;
        let separator = if form.action.contains('?') { '&' } else { '?' };
        let reply = alice.get(&format!("{}{separator}{}", form.action, form.fields.encode())).await?;
        ensure!(reply.expect_code(&request).is_err(), "a decision by GET released a code");

        // Its cookies stay at home (SameSite), and what it sets lands beside them.
        let action = run.profile().endpoints.authorization.clone();
        let mut stripped = run.anonymous();
        for fields in [request.clone(), request.clone().and("decision", "approve")] {
            let posted = Submission { action: action.clone(), fields };
            let reply = stripped.submit_from("https://evil.test", "cross-site", &posted).await?;
            expect_nothing(&reply, &request)?;
        }
        for (name, value, _) in stripped.cookies() {
            alice.plant(name, value);
        }
        let page = run.ask(&mut alice, &request).await?;
        let form = run.fill_in(&page, &Decision::Approve)?;
        alice.submit(&form).await?.expect_code(&request)?;
    }
}
