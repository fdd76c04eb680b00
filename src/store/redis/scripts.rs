//! The atomic steps, as scripts that the server runs.

use std::sync::LazyLock;

use redis::{Cmd, cmd};

/// A script, which the server knows by its hash once it has run it.
pub(super) struct Script {
    source: &'static str,
    hash: String,
}

impl Script {
    fn new(source: &'static str) -> Self {
        Self { source, hash: redis::Script::new(source).get_hash().to_owned() }
    }

    /// Runs the script if the server has it.
    pub(super) fn by_hash(&self, keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Cmd {
        call("EVALSHA", &self.hash, keys, arguments)
    }

    /// Runs the script, and gives it to the server.
    pub(super) fn by_source(&self, keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Cmd {
        call("EVAL", self.source, keys, arguments)
    }
}

fn call(verb: &str, script: &str, keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Cmd {
    let mut command = cmd(verb);
    command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}

macro_rules! scripts {
    ($($name:ident: $($file:literal)+;)+) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!(concat!("scripts/", $file, ".lua")), "\n"),+)));)+
    };
}

scripts! {
    COUNT_FAILURE: "grant" "code" "count_failure";
    SETTLE: "settle";
    ENLIST: "enlist";
    EXCHANGE: "grant" "lasting" "issue" "code" "exchange";
    INSERT_GRANT: "insert_grant";
    INSERT_TOKENS: "grant" "lasting" "issue" "insert_tokens";
    LIMIT: "limit";
    REDEEM: "grant" "lasting" "code" "redeem";
    REVIEW: "review";
    REUSE: "grant" "lasting" "issue" "refresh" "reuse";
    REVOKE_ACCESS_TOKEN: "revoke_access_token";
    REVOKE_GRANT: "grant" "revoke_grant";
    ROTATE: "grant" "lasting" "issue" "refresh" "rotate";
    TOUCH_CLIENT: "touch_client";
    TOUCH_GRANT: "grant" "touch_grant";
    UNLIMIT: "unlimit";
    UPDATE_CLIENT: "update_client";
}
