//! The introspection endpoint (RFC 7662).
//!
//! | row | why it is not here |
//! |---|---|
//! | INTRO-007 | no sender-constrained tokens |
//! | INTRO-010 | how often somebody may ask is for the host to limit |
//! | INTRO-012 | no signed answers |
//! | INTRO-013 | no rich authorization requests |

use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};

use crate::testkit::Form;
use crate::testkit::protocol::{Failure, Feature, KnownClient, Reply, Run, authorization, basic, identified, random};

/// `{"active":false}`, and nothing else.
fn expect_inactive(what: &str, reply: &Reply) -> Result<(), Failure> {
    let members = Value::Object(reply.expect_ok()?);
    ensure!(members == json!({ "active": false }), "{what}: {members}");
    Ok(())
}

/// What is told of a token that is alive.
async fn active(run: &Run<'_>, client: &KnownClient, token: &str) -> Result<Map<String, Value>, Failure> {
    let members = run.introspect(client, token).await?.expect_ok()?;
    ensure!(members.get("active") == Some(&json!(true)), "a live token is told as {:?}", members.get("active"));
    Ok(members)
}

rows! {
    $ __protocol_rows_introspection;

    /// Only a client that authenticates itself may ask: neither anybody, nor a public client.
    ["INTRO-001", Must, "RFC 7662 §2.1"]
    async fn intro_001_only_a_client_with_a_secret_may_ask(run) {
        run.requires(Feature::Introspection)?;
        let (web, public) = (&run.profile().web, &run.profile().public);
        let endpoint = &run.profile().endpoints.introspection;
        for (owner, tokens) in [(public, run.tokens(public).await?), (web, run.tokens(web).await?)] {
            let form = Form::of([("token", &*tokens.access)]);
            for (form, headers) in [
                (form.clone(), HeaderMap::new()),
                (form.clone().and("client_id", &owner.id), HeaderMap::new()),
                (form.clone().and("client_id", &web.id), HeaderMap::new()),
                (form.clone().and("client_id", &random()), HeaderMap::new()),
                (form.clone(), basic(public)),
                (form.clone(), basic(&KnownClient { secret: Some(random()), ..web.clone() })),
                (form.clone(), authorization(&format!("Bearer {}", tokens.access))?),
            ] {
                let reply = run.post(endpoint, &form, headers).await?;
                ensure!(matches!(reply.status().as_u16(), 401 | 403), "a stranger is answered with {}", reply.status());
                let members = reply.expect_json()?;
                ensure!(!members.contains_key("active"), "a stranger is told {members:?}");
            }
        }
        let tokens = run.tokens(web).await?;
        active(run, web, &tokens.access).await?;
        run.send(Method::GET, endpoint, basic(web), "").await?.expect_status(405)?;
    }

    /// The answer is a 200 with JSON that has `active`, a boolean.
    ["INTRO-002", Must, "RFC 7662 §2.2"]
    async fn intro_002_the_answer_has_active_as_a_boolean(run) {
        let client = &run.profile().web;
        let tokens = run.tokens(client).await?;
        for (token, expected) in [(&*tokens.access, true), ("xyz", false)] {
            let members = run.introspect(client, token).await?.expect_ok()?;
            ensure!(members.get("active") == Some(&Value::Bool(expected)), "active is {:?}", members.get("active"));
        }
    }

    /// Of a token that is unknown, expired, revoked or another's, it tells `{"active":false}` and nothing else.
    ["INTRO-003", Must, "RFC 7662 §2.2"]
    async fn intro_003_of_no_live_token_of_the_caller_nothing_is_told(run) {
        let (web, public) = (&run.profile().web, &run.profile().public);
        let (live, code, foreign) = (run.tokens(web).await?, run.code(web).await?, run.tokens(public).await?);
        let (long, cut) = ("x".repeat(4_000), live.access.get(1..).unwrap_or_default());
        let longer = format!("{}x", live.access);
        for token in ["xyz", "é", &long, cut, &longer, &random(), &code, &foreign.access, &foreign.refresh] {
            expect_inactive(&format!("{token:.20?}"), &run.introspect(web, token).await?)?;
        }
        active(run, web, &live.access).await?;
        if run.profile().has(Feature::Revocation) {
            let revoked = run.tokens(web).await?;
            active(run, web, &revoked.access).await?;
            run.revoke(web, &revoked.refresh).await?.expect_status(200)?;
            for token in [&revoked.access, &revoked.refresh] {
                expect_inactive("a revoked token", &run.introspect(web, token).await?)?;
            }
        }
        if run.profile().has(Feature::Clock) {
            run.pass(Duration::from_hours(24 * 365))?;
            for token in [&live.access, &live.refresh] {
                expect_inactive("an expired token", &run.introspect(web, token).await?)?;
            }
        }
    }

    /// A request without a token is a 400 `invalid_request`.
    ["INTRO-004", Must, "RFC 7662 §2.1"]
    async fn intro_004_a_request_without_a_token_is_invalid(run) {
        run.requires(Feature::Introspection)?;
        let (web, endpoint) = (&run.profile().web, &run.profile().endpoints.introspection);
        for form in [Form::new(), Form::of([("token", "")]), Form::of([("access_token", "x")])] {
            run.post(endpoint, &form, basic(web)).await?.expect_error(400, "invalid_request")?;
            run.post(endpoint, &identified(web, form), HeaderMap::new()).await?.expect_error(400, "invalid_request")?;
        }
        let tokens = run.tokens(web).await?;
        let address = format!("{endpoint}?{}", Form::of([("token", &*tokens.access)]).encode());
        run.post(&address, &Form::new(), basic(web)).await?.expect_error(400, "invalid_request")?;
    }

    /// A caller learns of tokens that are meant for it alone: a client of its own.
    ["INTRO-005", Must, "RFC 7662 §2.2, §4"]
    async fn intro_005_a_client_learns_of_its_own_tokens_alone(run) {
        let (web, other) = (&run.profile().web, &run.profile().other);
        for (owner, stranger) in [(web, other), (other, web)] {
            let tokens = run.tokens(owner).await?;
            for token in [&tokens.access, &tokens.refresh] {
                expect_inactive("another's token", &run.introspect(stranger, token).await?)?;
            }
            active(run, owner, &tokens.access).await?;
        }
    }

    /// Of a live token it tells scope, client, type, times, subject, audience, issuer and name; times are whole
    /// seconds.
    ["INTRO-006", Should, "RFC 7662 §2.2"]
    async fn intro_006_of_a_live_token_all_is_told(run) {
        let (web, scopes) = (&run.profile().web, &run.profile().scopes);
        let scope = format!("{} {}", scopes.default, scopes.write);
        let request = run.request(web).with("scope", &scope);
        let issued = run.token(&run.exchange(web, &run.code_for(&request).await?)).await?.expect_ok()?;
        let access = issued.get("access_token").and_then(Value::as_str).unwrap_or_default();
        let told = active(run, web, access).await?;
        let text = |member: &str| told.get(member).and_then(Value::as_str).unwrap_or_default();
        ensure!(text("scope") == scope, "scope is {:?}", told.get("scope"));
        ensure!(text("client_id") == web.id, "client_id is {:?}", told.get("client_id"));
        ensure!(text("token_type").eq_ignore_ascii_case("Bearer"), "token_type is {:?}", told.get("token_type"));
        ensure!(text("iss") == run.profile().issuer, "iss is {:?}", told.get("iss"));
        for member in ["sub", "jti"] {
            ensure!(!text(member).is_empty(), "{member} is {:?}", told.get(member));
        }
        ensure!(!access.contains(text("jti")), "jti is a part of the token");
        let audience = told.get("aud").is_some_and(|aud| aud.is_string() || aud.is_array());
        ensure!(audience, "aud is {:?}", told.get("aud"));
        let seconds = |member: &str| told.get(member).and_then(Value::as_i64).unwrap_or_default();
        let (issued_at, expires_at) = (seconds("iat"), seconds("exp"));
        ensure!(issued_at > 1_000_000_000, "iat is {:?}", told.get("iat"));
        let lifetime = issued.get("expires_in").and_then(Value::as_i64).unwrap_or_default();
        ensure!(
            (expires_at - issued_at - lifetime).abs() <= 1,
            "it lives from {issued_at} to {expires_at}, not {lifetime} s"
        );
        let again = active(run, web, access).await?;
        ensure!(again.get("jti") == told.get("jti"), "the name of the token changes");
        let other = active(run, web, &run.tokens(web).await?.access).await?;
        ensure!(other.get("jti") != told.get("jti"), "two tokens have one name");
        ensure!(other.get("sub") == told.get("sub"), "one user has two names");
    }

    /// A refresh token has no `token_type`, if its client is told of it at all; to others it is inactive.
    ["INTRO-008", Should, "practice"]
    async fn intro_008_a_refresh_token_has_no_token_type(run) {
        let (web, other) = (&run.profile().web, &run.profile().other);
        let tokens = run.tokens(web).await?;
        expect_inactive("another's refresh token", &run.introspect(other, &tokens.refresh).await?)?;
        let members = run.introspect(web, &tokens.refresh).await?.expect_ok()?;
        if members.get("active") == Some(&json!(true)) {
            ensure!(
                !members.contains_key("token_type"),
                "a refresh token is told to be {:?}",
                members.get("token_type")
            );
        } else {
            ensure!(Value::Object(members) == json!({ "active": false }), "an inactive token tells more");
        }
        let next = run.tokens_for(&run.refresh(web, &tokens.refresh)).await?;
        expect_inactive("a replaced refresh token", &run.introspect(web, &tokens.refresh).await?)?;
        active(run, web, &next.access).await?;
    }

    /// Nobody may store an answer, whether the token is active or not.
    ["INTRO-009", Must, "practice"]
    async fn intro_009_nobody_may_store_an_answer(run) {
        let web = &run.profile().web;
        let tokens = run.tokens(web).await?;
        for token in [&*tokens.access, "xyz"] {
            run.introspect(web, token).await?.expect_status(200)?.expect_not_stored()?;
        }
    }

    /// A token that a client got for itself is told apart from one of a user: its `sub` is the client, or is not there.
    ["INTRO-011", Should, "RFC 9700 §4.15.1"]
    async fn intro_011_a_token_without_a_user_is_told_apart(run) {
        run.requires(Feature::ClientCredentials)?;
        let (service, web) = (&run.profile().service, &run.profile().web);
        let own = run.tokens_for(&identified(service, Form::of([("grant_type", "client_credentials")]))).await?;
        let own = active(run, service, &own.access).await?;
        ensure!(own.get("client_id") == Some(&json!(service.id)), "client_id is {:?}", own.get("client_id"));
        let sub = own.get("sub");
        ensure!(sub.is_none_or(|sub| *sub == json!(service.id)), "sub is {sub:?}");
        let user = active(run, web, &run.tokens(web).await?.access).await?;
        ensure!(user.get("sub").is_some_and(Value::is_string), "the token of a user has no sub");
        ensure!(user.get("sub") != sub && user.get("sub") != user.get("client_id"), "a user has the name of a client");
    }

    /// A hint changes nothing.
    ["INTRO-014", Should, "practice"]
    async fn intro_014_a_hint_changes_nothing(run) {
        run.requires(Feature::Introspection)?;
        let web = &run.profile().web;
        let tokens = run.tokens(web).await?;
        active(run, web, &tokens.access).await?;
        for token in [&tokens.access, &tokens.refresh] {
            let expected = run.introspect(web, token).await?.expect_ok()?;
            for hint in ["access_token", "refresh_token", "foo", ""] {
                let form = Form::of([("token", &**token), ("token_type_hint", hint)]);
                let reply = run.post(&run.profile().endpoints.introspection, &form, basic(web)).await?;
                ensure!(reply.expect_ok()? == expected, "the hint {hint:?} changes the answer");
            }
        }
    }
}
