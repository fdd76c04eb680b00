//! Where keys lie on a cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use grantor::grant::Grant;
use grantor::store::{
    CodeStore as _, GrantStore as _, Insertion, Page, Redemption, RedisStore, Rotation, TokenStore as _,
};

use super::records::{MANY, code, grant_of, in_seconds, issued, refresh_key, retirement};
use crate::support::redis::{Fresh, cluster_urls, prefix};

/// The slot, as the cluster reckons it.
fn slot(connection: &mut redis::Connection, key: &[u8]) -> u16 {
    redis::cmd("CLUSTER").arg("KEYSLOT").arg(key).query(connection).unwrap()
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn all_of_a_grant_is_in_the_slot_of_its_identifier() {
    let fresh = Fresh::on_server().await;
    let grant = grant_of("a{b}c", "app{}");
    let code = code(&grant);
    let (mut tokens, successors) = (issued(&grant), issued(&grant));
    tokens.access.expires_at = None;
    assert_eq!(fresh.insert_code(&code).await.unwrap(), Insertion::Inserted);
    assert_eq!(fresh.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
    let rotation = fresh.rotate_refresh_token(&refresh_key(&tokens), &retirement(&successors), &successors).await;
    assert_eq!(rotation.unwrap(), Rotation::Rotated);

    let url = cluster_urls().remove(0);
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let tag = grant.id.to_string();
    let keys = fresh.keys();
    let (own, lists): (Vec<_>, Vec<_>) = keys.iter().partition(|key| String::from_utf8_lossy(key).contains(&tag));
    assert_eq!(own.len(), 7, "grant, code, names of permanent tokens, two access and two refresh tokens");
    let slots: BTreeSet<u16> = own.iter().map(|key| slot(&mut connection, key)).collect();
    assert_eq!(slots.into_iter().collect::<Vec<_>>(), [slot(&mut connection, tag.as_bytes())]);
    assert_eq!(lists.len(), 6, "two keys for each of the lists of the user, the client and the tenant");
    let slots: BTreeSet<u16> = lists.iter().map(|key| slot(&mut connection, key)).collect();
    assert_eq!(slots.len(), 3, "the two keys of a list are together");
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn braces_in_prefixes_and_names_disturb_nothing() {
    for braces in ["{}", "{all}", "}{", "{", "%7B"] {
        let prefix = format!("{braces}{}", prefix());
        let urls = cluster_urls();
        let store =
            RedisStore::connect_cluster(urls.iter().map(String::as_str)).await.unwrap().with_key_prefix(&prefix);
        for (subject, client) in [("{", "}"), ("{}", "{}"), ("a{b}", "a{b}"), ("a%7Bb%7D", "%"), ("}{", "{{}}")] {
            let confined = |grant: Arc<Grant>, tenant: &str| {
                Arc::new(Grant { tenant: Some(tenant.parse().unwrap()), ..Grant::clone(&grant) })
            };
            let one = confined(grant_of(subject, client), client);
            let other = confined(grant_of("somebody", "something"), "somewhere");
            let same_tenant = issued(&confined(grant_of("somebody", "something"), client));
            assert_eq!(store.insert_tokens(&same_tenant).await.unwrap(), Insertion::Inserted);
            for grant in [&one, &other] {
                let code = code(grant);
                assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
                assert_eq!(store.exchange_code(&code.key, &issued(grant)).await.unwrap(), Redemption::First);
            }
            let subject = one.subject.as_ref().unwrap();
            let listed = store.list_grants(subject, one.client.as_ref(), Page::first(MANY)).await.unwrap();
            assert_eq!(listed.iter().map(|summary| summary.grant.id).collect::<Vec<_>>(), [one.id]);
            assert_eq!(store.revoke_client(one.client.as_ref().unwrap(), in_seconds(0)).await.unwrap(), 1);
            assert_eq!(store.revoke_tenant(one.tenant.as_ref().unwrap(), in_seconds(0)).await.unwrap(), 1);
        }
    }
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn grants_are_spread_over_the_cluster() {
    let fresh = Fresh::on_cluster().await;
    for _ in 0..100 {
        let tokens = issued(&grant_of("ada", "app"));
        assert_eq!(fresh.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        assert!(fresh.find_access_token(&tokens.access.key).await.unwrap().is_some());
    }
    for url in cluster_urls() {
        let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
        let keys: u64 = redis::cmd("DBSIZE").query(&mut connection).unwrap();
        assert!(keys > 0, "every node has a part");
    }
    assert_eq!(fresh.revoke_subject(&"ada".parse().unwrap(), in_seconds(0)).await.unwrap(), 100);
}
