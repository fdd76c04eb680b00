//! Defects of registries.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::client::{Client, ClientId, ClientMetadata};
use grantor::clock::Timestamp;
use grantor::identifier::Subject;
use grantor::store::{ClientRegistry as _, ClientStore as _, Deletion, Insertion, Page, Update};

use super::harness::{Parts, turn};

/// All clients of an owner, in the order of their identifiers.
async fn all(store: &Parts, owner: &Subject) -> Vec<Arc<Client>> {
    store.list_clients(owner, Page::first(NonZeroU32::MAX)).await.unwrap()
}

/// Those that an order of the store's own puts behind the mark.
fn page(mut clients: Vec<Arc<Client>>, page: &Page<ClientId>, key: impl Fn(&ClientId) -> Vec<u8>) -> Vec<Arc<Client>> {
    clients.sort_by_key(|client| key(client.id()));
    clients.retain(|client| page.after.as_ref().is_none_or(|after| key(client.id()) > key(after)));
    clients.truncate(page.limit.get() as usize);
    clients
}

broken! {
    /// Indexes owners when a client is inserted, and never again.
    a_client_stays_with_its_first_owner: client_registry::a_client_is_listed_for_its_owner_of_now,
    fn insert_client(store, client: &Client) -> Insertion {
        let _ = store.shelf.insert_client(client).await?;
        store.insert_client(client).await
    }
    fn list_clients(store, owner: &Subject, page: Page<ClientId>) -> Vec<Arc<Client>> {
        store.shelf.list_clients(owner, page).await
    }

    /// Leaves the listing of its owner as it is.
    a_deleted_client_is_listed: client_registry::a_deleted_client_is_gone,
    fn insert_client(store, client: &Client) -> Insertion {
        let _ = store.shelf.insert_client(client).await?;
        store.insert_client(client).await
    }
    fn list_clients(store, owner: &Subject, page: Page<ClientId>) -> Vec<Arc<Client>> {
        store.shelf.list_clients(owner, page).await
    }

    /// Marks the row as deleted, where it stays in the way.
    a_deleted_client_bars_its_identifier: client_registry::a_deleted_client_is_gone,
    fn delete_client(store, id: &ClientId) -> Deletion {
        let deletion = store.delete_client(id).await?;
        if deletion == Deletion::Deleted {
            store.mark(id.as_str().as_bytes());
        }
        Ok(deletion)
    }
    fn insert_client(store, client: &Client) -> Insertion {
        if store.is_marked(client.id().as_str().as_bytes()) {
            return Ok(Insertion::Conflict);
        }
        store.insert_client(client).await
    }

    /// Writes the row back that it read before.
    an_update_brings_a_deleted_client_back: client_registry::a_deletion_among_updates_is_the_end,
    fn update_client(store, client: &Client) -> Update {
        let Some(found) = store.find_client(client.id()).await? else { return Ok(Update::Unknown) };
        if found.version() != client.version() {
            return Ok(Update::Conflict);
        }
        turn().await;
        let _ = store.delete_client(client.id()).await?;
        let _ = store.insert_client(&client.clone().with_version(client.version() + 1)).await?;
        Ok(Update::Updated)
    }

    /// Looks whether the client is there, and deletes it then.
    two_deletions_are_told: client_registry::a_deletion_among_updates_is_the_end,
    fn delete_client(store, id: &ClientId) -> Deletion {
        if store.find_client(id).await?.is_none() {
            return Ok(Deletion::Unknown);
        }
        turn().await;
        let _ = store.delete_client(id).await?;
        Ok(Deletion::Deleted)
    }

    /// Claims the identifier in one step, and stores the client in another.
    a_dropped_client_is_half_stored: client_registry::a_dropped_insertion_of_a_client_happened_or_did_not,
    fn insert_client(store, client: &Client) -> Insertion {
        if !store.mark(client.id().as_str().as_bytes()) {
            return Ok(Insertion::Conflict);
        }
        turn().await;
        store.insert_client(client).await
    }

    /// Forgets the owner's entry in one step, and deletes the client in another.
    a_dropped_deletion_is_half_done: client_registry::a_dropped_deletion_of_a_client_happened_or_did_not,
    fn delete_client(store, id: &ClientId) -> Deletion {
        if !store.mark(id.as_str().as_bytes()) {
            return Ok(Deletion::Unknown);
        }
        turn().await;
        store.delete_client(id).await
    }

    /// Deletes the old row in one step, and inserts the new one in another.
    a_dropped_update_loses_the_client: client_registry::a_dropped_update_happened_or_did_not,
    fn update_client(store, client: &Client) -> Update {
        let Some(found) = store.find_client(client.id()).await? else { return Ok(Update::Unknown) };
        if found.version() != client.version() {
            return Ok(Update::Conflict);
        }
        let _ = store.delete_client(client.id()).await?;
        turn().await;
        let _ = store.insert_client(&client.clone().with_version(client.version() + 1)).await?;
        Ok(Update::Updated)
    }

    /// `OFFSET`: what came and went moves the pages.
    pages_of_clients_are_counted_off: client_registry::a_listing_of_clients_is_stable_while_others_come_and_go,
    fn list_clients(store, owner: &Subject, page: Page<ClientId>) -> Vec<Arc<Client>> {
        let returned = page.after.and(store.number(b"returned")).unwrap_or_default();
        let clients: Vec<_> =
            all(store, owner).await.into_iter().skip(returned.try_into().unwrap()).take(page.limit.get() as usize).collect();
        store.put(b"returned", returned + i64::try_from(clients.len()).unwrap());
        Ok(clients)
    }

    /// Looks for the client that a page is to begin behind, and begins anew without it.
    a_mark_that_is_gone_is_ignored: client_registry::a_listing_of_clients_is_stable_while_others_come_and_go,
    fn list_clients(store, owner: &Subject, page: Page<ClientId>) -> Vec<Arc<Client>> {
        let known = match &page.after {
            Some(after) => store.find_client(after).await?.is_some(),
            None => false,
        };
        store.list_clients(owner, Page { after: page.after.filter(|_| known), ..page }).await
    }

    /// Reads the number of the page, and then that many.
    a_listing_beside_others_repeats_clients: client_registry::a_listing_beside_insertions_shows_each_client_once,
    fn list_clients(store, owner: &Subject, page: Page<ClientId>) -> Vec<Arc<Client>> {
        let returned = page.after.and(store.number(b"returned")).unwrap_or_default();
        let clients: Vec<_> =
            all(store, owner).await.into_iter().skip(returned.try_into().unwrap()).take(page.limit.get() as usize).collect();
        store.put(b"returned", returned + i64::try_from(clients.len()).unwrap());
        Ok(clients)
    }

    /// `INSERT OR REPLACE`.
    a_second_client_replaces_the_first: client_registry::a_second_client_with_an_id_conflicts,
    fn insert_client(store, client: &Client) -> Insertion {
        let _ = store.delete_client(client.id()).await?;
        store.insert_client(client).await
    }

    /// Stores the client no second time, but for its owner.
    a_refused_client_is_listed: client_registry::a_second_client_with_an_id_conflicts,
    fn insert_client(store, client: &Client) -> Insertion {
        let insertion = store.insert_client(client).await?;
        if insertion == Insertion::Conflict {
            let _ = store.shelf.insert_client(client).await?;
        }
        Ok(insertion)
    }
    fn list_clients(store, owner: &Subject, page: Page<ClientId>) -> Vec<Arc<Client>> {
        let mut clients = store.list_clients(owner, page.clone()).await?;
        clients.extend(store.shelf.list_clients(owner, page).await?);
        Ok(clients)
    }

    /// Compares identifiers in a collation that knows no case.
    the_case_of_an_identifier_is_ignored: client_registry::an_unknown_client_is_absent,
    fn find_client(store, id: &ClientId) -> Option<Arc<Client>> {
        store.find_client(&id.as_str().to_ascii_lowercase().parse().unwrap()).await
    }

    /// Compares identifiers as a padded column does.
    a_blank_behind_an_identifier_is_ignored: client_registry::an_unknown_client_is_absent,
    fn find_client(store, id: &ClientId) -> Option<Arc<Client>> {
        let trimmed = id.as_str().trim_end();
        store.find_client(&if trimmed.is_empty() { id.clone() } else { trimmed.parse().unwrap() }).await
    }

    /// `LIKE`.
    an_identifier_is_a_pattern: client_registry::an_unknown_client_is_absent,
    fn delete_client(store, id: &ClientId) -> Deletion {
        let plain = id.as_str().replace('%', "");
        store.delete_client(&if plain.is_empty() { id.clone() } else { plain.parse().unwrap() }).await
    }

    /// `INSERT … ON CONFLICT DO UPDATE`.
    an_update_inserts: client_registry::an_update_of_an_unknown_client_stores_nothing,
    fn update_client(store, client: &Client) -> Update {
        let update = store.update_client(client).await?;
        if update == Update::Unknown {
            let _ = store.insert_client(client).await?;
        }
        Ok(update)
    }

    /// Does not compare versions.
    the_last_update_wins: client_registry::an_update_of_another_version_conflicts,
    fn update_client(store, client: &Client) -> Update {
        let Some(found) = store.find_client(client.id()).await? else { return Ok(Update::Unknown) };
        store.update_client(&client.clone().with_version(found.version())).await
    }

    /// Takes whatever version is not lower.
    a_later_version_is_taken: client_registry::an_update_of_another_version_conflicts,
    fn update_client(store, client: &Client) -> Update {
        let Some(found) = store.find_client(client.id()).await? else { return Ok(Update::Unknown) };
        let version = client.version().min(found.version());
        store.update_client(&client.clone().with_version(version)).await
    }

    /// Sets the columns that it knows, which is not all of them.
    an_update_leaves_the_metadata: client_registry::an_update_replaces_every_field,
    fn update_client(store, client: &Client) -> Update {
        let metadata = match store.find_client(client.id()).await? {
            Some(found) => found.metadata().clone(),
            None => ClientMetadata::new(),
        };
        store.update_client(&client.clone().with_metadata(metadata)).await
    }

    /// `coalesce(?, owner)`.
    an_owner_is_never_taken_away: client_registry::an_update_replaces_every_field,
    fn update_client(store, client: &Client) -> Update {
        let Some(found) = store.find_client(client.id()).await? else { return Ok(Update::Unknown) };
        match (client.owner(), found.owner()) {
            (None, Some(owner)) => store.update_client(&client.clone().with_owner(owner.clone())).await,
            _ => store.update_client(client).await,
        }
    }

    /// Lists in the order of identifiers.
    due_clients_are_listed_in_any_order: client_registry::clients_are_due_once_their_instant_is_past,
    fn list_due_clients(store, before: Timestamp, limit: NonZeroU32) -> Vec<Arc<Client>> {
        let mut clients = store.list_due_clients(before, NonZeroU32::MAX).await?;
        clients.sort_by_key(|client| client.id().clone());
        clients.truncate(limit.get() as usize);
        Ok(clients)
    }

    /// `review_at <= ?`.
    clients_are_due_at_their_instant: client_registry::clients_are_due_once_their_instant_is_past,
    fn list_due_clients(store, before: Timestamp, limit: NonZeroU32) -> Vec<Arc<Client>> {
        store.list_due_clients(Timestamp::from_unix_millis(before.unix_millis().saturating_add(1)), limit).await
    }

    /// Lists them all, however many there are.
    due_clients_are_listed_without_a_bound: client_registry::clients_are_due_once_their_instant_is_past,
    fn list_due_clients(store, before: Timestamp, _limit: NonZeroU32) -> Vec<Arc<Client>> {
        store.list_due_clients(before, NonZeroU32::MAX).await
    }

    /// Indexes instants when a client is inserted, and never again.
    a_client_stays_due: client_registry::a_client_is_due_by_its_instant_of_now,
    fn insert_client(store, client: &Client) -> Insertion {
        let _ = store.shelf.insert_client(client).await?;
        store.insert_client(client).await
    }
    fn list_due_clients(store, before: Timestamp, limit: NonZeroU32) -> Vec<Arc<Client>> {
        store.shelf.list_due_clients(before, limit).await
    }

    /// Reads a page first, and then the clients, of which some are gone: it gives up then.
    a_listing_of_due_clients_ends_early: client_registry::a_listing_of_due_clients_beside_others_misses_none,
    fn list_due_clients(store, before: Timestamp, limit: NonZeroU32) -> Vec<Arc<Client>> {
        let mut clients = Vec::new();
        for client in store.list_due_clients(before, limit).await? {
            turn().await;
            match store.find_client(client.id()).await? {
                Some(found) if found == client => clients.push(found),
                _ => break,
            }
        }
        Ok(clients)
    }

    /// Counts them all, however many there are.
    clients_are_counted_without_a_bound: client_registry::clients_are_counted_up_to_a_bound,
    fn count_clients(store, _at_most: NonZeroU32) -> u32 {
        store.count_clients(NonZeroU32::MAX).await
    }

    /// Counts the insertions.
    deleted_clients_are_counted: client_registry::clients_are_counted_up_to_a_bound,
    fn insert_client(store, client: &Client) -> Insertion {
        let insertion = store.insert_client(client).await?;
        if insertion == Insertion::Inserted {
            store.put(b"count", store.number(b"count").unwrap_or_default() + 1);
        }
        Ok(insertion)
    }
    fn count_clients(store, at_most: NonZeroU32) -> u32 {
        let count = u32::try_from(store.number(b"count").unwrap_or_default()).unwrap();
        Ok(count.min(at_most.get()))
    }

    /// Orders as people do, not as bytes do.
    clients_are_ordered_without_case: client_registry::clients_are_listed_by_owner_in_order,
    fn list_clients(store, owner: &Subject, mark: Page<ClientId>) -> Vec<Arc<Client>> {
        Ok(page(all(store, owner).await, &mark, |id| id.as_str().to_ascii_lowercase().into_bytes()))
    }

    /// Skips what is no letter, as many a locale does.
    clients_are_ordered_by_locale: client_registry::clients_are_listed_by_owner_in_order,
    fn list_clients(store, owner: &Subject, mark: Page<ClientId>) -> Vec<Arc<Client>> {
        let letters = |id: &ClientId| id.as_str().bytes().filter(u8::is_ascii_alphanumeric).collect::<Vec<_>>();
        Ok(page(all(store, owner).await, &mark, |id| [letters(id), vec![0], id.as_str().into()].concat()))
    }

    /// Orders numbers as numbers.
    clients_are_ordered_by_number: client_registry::clients_are_listed_by_owner_in_order,
    fn list_clients(store, owner: &Subject, mark: Page<ClientId>) -> Vec<Arc<Client>> {
        let number = |id: &ClientId| id.as_str().parse::<u64>().unwrap_or_default().to_be_bytes();
        Ok(page(all(store, owner).await, &mark, |id| [number(id).as_slice(), id.as_str().as_bytes()].concat()))
    }

    /// `id >= ?`.
    a_page_of_clients_begins_at_its_mark: client_registry::clients_are_listed_by_owner_in_order,
    fn list_clients(store, owner: &Subject, mark: Page<ClientId>) -> Vec<Arc<Client>> {
        let limit = mark.limit.get() as usize;
        let clients = all(store, owner).await.into_iter();
        Ok(clients.filter(|client| mark.after.as_ref().is_none_or(|after| client.id() >= after)).take(limit).collect())
    }

    /// Keeps the version in a signed column.
    a_high_version_is_cut: client_registry::every_field_of_a_client_comes_back,
    fn insert_client(store, client: &Client) -> Insertion {
        let version = client.version().min(i64::MAX.unsigned_abs());
        store.insert_client(&client.clone().with_version(version)).await
    }

    /// Looks whether the client is there, and stores it then.
    two_insertions_of_a_client_win: client_registry::one_of_concurrent_insertions_of_a_client_wins,
    fn insert_client(store, client: &Client) -> Insertion {
        if store.find_client(client.id()).await?.is_some() {
            return Ok(Insertion::Conflict);
        }
        turn().await;
        let _ = store.insert_client(client).await?;
        Ok(Insertion::Inserted)
    }

    /// Looks at the version, and stores then whatever it has become.
    two_updates_win: client_registry::one_of_concurrent_updates_wins,
    fn update_client(store, client: &Client) -> Update {
        let Some(found) = store.find_client(client.id()).await? else { return Ok(Update::Unknown) };
        if found.version() != client.version() {
            return Ok(Update::Conflict);
        }
        turn().await;
        let _ = store.update_client(client).await?;
        Ok(Update::Updated)
    }

    /// Does not count beyond the last version.
    the_last_version_stays: client_registry::the_version_after_the_last_is_zero,
    fn update_client(store, client: &Client) -> Update {
        let update = store.update_client(client).await?;
        if update == Update::Updated && client.version() == u64::MAX {
            let _ = store.delete_client(client.id()).await?;
            let _ = store.insert_client(client).await?;
        }
        Ok(update)
    }
}
