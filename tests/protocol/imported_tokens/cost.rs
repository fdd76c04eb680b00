//! How often the store is asked: for an imported token, and for garbage.

use std::sync::Arc;

use grantor::ImportError;
use grantor::configuration::ImportedTokens;
use grantor::error::ErrorReason;

use super::{ACCESS, REFRESH, access_of, expect_stored, plain, refusal};
use crate::support::Setup;
use crate::support::counting::Counting;

#[tokio::test]
async fn without_the_option_nothing_is_imported_and_garbage_costs_no_read() {
    for start in Setup::both_starts().await {
        let counting = Arc::new(Counting::default());
        let setup = Setup::intercepted(start, &counting, |builder| builder).await;
        counting.take();
        let refused = setup.server.import_grant(&access_of("web")).await;
        assert!(matches!(refused, Err(ImportError::NotAccepted)), "{refused:?}");
        counting.take();
        assert_eq!(refusal(&setup, ACCESS).await, ErrorReason::AccessTokenUnknown);
        assert_eq!(counting.take(), (0, vec![]));
        setup.token(&setup.refresh("web", REFRESH)).await.expect_error(400, "invalid_grant");
        setup.revoke("web", ACCESS).await.expect_ok();
        assert_eq!(setup.introspect("web", ACCESS).await.body, r#"{"active":false}"#);
        assert_eq!(counting.take().1, ["find_client"; 3]);
    }
}

#[tokio::test]
async fn with_the_option_a_check_is_one_read_and_what_no_token_can_be_is_none() {
    for start in Setup::both_starts().await {
        let counting = Arc::new(Counting::default());
        let accepting =
            |builder: grantor::AuthorizationServerBuilder| builder.imported_tokens(ImportedTokens::Accepted);
        let setup = Setup::intercepted(start, &counting, accepting).await;
        expect_stored(setup.server.import_grant(&access_of("web").with_refresh_token(plain(REFRESH), None)).await);
        counting.take();
        assert!(setup.is_accepted(ACCESS).await);
        assert_eq!(counting.take(), (1, vec!["find_access_token"]));
        assert_eq!(refusal(&setup, "garbage-that-was-never-issued").await, ErrorReason::AccessTokenUnknown);
        assert_eq!(counting.take(), (1, vec!["find_access_token"]));
        for nothing in ["xyz", "with spaces inside it", &"x".repeat(4_097)] {
            refusal(&setup, nothing).await;
            assert_eq!(counting.take(), (0, vec![]), "{nothing}");
        }
        setup.refreshed("web", REFRESH).await;
        assert_eq!(counting.take(), (2, vec!["find_client", "find_refresh_token", "rotate_refresh_token"]));
    }
}
