//! What every page needs from the web framework: sessions, forms, answers, headers, the access log.

pub mod access_log;
pub mod convert;
pub mod form;
pub mod headers;
pub mod methods;
pub mod metrics;
pub mod page;
pub mod problem;
pub mod serve;
pub mod slow_body;
pub mod state;
pub mod visitor;

pub use access_log::RequestId;
pub use page::{html, refused, see_other};
pub use state::app;
pub use visitor::{SignedIn, with_session};
