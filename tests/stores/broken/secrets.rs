//! Defects of what is remembered of the use of a secret.

use grantor::client::{Client, ClientId};
use grantor::clock::Timestamp;
use grantor::secret::SecretHash;
use grantor::store::{ClientRegistry as _, ClientStore as _, Insertion};

use super::harness::{Parts, turn};

/// Writes the client as it is given, whatever has become of it.
async fn write(store: &Parts, client: &Client) {
    let _ = store.delete_client(client.id()).await.unwrap();
    assert_eq!(store.insert_client(client).await.unwrap(), Insertion::Inserted);
}

broken! {
    /// Has no column for it.
    a_use_is_forgotten: client_registry::the_use_of_a_secret_is_remembered,
    fn touch_secret(_store, _id: &ClientId, _secret: &SecretHash, _at: Timestamp) -> () {
        Ok(())
    }

    /// Stores a use like any other change.
    a_use_makes_a_version: client_registry::the_use_of_a_secret_is_remembered,
    fn touch_secret(store, id: &ClientId, secret: &SecretHash, at: Timestamp) -> () {
        store.touch_secret(id, secret, at).await?;
        if let Some(client) = store.find_client(id).await? {
            let _ = store.update_client(&client).await?;
        }
        Ok(())
    }

    /// Keeps one instant for all secrets of a client.
    a_use_is_one_of_all_secrets: client_registry::the_use_of_a_secret_is_remembered,
    fn touch_secret(store, id: &ClientId, secret: &SecretHash, at: Timestamp) -> () {
        store.touch_secret(id, secret, at).await?;
        store.touch_secret(id, &SecretHash::of("second"), at).await
    }

    /// Overwrites the instant each time.
    the_last_use_that_is_told_is_kept: client_registry::the_latest_use_of_a_secret_is_remembered,
    fn insert_client(store, client: &Client) -> Insertion {
        let _ = store.shelf.insert_client(client).await?;
        store.insert_client(client).await
    }
    fn touch_secret(store, id: &ClientId, secret: &SecretHash, at: Timestamp) -> () {
        if let Some(unused) = store.shelf.find_client(id).await? {
            write(store, &unused).await;
        }
        store.touch_secret(id, secret, at).await
    }

    /// Looks for the latest use, and stores this one then.
    an_earlier_use_comes_late: client_registry::the_latest_use_of_a_secret_is_remembered,
    fn insert_client(store, client: &Client) -> Insertion {
        let _ = store.shelf.insert_client(client).await?;
        store.insert_client(client).await
    }
    fn touch_secret(store, id: &ClientId, secret: &SecretHash, at: Timestamp) -> () {
        let before = store.number(id.as_str().as_bytes());
        turn().await;
        if before.is_none_or(|before| before < at.unix_millis())
            && let Some(unused) = store.shelf.find_client(id).await?
        {
            store.put(id.as_str().as_bytes(), at.unix_millis());
            write(store, &unused).await;
            store.touch_secret(id, secret, at).await?;
        }
        Ok(())
    }

    /// Notes the latest use, remembers it then, and takes one that is noted for remembered.
    a_dropped_use_is_taken_for_known: client_registry::a_dropped_use_of_a_secret_happened_or_did_not,
    fn touch_secret(store, id: &ClientId, secret: &SecretHash, at: Timestamp) -> () {
        if store.number(id.as_str().as_bytes()).is_some_and(|known| known >= at.unix_millis()) {
            return Ok(());
        }
        store.put(id.as_str().as_bytes(), at.unix_millis());
        turn().await;
        store.touch_secret(id, secret, at).await
    }

    /// Notes the use for the client, whatever the secret.
    a_use_of_any_secret_is_noted: client_registry::the_use_of_an_unknown_secret_changes_nothing,
    fn touch_secret(store, id: &ClientId, _secret: &SecretHash, at: Timestamp) -> () {
        store.touch_secret(id, &SecretHash::of("second"), at).await
    }

    /// `INSERT … ON CONFLICT DO UPDATE`.
    a_use_inserts_a_client: client_registry::the_use_of_an_unknown_secret_changes_nothing,
    fn touch_secret(store, id: &ClientId, secret: &SecretHash, at: Timestamp) -> () {
        let _ = store.insert_client(&Client::public(id.clone())).await?;
        store.touch_secret(id, secret, at).await
    }

    /// Reads the client, and writes all of it back.
    a_use_undoes_an_update: client_registry::a_use_beside_an_update_does_not_undo_it,
    fn touch_secret(store, id: &ClientId, secret: &SecretHash, at: Timestamp) -> () {
        let Some(found) = store.find_client(id).await? else { return Ok(()) };
        turn().await;
        write(store, &found).await;
        store.touch_secret(id, secret, at).await
    }
}
