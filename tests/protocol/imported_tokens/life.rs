//! What a client and its user can do with imported tokens.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use grantor::clock::Clock as _;
use grantor::error::ErrorReason;
use grantor::identifier::Extra;
use grantor::policy::RefreshPolicy;
use grantor::secret::{ImportedToken, Prefix};
use grantor::store::{Page, TokenStore};
use grantor::{Imported, Recall, ResourceServer, Tenant};
use sha2::{Digest as _, Sha256};

use super::{ACCESS, REFRESH, access_of, after, both, expect_stored, grant_to, plain, refresh_of, refusal};
use crate::support::{Answer, bearer, like_web};

/// The two secrets of a token response.
fn secrets(tokens: &Answer) -> [&str; 2] {
    [tokens.text("access_token"), tokens.text("refresh_token")]
}

importing_on_both_stores! {
    async fn an_imported_access_token_is_accepted_for_what_was_granted(setup) {
        let mut extra = serde_json::Map::new();
        extra.insert("plan".to_owned(), "pro".into());
        let tenant: Tenant = "acme".parse().unwrap();
        let (granted, expires) = (setup.clock.now().saturating_sub(Duration::from_hours(1)), after(&setup, 60));
        let grant = grant_to("web")
            .with_access_token(plain(ACCESS), Some(expires))
            .with_tenant(tenant.clone())
            .with_extra(Extra::new(extra))
            .with_created_at(granted)
            .with_last_used_at(granted);
        expect_stored(setup.server.import_grant(&grant).await);
        let access = setup.server.resource_server().verify_scope(&bearer(ACCESS), "write").await.unwrap();
        assert_eq!((access.client_id().unwrap().as_str(), access.subject().unwrap()), ("web", &setup.alice));
        assert_eq!((access.tenant(), access.expires_at()), (Some(&tenant), Some(expires)));
        assert_eq!(access.extra().get("plan").unwrap(), "pro");
        access.require("admin").unwrap_err();
        let listed = setup.server.grants(&setup.alice, Page::first(NonZeroU32::MAX)).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].grant.created_at, listed[0].last_used_at), (granted, Some(granted)));
        setup.clock.advance(Duration::from_secs(60));
        assert_eq!(refusal(&setup, ACCESS).await, ErrorReason::AccessTokenExpired);
    }

    async fn a_table_of_hashes_is_enough(setup) {
        let hash: [u8; 32] = Sha256::digest(ACCESS).into();
        let grant = grant_to("web").with_access_token(ImportedToken::sha256(hash), None);
        expect_stored(setup.server.import_grant(&grant).await);
        assert!(setup.is_accepted(ACCESS).await);
        let hex: String = Sha256::digest(REFRESH).iter().map(|byte| format!("{byte:02x}")).collect();
        let grant = grant_to("web").with_refresh_token(ImportedToken::sha256_hex(&hex).unwrap(), None);
        expect_stored(setup.server.import_grant(&grant).await);
        setup.refreshed("web", REFRESH).await;
        // The hash itself opens nothing.
        assert_eq!(refusal(&setup, &hex).await, ErrorReason::AccessTokenUnknown);
        setup.token(&setup.refresh("web", &hex)).await.expect_error(400, "invalid_grant");
    }

    async fn a_token_is_found_as_what_it_is_and_nothing_else(setup) {
        expect_stored(setup.server.import_grant(&access_of("web")).await);
        expect_stored(setup.server.import_grant(&refresh_of("web")).await);
        setup.token(&setup.refresh("web", ACCESS)).await.expect_error(400, "invalid_grant");
        setup.token(&setup.exchange("web", ACCESS)).await.expect_error(400, "invalid_grant");
        for token in [REFRESH, &ACCESS.to_lowercase(), &format!("{ACCESS}A"), "never-issued-anywhere"] {
            assert_eq!(refusal(&setup, token).await, ErrorReason::AccessTokenUnknown, "{token}");
        }
        let own = setup.tokens("web").await;
        assert!(setup.is_accepted(own.text("access_token")).await);
    }

    async fn a_resource_server_of_its_own_accepts_imported_tokens_if_it_is_told_to(setup) {
        expect_stored(setup.server.import_grant(&access_of("web")).await);
        let tokens: Arc<dyn TokenStore> = setup.grants.clone();
        let prefix = Prefix::parse("acme_").unwrap();
        let api = ResourceServer::for_any_resource(tokens, prefix).with_clock(setup.clock.clone());
        assert_eq!(api.verify(&bearer(ACCESS)).await.unwrap_err().reason(), ErrorReason::AccessTokenUnknown);
        assert_eq!(api.with_imported_tokens().verify(&bearer(ACCESS)).await.unwrap().subject(), Some(&setup.alice));
    }

    async fn an_imported_token_is_for_the_default_resource_or_those_that_are_named(setup) {
        let two: grantor::resource::ResourceIndicator = "https://api.test/two".parse().unwrap();
        expect_stored(setup.server.import_grant(&access_of("web")).await);
        let at_two = setup.server.resource_server().clone().with_resource(two.clone());
        assert_eq!(at_two.verify(&bearer(ACCESS)).await.unwrap_err().reason(), ErrorReason::AudienceMismatch);
        let other = "another token, of the second API".replace(' ', "-");
        let grant = grant_to("web").with_access_token(plain(&other), None).with_resource(two);
        expect_stored(setup.server.import_grant(&grant).await);
        assert!(at_two.verify(&bearer(&other)).await.is_ok());
        assert_eq!(refusal(&setup, &other).await, ErrorReason::AudienceMismatch);
    }

    async fn an_imported_refresh_token_rotates_into_tokens_of_the_crates_own_form(setup) {
        for client in ["web", "pub"] {
            let text = format!("{REFRESH}{client}");
            expect_stored(setup.server.import_grant(&grant_to(client).with_refresh_token(plain(&text), None)).await);
            let second = setup.refreshed(client, &text).await;
            assert_eq!((second.text("scope"), &second.json["expires_in"]), ("read write", &3_600.into()));
            assert!(second.text("refresh_token").starts_with("gr_rt_"), "{client}");
            assert!(setup.is_accepted(second.text("access_token")).await);
            let third = setup.refreshed(client, second.text("refresh_token")).await;
            assert!(setup.is_accepted(third.text("access_token")).await);
        }
    }

    async fn a_retry_of_an_imported_refresh_token_gets_the_same_answer(setup) {
        for client in ["web", "pub"] {
            let text = format!("{REFRESH}{client}");
            expect_stored(setup.server.import_grant(&grant_to(client).with_refresh_token(plain(&text), None)).await);
            let lost = setup.refreshed(client, &text).await;
            setup.clock.advance(Duration::from_secs(9));
            assert_eq!(secrets(&setup.refreshed(client, &text).await), secrets(&lost));
            // In between, somebody starts the import once more.
            let again = setup.server.import_grant(&grant_to(client).with_refresh_token(plain(&text), None)).await;
            assert_eq!(again.unwrap(), Imported::Already);
            assert_eq!(secrets(&setup.refreshed(client, &text).await), secrets(&lost));
        }
    }

    async fn a_replay_of_an_imported_refresh_token_kills_what_came_of_it(setup) {
        expect_stored(setup.server.import_grant(&refresh_of("web")).await);
        let second = setup.refreshed("web", REFRESH).await;
        let third = setup.refreshed("web", second.text("refresh_token")).await;
        assert!(!setup.can_refresh("web", REFRESH).await);
        assert!(!setup.can_refresh("web", third.text("refresh_token")).await);
        assert!(!setup.is_accepted(third.text("access_token")).await);
        // A replayed token is not brought back by the old table.
        assert_eq!(setup.server.import_grant(&refresh_of("web")).await.unwrap(), Imported::Already);
        assert!(!setup.can_refresh("web", REFRESH).await);
    }

    async fn an_imported_refresh_token_stays_where_refresh_tokens_are_reused(setup) {
        setup.add(like_web("linkkit").with_refresh_policy(RefreshPolicy::Reuse)).await;
        expect_stored(setup.server.import_grant(&refresh_of("linkkit")).await);
        for _ in 0..3 {
            let answer = setup.refreshed("linkkit", REFRESH).await;
            assert!(answer.json.get("refresh_token").is_none());
            assert!(setup.is_accepted(answer.text("access_token")).await);
        }
    }

    async fn an_imported_refresh_token_is_for_its_client_only_and_until_it_expires(setup) {
        let grant = grant_to("web").with_refresh_token(plain(REFRESH), Some(after(&setup, 60)));
        expect_stored(setup.server.import_grant(&grant).await);
        setup.token(&setup.refresh("other", REFRESH)).await.expect_error(400, "invalid_grant");
        let unproved = setup.refresh("web", REFRESH).set("client_secret", "wrong");
        setup.token(&unproved).await.expect_error(401, "invalid_client");
        setup.clock.advance(Duration::from_secs(60));
        setup.token(&setup.refresh("web", REFRESH)).await.expect_error(400, "invalid_grant");
    }

    async fn a_client_revokes_its_imported_tokens_and_a_second_import_does_not_bring_them_back(setup) {
        let both = access_of("web").with_refresh_token(plain(REFRESH), None);
        expect_stored(setup.server.import_grant(&both).await);
        setup.revoke("other", ACCESS).await.expect_error(400, "invalid_grant");
        assert!(setup.is_accepted(ACCESS).await);
        setup.revoke("web", ACCESS).await.expect_ok();
        assert!(!setup.is_accepted(ACCESS).await);
        setup.revoke("web", REFRESH).await.expect_ok();
        assert_eq!(setup.server.import_grant(&both).await.unwrap(), Imported::Already);
        assert!(!setup.is_accepted(ACCESS).await);
        assert!(!setup.can_refresh("web", REFRESH).await);
        setup.revoke("web", "never-issued-anywhere").await.expect_ok();
    }

    async fn introspection_knows_imported_tokens(setup) {
        let both = grant_to("web")
            .with_access_token(plain(ACCESS), Some(after(&setup, 60)))
            .with_refresh_token(plain(REFRESH), None);
        expect_stored(setup.server.import_grant(&both).await);
        for token in [ACCESS, REFRESH] {
            let told = setup.introspect("web", token).await.expect_ok();
            assert_eq!(told.json["active"], true);
            assert_eq!((told.text("client_id"), told.text("sub"), told.text("scope")), ("web", "alice", "read write"));
            assert_eq!(setup.introspect("other", token).await.body, r#"{"active":false}"#);
        }
        assert_eq!(setup.introspect("web", ACCESS).await.json["exp"], after(&setup, 60).unix_seconds());
        setup.clock.advance(Duration::from_secs(60));
        assert_eq!(setup.introspect("web", ACCESS).await.body, r#"{"active":false}"#);
    }

    async fn withdrawing_ends_both_tokens_of_one_authorization(setup) {
        let both = access_of("web").with_refresh_token(plain(REFRESH), None);
        expect_stored(setup.server.import_grant(&both).await);
        setup.server.withdraw(&setup.alice, &"web".parse().unwrap()).await.unwrap();
        assert!(!setup.is_accepted(ACCESS).await);
        assert!(!setup.can_refresh("web", REFRESH).await);
        assert_eq!(setup.server.import_grant(&both).await.unwrap(), Imported::Already);
        assert!(!setup.is_accepted(ACCESS).await);
    }

    async fn revoking_a_user_or_a_client_ends_imported_tokens(setup) {
        expect_stored(setup.server.import_grant(&access_of("web")).await);
        assert_eq!(setup.server.revoke_subject(&setup.alice).await.unwrap(), 1);
        assert!(!setup.is_accepted(ACCESS).await);
        expect_stored(setup.server.import_grant(&refresh_of("web")).await);
        assert_eq!(setup.server.revoke_client(&"web".parse().unwrap()).await.unwrap(), 1);
        assert!(!setup.can_refresh("web", REFRESH).await);
    }

    async fn a_user_who_authorized_elsewhere_is_not_asked_again(setup) {
        expect_stored(setup.server.import_grant(&access_of("web")).await);
        let pending = setup.pending(&setup.request("web").set("scope", "read write")).await.unwrap();
        assert!(matches!(setup.server.recall(pending, &setup.alice).await.unwrap(), Recall::Remembered(_)));
    }
}

#[tokio::test]
async fn a_grant_of_another_user_or_client_is_not_touched_by_an_import() {
    for setup in both().await {
        let own = setup.tokens("web").await;
        expect_stored(setup.server.import_grant(&access_of("web")).await);
        setup.revoke("web", ACCESS).await.expect_ok();
        assert!(setup.is_accepted(own.text("access_token")).await);
        assert!(setup.can_refresh("web", own.text("refresh_token")).await);
    }
}
