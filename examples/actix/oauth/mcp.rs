//! The MCP server: agents reach it through the gate that checks their tokens.

use actix_web::guard::fn_guard;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use crate::provider::mcp::{McpServer, PATH};
use crate::shortener::problem::Problem;
use crate::web::convert::{self, IntoResponse as _};

/// Adds the MCP server, if there is one, to the service's own addresses.
pub fn configure(mcp: Option<&McpServer>, config: &mut ServiceConfig) {
    if let Some(mcp) = mcp {
        let is_sent = fn_guard(|context| context.head().uri.path() == PATH);
        config.service(web::resource(PATH).guard(is_sent).app_data(Data::new(mcp.clone())).to(handle));
    }
}

async fn handle(mcp: Data<McpServer>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let request = convert::request(&request, payload.into_inner())?;
    Ok(mcp.serve(request).await.into_response())
}
