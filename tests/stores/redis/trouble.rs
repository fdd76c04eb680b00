//! Servers that refuse, and values that the store did not write.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use grantor::error::{Retry, StoreError};
use grantor::store::{
    ClientRegistry as _, ClientStore as _, CodeStore as _, GrantStore as _, Insertion, Page, Redemption, RedisStore,
    Rotation, TokenStore as _,
};
use redis::cmd;

use super::calls::{CALLS, Stock};
use super::records::{MANY, code, grant, in_seconds, issued, refresh_key, retirement};
use crate::support::redis::{Fresh, connection};

fn set(key: &[u8], value: &[u8]) {
    cmd("SET").arg(key).arg(value).exec(&mut connection()).unwrap();
}

fn keys_ending(fresh: &Fresh, ending: &[u8]) -> Vec<Vec<u8>> {
    fresh.keys().into_iter().filter(|key| key.ends_with(ending)).collect()
}

fn cannot_help<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert_eq!(answer.unwrap_err().retry(), Retry::CannotHelp);
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn values_that_the_store_did_not_write_are_errors_and_no_absence() {
    let fresh = Fresh::on_server().await;
    let stock = Stock::put_into(&fresh).await;
    for garbage in [&b""[..], b"x", &[1; 20], &[0; 300], &[255; 300], b"\x01\0\x80\0\0\0\0\0\0\0"] {
        for key in keys_ending(&fresh, b":g") {
            set(&key, garbage);
        }
        cannot_help(fresh.find_access_token(&stock.tokens.access.key).await);
        cannot_help(fresh.find_refresh_token(&refresh_key(&stock.tokens)).await);
        cannot_help(fresh.find_code(&stock.code.key).await);
        cannot_help(fresh.list_grants(stock.tokens.grant.subject.as_ref().unwrap(), None, Page::first(MANY)).await);
    }
    for key in keys_ending(&fresh, stock.client.id().as_str().as_bytes()) {
        set(&key, b"{}");
    }
    cannot_help(fresh.find_client(stock.client.id()).await);
}

/// A value cut off anywhere is an error, or what a shorter value means: no panic, and nothing that is not in it.
#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn values_that_are_cut_off_are_errors() {
    let fresh = Fresh::on_server().await;
    let tokens = issued(&grant());
    assert_eq!(fresh.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    let [key] = <[_; 1]>::try_from(keys_ending(&fresh, b":g")).unwrap();
    let whole: Vec<u8> = cmd("GET").arg(&key).query(&mut connection()).unwrap();
    // Behind the members of fixed length comes JSON, of which no part is whole either.
    for length in 0..whole.len() - 1 {
        set(&key, &whole[..length]);
        if let Ok(found) = fresh.find_access_token(&tokens.access.key).await {
            assert!(found.unwrap().grant.extra.is_empty(), "after {length} of {} bytes", whole.len());
        }
        if length < 36 {
            cannot_help(fresh.insert_tokens(&issued(&tokens.grant)).await);
            cannot_help(fresh.touch_grant(&tokens.grant.id, in_seconds(0)).await);
            cannot_help(fresh.revoke_grant(&tokens.grant.id, in_seconds(0)).await);
        }
    }
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_key_of_another_type_is_an_error_and_nothing_is_half_written() {
    let fresh = Fresh::on_server().await;
    let code = code(&grant());
    assert_eq!(fresh.insert_code(&code).await.unwrap(), Insertion::Inserted);
    let [grant_key] = <[_; 1]>::try_from(keys_ending(&fresh, b":g")).unwrap();
    let permanent = [&grant_key[..grant_key.len() - 1], b"p"].concat();
    set(&permanent, b"not a set");
    let mut tokens = issued(&code.grant);
    tokens.access.expires_at = None;
    let before = fresh.keys().len();
    cannot_help(fresh.exchange_code(&code.key, &tokens).await);
    cannot_help(fresh.insert_tokens(&tokens).await);
    assert_eq!(fresh.keys().len(), before);
    assert_eq!(fresh.find_code(&code.key).await.unwrap().unwrap(), code, "it is not redeemed");
    cannot_help(fresh.revoke_grant(&code.grant.id, in_seconds(0)).await);
    cmd("DEL").arg(&permanent).exec(&mut connection()).unwrap();
    assert_eq!(fresh.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
}

/// A server of this test's own.
struct Server {
    shell: Child,
    url: String,
}

impl Server {
    fn start() -> Self {
        let script = "set -euo pipefail; fail() { echo \"$*\" >&2; exit 1; }; scratch=$(mktemp -d); . \"$0\"
            redis_server; redis_pid=$redis_started; trap 'redis_stop; rm -rf \"$scratch\"' EXIT
            echo \"redis://127.0.0.1:$redis_port/\"; read -r _ || true";
        let functions = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/redis.sh");
        let mut command = Command::new("bash");
        command.args(["-c", script, functions]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { shell, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_server_without_memory_changes_nothing_and_revokes() {
    let server = Server::start();
    let store = RedisStore::connect(&server.url).await.unwrap();
    let mut admin = redis::Client::open(server.url.as_str()).unwrap().get_connection().unwrap();
    let stocks = [Stock::put_into(&store).await, Stock::put_into(&store).await];
    let [stock, revoked] = &stocks;
    cmd("CONFIG").arg("SET").arg("maxmemory").arg(1).exec(&mut admin).unwrap();

    let growing = [
        "insert_client",
        "update_client",
        "insert_code",
        "redeem_code",
        "exchange_code",
        "insert_grant",
        "insert_tokens",
        "rotate_refresh_token",
        "reuse_refresh_token",
    ];
    for call in CALLS.iter().filter(|call| growing.contains(&call.name)) {
        let error = (call.make)(&store, stock).await.unwrap_err();
        assert_eq!(error.retry(), Retry::CanHelp, "{}: {error:?}", call.name);
    }
    store.revoke_grant(&revoked.tokens.grant.id, in_seconds(0)).await.unwrap();
    assert_eq!(store.find_access_token(&revoked.tokens.access.key).await.unwrap(), None);
    assert_eq!(store.revoke_subject(revoked.code.grant.subject.as_ref().unwrap(), in_seconds(0)).await.unwrap(), 1);
    assert_eq!(store.find_code(&revoked.code.key).await.unwrap(), None);
    store.revoke_access_token(&stock.tokens.access.key).await.unwrap();
    assert_eq!(store.find_code(&stock.code.key).await.unwrap().unwrap(), stock.code);
    assert!(store.find_client(stock.client.id()).await.unwrap().is_some());

    cmd("CONFIG").arg("SET").arg("maxmemory").arg(0).exec(&mut admin).unwrap();
    assert_eq!(store.exchange_code(&stock.code.key, &stock.exchanged).await.unwrap(), Redemption::First);
    let (key, successors) = (refresh_key(&stock.tokens), &stock.successors);
    assert_eq!(store.rotate_refresh_token(&key, &retirement(successors), successors).await.unwrap(), Rotation::Rotated);
    assert_eq!(store.insert_tokens(&stock.new_tokens).await.unwrap(), Insertion::Inserted);
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_replica_and_a_user_without_rights_are_told_apart() {
    let server = Server::start();
    let store = RedisStore::connect(&server.url).await.unwrap();
    let stock = Stock::put_into(&store).await;
    let mut admin = redis::Client::open(server.url.as_str()).unwrap().get_connection().unwrap();

    cmd("ACL").arg("SETUSER").arg("reader").arg("on").arg(">secret").arg("~*").arg("+get").exec(&mut admin).unwrap();
    let reader = server.url.replace("redis://", "redis://reader:secret@");
    let reader = RedisStore::connect(&reader).await.unwrap();
    assert!(reader.find_client(stock.client.id()).await.unwrap().is_some());
    cannot_help(reader.exchange_code(&stock.code.key, &stock.exchanged).await);
    assert!(RedisStore::connect(&server.url.replace("redis://", "redis://reader:wrong@")).await.is_err());

    // Scripts are forgotten by a restart; a server that is told to follow another one takes no writes.
    cmd("SCRIPT").arg("FLUSH").exec(&mut admin).unwrap();
    cmd("REPLICAOF").arg("127.0.0.1").arg(1).exec(&mut admin).unwrap();
    let error = store.exchange_code(&stock.code.key, &stock.exchanged).await.unwrap_err();
    assert_eq!(error.retry(), Retry::CanHelp, "{error:?}");
    cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut admin).unwrap();
    assert_eq!(store.exchange_code(&stock.code.key, &stock.exchanged).await.unwrap(), Redemption::First);
    assert_eq!(store.count_clients(MANY).await.unwrap(), 1);
}
