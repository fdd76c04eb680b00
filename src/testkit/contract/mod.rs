//! The clauses of the store contract, one public function each.
//!
//! A clause takes an empty store that nothing else uses, and panics if the store breaks it. [`store_tests!`](crate::store_tests)
//! makes a test of each; call one by itself where a test of your own is about it.

pub mod client_registry;
pub mod client_store;
pub mod code_store;
pub mod grant_store;
pub mod token_store;

use std::num::NonZeroU32;

use super::executor::Arena;
use super::fixtures;
use crate::grant::IssuedTokens;
use crate::resource::Resources;
use crate::store::{Page, TokenStore};

/// How many interleavings each clause about concurrency tries.
const INTERLEAVINGS: u64 = 1_000;

/// How many contend at once in the round `seed`: mostly a handful, which find more ways to meet, and now and then 64.
const fn contenders(seed: u64) -> usize {
    if seed.is_multiple_of(32) { 64 } else { 2 + (seed % 5) as usize }
}

fn at_most(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).expect("a limit above zero")
}

fn everything<Id>() -> Page<Id> {
    Page::first(NonZeroU32::MAX)
}

/// How calls of this store are made to compete.
async fn arena(store: &dyn TokenStore) -> Arena {
    let key = fixtures::key(&fixtures::grant());
    Arena::of(|| store.find_access_token(&key)).await
}

/// Whether these tokens are found, both or neither.
async fn are_found(store: &dyn TokenStore, tokens: &IssuedTokens) -> bool {
    let access = store.find_access_token(&tokens.access.key).await.unwrap().is_some();
    if let Some(refresh) = &tokens.refresh {
        let refresh = store.find_refresh_token(&refresh.key).await.unwrap().is_some();
        assert_eq!(access, refresh, "of an access and a refresh token that were stored together, one is found");
    }
    access
}

/// Two resources that count as equal may be spelled differently; what is stored must keep the spelling.
fn spelled(resources: &Resources) -> Vec<String> {
    resources.iter().map(|resource| resource.as_str().to_owned()).collect()
}
