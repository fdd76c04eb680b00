//! The adapter: every endpoint that clients call, from the router to the authorization server.

use actix_web::guard::fn_guard;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use grantor::{AuthorizationServer, PathMatch};

use crate::provider::app::App;
use crate::shortener::problem::Problem;
use crate::web::convert::{self, IntoResponse as _};

/// Adds the endpoints of `server` to the service's own addresses.
pub fn configure(server: &AuthorizationServer, config: &mut ServiceConfig) {
    for endpoint in server.endpoints() {
        // The router matches a path that it has decoded; the server is for the path as it was sent.
        let is_sent = fn_guard(move |context| {
            let rest = context.head().uri.path().strip_prefix(endpoint.path());
            match endpoint.matching() {
                PathMatch::Exact => rest == Some(""),
                PathMatch::Subtree => rest.is_some_and(|rest| rest.starts_with('/')),
            }
        });
        config.service(web::resource("/{path:.*}").guard(is_sent).to(handle));
    }
}

async fn handle(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let request = convert::request(&request, payload.into_inner())?;
    Ok(app.server.handle(request).await.into_response())
}
