//! What is left when a master dies.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use grantor::error::{Retry, StoreError};
use grantor::grant::{CodeRecord, IssuedTokens};
use grantor::store::{CodeStore as _, GrantStore as _, Insertion, Redemption, RedisStore, Rotation, TokenStore as _};

use super::records::{code, grant, in_seconds, issued, refresh_key, retirement};

/// How many clients there are.
const CLIENTS: usize = 8;

/// How long a master may take to be replaced, on a busy machine.
const LONG: Duration = Duration::from_secs(120);

/// A cluster of this test's own: three masters with a replica each.
struct Cluster {
    shell: Child,
    /// Each line is the port of a node to start again; at its end the cluster ends.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    urls: Vec<String>,
}

impl Cluster {
    fn start() -> Self {
        let script = "set -euo pipefail; fail() { echo \"$*\" >&2; exit 1; }; scratch=$(mktemp -d); . \"$0\"
            trap 'cluster_stop; rm -rf \"$scratch\"' EXIT
            cluster_start; echo \"$GRANTOR_TEST_REDIS_CLUSTER\"
            while read -r port; do cluster_revive \"$port\"; echo \"$port\"; done";
        let functions = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/redis.sh");
        let mut shell = Command::new("bash")
            .args(["-c", script, functions])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(shell.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let urls: Vec<_> = line.trim().split(',').map(str::to_owned).collect();
        assert_eq!(urls.len(), 6, "the cluster did not start");
        Self { input: shell.stdin.take(), shell, output, urls }
    }

    async fn store(&self) -> RedisStore {
        RedisStore::connect_cluster(self.urls.iter().map(String::as_str)).await.unwrap()
    }

    /// Kills a master, and returns its port.
    fn kill_a_master(&self) -> String {
        let (url, mut connection) = self.nodes("master").swap_remove(0);
        signal("KILL", &mut connection);
        url.trim_end_matches('/').rsplit(':').next().unwrap().to_owned()
    }

    /// Keeps the replicas from getting anything, until they are told to go on.
    fn cut_off_replicas(&self, masters: &mut [(&str, redis::Connection)]) -> Vec<String> {
        let stopped =
            self.nodes("slave").into_iter().map(|(_, mut connection)| signal("STOP", &mut connection)).collect();
        for (_, connection) in masters {
            redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("replica").exec(connection).unwrap();
        }
        stopped
    }

    /// Connections to the nodes that have this role.
    fn nodes(&self, wanted: &str) -> Vec<(&str, redis::Connection)> {
        let nodes = self.urls.iter().filter_map(|url| {
            let client = redis::Client::open(url.as_str()).unwrap();
            let mut connection = client.get_connection().ok()?;
            let role: Vec<redis::Value> = redis::cmd("ROLE").query(&mut connection).ok()?;
            let has_role = redis::from_redis_value::<String>(role[0].clone()).unwrap() == wanted;
            has_role.then_some((url.as_str(), connection))
        });
        nodes.collect()
    }

    /// Starts a node again that was a master, once its replica is one: without data, it would be empty and still master.
    async fn revive(&mut self, port: &str) {
        let begun = Instant::now();
        while self.nodes("master").len() < 3 {
            assert!(begun.elapsed() < LONG, "the replica does not take over");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        writeln!(self.input.as_mut().unwrap(), "{port}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), port);
    }
}

/// Sends a signal to the process of a node, which it returns.
fn signal(name: &str, connection: &mut redis::Connection) -> String {
    let info: String = redis::cmd("INFO").arg("server").query(connection).unwrap();
    let process = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().to_owned();
    send_signal(name, &process);
    process
}

fn send_signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), process]).status().unwrap().success());
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.shell.wait();
    }
}

/// What a client was told.
struct Told {
    at: Instant,
    code: CodeRecord,
    bought: IssuedTokens,
    /// What the refresh token was rotated to, if that was acknowledged.
    successors: Option<IssuedTokens>,
    revoked: bool,
}

/// What was found not to be so in the end, and when it had been told.
type Losses = BTreeMap<&'static str, Vec<Instant>>;

/// The answer, however often it takes, which is what a client does that is told that the service is unavailable.
async fn insistent<T, F: Future<Output = Result<T, StoreError>>>(mut call: impl FnMut() -> F) -> (T, usize) {
    let begun = Instant::now();
    for failures in 0.. {
        match call().await {
            Ok(answer) => return (answer, failures),
            Err(error) => {
                assert_eq!(error.retry(), Retry::CanHelp, "{error:?}");
                assert!(begun.elapsed() < LONG, "it does not recover: {error:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    unreachable!()
}

/// Signs users in, refreshes and revokes, until it is told to stop.
async fn traffic(store: RedisStore, done: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> Vec<Told> {
    let mut told = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let code = code(&grant());
        let (insertion, failures) = insistent(|| store.insert_code(&code)).await;
        assert!(insertion == Insertion::Inserted || failures > 0);
        let bought = issued(&code.grant);
        let (redemption, failures) = insistent(|| store.exchange_code(&code.key, &bought)).await;
        done.fetch_add(1, Ordering::Relaxed);
        if redemption != Redemption::First {
            assert!(failures > 0 || redemption == Redemption::Unknown, "nobody else has the code");
            continue;
        }
        let mut told_now = Told { at: Instant::now(), code, bought, successors: None, revoked: false };
        let successors = issued(&told_now.code.grant);
        let (used, retirement) = (refresh_key(&told_now.bought), retirement(&successors));
        let (rotation, _) = insistent(|| store.rotate_refresh_token(&used, &retirement, &successors)).await;
        if rotation == Rotation::Rotated {
            told_now.at = Instant::now();
            told_now.successors = Some(successors);
        }
        if told.len() % 4 == 0 {
            insistent(|| store.revoke_grant(&told_now.code.grant.id, in_seconds(0))).await;
            told_now.at = Instant::now();
            told_now.revoked = true;
        }
        told.push(told_now);
    }
    told
}

/// Compares what is stored to what was told.
async fn losses(store: &RedisStore, told: &[Told]) -> Losses {
    let mut losses = Losses::new();
    for Told { at, code, bought, successors, revoked } in told {
        let again = issued(&code.grant);
        let (redemption, _) = insistent(|| store.exchange_code(&code.key, &again)).await;
        let (access, _) = insistent(|| store.find_access_token(&bought.access.key)).await;
        let mut lost = |what, so: bool| {
            if !so {
                losses.entry(what).or_default().push(*at);
            }
        };
        if *revoked {
            lost("revocation", redemption == Redemption::Unknown && access.is_none());
            continue;
        }
        lost("redemption", redemption == Redemption::Replayed);
        lost("token", access.is_some());
        if let Some(successors) = successors {
            let (found, _) = insistent(|| store.find_access_token(&successors.access.key)).await;
            let next = issued(&code.grant);
            let (used, retirement) = (refresh_key(bought), retirement(&next));
            let (rotation, _) = insistent(|| store.rotate_refresh_token(&used, &retirement, &next)).await;
            lost("rotation", found.is_some() && matches!(rotation, Rotation::Retired { .. }));
        }
    }
    losses
}

/// Runs traffic while a master dies and its replica takes over; returns what was told, and when the master died.
async fn outlive_a_master(cluster: &mut Cluster, store: &RedisStore, revive: bool) -> (Vec<Told>, Instant) {
    let stop = Arc::new(AtomicBool::new(false));
    let (counts, clients): (Vec<_>, Vec<_>) = (0..CLIENTS)
        .map(|_| {
            let done = Arc::new(AtomicUsize::new(0));
            (Arc::clone(&done), tokio::spawn(traffic(store.clone(), done, Arc::clone(&stop))))
        })
        .unzip();
    let begun = Instant::now();
    let reached = async |floor: Vec<usize>| {
        while counts.iter().zip(&floor).any(|(count, floor)| count.load(Ordering::Relaxed) < *floor) {
            assert!(begun.elapsed() < LONG, "the service does not recover");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    reached(vec![50; CLIENTS]).await;
    let port = cluster.kill_a_master();
    let killed = Instant::now();
    if revive {
        cluster.revive(&port).await;
    }
    // A third of all grants were with the master that died, so that no client gets this far without its replica.
    reached(counts.iter().map(|count| count.load(Ordering::Relaxed) + 50).collect()).await;
    stop.store(true, Ordering::Relaxed);
    let mut told = Vec::new();
    for client in clients {
        told.extend(client.await.unwrap());
    }
    (told, killed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn what_every_replica_acknowledged_outlives_its_master() {
    let mut cluster = Cluster::start();
    let store = cluster.store().await.with_replica_acknowledgements(1, Duration::from_millis(500));
    let (told, _) = outlive_a_master(&mut cluster, &store, true).await;
    let losses = losses(&store, &told).await;
    assert!(losses.is_empty(), "lost of {}: {losses:?}", told.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn without_acknowledgements_a_failover_loses_at_most_the_last_moments() {
    let mut cluster = Cluster::start();
    let store = cluster.store().await;
    let (told, killed) = outlive_a_master(&mut cluster, &store, false).await;
    let losses = losses(&store, &told).await;
    println!("lost of {}: {:?}", told.len(), losses.iter().map(|(what, at)| (*what, at.len())).collect::<Vec<_>>());
    for (what, instants) in losses {
        for at in instants {
            assert!(
                at < killed + Duration::from_secs(1),
                "a {what} was lost that was acknowledged after the master died"
            );
            assert!(at + Duration::from_secs(2) > killed, "a {what} was lost that was acknowledged long before");
        }
    }
}

/// What the documentation says of a failover without acknowledgements, and that with them nobody is told what would be lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_redemption_that_no_replica_has_is_lost_with_its_master() {
    let cluster = Cluster::start();
    let plain = cluster.store().await;
    let acknowledged = plain.clone().with_replica_acknowledgements(1, Duration::from_millis(50));
    let codes: Vec<_> = (0..60).map(|_| code(&grant())).collect();
    for code in &codes {
        assert_eq!(insistent(|| acknowledged.insert_code(code)).await.0, Insertion::Inserted);
    }
    let (told, refused) = codes.split_at(30);

    let mut masters = cluster.nodes("master");
    let stopped = cluster.cut_off_replicas(&mut masters);
    for code in told {
        assert_eq!(plain.exchange_code(&code.key, &issued(&code.grant)).await.unwrap(), Redemption::First);
    }
    for code in refused {
        let error = acknowledged.exchange_code(&code.key, &issued(&code.grant)).await.unwrap_err();
        assert_eq!(error.retry(), Retry::CanHelp, "{error:?}");
    }
    signal("KILL", &mut masters[0].1);
    stopped.iter().for_each(|process| send_signal("CONT", process));

    let mut lost = 0;
    for code in told {
        let again = issued(&code.grant);
        match insistent(|| plain.exchange_code(&code.key, &again)).await.0 {
            Redemption::First => lost += 1,
            Redemption::Replayed => {}
            Redemption::Unknown => panic!("the code was acknowledged by the replica"),
        }
    }
    assert!(lost > 0 && lost < told.len(), "of three masters one was lost with its redemptions: {lost}");
}
