//! How grants are listed.

use std::sync::Arc;

use super::super::{INTERLEAVINGS, arena, at_most, everything};
use super::{stored_under, summary};
use crate::clock::Timestamp;
use crate::grant::Grant;
use crate::identifier::Subject;
use crate::secret::GrantId;
use crate::store::{GrantSummary, Insertion, Page, TokenStore};
use crate::testkit::fixtures::{self, from_now};

/// A user's grants are listed whole, in order of their identifiers, in pages of any size.
///
/// > Lists the grants of a user, of one client if `client` is given, ordered by identifier
pub async fn grants_are_listed_by_user_in_order(store: &dyn TokenStore) {
    let (ada, bob, app) = (subject("{o'hara}: 用户 🦀"), subject("{o'hara}: 用户"), fixtures::client_id());
    // The bytes that a careless order gets wrong come first and last.
    let firsts = [0x00, 0x01, 0x0A, 0x20, 0x2D, 0x41, 0x5F, 0x61, 0x7F, 0x80, 0xBF, 0xC3, 0xFE, 0xFF];
    let mut ids: Vec<_> = firsts.iter().map(|first| with_first(*first)).collect();
    ids.push(GrantId::from_bytes([0; 16]));
    ids.push(GrantId::from_bytes([0xFF; 16]));
    for id in ids.iter().rev() {
        insert(store, &ada, *id).await;
    }
    stored_under(store, &fixtures::grant_of(&bob, &app)).await;
    ids.sort_unstable();
    assert_eq!(listed(store, &ada, everything()).await, ids);
    assert_eq!(listed(store, &bob, everything()).await.len(), 1);
    assert!(listed(store, &fixtures::subject(), everything()).await.is_empty());
    for size in 1..=17 {
        let mut all = Vec::new();
        let mut page = Page::first(at_most(size));
        loop {
            let grants = listed(store, &ada, page).await;
            assert!(grants.len() <= size as usize);
            let Some(last) = grants.last() else { break };
            page = Page::after(*last, at_most(size));
            all.extend(grants);
            assert!(all.len() <= ids.len(), "in pages of {size}, more is listed than there is");
        }
        assert_eq!(all, ids, "in pages of {size}");
    }
}

/// Of one client, the user's grants to it are listed and no others.
///
/// > Lists the grants of a user, of one client if `client` is given, ordered by identifier
pub async fn grants_are_listed_by_client(store: &dyn TokenStore) {
    let (ada, bob) = (fixtures::subject(), fixtures::subject());
    let (app, other) = (fixtures::client_id(), fixtures::client_id());
    let mut of_app = Vec::new();
    for n in 0..12 {
        let grant = fixtures::grant_of(&ada, if n % 3 == 0 { &app } else { &other });
        assert_eq!(store.insert_grant(&grant, from_now(60)).await.unwrap(), Insertion::Inserted);
        if n % 3 == 0 {
            of_app.push(grant.id);
        }
    }
    let personal = Arc::new(Grant { client: None, ..Grant::clone(&fixtures::grant_of(&ada, &app)) });
    for grant in [&personal, &fixtures::grant_of(&bob, &app)] {
        assert_eq!(store.insert_grant(grant, from_now(60)).await.unwrap(), Insertion::Inserted);
    }
    of_app.sort_unstable();
    let ids = |grants: Vec<GrantSummary>| grants.iter().map(|summary| summary.grant.id).collect::<Vec<_>>();
    assert_eq!(ids(store.list_grants(&ada, Some(&app), everything()).await.unwrap()), of_app);
    // A page is as long as it may be, however many others lie between.
    let first = store.list_grants(&ada, Some(&app), Page::first(at_most(3))).await.unwrap();
    assert_eq!(ids(first), of_app[..3]);
    let rest = store.list_grants(&ada, Some(&app), Page::after(of_app[2], at_most(3))).await.unwrap();
    assert_eq!(ids(rest), of_app[3..]);
    assert_eq!(listed(store, &ada, everything()).await.len(), 13);
    let unknown = store.list_grants(&ada, Some(&fixtures::client_id()), everything()).await.unwrap();
    assert!(unknown.is_empty());
}

/// A page begins behind its mark, whatever came in the meantime.
///
/// > Listings are ordered by identifier, so that no entry is skipped or repeated because others come and go.
pub async fn a_listing_of_grants_is_stable_while_others_come_and_go(store: &dyn TokenStore) {
    let ada = fixtures::subject();
    let [a, b, c, d, e] = [0x10, 0x20, 0x30, 0x40, 0x50].map(with_first);
    for id in [b, d, e] {
        insert(store, &ada, id).await;
    }
    assert_eq!(listed(store, &ada, Page::first(at_most(2))).await, [b, d]);
    insert(store, &ada, a).await;
    insert(store, &ada, c).await;
    assert_eq!(listed(store, &ada, Page::after(d, at_most(2))).await, [e]);
    // The mark need not be anybody's.
    assert_eq!(listed(store, &ada, Page::after(with_first(0x38), at_most(9))).await, [d, e]);
}

/// Grants that are there all the while are listed once each, in order, whatever is stored between two pages.
///
/// > Listings are ordered by identifier, so that no entry is skipped or repeated because others come and go.
pub async fn a_listing_beside_insertions_shows_each_grant_once(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 20 {
        let ada = fixtures::subject();
        let staying = [0x20, 0x40, 0x60, 0x80].map(with_first);
        for id in staying {
            insert(store, &ada, id).await;
        }
        let step = async |n: usize| {
            let mut all = Vec::new();
            if n > 0 {
                for _ in 0..4 {
                    insert(store, &ada, GrantId::random()).await;
                }
                return all;
            }
            let mut page = Page::first(at_most(1 + u32::try_from(seed % 3).unwrap()));
            loop {
                let grants = listed(store, &ada, page.clone()).await;
                let Some(last) = grants.last() else { break all };
                page.after = Some(*last);
                all.extend(grants);
                assert!(all.is_sorted_by(|one, next| one < next), "a grant is out of order: {all:?}");
            }
        };
        let all = arena.race(4, seed, step).await.swap_remove(0);
        assert!(staying.iter().all(|id| all.contains(id)), "a grant was skipped: {all:?}");
    }
}

/// A listing tells until when a grant lasts, when it was used, and whether it was revoked; nothing hides it before it is purged.
///
/// > revoked and expired ones too, until they are purged
pub async fn a_listing_tells_how_a_grant_stands(store: &dyn TokenStore) {
    let fresh = fixtures::grant();
    let expires_at = from_now(60);
    assert_eq!(store.insert_grant(&fresh, expires_at).await.unwrap(), Insertion::Inserted);
    let plain =
        GrantSummary { grant: Arc::clone(&fresh), expires_at: Some(expires_at), last_used_at: None, revoked_at: None };
    assert_eq!(summary(store, &fresh).await, Some(plain.clone()));
    let tokens = stored_under(store, &fresh).await;
    let (used_at, revoked_at) = (from_now(3), from_now(4));
    store.touch_grant(&fresh.id, used_at).await.unwrap();
    store.revoke_grant(&fresh.id, revoked_at).await.unwrap();
    let ended = GrantSummary {
        expires_at: tokens.expires_at(),
        last_used_at: Some(used_at),
        revoked_at: Some(revoked_at),
        ..plain
    };
    assert_eq!(summary(store, &fresh).await, Some(ended));
    let expired = fixtures::grant();
    let expired_at = from_now(-2);
    assert_eq!(store.insert_grant(&expired, expired_at).await.unwrap(), Insertion::Inserted);
    let listed = summary(store, &expired).await.expect("an expired grant is listed");
    assert_eq!((listed.expires_at, listed.revoked_at), (Some(expired_at), None));
}

/// The latest use is what is remembered, in whatever order uses are told; nothing else changes.
///
/// > Remembers that the grant was used `at` this instant, unless a later use is known.
pub async fn the_latest_use_of_a_grant_is_remembered(store: &dyn TokenStore) {
    let grant = fixtures::grant();
    stored_under(store, &grant).await;
    store.touch_grant(&fixtures::grant().id, from_now(0)).await.unwrap();
    let before = summary(store, &grant).await.expect("the grant is listed");
    assert_eq!(before.last_used_at, None);
    let earliest = Timestamp::from_unix_millis(i64::MIN);
    let uses = [earliest, from_now(5), from_now(3), from_now(9), Timestamp::from_unix_millis(-1)];
    let mut latest = earliest;
    for at in uses {
        store.touch_grant(&grant.id, at).await.unwrap();
        latest = latest.max(at);
        let expected = GrantSummary { last_used_at: Some(latest), ..before.clone() };
        assert_eq!(summary(store, &grant).await, Some(expected));
    }
    let arena = arena(store).await;
    for seed in 0..50 {
        let base = from_now(10 + 100 * i64::try_from(seed).unwrap());
        let at = |n: usize| Timestamp::from_unix_millis(base.unix_millis() + i64::try_from(n).unwrap());
        let touch = async |n: usize| store.touch_grant(&grant.id, at(n)).await.unwrap();
        drop(arena.race(16, seed, touch).await);
        assert_eq!(summary(store, &grant).await.and_then(|summary| summary.last_used_at), Some(at(15)));
    }
    store.touch_grant(&grant.id, Timestamp::MAX).await.unwrap();
    assert_eq!(summary(store, &grant).await.and_then(|summary| summary.last_used_at), Some(Timestamp::MAX));
}

async fn insert(store: &dyn TokenStore, subject: &Subject, id: GrantId) {
    let grant = Grant { id, ..Grant::clone(&fixtures::grant_of(subject, &fixtures::client_id())) };
    assert_eq!(store.insert_grant(&Arc::new(grant), from_now(60)).await.unwrap(), Insertion::Inserted);
}

async fn listed(store: &dyn TokenStore, subject: &Subject, page: Page<GrantId>) -> Vec<GrantId> {
    let grants = store.list_grants(subject, None, page).await.unwrap();
    grants.iter().map(|summary| summary.grant.id).collect()
}

/// An identifier that begins with this byte.
fn with_first(first: u8) -> GrantId {
    let mut bytes = *GrantId::random().as_bytes();
    bytes[0] = first;
    GrantId::from_bytes(bytes)
}

fn subject(text: &str) -> Subject {
    fixtures::parsed(text)
}
