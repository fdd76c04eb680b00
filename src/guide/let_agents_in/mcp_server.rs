use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use grantor::scope::InvalidScope;
use grantor::{Access, ResourceServer, Scope};
use http::HeaderValue;
use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, JsonObject, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::json;

use super::gate::{Gate, ToolScopes};

/// What agents can do, what they are told about it, and what it needs. A tool that is not here does not exist.
pub const TOOLS: [(&str, &str, &str); 2] = [
    ("list_links", "Lists the user's short links.", "links:read"),
    ("create_link", "Makes a short link in the user's name.", "links:write"),
];

/// The gate in front of the tools. The only web pages that may call are those of `origin`.
pub fn gate(resource_server: ResourceServer, origin: HeaderValue) -> Result<Gate, InvalidScope> {
    let tools = TOOLS.iter().map(|&(name, _, scope)| Ok((name, scope.parse()?)));
    let scopes = ToolScopes { connection: Scope::empty(), tools: tools.collect::<Result<_, InvalidScope>>()? };
    Ok(Gate::new(resource_server.with_step_up("links:read".parse()?).with_origins([origin]), scopes))
}

/// The MCP server at this path. Every method is its own: a stream is opened by GET, a session ended by DELETE.
pub fn router(path: &str, gate: Gate) -> Router {
    // The SDK answers to the name of the own machine alone. The origin is looked at instead, which no proxy changes.
    // And no stream is broken off to be resumed, as that begins with an event that some clients cannot read.
    let config = StreamableHttpServerConfig::default().disable_allowed_hosts().with_sse_retry(None);
    let mut sessions = LocalSessionManager::default();
    sessions.session_config.sse_retry = None;
    let (gate, service) = (Arc::new(gate), StreamableHttpService::new(|| Ok(Tools), Arc::new(sessions), config));
    let answer = async move |request: Request| match gate.admit(request).await {
        Ok((request, access)) => gate.release(service.handle(request).await, access).map(Body::new),
        Err(refusal) => refusal.map(Body::from),
    };
    Router::new().route(path, any(answer))
}

#[derive(Clone, Copy, Debug)]
struct Tools;

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema: JsonObject = [("type".to_owned(), json!("object"))].into_iter().collect();
        let tools = TOOLS.iter().map(|&(name, description, _)| Tool::new(name, description, schema.clone()));
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = TOOLS.iter().find(|(name, ..)| *name == request.name);
        let &(name, ..) = tool.ok_or_else(|| ErrorData::invalid_params("There is no such tool.", None))?;
        // What the gate has found out: on whose behalf this is, and as far as which scopes.
        let access = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<Access>());
        let access = access.ok_or_else(|| ErrorData::internal_error("Nobody has checked the token.", None))?;
        let user = access.subject().map(|subject| subject.as_str());
        Ok(CallToolResult::structured(json!({ "done": name, "for": user })).into())
    }
}
