//! Redirect URIs: compared by character, used as they are, and nothing dangerous even if somebody registers it.
//!
//! | row | why it is not here |
//! |---|---|
//! | RURI-006 | about OpenID Connect |
//! | RURI-016 | a fragment on every response is for the server to choose; this suite wants none (AERR-010) |

pub mod comparison;
pub mod destination;

use crate::testkit::protocol::{Failure, Run};

/// A redirect URI, taken apart: scheme, host and port, and everything from the first slash of the path.
fn taken_apart(uri: &str) -> Result<(&str, &str, &str), Failure> {
    let parts = uri.split_once("://").map(|(scheme, rest)| {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        (scheme, authority, path)
    });
    parts.ok_or_else(|| Failure::new(format!("{uri:?} is no https redirect URI")))
}

/// Nobody is sent there: no request of any client can name it, and no client can register it.
async fn expect_unacceptable(run: &Run<'_>, uris: &[&str]) -> Result<(), Failure> {
    for client in [&run.profile().public, &run.profile().multi, &run.profile().native] {
        run.expect_shown(client, uris).await?;
    }
    run.expect_unregistrable(uris).await
}
