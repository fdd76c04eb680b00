//! Attacks on what pages show and tell (OAuth 2.1 §7.11, RFC 9700 §4).

use http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use serde_json::{Value, json};

use super::super::pages::{consent_page, expect_inert, expect_unframed, fetched, is_own, pages, redirects};
use crate::testkit::protocol::{Decision, Failure, KnownClient, Reply, Run, User};

/// Markup that runs if nobody escapes it.
const MARKUP: [&str; 5] = [
    "<script>alert(1)</script>",
    r#""><img src=x onerror=alert(1)>"#,
    "' onmouseover='alert(1)",
    "</title></textarea><svg onload=alert(1)>",
    "javascript:alert(1)//<b>",
];

/// A client that has just registered itself and says this of itself; `None` if that is refused.
async fn registered(run: &Run<'_>, member: &str, value: Value) -> Result<Option<KnownClient>, Failure> {
    run.self_registered_if_accepted(&["https://newcomer.test/cb"], json!({ member: value })).await
}

rows! {
    $ __protocol_rows_front_channel_attacks_pages;

    /// Clickjacking: no page on the way can be put in a frame.
    ["ATK-024", Must, "RFC 9700 §4.16; OAuth 2.1 §7.11"]
    async fn atk_024_no_page_can_be_put_in_a_frame(run) {
        for (name, page) in pages(run).await? {
            expect_unframed(name, &page)?;
        }
        expect_unframed("consent page of a native app", &consent_page(run, &run.profile().native).await?)?;
    }

    /// Leaks: no page or redirect tells its address to the next site, loads anything from there, or is stored.
    ["ATK-031", Must, "RFC 9700 §4.2"]
    async fn atk_031_codes_and_state_do_not_leak(run) {
        for (name, page) in pages(run).await?.into_iter().chain(redirects(run).await?) {
            let checked = page.expect_discreet().and_then(Reply::expect_not_stored);
            checked.map_err(|failure| Failure::new(format!("the {name}: {failure}")))?;
            let elements = page.elements();
            let foreign = elements.iter().flat_map(fetched).find(|address| !is_own(run, address));
            ensure!(foreign.is_none(), "the {name} loads {foreign:?}");
        }
        let client = &run.profile().public;
        let code = run.code(client).await?;
        run.tokens_for(&run.exchange(client, &code)).await?;
        run.token(&run.exchange(client, &code)).await?.expect_error(400, "invalid_grant")?;
    }

    /// Scripts in what a client says of itself are shown as text, or refused.
    ["ATK-033", Must, "RFC 7591 §5; practice"]
    async fn atk_033_metadata_runs_no_script(run) {
        for member in ["client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts"] {
            for markup in MARKUP {
                let value = if member == "contacts" { json!([markup]) } else { json!(markup) };
                if let Some(client) = registered(run, member, value).await? {
                    expect_inert(&consent_page(run, &client).await?, markup)?;
                }
            }
        }
        let client = registered(run, "client_name", json!("Newcomer")).await?;
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
                    let page = browser.get(&address).await?;
                    page.expect_page(400)?.expect_header(&X_CONTENT_TYPE_OPTIONS, "nosniff")?;
                    expect_inert(&page, markup)?;
                    ensure!(page.headers().contains_key(CONTENT_SECURITY_POLICY), "the error page has no policy");
                }
            }
        }
    }

    /// Spoofing: a name that imitates another, or the page, is refused or kept apart, and the host of the client is
    /// shown.
    ["ATK-036", Must, "RFC 9700 §4.11; practice"]
    async fn atk_036_a_name_does_not_imitate_the_page(run) {
        let honest = run.self_registered(&["https://newcomer.test/cb"], json!({ "client_name": "Google" })).await?;
        let words = consent_page(run, &honest).await?.words();
        ensure!(words.contains("newcomer.test"), "the page does not show the host: {words:?}");

        let long = "x".repeat(10_000);
        for name in
            ["\u{202E}elgooG", "Google\u{200B}", "Board\nThis app is verified", "\u{2067}x", "a\u{7}b", long.as_str()]
        {
            let Some(client) = registered(run, "client_name", json!(name)).await? else { continue };
            let page = consent_page(run, &client).await?;
            let text = page.text();
            let raw = ["\u{202E}", "\u{200B}", "\u{2067}", "\u{7}", "Board\nThis", long.as_str()];
            let imitates = raw.iter().find(|raw| name.contains(**raw) && text.contains(**raw));
            ensure!(imitates.is_none(), "the page shows the name {:?} as it is", name.get(..20).unwrap_or(name));
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
        let scope = json!({ "scope": format!("{} {}", scopes.default, scopes.restricted) });
        if let Some(client) = run.self_registered_if_accepted(&["https://phish.test/cb"], scope).await? {
            let scope = client.scope.unwrap_or_default();
            ensure!(!scope.split(' ').any(|token| token == scopes.restricted), "{scope:?} is registered");
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
