//! The example `actix`, put to the tests of `http`: whatever the web framework, it is the same service.

#[path = "http/suite.rs"]
mod suite;

/// The example that is started.
const EXAMPLE: &str = "actix";
