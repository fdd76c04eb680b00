//! Authorization responses: what the redirect to the client carries (RFC 6749 §4.1.2, RFC 9207).
//!
//! | row | why it is not here |
//! |---|---|
//! | ARESP-013 | about the response mode `form_post`, which is optional |

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::testkit::Form;
use crate::testkit::protocol::{CHALLENGE, Decision, Failure, Feature, Reply, Run, User};

/// Requests of clients of every kind, with whatever their redirect URIs look like.
fn requests(run: &Run<'_>) -> [Form; 5] {
    let profile = run.profile();
    let private_use = profile.native.redirect_uris.iter().find(|uri| !uri.starts_with("http"));
    let native = run.request(&profile.native);
    let private_use = private_use.map_or_else(|| native.clone(), |uri| native.clone().with("redirect_uri", uri));
    [run.request(&profile.public), run.request(&profile.web), run.request(&profile.multi), native, private_use]
}

/// The refusal of a request of a client, which goes to the client.
async fn refused(run: &Run<'_>, request: &Form) -> Result<Reply, Failure> {
    run.authorize(&request.clone().with("response_type", "foo")).await
}

/// The longest text that all begin with.
fn common_prefix<'c>(codes: &[&'c str]) -> &'c str {
    let Some((first, others)) = codes.split_first() else { return "" };
    let shared = |other: &str| first.bytes().zip(other.bytes()).take_while(|(one, two)| one == two).count();
    let length = others.iter().map(|other| shared(other)).min().unwrap_or(0);
    first.get(..length).unwrap_or_default()
}

rows! {
    $ __protocol_rows_response;

    /// The code is delivered in the query of the redirect URI, never in a fragment.
    ["ARESP-001", Must, "RFC 6749 §4.1.2"]
    async fn aresp_001_the_code_comes_in_the_query(run) {
        for request in requests(run) {
            let reply = run.approve(&request).await?;
            reply.expect_code(&request)?;
            let location = reply.location().unwrap_or_default();
            ensure!(!location.contains('#'), "the response has a fragment: {location:?}");
        }
    }

    /// `state` comes back as it was sent, whatever it is made of, in a code's response and in an error's.
    ["ARESP-002", Must, "RFC 6749 §4.1.2"]
    async fn aresp_002_any_state_comes_back_as_it_was(run) {
        let long = "s".repeat(4_000);
        for state in [
            "a b&c=d%25+é/\"<>",
            " %&+£€",
            "x&code=evil",
            "x%26code%3Devil",
            "+",
            "%2B",
            "#",
            "?",
            "=",
            "{}",
            "null",
            "' OR 1=1 --",
            "👾",
            "\u{202E}",
            "~!*'();:@$,/[]",
            long.as_str(),
        ] {
            let request = run.request(&run.profile().public).with("state", state);
            let reply = run.approve(&request).await?;
            reply.expect_code(&request)?;
            let location = reply.location().unwrap_or_default();
            ensure!(location.bytes().all(|byte| byte.is_ascii_graphic()), "the state is not encoded: {location:?}");
            refused(run, &request).await?.expect_redirect_error(&request, "unsupported_response_type")?;
        }
        // Form encoding has two spellings of a space.
        let request = run.asking(&run.profile().public).with("state", "  %&+£");
        let address = run.address(&request.clone().without("state"));
        let mut browser = run.signed_in(User::Alice).await?;
        let page = browser.get(&format!("{address}&state=+%20%25%26%2B%C2%A3")).await?;
        browser.submit(&run.fill_in(&page, &Decision::Approve)?).await?.expect_code(&request)?;
    }

    /// A request without `state` is answered without.
    ["ARESP-003", Must, "RFC 6749 §4.1.2"]
    async fn aresp_003_no_state_comes_back_if_none_was_sent(run) {
        let request = run.request(&run.profile().public);
        for request in [request.clone().without("state"), request.with("state", "")] {
            for reply in [run.approve(&request).await?, refused(run, &request).await?] {
                let response = reply.expect_response(&request)?;
                ensure!(response.get("state").is_none(), "no state was sent, but {:?} came", response.get("state"));
            }
        }
    }

    /// `iss` is in the response, and is the issuer of the metadata, character by character.
    ["ARESP-004", Must, "RFC 9207 §2"]
    async fn aresp_004_iss_is_the_issuer_of_the_metadata(run) {
        let metadata = run.metadata().await?;
        let issuer = metadata.get("issuer").and_then(Value::as_str);
        for request in requests(run) {
            let response = run.approve(&request).await?.expect_response(&request)?;
            let iss = response.get("iss");
            ensure!(iss.is_some() && iss == issuer, "iss is {iss:?}, and the issuer of the metadata {issuer:?}");
        }
    }

    /// No response parameter occurs twice.
    ["ARESP-005", Must, "RFC 6749 §3.1"]
    async fn aresp_005_no_parameter_occurs_twice(run) {
        for request in requests(run) {
            for state in ["plain", "x&code=evil&state=evil&iss=evil", "x#code=evil", "x;code=evil"] {
                let request = request.clone().with("state", state);
                let location = run.approve(&request).await?.location().unwrap_or_default().to_owned();
                let query = location.split_once('?').map_or("", |(_, query)| query);
                let parameters = Form::parse(query);
                for name in ["code", "state", "iss"] {
                    let times = parameters.iter().filter(|(own, _)| *own == name).count();
                    ensure!(times == 1, "{name} occurs {times} times: {location:?}");
                }
            }
        }
    }

    /// Codes cannot be guessed: at least 128 bits of each are random.
    ["ARESP-006", Must, "RFC 6749 §10.10; OAuth 2.1 §7.7"]
    async fn aresp_006_codes_are_unguessable(run) {
        let request = run.request(&run.profile().public);
        let mut codes = BTreeSet::new();
        for _ in 0..32 {
            let code = run.code_for(&request).await?;
            ensure!(codes.insert(code.clone()), "the code {code} was issued twice");
        }
        let all: Vec<_> = codes.iter().map(String::as_str).collect();
        let prefix = common_prefix(&all).len();
        for code in &all {
            let varying = code.get(prefix..).unwrap_or_default();
            ensure!(varying.len() >= 22, "only {varying:?} of a code differs from the others");
            // Of 32 codes, 64 letters each, hardly any two agree in more than a few places.
            let closest = all
                .iter()
                .filter(|other| *other != code)
                .map(|other| varying.bytes().zip(other.bytes().skip(prefix)).filter(|(one, two)| one == two).count());
            let closest = closest.max().unwrap_or_default();
            ensure!(closest * 2 < varying.len(), "two codes agree in {closest} of {} places", varying.len());
        }
    }

    /// Codes are made of characters that need no encoding in a URL.
    ["ARESP-007", Must, "RFC 6749 appendix A.11"]
    async fn aresp_007_codes_are_url_safe(run) {
        for request in requests(run) {
            let code = run.code_for(&request).await?;
            let safe = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte));
            ensure!(safe, "the code {code:?} needs encoding");
        }
    }

    /// A code lives for ten minutes at most.
    ["ARESP-008", Must, "RFC 6749 §4.1.2; RFC 9700 §4.2.4"]
    async fn aresp_008_a_code_lives_for_ten_minutes_at_most(run) {
        run.requires(Feature::Clock)?;
        let client = &run.profile().public;
        let code = run.code(client).await?;
        run.tokens_for(&run.exchange(client, &code)).await?;
        let code = run.code(client).await?;
        run.pass(Duration::from_secs(601))?;
        run.token(&run.exchange(client, &code)).await?.expect_error(400, "invalid_grant")?;
    }

    /// A code is bound to client, redirect URI, challenge, person and scope.
    ["ARESP-009", Must, "OAuth 2.1 §4.1.2"]
    async fn aresp_009_a_code_is_bound_to_its_request(run) {
        let (client, profile) = (&run.profile().web, run.profile());
        let request = run.request(client).with("scope", &profile.scopes.write);
        for (client, name, value) in [
            (&profile.other, "", String::new()),
            (&profile.public, "", String::new()),
            (client, "redirect_uri", "https://elsewhere.test/cb".to_owned()),
            (client, "code_verifier", "v".repeat(43)),
        ] {
            let code = run.code_for(&request).await?;
            let form = run.exchange_of(client, &request, &code);
            let form = if name.is_empty() { form } else { form.with(name, &value) };
            run.token(&form).await?.expect_error(400, "invalid_grant")?;
        }
        let code = run.code_for(&request).await?;
        let tokens = run.tokens_for(&run.exchange(client, &code)).await?;
        ensure!(tokens.scope == profile.scopes.write, "the scope of the token is {:?}", tokens.scope);
        let told = run.introspect(client, &tokens.access).await?.expect_ok()?;
        let id = told.get("client_id").and_then(Value::as_str);
        ensure!(id == Some(&client.id), "the token is of the client {id:?}");

        let mut bob = run.signed_in(User::Bob).await?;
        let code = run.decide_in(&mut bob, &request, &Decision::Approve).await?.expect_code(&request)?;
        let of_bob = run.tokens_for(&run.exchange(client, &code)).await?;
        let of_bob = run.introspect(client, &of_bob.access).await?.expect_ok()?;
        ensure!(of_bob.get("sub").is_some(), "it is not told whose token it is");
        ensure!(of_bob.get("sub") != told.get("sub"), "tokens of alice and of bob are both of {:?}", of_bob.get("sub"));
    }

    /// The challenge is neither in the response nor in the code.
    ["ARESP-010", Must, "OAuth 2.1 §4.1.2; RFC 7636 §4.4"]
    async fn aresp_010_the_challenge_is_not_told(run) {
        let hash = URL_SAFE_NO_PAD.decode(CHALLENGE).unwrap_or_default();
        for request in requests(run) {
            let reply = run.approve(&request).await?;
            let code = reply.expect_code(&request)?;
            let location = reply.location().unwrap_or_default();
            ensure!(!location.contains(CHALLENGE), "the response tells the challenge: {location:?}");
            // A code may have a prefix, or be made of parts.
            for at in 0..code.len() {
                for part in [code.get(at..), code.get(at..).and_then(|rest| rest.split('.').next())] {
                    let decoded = URL_SAFE_NO_PAD.decode(part.unwrap_or_default()).unwrap_or_default();
                    let tells = |told: &[u8]| decoded.windows(told.len()).any(|window| window == told);
                    ensure!(!tells(&hash) && !tells(CHALLENGE.as_bytes()), "the code {code} has the challenge in it");
                }
            }
        }
    }

    /// The redirect that answers a decision does not repeat the form to the client: 303, or 302.
    ["ARESP-011", Must, "RFC 9700 §4.12; OAuth 2.1 §7.5.3"]
    async fn aresp_011_a_decision_is_answered_with_303_or_302(run) {
        for decision in [Decision::Approve, Decision::Deny] {
            for client in [&run.profile().public, &run.profile().native, &run.profile().web] {
                let request = run.asking(client);
                let mut browser = run.signed_in(User::Alice).await?;
                let page = run.ask(&mut browser, &request).await?;
                let reply = browser.submit(&run.fill_in(&page, &decision)?).await?;
                reply.expect_response(&request)?;
                ensure!(matches!(reply.status().as_u16(), 302 | 303), "a form is answered with {}", reply.status());
            }
        }
    }

    /// A redirect to the client is stored by nobody, and hardly tells where the browser comes from.
    ["ARESP-012", Must, "RFC 9700 §4.2.4; practice"]
    async fn aresp_012_a_redirect_is_not_stored_and_not_told(run) {
        let request = run.asking(&run.profile().public);
        for reply in
            [run.approve(&request).await?, run.decide(&request, &Decision::Deny).await?, refused(run, &request).await?]
        {
            reply.expect_response(&request)?;
            reply.expect_discreet()?;
        }
    }

    /// `response_mode=query` is what a code comes by; a mode that is not supported is refused.
    ["ARESP-014", Must, "practice"]
    async fn aresp_014_only_known_response_modes_are_honoured(run) {
        let request = run.request(&run.profile().public);
        run.code_for(&request.clone().and("response_mode", "query")).await?;
        for mode in ["fragment", "bogus", "QUERY", "query fragment"] {
            let reply = run.approve(&request.clone().and("response_mode", mode)).await?;
            if reply.location().is_some() {
                let response = reply.expect_response(&request)?;
                ensure!(response.get("error").is_some(), "{mode:?} is answered as if it were query");
            } else {
                reply.expect_page(400)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::common_prefix;

    #[test]
    fn a_prefix_is_what_all_share() {
        assert_eq!(common_prefix(&["c_ab", "c_ac", "c_ad"]), "c_a");
        assert_eq!(common_prefix(&["c_ab", "x"]), "");
        assert_eq!(common_prefix(&[]), "");
    }
}
