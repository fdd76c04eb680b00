//! From the name of a host to its addresses.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

/// How many names are looked up at once. A look-up cannot be ended: it occupies a thread for as long as the name server of
/// whoever chose the name likes, long after whoever wanted the document has gone. So there are more than documents that are
/// fetched at once, lest those who ask for a few slow names keep everybody else out.
const AT_ONCE: usize = 64;

/// Finds the addresses of hosts, once for each document.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// The addresses of the host, in the order in which they should be tried.
    ///
    /// # Errors
    ///
    /// [`io::Error`] if the name is unknown, or cannot be looked up.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the operating system.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    permits: Arc<Semaphore>,
}

impl SystemResolver {
    /// The resolver; at most 64 names are looked up by it at once, and others wait.
    #[must_use]
    pub fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
        let host = host.to_owned();
        let looked_up = tokio::task::spawn_blocking(move || {
            // Nobody may wait any more when the answer comes; the thread is occupied until then.
            let _permit = permit;
            (host.as_str(), 0).to_socket_addrs().map(|addresses| addresses.map(|address| address.ip()).collect())
        });
        looked_up.await.map_err(io::Error::other)?
    }
}
