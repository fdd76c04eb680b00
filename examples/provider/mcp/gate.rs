//! What comes between HTTP and an MCP server of the official SDK: access tokens. This file is to be copied. It knows
//! neither the service nor a web framework, and takes any [`ResourceServer`]: that of an authorization server in this
//! process, one over its store in another, or one that asks nobody (`ResourceServer::offline`). It needs the crates that it
//! names, and `serde_json`.

use std::collections::BTreeMap;
use std::error::Error;

use bytes::Bytes;
use grantor::error::BearerError;
use grantor::{Access, ResourceServer, Scope, SessionSeal, Watched};
use http::header::{AUTHORIZATION, ORIGIN};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, JsonRpcRequest};

/// The largest message that is read, in bytes.
const MAX_MESSAGE: usize = 64 * 1024;
/// By which a session is named.
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// What agents need.
#[derive(Clone, Debug)]
pub struct ToolScopes {
    /// For anything at all.
    pub connection: Scope,
    /// For each tool, by its name, instead: all that its call needs. One that is not here is not let through.
    pub tools: BTreeMap<&'static str, Scope>,
}

/// Lets in the requests whose token allows them, and keeps the sessions of others apart.
#[derive(Clone, Debug)]
pub struct Gate {
    resource_server: ResourceServer,
    scopes: ToolScopes,
    origins: Vec<HeaderValue>,
    seal: SessionSeal,
}

impl Gate {
    /// For the tokens of `resource_server`. The only web pages that may call are those of `origins`.
    pub fn new(resource_server: ResourceServer, scopes: ToolScopes, origins: Vec<HeaderValue>) -> Self {
        Self { resource_server, scopes, origins, seal: SessionSeal::random() }
    }

    /// Checks a request. Each brings its own token, whatever its method, and whatever session it belongs to. What the token
    /// allows is among the extensions of the request then, for the tools. The error is what to answer.
    pub async fn admit<B>(&self, request: Request<B>) -> Result<(Request<Full<Bytes>>, Access), Response<String>>
    where
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let (mut parts, body) = request.into_parts();
        // Whoever makes the name of their own site lead here sends that site for an origin (DNS rebinding).
        if parts.headers.get_all(ORIGIN).iter().any(|origin| !self.origins.contains(origin)) {
            return Err(refusal(StatusCode::FORBIDDEN, "Pages of other web sites may not call."));
        }
        let body = Limited::new(body, MAX_MESSAGE).collect().await.map(|body| body.to_bytes());
        let body = body.map_err(|_| refusal(StatusCode::PAYLOAD_TOO_LARGE, "The message is too large, or broken."))?;
        let tool = tool(&body).map(|name| self.scopes.tools.get(&*name).ok_or("There is no such tool."));
        let needed = tool.unwrap_or(Ok(&self.scopes.connection));
        let verified =
            self.resource_server.verify_scope(&parts, needed.unwrap_or(&self.scopes.connection).as_str()).await;
        let access = verified.map_err(BearerError::into_http)?;
        needed.map_err(|why| refusal(StatusCode::FORBIDDEN, why))?;
        let opened = self.seal.open_header(&mut parts.headers, &SESSION_ID, &access);
        opened.map_err(|_| refusal(StatusCode::NOT_FOUND, "There is no such session."))?;
        // The token has done what it is for, and nobody behind this can lose it or pass it on.
        parts.headers.remove(AUTHORIZATION);
        parts.extensions.insert(access.clone());
        Ok((Request::from_parts(parts, Full::new(body)), access))
    }

    /// Seals the session that begins with an answer, if one does: it is of no use to anybody else. A stream that is listened to
    /// ends with its token.
    pub fn release<B: Body>(&self, mut response: Response<B>, access: Access) -> Response<Watched<B>> {
        self.seal.seal_header(response.headers_mut(), &SESSION_ID, &access);
        response.map(|body| self.resource_server.watch(body, access))
    }
}

/// The tool that a message calls. It is read as the SDK reads it, so that both see the same.
fn tool(message: &[u8]) -> Option<String> {
    match serde_json::from_slice(message).ok()? {
        ClientJsonRpcMessage::Request(JsonRpcRequest { request: ClientRequest::CallToolRequest(call), .. }) => {
            Some(call.params.name.into_owned())
        }
        _ => None,
    }
}

fn refusal(status: StatusCode, why: &str) -> Response<String> {
    let mut response = Response::new(why.to_owned());
    *response.status_mut() = status;
    response
}
