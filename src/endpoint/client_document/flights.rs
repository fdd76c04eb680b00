//! Which documents are being fetched.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::cimd::ClientIdUrl;
use crate::client::ClientId;
use crate::rate_limit::Peer;

/// How many documents are fetched at once.
const MAX_FLIGHTS: usize = 32;
/// How many of one host.
const MAX_OF_HOST: usize = 4;
/// How many that requests from one network began. A host that hangs costs its owner nothing, and neither does another name.
const MAX_OF_PEER: usize = 8;
/// How many requests wait for one document.
const MAX_WAITING: usize = 64;
/// How long a fetch takes at most that keeps to its contract.
pub(super) const LONGEST_FLIGHT: Duration = Duration::from_secs(5);

/// The documents that are being fetched: each once at a time, however many requests want it.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<ClientId, Flight>>);

#[derive(Debug)]
struct Flight {
    host: String,
    /// From where the request came that began it.
    peer: Option<IpAddr>,
    turn: Arc<Turn<()>>,
    /// Requests that wait for the document, or fetch it.
    requests: usize,
}

/// The wish for a document. When nobody wishes for it any more, the flight is over.
pub(super) struct Ticket<'a> {
    flights: &'a Flights,
    id: &'a ClientId,
    turn: Arc<Turn<()>>,
}

impl Flights {
    /// Joins those who want the document; `None` if too much is going on already.
    pub(super) fn join<'a>(&'a self, url: &'a ClientIdUrl, peer: Option<Peer>) -> Option<Ticket<'a>> {
        let mut flights = self.flights();
        let peer = peer.map(Peer::network);
        if !flights.contains_key(url.client_id()) {
            let of_host = flights.values().filter(|flight| flight.host == url.host()).count();
            let of_peer = flights.values().filter(|flight| peer.is_some() && flight.peer == peer).count();
            if flights.len() >= MAX_FLIGHTS || of_host >= MAX_OF_HOST || of_peer >= MAX_OF_PEER {
                return None;
            }
        }
        let flight = flights.entry(url.client_id().clone()).or_insert_with(|| Flight {
            host: url.host().to_owned(),
            peer,
            turn: Arc::default(),
            requests: 0,
        });
        if flight.requests >= MAX_WAITING {
            return None;
        }
        flight.requests += 1;
        Some(Ticket { flights: self, id: url.client_id(), turn: Arc::clone(&flight.turn) })
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<ClientId, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket<'_> {
    /// Waits until nobody else fetches the document. If whoever does goes away, the next one may.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut flights = self.flights.flights();
        if let Some(flight) = flights.get_mut(self.id) {
            flight.requests -= 1;
            if flight.requests == 0 {
                flights.remove(self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str, number: usize) -> ClientIdUrl {
        format!("https://{host}/{number}").parse().unwrap()
    }

    // CIMD-016, ATK-085
    #[test]
    fn only_so_much_goes_on_at_once_and_no_host_has_all_of_it() {
        let flights = Flights::default();
        let urls: Vec<_> =
            (0..MAX_FLIGHTS).map(|number| url(&format!("h{}.test", number / MAX_OF_HOST), number)).collect();
        let mut tickets: Vec<_> = urls.iter().map(|url| flights.join(url, None).unwrap()).collect();
        let other = url("other.test", 0);
        assert!(flights.join(&other, None).is_none());
        tickets.pop();
        assert!(flights.join(&url("h0.test", 1_000), None).is_none(), "this host has its share");
        assert!(flights.join(&other, None).is_some());
        drop(tickets);
        assert!(flights.flights().is_empty());
    }

    // CIMD-016, ATK-085
    #[test]
    fn no_network_has_all_of_it() {
        let flights = Flights::default();
        let peer = |last| Some(Peer::new([203, 0, 113, last].into()));
        let urls: Vec<_> = (0..=MAX_OF_PEER).map(|number| url(&format!("h{number}.test"), 0)).collect();
        let (too_much, urls) = urls.split_last().unwrap();
        let mut tickets: Vec<_> = urls.iter().map(|url| flights.join(url, peer(1)).unwrap()).collect();
        assert!(flights.join(too_much, peer(1)).is_none());
        // What is being fetched already costs nothing more.
        assert!(flights.join(&urls[0], peer(1)).is_some());
        assert!(flights.join(too_much, peer(2)).is_some() && flights.join(too_much, None).is_some());
        tickets.pop();
        assert!(flights.join(too_much, peer(1)).is_some());
    }

    #[test]
    fn only_so_many_wait_for_one_document() {
        let flights = Flights::default();
        let url = url("client.test", 0);
        let mut tickets: Vec<_> = (0..MAX_WAITING).map(|_| flights.join(&url, None).unwrap()).collect();
        assert!(flights.join(&url, None).is_none());
        tickets.pop();
        assert!(flights.join(&url, None).is_some());
    }
}
