//! A driver that plays browser, user and client, for a [`TestServer`](super::TestServer).
//!
//! Everything that is sent is a step: a value that sends nothing until it is awaited. `.await` carries out the chain up
//! to there and gives its good outcome, or fails the test and says which step went wrong, and how. `.send().await`
//! gives the raw [`Reply`] of the step instead, whatever it is; only the steps before it have to go well.
//!
//! ```
//! use std::time::Duration;
//! use grantor::testkit::{TestServer, block_on};
//!
//! block_on(async {
//!     let server = TestServer::new();
//!     let tokens = server.client().public().authorize().approve().exchange().await;
//!     assert_eq!(server.call(&tokens.access_token).await.status(), 200);
//!
//!     let again = tokens.refresh().await;
//!     server.clock().advance(Duration::from_secs(3_600));
//!     assert_eq!(server.call(&again.access_token).await.status(), 401);
//! });
//! ```
//!
//! A step sends what is right unless it is told otherwise. [`with`](Step::with) sets a parameter, [`and`](Step::and)
//! adds one, and [`without`](Step::without) drops it, so that a test can send exactly the wrong thing:
//!
//! ```
//! use grantor::testkit::{TestServer, block_on};
//!
//! block_on(async {
//!     let server = TestServer::new();
//!     let app = server.client().confidential();
//!
//!     let reply = app.authorize().without("code_challenge").with("state", "x").send().await;
//!     reply.expect_error(303, "invalid_request");
//!
//!     let reply = app.authorize().approve().exchange().with("code_verifier", "w".repeat(43)).send().await;
//!     reply.expect_error(400, "invalid_grant");
//!
//!     let reply = app.authorize().subject("alice").approve().subject("mallory").send().await;
//!     reply.expect_status(403);
//! });
//! ```

mod authorize;
mod call;
mod changes;
mod client;
mod decide;
mod register;
mod reply;
mod step;
mod tokens;

use std::panic::Location;
use std::pin::Pin;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};

use super::fixtures::parsed;

pub use authorize::{Authorize, Page};
pub use call::Call;
pub use client::{NewClient, TestClient};
pub use decide::{Callback, Decide};
pub use register::Register;
pub use reply::Reply;
pub use step::{Outcome, Step};
pub use tokens::Tokens;

/// A step under way.
pub type Sending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Fails the test: a step that was written at `place` did not go well.
fn fail(place: &Location<'_>, reply: &Reply, why: &str) -> ! {
    panic!("at {place}: {reply:?}{}{why}", if why.is_empty() { "" } else { "; " })
}

fn request(method: Method, uri: &str, headers: HeaderMap, body: String) -> Request<String> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse().expect("the address of a request");
    *request.headers_mut() = headers;
    request
}

#[track_caller]
fn header(name: &str, value: &str) -> (HeaderName, HeaderValue) {
    let name = parsed(name);
    // The value may be a secret, which neither this message nor `Debug` may print.
    let Ok(mut value) = value.parse::<HeaderValue>() else { panic!("this is no value of the header {name}") };
    value.set_sensitive(name == AUTHORIZATION);
    (name, value)
}

/// The value of `Authorization` for a call.
pub(super) fn bearer(access_token: &str) -> HeaderValue {
    header(AUTHORIZATION.as_str(), &format!("Bearer {access_token}")).1
}

#[cfg(test)]
mod tests;
