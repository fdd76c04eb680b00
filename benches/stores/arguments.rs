//! What is to be measured.

use std::time::Duration;

pub(crate) const USAGE: &str = "cargo bench --bench stores -- [OPTIONS]

  --store memory,sqlite,postgres,redis,cluster   which stores                        [memory,sqlite]
  --tokens 10000,1000000                         how many are stored before          [10000,1000000]
  --connections 1,16                             how many callers there are at once  [1,16]
  --seconds 1                                    how long each operation is called   [0.5]
  --expired 1000000                              tokens to purge beside live traffic [200000]
  --only ops,bytes,purge,floor                   nothing else; floor: operations that have one
";

/// Which part of the measurements.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Operations,
    Bytes,
    Purge,
    /// Only operations that have a floor.
    Floor,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StoreKind {
    Memory,
    Sqlite,
    Postgres,
    Redis,
    Cluster,
}

impl StoreKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Cluster => "cluster",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Memory, Self::Sqlite, Self::Postgres, Self::Redis, Self::Cluster];
        all.into_iter().find(|kind| kind.name() == text)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) stores: Vec<StoreKind>,
    pub(crate) tokens: Vec<u64>,
    pub(crate) connections: Vec<u32>,
    pub(crate) time: Duration,
    pub(crate) expired: u64,
    pub(crate) parts: Vec<Part>,
}

impl Arguments {
    /// Reads the command line; `None` if it makes no sense.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Option<Self> {
        let mut arguments = Self {
            stores: vec![StoreKind::Memory, StoreKind::Sqlite],
            tokens: vec![10_000, 1_000_000],
            connections: vec![1, 16],
            time: Duration::from_millis(500),
            expired: 200_000,
            parts: vec![Part::Operations, Part::Bytes, Part::Purge],
        };
        let mut words = words.peekable();
        let mut is_bench = false;
        while let Some(word) = words.next() {
            match word.as_str() {
                // What cargo adds.
                "--bench" => is_bench = true,
                "--store" => arguments.stores = list(&words.next()?, StoreKind::parse)?,
                "--tokens" => arguments.tokens = list(&words.next()?, |text| text.parse().ok())?,
                "--connections" => arguments.connections = list(&words.next()?, |text| text.parse().ok())?,
                "--seconds" => arguments.time = Duration::try_from_secs_f64(words.next()?.parse().ok()?).ok()?,
                "--expired" => arguments.expired = words.next()?.parse().ok()?,
                "--only" => arguments.parts = list(&words.next()?, part)?,
                _ => return None,
            }
        }
        if !is_bench {
            // `cargo test --all-targets` runs benches too, only to see that they run.
            arguments.tokens = vec![2_000];
            arguments.time = Duration::from_millis(20);
            arguments.expired = 2_000;
        }
        let sensible = arguments.tokens.iter().all(|tokens| *tokens >= 1_000) && !arguments.connections.contains(&0);
        sensible.then_some(arguments)
    }

    pub(crate) fn includes(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    pub(crate) fn measures_operations(&self) -> bool {
        self.includes(Part::Operations) || self.includes(Part::Floor)
    }
}

fn part(text: &str) -> Option<Part> {
    match text {
        "ops" => Some(Part::Operations),
        "bytes" => Some(Part::Bytes),
        "purge" => Some(Part::Purge),
        "floor" => Some(Part::Floor),
        _ => None,
    }
}

fn list<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(parse).collect()
}
