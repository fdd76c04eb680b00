//! What comes between HTTP and an MCP server of the official SDK: access tokens. This file is to be copied. It knows
//! neither the service nor a web framework, and takes any [`ResourceServer`]: that of an authorization server in this
//! process, one over its store in another, or one that asks nobody (`ResourceServer::offline`). It needs the crates that it
//! names.

use std::collections::BTreeMap;
use std::error::Error;

use bytes::Bytes;
use grantor::error::BearerError;
use grantor::{Access, ResourceServer, Scope, SessionSeal, Watched};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ErrorCode, JsonRpcRequest, RequestId};
use serde_json::json;

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
    seal: SessionSeal,
}

impl Gate {
    /// For the tokens of `resource_server`, which is to know the web pages that may call ([`ResourceServer::with_origins`], for
    /// all others have to stay outside) and what agents ask for at first ([`ResourceServer::with_step_up`]).
    pub fn new(resource_server: ResourceServer, scopes: ToolScopes) -> Self {
        Self { resource_server, scopes, seal: SessionSeal::random() }
    }

    /// Checks a request. Each brings its own token, whatever its method, and whatever session it belongs to. What the token
    /// allows is among the extensions of the request then, for the tools. The error is what to answer.
    pub async fn admit<B>(&self, request: Request<B>) -> Result<(Request<Full<Bytes>>, Access), Response<String>>
    where
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let (mut parts, body) = request.into_parts();
        let body = Limited::new(body, MAX_MESSAGE).collect().await.map(|body| body.to_bytes());
        let body = body
            .map_err(|_| answer(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "The message is too large, or broken."))?;
        let needed = match tool(&body) {
            Some((id, name)) => self.scopes.tools.get(&*name).ok_or(id),
            None => Ok(&self.scopes.connection),
        };
        let scope = needed.as_ref().unwrap_or(&&self.scopes.connection).as_str();
        let access = self.resource_server.verify_scope(&parts, scope).await.map_err(BearerError::into_http)?;
        // As the tools would say it: an agent that makes a name up must not be sent for another token.
        needed.map_err(|id| {
            let error = json!({ "code": ErrorCode::INVALID_PARAMS, "message": "There is no such tool." });
            let message = json!({ "jsonrpc": "2.0", "id": id, "error": error });
            answer(StatusCode::OK, "application/json", &message.to_string())
        })?;
        let opened = self.seal.open_header(&mut parts.headers, &SESSION_ID, &access);
        opened.map_err(|_| answer(StatusCode::NOT_FOUND, "text/plain", "There is no such session."))?;
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

/// The tool that a message calls, and the message's own name. It is read as the SDK reads it, so that both see the same.
fn tool(message: &[u8]) -> Option<(RequestId, String)> {
    let message: ClientJsonRpcMessage = serde_json::from_slice(message).ok()?;
    let ClientJsonRpcMessage::Request(JsonRpcRequest { id, request, .. }) = message else { return None };
    let ClientRequest::CallToolRequest(call) = request else { return None };
    Some((id, call.params.name.into_owned()))
}

fn answer(status: StatusCode, media_type: &'static str, text: &str) -> Response<String> {
    let mut response = Response::new(text.to_owned());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
