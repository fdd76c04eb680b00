//! The fetcher that ships.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{AddressPolicy, ClientIdUrl, DocumentFetcher, FetchError, MAX_DOCUMENT, Resolver, SystemResolver};

/// How long one address may take to accept a connection, while there are others.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(1);
/// How many addresses of a host are tried.
const MAX_ATTEMPTS: usize = 3;
/// How long the head of an answer may be, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// How many headers it may have.
const MAX_HEADERS: usize = 64;

/// Fetches documents over HTTPS, and lets itself be led nowhere else.
///
/// The name of the host is resolved once. Unless every address is one that the [`AddressPolicy`] allows, nothing is
/// connected to; otherwise the connection is made to one of these very addresses, so a name that means something else a
/// moment later leads nowhere. There are no redirects, no proxies, no cookies, no decompression and no connections that are
/// used again. Certificates are checked against the authorities that Mozilla trusts. The whole takes at most five seconds,
/// and at most [`MAX_DOCUMENT`] bytes are read.
///
/// It works in the runtime of `tokio`, with I/O and time enabled.
///
/// ```
/// use grantor::cimd::{AddressPolicy, HttpsFetcher};
///
/// let fetcher = HttpsFetcher::new();
///
/// // Clients in an intranet, too; its own authority is added by `with_root_certificate`.
/// let fetcher = fetcher.with_addresses(AddressPolicy::public().with_network("10.20.0.0/16")?);
/// # Ok::<(), grantor::cimd::InvalidNetwork>(())
/// ```
#[derive(Clone, Debug)]
pub struct HttpsFetcher {
    resolver: Arc<dyn Resolver>,
    addresses: AddressPolicy,
    timeout: Duration,
    roots: RootCertStore,
    tls: Arc<ClientConfig>,
}

/// The bytes are not a certificate that could be trusted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a root certificate is one X.509 certificate in DER")]
pub struct InvalidCertificate;

impl HttpsFetcher {
    /// The longest that a fetch takes, from the name to the last byte.
    pub const MAX_TIMEOUT: Duration = Duration::from_secs(5);

    /// A fetcher that connects to public addresses, and asks the operating system for them.
    #[must_use]
    pub fn new() -> Self {
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self {
            resolver: Arc::new(SystemResolver::new()),
            addresses: AddressPolicy::public(),
            timeout: Self::MAX_TIMEOUT,
            tls: tls(roots.clone()),
            roots,
        }
    }

    /// Decides which addresses may be connected to.
    #[must_use]
    pub fn with_addresses(mut self, addresses: AddressPolicy) -> Self {
        self.addresses = addresses;
        self
    }

    /// Decides who finds the addresses of hosts.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Sets how long a fetch takes at most; more than [`MAX_TIMEOUT`](Self::MAX_TIMEOUT) counts as that.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(Self::MAX_TIMEOUT);
        self
    }

    /// Trusts one more authority, by its certificate in DER: that of an intranet, or of a test.
    ///
    /// # Errors
    ///
    /// [`InvalidCertificate`] if the bytes are not one.
    pub fn with_root_certificate(mut self, der: &[u8]) -> Result<Self, InvalidCertificate> {
        self.roots.add(CertificateDer::from(der.to_vec())).map_err(|_| InvalidCertificate)?;
        self.tls = tls(self.roots.clone());
        Ok(self)
    }

    async fn get(&self, url: &ClientIdUrl) -> Result<Response<Bytes>, FetchError> {
        let addresses = self.addresses_of(url.host()).await?;
        let stream = connect(&addresses, url.port()).await?;
        exchange(self.secure(url.host(), stream).await?, url).await
    }

    /// The addresses of the host; one that is not allowed spoils the others, since DNS would choose for us.
    async fn addresses_of(&self, host: &str) -> Result<Vec<IpAddr>, FetchError> {
        let addresses = self.resolver.resolve(host).await.map_err(FetchError::Unresolved)?;
        match addresses.iter().find(|address| !self.addresses.allows(**address)) {
            Some(refused) => Err(FetchError::AddressRefused(*refused)),
            None => Ok(addresses),
        }
    }

    async fn secure(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, FetchError> {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|error| FetchError::Insecure(io::Error::other(error)))?;
        TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await.map_err(FetchError::Insecure)
    }
}

impl Default for HttpsFetcher {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl DocumentFetcher for HttpsFetcher {
    async fn fetch(&self, url: &ClientIdUrl) -> Result<Response<Bytes>, FetchError> {
        timeout(self.timeout, self.get(url)).await.unwrap_or(Err(FetchError::TimedOut))
    }
}

fn tls(roots: RootCertStore) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    #[expect(clippy::expect_used, reason = "the provider has cipher suites of both versions of TLS")]
    let builder = builder.with_safe_default_protocol_versions().expect("a provider for both versions");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Connects to the first of these addresses that accepts, and to nothing else.
async fn connect(addresses: &[IpAddr], port: u16) -> Result<TcpStream, FetchError> {
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses.iter().take(MAX_ATTEMPTS) {
        match timeout(LONGEST_ATTEMPT, TcpStream::connect((*address, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            Err(elapsed) => failure = elapsed.into(),
        }
    }
    Err(FetchError::Unreachable(failure))
}

/// One request, one answer. Of any answer but a 200 the head is enough.
async fn exchange(stream: TlsStream<TcpStream>, url: &ClientIdUrl) -> Result<Response<Bytes>, FetchError> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(malformed)?;
    // The connection ends with this future, whatever becomes of it.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender.send_request(request(url)?).await.map_err(malformed)?;
    let (parts, body) = response.into_parts();
    let body = if parts.status == StatusCode::OK { read(body).await? } else { Bytes::new() };
    Ok(Response::from_parts(parts, body))
}

fn request(url: &ClientIdUrl) -> Result<Request<Empty<Bytes>>, FetchError> {
    Request::get(url.path_and_query())
        .header(HOST, url.authority())
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, HeaderValue::from_static(concat!("grantor/", env!("CARGO_PKG_VERSION"))))
        .body(Empty::new())
        .map_err(malformed)
}

async fn read(body: Incoming) -> Result<Bytes, FetchError> {
    match Limited::new(body, MAX_DOCUMENT).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(FetchError::TooLarge),
        Err(error) => Err(FetchError::Malformed(error)),
    }
}

fn malformed(error: impl Error + Send + Sync + 'static) -> FetchError {
    FetchError::Malformed(Box::new(error))
}
