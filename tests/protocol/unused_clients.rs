//! Clients that registered themselves and that nobody uses are forgotten.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use grantor::client::{ClientMetadata, ClientStatus, GrantType, Vetting};
use grantor::configuration::{Registration, RegistrationRules, UnusedClients};
use grantor::store::MemoryStore;
use grantor::testkit::{Faults, FaultyStore};
use grantor::{AuthorizationServer, NewApp, Stores};
use serde_json::{Value, json};

use crate::browser::expect_page;
use crate::registration::{expect_registered, public, register, request, with};
use crate::support::counting::Counting;
use crate::support::{Answer, Form, Recorder, Setup, basic};

const MANY: NonZeroU32 = NonZeroU32::new(1_000).unwrap();
const DAY: Duration = Duration::from_hours(24);
const MILLISECOND: Duration = Duration::from_millis(1);

/// A client that may refresh.
fn refreshing() -> Value {
    with(public(), "grant_types", json!(["authorization_code", "refresh_token"]))
}

async fn newcomer(setup: &Setup) -> Answer {
    expect_registered(register(setup, &refreshing()).await)
}

async fn is_known(setup: &Setup, registered: &Answer) -> bool {
    setup.server.client(&registered.text("client_id").parse().unwrap()).await.unwrap().is_some()
}

/// The token response for a fresh code of a client that just registered.
async fn tokens(setup: &Setup, registered: &Answer) -> Answer {
    let code = setup.code_for(&request(setup, registered)).await;
    let form = setup.exchange("pub", &code).set("client_id", registered.text("client_id"));
    setup.token(&form.set("redirect_uri", "https://new.test/cb")).await.expect_ok()
}

/// Purges until nothing is left to purge, and returns how many rows went.
async fn purge(server: &AuthorizationServer) -> u32 {
    let mut rows = 0;
    loop {
        match server.purge(MANY).await.unwrap() {
            0 => return rows,
            some => rows += some,
        }
    }
}

/// Days pass, each with its purge, and the client stays.
async fn stays_for(setup: &Setup, registered: &Answer, days: u32) {
    for day in 0..days {
        assert!(is_known(setup, registered).await, "after {day} days");
        setup.clock.advance(DAY);
        purge(&setup.server).await;
    }
}

async fn goes_within(setup: &Setup, registered: &Answer, days: u32) {
    for _ in 0..days {
        setup.clock.advance(DAY);
        purge(&setup.server).await;
    }
    assert!(!is_known(setup, registered).await);
}

on_both_stores! {
    // DCR-027, DCR-028, MCP-022, ATK-072
    async fn a_client_that_nobody_used_for_a_day_is_forgotten_and_told_to_register_again(setup) {
        let (unused, used) = (newcomer(&setup).await, newcomer(&setup).await);
        let before = setup.registry.count_clients(MANY).await.unwrap();
        let issued = tokens(&setup, &used).await;
        setup.clock.advance(DAY);
        purge(&setup.server).await;
        assert!(is_known(&setup, &unused).await, "its time is not over");
        setup.clock.advance(MILLISECOND);
        assert_eq!(purge(&setup.server).await, 1, "one client");
        assert!(!is_known(&setup, &unused).await && is_known(&setup, &used).await);
        assert_eq!(setup.registry.count_clients(MANY).await.unwrap(), before - 1);

        expect_page(&setup.approve(&request(&setup, &unused)).await, 400, &"forgotten");
        let id = unused.text("client_id");
        let exchange = setup.exchange("pub", "gr_ac_x").set("client_id", id);
        setup.token(&exchange).await.expect_error(401, "invalid_client");
        let refresh = setup.refresh("pub", issued.text("refresh_token")).set("client_id", id);
        setup.token(&refresh).await.expect_error(401, "invalid_client");
        let refresh = refresh.set("client_id", used.text("client_id"));
        setup.token(&refresh).await.expect_ok();
    }

    async fn a_client_in_use_stays_and_goes_when_its_last_grant_is_long_gone(setup) {
        let registered = newcomer(&setup).await;
        let mut refresh_token = tokens(&setup, &registered).await.text("refresh_token").to_owned();
        for _ in 0..80 {
            setup.clock.advance(DAY);
            purge(&setup.server).await;
            let refresh = setup.refresh("pub", &refresh_token).set("client_id", registered.text("client_id"));
            refresh_token = setup.token(&refresh).await.expect_ok().text("refresh_token").to_owned();
        }
        // Nobody refreshes any more, and ninety days after the consent nothing is left of the grant.
        for _ in 0..11 {
            setup.clock.advance(DAY);
            purge(&setup.server).await;
        }
        assert!(setup.granted().await.is_empty());
        stays_for(&setup, &registered, 90).await;
        goes_within(&setup, &registered, 27).await;
    }

    async fn a_client_whose_grants_are_short_is_in_use_as_long_as_it_gets_new_ones(setup) {
        let metadata = with(public(), "grant_types", json!(["authorization_code"]));
        let registered = expect_registered(register(&setup, &metadata).await);
        for _ in 0..30 {
            tokens(&setup, &registered).await;
            stays_for(&setup, &registered, 7).await;
            assert!(setup.granted().await.is_empty(), "a grant ends long before the next look at its client");
        }
        stays_for(&setup, &registered, 83).await;
        goes_within(&setup, &registered, 35).await;
    }

    async fn a_change_of_its_registration_gives_a_client_no_more_time(setup) {
        let registered = newcomer(&setup).await;
        setup.clock.advance(DAY);
        let uri = registered.text("registration_client_uri").strip_prefix("https://as.test").unwrap().to_owned();
        let metadata = with(refreshing(), "client_id", json!(registered.text("client_id")));
        let request = http::Request::put(uri)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", registered.text("registration_access_token")));
        setup.send(request.body(metadata.to_string()).unwrap()).await.expect_ok();
        setup.clock.advance(MILLISECOND);
        assert_eq!(purge(&setup.server).await, 1);
        assert!(!is_known(&setup, &registered).await);
    }

    async fn whoever_is_vouched_for_stays(setup) {
        let registered = newcomer(&setup).await;
        setup.change(registered.text("client_id"), |client| client.with_vetting(Vetting::Vetted)).await;
        let app = NewApp::new(
            setup.alice.clone(),
            ClientMetadata::new(),
            vec!["https://app.test/cb".parse().unwrap()],
        );
        let app = setup.server.register_public_app(app).await.unwrap();
        for _ in 0..10 {
            setup.clock.advance(DAY * 365);
            assert_eq!(purge(&setup.server).await, 0);
        }
        assert!(is_known(&setup, &registered).await);
        assert!(setup.server.client(app.client().id()).await.unwrap().is_some());
    }

    async fn of_several_that_purge_at_once_one_deletes_a_client(setup) {
        for _ in 0..20 {
            newcomer(&setup).await;
        }
        let before = setup.registry.count_clients(MANY).await.unwrap();
        setup.clock.advance(DAY + MILLISECOND);
        let purges: Vec<_> = (0..4)
            .map(|_| {
                let server = setup.server.clone();
                tokio::spawn(async move { purge(&server).await })
            })
            .collect();
        let mut gone = 0;
        for purge in purges {
            gone += purge.await.unwrap();
        }
        assert_eq!(gone, 20);
        assert_eq!(setup.registry.count_clients(MANY).await.unwrap(), before - 20);
    }

    async fn a_client_that_was_disabled_over_a_crash_goes_with_the_next_purge(setup) {
        let registered = newcomer(&setup).await;
        setup.change(registered.text("client_id"), |client| client.with_status(ClientStatus::Disabled)).await;
        setup.clock.advance(DAY + MILLISECOND);
        assert_eq!(purge(&setup.server).await, 1);
        assert!(!is_known(&setup, &registered).await);
    }

    async fn a_purge_takes_no_more_clients_than_it_may(setup) {
        for _ in 0..5 {
            newcomer(&setup).await;
        }
        setup.clock.advance(DAY + MILLISECOND);
        let two = NonZeroU32::new(2).unwrap();
        for expected in [2, 2, 1, 0] {
            assert_eq!(setup.server.purge(two).await.unwrap(), expected);
        }
    }
}

fn rules(rules: RegistrationRules) -> Registration {
    Registration::Open(rules.with_scope("read write".parse().unwrap()))
}

// DCR-027
#[tokio::test]
async fn a_registry_that_spam_has_filled_takes_newcomers_again_once_that_is_forgotten() {
    let full = || rules(RegistrationRules::new().with_max_clients(NonZeroU32::new(13).unwrap()));
    for setup in Setup::both_with(|builder| builder.registration(full())).await {
        // Ten clients are there already.
        for _ in 0..3 {
            newcomer(&setup).await;
        }
        register(&setup, &public()).await.expect_error(503, "temporarily_unavailable");
        setup.clock.advance(DAY + MILLISECOND);
        assert_eq!(purge(&setup.server).await, 3);
        newcomer(&setup).await;
    }
}

#[tokio::test]
async fn the_operator_says_how_long_or_that_nobody_is_forgotten() {
    let soon = UnusedClients::Forgotten { unless_used_within: DAY / 24, once_idle_for: DAY };
    for (unused, stays) in [(soon, false), (UnusedClients::Kept, true)] {
        let registration = || rules(RegistrationRules::new().with_unused_clients(unused));
        for setup in Setup::both_with(|builder| builder.registration(registration())).await {
            let registered = newcomer(&setup).await;
            setup.clock.advance(DAY / 24 + MILLISECOND);
            purge(&setup.server).await;
            assert_eq!(is_known(&setup, &registered).await, stays, "{unused:?}");
            setup.clock.advance(DAY * 10_000);
            purge(&setup.server).await;
            assert_eq!(is_known(&setup, &registered).await, stays, "{unused:?}");
        }
    }
}

#[tokio::test]
async fn the_operator_is_told_of_each_client_that_was_forgotten() {
    let recorder = Arc::new(Recorder::default());
    let observer = recorder.clone();
    let setup = Setup::memory_with(|builder| builder.observer(observer)).await;
    let registered = newcomer(&setup).await;
    setup.clock.advance(DAY + MILLISECOND);
    recorder.take();
    purge(&setup.server).await;
    let told = recorder.take();
    let [deleted, purged] = told.as_slice() else { panic!("{told:?}") };
    assert!(deleted.starts_with("Deleted") && deleted.contains(registered.text("client_id")), "{deleted}");
    assert!(deleted.contains("by: Operator"), "{deleted}");
    assert_eq!(purged, "Purged { codes: 0, tokens: 0, clients: 1 }");
}

// Nothing is written over a client that is in use, but for once in nine days.
#[tokio::test]
async fn the_use_of_a_client_is_noted_now_and_then_only() {
    let counting = Arc::new(Counting::default());
    let setup = Setup::intercepted(Setup::memory_start(), &counting, |builder| builder).await;
    let registered = newcomer(&setup).await;
    let approve = async || {
        counting.take();
        setup.code_for(&request(&setup, &registered)).await;
        counting.take().1
    };
    let plain = ["find_client", "find_client", "insert_code"];
    let noted = ["find_client", "find_client", "update_client", "insert_code"];
    assert_eq!(approve().await, noted);
    for _ in 0..8 {
        assert_eq!(approve().await, plain);
        setup.clock.advance(DAY);
    }
    assert_eq!(approve().await, plain);
    setup.clock.advance(DAY);
    assert_eq!(approve().await, noted);
    let tokens = tokens(&setup, &registered).await;
    counting.take();
    let refresh = setup.refresh("pub", tokens.text("refresh_token")).set("client_id", registered.text("client_id"));
    setup.token(&refresh).await.expect_ok();
    assert_eq!(counting.take().1, ["find_client", "find_refresh_token", "rotate_refresh_token"]);
}

#[tokio::test]
async fn a_client_that_acts_for_itself_is_in_use() {
    let own = || {
        let grants = [GrantType::AuthorizationCode, GrantType::ClientCredentials];
        rules(RegistrationRules::new().with_grant_types(grants))
    };
    for setup in Setup::both_with(|builder| builder.registration(own())).await {
        let metadata = json!({ "grant_types": ["client_credentials"] });
        let registered = expect_registered(register(&setup, &metadata).await);
        let authorization = basic(registered.text("client_id"), registered.text("client_secret"));
        for _ in 0..20 {
            let form = Form::of(&[("grant_type", "client_credentials")]);
            setup.post("/oauth/token", &form, Some(&authorization)).await.expect_ok();
            stays_for(&setup, &registered, 10).await;
        }
        stays_for(&setup, &registered, 80).await;
        goes_within(&setup, &registered, 40).await;
    }
}

#[tokio::test]
async fn a_store_that_cannot_note_a_use_is_told_of_and_the_grant_is_given() {
    let recorder = Arc::new(Recorder::default());
    let store = Arc::new(MemoryStore::new());
    let faulty = FaultyStore::around(store.clone(), Arc::new(Faults::default()));
    let (stores, observer) = (Stores::from(Arc::new(faulty.clone())), recorder.clone());
    let setup = Setup::build(stores, store.clone(), store, None, |builder| builder.observer(observer)).await;
    let registered = newcomer(&setup).await;
    recorder.take();
    faulty.fail_each("update_client");
    tokens(&setup, &registered).await;
    let failed: Vec<_> = recorder.take().into_iter().filter(|event| event.starts_with("Failed")).collect();
    assert!(failed.len() == 1 && failed[0].contains("operation: Approve"), "{failed:?}");
}
