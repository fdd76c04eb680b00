//! The clauses of [`TokenStore`].

mod dropping;
mod finding;
mod listing;
mod purging;
mod revocation;
mod rotation;
mod storing;
mod tenants;
mod usage;

use std::sync::Arc;

pub use dropping::{
    a_dropped_insertion_of_a_grant_happened_or_did_not, a_dropped_insertion_of_tokens_happened_or_did_not,
    a_dropped_reuse_happened_or_did_not, a_dropped_revocation_is_made_up_for_by_the_next,
    a_dropped_revocation_of_a_client_is_finished_by_the_next, a_dropped_revocation_of_a_tenant_is_finished_by_the_next,
    a_dropped_revocation_of_a_user_is_finished_by_the_next, a_dropped_rotation_happened_or_did_not,
    a_dropped_use_of_a_grant_happened_or_did_not,
};
pub use finding::{a_grant_is_found_as_it_would_be_listed, an_unknown_grant_is_absent};
pub use listing::{
    a_listing_beside_insertions_shows_each_grant_once, a_listing_of_grants_is_stable_while_others_come_and_go,
    a_listing_tells_how_a_grant_stands, grants_are_listed_by_client, grants_are_listed_by_user_in_order,
    the_latest_use_of_a_grant_is_remembered,
};
pub use purging::{
    a_grant_goes_with_the_last_of_its_tokens, purging_beside_traffic_takes_nothing_live,
    purging_deletes_tokens_in_batches, purging_leaves_what_is_live, the_expiry_of_a_token_is_not_judged,
};
pub use revocation::{
    a_revocation_among_insertions_leaves_nothing, a_revocation_among_rotations_leaves_nothing,
    a_revoked_grant_is_gone_with_all_of_it, a_use_beside_a_revocation_does_not_undo_it,
    a_user_is_revoked_with_all_grants, an_access_token_is_revoked_alone, concurrent_revocations_count_each_grant_once,
    nothing_is_stored_under_a_revoked_grant, revoking_a_client_ends_its_grants_only,
    revoking_many_grants_reaches_each_of_them, the_first_instant_of_a_revocation_stays,
};
pub use rotation::{
    a_refresh_token_rotates_once, a_reuse_stores_one_more_access_token, a_reuse_with_a_stored_key_changes_nothing,
    a_rotation_among_reuses_is_done_once, a_rotation_with_a_stored_key_changes_nothing,
    a_token_two_generations_old_yields_nothing, an_unknown_refresh_token_is_not_used,
    concurrent_reuses_all_yield_an_access_token, one_of_concurrent_rotations_wins, what_is_not_active_is_not_reused,
};
pub use storing::{
    a_grants_expiry_only_rises, a_second_grant_with_an_id_conflicts, an_unknown_token_is_absent,
    equal_hashes_under_two_grants_are_two_tokens, every_field_of_a_grant_and_its_tokens_comes_back,
    one_of_concurrent_grants_with_an_id_is_stored, one_of_concurrent_insertions_with_one_key_is_stored,
    tokens_are_added_to_a_grant_that_is_there, tokens_with_a_stored_key_are_refused_whole,
};
pub use tenants::{
    a_revocation_of_a_tenant_among_insertions_leaves_nothing, revoking_a_tenant_ends_its_grants_only,
    revoking_a_tenant_reaches_each_of_many_grants,
};
pub use usage::{a_client_has_grants_once_it_was_granted_something, a_client_has_no_grants_once_they_are_purged};

use super::everything;
use crate::grant::{Grant, IssuedTokens, Retirement};
use crate::store::{GrantSummary, Insertion, Rotation, TokenStore};
use crate::testkit::fixtures;

/// Tokens of a new grant, stored.
async fn stored(store: &dyn TokenStore) -> IssuedTokens {
    stored_under(store, &fixtures::grant()).await
}

/// Tokens of this grant, stored.
async fn stored_under(store: &dyn TokenStore, grant: &Arc<Grant>) -> IssuedTokens {
    let tokens = fixtures::issued(grant);
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    tokens
}

/// Rotates the refresh token of `tokens`.
async fn rotate(store: &dyn TokenStore, tokens: &IssuedTokens, successors: &IssuedTokens) -> Rotation {
    let retirement = fixtures::retirement(successors);
    rotate_as(store, tokens, &retirement, successors).await
}

async fn rotate_as(
    store: &dyn TokenStore,
    tokens: &IssuedTokens,
    retirement: &Retirement,
    successors: &IssuedTokens,
) -> Rotation {
    store.rotate_refresh_token(&fixtures::refresh_key(tokens), retirement, successors).await.unwrap()
}

/// How the grant is listed for its user, if it is.
async fn summary(store: &dyn TokenStore, grant: &Grant) -> Option<GrantSummary> {
    let subject = grant.subject.as_ref().expect("a grant with a user");
    let listed = store.list_grants(subject, None, everything()).await.unwrap();
    listed.into_iter().find(|summary| summary.grant.id == grant.id)
}
