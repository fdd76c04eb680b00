//! What can be wrong with a document.

use http::StatusCode;

use super::FetchError;
use crate::error::ErrorReason;

/// Why a document describes no client that could be used. For the operator; see [`reason`](Self::reason) for what a
/// visitor learns.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentProblem {
    /// There is no answer.
    #[error("there is no answer")]
    Fetch(#[from] FetchError),
    /// The status is not 200; redirects are not followed.
    #[error("the status is {0}, not 200")]
    Status(StatusCode),
    /// The media type is neither `application/json` nor `application/…+json`.
    #[error("the media type is not JSON")]
    MediaType,
    /// The body is compressed, which nobody asked for.
    #[error("the body is compressed")]
    Compressed,
    /// The body is longer than [`MAX_DOCUMENT`](super::MAX_DOCUMENT).
    #[error("the document is longer than 10 KiB")]
    TooLarge,
    /// The body is not one JSON object whose members have the types of RFC 7591, each once.
    #[error("the document is not one JSON object, has a member of the wrong type, or has one twice")]
    Malformed,
    /// Its `client_id` is not its own URL, character by character.
    #[error("the client_id of the document is not its URL")]
    OtherClient,
    /// It names a secret, or a method that needs one: everybody can read it.
    #[error("the document names a client secret, or an authentication method with one")]
    SharedSecret,
    /// Its `token_endpoint_auth_method` is not `none`: `private_key_jwt` and others are not supported.
    #[error("the token_endpoint_auth_method of the document is not supported; it must be none")]
    AuthenticationMethod,
    /// It has no `client_name`.
    #[error("the document has no client_name")]
    NoName,
    /// It has no redirect URI that is accepted here.
    #[error("the document has no redirect URI that is accepted here")]
    NoRedirectUri,
    /// A member has a value that is not accepted.
    #[error("the document cannot be accepted: {0}")]
    Metadata(String),
}

impl DocumentProblem {
    /// The reason that goes with it.
    ///
    /// Until a document has proved to be that of the client, by naming its own URL, all problems look alike to a visitor:
    /// else the server would tell anybody what there is at places that only it can reach. Then its developer is told what
    /// a document needs.
    #[must_use]
    pub const fn reason(&self) -> ErrorReason {
        match self {
            Self::Fetch(_) | Self::Status(_) => ErrorReason::ClientDocumentUnavailable,
            Self::MediaType | Self::Compressed | Self::TooLarge | Self::Malformed | Self::OtherClient => {
                ErrorReason::ClientDocumentMalformed
            }
            Self::SharedSecret
            | Self::AuthenticationMethod
            | Self::NoName
            | Self::NoRedirectUri
            | Self::Metadata(_) => ErrorReason::ClientDocumentUnusable,
        }
    }
}
