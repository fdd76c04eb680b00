//! The crate itself, without a framework in between.

use grantor::testkit::TestServer;

grantor::protocol_tests! { suite: async { TestServer::new().protocol_suite().await } }
