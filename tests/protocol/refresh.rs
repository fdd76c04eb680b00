//! A refresh token for tokens (protocol 4.4, except the grace).

use std::time::Duration;

use grantor::policy::{Lifetimes, RefreshPolicy};
use grantor::{Approval, Subject};
use http::StatusCode;

use crate::support::{ENC_SECRET, Form, SECRET, Setup, basic, like_web, without_refresh};

const ONE: &str = "https://api.test/one";
const TWO: &str = "https://api.test/two";
/// Longer than the grace.
const LATER: Duration = Duration::from_secs(11);
const DAY: Duration = Duration::from_hours(24);

/// Refreshes of a token of `web` that are each wrong in one respect.
fn wrong_refreshes(setup: &Setup, token: &str) -> Vec<Form> {
    let right = setup.refresh("web", token);
    vec![
        right.clone().set("client_id", "other"),
        right.clone().set("client_id", "nobody"),
        right.clone().set("client_id", "pub").without("client_secret"),
        right.clone().without("client_secret"),
        right.clone().without("client_id"),
        right.clone().set("client_secret", "wrong"),
        right.clone().and("scope", "read admin"),
        right.clone().and("scope", "re\"ad"),
        right.clone().and("resource", TWO),
        right.and("resource", "no uri"),
    ]
}

on_both_stores! {
    // RT-001
    async fn only_a_client_with_the_grant_type_gets_a_refresh_token(setup) {
        setup.add(without_refresh("code-only")).await;
        let tokens = setup.tokens_for("code-only", "read offline_access", &[]).await;
        assert!(tokens.json.get("refresh_token").is_none());
        assert!(setup.tokens("web").await.text("refresh_token").starts_with("gr_rt_"));
        // Not even with somebody else's.
        let stolen = setup.tokens("web").await;
        let form = setup.refresh("code-only", stolen.text("refresh_token"));
        setup.token(&form).await.expect_error(400, "unauthorized_client");
    }

    // RT-002
    async fn a_refresh_takes_the_clients_own_authentication(setup) {
        let tokens = setup.tokens("web").await;
        let tokens = setup.refreshed("web", tokens.text("refresh_token")).await;
        let form = setup.refresh("web", tokens.text("refresh_token")).without("client_id").without("client_secret");
        let tokens = setup.post("/oauth/token", &form, Some(&basic("web", SECRET))).await.expect_ok();
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        let tokens = setup.tokens("1PpG/Q 1").await;
        let form = setup.refresh("1PpG/Q 1", tokens.text("refresh_token")).without("client_secret");
        setup.post("/oauth/token", &form, Some(&basic("1PpG/Q 1", ENC_SECRET))).await.expect_ok();
        let tokens = setup.tokens("pub").await;
        assert!(setup.can_refresh("pub", tokens.text("refresh_token")).await);
    }

    // RT-003, RT-004, RT-005, RT-006, ATK-053; Appendix F: an active token survives whatever is wrong
    async fn a_wrong_request_leaves_the_token_as_it_was(setup) {
        let tokens = setup.tokens("web").await;
        for wrong in wrong_refreshes(&setup, tokens.text("refresh_token")) {
            let answer = setup.token(&wrong).await;
            assert!(matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED), "{wrong:?}");
            assert!(answer.json.get("access_token").is_none(), "{wrong:?}");
        }
        setup.token(&setup.refresh("other", tokens.text("refresh_token"))).await.expect_error(400, "invalid_grant");
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        setup.refreshed("web", tokens.text("refresh_token")).await;
    }

    // RT-004
    async fn a_public_client_must_name_itself(setup) {
        let tokens = setup.tokens("pub").await;
        let right = setup.refresh("pub", tokens.text("refresh_token"));
        setup.token(&right.clone().without("client_id")).await.expect_error(401, "invalid_client");
        setup.token(&right.clone().set("client_id", "")).await.expect_error(401, "invalid_client");
        for other in ["other-pub", "native", "multi"] {
            setup.token(&right.clone().set("client_id", other)).await.expect_error(400, "invalid_grant");
        }
        setup.token(&right).await.expect_ok();
    }

    // RT-006, ATK-054
    async fn more_scope_than_was_granted_is_refused(setup) {
        let mut tokens = setup.tokens_for("web", "read write", &[]).await;
        for (scope, code) in [
            ("admin", "invalid_scope"),
            ("read admin", "invalid_scope"),
            ("read write admin", "invalid_scope"),
            ("READ", "invalid_scope"),
            ("read,write", "invalid_scope"),
            ("read\twrite", "invalid_scope"),
            ("read\nwrite", "invalid_scope"),
            ("read+admin", "invalid_scope"),
            ("re\\ad", "invalid_scope"),
            ("réad", "invalid_scope"),
        ] {
            let form = setup.refresh("web", tokens.text("refresh_token")).and("scope", scope);
            let answer = setup.token(&form).await;
            assert_eq!(answer.json["error"], code, "{scope}");
            answer.expect_error(400, code);
        }
        let twice = setup.refresh("web", tokens.text("refresh_token")).and("scope", "read").and("scope", "admin");
        setup.token(&twice).await.expect_error(400, "invalid_request");
        tokens = setup.refreshed("web", tokens.text("refresh_token")).await;
        assert_eq!(tokens.text("scope"), "read write");
    }

    // RT-007, RT-008, TRESP-005
    async fn less_scope_holds_for_one_access_token_only(setup) {
        let tokens = setup.tokens_for("web", "read write", &[]).await;
        let form = setup.refresh("web", tokens.text("refresh_token")).and("scope", " write  write ");
        let narrowed = setup.token(&form).await.expect_ok();
        assert_eq!(narrowed.text("scope"), "write");
        let introspected = setup.introspect("web", narrowed.text("access_token")).await;
        assert_eq!(introspected.text("scope"), "write");
        let again = setup.refreshed("web", narrowed.text("refresh_token")).await;
        assert_eq!(again.text("scope"), "read write");
    }

    // RT-009, SCOPE-010, CLI-025
    async fn offline_access_never_breaks_a_refresh(setup) {
        let tokens = setup.tokens_for("web", "read write offline_access", &[]).await;
        assert_eq!(tokens.text("scope"), "read write");
        for (scope, granted) in [("read offline_access", "read"), ("offline_access", "read write"), ("", "read write")]
        {
            let tokens = setup.tokens_for("web", "read write", &[]).await;
            let form = setup.refresh("web", tokens.text("refresh_token")).and("scope", scope);
            assert_eq!(setup.token(&form).await.expect_ok().text("scope"), granted, "{scope}");
        }
    }

    // RT-010: what the user did not approve stays out, however often it is asked for
    async fn the_scope_of_the_request_is_not_the_scope_of_the_grant(setup) {
        let request = setup.request("web").set("scope", "read write");
        let answer = setup.approve_with(&request, Approval::of("read".parse().unwrap())).await;
        let pairs = answer.expect_redirect("https://web.test/cb");
        let code = &pairs.iter().find(|(name, _)| name == "code").unwrap().1;
        let tokens = setup.token(&setup.exchange("web", code)).await.expect_ok();
        assert_eq!(tokens.text("scope"), "read");
        let form = setup.refresh("web", tokens.text("refresh_token")).and("scope", "read write");
        setup.token(&form).await.expect_error(400, "invalid_scope");
        assert_eq!(setup.refreshed("web", tokens.text("refresh_token")).await.text("scope"), "read");
    }

    // RT-011, RT-026
    async fn every_refresh_brings_new_tokens(setup) {
        for client in ["pub", "web", "native", "self"] {
            let mut tokens = setup.tokens(client).await;
            let mut seen = Vec::new();
            for _ in 0..5 {
                seen.extend([tokens.text("access_token").to_owned(), tokens.text("refresh_token").to_owned()]);
                tokens = setup.refreshed(client, tokens.text("refresh_token")).await;
                assert!(
                    !seen.iter().any(|old| old == tokens.text("access_token") || old == tokens.text("refresh_token"))
                );
                assert!(setup.is_accepted(tokens.text("access_token")).await);
            }
        }
    }

    // RT-012, RT-013, ATK-050
    async fn a_replayed_refresh_token_revokes_its_grant(setup) {
        for client in ["pub", "web"] {
            let first = setup.tokens(client).await;
            let second = setup.refreshed(client, first.text("refresh_token")).await;
            setup.clock.advance(LATER);
            assert!(!setup.can_refresh(client, first.text("refresh_token")).await, "{client}");
            assert!(!setup.can_refresh(client, second.text("refresh_token")).await, "{client}");
            for tokens in [&first, &second] {
                assert!(!setup.is_accepted(tokens.text("access_token")).await, "{client}");
            }
        }
    }

    // RT-014, ATK-053; Appendix F: a superseded token has no effect if anything is wrong
    async fn a_replay_that_is_wrong_in_any_respect_revokes_nothing(setup) {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        setup.clock.advance(LATER);
        for wrong in wrong_refreshes(&setup, first.text("refresh_token")) {
            let answer = setup.token(&wrong).await;
            assert!(matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED), "{wrong:?}");
        }
        assert!(setup.is_accepted(second.text("access_token")).await);
        setup.refreshed("web", second.text("refresh_token")).await;
    }

    // RT-015, ATK-075
    async fn a_replay_leaves_the_users_other_grants_alone(setup) {
        let (replayed, other, another) =
            (setup.tokens("web").await, setup.tokens("web").await, setup.tokens("pub").await);
        setup.refreshed("web", replayed.text("refresh_token")).await;
        setup.clock.advance(LATER);
        assert!(!setup.can_refresh("web", replayed.text("refresh_token")).await);
        assert!(
            setup.is_accepted(other.text("access_token")).await
                && setup.is_accepted(another.text("access_token")).await
        );
        assert!(setup.can_refresh("web", other.text("refresh_token")).await);
        assert!(setup.can_refresh("pub", another.text("refresh_token")).await);
    }

    // RT-018, RT-028: two weeks by default
    async fn a_refresh_token_that_is_not_used_expires(setup) {
        let (one, two) = (setup.tokens("web").await, setup.tokens("web").await);
        setup.clock.advance(14 * DAY - Duration::from_millis(1));
        let refreshed = setup.refreshed("web", one.text("refresh_token")).await;
        setup.clock.advance(Duration::from_millis(1));
        setup.token(&setup.refresh("web", two.text("refresh_token"))).await.expect_error(400, "invalid_grant");
        setup.clock.advance(13 * DAY);
        setup.refreshed("web", refreshed.text("refresh_token")).await;
    }

    // RT-017: ninety days by default, however often it is used
    async fn no_refresh_extends_a_grant_beyond_its_absolute_life(setup) {
        let mut tokens = setup.tokens("pub").await;
        for _ in 0..8 {
            setup.clock.advance(11 * DAY);
            tokens = setup.refreshed("pub", tokens.text("refresh_token")).await;
        }
        setup.clock.advance(2 * DAY - Duration::from_secs(1));
        tokens = setup.refreshed("pub", tokens.text("refresh_token")).await;
        setup.clock.advance(Duration::from_secs(1));
        setup.token(&setup.refresh("pub", tokens.text("refresh_token"))).await.expect_error(400, "invalid_grant");
    }

    // RT-003, RT-028, RT-029, ATK-057, ATK-076
    async fn nobody_can_tell_why_a_refresh_token_is_dead(setup) {
        let revoked = setup.tokens("web").await;
        setup.revoke("web", revoked.text("refresh_token")).await.expect_ok();
        let replayed = setup.tokens("web").await;
        setup.refreshed("web", replayed.text("refresh_token")).await;
        let expired = setup.tokens("web").await;
        setup.clock.advance(14 * DAY);
        let (foreign, fresh, code) = (setup.tokens("other").await, setup.tokens("web").await, setup.code("web").await);
        let (token, long) = (fresh.text("refresh_token"), "x".repeat(10_000));
        let (longer, upper) = (format!("{token}A"), token.to_uppercase());
        let baseline = setup.token(&setup.refresh("web", "x")).await.expect_error(400, "invalid_grant");
        for token in [
            revoked.text("refresh_token"),
            replayed.text("refresh_token"),
            expired.text("refresh_token"),
            foreign.text("refresh_token"),
            fresh.text("access_token"),
            &code,
            &long,
            &longer,
            &upper,
            &token[1..],
            &token[..token.len() - 1],
            "é",
        ] {
            let answer = setup.token(&setup.refresh("web", token)).await;
            assert_eq!((&answer.body, &answer.headers), (&baseline.body, &baseline.headers), "{token}");
            answer.expect_error(400, "invalid_grant");
        }
        setup.refreshed("web", token).await;
    }

    // RT-030, RI-006
    async fn a_refresh_token_is_bound_to_the_resources_that_were_granted(setup) {
        let tokens = setup.tokens_for("web", "read", &[ONE]).await;
        let right = setup.refresh("web", tokens.text("refresh_token"));
        setup.token(&right.clone().and("resource", TWO)).await.expect_error(400, "invalid_target");
        setup.token(&right.clone().and("resource", ONE).and("resource", TWO)).await.expect_error(400, "invalid_target");
        setup.token(&right.and("resource", ONE)).await.expect_ok();
    }

    // RT-032, and the peers' mistake: a refresh token lives longer than its access token
    async fn access_tokens_and_refresh_tokens_have_lives_of_their_own(setup) {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        assert!(setup.is_accepted(first.text("access_token")).await);
        setup.clock.advance(Duration::from_secs(3_600));
        assert!(
            !setup.is_accepted(first.text("access_token")).await
                && !setup.is_accepted(second.text("access_token")).await
        );
        let third = setup.refreshed("web", second.text("refresh_token")).await;
        assert!(setup.is_accepted(third.text("access_token")).await);
    }

    // D7, RT-026: a confidential client may keep its refresh token
    async fn a_client_that_does_not_rotate_is_told_of_no_refresh_token(setup) {
        setup.add(like_web("steady").with_refresh_policy(RefreshPolicy::Reuse)).await;
        let tokens = setup.tokens_for("steady", "read write", &[]).await;
        let token = tokens.text("refresh_token");
        for scope in ["read", "read write"] {
            setup.clock.advance(13 * DAY);
            let refreshed = setup.token(&setup.refresh("steady", token).and("scope", scope)).await.expect_ok();
            assert!(refreshed.json.get("refresh_token").is_none(), "{refreshed:?}");
            assert_eq!(refreshed.text("scope"), scope);
            assert!(setup.is_accepted(refreshed.text("access_token")).await);
        }
        setup.clock.advance(14 * DAY);
        setup.token(&setup.refresh("steady", token)).await.expect_error(400, "invalid_grant");
    }

    // D7, RT-011: a public client may not
    async fn a_public_client_always_rotates(setup) {
        setup.change("pub", |client| client.with_refresh_policy(RefreshPolicy::Reuse)).await;
        let first = setup.tokens("pub").await;
        let second = setup.refreshed("pub", first.text("refresh_token")).await;
        assert_ne!(first.text("refresh_token"), second.text("refresh_token"));
        setup.clock.advance(LATER);
        assert!(!setup.can_refresh("pub", first.text("refresh_token")).await);
        assert!(!setup.can_refresh("pub", second.text("refresh_token")).await);
    }

    // RT-001
    async fn a_client_under_the_policy_never_gets_and_uses_none(setup) {
        let before = setup.tokens("web").await;
        setup.change("web", |client| client.with_refresh_policy(RefreshPolicy::Never)).await;
        assert!(setup.tokens("web").await.json.get("refresh_token").is_none());
        setup.token(&setup.refresh("web", before.text("refresh_token"))).await.expect_error(400, "unauthorized_client");
    }

    // RT-019
    async fn a_security_event_ends_every_grant_of_the_user(setup) {
        let (web, public) = (setup.tokens("web").await, setup.tokens("pub").await);
        let bob: Subject = "bob".parse().unwrap();
        assert_eq!(setup.server.revoke_subject(&bob).await.unwrap(), 0);
        assert!(setup.is_accepted(web.text("access_token")).await);
        assert_eq!(setup.server.revoke_subject(&setup.alice).await.unwrap(), 2);
        assert!(!setup.can_refresh("web", web.text("refresh_token")).await);
        assert!(!setup.can_refresh("pub", public.text("refresh_token")).await);
        assert!(!setup.is_accepted(web.text("access_token")).await);
    }
}

// RT-017
#[tokio::test]
async fn a_client_has_lifetimes_of_its_own() {
    let hour = Lifetimes::new().with_refresh_absolute(Some(Duration::from_hours(1))).with_refresh_idle(None);
    for setup in Setup::both_with(|builder| builder.lifetimes(Lifetimes::new().with_access_token(None))).await {
        setup.add(like_web("hourly").with_lifetimes(hour.with_access_token(Some(Duration::from_mins(5))))).await;
        let tokens = setup.tokens("hourly").await;
        assert_eq!(tokens.json["expires_in"], 300);
        let eternal = setup.tokens("web").await;
        assert!(eternal.json.get("expires_in").is_none());
        setup.clock.advance(Duration::from_mins(59));
        let tokens = setup.refreshed("hourly", tokens.text("refresh_token")).await;
        setup.clock.advance(Duration::from_mins(2));
        setup.token(&setup.refresh("hourly", tokens.text("refresh_token"))).await.expect_error(400, "invalid_grant");
        setup.clock.advance(365 * DAY);
        assert!(setup.is_accepted(eternal.text("access_token")).await);
    }
}
