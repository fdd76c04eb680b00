//! Proof Key for Code Exchange (RFC 7636, OAuth 2.1 §4.1, RFC 9700 §2.1.1 and §4.8).
//!
//! | row | why it is not here |
//! |---|---|
//! | PKCE-011 | needs a client that the operator exempts from PKCE, which a server need not have |
//! | PKCE-015 | whether a comparison takes constant time is not seen from outside |
//! | PKCE-017 | that a constant challenge is noticed is an event for the operator |
//! | PKCE-019 | about pushed authorization requests |

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use crate::testkit::Form;
use crate::testkit::protocol::run::FORM;
use crate::testkit::protocol::{CHALLENGE, Failure, KnownClient, Run, VERIFIER, basic, challenge};

/// Public and confidential clients.
fn clients<'a>(run: &Run<'a>) -> [&'a KnownClient; 4] {
    let profile = run.profile();
    [&profile.public, &profile.native, &profile.web, &profile.encoded]
}

/// The request is refused, and the client is told `invalid_request`.
async fn expect_refused(run: &Run<'_>, request: &Form) -> Result<Form, Failure> {
    run.approve(request).await?.expect_redirect_error(request, "invalid_request")
}

/// The exchange of a fresh code with this verifier.
async fn exchange_with(run: &Run<'_>, client: &KnownClient, verifier: &str) -> Result<Form, Failure> {
    let code = run.code(client).await?;
    Ok(run.exchange(client, &code).with("code_verifier", verifier))
}

/// The metadata documents that the server has: that of RFC 8414, and that of OpenID Connect Discovery if there is one.
async fn metadata(run: &Run<'_>) -> Result<Vec<Map<String, Value>>, Failure> {
    let path = run.profile().issuer.strip_prefix(run.origin()).unwrap_or_default();
    let mut documents = vec![run.metadata().await?];
    for address in
        [format!("/.well-known/openid-configuration{path}"), format!("{path}/.well-known/openid-configuration")]
    {
        let reply = run.get(&address).await?;
        if reply.status() == 200 {
            let document = serde_json::from_str(&reply.text());
            documents.push(document.map_err(|error| Failure::new(format!("{address} is no object: {error}")))?);
        }
    }
    Ok(documents)
}

/// The challenge methods that a metadata document names.
fn methods(document: &Map<String, Value>) -> Vec<&str> {
    let methods = document.get("code_challenge_methods_supported").and_then(Value::as_array);
    methods.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether the server says that it takes `plain` challenges.
pub(super) async fn takes_plain(run: &Run<'_>) -> Result<bool, Failure> {
    Ok(metadata(run).await?.iter().any(|document| methods(document).contains(&"plain")))
}

/// The token endpoint says 400, with `invalid_grant` or `invalid_request`.
async fn expect_no_tokens(run: &Run<'_>, form: &Form) -> Result<(), Failure> {
    let reply = run.token(form).await?;
    if reply.expect_error(400, "invalid_request").is_err() {
        reply.expect_error(400, "invalid_grant")?;
    }
    Ok(())
}

rows! {
    $ __protocol_rows_pkce;

    /// The method `S256` works, as in the example of the standard.
    ["PKCE-001", Must, "RFC 9700 §2.1.1; OAuth 2.1 §4.1.1; RFC 7636 §4.2, appendix B"]
    async fn pkce_001_s256_works(run) {
        for client in clients(run) {
            let request = run.request(client).with("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
            let code = run.code_for(&request.with("code_challenge_method", "S256")).await?;
            let form = run.exchange(client, &code);
            run.tokens_for(&form.with("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).await?;
        }
    }

    /// A public client without a challenge is refused with `invalid_request`.
    ["PKCE-002", Must, "OAuth 2.1 §4.1.2.1; RFC 7636 §4.4.1"]
    async fn pkce_002_a_public_client_needs_a_challenge(run) {
        for client in [&run.profile().public, &run.profile().native, &run.profile().multi] {
            let request = run.request(client).without("code_challenge").without("code_challenge_method");
            for request in [request.clone(), request.and("code_challenge", "")] {
                expect_refused(run, &request).await?;
            }
        }
    }

    /// So is a confidential client that was not exempted.
    ["PKCE-003", Must, "OAuth 2.1 §4.1.2.1, §7.5.1"]
    async fn pkce_003_a_confidential_client_needs_a_challenge(run) {
        for client in [&run.profile().web, &run.profile().encoded, &run.profile().other] {
            let request = run.request(client).without("code_challenge").without("code_challenge_method");
            for request in [request.clone(), request.and("code_challenge", "")] {
                expect_refused(run, &request).await?;
            }
        }
    }

    /// No method means `plain`: it is refused where `plain` is, and never taken for `S256`.
    ["PKCE-004", Must, "RFC 7636 §4.3; this catalogue's profile"]
    async fn pkce_004_no_method_means_plain(run) {
        let plain = takes_plain(run).await?;
        for client in clients(run) {
            for request in [
                run.request(client).without("code_challenge_method"),
                run.request(client).with("code_challenge_method", ""),
            ] {
                if !plain {
                    expect_refused(run, &request).await?;
                    continue;
                }
                let form = run.exchange(client, &run.code_for(&request).await?);
                expect_no_tokens(run, &form).await?;
                let form = run.exchange(client, &run.code_for(&request).await?);
                run.tokens_for(&form.with("code_verifier", CHALLENGE)).await?;
            }
        }
    }

    /// An unknown method is refused with `invalid_request`, and the description says which parameter it was.
    ["PKCE-005", Must, "RFC 7636 §4.4.1; OAuth 2.1 §4.1.2.1"]
    async fn pkce_005_an_unknown_method_is_refused(run) {
        for client in clients(run) {
            for method in ["S512", "s256", "none", "S256 ", " S256", "S256,plain", "sha256", "Plain", "\u{ff33}256"] {
                let request = run.request(client).with("code_challenge_method", method);
                let error = expect_refused(run, &request).await?;
                let description = error.get("error_description").unwrap_or_default();
                let named = description.contains("code_challenge_method") || description.contains(method);
                ensure!(named, "the description does not name the method: {description:?}");
            }
        }
    }

    /// A challenge is made of 43 to 128 characters that need no encoding.
    ["PKCE-006", Must, "RFC 7636 §4.2"]
    async fn pkce_006_a_malformed_challenge_is_refused(run) {
        for client in [&run.profile().public, &run.profile().web] {
            for bad in [
                "A".repeat(42),
                "A".repeat(129),
                CHALLENGE[..42].to_owned(),
                CHALLENGE.replace('-', "+"),
                CHALLENGE.replace('2', "/"),
                CHALLENGE.replace('2', " "),
                CHALLENGE.replace('2', "é"),
                CHALLENGE.replace('2', "\u{7f}"),
                format!("{CHALLENGE}\n"),
                "=".repeat(43),
            ] {
                expect_refused(run, &run.request(client).with("code_challenge", &bad)).await?;
            }
            run.code_for(&run.request(client).with("code_challenge", &challenge(&"v".repeat(128)))).await?;
        }
    }

    /// A challenge of `S256` is 43 characters, no more.
    ["PKCE-007", Should, "practice"]
    async fn pkce_007_a_challenge_of_another_length_is_refused(run) {
        for client in [&run.profile().public, &run.profile().web] {
            for bad in [format!("{CHALLENGE}A"), "A".repeat(44), "A".repeat(64), "A".repeat(128)] {
                expect_refused(run, &run.request(client).with("code_challenge", &bad)).await?;
            }
        }
    }

    /// A method without a challenge is an error.
    ["PKCE-008", Must, "RFC 6749 §3.1"]
    async fn pkce_008_a_method_without_a_challenge_is_refused(run) {
        for client in clients(run) {
            for method in ["S256", "plain"] {
                let request = run.request(client).without("code_challenge").with("code_challenge_method", method);
                expect_refused(run, &request).await?;
            }
        }
    }

    /// A wrong verifier is an invalid grant.
    ["PKCE-009", Must, "RFC 7636 §4.6"]
    async fn pkce_009_a_wrong_verifier_is_refused(run) {
        for client in clients(run) {
            for wrong in ["v".repeat(43), VERIFIER.to_lowercase(), format!("{VERIFIER}a"), VERIFIER.replace('d', "D")] {
                let form = exchange_with(run, client, &wrong).await?;
                run.token(&form).await?.expect_error(400, "invalid_grant")?;
            }
        }
    }

    /// Without its verifier a code buys nothing.
    ["PKCE-010", Must, "RFC 9700 §2.1.1; OAuth 2.1 §4.1.3"]
    async fn pkce_010_a_missing_verifier_is_refused(run) {
        for client in clients(run) {
            expect_no_tokens(run, &exchange_with(run, client, "").await?).await?;
            expect_no_tokens(run, &exchange_with(run, client, "").await?.without("code_verifier")).await?;
        }
    }

    /// The syntax of a verifier is enforced before it is hashed.
    ["PKCE-012", Must, "RFC 7636 §4.1"]
    async fn pkce_012_a_malformed_verifier_is_refused_even_if_its_hash_matches(run) {
        let client = &run.profile().public;
        let long = "v".repeat(42);
        for bad in [
            long.clone(),
            "v".repeat(129),
            format!("{long}+"),
            format!("{long} "),
            format!("{long}="),
            format!("{long}/"),
            format!("{long}é"),
            format!("{long}\n"),
        ] {
            let request = run.request(client).with("code_challenge", &challenge(&bad));
            let code = run.code_for(&request).await?;
            expect_no_tokens(run, &run.exchange(client, &code).with("code_verifier", &bad)).await?;
        }
        let code = run.code(client).await?;
        let form = run.exchange(client, &code).without("code_verifier").encode();
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, FORM)]);
        let nul = format!("{form}&code_verifier={VERIFIER}%00");
        let reply = run.send(http::Method::POST, &run.profile().endpoints.token, headers, nul).await?;
        reply.expect_status(400)?.expect_refusal()?;

        for good in ["v".repeat(43), "V".repeat(128), "-._~0123456789".repeat(4)] {
            let code = run.code_for(&run.request(client).with("code_challenge", &challenge(&good))).await?;
            run.tokens_for(&run.exchange(client, &code).with("code_verifier", &good)).await?;
        }
    }

    /// The method of the authorization request counts; one at the token endpoint has no effect.
    ["PKCE-013", Must, "RFC 7636 §4.5"]
    async fn pkce_013_a_method_at_the_token_endpoint_has_no_effect(run) {
        for client in clients(run) {
            let form = exchange_with(run, client, CHALLENGE).await?.and("code_challenge_method", "plain");
            run.token(&form).await?.expect_error(400, "invalid_grant")?;
            let own = "v".repeat(43);
            let form = exchange_with(run, client, &own).await?.and("code_challenge", &challenge(&own));
            run.token(&form.and("code_challenge_method", "S256")).await?.expect_error(400, "invalid_grant")?;
        }
    }

    /// The challenge itself is no verifier.
    ["PKCE-014", Must, "practice"]
    async fn pkce_014_the_challenge_is_no_verifier(run) {
        for client in clients(run) {
            let form = exchange_with(run, client, CHALLENGE).await?;
            run.token(&form).await?.expect_error(400, "invalid_grant")?;
        }
    }

    /// A wrong verifier does not take the code from whoever has the right one, but cannot be tried for ever. Ending the
    /// code at once is a stricter choice.
    ["PKCE-016", Should, "OAuth 2.1 §7.5.2; practice"]
    async fn pkce_016_a_verifier_cannot_be_guessed_for_ever(run) {
        let client = &run.profile().public;
        let right = exchange_with(run, client, VERIFIER).await?;
        let wrong = right.clone().with("code_verifier", &"v".repeat(43));
        run.token(&wrong).await?.expect_error(400, "invalid_grant")?;
        let reply = run.token(&right).await?;
        // Both choices are allowed, and nothing between them.
        if reply.status() == 200 {
            reply.expect_ok()?;
        } else {
            reply.expect_error(400, "invalid_grant")?;
        }

        let right = exchange_with(run, client, VERIFIER).await?;
        let wrong = right.clone().with("code_verifier", &"v".repeat(43));
        for _ in 0..20 {
            run.token(&wrong).await?.expect_error(400, "invalid_grant")?;
        }
        let reply = run.token(&right).await?;
        ensure!(reply.status() != 200, "a code is good after twenty wrong verifiers");
        reply.expect_error(400, "invalid_grant")?;
    }

    /// Every metadata document says that `S256` is supported.
    ["PKCE-018", Must, "RFC 9700 §2.1.1; MCP 2025-11-25; MCP 2026-07-28"]
    async fn pkce_018_the_metadata_names_s256(run) {
        for document in metadata(run).await? {
            ensure!(methods(&document).contains(&"S256"), "the methods are {:?}", methods(&document));
        }
    }

    /// A challenge is base64url without padding, and compared as text.
    ["PKCE-020", Must, "RFC 7636 appendix A"]
    async fn pkce_020_padding_is_refused(run) {
        for client in clients(run) {
            for bad in [format!("{CHALLENGE}="), format!("{}=", &CHALLENGE[..42]), format!("{CHALLENGE}==")] {
                expect_refused(run, &run.request(client).with("code_challenge", &bad)).await?;
            }
        }
        // Another text for the same bytes: the last two bits of the last letter mean nothing.
        let same = format!("{}N", &CHALLENGE[..42]);
        let client = &run.profile().public;
        let request = run.request(client).with("code_challenge", &same);
        let reply = run.approve(&request).await?;
        if let Ok(code) = reply.expect_code(&request) {
            run.token(&run.exchange(client, &code)).await?.expect_error(400, "invalid_grant")?;
        } else {
            reply.expect_redirect_error(&request, "invalid_request")?;
        }
    }

    /// A confidential client that proves who it is needs the right verifier as well.
    ["PKCE-021", Must, "practice"]
    async fn pkce_021_a_secret_does_not_replace_the_verifier(run) {
        for client in [&run.profile().web, &run.profile().encoded] {
            for wrong in ["v".repeat(43), CHALLENGE.to_owned()] {
                let form = exchange_with(run, client, &wrong).await?.without("client_secret").without("client_id");
                let reply = run.post(&run.profile().endpoints.token, &form, basic(client)).await?;
                reply.expect_error(400, "invalid_grant")?;
            }
            let form = exchange_with(run, client, VERIFIER).await?.without("client_secret").without("client_id");
            run.post(&run.profile().endpoints.token, &form, basic(client)).await?.expect_ok()?;
        }
    }
}
