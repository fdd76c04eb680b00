//! One call to Redis: a command that reads, or a script that writes.

use std::time::Duration;

use redis::{Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value, cmd};

use super::RedisStore;
use super::connection::{Connection, Effect};
use super::failure::store_error;
use super::scripts::Script;
use crate::error::StoreError;

/// How many replicas must have a write before it counts, and how long they may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acknowledgement {
    pub(super) replicas: u32,
    pub(super) timeout: Duration,
}

/// What a script answered: what became of it, and perhaps values.
pub(super) struct Reply(Vec<Vec<u8>>);

impl Reply {
    pub(super) fn word(&self) -> &[u8] {
        self.0.first().map_or(&[], Vec::as_slice)
    }

    pub(super) fn value(&self, index: usize) -> Result<&[u8], StoreError> {
        self.0.get(index).map(Vec::as_slice).ok_or_else(unexpected)
    }

    pub(super) fn into_values(self) -> impl Iterator<Item = Vec<u8>> {
        self.0.into_iter()
    }
}

/// Whatever answered, it was not one of the scripts of this release.
pub(super) fn unexpected() -> StoreError {
    StoreError::failed("Redis answered something unexpected")
}

impl RedisStore {
    /// Runs a command that changes nothing on the node that has `key`.
    pub(super) async fn read(&self, key: &[u8], command: Cmd) -> Result<Value, StoreError> {
        let mut commands = Pipeline::with_capacity(1);
        commands.add_command(command);
        let answers = self.shared.reader.send(key, &commands, Effect::Reads, self.patience).await;
        answer(answers.map_err(store_error)?.into_iter().next())
    }

    /// Runs a script. Its keys are all in one slot.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
    ) -> Result<Reply, StoreError> {
        let key = keys.first().map_or(&[][..], Vec::as_slice);
        match self.write_once(key, script.by_hash(keys, arguments)).await? {
            // The server was restarted, or its scripts were flushed, or it is new: nothing was executed.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                reply(self.write(key, script.by_source(keys, arguments)).await?)
            }
            written => reply(written.map_err(store_error)?),
        }
    }

    /// Runs a command that changes something on the node that has `key`.
    pub(super) async fn write(&self, key: &[u8], command: Cmd) -> Result<Value, StoreError> {
        self.write_once(key, command).await?.map_err(store_error)
    }

    /// The inner error is that of the command itself.
    async fn write_once(&self, key: &[u8], command: Cmd) -> Result<Result<Value, RedisError>, StoreError> {
        let mut commands = Pipeline::with_capacity(2);
        commands.add_command(command);
        let Some(Acknowledgement { replicas, timeout }) = self.acknowledgement else {
            let answers = self.shared.reader.send(key, &commands, Effect::Writes, self.patience).await;
            return Ok(answers.map_err(store_error)?.into_iter().next().ok_or_else(unexpected)?.extract_error());
        };
        // It waits for what this connection wrote last, so it must follow on the same one.
        let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut wait = cmd("WAIT");
        wait.arg(replicas).arg(milliseconds);
        commands.add_command(wait);
        let connection = self.writer();
        let patience = self.patience.saturating_add(timeout);
        let answers = connection.send(key, &commands, Effect::Writes, patience).await.map_err(store_error)?;
        let mut answers = answers.into_iter();
        let written = answers.next().ok_or_else(unexpected)?.extract_error();
        if written.is_ok() {
            match answers.next() {
                Some(Value::Int(acknowledged)) if acknowledged >= i64::from(replicas) => {}
                Some(Value::Int(acknowledged)) => {
                    return Err(StoreError::unavailable(format!(
                        "{acknowledged} of {replicas} replicas have the write"
                    )));
                }
                // Such as a node that was made a replica in between.
                _ => return Err(StoreError::unavailable("it is not known which replicas have the write")),
            }
        }
        Ok(written)
    }

    /// A connection that may wait for replicas, and nobody else for it.
    fn writer(&self) -> &Connection {
        self.shared.writers.next().unwrap_or(&self.shared.reader)
    }
}

fn answer(value: Option<Value>) -> Result<Value, StoreError> {
    value.ok_or_else(unexpected)?.extract_error().map_err(store_error)
}

fn reply(value: Value) -> Result<Reply, StoreError> {
    match value {
        Value::Array(values) => values.into_iter().map(bytes).collect::<Result<_, _>>().map(Reply),
        value => Ok(Reply(vec![bytes(value)?])),
    }
}

/// The bytes of a value that is there.
pub(super) fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    optional_bytes(value)?.ok_or_else(unexpected)
}

/// The bytes of a value that may be missing.
pub(super) fn optional_bytes(value: Value) -> Result<Option<Vec<u8>>, StoreError> {
    match value.extract_error().map_err(store_error)? {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(unexpected()),
    }
}

/// The bytes of several values, each of which may be missing.
pub(super) fn all_bytes<const N: usize>(value: Value) -> Result<[Option<Vec<u8>>; N], StoreError> {
    let Value::Array(values) = value else { return Err(unexpected()) };
    let values = values.into_iter().map(optional_bytes).collect::<Result<Vec<_>, _>>()?;
    values.try_into().map_err(|_: Vec<_>| unexpected())
}
