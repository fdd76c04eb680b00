//! Redirect URIs: compared by character, used as they are, and nothing dangerous even if somebody registers it.
//!
//! | row | why it is not here |
//! |---|---|
//! | RURI-006 | about OpenID Connect |
//! | RURI-016 | a fragment on every response is for the server to choose; this suite wants none (AERR-010) |

pub mod comparison;
pub mod destination;

use serde_json::json;

use crate::testkit::protocol::{Failure, Feature, KnownClient, Run};

/// A redirect URI, taken apart: scheme, host and port, and everything from the first slash of the path.
fn taken_apart(uri: &str) -> Result<(&str, &str, &str), Failure> {
    let parts = uri.split_once("://").map(|(scheme, rest)| {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        (scheme, authority, path)
    });
    parts.ok_or_else(|| Failure::new(format!("{uri:?} is no https redirect URI")))
}

/// Each URI is answered with a page, when a request of the client names it.
async fn expect_unusable(
    run: &Run<'_>,
    client: &KnownClient,
    uris: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<(), Failure> {
    for uri in uris {
        let request = run.request(client).with("redirect_uri", uri.as_ref());
        run.authorize(&request).await?.expect_page(400)?;
    }
    Ok(())
}

/// No client can register any of them, if clients can register themselves: alone, or beside one that is good.
async fn expect_unregistrable(run: &Run<'_>, uris: &[&str]) -> Result<(), Failure> {
    if run.has(Feature::Registration) {
        for uri in uris {
            for together in [json!([uri]), json!(["https://new.test/cb", uri])] {
                let metadata = json!({ "redirect_uris": together, "token_endpoint_auth_method": "none" });
                run.register(&metadata).await?.expect_error(400, "invalid_redirect_uri")?;
            }
        }
    }
    Ok(())
}

/// Nobody is sent there: no request of any client can name it, and no client can register it.
async fn expect_unacceptable(run: &Run<'_>, uris: &[&str]) -> Result<(), Failure> {
    for client in [&run.profile().public, &run.profile().multi, &run.profile().native] {
        expect_unusable(run, client, uris).await?;
    }
    expect_unregistrable(run, uris).await
}
