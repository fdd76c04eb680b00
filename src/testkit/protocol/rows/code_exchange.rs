//! A code for tokens (RFC 6749 §4.1.3, OAuth 2.1 §4.1.3).
//!
//! | row | why it is not here |
//! |---|---|
//! | CODE-011 | the operator exempts a client from PKCE, by no request of OAuth |
//! | CODE-015 | takes a second issuer on the same store |
//! | CODE-016 | what is stored is not seen from outside |
//! | CODE-017 | consent is withdrawn, and users are deleted, on pages that every service has of its own |

use std::time::Duration;

use serde_json::Value;

use crate::testkit::Form;
use crate::testkit::protocol::{
    Failure, Feature, KnownClient, Reply, Run, Tokens, damaged, identified, miscased, random, winners,
};

/// Another verifier, as well-formed as the right one.
pub(super) const OTHER_VERIFIER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// How many requests compete.
pub(super) const MANY: usize = 50;

/// No code lives longer (RFC 6749 §4.1.2).
const LONGEST_LIFE: Duration = Duration::from_secs(601);

/// Exchanges by `client` that are each wrong in one respect.
pub(super) fn wrong_exchanges(run: &Run<'_>, client: &KnownClient, code: &str) -> Vec<Form> {
    let right = run.exchange(client, code);
    let nameless = right.clone().without("client_id").without("client_secret");
    let mut wrong = vec![
        right.clone().with("code_verifier", OTHER_VERIFIER),
        right.clone().without("code_verifier"),
        right.clone().with("code_verifier", "short"),
        right.clone().with("redirect_uri", &format!("{}/", client.redirect_uri)),
        right.clone().with("client_id", &random()),
        right.clone().with("client_secret", "wrong"),
        nameless.clone(),
        identified(&run.profile().other, nameless.clone()),
        identified(&run.profile().native, nameless),
    ];
    if client.secret.is_some() {
        wrong.push(right.without("client_secret"));
    }
    wrong
}

/// A member of a token response that is a text.
fn text<'a>(members: &'a serde_json::Map<String, Value>, name: &str) -> &'a str {
    members.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The scope that an access token carries, as far as the target tells: by introspection, or in the token response.
async fn scope_of(run: &Run<'_>, client: &KnownClient, tokens: &Tokens) -> Result<String, Failure> {
    if !run.has(Feature::Introspection) || client.secret.is_none() {
        return Ok(tokens.scope.clone());
    }
    Ok(text(&run.introspect(client, &tokens.access).await?.expect_ok()?, "scope").to_owned())
}

/// The code is refused as an `invalid_grant` that says the same as `baseline`.
async fn expect_same_refusal(run: &Run<'_>, client: &KnownClient, code: &str, baseline: &Reply) -> Result<(), Failure> {
    let answer = run.token(&run.exchange(client, code)).await?;
    answer.expect_error(400, "invalid_grant")?;
    answer.expect_same(baseline)
}

rows! {
    $ __protocol_rows_code_exchange;

    /// A right exchange brings an access token, its type and how long it lives.
    ["CODE-001", Must, "RFC 6749 §4.1.3, §4.1.4; OAuth 2.1 §4.1.3"]
    async fn code_001_a_right_exchange_brings_tokens(run) {
        let profile = run.profile();
        for client in [
            &profile.public,
            &profile.web,
            &profile.multi,
            &profile.native,
            &profile.encoded,
            &profile.ambiguous,
            &profile.other,
        ] {
            let code = run.code(client).await?;
            let members = run.token(&run.exchange(client, &code)).await?.expect_ok()?;
            let token = text(&members, "access_token");
            ensure!(!token.is_empty() && !text(&members, "token_type").is_empty(), "{} got no token", client.id);
            ensure!(
                members.get("expires_in").is_some_and(Value::is_u64),
                "{} is not told how long it lives",
                client.id
            );
            if run.has(Feature::Api) {
                run.call(token).await?.expect_status(200)?;
            }
        }
    }

    /// The code of another client is an `invalid_grant`, and the rightful client can still redeem it.
    ["CODE-002", Must, "RFC 6749 §4.1.3, §5.2; OAuth 2.1 §4.1.3"]
    async fn code_002_the_code_of_another_client_is_refused(run) {
        let (web, other, public) = (&run.profile().web, &run.profile().other, &run.profile().public);
        for (owner, thief) in [(web, other), (other, web), (web, public), (public, web), (public, &run.profile().multi)]
        {
            let right = run.exchange(owner, &run.code(owner).await?);
            let stolen = identified(thief, right.clone().without("client_id").without("client_secret"));
            for _ in 0..3 {
                run.token(&stolen).await?.expect_error(400, "invalid_grant")?;
                let own = stolen.clone().with("redirect_uri", &thief.redirect_uri);
                run.token(&own).await?.expect_error(400, "invalid_grant")?;
            }
            run.token(&right).await?.expect_ok()?;
        }
    }

    /// Unknown, malformed, expired, revoked, foreign and spent codes are an `invalid_grant`, and nobody can tell which
    /// it was.
    ["CODE-003", Must, "RFC 6749 §5.2; OAuth 2.1 §3.2.4"]
    async fn code_003_nobody_can_tell_why_a_code_is_refused(run) {
        let client = &run.profile().web;
        let spent = run.code(client).await?;
        let tokens = run.tokens_for(&run.exchange(client, &spent)).await?;
        let (fresh, foreign) = (run.code(client).await?, run.code(&run.profile().other).await?);
        let long = "x".repeat(10_000);
        let shortened = fresh.chars().skip(1).collect::<String>();
        let damaged = damaged(&fresh, fresh.len() / 2);
        let (longer, spaced, upper) = (format!("{fresh}A"), format!(" {fresh}"), miscased(&fresh));
        let baseline = run.token(&run.exchange(client, "x")).await?;
        baseline.expect_error(400, "invalid_grant")?;
        for code in [
            spent.as_str(),
            &foreign,
            &damaged,
            &shortened,
            &longer,
            &spaced,
            &upper,
            &long,
            "é",
            &random(),
            &tokens.access,
            &tokens.refresh,
        ] {
            if !code.is_empty() && *code != *fresh {
                expect_same_refusal(run, client, code, &baseline).await?;
            }
        }
        run.token(&run.exchange(client, &fresh)).await?.expect_ok()?;
        if run.has(Feature::Clock) {
            let expiring = run.code(client).await?;
            run.pass(LONGEST_LIFE)?;
            expect_same_refusal(run, client, &expiring, &baseline).await?;
        }
    }

    /// A code works once.
    ["CODE-004", Must, "RFC 6749 §4.1.2, §10.5; OAuth 2.1 §4.1.3"]
    async fn code_004_a_code_works_once(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let exchange = run.exchange(client, &run.code(client).await?);
            run.token(&exchange).await?.expect_ok()?;
            for _ in 0..3 {
                run.token(&exchange).await?.expect_error(400, "invalid_grant")?;
            }
        }
    }

    /// Of many right exchanges of one code at the same time exactly one succeeds.
    ["CODE-005", Must, "RFC 6749 §4.1.2, §10.5; practice"]
    async fn code_005_one_of_many_exchanges_at_once_succeeds(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let exchange = run.exchange(client, &run.code(client).await?);
            let winners = winners(&run.tokens_at_once(&vec![exchange; MANY]).await?)?;
            ensure!(winners.len() == 1, "{} of {MANY} exchanges of one code succeeded", winners.len());
        }
    }

    /// A second right exchange revokes what the first one brought, and what came of that by rotation.
    ["CODE-006", Should, "RFC 6749 §4.1.2; OAuth 2.1 §4.1.3"]
    async fn code_006_a_replay_revokes_what_the_code_brought(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let exchange = run.exchange(client, &run.code(client).await?);
            let tokens = run.tokens_for(&exchange).await?;
            run.expect_access_live(client, &tokens.access).await?;
            run.token(&exchange).await?.expect_error(400, "invalid_grant")?;
            run.expect_dead(client, &tokens).await?;

            let (exchange, bystander) =
                (run.exchange(client, &run.code(client).await?), run.refreshable(client).await?);
            let first = run.tokens_for(&exchange).await?;
            let second = run.refreshed(client, &first).await?;
            let third = run.expect_alive(client, &second).await?;
            run.token(&exchange).await?.expect_error(400, "invalid_grant")?;
            for tokens in [&third, &second, &first] {
                run.expect_dead(client, tokens).await?;
            }
            run.expect_alive(client, &bystander).await?;
        }
    }

    /// A second exchange that is wrong in any respect revokes nothing: whoever only saw the code must not be able to
    /// end a grant.
    ["CODE-007", Should, "OAuth 2.1 §7.5.2"]
    async fn code_007_a_wrong_replay_revokes_nothing(run) {
        for client in [&run.profile().web, &run.profile().public] {
            let code = run.code(client).await?;
            let tokens = run.tokens_for(&run.exchange(client, &code)).await?;
            for wrong in wrong_exchanges(run, client, &code) {
                // A public client's secret is looked at by nobody, at the choice of the server (CAUTH-015): no wrong
                // request then.
                if client.secret.is_some() || wrong.get("client_secret") != Some("wrong") {
                    run.token(&wrong).await?.expect_refusal()?;
                }
            }
            let tokens = run.expect_alive(client, &tokens).await?;
            run.expect_alive(client, &tokens).await?;
        }
    }

    /// A spent code is remembered as long as what it brought: its replay is recognised long after its life.
    ["CODE-008", Must, "practice"]
    async fn code_008_a_spent_code_is_remembered(run) {
        run.requires(Feature::Clock)?;
        let client = &run.profile().web;
        let exchange = run.exchange(client, &run.code(client).await?);
        let tokens = run.tokens_for(&exchange).await?;
        run.pass(Duration::from_hours(1))?;
        let tokens = run.refreshed(client, &tokens).await?;
        run.expect_access_live(client, &tokens.access).await?;
        run.token(&exchange).await?.expect_error(400, "invalid_grant")?;
        run.expect_dead(client, &tokens).await?;
    }

    /// What becomes of the winner when a code is sent twice at the same time is one thing or the other: its tokens
    /// work, or they are revoked, all of them.
    // Whether a double submit is a replay is the server's choice; half a revocation is not.
    ["CODE-009", Must, "OAuth 2.1 §4.1.3; practice"]
    async fn code_009_a_double_submit_leaves_no_half_state(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let exchange = run.exchange(client, &run.code(client).await?);
            let winners = winners(&run.tokens_at_once(&[exchange.clone(), exchange]).await?)?;
            let [tokens] = winners.as_slice() else {
                return Err(Failure::new(format!("{} of 2 exchanges of one code succeeded", winners.len())));
            };
            if run.is_live(client, &tokens.access).await? {
                run.refreshed(client, tokens).await?;
            } else {
                run.expect_dead(client, tokens).await?;
            }
        }
    }

    /// A `redirect_uri` that comes with the code must be that of the authorization request, character by character.
    ["CODE-010", Must, "RFC 6749 §4.1.3; OAuth 2.1 §10.2"]
    async fn code_010_a_redirect_uri_that_is_sent_must_match(run) {
        for client in [&run.profile().public, &run.profile().multi, &run.profile().native, &run.profile().web] {
            let uri = &client.redirect_uri;
            let (slash, query, upper) = (format!("{uri}/"), format!("{uri}?"), uri.to_uppercase());
            let decoded = uri.replace("%20", " ");
            let registered = client.redirect_uris.iter().map(String::as_str);
            let wrong = [
                "https://evil.test/cb",
                "x",
                "é",
                &slash,
                &query,
                &upper,
                &decoded,
                uri.get(..uri.len() - 1).unwrap_or("x"),
            ];
            for wrong in registered.chain(wrong).filter(|wrong| wrong != uri) {
                let right = run.exchange(client, &run.code(client).await?);
                run.token(&right.clone().with("redirect_uri", wrong)).await?.expect_error(400, "invalid_grant")?;
                run.token(&right).await?.expect_ok()?;
            }
        }
    }

    /// With PKCE the `redirect_uri` need not come again. An empty one did not come.
    ["CODE-012", Must, "OAuth 2.1 §10.2"]
    async fn code_012_the_redirect_uri_need_not_come_again(run) {
        for client in [&run.profile().public, &run.profile().web, &run.profile().native, &run.profile().multi] {
            let right = run.exchange(client, &run.code(client).await?);
            run.token(&right.without("redirect_uri")).await?.expect_ok()?;
            let right = run.exchange(client, &run.code(client).await?);
            run.token(&right.with("redirect_uri", "")).await?.expect_ok()?;
        }
    }

    /// A client may send its only redirect URI with the code though the authorization request had left it out.
    ["CODE-013", Must, "OAuth 2.1 §10.2; practice"]
    async fn code_013_the_registered_redirect_uri_may_come_with_the_code(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let request = run.request(client).without("redirect_uri");
            let reply = run.approve(&request).await?;
            // A server may demand it in every request; then there is nothing to leave out.
            if reply.status() == 400 {
                reply.expect_page(400)?;
                continue;
            }
            let code =
                reply.expect_code(&run.request(client).with("state", request.get("state").unwrap_or_default()))?;
            let right = run.exchange(client, &code);
            let evil = right.clone().with("redirect_uri", "https://evil.test/cb");
            run.token(&evil).await?.expect_error(400, "invalid_grant")?;
            run.token(&right).await?.expect_ok()?;
            let code = run
                .approve(&request)
                .await?
                .expect_code(&request.clone().with("redirect_uri", &client.redirect_uri))?;
            run.token(&run.exchange(client, &code).without("redirect_uri")).await?.expect_ok()?;
        }
    }

    /// A `scope` at the exchange widens nothing.
    ["CODE-014", Must, "RFC 6749 §3.3; practice"]
    async fn code_014_a_scope_at_the_exchange_widens_nothing(run) {
        let (scopes, client) = (&run.profile().scopes, &run.profile().web);
        let both = format!("{} {}", scopes.default, scopes.restricted);
        let tabbed = format!("{}\t{}", scopes.default, scopes.write);
        for scope in [&scopes.restricted, &both, &scopes.write, &tabbed, &String::new()] {
            let answer = run.token(&run.exchange(client, &run.code(client).await?).and("scope", scope)).await?;
            if answer.status() == 200 {
                let tokens = Tokens::of(&answer.expect_ok()?);
                let granted = scope_of(run, client, &tokens).await?;
                ensure!(tokens.scope == scopes.default, "{scope:?} at the exchange made it {:?}", tokens.scope);
                ensure!(granted == scopes.default, "{scope:?} at the exchange made it {granted:?}");
                let next = run.refreshed(client, &tokens).await?;
                ensure!(next.scope == scopes.default, "{scope:?} at the exchange made the next one {:?}", next.scope);
            } else {
                answer.expect_error(400, "invalid_scope")?;
            }
        }
    }

    /// The code of a public client takes that client's `client_id`.
    ["CODE-018", Must, "RFC 6749 §4.1.3; OAuth 2.1 §4.1.3"]
    async fn code_018_the_code_of_a_public_client_takes_its_client_id(run) {
        let (public, multi, native) = (&run.profile().public, &run.profile().multi, &run.profile().native);
        for (owner, other) in [(public, multi), (multi, public), (public, native), (native, public)] {
            let right = run.exchange(owner, &run.code(owner).await?);
            for wrong in [right.clone(), right.clone().without("redirect_uri")] {
                run.token(&wrong.with("client_id", &other.id)).await?.expect_error(400, "invalid_grant")?;
            }
            run.token(&right).await?.expect_ok()?;
        }
    }
}
