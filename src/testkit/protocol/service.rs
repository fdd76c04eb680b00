//! What the suite talks to.

use std::error::Error;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Why no answer came.
pub type ServiceError = Box<dyn Error + Send + Sync>;

/// What answers requests: the crate in process, a framework's test service, or a server elsewhere.
///
/// Every `Fn(http::Request<Bytes>) -> impl Future<Output = http::Response<Bytes>>` is one:
///
/// ```
/// use bytes::Bytes;
/// use grantor::testkit::protocol::Service;
/// use http::{Request, Response};
///
/// fn is_a_service(_: impl Service) {}
///
/// let body = Bytes::from_static(b"got it");
/// is_a_service(move |_: Request<Bytes>| {
///     // What is captured is cloned for each request: an async closure lends it, which is no `Fn`.
///     let body = body.clone();
///     async move { Response::new(body) }
/// });
/// ```
///
/// Where an answer may fail to come, implement the trait.
///
/// The URI of a request is its path and query, as on the wire; `Host` says the rest. An answer is taken as it is: no
/// redirect is followed, no cookie kept, nothing decoded.
#[async_trait]
pub trait Service: Send + Sync {
    /// Answers one request.
    ///
    /// # Errors
    ///
    /// Whatever keeps an answer from coming, such as a broken connection.
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ServiceError>;
}

#[async_trait]
impl<F, Answer> Service for F
where
    F: Fn(Request<Bytes>) -> Answer + Send + Sync,
    Answer: Future<Output = Response<Bytes>> + Send,
{
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ServiceError> {
        Ok(self(request).await)
    }
}

/// A running server, by its address; each request has a connection of its own. Needs a Tokio runtime.
///
/// It speaks plain HTTP/1.1. For a server behind TLS, wrap the HTTP client that you have in a closure, with redirects
/// and decompression off.
#[derive(Clone, Debug)]
pub struct OverHttp {
    authority: String,
}

/// The URL is not of the form `http://host:port`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the suite reaches a server at http://host:port")]
pub struct UnreachableUrl;

/// The largest body of an answer that is read, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

impl OverHttp {
    /// The server at `http://host:port`.
    ///
    /// # Errors
    ///
    /// [`UnreachableUrl`] for any other scheme.
    pub fn new(url: &str) -> Result<Self, UnreachableUrl> {
        let uri: Uri = url.parse().map_err(|_| UnreachableUrl)?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or(UnreachableUrl)?;
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self { authority: format!("{}:{port}", authority.host()) })
    }
}

#[async_trait]
impl Service for OverHttp {
    async fn call(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, ServiceError> {
        let stream = TcpStream::connect(&self.authority).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender, or with an error that the sender is told too.
        drop(tokio::spawn(connection));
        if !request.headers().contains_key(HOST) {
            request.headers_mut().insert(HOST, self.authority.parse()?);
        }
        let (parts, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }
}
