//! What can be imported, and what is said of each row.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use grantor::client::ClientStatus;
use grantor::clock::Clock as _;
use grantor::configuration::ImportedTokens;
use grantor::error::ErrorReason;
use grantor::grant::ImportedGrant;
use grantor::policy::{Lifetimes, RefreshPolicy};
use grantor::store::Page;
use grantor::{ImportError, Imported, Tenant};

use super::{ACCESS, REFRESH, access_of, after, both, expect_stored, grant_to, plain, refresh_of, refusal};
use crate::support::{Recorder, Setup, bearer, like_web};

importing_on_both_stores! {
    async fn a_personal_token_is_imported_without_a_client(setup) {
        let grant = ImportedGrant::personal(setup.alice.clone(), "Backup".parse().unwrap(), "read".parse().unwrap());
        expect_stored(setup.server.import_grant(&grant.clone().with_access_token(plain(ACCESS), None)).await);
        let access = setup.server.resource_server().verify_scope(&bearer(ACCESS), "read").await.unwrap();
        assert_eq!((access.client_id(), access.subject()), (None, Some(&setup.alice)));
        let refused = setup.server.import_grant(&grant.with_refresh_token(plain(REFRESH), None)).await;
        assert!(matches!(refused, Err(ImportError::UselessRefreshToken)), "{refused:?}");
    }

    async fn a_token_of_a_client_that_acts_for_itself_is_imported_without_a_user(setup) {
        let grant = ImportedGrant::client_credentials("svc".parse().unwrap(), "read".parse().unwrap());
        expect_stored(setup.server.import_grant(&grant.with_access_token(plain(ACCESS), None)).await);
        let access = setup.server.resource_server().verify(&bearer(ACCESS)).await.unwrap();
        assert_eq!((access.client_id().unwrap().as_str(), access.subject()), ("svc", None));
    }

    async fn what_expired_is_not_imported(setup) {
        let dead = grant_to("web")
            .with_access_token(plain(ACCESS), Some(setup.clock.now()))
            .with_refresh_token(plain(REFRESH), Some(setup.clock.now()));
        assert_eq!(setup.server.import_grant(&dead).await.unwrap(), Imported::Expired);
        assert!(setup.server.grants(&setup.alice, Page::first(NonZeroU32::MAX)).await.unwrap().is_empty());
        let half = dead.with_refresh_token(plain(REFRESH), Some(after(&setup, 60)));
        expect_stored(setup.server.import_grant(&half).await);
        assert_eq!(refusal(&setup, ACCESS).await, ErrorReason::AccessTokenUnknown);
        setup.refreshed("web", REFRESH).await;
    }

    async fn a_batch_reports_each_row_and_goes_on_behind_a_bad_one(setup) {
        let rows = [access_of("web"), access_of("nobody"), access_of("web"), refresh_of("web")];
        let results = setup.server.import_grants(&rows).await;
        assert!(
            matches!(
                &results[..],
                [Ok(Imported::Stored), Err(ImportError::UnknownClient), Ok(Imported::Already), Ok(Imported::Stored)]
            ),
            "{results:?}"
        );
    }

    async fn what_would_never_work_is_refused(setup) {
        setup.add(like_web("off").with_status(ClientStatus::Disabled)).await;
        setup.add(like_web("never").with_refresh_policy(RefreshPolicy::Never)).await;
        setup.add(like_web("tied").with_tenant("acme".parse().unwrap())).await;
        let import = async |grant: ImportedGrant| setup.server.import_grant(&grant).await.unwrap_err();
        assert!(matches!(import(grant_to("web")).await, ImportError::NoToken));
        assert!(matches!(import(access_of("off")).await, ImportError::UnknownClient));
        assert!(matches!(import(refresh_of("never")).await, ImportError::UselessRefreshToken));
        let foreign = access_of("tied").with_tenant("other".parse().unwrap());
        assert!(matches!(import(foreign).await, ImportError::ForeignTenant));
        let elsewhere = access_of("web").with_resource("https://elsewhere.test".parse().unwrap());
        assert!(matches!(import(elsewhere).await, ImportError::UnknownResource));
        let scope = "read delete-everything".parse().unwrap();
        let undeclared = ImportedGrant::new("web".parse().unwrap(), setup.alice.clone(), scope);
        let undeclared = undeclared.with_access_token(plain(ACCESS), None);
        assert!(matches!(import(undeclared).await, ImportError::UndeclaredScope));
        let long_ago = setup.clock.now().saturating_sub(Duration::from_hours(24 * 90));
        assert!(matches!(import(refresh_of("web").with_created_at(long_ago)).await, ImportError::Outlived));
        assert!(setup.server.grants(&setup.alice, Page::first(NonZeroU32::MAX)).await.unwrap().is_empty());
        // For a client without an absolute lifetime it is not too old.
        let endless = Lifetimes::new().with_refresh_absolute(None);
        setup.add(like_web("patient").with_lifetimes(endless)).await;
        expect_stored(setup.server.import_grant(&refresh_of("patient").with_created_at(long_ago)).await);
        setup.refreshed("patient", REFRESH).await;
    }

    async fn an_imported_grant_is_confined_to_the_tenant_of_its_client(setup) {
        let tenant: Tenant = "acme".parse().unwrap();
        setup.add(like_web("tied").with_tenant(tenant.clone())).await;
        expect_stored(setup.server.import_grant(&access_of("tied")).await);
        let access = setup.server.resource_server().verify(&bearer(ACCESS)).await.unwrap();
        assert_eq!(access.tenant(), Some(&tenant));
    }

    async fn dead_imported_tokens_are_purged(setup) {
        let grant = grant_to("web")
            .with_access_token(plain(ACCESS), Some(after(&setup, 60)))
            .with_refresh_token(plain(REFRESH), Some(after(&setup, 120)));
        expect_stored(setup.server.import_grant(&grant).await);
        setup.clock.advance(Duration::from_hours(2));
        while setup.server.purge(NonZeroU32::MAX).await.unwrap() > 0 {}
        assert!(setup.server.grants(&setup.alice, Page::first(NonZeroU32::MAX)).await.unwrap().is_empty());
        assert_eq!(setup.server.import_grant(&grant).await.unwrap(), Imported::Expired);
    }
}

#[tokio::test]
async fn the_operator_hears_of_each_token_that_is_imported_and_of_no_secret() {
    for start in Setup::both_starts().await {
        let recorder = Arc::new(Recorder::default());
        let accepting = |builder: grantor::AuthorizationServerBuilder| {
            builder.imported_tokens(ImportedTokens::Accepted).observer(recorder.clone())
        };
        let setup = Setup::start(start, accepting).await;
        let both = access_of("web").with_refresh_token(plain(REFRESH), None);
        for text in [ACCESS, REFRESH] {
            setup.secrets.note("imported token", text);
            assert!(!format!("{both:?}").contains(text));
        }
        for told in [2, 0] {
            setup.server.import_grant(&both).await.unwrap();
            let events = recorder.take();
            assert_eq!(events.len(), told);
            assert!(events.iter().all(|event| event.starts_with("Imported") && event.contains("alice")), "{events:?}");
        }
    }
}

#[tokio::test]
async fn a_wildcard_of_the_old_table_is_all_that_the_client_may_have() {
    for start in Setup::both_starts().await {
        let setup = Setup::start(start, |builder| {
            builder.imported_tokens(ImportedTokens::Accepted).wildcard_scope("*").scope_implies("admin", ["write"])
        })
        .await;
        let row = |client: &str, scope: &str, token: &str| {
            ImportedGrant::new(client.parse().unwrap(), setup.alice.clone(), scope.parse().unwrap())
                .with_access_token(plain(token), None)
        };
        let (limited, unlimited, implying) = ("a-token-of-svc-0001", "a-token-of-web-0001", "a-token-of-web-0002");
        let rows = [row("svc", "*", limited), row("web", "*", unlimited), row("web", "admin", implying)];
        for (row, token, scope) in rows
            .iter()
            .zip([(limited, "read write"), (unlimited, "read write admin"), (implying, "admin write")])
            .map(|(row, (token, scope))| (row, token, scope))
        {
            expect_stored(setup.server.import_grant(row).await);
            let access = setup.server.resource_server().verify(&bearer(token)).await.unwrap();
            assert_eq!(access.scope().as_str(), scope);
        }
    }
}
