//! Codes in one store and tokens in another: two safely ordered steps instead of one.

use std::sync::Arc;

use grantor::store::{CodeStore as _, Insertion, JoinedStores, MemoryStore, TokenStore as _};
use grantor::{Approval, Stores};

use crate::support::Setup;

struct Apart {
    setup: Setup,
    codes: Arc<MemoryStore>,
    tokens: Arc<MemoryStore>,
}

async fn apart() -> Apart {
    let (clients, codes, tokens) =
        (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
    let stores = Stores::separate(clients.clone(), codes.clone(), tokens.clone()).with_registry(clients.clone());
    let grants = Arc::new(JoinedStores::new(codes.clone(), tokens.clone()));
    let setup = Setup::build(stores, grants, clients, None, |builder| builder).await;
    Apart { setup, codes, tokens }
}

#[tokio::test]
async fn the_whole_flow_works_on_separate_stores() {
    let Apart { setup, .. } = apart().await;
    let tokens = setup.tokens("pub").await;
    assert!(setup.is_accepted(tokens.text("access_token")).await);
    let refreshed = setup.token(&setup.refresh("pub", tokens.text("refresh_token"))).await.expect_ok();
    assert!(setup.is_accepted(refreshed.text("access_token")).await);
}

#[tokio::test]
async fn a_replayed_code_revokes_its_grant_on_separate_stores() {
    let Apart { setup, .. } = apart().await;
    let code = setup.code("pub").await;
    let form = setup.exchange("pub", &code);
    let tokens = setup.token(&form).await.expect_ok();
    setup.token(&form).await.expect_error(400, "invalid_grant");
    assert!(!setup.is_accepted(tokens.text("access_token")).await);
}

#[tokio::test]
async fn a_withdrawal_reaches_a_code_that_was_not_redeemed_yet() {
    let Apart { setup, .. } = apart().await;
    let code = setup.code("pub").await;
    setup.server.withdraw(&setup.alice, &"pub".parse().unwrap()).await.unwrap();
    setup.token(&setup.exchange("pub", &code)).await.expect_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_decision_that_got_half_way_is_not_mixed_with_another() {
    let Apart { setup, codes, tokens } = apart().await;
    let request = setup.request("pub").set("scope", "read write");
    let answer = setup.approve_with(&request, Approval::of("read".parse().unwrap())).await;
    assert_eq!(answer.status, 303);

    // The grant of some other decision is there already, and its code is not: as after a crash between the two steps.
    let page = grantor::store::Page::first(1.try_into().unwrap());
    let stored = tokens.list_grants(&setup.alice, None, page).await.unwrap().remove(0).grant;
    let half_done = Arc::new(grantor::grant::Grant { id: grantor::secret::GrantId::random(), ..(*stored).clone() });
    let keep_until = stored.created_at.saturating_add(std::time::Duration::from_secs(60));
    assert_eq!(tokens.insert_grant(&half_done, keep_until).await.unwrap(), Insertion::Inserted);

    let wider = Arc::new(grantor::grant::Grant { scope: "read write".parse().unwrap(), ..(*half_done).clone() });
    let code = grantor::grant::CodeRecord {
        key: grantor::secret::TokenKey { grant: wider.id, hash: grantor::secret::TokenHash::from_bytes([1; 32]) },
        grant: wider,
        challenge: None,
        redirect_uri: "https://app.test/cb".into(),
        redirect_uri_source: grantor::grant::RedirectUriSource::Requested,
        expires_at: keep_until,
        failures: 0,
        redeemed_at: None,
    };
    let joined = JoinedStores::new(codes.clone(), tokens);
    assert_eq!(joined.insert_code(&code).await.unwrap(), Insertion::Conflict);
    assert_eq!(codes.find_code(&code.key).await.unwrap(), None);
}
