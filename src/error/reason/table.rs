//! Every reason, with the code and the status of its answer, its description, and its remedy.

use super::{ErrorCode, name_length, snake_case};

// RFC 6749 §5.2 bounds the characters of a description: no quote, no backslash, printable ASCII. Where several reasons
// share a description, a client must not be able to tell them apart.
reasons! {
    // HTTP
    /// The path belongs to no endpoint.
    EndpointUnknown => InvalidRequest, 404, "There is no such endpoint.",
        "Nothing, if strangers scan for paths; else compare `EndpointPaths` and the router with the client's URL.";
    /// The endpoint does not answer this method.
    MethodNotAllowed => InvalidRequest, 405, "The endpoint does not support this method.",
        "Nothing, unless one client keeps doing it: it posts where a GET is due, or the other way round.";
    /// The body is not of the content type that the endpoint reads.
    ContentTypeUnsupported => InvalidRequest, 415, "The content type of the request is not supported.",
        "Tell the client's author what is read: a form for tokens, JSON for registration; or set `token_requests`.";
    /// The body is larger than the limit.
    RequestTooLarge => InvalidRequest, 413, "The request is too large.",
        "Raise `body_limit` if honest requests are that large; otherwise somebody tries what goes through.";
    /// The query of an authorization request is longer than any valid one.
    QueryTooLong => InvalidRequest, 414, "The URL of the request is too long.",
        "Nothing: no honest request comes near 32 KiB.";
    /// Ill-formed percent-encoding or JSON, not UTF-8, a NUL, a control character in a parameter of the service's own,
    /// or too many parameters.
    RequestMalformed => InvalidRequest, 400, "The request is not well-formed.",
        "Have the client encode parameters with a library; if many are hit, look for a proxy that rewrites.";
    /// The connection broke before the whole body was read.
    BodyIncomplete => InvalidRequest, 400, "The body of the request is incomplete.",
        "Nothing, unless it is frequent: then look at the time-outs of proxies in front of the service.";
    /// There were more requests than a rate limit allows.
    RateLimited => TooManyRequests, 429, "There were too many requests. Try again later.",
        "Nothing, if one caller is too eager; raise the limit if honest callers meet it, and look at the peer if they do not.";
    /// A parameter that may occur once occurs more often (RFC 6749 §3.1, §3.2).
    ParameterRepeated => InvalidRequest, 400, "A parameter is included more than once.",
        "Have the client send the parameter once; often its base URL has it as well.";
    /// A parameter is longer than any valid value.
    ParameterTooLong => InvalidRequest, 400, "A parameter is too long.",
        "Have the client keep `state` below 4,096 bytes, and parameters of your own below 1,000: keys, not content.";

    // Authorization endpoint, before a redirect is safe
    /// No `client_id`.
    ClientIdMissing => InvalidRequest, 400, "The parameter client_id is missing.",
        "Nothing, unless one app is behind it: its link to the authorization endpoint lacks `client_id`.";
    /// `client_id` twice: no client can be trusted.
    ClientIdRepeated => InvalidRequest, 400, "The parameter client_id is included more than once.",
        "Nothing, unless one app is behind it: its link names `client_id` twice.";
    /// No client has this `client_id`, or it is disabled.
    ClientUnknown => InvalidClient, 400, "The client is not known here.",
        "See whether the client was deleted or disabled; many different identifiers are somebody's guesses.";
    /// `client_id` is an `https` URL, but not one that can have a document.
    ClientIdUrlInvalid => InvalidClient, 400,
        "The client_id is not a client identifier URL: https in its normal form, with a host name and a path, without fragment, user information and dot segments.",
        "Nothing, unless one app is behind it: its developer has to choose another URL for the document.";
    /// The operator accepts no documents at the host or port of the `client_id`.
    ClientHostRefused => InvalidClient, 400, "Clients of this host are not accepted here.",
        "Nothing, if it is meant; else allow the host or port in `ClientIdMetadataDocuments`.";
    /// There is no answer at the `client_id`, or one that is not a 200.
    ClientDocumentUnavailable => InvalidClient, 400, "The metadata document at the client_id cannot be used.",
        "Look at the event `client_document_refused` for the cause; inside addresses are refused on purpose.";
    /// What is at the `client_id` is not a metadata document, or not that of this client.
    ClientDocumentMalformed => InvalidClient, 400, "The metadata document at the client_id cannot be used.",
        "Look at the event `client_document_refused` for the cause, and have the developer of the app mend the document.";
    /// The metadata document describes a client that cannot be used here.
    ClientDocumentUnusable => InvalidClient, 400,
        "The metadata document of the client is not acceptable: it needs a client_name, redirect_uris that are accepted here, and token_endpoint_auth_method none.",
        "Look at the event `client_document_refused` for the cause, and have the developer of the app mend the document.";
    /// `redirect_uri` twice: no destination can be trusted.
    RedirectUriRepeated => InvalidRequest, 400, "The parameter redirect_uri is included more than once.",
        "Nothing, unless one app is behind it: its link names `redirect_uri` twice.";
    /// No `redirect_uri`, and not exactly one registered that could stand for it.
    RedirectUriMissing => InvalidRequest, 400, "The parameter redirect_uri is missing.",
        "Have the app send `redirect_uri`: it has registered several, or one whose port varies.";
    /// `redirect_uri` is not registered for this client, or the operator does not accept it any more.
    RedirectUriUnregistered => InvalidRequest, 400, "The redirect_uri is not registered for this client.",
        "Compare what the app sends with its registration character by character, and correct one of them.";
    /// `response_mode` is not `query`: the client could not read an answer.
    ResponseModeUnsupported => InvalidRequest, 400, "The response_mode is not supported.",
        "Have the app leave `response_mode` out: only `query` is supported.";

    // Authorization endpoint, the decision
    /// The decision came without its consent token.
    ConsentTokenMissing => InvalidRequest, 403, "The form is incomplete. Start again from the app.",
        "If users are hit, put the hidden field back into the page; otherwise somebody posts without one.";
    /// The consent token is for another session, another user or another request, or was not made here.
    ConsentTokenInvalid => InvalidRequest, 403, "The form does not belong to this session. Start again from the app.",
        "If users are hit, see why the session changes after the page is shown; otherwise somebody forges.";
    /// The user took longer to decide than a consent token lives.
    ConsentTokenExpired => InvalidRequest, 403, "The form has expired. Start again from the app.",
        "Nothing, unless users complain: then raise `consent_lifetime`.";
    /// This form was submitted before; its code was issued then.
    DecisionRepeated => InvalidRequest, 409, "This decision was already made.",
        "Nothing: somebody pressed the button twice, or went back and pressed it again.";

    // Authorization endpoint, to the client
    /// No `response_type`.
    ResponseTypeMissing => InvalidRequest, 400, "The parameter response_type is missing.",
        "Have the app send `response_type=code`.";
    /// `response_type` is not `code`.
    ResponseTypeUnsupported => UnsupportedResponseType, 400, "The response_type is not supported.",
        "Have the app use `response_type=code`; the implicit grant is not coming back.";
    /// `request` (RFC 9101) is not supported.
    RequestObjectUnsupported => RequestNotSupported, 400, "The parameter request is not supported.",
        "Have the app send plain parameters instead of a request object.";
    /// `request_uri` (RFC 9101) is not supported.
    RequestUriUnsupported => RequestUriNotSupported, 400, "The parameter request_uri is not supported.",
        "Have the app send plain parameters instead of `request_uri`.";
    /// `registration` (OpenID Connect Core §7.2.1) is not supported.
    RegistrationParameterUnsupported => RegistrationNotSupported, 400, "The parameter registration is not supported.",
        "Register the app beforehand, or open dynamic registration for it.";
    /// No `code_challenge`, and the client is not exempt.
    CodeChallengeMissing => InvalidRequest, 400, "The parameter code_challenge is required.",
        "Have the app use PKCE; exempt it (`PkceRequirement::Exempt`) only if nobody can change it.";
    /// `code_challenge` is not 43 characters of base64url.
    CodeChallengeMalformed => InvalidRequest, 400, "The code_challenge must be 43 characters of base64url.",
        "Have the app send the base64url of the verifier's SHA-256, without padding.";
    /// `code_challenge_method` is not `S256`; leaving it out means `plain`.
    CodeChallengeMethodUnsupported => InvalidRequest, 400, "The code_challenge_method must be S256.",
        "Have the app send `code_challenge_method=S256`.";
    /// The user refused, or left no scope to grant.
    AccessDenied => AccessDenied, 400, "The resource owner denied the request.",
        "Nothing: it is the user's right.";
    /// The client is confined to another tenant than the one that the page is about.
    TenantNotAllowed => AccessDenied, 400, "The client cannot be used in this tenant.",
        "Nothing, unless users complain: then see that the page's tenant is the one that the client is confined to.";
    /// `prompt=none`, and nobody is signed in.
    LoginRequired => LoginRequired, 400, "The resource owner is not signed in.",
        "Nothing: the app tried without a page, and has to show one now.";
    /// `prompt=none`, and the user has not consented to this before.
    ConsentRequired => ConsentRequired, 400, "The resource owner has not consented to this request.",
        "Nothing: the app tried without a page, and has to show one now.";

    // Scope and resource
    /// The scope does not follow the grammar, or is too large.
    ScopeMalformed => InvalidScope, 400, "The scope is malformed.",
        "Have the app separate scope tokens by single spaces, without commas or quotes.";
    /// No scope was asked for, and the server has no default.
    ScopeMissing => InvalidScope, 400, "The parameter scope is required.",
        "Have the app ask for a scope, or give the server a `default_scope`.";
    /// The scope is not one of the server's, or not one of the client's.
    ScopeNotAllowed => InvalidScope, 400, "The requested scope is unknown or not allowed for this client.",
        "Declare the scope if it is new, or allow it to the client; otherwise the app asks for too much.";
    /// The scope exceeds what was granted.
    ScopeExceedsGrant => InvalidScope, 400, "The requested scope exceeds the granted scope.",
        "Have the app send its user through authorization again: a refresh only ever yields less.";
    /// The resource is not an absolute URI without a fragment.
    ResourceMalformed => InvalidTarget, 400, "The resource must be an absolute URI without a fragment.",
        "Have the app name the API by its absolute URI, as the API's metadata does.";
    /// The resource is not one of the server's.
    ResourceUnknown => InvalidTarget, 400, "The requested resource is not known here.",
        "Declare the API if it is new; otherwise have the app name it as the API's metadata does.";
    /// The resource was not granted.
    ResourceExceedsGrant => InvalidTarget, 400, "The requested resource was not granted.",
        "Have the app name the API in its authorization request already.";

    // Client authentication
    /// More than one `Authorization` header.
    AuthorizationRepeated => InvalidRequest, 400, "The Authorization header is included more than once.",
        "Look for a proxy that adds an `Authorization` header to those of clients.";
    /// More than one way of authenticating in one request (RFC 6749 §2.3).
    ClientAuthenticationAmbiguous => InvalidRequest, 400, "More than one client authentication method was used.",
        "Have the app send its secret in the header or in the body, not in both.";
    /// The `client_id` of the body differs from that of the `Authorization` header.
    ClientIdMismatch => InvalidRequest, 400, "The client_id differs from that of the Authorization header.",
        "Have the app leave `client_id` out of the body when it authenticates by the header.";
    /// No client was named, or a confidential client sent no secret.
    ClientAuthenticationMissing => InvalidClient, 401, "Client authentication failed.",
        "Have the app send its secret; if it cannot keep one, register it as a public client.";
    /// The client is unknown or disabled, or what it sent does not prove who it is.
    ClientAuthenticationFailed => InvalidClient, 401, "Client authentication failed.",
        "See whether the secret was rotated or has expired; if somebody guesses, block where it comes from.";
    /// The `Authorization` header cannot be read.
    ClientAuthenticationMalformed => InvalidClient, 401, "Client authentication failed.",
        "Have the app make the header with a library: Basic, then base64 of id, colon and secret.";
    /// The client may not use this grant type, or not ask for this response type.
    GrantTypeNotAllowed => UnauthorizedClient, 400, "The client is not allowed to use this grant type.",
        "Allow the client the grant type if it should have it; otherwise it asks for what is not its own.";

    // Token endpoint
    /// No `grant_type`.
    GrantTypeMissing => InvalidRequest, 400, "The parameter grant_type is missing.",
        "Nothing, unless one client is behind it: its token request lacks `grant_type`.";
    /// `grant_type` is none of the server's.
    GrantTypeUnsupported => UnsupportedGrantType, 400, "The grant_type is not supported.",
        "Have the app use `authorization_code`; the password grant is not coming back.";
    /// No `code`.
    CodeMissing => InvalidRequest, 400, "The parameter code is missing.",
        "Have the app send the `code` of the redirect, and look first whether an `error` came instead.";
    /// No such code: never issued, purged, or its grant was revoked.
    CodeUnknown => InvalidGrant, 400, "The code is invalid or has expired.",
        "Nothing, unless it is frequent: then see that all processes use one store, and no lagging replica.";
    /// The code's life is over.
    CodeExpired => InvalidGrant, 400, "The code is invalid or has expired.",
        "Nothing, unless it is frequent: then compare the clocks, or let codes live longer.";
    /// The code was issued to another client.
    CodeForeign => InvalidGrant, 400, "The code is invalid or has expired.",
        "Find out how one app got another's code: mixed up settings, or an injection (RFC 9700 §4.5).";
    /// The code was redeemed before; what it bought is revoked.
    CodeReplayed => InvalidGrant, 400, "The code is invalid or has expired.",
        "Find out who else has the code: a client that retries, a log with URLs in it, or a thief.";
    /// Too many wrong verifiers were tried on the code.
    CodeExhausted => InvalidGrant, 400, "The code is invalid or has expired.",
        "Find out who guesses: it has a code of a flow that it did not begin. The code is dead.";
    /// `redirect_uri` is not that of the authorization request.
    RedirectUriMismatch => InvalidGrant, 400, "The redirect_uri is not that of the authorization request.",
        "Have the app repeat the `redirect_uri` it began with; see whether it is still registered.";
    /// The code is not bound by PKCE, so `redirect_uri` must be repeated (RFC 6749 §4.1.3).
    RedirectUriNotRepeated => InvalidGrant, 400, "The redirect_uri of the authorization request must be repeated.",
        "Have the app repeat `redirect_uri` in the token request, or use PKCE.";
    /// The code is bound by PKCE, and no `code_verifier` came.
    CodeVerifierMissing => InvalidGrant, 400, "The parameter code_verifier is missing.",
        "Have the app send `code_verifier`; often it is lost between two processes of its own.";
    /// `code_verifier` is not 43 to 128 unreserved characters.
    CodeVerifierMalformed => InvalidRequest, 400, "The code_verifier must be 43 to 128 unreserved characters.",
        "Have the app make verifiers with a library: 43 to 128 letters, digits and `-._~`.";
    /// `code_verifier` does not belong to the code's challenge.
    CodeVerifierMismatch => InvalidGrant, 400, "The code_verifier does not match the code_challenge.",
        "If an app always fails, it hashes wrongly; if seldom, somebody injects stolen codes (RFC 9700 §4.5).";
    /// A `code_verifier` came for a code without a challenge: somebody stripped it (RFC 9700 §4.8.2).
    CodeVerifierUnexpected => InvalidRequest, 400,
        "A code_verifier was sent, but the authorization request had no code_challenge.",
        "Have the app send a challenge as well; if it does, find out who strips it on the way.";
    /// No `refresh_token`.
    RefreshTokenMissing => InvalidRequest, 400, "The parameter refresh_token is missing.",
        "Nothing, unless one client is behind it: its token request lacks `refresh_token`.";
    /// No such refresh token: never issued, purged, or its grant was revoked.
    RefreshTokenUnknown => InvalidGrant, 400, "The refresh token is invalid or has expired.",
        "Nothing, unless it is frequent: then see whether the store lost data, or many grants were revoked.";
    /// The refresh token was not used for too long, or its grant is too old.
    RefreshTokenExpired => InvalidGrant, 400, "The refresh token is invalid or has expired.",
        "Nothing, unless users sign in too often for their liking: then raise the refresh lifetimes.";
    /// The refresh token was issued to another client.
    RefreshTokenForeign => InvalidGrant, 400, "The refresh token is invalid or has expired.",
        "Find out how one app got another's token: a shared token store, or an attack.";
    /// The refresh token was replaced before; its grant is revoked.
    RefreshTokenReplayed => InvalidGrant, 400, "The refresh token is invalid or has expired.",
        "Find out who else has the token: an app that runs twice on one token, or a thief.";
    /// The refresh token was retried more often than the grace allows.
    RefreshTokenRetriesExhausted => InvalidGrant, 400, "The refresh token is invalid or has expired.",
        "Have the app keep the answer that it gets: it sends a spent token again and again.";

    // Revocation and introspection
    /// No `token`.
    TokenMissing => InvalidRequest, 400, "The parameter token is missing.",
        "Nothing, unless one client is behind it: its request lacks `token`.";
    /// The token was issued to another client, which alone may revoke it.
    TokenForeign => InvalidGrant, 400, "The token was not issued to this client.",
        "Nothing, unless it is frequent: then find out how one app got tokens of another.";
    /// Public clients may not introspect: anybody could be one.
    IntrospectionNotAllowed => InvalidClient, 401, "Client authentication failed.",
        "Give the caller a confidential client, or a `ResourceServer` over the shared store.";

    // Registration
    /// The body is not one JSON object with distinct members.
    RegistrationMalformed => InvalidClientMetadata, 400, "The body must be one JSON object with distinct members.",
        "Have the client send one JSON object that names each member once.";
    /// A member of the metadata is not acceptable.
    MetadataInvalid => InvalidClientMetadata, 400, "The client metadata is not acceptable.",
        "Read the description that the client got: it says which member is wrong.";
    /// A redirect URI is missing or not acceptable.
    RedirectUriInvalid => InvalidRedirectUri, 400, "A redirect URI is missing or not acceptable.",
        "Read the description that the client got; if such URIs are wanted, change the `RedirectUriPolicy`.";
    /// Software statements are not supported.
    SoftwareStatementUnsupported => InvalidSoftwareStatement, 400, "Software statements are not supported.",
        "Have the client leave the statement out.";
    /// Registration needs an initial access token, and none came.
    InitialTokenMissing => InvalidToken, 401, "An initial access token is required.",
        "Give the developer an initial access token, or open registration.";
    /// The initial access token is not one of the operator's.
    InitialTokenInvalid => InvalidToken, 401, "The initial access token is invalid.",
        "See whether the token was taken off the list; many failures are guesses.";
    /// As many clients are registered as the operator allows.
    RegistrationsExhausted => TemporarilyUnavailable, 503, "No further clients can be registered right now.",
        "Delete clients that nobody uses, or raise `max_clients`; if they came in a flood, guard registration.";
    /// No registration access token came.
    RegistrationTokenMissing => InvalidToken, 401, "A registration access token is required.",
        "Have the client send the `registration_access_token` that it was given.";
    /// The registration access token is not that of this client, or the client is gone.
    RegistrationTokenInvalid => InvalidToken, 401, "The registration access token is invalid.",
        "Nothing, unless a client has lost its token: then it has to register anew.";
    /// A replaced registration names another client, or a member that only the server sets.
    RegistrationMismatch => InvalidClientMetadata, 400, "The registration cannot be replaced by this one.",
        "Have the client send its own `client_id`, and leave out what only the server sets.";
    /// Somebody else changed the registration meanwhile.
    RegistrationConflict => InvalidRequest, 409, "The registration was changed by another request.",
        "Nothing: whoever came second reads the registration and tries again.";

    // Pages of the host
    /// The `CredentialPolicy` does not let this user create or change it.
    CredentialNotAllowed => AccessDenied, 403, "This user may not do that.",
        "Nothing: the policy decided; if it decided wrongly, correct what it knows of the user.";
    /// Too much time has passed since the user proved who they are.
    ReauthenticationRequired => LoginRequired, 403, "The user has to sign in again first.",
        "Nothing: the page asks for the password, and tells when it was given (`with_authenticated_at`).";
    /// A personal access token that could not work, or not be used any more.
    PersonalTokenInvalid => InvalidRequest, 400, "The token cannot be issued like this.",
        "Nothing: the description tells whoever filled in the form what to change.";
    /// The user has no such token.
    PersonalTokenUnknown => InvalidRequest, 404, "There is no such token.",
        "Nothing, unless one page keeps doing it: it names tokens that are not its user's.";
    /// The token has expired or was revoked, and so cannot be reset.
    PersonalTokenEnded => InvalidRequest, 409, "The token has expired or was revoked.",
        "Nothing: the user issues a new one.";

    // Protected resources
    /// A web page of an origin that may not call.
    OriginRefused => AccessDenied, 403, "Web pages of this origin may not call.",
        "Nothing, if it is somebody else's page; else name its origin in `ResourceServer::with_origins`.";
    /// No bearer token came.
    AccessTokenMissing => InvalidToken, 401, "An access token is required.",
        "Nothing: this is how a client without a token finds out where to get one.";
    /// The `Authorization` header cannot be read, or came twice.
    AccessTokenMalformed => InvalidRequest, 400, "The Authorization header is malformed.",
        "Have the client send `Bearer`, a space and the token; if many are hit, look for a proxy that rewrites.";
    /// No such access token: never issued, purged, revoked, or damaged.
    AccessTokenUnknown => InvalidToken, 401, "The access token is invalid or has expired.",
        "Nothing, unless it is frequent: then see that the API reads the same store, with the same prefix.";
    /// The access token's life is over.
    AccessTokenExpired => InvalidToken, 401, "The access token is invalid or has expired.",
        "Nothing: the client refreshes.";
    /// The access token is for another resource.
    AudienceMismatch => InvalidToken, 401, "The access token is not for this resource.",
        "Have the app ask for this API by `resource`; see that the API checks for the URI that is declared.";
    /// The token is confined to another tenant than the one that was called for.
    TenantMismatch => AccessDenied, 403, "The access token is confined to another tenant.",
        "Nothing, unless one client keeps doing it: its user chose another workspace than the one it asks about.";
    /// The access token's scope does not suffice.
    ScopeInsufficient => InsufficientScope, 403, "The access token does not have the required scope.",
        "Nothing, unless users complain: then have the app ask for the scope that the challenge names.";

    // The server's own trouble
    /// A store cannot answer now; trying again later can help.
    StoreUnavailable => TemporarilyUnavailable, 503, "The server cannot answer right now. Try again later.",
        "Look at the store and the way to it; the cause is in the log, and clients try again by themselves.";
    /// A store failed, and trying again will not help.
    StoreFailed => ServerError, 500, "The server failed.",
        "Read the cause in the log: a missing migration, a full disk, a row that nobody can read.";
    /// The client is to get a signed access token, but there are no keys, or the token would never expire, or its user is called
    /// like the client and could not be told from it.
    AccessTokenUnsignable => ServerError, 500, "The server failed.",
        "Give the server `access_token_keys`, and the client a lifetime of access tokens, or the format `Opaque`; let no user \
         have the identifier of a client.";
}
