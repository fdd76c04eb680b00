//! What every page needs from the web framework: sessions, forms, answers, headers, the access log.

pub mod access_log;
pub mod body;
pub mod form;
pub mod headers;
pub mod linger;
pub mod metrics;
pub mod page;
pub mod peer;
pub mod problem;
pub mod serve;
pub mod visitor;

pub use access_log::RequestId;
pub use page::{html, refused, see_other};
pub use peer::Peer;
pub use visitor::{SignedIn, with_session};
