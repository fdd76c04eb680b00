//! Requests to the endpoints that clients call directly.

use std::borrow::Cow;
use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::header;
use super::params::{Parameter, Params};
use crate::client::{ClientCredentials, GrantType, Proof};
use crate::configuration::TokenRequestBodies;
use crate::error::ErrorReason;
use crate::rate_limit::Peer;

const FORM: &[u8] = b"application/x-www-form-urlencoded";
const JSON: &[u8] = b"application/json";

/// What a client posted to the token, revocation or introspection endpoint: a form, or JSON if the server reads it
/// ([`TokenRequestBodies`]).
///
/// Its URL is not part of it: credentials and grants in a query are not honoured (OAuth 2.1 §2.4.1). Not printed by
/// `Debug`.
#[derive(Clone, Copy)]
pub struct ClientRequest<'a> {
    headers: &'a HeaderMap,
    body: &'a [u8],
    peer: Option<Peer>,
}

/// A form, or what came in its place, that was read.
pub(crate) struct ClientForm<'a> {
    params: Params<'a>,
    authorization: Option<&'a [u8]>,
}

impl fmt::Debug for ClientRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientRequest(..)")
    }
}

impl<'a> ClientRequest<'a> {
    /// Takes headers and body as they came; bound the size of the body before, as
    /// [`AuthorizationServer::handle`](crate::AuthorizationServer::handle) does.
    #[must_use]
    pub const fn new(headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self { headers, body, peer: None }
    }

    /// Says where the request comes from, for the rate limiter.
    #[must_use]
    pub const fn with_peer(mut self, peer: Peer) -> Self {
        self.peer = Some(peer);
        self
    }

    pub(crate) const fn peer(&self) -> Option<Peer> {
        self.peer
    }

    pub(crate) const fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    pub(crate) fn read(self, bodies: TokenRequestBodies) -> Result<ClientForm<'a>, ErrorReason> {
        let parse = match media_type(self.headers)? {
            essence if essence.eq_ignore_ascii_case(FORM) => Params::parse,
            essence if bodies == TokenRequestBodies::FormOrJson && essence.eq_ignore_ascii_case(JSON) => {
                Params::parse_json
            }
            _ => return Err(ErrorReason::ContentTypeUnsupported),
        };
        let authorization = header::authorization(self.headers, ErrorReason::AuthorizationRepeated)?;
        let body = std::str::from_utf8(self.body).map_err(|_| ErrorReason::RequestMalformed)?;
        let params = parse(body)?;
        if params.repeats_any() {
            Err(ErrorReason::ParameterRepeated)
        } else {
            Ok(ClientForm { params, authorization })
        }
    }
}

impl<'a> ClientForm<'a> {
    /// Who the client says it is, and how it proves it; exactly one way of authenticating is allowed (RFC 6749 §2.3).
    pub(crate) fn credentials(&mut self) -> Result<ClientCredentials<'a>, ErrorReason> {
        let id = self.params.take(Parameter::ClientId);
        let secret = self.params.take(Parameter::ClientSecret);
        let assertion = self.params.get(Parameter::ClientAssertion).is_some();
        let basic = self.authorization.and_then(header::basic).transpose()?;

        match (basic, secret, assertion) {
            (Some(_), Some(_), _) | (Some(_), _, true) | (_, Some(_), true) => {
                Err(ErrorReason::ClientAuthenticationAmbiguous)
            }
            (Some(basic), None, false) if id.as_ref().is_some_and(|id| *id != basic.id) => {
                Err(ErrorReason::ClientIdMismatch)
            }
            (Some(basic), None, false) => Ok(basic),
            (None, _, true) => Err(ErrorReason::ClientAuthenticationFailed),
            (None, secret, false) => {
                let id = id.ok_or(ErrorReason::ClientAuthenticationMissing)?;
                Ok(ClientCredentials { id, proof: secret.map_or(Proof::None, Proof::Post) })
            }
        }
    }

    pub(crate) fn get(&self, parameter: Parameter) -> Option<&str> {
        self.params.get(parameter)
    }

    pub(crate) fn resources(&self) -> &[Cow<'a, str>] {
        self.params.resources()
    }
}

/// What a token request brings along with a code.
pub(crate) struct Presented<'a> {
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) verifier: Option<&'a str>,
}

/// What a token request asks for, by its grant type. Parameters of other grants are ignored.
pub(crate) enum TokenRequest<'a> {
    AuthorizationCode { code: Option<&'a str>, presented: Presented<'a> },
    RefreshToken { token: Option<&'a str>, scope: Option<&'a str> },
    ClientCredentials { scope: Option<&'a str> },
}

impl<'a> TokenRequest<'a> {
    pub(crate) fn read(request: &'a ClientForm<'_>) -> Result<Self, ErrorReason> {
        match request.get(Parameter::GrantType).ok_or(ErrorReason::GrantTypeMissing)? {
            "authorization_code" => Ok(Self::AuthorizationCode {
                code: request.get(Parameter::Code),
                presented: Presented {
                    redirect_uri: request.get(Parameter::RedirectUri),
                    verifier: request.get(Parameter::CodeVerifier),
                },
            }),
            "refresh_token" => Ok(Self::RefreshToken {
                token: request.get(Parameter::RefreshToken),
                scope: request.get(Parameter::Scope),
            }),
            "client_credentials" => Ok(Self::ClientCredentials { scope: request.get(Parameter::Scope) }),
            _ => Err(ErrorReason::GrantTypeUnsupported),
        }
    }

    pub(crate) const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
        }
    }
}

/// Refuses a body that is not JSON.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), ErrorReason> {
    if media_type(headers)?.eq_ignore_ascii_case(JSON) { Ok(()) } else { Err(ErrorReason::ContentTypeUnsupported) }
}

/// The media type of a body; its parameters do not matter, nor does letter case (RFC 9110 §8.3.1).
fn media_type(headers: &HeaderMap) -> Result<&[u8], ErrorReason> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(ErrorReason::ContentTypeUnsupported) };
    Ok(value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii())
}
