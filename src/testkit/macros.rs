//! The list of clauses, and how it becomes tests.

/// Makes one test of each clause of the store contract.
///
/// It takes which contract it is about, and a future that makes an empty store which no other test uses: an [`Arc`] of it, or
/// whatever else dereferences to it, such as a guard that deletes it when dropped. The future is made anew for every clause.
///
/// [`Arc`]: std::sync::Arc
///
/// Attributes before it go to every test. Without any, each is a plain `#[test]` that needs no runtime. With some, one of them
/// must make a test of an `async fn`, as `#[tokio::test]` does for a store that needs that runtime; `#[ignore = "…"]` beside it
/// is for a store that needs a server.
///
/// | | the future makes | for |
/// |---|---|---|
/// | `store:` | a `ClientRegistry + GrantStore` | a store that does it all |
/// | `grants:` | a `GrantStore` | codes and tokens kept together |
/// | `codes:` | a `CodeStore` | codes alone |
/// | `tokens:` | a `TokenStore` | tokens alone |
/// | `registry:` | a `ClientRegistry` | clients |
/// | `clients:` | a pair of a `ClientStore` and the `Vec<Client>` that is in it | clients that the host manages itself |
///
/// A backend that evicts what has expired by itself, so that nothing is left to purge, says so: `evicting store:`,
/// `evicting grants:`, `evicting codes:`, `evicting tokens:`.
///
/// ```
/// mod memory {
///     use std::sync::Arc;
///     use grantor::store::MemoryStore;
///
///     grantor::store_tests! { store: async { Arc::new(MemoryStore::new()) } }
/// }
///
/// mod sqlite {
///     use std::sync::Arc;
///     use grantor::store::SqliteStore;
///
///     grantor::store_tests! {
///         #[tokio::test]
///         store: async { Arc::new(SqliteStore::connect("sqlite::memory:").await.unwrap()) }
///     }
/// }
/// ```
#[macro_export]
macro_rules! store_tests {
    // Without this there would be no test at all, and no word of it.
    (#[ignore $(= $reason:literal)?] $kind:ident $($rest:tt)*) => {
        ::core::compile_error!("`#[ignore]` alone makes no test: add `#[tokio::test]`, or another that takes an `async fn`");
    };
    ($(#[$attribute:meta])* store: $store:expr $(,)?) => {
        $crate::store_tests! { $(#[$attribute])* registry: $store }
        $crate::store_tests! { $(#[$attribute])* grants: $store }
    };
    ($(#[$attribute:meta])* evicting store: $store:expr $(,)?) => {
        $crate::store_tests! { $(#[$attribute])* registry: $store }
        $crate::store_tests! { $(#[$attribute])* evicting grants: $store }
    };
    ($(#[$attribute:meta])* grants: $store:expr $(,)?) => {
        $crate::store_tests! { $(#[$attribute])* evicting grants: $store }
        $crate::__purged_codes! { [$(#[$attribute])*] [$store] }
        $crate::__purged_tokens! { [$(#[$attribute])*] [$store] }
    };
    ($(#[$attribute:meta])* codes: $store:expr $(,)?) => {
        $crate::store_tests! { $(#[$attribute])* evicting codes: $store }
        $crate::__purged_codes! { [$(#[$attribute])*] [$store] }
    };
    ($(#[$attribute:meta])* tokens: $store:expr $(,)?) => {
        $crate::store_tests! { $(#[$attribute])* evicting tokens: $store }
        $crate::__purged_tokens! { [$(#[$attribute])*] [$store] }
    };
    ($(#[$attribute:meta])* evicting grants: $store:expr $(,)?) => {
        $crate::store_tests! { $(#[$attribute])* evicting codes: $store }
        $crate::store_tests! { $(#[$attribute])* evicting tokens: $store }
        $crate::__clauses! {
            [$(#[$attribute])*] [$store] grant_store:
            a_code_is_stored_with_its_grant,
            a_code_of_a_revoked_grant_is_gone,
            a_dropped_exchange_happened_or_did_not,
            a_grant_that_lives_gets_no_second_code,
            a_revocation_among_exchanges_leaves_nothing,
            an_exchange_redeems_the_code_and_stores_the_tokens,
            an_exchange_with_a_stored_key_changes_nothing,
            concurrent_steps_are_linearizable,
            one_of_concurrent_exchanges_and_redemptions_wins,
            one_of_concurrent_exchanges_wins,
            random_steps_agree_with_the_model,
            what_is_no_fresh_code_buys_nothing,
        }
    };
    ($(#[$attribute:meta])* evicting codes: $store:expr $(,)?) => {
        $crate::__clauses! {
            [$(#[$attribute])*] [$store] code_store:
            a_code_redeems_once,
            a_dropped_insertion_of_a_code_happened_or_did_not,
            a_dropped_redemption_happened_or_did_not,
            a_grant_has_one_code,
            an_unknown_code_is_absent,
            every_failed_verifier_is_counted,
            every_field_of_a_code_comes_back,
            failures_and_a_redemption_do_not_undo_each_other,
            one_of_concurrent_codes_for_a_grant_is_stored,
            one_of_concurrent_redemptions_wins,
            purging_beside_redemptions_takes_nothing_redeemed,
            purging_leaves_every_code_that_must_be_known,
            the_expiry_of_a_code_is_not_judged,
        }
    };
    ($(#[$attribute:meta])* evicting tokens: $store:expr $(,)?) => {
        $crate::__clauses! {
            [$(#[$attribute])*] [$store] token_store:
            a_client_has_grants_once_it_was_granted_something,
            a_dropped_insertion_of_a_grant_happened_or_did_not,
            a_dropped_insertion_of_tokens_happened_or_did_not,
            a_dropped_reuse_happened_or_did_not,
            a_dropped_revocation_is_made_up_for_by_the_next,
            a_dropped_revocation_of_a_client_is_finished_by_the_next,
            a_dropped_revocation_of_a_tenant_is_finished_by_the_next,
            a_dropped_revocation_of_a_user_is_finished_by_the_next,
            a_dropped_rotation_happened_or_did_not,
            a_dropped_use_of_a_grant_happened_or_did_not,
            a_grant_is_found_as_it_would_be_listed,
            a_grants_expiry_only_rises,
            a_listing_beside_insertions_shows_each_grant_once,
            a_listing_of_grants_is_stable_while_others_come_and_go,
            a_listing_tells_how_a_grant_stands,
            a_refresh_token_rotates_once,
            a_reuse_stores_one_more_access_token,
            a_reuse_with_a_stored_key_changes_nothing,
            a_revocation_among_insertions_leaves_nothing,
            a_revocation_among_rotations_leaves_nothing,
            a_revocation_of_a_tenant_among_insertions_leaves_nothing,
            a_revoked_grant_is_gone_with_all_of_it,
            a_rotation_among_reuses_is_done_once,
            a_rotation_with_a_stored_key_changes_nothing,
            a_second_grant_with_an_id_conflicts,
            a_token_two_generations_old_yields_nothing,
            a_use_beside_a_revocation_does_not_undo_it,
            a_user_is_revoked_with_all_grants,
            an_access_token_is_revoked_alone,
            an_unknown_grant_is_absent,
            an_unknown_refresh_token_is_not_used,
            an_unknown_token_is_absent,
            concurrent_reuses_all_yield_an_access_token,
            concurrent_revocations_count_each_grant_once,
            equal_hashes_under_two_grants_are_two_tokens,
            every_field_of_a_grant_and_its_tokens_comes_back,
            grants_are_listed_by_client,
            grants_are_listed_by_user_in_order,
            nothing_is_stored_under_a_revoked_grant,
            one_of_concurrent_grants_with_an_id_is_stored,
            one_of_concurrent_insertions_with_one_key_is_stored,
            one_of_concurrent_rotations_wins,
            purging_beside_traffic_takes_nothing_live,
            purging_leaves_what_is_live,
            revoking_a_client_ends_its_grants_only,
            revoking_a_tenant_ends_its_grants_only,
            revoking_a_tenant_reaches_each_of_many_grants,
            revoking_many_grants_reaches_each_of_them,
            the_expiry_of_a_token_is_not_judged,
            the_first_instant_of_a_revocation_stays,
            the_latest_use_of_a_grant_is_remembered,
            tokens_are_added_to_a_grant_that_is_there,
            tokens_with_a_stored_key_are_refused_whole,
            what_is_not_active_is_not_reused,
        }
    };
    ($(#[$attribute:meta])* registry: $store:expr $(,)?) => {
        $crate::__clauses! {
            [$(#[$attribute])*] [$store] client_registry:
            a_client_is_due_by_its_instant_of_now,
            a_client_is_listed_for_its_owner_of_now,
            a_deleted_client_is_gone,
            a_deletion_among_updates_is_the_end,
            a_dropped_deletion_of_a_client_happened_or_did_not,
            a_dropped_insertion_of_a_client_happened_or_did_not,
            a_dropped_update_happened_or_did_not,
            a_dropped_use_of_a_secret_happened_or_did_not,
            a_listing_beside_insertions_shows_each_client_once,
            a_listing_of_clients_is_stable_while_others_come_and_go,
            a_listing_of_due_clients_beside_others_misses_none,
            a_second_client_with_an_id_conflicts,
            a_use_beside_an_update_does_not_undo_it,
            an_unknown_client_is_absent,
            an_update_of_an_unknown_client_stores_nothing,
            an_update_of_another_version_conflicts,
            an_update_replaces_every_field,
            clients_are_counted_up_to_a_bound,
            clients_are_due_once_their_instant_is_past,
            clients_are_listed_by_owner_in_order,
            every_field_of_a_client_comes_back,
            one_of_concurrent_insertions_of_a_client_wins,
            one_of_concurrent_updates_wins,
            the_latest_use_of_a_secret_is_remembered,
            the_use_of_a_secret_is_remembered,
            the_use_of_an_unknown_secret_changes_nothing,
            the_version_after_the_last_is_zero,
        }
    };
    ($(#[$attribute:meta])* clients: $store_and_clients:expr $(,)?) => {
        $crate::__readable_clause! { [$(#[$attribute])*] [$store_and_clients] each_client_is_found }
        $crate::__readable_clause! { [$(#[$attribute])*] [$store_and_clients] no_other_client_is_found }
    };
}

/// The clauses that a store breaks whose rows disappear by themselves.
#[doc(hidden)]
#[macro_export]
macro_rules! __purged_codes {
    ($attributes:tt $store:tt) => {
        $crate::__clauses! { $attributes $store code_store: purging_deletes_codes_in_batches, }
    };
}

/// The clauses that a store breaks whose rows disappear by themselves.
#[doc(hidden)]
#[macro_export]
macro_rules! __purged_tokens {
    ($attributes:tt $store:tt) => {
        $crate::__clauses! {
            $attributes $store token_store:
            a_client_has_no_grants_once_they_are_purged,
            a_grant_goes_with_the_last_of_its_tokens,
            purging_deletes_tokens_in_batches,
        }
    };
}

/// One test for each of the names.
#[doc(hidden)]
#[macro_export]
macro_rules! __clauses {
    ($attributes:tt $store:tt $contract:ident: $($clause:ident,)*) => {
        $( $crate::__clause! { $attributes $store $contract $clause } )*
    };
}

/// One test.
#[doc(hidden)]
#[macro_export]
macro_rules! __clause {
    ([] [$store:expr] $contract:ident $clause:ident) => {
        #[test]
        fn $clause() {
            $crate::testkit::block_on(async {
                let store = $store.await;
                $crate::testkit::contract::$contract::$clause(&*store).await;
            });
        }
    };
    ([$($attribute:tt)+] [$store:expr] $contract:ident $clause:ident) => {
        $($attribute)+
        async fn $clause() {
            let store = $store.await;
            $crate::testkit::contract::$contract::$clause(&*store).await;
        }
    };
}

/// One test of a store that can only be read.
#[doc(hidden)]
#[macro_export]
macro_rules! __readable_clause {
    ([] [$store:expr] $clause:ident) => {
        #[test]
        fn $clause() {
            $crate::testkit::block_on(async {
                let (store, clients) = $store.await;
                $crate::testkit::contract::client_store::$clause(&*store, &clients).await;
            });
        }
    };
    ([$($attribute:tt)+] [$store:expr] $clause:ident) => {
        $($attribute)+
        async fn $clause() {
            let (store, clients) = $store.await;
            $crate::testkit::contract::client_store::$clause(&*store, &clients).await;
        }
    };
}
