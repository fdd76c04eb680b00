//! Connections, and what becomes of a call on one.
//!
//! Nothing that may have been executed is sent again: a redemption that is sent twice would find its own first half, report a
//! replay, and have the grant revoked. So the cluster client's own retries, which do not look at what they repeat, are off. What
//! is repeated here is what a server refused to execute, such as a command that went to a node which does not have the slot any
//! more, and reads.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, SingleNodeRoutingInfo, SlotAddr};
use redis::{AsyncConnectionConfig, Client, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use tokio::sync::OnceCell;

/// How often a command is sent that servers refuse to execute because another has to.
const REFUSALS: u32 = 12;

/// How often a command that only reads is sent again because the connection was lost.
const BREAKS: u32 = 2;

/// How long to wait before a command is sent again, the first time and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// The way to a server or cluster, which is connected when it is first needed, and again whenever a connection is lost.
pub(super) struct Connection {
    target: Target,
    /// The link in use. One that broke is replaced by one that is still to be made, once, however many calls notice.
    link: Mutex<Arc<OnceCell<Link>>>,
}

#[derive(Clone)]
pub(super) enum Target {
    Server(Client),
    Cluster(Box<ClusterClient>),
}

#[derive(Clone)]
enum Link {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// What a call is for: whether it may be executed twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Effect {
    Reads,
    Writes,
}

impl Connection {
    pub(super) fn new(target: Target) -> Self {
        Self { target, link: Mutex::default() }
    }

    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster(_))
    }

    /// Makes sure that there is a connection.
    pub(super) async fn establish(&self) -> RedisResult<()> {
        self.link(&self.current()).await.map(drop)
    }

    /// Sends commands that follow each other without anything between them to the node that has `key`, and returns an answer
    /// for each.
    pub(super) async fn send(
        &self,
        key: &[u8],
        commands: &Pipeline,
        effect: Effect,
        patience: Duration,
    ) -> RedisResult<Vec<Value>> {
        let current = self.current();
        match tokio::time::timeout(patience, self.persist(key, commands, effect)).await {
            Ok(answers) => answers,
            Err(elapsed) => {
                // It may be one that nothing will ever come back on.
                self.replace(&current);
                Err(io::Error::from(elapsed).into())
            }
        }
    }

    async fn persist(&self, key: &[u8], commands: &Pipeline, effect: Effect) -> RedisResult<Vec<Value>> {
        let mut redirect = None;
        let mut pause = FIRST_PAUSE;
        let mut refusals_left = REFUSALS;
        let mut breaks_left = match effect {
            Effect::Reads => BREAKS,
            Effect::Writes => 0,
        };
        loop {
            let current = self.current();
            let error = match self.attempt(&current, key, commands, redirect.take()).await {
                Ok(answers) => match refusal(&answers) {
                    Some(error) => error,
                    None => return Ok(answers),
                },
                Err(error) => error,
            };
            let refused = was_refused(&error);
            let broken = error.is_io_error() || error.is_unrecoverable_error();
            let left = match self.target {
                Target::Cluster(_) if refused => &mut refusals_left,
                // The name of a server that was made a replica may lead to another one by now.
                Target::Server(_) if refused => {
                    self.replace(&current);
                    return Err(error);
                }
                _ if !broken => return Err(error),
                // The client of a cluster mends its connections.
                Target::Cluster(_) => &mut breaks_left,
                Target::Server(_) => {
                    self.replace(&current);
                    &mut breaks_left
                }
            };
            *left = match left.checked_sub(1) {
                Some(left) => left,
                None => return Err(error),
            };
            redirect = error.redirect_node().filter(|_| is(&error, ServerErrorKind::Ask)).and_then(address);
            if redirect.is_none() {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        }
    }

    async fn attempt(
        &self,
        cell: &OnceCell<Link>,
        key: &[u8],
        commands: &Pipeline,
        redirect: Option<SingleNodeRoutingInfo>,
    ) -> RedisResult<Vec<Value>> {
        let count = commands.len();
        match (self.link(cell).await?, redirect) {
            (Link::Server(mut connection), _) => connection.req_packed_commands(commands, 0, count).await,
            (Link::Cluster(mut connection), None) => {
                let route = SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master));
                connection.route_pipeline(commands.clone(), 0, count, route).await
            }
            (Link::Cluster(mut connection), Some(node)) => {
                // The slot is on its way to that node, which serves it only to who asks.
                let mut asking = Pipeline::with_capacity(count.saturating_add(1));
                for command in std::iter::once(&cmd("ASKING")).chain(commands.cmd_iter()) {
                    asking.add_command(command.clone());
                }
                connection.route_pipeline(asking, 1, count, node).await
            }
        }
    }

    async fn link(&self, cell: &OnceCell<Link>) -> RedisResult<Link> {
        cell.get_or_try_init(|| self.target.connect()).await.cloned()
    }

    fn current(&self) -> Arc<OnceCell<Link>> {
        Arc::clone(&self.link.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, broken: &Arc<OnceCell<Link>>) {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is still being made is not broken.
        if Arc::ptr_eq(&link, broken) && link.initialized() {
            *link = Arc::default();
        }
    }
}

impl Target {
    async fn connect(&self) -> RedisResult<Link> {
        match self {
            Self::Server(client) => {
                // Calls are bounded by the store.
                let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
                client.get_multiplexed_async_connection_with_config(&config).await.map(Link::Server)
            }
            Self::Cluster(client) => client.get_async_connection().await.map(Link::Cluster),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the address nor the password that belongs to it.
        f.write_str(match self.target {
            Target::Server(_) => "Connection(server)",
            Target::Cluster(_) => "Connection(cluster)",
        })
    }
}

/// Connections that take turns.
#[derive(Debug)]
pub(super) struct Turns {
    connections: Box<[Connection]>,
    next: AtomicUsize,
}

impl Turns {
    pub(super) fn new(target: &Target, count: usize) -> Self {
        let connections = (0..count).map(|_| Connection::new(target.clone())).collect();
        Self { connections, next: AtomicUsize::new(0) }
    }

    pub(super) fn next(&self) -> Option<&Connection> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.connections.get(turn.checked_rem(self.connections.len())?)
    }
}

/// The answer by which a server refused to execute a command for another node to do it.
fn refusal(answers: &[Value]) -> Option<RedisError> {
    let error = answers.iter().find_map(|answer| match answer {
        Value::ServerError(error) => Some(RedisError::from(error.clone())),
        _ => None,
    })?;
    was_refused(&error).then_some(error)
}

/// Whether the command was certainly not executed, and another node, or the same a moment later, would.
///
/// A script on a node that became a replica fails at its first write.
fn was_refused(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, Moved, ReadOnly, TryAgain};
    [Ask, Moved, ReadOnly, TryAgain].into_iter().any(|kind| is(error, kind))
}

fn is(error: &RedisError, kind: ServerErrorKind) -> bool {
    error.kind() == ErrorKind::Server(kind)
}

fn address((node, _slot): (&str, u16)) -> Option<SingleNodeRoutingInfo> {
    let (host, port) = node.rsplit_once(':')?;
    Some(SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port: port.parse().ok()? })
}
