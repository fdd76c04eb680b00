//! Defects of code stores.

use std::num::NonZeroU32;

use grantor::clock::Timestamp;
use grantor::grant::{CodeRecord, RedirectUriSource};
use grantor::pkce::CodeChallenge;
use grantor::secret::{TokenHash, TokenKey};
use grantor::store::{CodeStore as _, Insertion, Redemption};
use grantor::testkit::fixtures::from_now;

use super::harness::turn;

broken! {
    /// Spends a code as often as it comes.
    every_redemption_is_the_first: code_store::a_code_redeems_once,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        let redemption = store.redeem_code(key, at, keep_until).await?;
        Ok(if redemption == Redemption::Replayed { Redemption::First } else { redemption })
    }

    /// Deletes a code when it is redeemed, so that nobody hears of a replay.
    a_replay_is_unknown: code_store::a_code_redeems_once,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        let redemption = store.redeem_code(key, at, keep_until).await?;
        Ok(if redemption == Redemption::Replayed { Redemption::Unknown } else { redemption })
    }

    /// Overwrites the instant of the redemption with that of a replay.
    a_replay_moves_the_instant: code_store::a_code_redeems_once,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        store.put(key.hash.as_bytes(), at.unix_millis());
        store.redeem_code(key, at, keep_until).await
    }
    fn find_code(store, key: &TokenKey) -> Option<CodeRecord> {
        let at = store.number(key.hash.as_bytes()).map(Timestamp::from_unix_millis);
        Ok(store.find_code(key).await?.map(|code| CodeRecord { redeemed_at: at, ..code }))
    }

    /// `INSERT OR REPLACE`.
    a_second_code_is_accepted: code_store::a_grant_has_one_code,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let _ = store.insert_code(code).await?;
        Ok(Insertion::Inserted)
    }

    /// Takes the grant for free once its code is spent.
    a_redeemed_code_makes_room: code_store::a_grant_has_one_code,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let insertion = store.insert_code(code).await?;
        Ok(if store.is_marked(code.key.grant.as_bytes()) { Insertion::Inserted } else { insertion })
    }
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        store.mark(key.grant.as_bytes());
        store.redeem_code(key, at, keep_until).await
    }

    /// Knows a code by its grant, whatever its hash.
    a_code_is_known_by_its_grant: code_store::an_unknown_code_is_absent,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let key = TokenKey { hash: TokenHash::from_bytes([0; 32]), ..code.key };
        let _ = store.shelf.insert_code(&CodeRecord { key, ..code.clone() }).await?;
        store.insert_code(code).await
    }
    fn find_code(store, key: &TokenKey) -> Option<CodeRecord> {
        store.shelf.find_code(&TokenKey { hash: TokenHash::from_bytes([0; 32]), ..*key }).await
    }

    /// Marks as redeemed whatever code the grant has.
    a_redemption_is_told_of_any_key: code_store::an_unknown_code_is_absent,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        let redemption = store.redeem_code(key, at, keep_until).await?;
        Ok(if redemption == Redemption::Unknown { Redemption::Replayed } else { redemption })
    }

    /// Does not count.
    failures_are_not_counted: code_store::every_failed_verifier_is_counted,
    fn count_failure(_store, _key: &TokenKey) -> () {
        Ok(())
    }

    /// Reads the count, and writes one more.
    a_count_of_failures_is_lost: code_store::every_failed_verifier_is_counted,
    fn count_failure(store, key: &TokenKey) -> () {
        let failures = store.number(key.hash.as_bytes()).unwrap_or_default();
        turn().await;
        store.put(key.hash.as_bytes(), failures + 1);
        Ok(())
    }
    fn find_code(store, key: &TokenKey) -> Option<CodeRecord> {
        let failures = store.number(key.hash.as_bytes()).unwrap_or_default().try_into().unwrap();
        Ok(store.find_code(key).await?.map(|code| CodeRecord { failures, ..code }))
    }

    /// Counts only while the code is fresh.
    failures_of_a_redeemed_code_are_not_counted: code_store::every_failed_verifier_is_counted,
    fn count_failure(store, key: &TokenKey) -> () {
        let code = store.find_code(key).await?;
        match code {
            Some(CodeRecord { redeemed_at: None, .. }) => store.count_failure(key).await,
            _ => Ok(()),
        }
    }

    /// Reads the record, counts, and writes all of it back.
    a_failure_undoes_a_redemption: code_store::failures_and_a_redemption_do_not_undo_each_other,
    fn count_failure(store, key: &TokenKey) -> () {
        let redeemed = store.number(key.hash.as_bytes()).unwrap_or_default();
        turn().await;
        store.put(key.hash.as_bytes(), redeemed);
        store.count_failure(key).await
    }
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        store.put(key.hash.as_bytes(), 1);
        store.redeem_code(key, at, keep_until).await
    }
    fn find_code(store, key: &TokenKey) -> Option<CodeRecord> {
        let redeemed = store.number(key.hash.as_bytes()) == Some(1);
        Ok(store.find_code(key).await?.map(|code| CodeRecord {
            redeemed_at: code.redeemed_at.filter(|_| redeemed),
            ..code
        }))
    }

    /// Keeps instants in seconds.
    instants_of_a_code_are_rounded: code_store::every_field_of_a_code_comes_back,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let seconds = |at: Timestamp| Timestamp::from_unix_millis(at.unix_millis() / 1_000 * 1_000);
        let redeemed_at = code.redeemed_at.map(seconds);
        let expires_at = seconds(code.expires_at);
        store.insert_code(&CodeRecord { expires_at, redeemed_at, ..code.clone() }).await
    }

    /// Keeps the failures in a signed column.
    many_failures_are_cut: code_store::every_field_of_a_code_comes_back,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        store.insert_code(&CodeRecord { failures: code.failures.min(i32::MAX.unsigned_abs()), ..code.clone() }).await
    }

    /// Takes a challenge that is missing for an empty one.
    a_missing_challenge_becomes_one: code_store::every_field_of_a_code_comes_back,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let challenge = code.challenge.or(Some(CodeChallenge::from_bytes([0; 32])));
        store.insert_code(&CodeRecord { challenge, ..code.clone() }).await
    }

    /// Has no column for where the redirect URI came from.
    the_source_of_the_redirect_uri_is_lost: code_store::every_field_of_a_code_comes_back,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let redirect_uri_source = RedirectUriSource::Requested;
        store.insert_code(&CodeRecord { redirect_uri_source, ..code.clone() }).await
    }

    /// Stores every code as a fresh one.
    a_code_is_stored_unredeemed: code_store::every_field_of_a_code_comes_back,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        store.insert_code(&CodeRecord { redeemed_at: None, ..code.clone() }).await
    }

    /// Looks whether the grant has a code, and stores one then.
    two_codes_for_a_grant_are_stored: code_store::one_of_concurrent_codes_for_a_grant_is_stored,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        if store.is_marked(code.key.grant.as_bytes()) {
            return Ok(Insertion::Conflict);
        }
        turn().await;
        store.mark(code.key.grant.as_bytes());
        let _ = store.insert_code(code).await?;
        Ok(Insertion::Inserted)
    }

    /// Looks whether the code is fresh, and marks it then.
    two_redemptions_win: code_store::one_of_concurrent_redemptions_wins,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        match store.find_code(key).await? {
            None => Ok(Redemption::Unknown),
            Some(CodeRecord { redeemed_at: Some(_), .. }) => Ok(Redemption::Replayed),
            Some(_) => {
                turn().await;
                let _ = store.redeem_code(key, at, keep_until).await?;
                Ok(Redemption::First)
            }
        }
    }

    /// `FOR UPDATE SKIP LOCKED`: whoever comes while the code is being redeemed does not see it.
    a_code_that_is_being_redeemed_is_unknown: code_store::one_of_concurrent_redemptions_wins,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        let free = store.mark(key.hash.as_bytes());
        turn().await;
        match store.redeem_code(key, at, keep_until).await? {
            Redemption::Replayed if !free => Ok(Redemption::Unknown),
            redemption => Ok(redemption),
        }
    }

    /// Claims the grant in one step, and stores the code in another.
    a_dropped_code_is_half_stored: code_store::a_dropped_insertion_of_a_code_happened_or_did_not,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        if !store.mark(code.key.grant.as_bytes()) {
            return Ok(Insertion::Conflict);
        }
        turn().await;
        store.insert_code(code).await
    }

    /// Claims the code in one step, and notes the instant in another.
    a_dropped_redemption_is_half_done: code_store::a_dropped_redemption_happened_or_did_not,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        if !store.mark(key.hash.as_bytes()) {
            return Ok(Redemption::Replayed);
        }
        turn().await;
        store.redeem_code(key, at, keep_until).await
    }

    /// Refuses to redeem what has expired.
    the_expiry_is_judged_at_redemption: code_store::the_expiry_of_a_code_is_not_judged,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        match store.find_code(key).await? {
            Some(code) if code.expires_at < at => Ok(Redemption::Unknown),
            _ => store.redeem_code(key, at, keep_until).await,
        }
    }

    /// Hides what has expired by the clock of the database.
    the_expiry_is_judged_by_a_clock: code_store::the_expiry_of_a_code_is_not_judged,
    fn find_code(store, key: &TokenKey) -> Option<CodeRecord> {
        Ok(store.find_code(key).await?.filter(|code| code.expires_at > from_now(0)))
    }

    /// `expires_at <= ?`.
    a_code_is_purged_at_its_last_instant: code_store::purging_leaves_every_code_that_must_be_known,
    fn purge_codes(store, before: Timestamp, limit: NonZeroU32) -> u32 {
        store.purge_codes(Timestamp::from_unix_millis(before.unix_millis().saturating_add(1)), limit).await
    }

    /// Deletes a redeemed code when the code itself has expired.
    a_redeemed_code_is_purged_with_its_expiry: code_store::purging_leaves_every_code_that_must_be_known,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        store.redeem_code(key, at, keep_until.map(|_| at)).await
    }

    /// Takes "for as long as its grant" for "no longer".
    no_bound_is_taken_for_none_at_all: code_store::purging_leaves_every_code_that_must_be_known,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        store.redeem_code(key, at, keep_until.or(Some(at))).await
    }

    /// Picks what has expired, and deletes it although it was redeemed in the meantime.
    a_purge_takes_what_was_just_redeemed: code_store::purging_beside_redemptions_takes_nothing_redeemed,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        store.put(code.key.hash.as_bytes(), code.expires_at.unix_millis());
        store.insert_code(code).await
    }
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        if store.is_marked(key.hash.as_bytes()) {
            return Ok(Redemption::Unknown);
        }
        store.put(key.hash.as_bytes(), i64::MAX);
        store.redeem_code(key, at, keep_until).await
    }
    fn find_code(store, key: &TokenKey) -> Option<CodeRecord> {
        Ok(store.find_code(key).await?.filter(|_| !store.is_marked(key.hash.as_bytes())))
    }
    fn purge_codes(store, before: Timestamp, _limit: NonZeroU32) -> u32 {
        let due = store.below(before.unix_millis());
        turn().await;
        for hash in due {
            store.mark(&hash);
        }
        Ok(0)
    }

    /// Purges nothing.
    codes_are_not_purged: code_store::purging_deletes_codes_in_batches,
    fn purge_codes(_store, _before: Timestamp, _limit: NonZeroU32) -> u32 {
        Ok(0)
    }

    /// Purges all at once.
    a_purge_of_codes_ignores_its_limit: code_store::purging_deletes_codes_in_batches,
    fn purge_codes(store, before: Timestamp, _limit: NonZeroU32) -> u32 {
        store.purge_codes(before, NonZeroU32::MAX).await
    }

    /// Always tells that there may be more.
    a_purge_of_codes_never_ends: code_store::purging_deletes_codes_in_batches,
    fn purge_codes(store, before: Timestamp, limit: NonZeroU32) -> u32 {
        store.purge_codes(before, limit).await?;
        Ok(limit.get())
    }

    /// Deletes a full batch, and tells of one row less.
    a_purge_of_codes_counts_too_few: code_store::purging_deletes_codes_in_batches,
    fn purge_codes(store, before: Timestamp, limit: NonZeroU32) -> u32 {
        Ok(store.purge_codes(before, limit).await?.saturating_sub(1))
    }

    /// Keeps a redeemed code for good.
    redeemed_codes_are_not_purged: code_store::purging_deletes_codes_in_batches,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, _keep_until: Option<Timestamp>) -> Redemption {
        store.redeem_code(key, at, None).await
    }
}
