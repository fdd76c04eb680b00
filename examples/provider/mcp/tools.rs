//! The tools that agents have: what the API does, in the words of the Model Context Protocol.

use grantor::Access;
use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, model};
use serde_json::{Value, json};

use crate::provider::api;
use crate::provider::app::App;
use crate::provider::services::{Operation, Tool};

/// The tools of the service that the shortener is run as.
#[derive(Clone, Debug)]
pub struct Tools {
    app: App,
}

impl Tools {
    /// The tools of `app`.
    pub const fn new(app: App) -> Self {
        Self { app }
    }

    fn all(&self) -> &[Tool] {
        self.app.service.mcp.as_ref().map_or(&[], |mcp| mcp.tools)
    }
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let name = Implementation::new(self.app.service.name, env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(name.with_title(self.app.service.title))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.all().iter().map(described).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = self.all().iter().find(|tool| tool.name == request.name);
        let tool = tool.ok_or_else(|| ErrorData::invalid_params("There is no such tool.", None))?;
        let access = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<Access>());
        let access = access.ok_or_else(|| ErrorData::internal_error("Nobody has checked the token.", None))?;
        // The gate has seen to it. But it is here that something happens.
        access.require(tool.scope).map_err(|error| ErrorData::invalid_request(error.to_string(), None))?;
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let result = match api::answer(&self.app, tool.operation, access, &arguments).await {
            Ok((_, value)) => CallToolResult::structured(value),
            Err(refusal) => CallToolResult::structured_error(refusal.json()),
        };
        Ok(result.into())
    }
}

fn described(tool: &Tool) -> model::Tool {
    let makes = matches!(tool.operation, Operation::CreateLink | Operation::CreateShortUrl);
    let hints = ToolAnnotations::new().read_only(!makes).destructive(false);
    model::Tool::new(tool.name, tool.description, parameters(makes)).with_annotations(hints)
}

/// The schema of a tool's arguments.
fn parameters(url: bool) -> JsonObject {
    let schema = if url {
        let url = json!({ "type": "string", "format": "uri", "description": "Where the short link leads" });
        json!({ "type": "object", "properties": { "url": url }, "required": ["url"] })
    } else {
        json!({ "type": "object" })
    };
    schema.as_object().cloned().unwrap_or_default()
}
