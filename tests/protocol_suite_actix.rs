//! The protocol suite at the example `actix`, over HTTP.

#[expect(dead_code, reason = "what other tests do with the example is more")]
#[path = "http/support/example.rs"]
mod example;
#[path = "http/support/server.rs"]
mod server;
#[path = "protocol_suite/example.rs"]
mod target;

/// The example that is started.
const EXAMPLE: &str = "actix";

grantor::protocol_tests! { #[tokio::test] suite: target::suite() }
