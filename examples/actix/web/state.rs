//! What handlers share, for the extractors.

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::provider::app::App;
use crate::shortener::problem::Problem;

/// The application that the request is for.
pub fn app(request: &HttpRequest) -> Result<Data<App>, Problem> {
    request.app_data::<Data<App>>().cloned().ok_or_else(Problem::internal)
}
