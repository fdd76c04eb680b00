//! A client that somebody approved is kept, for the token endpoint.

use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::observer::{Actor, Event};
use crate::server::AuthorizationServer;
use crate::store::{Insertion, Update};

/// How often a client is looked at and changed, in vain because somebody else changed it meanwhile.
const ATTEMPTS: u32 = 8;

impl AuthorizationServer {
    /// Keeps a client that its document describes, as a person approved it `now`. Any other is registered already.
    pub(in crate::endpoint) async fn keep_client(&self, client: &Client, now: Timestamp) -> Result<(), StoreError> {
        let Some(registry) = self.inner.registry.as_ref().filter(|_| client.is_described_by_document()) else {
            return Ok(());
        };
        // Many people may approve at once. If one of them was faster, look again.
        for _ in 0..ATTEMPTS {
            let Some(known) = registry.find_client(client.id()).await? else {
                let unused = self.configuration().unused(client);
                let new = client.clone().with_created_at(now).with_review_at(unused.first_review(now));
                match registry.insert_client(&new.with_used_at(Some(now))).await? {
                    Insertion::Inserted => {
                        self.observe(&Event::Registered { client: client.id(), by: Actor::Client });
                        return Ok(());
                    }
                    Insertion::Conflict => continue,
                }
            };
            let unchanged = client.consented() == known.consented();
            let updated_at = if unchanged { known.updated_at() } else { now };
            let client = client.clone().described_like(&known, updated_at);
            let noted = self.configuration().unused(&client).is_to_be_noted(&client, now);
            let client = if noted { client.with_used_at(Some(now)) } else { client };
            // The operator may have begun to vouch for it.
            if !known.is_described_by_document() || client == *known {
                return Ok(());
            }
            match registry.update_client(&client).await? {
                Update::Updated => {
                    self.observe(&Event::RegistrationChanged { client: client.id(), by: Actor::Client });
                    return Ok(());
                }
                Update::Conflict | Update::Unknown => {}
            }
        }
        Err(StoreError::unavailable("the client was changed by others each time"))
    }
}
