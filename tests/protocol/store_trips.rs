//! How often the store is asked, and how many of the questions wait for each other (design, section 9).

use std::sync::Arc;

use grantor::{Approval, Recall};
use http::HeaderMap;

use crate::support::counting::Counting;
use crate::support::{Form, Setup, Start, bearer};

/// A server on a store that counts.
async fn counted(start: Start) -> (Setup, Arc<Counting>) {
    let counting = Arc::new(Counting::default());
    let setup = Setup::intercepted(start, &counting, |builder| builder).await;
    (setup, counting)
}

/// Turns each test into one on both stores.
macro_rules! counting_on_both_stores {
    ($($(#[$meta:meta])* async fn $name:ident($setup:ident, $counting:ident) $body:block)*) => {
        $(
            $(#[$meta])*
            #[tokio::test]
            async fn $name() {
                for start in Setup::both_starts().await {
                    let ($setup, $counting) = counted(start).await;
                    $body
                }
            }
        )*
    };
}

counting_on_both_stores! {
    async fn from_an_authorization_request_to_a_code_it_takes_two_trips_and_two_statements(setup, counting) {
        let pending = setup.pending(&setup.request("pub")).await.unwrap();
        let token = setup.consent_token(&pending);
        let confirmed = pending.confirm(&setup.session, &setup.alice, &token).unwrap();
        drop(setup.server.approve(confirmed, Approval::all()).await.unwrap());
        assert_eq!(counting.take(), (2, vec!["find_client", "insert_code"]));
    }

    async fn looking_for_a_remembered_consent_takes_one_trip_more(setup, counting) {
        let pending = setup.pending(&setup.request("web")).await.unwrap();
        let Recall::Ask(_) = setup.server.recall(pending, &setup.alice).await.unwrap() else {
            panic!("nothing to remember")
        };
        assert_eq!(counting.take(), (2, vec!["find_client", "list_grants"]));
        // And none at all for a client that is always asked.
        let pending = setup.pending(&setup.request("native")).await.unwrap();
        drop(setup.server.recall(pending, &setup.alice).await.unwrap());
        assert_eq!(counting.take(), (1, vec!["find_client"]));
    }

    async fn an_exchange_takes_two_trips_and_three_statements(setup, counting) {
        for client in ["pub", "web"] {
            let form = setup.exchange(client, &setup.code(client).await);
            counting.take();
            setup.token(&form).await.expect_ok();
            assert_eq!(counting.take(), (2, vec!["find_client", "find_code", "exchange_code"]));
        }
    }

    async fn a_refresh_and_its_retry_take_two_trips_and_three_statements(setup, counting) {
        for client in ["pub", "web"] {
            let first = setup.tokens(client).await;
            counting.take();
            for _ in 0..2 {
                setup.refreshed(client, first.text("refresh_token")).await;
                assert_eq!(counting.take(), (2, vec!["find_client", "find_refresh_token", "rotate_refresh_token"]));
            }
        }
    }

    async fn a_bearer_check_takes_one_statement(setup, counting) {
        let tokens = setup.tokens("pub").await;
        counting.take();
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        assert_eq!(counting.take(), (1, vec!["find_access_token"]));
    }

    async fn introspection_takes_one_trip_and_two_statements(setup, counting) {
        let tokens = setup.tokens("web").await;
        counting.take();
        for (token, statement) in [("access_token", "find_access_token"), ("refresh_token", "find_refresh_token")] {
            assert_eq!(setup.introspect("web", tokens.text(token)).await.json["active"], true);
            assert_eq!(counting.take(), (1, vec!["find_client", statement]));
        }
    }

    async fn a_clients_own_token_takes_two_trips_and_two_statements(setup, counting) {
        setup.own_token("svc").await;
        assert_eq!(counting.take(), (2, vec!["find_client", "insert_tokens"]));
    }

    async fn a_revocation_takes_two_trips_and_three_statements(setup, counting) {
        let tokens = setup.tokens("web").await;
        counting.take();
        setup.revoke("web", tokens.text("access_token")).await.expect_ok();
        assert_eq!(counting.take(), (2, vec!["find_client", "find_access_token", "revoke_access_token"]));
        setup.revoke("web", tokens.text("refresh_token")).await.expect_ok();
        assert_eq!(counting.take(), (2, vec!["find_client", "find_refresh_token", "revoke_grant"]));
    }

    async fn garbage_is_refused_without_asking_the_store_for_it(setup, counting) {
        let tokens = setup.tokens("web").await;
        let (access, long) = (tokens.text("access_token"), "x".repeat(10_000));
        let damaged = format!("{}{}", &access[..30], &tokens.text("refresh_token")[30..]);
        counting.take();
        for garbage in ["xyz", &access[1..], &access[..70], &damaged, &long, tokens.text("refresh_token")] {
            assert!(!setup.is_accepted(garbage).await);
        }
        drop(setup.server.resource_server().verify(&HeaderMap::new()).await.unwrap_err());
        drop(setup.server.resource_server().verify(&bearer("")).await.unwrap_err());
        assert_eq!(counting.take(), (0, vec![]));
        // The client has to be known all the same where it must authenticate.
        for garbage in ["xyz", &access[1..], &long] {
            setup.token(&setup.exchange("web", garbage)).await.expect_error(400, "invalid_grant");
            setup.token(&setup.refresh("web", garbage)).await.expect_error(400, "invalid_grant");
            setup.introspect("web", garbage).await.expect_ok();
            setup.revoke("web", garbage).await.expect_ok();
        }
        assert_eq!(counting.take(), (12, vec!["find_client"; 12]));
    }

    async fn a_request_that_names_no_client_or_no_grant_type_asks_nothing(setup, counting) {
        setup
            .token(&Form::of(&[("grant_type", "foo"), ("client_id", "web")]))
            .await
            .expect_error(400, "unsupported_grant_type");
        setup.token(&Form::of(&[("grant_type", "client_credentials")])).await.expect_error(401, "invalid_client");
        setup.token(&setup.exchange("web", "x").and("code", "y")).await.expect_error(400, "invalid_request");
        assert_eq!(counting.take(), (0, vec![]));
    }
}
