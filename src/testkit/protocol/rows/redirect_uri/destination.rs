//! Where a response goes: to the text that was registered, for the request that was shown.

use http::Method;
use serde_json::json;

use super::{expect_unacceptable, taken_apart};
use crate::testkit::protocol::{Decision, Failure, Feature, Submission, User};

/// The redirect URI with another port.
fn with_port(uri: &str, port: &str) -> Result<String, Failure> {
    let (scheme, authority, path) = taken_apart(uri)?;
    let (host, _) = authority.rsplit_once(':').unwrap_or((authority, ""));
    Ok(format!("{scheme}://{host}{port}{path}"))
}

rows! {
    $ __protocol_rows_redirect_uri_destination;

    /// The query of a redirect URI is kept byte for byte, and the response joined with an ampersand.
    ["RURI-012", Must, "RFC 6749 §3.1.2; OAuth 2.1 §2.3"]
    async fn ruri_012_an_existing_query_is_kept(run) {
        let client = &run.profile().multi;
        let request = run.asking(client);
        let granted = run.approve(&request).await?;
        granted.expect_code(&request)?;
        let denied = run.decide(&request, &Decision::Deny).await?;
        denied.expect_redirect_error(&request, "access_denied")?;
        let wrong = request.with("response_type", "foo");
        let refused = run.authorize(&wrong).await?;
        refused.expect_redirect_error(&wrong, "unsupported_response_type")?;
        for reply in [granted, denied, refused] {
            let location = reply.location().unwrap_or_default();
            ensure!(location.starts_with(&format!("{}&", client.redirect_uri)), "she is sent to {location:?}");
            ensure!(location.matches('?').count() == 1, "a second question mark is added: {location:?}");
        }
    }

    /// The location begins with exactly the text that was registered.
    ["RURI-013", Must, "practice"]
    async fn ruri_013_a_location_begins_with_the_registered_text(run) {
        let profile = run.profile();
        for client in [&profile.public, &profile.multi, &profile.native] {
            for uri in client.redirect_uris.iter().chain([&client.redirect_uri]) {
                // `expect_code` compares the location by character.
                let request = run.request(client).with("redirect_uri", uri);
                run.approve(&request).await?.expect_code(&request)?;
            }
        }
        if !run.has(Feature::Registration) {
            return Ok(());
        }
        for uri in [
            "https://App.test:8443",
            "https://app.test/a%2Fb",
            "https://app.test/a%2fb/~a/%7Ea",
            "https://app.test:443/cb",
            "https://app.test/cb;v=1",
            "https://app.test/cb?x=%20&y=+",
            "https://app.test/a//b/",
        ] {
            let metadata = json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" });
            let reply = run.register(&metadata).await?;
            // A server may refuse what it would have to change. It must not change it.
            if reply.status() == 400 {
                reply.expect_error(400, "invalid_redirect_uri")?;
                continue;
            }
            let registered = reply.expect_status(201)?.expect_json()?;
            let id = registered.get("client_id").and_then(serde_json::Value::as_str).unwrap_or_default();
            let request = run.request(&profile.public).with("client_id", id).with("redirect_uri", uri);
            run.approve(&request).await?.expect_code(&request)?;
        }
    }

    /// A question mark is appended to a redirect URI without a path, and no slash.
    ["RURI-014", Must, "practice"]
    async fn ruri_014_a_redirect_uri_without_a_path_gets_no_slash(run) {
        run.requires(Feature::Registration)?;
        for uri in ["https://pathless.test", "https://pathless.test/", "https://pathless.test:8443"] {
            let client = run.self_registered(&[uri], json!({})).await?;
            let request = run.request(&client);
            let reply = run.approve(&request).await?;
            reply.expect_code(&request)?;
            let location = reply.location().unwrap_or_default();
            ensure!(location.starts_with(&format!("{uri}?")), "she is sent to {location:?}");
        }
    }

    /// A redirect URI whose own query would collide with the response cannot be registered.
    ["RURI-015", Should, "practice"]
    async fn ruri_015_a_query_that_collides_with_the_response_is_refused(run) {
        run.requires(Feature::Registration)?;
        for name in ["code", "state", "iss", "error", "response"] {
            let uris = [format!("https://app.test/cb?{name}=1"), format!("https://app.test/cb?x=1&{name}=2")];
            run.expect_unregistrable(&uris).await?;
        }
        run.self_registered(&["https://app.test/cb?coder=1&my_state=2"], json!({})).await?;
    }

    /// A code is bound to the redirect URI that was used, with the port of a loopback address.
    ["RURI-017", Must, "OAuth 2.1 §4.1.2; RFC 6749 §4.1.3"]
    async fn ruri_017_a_code_is_bound_to_the_redirect_uri_that_was_used(run) {
        let native = &run.profile().native;
        let at = |port: &str| with_port(&native.redirect_uri, port);
        let used = at(":5555")?;
        let request = run.request(native).with("redirect_uri", &used);
        for other in [at(":6666")?, at("")?, used.replace("127.0.0.1", "localhost"), format!("{used}/")] {
            let code = run.code_for(&request).await?;
            let form = run.exchange_of(native, &request, &code).with("redirect_uri", &other);
            run.token(&form).await?.expect_error(400, "invalid_grant")?;
        }
        let code = run.code_for(&request).await?;
        run.tokens_for(&run.exchange_of(native, &request, &code)).await?;

        let multi = &run.profile().multi;
        let request = run.request(multi);
        for other in multi.redirect_uris.iter().filter(|uri| **uri != multi.redirect_uri) {
            let code = run.code_for(&request).await?;
            let form = run.exchange_of(multi, &request, &code).with("redirect_uri", other);
            run.token(&form).await?.expect_error(400, "invalid_grant")?;
        }
    }

    /// At the decision, the redirect URI is that of the request that was shown, whatever the form says.
    ["RURI-018", Must, "practice"]
    async fn ruri_018_the_form_of_the_decision_does_not_choose(run) {
        let multi = &run.profile().multi;
        let request = run.asking(multi);
        let mut browser = run.signed_in(User::Alice).await?;
        let others = multi.redirect_uris.iter().filter(|uri| **uri != multi.redirect_uri);
        for uri in ["https://evil.test/cb"].into_iter().chain(others.map(String::as_str)) {
            for decision in [Decision::Approve, Decision::Deny] {
                let page = run.ask(&mut browser, &request).await?;
                let form = run.fill_in(&page, &decision)?;
                let beside = Submission { fields: form.fields.clone().and("redirect_uri", uri), ..form.clone() };
                for form in [beside, form.tampered(&request, "redirect_uri", uri)] {
                    let reply = browser.submit(&form).await?;
                    match reply.location() {
                        None => ensure!(reply.status().is_client_error(), "the answer is {}", reply.status()),
                        Some(_) => drop(reply.expect_response(&request)?),
                    }
                }
            }
        }
    }

    /// A redirect URI that was taken away while a request was pending is not redirected to any more.
    ["RURI-019", Must, "practice"]
    async fn ruri_019_a_redirect_uri_that_was_taken_away_is_not_used(run) {
        run.requires(Feature::Registration)?;
        let (kept, taken) = ("https://new.test/kept", "https://new.test/taken");
        let metadata = json!({ "redirect_uris": [kept, taken], "token_endpoint_auth_method": "none" });
        for decision in [Decision::Approve, Decision::Deny] {
            let client = run.registered(&metadata).await?;
            let request = run.asking(&run.profile().public).with("client_id", &client.client.id);
            let request = request.with("redirect_uri", taken);
            let mut browser = run.signed_in(User::Alice).await?;
            let page = run.ask(&mut browser, &request).await?;
            let form = run.fill_in(&page, &decision)?;

            let mut less = metadata.clone();
            less["client_id"] = client.client.id.as_str().into();
            less["redirect_uris"] = json!([kept]);
            run.manage(Method::PUT, &client, &less).await?.expect_status(200)?;
            browser.submit(&form).await?.expect_page(400)?;
            browser.get(&run.address(&request)).await?.expect_page(400)?;
            let request = request.with("redirect_uri", kept);
            run.approve(&request).await?.expect_code(&request)?;
        }
    }

    /// A redirect URI has a limit of length.
    ["RURI-020", Should, "practice"]
    async fn ruri_020_a_long_redirect_uri_is_refused(run) {
        let long = format!("https://app.test/{}", "a".repeat(3_000));
        expect_unacceptable(run, &[&long]).await?;
    }
}
