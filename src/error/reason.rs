//! Every cause of an error, and what the client is told of it.

use super::ErrorCode;

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident => $code:ident, $status:literal, $description:literal;)*) => {
        /// Why a request was refused. Stable: operators may match on it, count it, and replace its description.
        ///
        /// The client learns [`code`](Self::code), [`status`](Self::status) and the description; the reason itself is for the
        /// operator, and often says more than a client may know.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum ErrorReason {
            $($(#[$doc])* $reason,)*
        }

        impl ErrorReason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$reason,)*];

            /// The value of `error` that the client is sent.
            #[must_use]
            pub const fn code(self) -> ErrorCode {
                match self {
                    $(Self::$reason => ErrorCode::$code,)*
                }
            }

            /// The HTTP status, where the answer is not a redirect.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$reason => $status,)*
                }
            }

            /// The value of `error_description`, unless the operator replaces it.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$reason => $description,)*
                }
            }

            /// The reason's own name, for logs and counters.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$reason => stringify!($reason),)*
                }
            }
        }
    };
}

// RFC 6749 §5.2 bounds the characters of a description: no quote, no backslash, printable ASCII. Where several reasons
// share a description, a client must not be able to tell them apart.
reasons! {
    // HTTP
    /// The path belongs to no endpoint.
    EndpointUnknown => InvalidRequest, 404, "There is no such endpoint.";
    /// The endpoint does not answer this method.
    MethodNotAllowed => InvalidRequest, 405, "The endpoint does not support this method.";
    /// The body is not of the content type that the endpoint reads.
    ContentTypeUnsupported => InvalidRequest, 415, "The content type of the request is not supported.";
    /// The body is larger than the limit.
    RequestTooLarge => InvalidRequest, 413, "The request is too large.";
    /// The query of an authorization request is longer than any valid one.
    QueryTooLong => InvalidRequest, 414, "The URL of the request is too long.";
    /// Ill-formed percent-encoding, not UTF-8, a NUL, or too many parameters.
    RequestMalformed => InvalidRequest, 400, "The request is not well-formed.";
    /// The connection broke before the whole body was read.
    BodyIncomplete => InvalidRequest, 400, "The body of the request is incomplete.";
    /// A parameter that may occur once occurs more often (RFC 6749 §3.1, §3.2).
    ParameterRepeated => InvalidRequest, 400, "A parameter is included more than once.";
    /// A parameter is longer than any valid value.
    ParameterTooLong => InvalidRequest, 400, "A parameter is too long.";

    // Authorization endpoint, before a redirect is safe
    /// No `client_id`.
    ClientIdMissing => InvalidRequest, 400, "The parameter client_id is missing.";
    /// `client_id` twice: no client can be trusted.
    ClientIdRepeated => InvalidRequest, 400, "The parameter client_id is included more than once.";
    /// No client has this `client_id`, or it is disabled.
    ClientUnknown => InvalidClient, 400, "The client is not known here.";
    /// `redirect_uri` twice: no destination can be trusted.
    RedirectUriRepeated => InvalidRequest, 400, "The parameter redirect_uri is included more than once.";
    /// No `redirect_uri`, and not exactly one registered that could stand for it.
    RedirectUriMissing => InvalidRequest, 400, "The parameter redirect_uri is missing.";
    /// `redirect_uri` is not registered for this client, or the operator does not accept it any more.
    RedirectUriUnregistered => InvalidRequest, 400, "The redirect_uri is not registered for this client.";
    /// `response_mode` is not `query`: the client could not read an answer.
    ResponseModeUnsupported => InvalidRequest, 400, "The response_mode is not supported.";

    // Authorization endpoint, the decision
    /// The decision came without its consent token.
    ConsentTokenMissing => InvalidRequest, 403, "The form is incomplete. Start again from the app.";
    /// The consent token is for another session, another user or another request, or was not made here.
    ConsentTokenInvalid => InvalidRequest, 403, "The form does not belong to this session. Start again from the app.";
    /// The user took longer to decide than a consent token lives.
    ConsentTokenExpired => InvalidRequest, 403, "The form has expired. Start again from the app.";
    /// This form was submitted before; its code was issued then.
    DecisionRepeated => InvalidRequest, 409, "This decision was already made.";

    // Authorization endpoint, to the client
    /// No `response_type`.
    ResponseTypeMissing => InvalidRequest, 400, "The parameter response_type is missing.";
    /// `response_type` is not `code`.
    ResponseTypeUnsupported => UnsupportedResponseType, 400, "The response_type is not supported.";
    /// `request` (RFC 9101) is not supported.
    RequestObjectUnsupported => RequestNotSupported, 400, "The parameter request is not supported.";
    /// `request_uri` (RFC 9101) is not supported.
    RequestUriUnsupported => RequestUriNotSupported, 400, "The parameter request_uri is not supported.";
    /// `registration` (OpenID Connect Core §7.2.1) is not supported.
    RegistrationParameterUnsupported => RegistrationNotSupported, 400, "The parameter registration is not supported.";
    /// No `code_challenge`, and the client is not exempt.
    CodeChallengeMissing => InvalidRequest, 400, "The parameter code_challenge is required.";
    /// `code_challenge` is not 43 characters of base64url.
    CodeChallengeMalformed => InvalidRequest, 400, "The code_challenge must be 43 characters of base64url.";
    /// `code_challenge_method` is not `S256`; leaving it out means `plain`.
    CodeChallengeMethodUnsupported => InvalidRequest, 400, "The code_challenge_method must be S256.";
    /// The user refused, or left no scope to grant.
    AccessDenied => AccessDenied, 400, "The resource owner denied the request.";
    /// `prompt=none`, and nobody is signed in.
    LoginRequired => LoginRequired, 400, "The resource owner is not signed in.";
    /// `prompt=none`, and the user has not consented to this before.
    ConsentRequired => ConsentRequired, 400, "The resource owner has not consented to this request.";

    // Scope and resource
    /// The scope does not follow the grammar, or is too large.
    ScopeMalformed => InvalidScope, 400, "The scope is malformed.";
    /// No scope was asked for, and the server has no default.
    ScopeMissing => InvalidScope, 400, "The parameter scope is required.";
    /// The scope is not one of the server's, or not one of the client's.
    ScopeNotAllowed => InvalidScope, 400, "The requested scope is unknown or not allowed for this client.";
    /// The scope exceeds what was granted.
    ScopeExceedsGrant => InvalidScope, 400, "The requested scope exceeds the granted scope.";
    /// The resource is not an absolute URI without a fragment.
    ResourceMalformed => InvalidTarget, 400, "The resource must be an absolute URI without a fragment.";
    /// The resource is not one of the server's.
    ResourceUnknown => InvalidTarget, 400, "The requested resource is not known here.";
    /// The resource was not granted.
    ResourceExceedsGrant => InvalidTarget, 400, "The requested resource was not granted.";

    // Client authentication
    /// More than one `Authorization` header.
    AuthorizationRepeated => InvalidRequest, 400, "The Authorization header is included more than once.";
    /// More than one way of authenticating in one request (RFC 6749 §2.3).
    ClientAuthenticationAmbiguous => InvalidRequest, 400, "More than one client authentication method was used.";
    /// The `client_id` of the body differs from that of the `Authorization` header.
    ClientIdMismatch => InvalidRequest, 400, "The client_id differs from that of the Authorization header.";
    /// No client was named, or a confidential client sent no secret.
    ClientAuthenticationMissing => InvalidClient, 401, "Client authentication failed.";
    /// The client is unknown or disabled, or what it sent does not prove who it is.
    ClientAuthenticationFailed => InvalidClient, 401, "Client authentication failed.";
    /// The `Authorization` header cannot be read.
    ClientAuthenticationMalformed => InvalidClient, 401, "Client authentication failed.";
    /// The client may not use this grant type, or not ask for this response type.
    GrantTypeNotAllowed => UnauthorizedClient, 400, "The client is not allowed to use this grant type.";

    // Token endpoint
    /// No `grant_type`.
    GrantTypeMissing => InvalidRequest, 400, "The parameter grant_type is missing.";
    /// `grant_type` is none of the server's.
    GrantTypeUnsupported => UnsupportedGrantType, 400, "The grant_type is not supported.";
    /// No `code`.
    CodeMissing => InvalidRequest, 400, "The parameter code is missing.";
    /// No such code: never issued, purged, or its grant was revoked.
    CodeUnknown => InvalidGrant, 400, "The code is invalid or has expired.";
    /// The code's life is over.
    CodeExpired => InvalidGrant, 400, "The code is invalid or has expired.";
    /// The code was issued to another client.
    CodeForeign => InvalidGrant, 400, "The code is invalid or has expired.";
    /// The code was redeemed before; what it bought is revoked.
    CodeReplayed => InvalidGrant, 400, "The code is invalid or has expired.";
    /// Too many wrong verifiers were tried on the code.
    CodeExhausted => InvalidGrant, 400, "The code is invalid or has expired.";
    /// `redirect_uri` is not that of the authorization request.
    RedirectUriMismatch => InvalidGrant, 400, "The redirect_uri is not that of the authorization request.";
    /// The code is not bound by PKCE, so `redirect_uri` must be repeated (RFC 6749 §4.1.3).
    RedirectUriNotRepeated => InvalidGrant, 400, "The redirect_uri of the authorization request must be repeated.";
    /// The code is bound by PKCE, and no `code_verifier` came.
    CodeVerifierMissing => InvalidGrant, 400, "The parameter code_verifier is missing.";
    /// `code_verifier` is not 43 to 128 unreserved characters.
    CodeVerifierMalformed => InvalidRequest, 400, "The code_verifier must be 43 to 128 unreserved characters.";
    /// `code_verifier` does not belong to the code's challenge.
    CodeVerifierMismatch => InvalidGrant, 400, "The code_verifier does not match the code_challenge.";
    /// A `code_verifier` came for a code without a challenge: somebody stripped it (RFC 9700 §4.8.2).
    CodeVerifierUnexpected => InvalidRequest, 400, "A code_verifier was sent, but the authorization request had no code_challenge.";
    /// No `refresh_token`.
    RefreshTokenMissing => InvalidRequest, 400, "The parameter refresh_token is missing.";
    /// No such refresh token: never issued, purged, or its grant was revoked.
    RefreshTokenUnknown => InvalidGrant, 400, "The refresh token is invalid or has expired.";
    /// The refresh token was not used for too long, or its grant is too old.
    RefreshTokenExpired => InvalidGrant, 400, "The refresh token is invalid or has expired.";
    /// The refresh token was issued to another client.
    RefreshTokenForeign => InvalidGrant, 400, "The refresh token is invalid or has expired.";
    /// The refresh token was replaced before; its grant is revoked.
    RefreshTokenReplayed => InvalidGrant, 400, "The refresh token is invalid or has expired.";
    /// The refresh token was retried more often than the grace allows.
    RefreshTokenRetriesExhausted => InvalidGrant, 400, "The refresh token is invalid or has expired.";

    // Revocation and introspection
    /// No `token`.
    TokenMissing => InvalidRequest, 400, "The parameter token is missing.";
    /// The token was issued to another client, which alone may revoke it.
    TokenForeign => InvalidGrant, 400, "The token was not issued to this client.";
    /// Public clients may not introspect: anybody could be one.
    IntrospectionNotAllowed => InvalidClient, 401, "Client authentication failed.";

    // Registration
    /// The body is not one JSON object with distinct members.
    RegistrationMalformed => InvalidClientMetadata, 400, "The body must be one JSON object with distinct members.";
    /// A member of the metadata is not acceptable.
    MetadataInvalid => InvalidClientMetadata, 400, "The client metadata is not acceptable.";
    /// A redirect URI is missing or not acceptable.
    RedirectUriInvalid => InvalidRedirectUri, 400, "A redirect URI is missing or not acceptable.";
    /// Software statements are not supported.
    SoftwareStatementUnsupported => InvalidSoftwareStatement, 400, "Software statements are not supported.";
    /// Registration needs an initial access token, and none came.
    InitialTokenMissing => InvalidToken, 401, "An initial access token is required.";
    /// The initial access token is not one of the operator's.
    InitialTokenInvalid => InvalidToken, 401, "The initial access token is invalid.";
    /// As many clients are registered as the operator allows.
    RegistrationsExhausted => TemporarilyUnavailable, 503, "No further clients can be registered right now.";
    /// No registration access token came.
    RegistrationTokenMissing => InvalidToken, 401, "A registration access token is required.";
    /// The registration access token is not that of this client, or the client is gone.
    RegistrationTokenInvalid => InvalidToken, 401, "The registration access token is invalid.";
    /// A replaced registration names another client, or a member that only the server sets.
    RegistrationMismatch => InvalidClientMetadata, 400, "The registration cannot be replaced by this one.";
    /// Somebody else changed the registration meanwhile.
    RegistrationConflict => InvalidRequest, 409, "The registration was changed by another request.";

    // Protected resources
    /// No bearer token came.
    AccessTokenMissing => InvalidToken, 401, "An access token is required.";
    /// The `Authorization` header cannot be read, or came twice.
    AccessTokenMalformed => InvalidRequest, 400, "The Authorization header is malformed.";
    /// No such access token: never issued, purged, revoked, or damaged.
    AccessTokenUnknown => InvalidToken, 401, "The access token is invalid or has expired.";
    /// The access token's life is over.
    AccessTokenExpired => InvalidToken, 401, "The access token is invalid or has expired.";
    /// The access token is for another resource.
    AudienceMismatch => InvalidToken, 401, "The access token is not for this resource.";
    /// The access token's scope does not suffice.
    ScopeInsufficient => InsufficientScope, 403, "The access token does not have the required scope.";

    // The server's own trouble
    /// A store cannot answer now; trying again later can help.
    StoreUnavailable => TemporarilyUnavailable, 503, "The server cannot answer right now. Try again later.";
    /// A store failed, and trying again will not help.
    StoreFailed => ServerError, 500, "The server failed.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_keep_to_the_characters_of_rfc_6749() {
        for reason in ErrorReason::ALL {
            let allowed = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            assert!(reason.description().bytes().all(allowed), "{reason:?}");
        }
    }

    #[test]
    fn a_401_is_about_authentication_and_nothing_else() {
        for reason in ErrorReason::ALL {
            let authentication = matches!(reason.code(), ErrorCode::InvalidClient | ErrorCode::InvalidToken);
            let shown = *reason == ErrorReason::ClientUnknown;
            assert_eq!(reason.status() == 401, authentication && !shown, "{reason:?}");
        }
    }

    #[test]
    fn a_client_cannot_tell_why_a_code_or_refresh_token_is_dead() {
        use ErrorReason::{
            CodeExhausted, CodeExpired, CodeForeign, CodeReplayed, CodeUnknown, RefreshTokenExpired,
            RefreshTokenForeign, RefreshTokenReplayed, RefreshTokenUnknown,
        };
        let seen = |reason: ErrorReason| (reason.code(), reason.status(), reason.description());
        for reason in [CodeExhausted, CodeExpired, CodeForeign, CodeReplayed] {
            assert_eq!(seen(reason), seen(CodeUnknown));
        }
        for reason in [RefreshTokenExpired, RefreshTokenForeign, RefreshTokenReplayed] {
            assert_eq!(seen(reason), seen(RefreshTokenUnknown));
        }
    }
}
