//! The revocation endpoint (RFC 7009).
//!
//! | row | why it is not here |
//! |---|---|
//! | REV-012 | every token can be revoked; REV-002 and REV-013 would show another |

use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::json;

use crate::testkit::Form;
use crate::testkit::protocol::run::FORM;
use crate::testkit::protocol::{Failure, Feature, KnownClient, Reply, Run, basic, identified, random};

/// The refresh token does not work any more.
async fn expect_spent(run: &Run<'_>, client: &KnownClient, refresh_token: &str) -> Result<(), Failure> {
    run.token(&run.refresh(client, refresh_token)).await?.expect_error(400, "invalid_grant").map(drop)
}

/// Asks to revoke, with a form of choice and the client's identity in its body.
async fn ask(run: &Run<'_>, client: &KnownClient, form: Form) -> Result<Reply, Failure> {
    run.requires(Feature::Revocation)?;
    run.post(&run.profile().endpoints.revocation, &identified(client, form), HeaderMap::new()).await
}

rows! {
    $ __protocol_rows_revocation;

    /// A client revokes its token by a form that names it; the client authenticates itself as at the token endpoint, a
    /// public one by its identifier.
    ["REV-001", Must, "RFC 7009 §2.1"]
    async fn rev_001_a_client_revokes_its_own_token(run) {
        run.requires(Feature::Revocation)?;
        let (web, public) = (&run.profile().web, &run.profile().public);
        let endpoint = &run.profile().endpoints.revocation;
        for client in [web, public] {
            let tokens = run.tokens(client).await?;
            run.revoke(client, &tokens.refresh).await?.expect_status(200)?;
            expect_spent(run, client, &tokens.refresh).await?;
        }
        let tokens = run.tokens(web).await?;
        let form = Form::of([("token", &*tokens.refresh)]);
        run.post(endpoint, &form, HeaderMap::new()).await?.expect_error(401, "invalid_client")?;
        let bare = form.clone().and("client_id", &web.id);
        run.post(endpoint, &bare, HeaderMap::new()).await?.expect_error(401, "invalid_client")?;
        run.expect_access_live(web, &tokens.access).await?;
        run.post(endpoint, &form, basic(web)).await?.expect_status(200)?;
        expect_spent(run, web, &tokens.refresh).await?;
        run.send(Method::GET, endpoint, HeaderMap::new(), "").await?.expect_status(405)?;
    }

    /// Refresh tokens can be revoked, and access tokens too.
    ["REV-002", Must, "RFC 7009 §2"]
    async fn rev_002_refresh_tokens_and_access_tokens_can_be_revoked(run) {
        let client = &run.profile().web;
        let (one, two) = (run.tokens(client).await?, run.tokens(client).await?);
        run.revoke(client, &one.refresh).await?.expect_status(200)?;
        expect_spent(run, client, &one.refresh).await?;
        run.expect_access_live(client, &two.access).await?;
        run.revoke(client, &two.access).await?.expect_status(200)?;
        run.expect_access_dead(client, &two.access).await?;
        // A code is no token, and its own business.
        let code = run.code(client).await?;
        run.revoke(client, &code).await?.expect_status(200)?;
        run.tokens_for(&run.exchange(client, &code)).await?;
    }

    /// Success is a 200.
    ["REV-003", Must, "RFC 7009 §2.2"]
    async fn rev_003_success_is_a_200(run) {
        let client = &run.profile().public;
        let tokens = run.tokens(client).await?;
        for token in [&tokens.access, &tokens.refresh] {
            let reply = run.revoke(client, token).await?;
            reply.expect_status(200)?;
            ensure!(!reply.text().contains("\"error\""), "a 200 says error");
        }
    }

    /// A token that is unknown, expired, revoked or garbage is as revoked as it can be: 200, and each time the same.
    ["REV-004", Must, "RFC 7009 §2.2"]
    async fn rev_004_a_token_that_is_dead_is_revoked_already(run) {
        let client = &run.profile().web;
        let (revoked, expired) = (run.tokens(client).await?, run.tokens(client).await?);
        let expected = run.revoke(client, &revoked.refresh).await?;
        expected.expect_status(200)?;
        let (long, cut) = ("x".repeat(4_000), expired.access.get(1..).unwrap_or_default());
        let mut tokens = vec!["xyz", "é", &long, cut, &revoked.refresh, &revoked.access];
        if run.profile().has(Feature::Clock) {
            run.pass(Duration::from_hours(24 * 365))?;
            tokens.extend([&*expired.refresh, &expired.access]);
        }
        for token in tokens {
            let reply = run.revoke(client, token).await?;
            reply.expect_status(200)?;
            ensure!(reply.text() == expected.text(), "{token:.20?} is answered differently");
        }
    }

    /// A request without a token is a 400 `invalid_request`.
    ["REV-005", Must, "RFC 7009 §2.1"]
    async fn rev_005_a_request_without_a_token_is_invalid(run) {
        for client in [&run.profile().public, &run.profile().web] {
            run.revoke(client, "xyz").await?.expect_status(200)?;
            for form in [
                Form::new(),
                Form::of([("token", "")]),
                Form::of([("refresh_token", "x")]),
                Form::of([("Token", "x")]),
                Form::of([("token", "x"), ("token", "y")]),
            ] {
                ask(run, client, form).await?.expect_error(400, "invalid_request")?;
            }
        }
    }

    /// A hint that is wrong or unknown does not keep the token from being found.
    ["REV-006", Must, "RFC 7009 §2.1"]
    async fn rev_006_a_wrong_hint_hinders_nothing(run) {
        let client = &run.profile().web;
        for hint in ["access_token", "refresh_token", "foo", ""] {
            let (one, two) = (run.tokens(client).await?, run.tokens(client).await?);
            for token in [&one.refresh, &two.access] {
                let form = Form::of([("token", &**token), ("token_type_hint", hint)]);
                ask(run, client, form).await?.expect_status(200)?;
            }
            expect_spent(run, client, &one.refresh).await?;
            run.expect_access_dead(client, &two.access).await?;
        }
    }

    /// The token of another client stays alive, whether that is a 400 `invalid_grant` or a silent 200.
    ["REV-007", Must, "RFC 7009 §2.1; this catalogue's profile"]
    async fn rev_007_the_token_of_another_client_stays_alive(run) {
        let (web, others) = (&run.profile().web, [&run.profile().other, &run.profile().public]);
        let tokens = run.tokens(web).await?;
        for other in others {
            for token in [&tokens.access, &tokens.refresh] {
                let reply = run.revoke(other, token).await?;
                if reply.status() != 200 {
                    reply.expect_error(400, "invalid_grant")?;
                }
            }
        }
        run.expect_access_live(web, &tokens.access).await?;
        let tokens = run.tokens_for(&run.refresh(web, &tokens.refresh)).await?;
        run.revoke(web, &tokens.refresh).await?.expect_status(200)?;
        expect_spent(run, web, &tokens.refresh).await?;
    }

    /// Whoever cannot prove who it is gets a 401 `invalid_client` with a challenge, and revokes nothing.
    ["REV-008", Must, "RFC 7009 §2.2.1"]
    async fn rev_008_whoever_cannot_prove_who_it_is_revokes_nothing(run) {
        run.requires(Feature::Revocation)?;
        let (web, endpoint) = (&run.profile().web, &run.profile().endpoints.revocation);
        let tokens = run.tokens(web).await?;
        let form = Form::of([("token", &*tokens.refresh)]);
        let wrong = KnownClient { secret: Some(random()), ..web.clone() };
        let nobody = KnownClient { id: random(), ..web.clone() };
        for client in [&wrong, &nobody] {
            let reply = run.post(endpoint, &form, basic(client)).await?;
            reply.expect_error(401, "invalid_client")?;
            ensure!(reply.challenges()?.iter().any(|own| own.is("Basic")), "a 401 to Basic without its challenge");
            run.revoke(client, &tokens.refresh).await?.expect_error(401, "invalid_client")?;
        }
        run.expect_access_live(web, &tokens.access).await?;
        run.tokens_for(&run.refresh(web, &tokens.refresh)).await?;
    }

    /// A revoked refresh token takes the access tokens of its grant along, and leaves those of other grants.
    ["REV-009", Should, "RFC 7009 §2.1"]
    async fn rev_009_a_refresh_token_takes_its_access_tokens_along(run) {
        let client = &run.profile().web;
        let (first, other) = (run.tokens(client).await?, run.tokens(client).await?);
        let second = run.tokens_for(&run.refresh(client, &first.refresh)).await?;
        run.expect_access_live(client, &first.access).await?;
        run.expect_access_live(client, &second.access).await?;
        run.revoke(client, &second.refresh).await?.expect_status(200)?;
        for tokens in [&first, &second] {
            run.expect_access_dead(client, &tokens.access).await?;
        }
        expect_spent(run, client, &second.refresh).await?;
        run.expect_access_live(client, &other.access).await?;
        run.tokens_for(&run.refresh(client, &other.refresh)).await?;
    }

    /// A revoked access token is dead; its refresh token goes with it, or gives a new one that works.
    ["REV-010", May, "RFC 7009 §2.1"]
    async fn rev_010_an_access_token_goes_alone_or_with_its_grant(run) {
        let client = &run.profile().web;
        let tokens = run.tokens(client).await?;
        run.expect_access_live(client, &tokens.access).await?;
        run.revoke(client, &tokens.access).await?.expect_status(200)?;
        run.expect_access_dead(client, &tokens.access).await?;
        let reply = run.token(&run.refresh(client, &tokens.refresh)).await?;
        if reply.status() == 200 {
            let next = reply.expect_ok()?;
            let access = next.get("access_token").and_then(serde_json::Value::as_str).unwrap_or_default();
            run.expect_access_live(client, access).await?;
            run.expect_access_dead(client, &tokens.access).await?;
        } else {
            reply.expect_error(400, "invalid_grant")?;
        }
    }

    /// Any refresh token of a family ends the family, also one that was replaced.
    ["REV-011", Must, "practice"]
    async fn rev_011_a_replaced_refresh_token_ends_its_family_too(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let first = run.tokens(client).await?;
            let second = run.tokens_for(&run.refresh(client, &first.refresh)).await?;
            let third = run.tokens_for(&run.refresh(client, &second.refresh)).await?;
            run.expect_access_live(client, &third.access).await?;
            run.revoke(client, &first.refresh).await?.expect_status(200)?;
            run.expect_access_dead(client, &third.access).await?;
            expect_spent(run, client, &third.refresh).await?;
        }
    }

    /// A token that was revoked is dead at once, to the API and to introspection.
    ["REV-013", Should, "practice"]
    async fn rev_013_a_revoked_token_is_dead_at_once(run) {
        let client = &run.profile().web;
        for revoke_refresh_token in [true, false] {
            let tokens = run.tokens(client).await?;
            let token = if revoke_refresh_token { &tokens.refresh } else { &tokens.access };
            run.expect_access_live(client, &tokens.access).await?;
            run.revoke(client, token).await?.expect_status(200)?;
            if run.profile().has(Feature::Api) {
                run.call(&tokens.access).await?.expect_bearer(401, Some("invalid_token"))?;
            }
            if run.profile().has(Feature::Introspection) {
                let told = run.introspect(client, &tokens.access).await?.expect_ok()?;
                ensure!(serde_json::Value::Object(told) == json!({ "active": false }), "introspection tells more");
            }
        }
    }

    /// A token in the query of the address is not looked at.
    ["REV-014", Must, "practice"]
    async fn rev_014_a_token_in_the_address_is_not_looked_at(run) {
        run.requires(Feature::Revocation)?;
        let (client, endpoint) = (&run.profile().web, &run.profile().endpoints.revocation);
        let tokens = run.tokens(client).await?;
        for token in [&tokens.refresh, &tokens.access] {
            let address = format!("{endpoint}?{}", Form::of([("token", &**token)]).encode());
            let mut headers = basic(client);
            headers.insert(http::header::CONTENT_TYPE, FORM);
            run.send(Method::POST, &address, headers, "").await?.expect_error(400, "invalid_request")?;
        }
        run.expect_access_live(client, &tokens.access).await?;
        run.tokens_for(&run.refresh(client, &tokens.refresh)).await?;
    }
}
