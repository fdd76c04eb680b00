//! Who fetches documents.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::IpAddr;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;

use super::ClientIdUrl;

/// The longest document that is read, in bytes. The draft recommends 5 kilobytes (§6.6).
pub const MAX_DOCUMENT: usize = 10 * 1024;

/// Fetches the document of a client. [`HttpsFetcher`](super::HttpsFetcher) is the one that ships.
///
/// # Contract
///
/// Anybody can have any URL fetched, without signing in, so whoever implements this keeps to what the one that ships
/// keeps to:
///
/// * It sends one `GET` with `Accept: application/json`, and nothing that tells of a user or of the service's inside: no
///   cookies, no credentials, no forwarded headers.
/// * It follows no redirects, and returns the answer as it came, whatever its status.
/// * It connects to no address that is only reachable from inside, and connects to the address that it checked, not to
///   what the name means a moment later. Behind an egress proxy, that is the proxy's part.
/// * It checks the certificate of the host.
/// * It reads at most [`MAX_DOCUMENT`] bytes of a body, and decompresses nothing.
/// * It comes to an end, after a few seconds at most, however slowly the host sends.
///
/// What the answer must be is the server's to check; a longer or compressed body is refused there once more.
#[async_trait]
pub trait DocumentFetcher: fmt::Debug + Send + Sync + 'static {
    /// Fetches what is at the URL now.
    ///
    /// The server drops the future when whoever waits for it goes away.
    ///
    /// # Errors
    ///
    /// [`FetchError`] if there is no answer, or none that may be had.
    async fn fetch(&self, url: &ClientIdUrl) -> Result<Response<Bytes>, FetchError>;
}

/// Why there is no answer. For the operator: a visitor learns that the document cannot be used, and nothing else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The name of the host could not be resolved.
    #[error("the host cannot be resolved")]
    Unresolved(#[source] io::Error),
    /// The host has an address that may not be connected to, so nothing was.
    #[error("the host has the address {0}, which may not be connected to")]
    AddressRefused(IpAddr),
    /// No address of the host accepts connections.
    #[error("the host does not accept connections")]
    Unreachable(#[source] io::Error),
    /// No secure connection came about: the certificate is not one for this host, or has expired, or is of an unknown
    /// authority.
    #[error("there is no secure connection to the host")]
    Insecure(#[source] io::Error),
    /// What came is no answer of HTTP.
    #[error("the host does not speak HTTP")]
    Malformed(#[source] Box<dyn Error + Send + Sync>),
    /// The body is longer than [`MAX_DOCUMENT`].
    #[error("the document is longer than 10 KiB")]
    TooLarge,
    /// It took too long.
    #[error("the host took too long to answer")]
    TimedOut,
    /// Anything else that a fetcher of the host's own fails with.
    #[error("the document cannot be fetched")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}
