//! Every method of a store, to be called in trouble, and what there is to call them on.

use std::future::Future;
use std::pin::Pin;

use grantor::client::Client;
use grantor::error::StoreError;
use grantor::grant::{CodeRecord, IssuedTokens};
use grantor::secret::SecretHash;
use grantor::store::{ClientRegistry, Deletion, GrantStore, Insertion, Page, Redemption, Reuse, Rotation, Update};

use grantor::testkit::fixtures::to_review;

use super::records::*;

/// What is stored: a client, a code, and the tokens of another grant. And what is not.
pub struct Stock {
    pub client: Client,
    pub code: CodeRecord,
    pub tokens: IssuedTokens,
    pub new_client: Client,
    pub new_code: CodeRecord,
    pub new_tokens: IssuedTokens,
    /// For the code.
    pub exchanged: IssuedTokens,
    /// For the refresh token.
    pub successors: IssuedTokens,
}

impl Stock {
    pub async fn put_into(store: &(impl GrantStore + ClientRegistry)) -> Self {
        let (code, tokens) = (code(&grant()), issued(&grant()));
        let stock = Self {
            client: to_review(
                Client::confidential("app".parse().unwrap(), SecretHash::of("secret"))
                    .with_owner("ada".parse().unwrap()),
                at(900),
            ),
            new_client: Client::public("new".parse().unwrap()),
            new_code: super::records::code(&grant()),
            new_tokens: issued(&grant()),
            exchanged: issued(&code.grant),
            successors: issued(&tokens.grant),
            code,
            tokens,
        };
        assert_eq!(store.insert_client(&stock.client).await.unwrap(), Insertion::Inserted);
        assert_eq!(store.insert_code(&stock.code).await.unwrap(), Insertion::Inserted);
        assert_eq!(store.insert_tokens(&stock.tokens).await.unwrap(), Insertion::Inserted);
        stock
    }
}

/// A call of one method, and whether it answered as it should with such a stock.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<bool, StoreError>> + Send + 'a>>;
pub type Call<S> = for<'a> fn(&'a S, &'a Stock) -> Answer<'a>;

macro_rules! calls {
    ($($name:ident: |$store:ident, $stock:ident| $call:expr => $expected:pat $(if $guard:expr)?,)*) => {
        /// The methods by name.
        pub fn calls<S: GrantStore + ClientRegistry>() -> Vec<(&'static str, Call<S>)> {
            $(fn $name<'a>($store: &'a (impl GrantStore + ClientRegistry), $stock: &'a Stock) -> Answer<'a> {
                Box::pin(async move { Ok(matches!($call.await?, $expected $(if $guard)?)) })
            })*
            vec![$((stringify!($name), |store, stock| $name(store, stock))),*]
        }
    };
}

calls! {
    find_client: |store, stock| store.find_client(stock.client.id()) => Some(client) if *client == stock.client,
    insert_client: |store, stock| store.insert_client(&stock.new_client) => Insertion::Inserted,
    update_client: |store, stock| store.update_client(&stock.client) => Update::Updated,
    touch_secret: |store, stock| store.touch_secret(stock.client.id(), &SecretHash::of("secret"), at(7)) => (),
    delete_client: |store, stock| store.delete_client(stock.client.id()) => Deletion::Deleted,
    list_clients: |store, stock| store.list_clients(stock.client.owner().unwrap(), Page::first(MANY)) =>
        clients if clients.len() == 1,
    list_due_clients: |store, _stock| store.list_due_clients(at(1_000), MANY) => clients if clients.len() == 1,
    count_clients: |store, _stock| store.count_clients(MANY) => 1,
    insert_code: |store, stock| store.insert_code(&stock.new_code) => Insertion::Inserted,
    find_code: |store, stock| store.find_code(&stock.code.key) => Some(code) if code == stock.code,
    redeem_code: |store, stock| store.redeem_code(&stock.code.key, at(1), Some(at(4_000))) => Redemption::First,
    exchange_code: |store, stock| store.exchange_code(&stock.code.key, &stock.exchanged) => Redemption::First,
    count_failure: |store, stock| store.count_failure(&stock.code.key) => (),
    purge_codes: |store, _stock| store.purge_codes(at(20_000), MANY) => 1,
    insert_grant: |store, stock| store.insert_grant(&stock.new_tokens.grant, at(1)) => Insertion::Inserted,
    insert_tokens: |store, stock| store.insert_tokens(&stock.new_tokens) => Insertion::Inserted,
    find_access_token: |store, stock| store.find_access_token(&stock.tokens.access.key) =>
        Some(found) if found.token == stock.tokens.access && found.grant == stock.tokens.grant,
    find_refresh_token: |store, stock| store.find_refresh_token(&refresh_key(&stock.tokens)) =>
        Some(found) if Some(&found.token) == stock.tokens.refresh.as_ref() && found.grant == stock.tokens.grant,
    rotate_refresh_token: |store, stock| {
        let retirement = retirement(&stock.successors);
        async move { store.rotate_refresh_token(&refresh_key(&stock.tokens), &retirement, &stock.successors).await }
    } => Rotation::Rotated,
    reuse_refresh_token: |store, stock|
        store.reuse_refresh_token(&refresh_key(&stock.tokens), Some(at(12_000)), &stock.successors.access) => Reuse::Accepted,
    revoke_access_token: |store, stock| store.revoke_access_token(&stock.tokens.access.key) => (),
    revoke_grant: |store, stock| store.revoke_grant(&stock.tokens.grant.id, at(7)) => (),
    revoke_subject: |store, stock| store.revoke_subject(stock.tokens.grant.subject.as_ref().unwrap(), at(7)) => 1,
    revoke_client: |store, stock| store.revoke_client(stock.tokens.grant.client.as_ref().unwrap(), at(7)) => 2,
    revoke_tenant: |store, stock| store.revoke_tenant(stock.tokens.grant.tenant.as_ref().unwrap(), at(7)) => 2,
    find_grant: |store, stock| store.find_grant(&stock.tokens.grant.id) =>
        Some(found) if found.grant == stock.tokens.grant,
    list_grants: |store, stock| store.list_grants(stock.tokens.grant.subject.as_ref().unwrap(), None, Page::first(MANY)) =>
        grants if grants.len() == 1,
    has_grants: |store, stock| store.has_grants(stock.tokens.grant.client.as_ref().unwrap()) => has if has,
    touch_grant: |store, stock| store.touch_grant(&stock.tokens.grant.id, at(7)) => (),
    purge_tokens: |store, _stock| store.purge_tokens(at(20_000), MANY) => 4,
}
