//! The authorization endpoint, and what else the host calls.

use grantor::error::ErrorReason;
use grantor::store::{ClientRegistry, GrantStore};
use grantor::{Approval, Recall, Visitor};
use http::StatusCode;

use super::machine::{Machine, Seen};

// UI-006, AERR-007: a decision gives a code, or can be made again, or is told to be made
pub async fn a_decision<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let request = setup.request("web");
    let calls = machine
        .at_every_fault(async |point| {
            let token = setup.consent_token(&setup.pending(&request).await.unwrap());
            let decide = async || {
                let decided = async {
                    let pending = setup.pending(&request).await?;
                    let confirmed = pending.confirm(&setup.session, &setup.alice, &token)?;
                    setup.server.approve(confirmed, Approval::all()).await
                };
                match decided.await {
                    Ok(response) => response.into_http().into(),
                    Err(error) => setup.answer(error, Visitor::SignedIn),
                }
            };
            let known = setup.granted().await.len();
            let seen = machine.attempt(point, StatusCode::SEE_OTHER, decide()).await;
            let made = setup.granted().await.len() - known;
            assert!(made <= 1 && (made == 1 || !matches!(seen, Seen::Right(_))), "{point:?}");
            let again = decide().await;
            assert_eq!(setup.granted().await.len() - known, 1, "one decision, one grant: {point:?}");
            assert_eq!(again.header("location").is_some_and(|location| location.contains("code=")), made == 0);
            assert!(machine.work(&setup.tokens("web").await).await);
        })
        .await;
    assert_eq!(calls, 2);
}

// UI-024: a no is stored or can be said again, and no yes comes after it
pub async fn a_denial<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let request = setup.request("web");
    let calls = machine
        .at_every_fault(async |point| {
            let token = setup.consent_token(&setup.pending(&request).await.unwrap());
            let confirmed = async || setup.pending(&request).await?.confirm(&setup.session, &setup.alice, &token);
            let deny = async || setup.server.deny(confirmed().await?).await;
            let known = setup.granted().await.len();
            let denied = machine.try_with(point, deny()).await;
            let stored = setup.granted().await.len() - known;
            assert!(stored <= 1 && (stored == 1 || !matches!(denied, Some(Ok(_)))), "{point:?}");
            assert_eq!(deny().await.is_ok(), stored == 0, "{point:?}");
            let approved = setup.server.approve(confirmed().await.unwrap(), Approval::all()).await;
            let refused = approved.map(drop).map_err(|error| error.reason());
            assert_eq!(refused, Err(ErrorReason::DecisionRepeated), "{point:?}");
            assert!(setup.granted().await.iter().all(|summary| !summary.is_live(setup.now())), "{point:?}");
        })
        .await;
    assert_eq!(calls, 2);
}

// CONS-008: what the host calls finishes when it is called again
pub async fn what_the_host_calls<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let web = "web".parse().unwrap();
    let calls = machine
        .at_every_fault(async |point| {
            let tokens = setup.tokens("web").await;
            let recalled = async {
                let pending = setup.pending(&setup.request("web")).await?;
                setup.server.recall(pending, &setup.alice).await
            };
            let recalled = machine.try_with(point, recalled).await;
            assert!(!matches!(recalled, Some(Ok(Recall::Ask(_)))), "a consent was forgotten: {point:?}");
            assert!(machine.work(&tokens).await);
        })
        .await;
    assert_eq!(calls, 2);
    setup.server.withdraw(&setup.alice, &web).await.unwrap();
    let calls = machine
        .at_every_fault(async |point| {
            let grants = [setup.tokens("web").await, setup.tokens("web").await];
            let withdrawn = machine.try_with(point, setup.server.withdraw(&setup.alice, &web)).await;
            for tokens in &grants {
                assert!(!(machine.work(tokens).await && matches!(withdrawn, Some(Ok(_)))), "{point:?}");
            }
            setup.server.withdraw(&setup.alice, &web).await.unwrap();
            for tokens in &grants {
                assert!(!machine.work(tokens).await, "{point:?}");
            }
        })
        .await;
    assert!(calls >= 3);
    let calls = machine
        .at_every_fault(async |point| {
            let tokens = setup.tokens("web").await;
            let _ = machine.try_with(point, setup.server.purge(100.try_into().unwrap())).await;
            assert!(machine.work(&tokens).await, "{point:?}");
        })
        .await;
    assert_eq!(calls, 3);
}
