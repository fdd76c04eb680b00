//! What can go wrong: one [`ErrorReason`] per cause for the operator, one [`ErrorCode`] per wire word for the client.
//!
//! Three errors exist, one per way of answering: [`AuthorizeError`] (a page or a redirect), [`EndpointError`] (JSON) and
//! [`BearerError`] (a challenge). [`StoreError`] is what stores fail with; it never reaches a client.

mod authorize;
mod bearer;
mod endpoint;
mod reason;
mod store;

use serde::Serialize;

pub use authorize::{AuthorizeError, Rejection, Unredirectable};
pub use bearer::BearerError;
pub(crate) use bearer::ChallengeContext;
pub use endpoint::{Challenge, EndpointError};
pub use reason::ErrorReason;
pub use store::{Retry, StoreError};

/// The value of `error` on the wire, as registered with IANA for OAuth unless it says otherwise.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// RFC 6749 §4.1.2.1
    AccessDenied,
    /// OpenID Connect Core §3.1.2.6
    ConsentRequired,
    /// RFC 6750 §3.1
    InsufficientScope,
    /// RFC 6749 §5.2
    InvalidClient,
    /// RFC 7591 §3.2.2
    InvalidClientMetadata,
    /// RFC 6749 §5.2
    InvalidGrant,
    /// RFC 7591 §3.2.2
    InvalidRedirectUri,
    /// RFC 6749 §5.2
    InvalidRequest,
    /// RFC 6749 §5.2
    InvalidScope,
    /// RFC 7591 §3.2.2
    InvalidSoftwareStatement,
    /// RFC 8707 §2
    InvalidTarget,
    /// RFC 6750 §3.1
    InvalidToken,
    /// OpenID Connect Core §3.1.2.6
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6
    RegistrationNotSupported,
    /// OpenID Connect Core §3.1.2.6
    RequestNotSupported,
    /// OpenID Connect Core §3.1.2.6
    RequestUriNotSupported,
    /// RFC 6749 §4.1.2.1
    ServerError,
    /// RFC 6749 §4.1.2.1
    TemporarilyUnavailable,
    /// The caller calls too often, whatever it asks for: no code of OAuth, which has none for that (RFC 6585 §4)
    TooManyRequests,
    /// RFC 6749 §5.2
    UnauthorizedClient,
    /// RFC 6749 §5.2
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1
    UnsupportedResponseType,
}

impl ErrorCode {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::ConsentRequired => "consent_required",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidClient => "invalid_client",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidToken => "invalid_token",
            Self::LoginRequired => "login_required",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::TooManyRequests => "too_many_requests",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
        }
    }
}
