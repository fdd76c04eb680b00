//! Every method of the store, to be called in trouble, and what there is to call it on.

use std::future::Future;
use std::pin::Pin;

use grantor::Client;
use grantor::error::StoreError;
use grantor::grant::{CodeRecord, IssuedTokens};
use grantor::secret::SecretHash;
use grantor::store::{
    ClientRegistry as _, ClientStore as _, CodeStore as _, GrantStore as _, Page, RedisStore, TokenStore as _,
};

use grantor::testkit::fixtures::to_review;

use super::records::{MANY, access_token, code, grant, in_seconds, issued, refresh_key, retirement};

/// What is stored, and what is not yet.
pub struct Stock {
    pub client: Client,
    pub code: CodeRecord,
    pub tokens: IssuedTokens,
    pub new_client: Client,
    pub new_code: CodeRecord,
    pub new_tokens: IssuedTokens,
    pub exchanged: IssuedTokens,
    pub successors: IssuedTokens,
}

impl Stock {
    pub async fn put_into(store: &RedisStore) -> Self {
        let (code, tokens) = (code(&grant()), issued(&grant()));
        let id = code.grant.client.as_ref().unwrap().as_str().to_owned();
        let stock = Self {
            client: to_review(
                Client::confidential(id.parse().unwrap(), SecretHash::of("secret"))
                    .with_owner(format!("owner-{id}").parse().unwrap()),
                in_seconds(30),
            ),
            new_client: Client::public(format!("new-{id}").parse().unwrap()),
            new_code: super::records::code(&grant()),
            new_tokens: issued(&grant()),
            exchanged: issued(&code.grant),
            successors: issued(&tokens.grant),
            code,
            tokens,
        };
        let _ = store.insert_client(&stock.client).await.unwrap();
        let _ = store.insert_code(&stock.code).await.unwrap();
        let _ = store.insert_tokens(&stock.tokens).await.unwrap();
        stock
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<String, StoreError>> + Send + 'a>>;

pub struct Call {
    pub name: &'static str,
    pub make: for<'a> fn(&'a RedisStore, &'a Stock) -> Answer<'a>,
    /// What it answers.
    pub first: &'static str,
    /// What it answers once it has happened.
    pub again: &'static str,
}

macro_rules! calls {
    ($($name:ident: |$store:ident, $stock:ident| $call:expr => $first:literal, $again:literal;)*) => {
        pub const CALLS: &[Call] = &[$(Call {
            name: stringify!($name),
            make: |$store, $stock| Box::pin(async move { Ok(word(&format!("{:?}", $call.await?))) }),
            first: $first,
            again: $again,
        }),*];
    };
}

/// The variant of an answer, or a number.
fn word(answer: &str) -> String {
    answer.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
}

calls! {
    find_client: |store, stock| store.find_client(stock.client.id()) => "Some", "Some";
    insert_client: |store, stock| store.insert_client(&stock.new_client) => "Inserted", "Conflict";
    update_client: |store, stock| store.update_client(&stock.client) => "Updated", "Conflict";
    touch_secret: |store, stock|
        store.touch_secret(stock.client.id(), &SecretHash::of("secret"), in_seconds(0)) => "", "";
    delete_client: |store, stock| store.delete_client(stock.client.id()) => "Deleted", "Unknown";
    list_clients: |store, stock| length(store.list_clients(stock.client.owner().unwrap(), Page::first(MANY))) => "1", "1";
    list_due_clients: |store, _stock|
        length(store.list_due_clients(in_seconds(60), std::num::NonZeroU32::MIN)) => "1", "1";
    count_clients: |store, _stock| store.count_clients(std::num::NonZeroU32::MIN) => "1", "1";
    insert_code: |store, stock| store.insert_code(&stock.new_code) => "Inserted", "Conflict";
    find_code: |store, stock| store.find_code(&stock.code.key) => "Some", "Some";
    redeem_code: |store, stock| store.redeem_code(&stock.code.key, in_seconds(0), Some(in_seconds(90))) =>
        "First", "Replayed";
    exchange_code: |store, stock| store.exchange_code(&stock.code.key, &stock.exchanged) => "First", "Replayed";
    count_failure: |store, stock| store.count_failure(&stock.code.key) => "", "";
    insert_grant: |store, stock| store.insert_grant(&stock.new_tokens.grant, in_seconds(60)) => "Inserted", "Conflict";
    insert_tokens: |store, stock| store.insert_tokens(&stock.new_tokens) => "Inserted", "Conflict";
    find_access_token: |store, stock| store.find_access_token(&stock.tokens.access.key) => "Some", "Some";
    find_refresh_token: |store, stock| store.find_refresh_token(&refresh_key(&stock.tokens)) => "Some", "Some";
    rotate_refresh_token: |store, stock| store.rotate_refresh_token(
        &refresh_key(&stock.tokens), &retirement(&stock.successors), &stock.successors) => "Rotated", "Retired";
    reuse_refresh_token: |store, stock| reuse(store, stock) => "Accepted", "Accepted";
    revoke_access_token: |store, stock| store.revoke_access_token(&stock.tokens.access.key) => "", "";
    revoke_grant: |store, stock| store.revoke_grant(&stock.tokens.grant.id, in_seconds(0)) => "", "";
    revoke_subject: |store, stock|
        store.revoke_subject(stock.tokens.grant.subject.as_ref().unwrap(), in_seconds(0)) => "1", "0";
    revoke_client: |store, stock|
        store.revoke_client(stock.tokens.grant.client.as_ref().unwrap(), in_seconds(0)) => "1", "0";
    find_grant: |store, stock| store.find_grant(&stock.tokens.grant.id) => "Some", "Some";
    list_grants: |store, stock|
        length(store.list_grants(stock.tokens.grant.subject.as_ref().unwrap(), None, Page::first(MANY))) => "1", "1";
    has_grants: |store, stock| store.has_grants(stock.tokens.grant.client.as_ref().unwrap()) => "true", "true";
    touch_grant: |store, stock| store.touch_grant(&stock.tokens.grant.id, in_seconds(0)) => "", "";
    purge_codes: |store, _stock| store.purge_codes(in_seconds(0), MANY) => "0", "0";
    purge_tokens: |store, _stock| store.purge_tokens(in_seconds(0), MANY) => "0", "0";
}

async fn length<T>(list: impl Future<Output = Result<Vec<T>, StoreError>>) -> Result<usize, StoreError> {
    Ok(list.await?.len())
}

async fn reuse(store: &RedisStore, stock: &Stock) -> Result<grantor::store::Reuse, StoreError> {
    let access = access_token(&stock.tokens.grant);
    store.reuse_refresh_token(&refresh_key(&stock.tokens), Some(in_seconds(86_400)), &access).await
}
