//! Lists that do not tell what is there.

use std::num::NonZeroU32;

use grantor::Client;
use grantor::secret::GrantId;
use grantor::store::{ClientRegistry as _, CodeStore as _, Deletion, Insertion, Page, TokenStore as _, Update};
use redis::cmd;

use super::records::{MANY, code, grant_of, in_seconds, issued, seconds_ago};
use crate::support::redis::{Fresh, connection};

fn order(fresh: &Fresh, list: &str) -> Vec<u8> {
    format!("{}{{{list}}}:order", fresh.prefix()).into_bytes()
}

fn due(fresh: &Fresh, list: &str) -> Vec<u8> {
    format!("{}{{{list}}}:due", fresh.prefix()).into_bytes()
}

/// Enters a member as the store does, to be looked for at that instant.
fn enter(fresh: &Fresh, list: &str, member: &[u8], at: i64) {
    cmd("ZADD").arg(order(fresh, list)).arg(0).arg(member).exec(&mut connection()).unwrap();
    cmd("ZADD").arg(due(fresh, list)).arg(at).arg(member).exec(&mut connection()).unwrap();
}

fn members(key: &[u8]) -> usize {
    cmd("ZCARD").arg(key).query(&mut connection()).unwrap()
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn members_without_a_grant_are_dropped_once_they_are_due() {
    let fresh = Fresh::on_server().await;
    let grant = grant_of("ada", "app");
    assert_eq!(fresh.insert_tokens(&issued(&grant)).await.unwrap(), Insertion::Inserted);
    let list = "subject-grants:ada";
    for _ in 0..300 {
        enter(&fresh, list, GrantId::random().as_bytes(), seconds_ago(1).unix_millis());
    }
    // One that may just be being stored, and one that is no identifier at all.
    enter(&fresh, list, GrantId::random().as_bytes(), in_seconds(60).unix_millis());
    enter(&fresh, list, b"nonsense", seconds_ago(1).unix_millis());
    assert_eq!(members(&order(&fresh, list)), 303);
    let listed = fresh.list_grants(&"ada".parse().unwrap(), None, Page::first(NonZeroU32::MIN)).await.unwrap();
    assert_eq!(listed.iter().map(|summary| summary.grant.id).collect::<Vec<_>>(), [grant.id]);
    let listed = fresh.list_grants(&"ada".parse().unwrap(), None, Page::first(MANY)).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(members(&order(&fresh, list)), 2);
    assert_eq!(members(&due(&fresh, list)), 2);
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn insertions_drop_more_than_they_add() {
    let fresh = Fresh::on_server().await;
    for list in ["subject-grants:ada", "client-grants:app"] {
        for _ in 0..60 {
            enter(&fresh, list, GrantId::random().as_bytes(), seconds_ago(1).unix_millis());
        }
    }
    for _ in 0..30 {
        assert_eq!(fresh.insert_code(&code(&grant_of("ada", "app"))).await.unwrap(), Insertion::Inserted);
    }
    for list in ["subject-grants:ada", "client-grants:app"] {
        assert_eq!(members(&order(&fresh, list)), 30);
        assert_eq!(members(&due(&fresh, list)), 30);
    }
}

/// A grant that lives longer than was thought when it was listed is looked for, found, and stays.
#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_member_whose_grant_is_there_stays_when_it_is_due() {
    let fresh = Fresh::on_server().await;
    let grant = grant_of("ada", "app");
    assert_eq!(fresh.insert_tokens(&issued(&grant)).await.unwrap(), Insertion::Inserted);
    for list in ["subject-grants:ada", "client-grants:app"] {
        enter(&fresh, list, grant.id.as_bytes(), seconds_ago(1).unix_millis());
    }
    assert_eq!(fresh.insert_code(&code(&grant_of("ada", "app"))).await.unwrap(), Insertion::Inserted);
    for list in ["subject-grants:ada", "client-grants:app"] {
        let at: f64 = cmd("ZSCORE").arg(due(&fresh, list)).arg(grant.id.as_bytes()).query(&mut connection()).unwrap();
        assert!(at > in_seconds(3_600).unix_millis() as f64);
    }
    assert_eq!(fresh.revoke_subject(&"ada".parse().unwrap(), in_seconds(0)).await.unwrap(), 2);
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_list_that_was_lost_hides_grants_and_ends_none() {
    let fresh = Fresh::on_server().await;
    let tokens = issued(&grant_of("ada", "app"));
    assert_eq!(fresh.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    for list in ["subject-grants:ada", "client-grants:app"] {
        cmd("DEL").arg(order(&fresh, list)).arg(due(&fresh, list)).exec(&mut connection()).unwrap();
    }
    assert!(fresh.list_grants(&"ada".parse().unwrap(), None, Page::first(MANY)).await.unwrap().is_empty());
    assert_eq!(fresh.revoke_subject(&"ada".parse().unwrap(), in_seconds(0)).await.unwrap(), 0);
    assert!(fresh.find_access_token(&tokens.access.key).await.unwrap().is_some());
    // Whatever is stored under the grant next lists it again.
    assert_eq!(fresh.insert_tokens(&issued(&tokens.grant)).await.unwrap(), Insertion::Inserted);
    assert_eq!(fresh.revoke_subject(&"ada".parse().unwrap(), in_seconds(0)).await.unwrap(), 1);
    assert!(fresh.find_access_token(&tokens.access.key).await.unwrap().is_none());
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_list_that_names_the_grants_of_others_shows_and_revokes_none_of_them() {
    let fresh = Fresh::on_server().await;
    let tokens = issued(&grant_of("ada", "app"));
    assert_eq!(fresh.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    for list in ["subject-grants:eve", "client-grants:evil"] {
        enter(&fresh, list, tokens.grant.id.as_bytes(), seconds_ago(1).unix_millis());
    }
    assert!(fresh.list_grants(&"eve".parse().unwrap(), None, Page::first(MANY)).await.unwrap().is_empty());
    assert_eq!(fresh.revoke_subject(&"eve".parse().unwrap(), in_seconds(0)).await.unwrap(), 0);
    assert_eq!(fresh.revoke_client(&"evil".parse().unwrap(), in_seconds(0)).await.unwrap(), 0);
    assert!(fresh.find_access_token(&tokens.access.key).await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_registration_that_was_interrupted_is_forgotten() {
    let fresh = Fresh::on_server().await;
    let client = |name: &str| Client::public(name.parse().unwrap()).with_owner("ada".parse().unwrap());
    for list in ["clients", "owner-clients:ada"] {
        enter(&fresh, list, b"interrupted", seconds_ago(1).unix_millis());
    }
    assert_eq!(fresh.count_clients(MANY).await.unwrap(), 1);
    assert_eq!(fresh.insert_client(&client("app")).await.unwrap(), Insertion::Inserted);
    assert_eq!(fresh.count_clients(MANY).await.unwrap(), 1);
    assert_eq!(members(&order(&fresh, "owner-clients:ada")), 1);
    assert_eq!(members(&due(&fresh, "owner-clients:ada")), 0);
    let moved = client("app").with_owner("eve".parse().unwrap());
    assert_eq!(fresh.update_client(&moved).await.unwrap(), Update::Updated);
    assert_eq!(members(&order(&fresh, "owner-clients:ada")), 0);
    assert_eq!(members(&order(&fresh, "owner-clients:eve")), 1);
    assert_eq!(fresh.delete_client(client("app").id()).await.unwrap(), Deletion::Deleted);
    assert_eq!(fresh.keys(), Vec::<Vec<u8>>::new());
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_grant_that_cannot_be_read_does_not_keep_the_others_alive() {
    let fresh = Fresh::on_server().await;
    let grants = [grant_of("ada", "app"), grant_of("ada", "app"), grant_of("ada", "app")];
    let mut all = Vec::new();
    for grant in &grants {
        all.push(issued(grant));
        assert_eq!(fresh.insert_tokens(&all[all.len() - 1]).await.unwrap(), Insertion::Inserted);
    }
    let key = format!("{}{{{}}}:g", fresh.prefix(), grants[0].id);
    cmd("SET").arg(key).arg("what is this?").arg("KEEPTTL").exec(&mut connection()).unwrap();
    fresh.revoke_subject(&"ada".parse().unwrap(), in_seconds(0)).await.unwrap_err();
    for tokens in &all[1..] {
        assert_eq!(fresh.find_access_token(&tokens.access.key).await.unwrap(), None);
    }
    fresh.find_access_token(&all[0].access.key).await.unwrap_err();
}

/// Even a list of what expired long ago ends.
#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn no_list_is_kept_for_ever_for_what_expires() {
    let fresh = Fresh::on_server().await;
    let grant = grant_of("ada", "app");
    let long_ago = seconds_ago(200 * 86_400);
    assert_eq!(fresh.insert_grant(&grant, long_ago).await.unwrap(), Insertion::Inserted);
    for key in fresh.keys() {
        let left: i64 = cmd("PTTL").arg(&key).query(&mut connection()).unwrap();
        assert_ne!(left, -1, "{}", String::from_utf8_lossy(&key));
    }
}
