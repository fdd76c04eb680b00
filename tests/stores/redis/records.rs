//! What the tests store. Everything expires in the future of the server's clock, unless a test says otherwise.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::clock::Timestamp;
use grantor::grant::Grant;
use grantor::testkit::fixtures;
pub use grantor::testkit::fixtures::{access_token, code, grant, issued, refresh_key, retirement};

pub const MANY: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

pub fn in_seconds(seconds: i64) -> Timestamp {
    fixtures::from_now(seconds)
}

pub fn seconds_ago(seconds: i64) -> Timestamp {
    fixtures::from_now(-seconds)
}

pub fn grant_of(subject: &str, client: &str) -> Arc<Grant> {
    fixtures::grant_of(&subject.parse().unwrap(), &client.parse().unwrap())
}
