//! Errors that go back to the client: which code, with what beside it, and in what order (RFC 6749 §4.1.2.1).
//!
//! | row | why it is not here |
//! |---|---|
//! | AERR-007 | a store that fails cannot be brought about from outside |

use serde_json::Value;

use crate::testkit::Form;
use crate::testkit::protocol::{Decision, Failure, Feature, KnownClient, Reply, Run, User, identified, random};

/// What a response may have in it.
const DOCUMENTED: [&str; 5] = ["error", "error_description", "error_uri", "state", "iss"];

/// Every error that a request can be made to have, as far as every server knows it: the request, and the error's code.
fn wrong_requests(run: &Run<'_>, client: &KnownClient) -> Vec<(Form, &'static str)> {
    let request = run.request(client);
    vec![
        (request.clone().without("response_type"), "invalid_request"),
        (request.clone().with("response_type", "foo"), "unsupported_response_type"),
        (request.clone().with("response_type", "token"), "unsupported_response_type"),
        (request.clone().without("code_challenge"), "invalid_request"),
        (request.clone().with("code_challenge_method", "S257"), "invalid_request"),
        (request.clone().with("scope", "\""), "invalid_scope"),
        (request.and("scope", "other"), "invalid_request"),
    ]
}

/// Every kind of error response to requests of a client: of refused requests, and of one that alice denies.
async fn error_responses(run: &Run<'_>, client: &KnownClient) -> Result<Vec<(Form, Reply)>, Failure> {
    let mut replies = Vec::new();
    for (request, code) in wrong_requests(run, client) {
        let reply = run.authorize(&request).await?;
        reply.expect_redirect_error(&request, code)?;
        replies.push((request, reply));
    }
    let request = run.asking(client);
    let denied = run.decide(&request, &Decision::Deny).await?;
    denied.expect_redirect_error(&request, "access_denied")?;
    let silent = run.request(client).with("prompt", "none");
    let anonymous = run.anonymous().get(&run.address(&silent)).await?;
    anonymous.expect_redirect_error(&silent, "login_required")?;
    replies.extend([(request, denied), (silent, anonymous)]);
    Ok(replies)
}

/// The clients whose redirect URIs differ: with and without a query, on the web and on a device.
fn clients<'a>(run: &'a Run<'_>) -> [&'a KnownClient; 4] {
    let profile = run.profile();
    [&profile.public, &profile.web, &profile.multi, &profile.native]
}

rows! {
    $ __protocol_rows_authorization_error;

    /// A missing `response_type` is an `invalid_request`.
    ["AERR-001", Must, "RFC 6749 §3.1.1, §4.1.2.1"]
    async fn aerr_001_a_missing_response_type_is_an_invalid_request(run) {
        for client in clients(run) {
            let request = run.request(client);
            for request in [request.clone().without("response_type"), request.with("response_type", "")] {
                run.authorize(&request).await?.expect_redirect_error(&request, "invalid_request")?;
            }
        }
    }

    /// An unknown `response_type` is an `unsupported_response_type`.
    ["AERR-002", Must, "RFC 6749 §4.1.2.1"]
    async fn aerr_002_an_unknown_response_type_is_unsupported(run) {
        for client in clients(run) {
            for response_type in ["foo", "CODE", "Code", "code,token", "code foo", "co", "codes", "password"] {
                let request = run.request(client).with("response_type", response_type);
                run.authorize(&request).await?.expect_redirect_error(&request, "unsupported_response_type")?;
            }
        }
    }

    /// No access token is to be had from the front channel: `token` and everything that contains it is unsupported.
    ["AERR-003", Must, "RFC 9700 §2.1.2; OAuth 2.1 §10.1"]
    async fn aerr_003_no_token_comes_from_the_front_channel(run) {
        for client in clients(run) {
            for response_type in ["token", "id_token token", "token id_token", "code token", "code id_token token"] {
                let request = run.request(client).with("response_type", response_type);
                let reply = run.approve(&request).await?;
                reply.expect_redirect_error(&request, "unsupported_response_type")?;
                let location = reply.location().unwrap_or_default();
                ensure!(!location.contains("access_token"), "she is sent to {location:?}");
            }
        }
    }

    /// The order of the parts of a `response_type` does not matter: each is as good as the other, or none is.
    ["AERR-004", Must, "RFC 6749 §3.1.1"]
    async fn aerr_004_the_parts_of_a_response_type_have_no_order(run) {
        for (one, other) in [("code id_token", "id_token code"), ("code token", "token code"), ("code foo", "foo code")]
        {
            let mut outcomes = Vec::new();
            for response_type in [one, other] {
                let request = run.request(&run.profile().public).with("response_type", response_type);
                let reply = run.authorize(&request).await?;
                let location = reply.location().unwrap_or_default();
                let response = location.split_once(['?', '#']).map_or("", |(_, response)| response);
                let error = Form::parse(response).get("error").map(ToOwned::to_owned);
                outcomes.push((reply.status(), error));
            }
            ensure!(outcomes[0] == outcomes[1], "{one:?} leads to {:?}, {other:?} to {:?}", outcomes[0], outcomes[1]);
        }
    }

    /// A client that may not use the code grant is an `unauthorized_client`.
    ["AERR-005", Must, "RFC 6749 §4.1.2.1"]
    async fn aerr_005_a_client_without_the_grant_is_unauthorized(run) {
        run.requires(Feature::ClientCredentials)?;
        let client = &run.profile().unauthorized;
        // It is a client that may do something else.
        let own = Form::of([("grant_type", "client_credentials")]);
        run.tokens_for(&identified(client, own)).await?;
        for prompt in ["", "none", "consent"] {
            let request = run.request(client).with("prompt", prompt);
            run.approve(&request).await?.expect_redirect_error(&request, "unauthorized_client")?;
        }
    }

    /// What the person denies is `access_denied`.
    ["AERR-006", Must, "RFC 6749 §4.1.2.1"]
    async fn aerr_006_a_denial_is_access_denied(run) {
        for client in clients(run) {
            let request = run.asking(client);
            let reply = run.decide(&request, &Decision::Deny).await?;
            reply.expect_redirect_error(&request, "access_denied")?;
        }
    }

    /// The `state` of the request comes back with an error, unchanged.
    ["AERR-008", Must, "RFC 6749 §4.1.2.1"]
    async fn aerr_008_the_state_comes_back_with_an_error(run) {
        let client = &run.profile().public;
        for state in ["ab c&d", "a+b%20c", "%26", "a=b&code=x", "\u{e9}\u{20ac}\u{1f600}", "<&\"'>", "#x?y", &random()]
        {
            for (request, code) in wrong_requests(run, client) {
                let request = request.with("state", state);
                // It compares the state.
                run.authorize(&request).await?.expect_redirect_error(&request, code)?;
            }
            let request = run.asking(client).with("state", state);
            run.decide(&request, &Decision::Deny).await?.expect_redirect_error(&request, "access_denied")?;
        }
    }

    /// A `state` that came twice does not go back.
    ["AERR-009", Should, "practice"]
    async fn aerr_009_a_state_that_came_twice_does_not_go_back(run) {
        let request = run.request(&run.profile().public).without("state");
        for (one, other) in [("a", "b"), ("a", "a"), ("b", "a")] {
            let twice = request.clone().and("state", one).and("state", other);
            let reply = run.authorize(&twice).await?;
            if reply.status() == 400 {
                reply.expect_page(400)?;
            } else {
                // The request that has no state gets none.
                reply.expect_redirect_error(&request, "invalid_request")?;
            }
        }
    }

    /// The parameters of an error are in the query.
    ["AERR-010", Must, "RFC 6749 §4.1.2.1"]
    async fn aerr_010_an_error_is_in_the_query(run) {
        for client in clients(run) {
            for (_, reply) in error_responses(run, client).await? {
                let location = reply.location().unwrap_or_default();
                ensure!(!location.contains('#'), "she is sent to {location:?}");
                let query = location.split_once('?').map_or("", |(_, query)| query);
                ensure!(Form::parse(query).get("error").is_some(), "there is no error in the query of {location:?}");
            }
        }
    }

    /// `iss` accompanies errors too.
    ["AERR-011", Must, "RFC 9207 §2"]
    async fn aerr_011_an_error_names_the_issuer(run) {
        for client in clients(run) {
            for (request, reply) in error_responses(run, client).await? {
                let response = reply.expect_response(&request)?;
                let issuers: Vec<_> = response.iter().filter(|(name, _)| *name == "iss").collect();
                ensure!(issuers == [("iss", run.profile().issuer.as_str())], "the response names {issuers:?}");
            }
        }
    }

    /// An error response has nothing in it that is not documented.
    ["AERR-012", Should, "practice"]
    async fn aerr_012_an_error_has_documented_members_only(run) {
        for client in clients(run) {
            for (request, reply) in error_responses(run, client).await? {
                let response = reply.expect_response(&request)?;
                let other = response.iter().find(|(name, _)| !DOCUMENTED.contains(name));
                ensure!(other.is_none(), "the response has {other:?}");
            }
        }
    }

    /// An error response never contains a code.
    ["AERR-013", Must, "practice"]
    async fn aerr_013_an_error_has_no_code(run) {
        for client in clients(run) {
            for (request, reply) in error_responses(run, client).await? {
                let response = reply.expect_response(&request)?;
                let code = response.iter().find(|(name, _)| name.eq_ignore_ascii_case("code"));
                ensure!(code.is_none(), "the response has {code:?} beside the error");
                ensure!(!reply.text().contains("code="), "the body has a code beside the error");
            }
        }
    }

    /// Parameters of features that the server does not have are errors of their own: `request_not_supported`,
    /// `request_uri_not_supported`, `registration_not_supported`.
    ["AERR-014", Must, "OpenID Connect Core §6; RFC 9101"]
    async fn aerr_014_features_that_are_off_have_errors_of_their_own(run) {
        let metadata = run.metadata().await?;
        let offers = |member: &str| metadata.get(member) == Some(&Value::Bool(true));
        let pushed = metadata.contains_key("pushed_authorization_request_endpoint");
        for (name, value, code, offered) in [
            ("request", "x", "request_not_supported", offers("request_parameter_supported")),
            ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported", offers("request_parameter_supported")),
            (
                "request_uri",
                "https://app.test/request.jwt",
                "request_uri_not_supported",
                offers("request_uri_parameter_supported"),
            ),
            ("request_uri", "urn:ietf:params:oauth:request_uri:x", "request_uri_not_supported", pushed),
            ("registration", "{}", "registration_not_supported", false),
        ] {
            let request = run.request(&run.profile().public).and(name, value);
            if !offered {
                run.approve(&request).await?.expect_redirect_error(&request, code)?;
            }
            let empty = request.with(name, "");
            run.approve(&empty).await?.expect_code(&empty)?;
        }
    }

    /// The first check that fails decides the code: what must be shown, what came twice, the response type, what is not
    /// supported, the challenge, the scope.
    ["AERR-015", Should, "practice"]
    async fn aerr_015_the_first_failing_check_decides(run) {
        let sound = run.request(&run.profile().public);
        let challenge = sound.get("code_challenge").unwrap_or_default();
        // Each line mends the first fault of the line before.
        let all = sound.clone().with("response_type", "foo").without("code_challenge").with("scope", "\"");
        let typed = all.clone().with("response_type", "code");
        let challenged = typed.clone().and("code_challenge", challenge);
        let scoped = challenged.clone().with("scope", &run.profile().scopes.default);
        let twice = all.clone().and("scope", "other");
        for nowhere in [
            twice.clone().with("client_id", &random()),
            twice.clone().with("redirect_uri", "https://evil.test/cb"),
            twice.clone().with("response_mode", "bogus"),
        ] {
            run.authorize(&nowhere).await?.expect_page(400)?;
        }
        for (request, code) in [
            (twice, "invalid_request"),
            (all, "unsupported_response_type"),
            (typed, "invalid_request"),
            (challenged, "invalid_scope"),
        ] {
            run.authorize(&request).await?.expect_redirect_error(&request, code)?;
        }
        let mut browser = run.signed_in(User::Alice).await?;
        let page = browser.get(&run.address(&scoped)).await?;
        run.approve_on(&mut browser, page).await?.expect_code(&scoped)?;
    }
}
