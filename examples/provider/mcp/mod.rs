//! The MCP server (Model Context Protocol): the shortener's tools for agents, behind the tokens of the API.

mod cors;
pub mod gate;
mod sessions;
pub mod tools;

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use grantor::Issuer;
use grantor::resource::{InvalidResourceIndicator, ResourceIndicator};
use http::{HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use self::gate::Gate;
use self::sessions::Sessions;
use self::tools::Tools;
use super::app::App;
use super::last_used::LastUsed;
use super::settings::{AgentSessions, Agents};

/// Where it is.
pub const PATH: &str = "/api/mcp";

/// What tokens for it name: a resource of its own, beside the API (RFC 8707).
pub fn resource(issuer: &Issuer) -> Result<ResourceIndicator, InvalidResourceIndicator> {
    ResourceIndicator::parse(&format!("{issuer}{PATH}"))
}

/// The body of an answer; a stream of events may have no end.
pub type Answer = UnsyncBoxBody<Bytes, Infallible>;

/// The MCP server of one process, with its sessions. Cheap to clone.
#[derive(Clone)]
pub struct McpServer {
    gate: Arc<Gate>,
    /// The web pages that may call.
    origins: Arc<[HeaderValue]>,
    service: StreamableHttpService<Tools, LocalSessionManager>,
    sessions: Arc<Sessions>,
    last_used: Arc<LastUsed>,
}

impl fmt::Debug for McpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpServer").field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl McpServer {
    /// The one of `app`, unless its service has none. The error is one line for the operator.
    pub fn new(app: &App, agents: &Agents) -> Result<Option<Self>, String> {
        let Some(mcp) = &app.service.mcp else { return Ok(None) };
        let scopes = mcp.tool_scopes().map_err(|error| error.to_string())?;
        let issuer = app.server.issuer();
        let resource = resource(issuer).map_err(|error| error.to_string())?;
        let initial = mcp.initial_scope().map_err(|error| error.to_string())?;
        let resource_server = app.server.resource_server().clone().with_resource(resource).with_step_up(initial);
        let tools = Tools::new(app.clone());
        let own = HeaderValue::try_from(issuer.as_str()).map_err(|error| error.to_string())?;
        let origins: Vec<_> = std::iter::once(own).chain(agents.origins.iter().cloned()).collect();
        // The gate looks at the origin. The name by which it is called does not matter then, and a proxy may change it. And
        // answers come at once: no stream is broken off to be resumed, which begins with events that some cannot read.
        let config = StreamableHttpServerConfig::default().disable_allowed_hosts().with_sse_retry(None);
        let config = config.with_legacy_session_mode(agents.sessions == AgentSessions::Kept);
        let mut manager = LocalSessionManager::default();
        manager.session_config.sse_retry = None;
        let manager = Arc::new(manager);
        Ok(Some(Self {
            gate: Arc::new(Gate::new(resource_server.with_origins(origins.clone()), scopes)),
            origins: origins.into(),
            service: StreamableHttpService::new(move || Ok(tools.clone()), Arc::clone(&manager), config),
            sessions: Arc::new(Sessions::new(manager)),
            last_used: Arc::clone(&app.last_used),
        }))
    }

    /// Answers a request.
    pub async fn serve<B>(&self, request: Request<B>) -> Response<Answer>
    where
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let page = cors::page(&self.origins, request.headers());
        let mut response = match cors::permission(&request).filter(|_| page.is_some()) {
            Some(permission) => permission.map(|text| Full::from(text).boxed_unsync()),
            None => self.answer(request).await,
        };
        cors::share(&mut response, page);
        response
    }

    async fn answer<B>(&self, request: Request<B>) -> Response<Answer>
    where
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let (request, access) = match self.gate.admit(request).await {
            Ok(admitted) => admitted,
            Err(refusal) => return refusal.map(|text| Full::from(text).boxed_unsync()),
        };
        if let Some(grant) = access.grant_id() {
            self.last_used.note(grant);
        }
        let response = self.service.handle(request).await;
        if let Some(session) = response.headers().get(gate::SESSION_ID).and_then(|session| session.to_str().ok()) {
            self.sessions.note(&access, session).await;
        }
        self.gate.release(response, access).map(BodyExt::boxed_unsync)
    }

    /// Ends all sessions and the streams that are open, so that the process can end.
    pub fn close(&self) {
        self.service.config.cancellation_token.cancel();
    }
}
