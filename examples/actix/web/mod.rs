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
pub mod visitor;

use actix_web::HttpRequest;
use actix_web::web::Data;

pub use access_log::RequestId;
pub use page::{html, see_other};
pub use visitor::{SignedIn, with_session};

use crate::provider::app::App;
use crate::shortener::problem::Problem;

/// What handlers share, for an extractor.
pub fn app(request: &HttpRequest) -> Result<Data<App>, Problem> {
    request.app_data::<Data<App>>().cloned().ok_or_else(Problem::internal)
}
