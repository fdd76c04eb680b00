//! Every client-facing endpoint behind one call, by path.

use std::future::poll_fn;
use std::pin::pin;

use bytes::Buf as _;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_TYPE, ETAG, EXPECT, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;

use super::RegistrationRequest;
use super::metadata::{Document, SERVER_METADATA};
use crate::configuration::RESOURCE_METADATA;
use crate::error::{EndpointError, ErrorReason};
use crate::jwt::AccessTokenSigner;
use crate::observer::{Endpoint, Operation};
use crate::rate_limit::Peer;
use crate::server::AuthorizationServer;
use crate::telemetry::ended;
use crate::wire::ClientRequest;
use crate::wire::response::{EXPOSED, json, respond};

/// How much of a body that is too large is read and thrown away, in bytes: a client that is still sending when the
/// connection is closed may never read the answer.
const MAX_DISCARDED: usize = 4 * 1024 * 1024;

/// Where clients look for an OpenID provider, some of them first. Half of its document breaks those, so they are told that
/// there is none, in a way that scripts can read, and go on to the metadata of OAuth.
const OPENID_METADATA: &str = "/.well-known/openid-configuration";

/// How a document may be read.
pub(super) const READ: &str = "GET, HEAD";

/// A route for the host's router: everything under it goes to [`AuthorizationServer::handle`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointRoute {
    path: String,
    matching: PathMatch,
}

/// Which paths a route stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: adapters match it")]
pub enum PathMatch {
    /// This path alone.
    Exact,
    /// Every path that continues this one with a slash.
    Subtree,
}

impl EndpointRoute {
    pub(super) fn exact(path: &str) -> Self {
        Self { path: path.to_owned(), matching: PathMatch::Exact }
    }

    /// The path; it begins with a slash and does not end with one.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Which paths the route stands for.
    #[must_use]
    pub const fn matching(&self) -> PathMatch {
        self.matching
    }

    /// Whether the route stands for this path, for a service without a router, or with one that decodes what it
    /// matches. The path is the one the client sent, without the query.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match (path.strip_prefix(&self.path), self.matching) {
            (Some(rest), PathMatch::Exact) => rest.is_empty(),
            (Some(rest), PathMatch::Subtree) => rest.starts_with('/'),
            (None, _) => false,
        }
    }
}

/// What a path leads to.
#[derive(Clone, Copy)]
enum Target<'a> {
    Token,
    Revoke,
    Introspect,
    Register,
    Manage(&'a str),
    Document(&'a Document),
    Keys(&'a AccessTokenSigner),
    Unknown,
}

impl Target<'_> {
    const fn methods(self) -> &'static str {
        match self {
            Self::Token | Self::Revoke | Self::Introspect | Self::Register => "POST",
            Self::Manage(_) => "GET, PUT, DELETE",
            Self::Document(_) | Self::Keys(_) | Self::Unknown => READ,
        }
    }

    fn allows(self, method: &Method) -> bool {
        self.methods().split(", ").any(|allowed| allowed == method.as_str())
    }

    fn operation(self, method: &Method) -> Operation {
        match self {
            Self::Token => Operation::Token,
            Self::Revoke => Operation::Revoke,
            Self::Introspect => Operation::Introspect,
            Self::Register => Operation::Register,
            Self::Manage(_) if method == Method::PUT => Operation::ReplaceRegistration,
            Self::Manage(_) if method == Method::DELETE => Operation::DeleteRegistration,
            Self::Manage(_) => Operation::ReadRegistration,
            Self::Document(_) | Self::Keys(_) | Self::Unknown => Operation::Metadata,
        }
    }

    const fn endpoint(self) -> Endpoint {
        match self {
            Self::Token => Endpoint::Token,
            Self::Document(_) | Self::Keys(_) | Self::Unknown => Endpoint::Metadata,
            Self::Revoke => Endpoint::Revocation,
            Self::Introspect => Endpoint::Introspection,
            Self::Register => Endpoint::Registration,
            Self::Manage(_) => Endpoint::RegistrationManagement,
        }
    }
}

impl AuthorizationServer {
    /// The routes that [`handle`](Self::handle) serves; a router needs to know nothing else about OAuth.
    ///
    /// The authorization endpoint is not among them: it is the host's own page. The places of OpenID Connect's metadata
    /// are: there is none, and clients that look there first have to be told so in a way that leads them on. Leave them
    /// out if the host is an OpenID provider by other means.
    #[must_use]
    pub fn endpoints(&self) -> Vec<EndpointRoute> {
        let exact = EndpointRoute::exact;
        let subtree = |path: &str| EndpointRoute { path: path.to_owned(), matching: PathMatch::Subtree };
        let paths = &self.configuration().paths;
        let mut routes = vec![exact(paths.token()), exact(paths.revoke()), exact(paths.introspect())];
        if self.configuration().registration.rules().is_some() {
            routes.push(exact(paths.register()));
        }
        if self.configuration().registration.is_managed() {
            routes.push(subtree(paths.register()));
        }
        for well_known in [SERVER_METADATA, RESOURCE_METADATA, OPENID_METADATA] {
            routes.extend([exact(well_known), subtree(well_known)]);
        }
        let issuer = self.issuer().path();
        if !issuer.is_empty() {
            routes.push(exact(&format!("{issuer}{OPENID_METADATA}")));
        }
        if self.configuration().signer.is_some() {
            routes.push(exact(paths.jwks()));
        }
        routes
    }

    /// Answers a request to any endpoint that clients call directly: token, revocation, introspection, registration,
    /// metadata, keys.
    ///
    /// Method, size and content type are checked, CORS and preflight are answered where browser clients need them, and
    /// every answer is complete: pass it on as it is. A [`Peer`] among the extensions of the request tells the rate
    /// limiter where it comes from. The path must be the one the client called, not one that a router
    /// has cut.
    pub async fn handle<B: Body>(&self, request: Request<B>) -> Response<String> {
        let (parts, body) = request.into_parts();
        let target = self.target(parts.uri.path());
        // Introspection is for servers, and the authorization endpoint for people: no script has any business there.
        let cors = match target {
            Target::Introspect => false,
            Target::Unknown => parts.uri.path() != self.configuration().paths.authorize(),
            _ => true,
        };
        let mut response = if parts.method == Method::OPTIONS && cors {
            preflight(target.methods())
        } else {
            self.answer(target, &parts, body).await
        };
        if cors {
            open(&mut response);
        }
        response
    }

    fn target<'a>(&'a self, path: &'a str) -> Target<'a> {
        let paths = &self.configuration().paths;
        let open = self.configuration().registration.rules().is_some();
        if path == paths.token() {
            Target::Token
        } else if path == paths.revoke() {
            Target::Revoke
        } else if path == paths.introspect() {
            Target::Introspect
        } else if open && path == paths.register() {
            Target::Register
        } else if let Some(document) = self.inner.documents.find(path) {
            Target::Document(document)
        } else if let Some(signer) = self.configuration().signer.as_ref().filter(|_| path == paths.jwks()) {
            Target::Keys(signer)
        } else {
            let id = path.strip_prefix(paths.register()).and_then(|rest| rest.strip_prefix('/'));
            let managed = self.configuration().registration.is_managed();
            match id.filter(|id| managed && !id.is_empty() && !id.contains('/')) {
                Some(id) => Target::Manage(id),
                None => Target::Unknown,
            }
        }
    }

    async fn answer<B: Body>(&self, target: Target<'_>, parts: &Parts, body: B) -> Response<String> {
        let (method, headers) = (&parts.method, &parts.headers);
        let operation = target.operation(method);
        let refuse = |reason: ErrorReason| {
            let error = self.refuse(target.endpoint(), headers, None, reason.into());
            ended(operation, Some(&error));
            error.into_http()
        };
        if matches!(target, Target::Unknown) {
            return refuse(ErrorReason::EndpointUnknown);
        }
        if !target.allows(method) {
            let mut response = refuse(ErrorReason::MethodNotAllowed);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(target.methods()));
            return response;
        }
        let served = match target {
            Target::Document(document) => Some(serve(document, method, headers)),
            Target::Keys(signer) => Some(serve(&Document::of_keys(signer.jwks()), method, headers)),
            _ => None,
        };
        if let Some(response) = served {
            ended(operation, None::<&EndpointError>);
            return response;
        }
        let body = match self.read(headers, body).await {
            Ok(body) => body,
            Err(reason) => return refuse(reason),
        };
        match self.dispatch_target(target, parts, &body).await {
            Ok(response) => response,
            Err(error) => error.into_http(),
        }
    }

    async fn dispatch_target(
        &self,
        target: Target<'_>,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Response<String>, EndpointError> {
        let Parts { method, headers, extensions, .. } = parts;
        let mut form = ClientRequest::new(headers, body);
        let mut registration = RegistrationRequest::new(headers, body);
        if let Some(peer) = extensions.get::<Peer>().copied() {
            form = form.with_peer(peer);
            registration = registration.with_peer(peer);
        }
        match target {
            Target::Token => Ok(self.token(form).await?.into_http()),
            Target::Revoke => {
                self.revoke(form).await?;
                Ok(json(StatusCode::OK, "{}".to_owned()))
            }
            Target::Introspect => Ok(self.introspect(form).await?.into_http()),
            Target::Register => Ok(self.register(registration).await?.into_http()),
            Target::Manage(id) => match *method {
                Method::PUT => Ok(self.replace_registration(id, registration).await?.into_http()),
                Method::DELETE => {
                    self.delete_registration(id, registration).await?;
                    let mut response = json(StatusCode::NO_CONTENT, String::new());
                    response.headers_mut().remove(CONTENT_TYPE);
                    Ok(response)
                }
                _ => Ok(self.read_registration(id, registration).await?.into_http()),
            },
            Target::Document(_) | Target::Keys(_) | Target::Unknown => {
                Err(self.refuse(target.endpoint(), headers, None, ErrorReason::EndpointUnknown.into()))
            }
        }
    }

    /// Reads a body up to the limit, whatever length it declares; a compressed one is refused, since it could be any
    /// size.
    async fn read<B: Body>(&self, headers: &HeaderMap, body: B) -> Result<Vec<u8>, ErrorReason> {
        let limit = self.configuration().body_limit;
        if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(ErrorReason::ContentTypeUnsupported);
        }
        let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        // A client that asks before it sends is told at once, and so is one that would not come to an end.
        if declared > limit && (headers.contains_key(EXPECT) || declared > MAX_DISCARDED) {
            return Err(ErrorReason::RequestTooLarge);
        }
        let mut body = pin!(body);
        let mut bytes = Vec::new();
        let mut length = 0_usize;
        while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
            let Ok(frame) = frame else {
                // What was too large from the start is that, also if its sender then gave up.
                let too_large = declared.max(length) > limit;
                return Err(if too_large { ErrorReason::RequestTooLarge } else { ErrorReason::BodyIncomplete });
            };
            let Ok(mut data) = frame.into_data() else { continue };
            length = length.saturating_add(data.remaining());
            if length > limit {
                bytes = Vec::new();
            }
            if length > limit.max(MAX_DISCARDED) {
                break;
            }
            while length <= limit && data.has_remaining() {
                let chunk = data.chunk();
                bytes.extend_from_slice(chunk);
                let read = chunk.len();
                data.advance(read);
            }
        }
        if length > limit { Err(ErrorReason::RequestTooLarge) } else { Ok(bytes) }
    }
}

/// A preflight asks for nothing but permission: no authentication, no body, no side effect (Fetch, CORS protocol).
pub(super) fn preflight(methods: &'static str) -> Response<String> {
    let methods = HeaderValue::from_static(methods);
    let headers = HeaderValue::from_static("Authorization, Content-Type, Accept, DPoP, MCP-Protocol-Version");
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, methods),
        (ACCESS_CONTROL_ALLOW_HEADERS, headers),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200")),
    ];
    respond(StatusCode::NO_CONTENT, &headers, String::new())
}

/// Lets scripts of every origin read the answer: none that is sent on their behalf counts for anything here.
pub(super) fn open(response: &mut Response<String>) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

/// Answers GET and HEAD of a document.
pub(super) fn serve(document: &Document, method: &Method, headers: &HeaderMap) -> Response<String> {
    let etag = HeaderValue::from_str(&document.etag).unwrap_or(HeaderValue::from_static("\"\""));
    let fixed = [
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (ETAG, etag),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    if known.map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == document.etag) {
        return respond(StatusCode::NOT_MODIFIED, &fixed, String::new());
    }
    let body = if *method == Method::HEAD { String::new() } else { document.body.clone() };
    let mut response = respond(StatusCode::OK, &fixed, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // RFC 9110 §8.6: the length is that of the document, also of a HEAD, which leaves it out.
    headers.insert(CONTENT_LENGTH, HeaderValue::from(document.body.len()));
    response
}
