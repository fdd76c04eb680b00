//! The adapter: every endpoint that clients call, from the router to the authorization server.

use actix_web::guard::fn_guard;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use grantor::AuthorizationServer;

use crate::provider::app::App;
use crate::shortener::problem::Problem;
use crate::web::convert::{self, IntoResponse as _};

/// Adds the endpoints of `server` to the service's own addresses.
pub fn configure(server: &AuthorizationServer, config: &mut ServiceConfig) {
    for endpoint in server.endpoints() {
        // By the path as it was sent: a pattern would be matched with what the router has decoded.
        let is_sent = fn_guard(move |context| endpoint.matches(context.head().uri.path()));
        config.service(web::resource("/{path:.*}").guard(is_sent).to(handle));
    }
}

async fn handle(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let request = convert::request(&request, payload.into_inner())?;
    Ok(app.server.handle(request).await.into_response())
}
