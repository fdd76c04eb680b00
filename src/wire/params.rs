//! Parameters: `application/x-www-form-urlencoded`, read strictly (RFC 6749 appendix B).

mod json;

use std::borrow::Cow;

use crate::error::ErrorReason;

/// The most parameters that one request may have.
pub(crate) const MAX_COUNT: usize = 200;

macro_rules! parameters {
    ($($parameter:ident => $name:literal,)*) => {
        /// The parameters that have a meaning here.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum Parameter {
            $($parameter,)*
        }

        impl Parameter {
            const COUNT: usize = [$(Self::$parameter,)*].len();

            fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$parameter),)*
                    _ => None,
                }
            }
        }
    };
}

parameters! {
    ClientAssertion => "client_assertion",
    ClientId => "client_id",
    ClientSecret => "client_secret",
    Code => "code",
    CodeChallenge => "code_challenge",
    CodeChallengeMethod => "code_challenge_method",
    CodeVerifier => "code_verifier",
    GrantType => "grant_type",
    Prompt => "prompt",
    RedirectUri => "redirect_uri",
    RefreshToken => "refresh_token",
    Registration => "registration",
    Request => "request",
    RequestUri => "request_uri",
    Resource => "resource",
    ResponseMode => "response_mode",
    ResponseType => "response_type",
    Scope => "scope",
    State => "state",
    Token => "token",
    TokenTypeHint => "token_type_hint",
}

/// The decoded parameters of one request.
///
/// A parameter without a value counts as not sent, unknown ones are kept for the host, and what occurs twice is noted
/// (RFC 6749 §3.1, §3.2). Only `resource` may be repeated (RFC 8707 §2).
#[derive(Default)]
pub(crate) struct Params<'a> {
    values: [Option<Cow<'a, str>>; Parameter::COUNT],
    repeated: u32,
    resources: Vec<Cow<'a, str>>,
    unknown: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Params<'a> {
    /// Reads a query or a form.
    ///
    /// Ill-formed escapes, bytes that are not UTF-8 and NUL are refused, not replaced: what is checked is what was
    /// sent.
    pub(crate) fn parse(text: &'a str) -> Result<Self, ErrorReason> {
        let mut params = Self::default();
        let mut seen = 0_u32;
        for (count, pair) in text.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            if count == MAX_COUNT {
                return Err(ErrorReason::RequestMalformed);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or(ErrorReason::RequestMalformed)?;
            let value = decode(value).ok_or(ErrorReason::RequestMalformed)?;
            let Some(parameter) = Parameter::parse(&name) else {
                params.unknown.push((name, value));
                continue;
            };
            if parameter == Parameter::Resource {
                if !value.is_empty() {
                    params.resources.push(value);
                }
                continue;
            }
            let bit = 1 << parameter as u32;
            params.repeated |= seen & bit;
            seen |= bit;
            if !value.is_empty()
                && let Some(slot) = params.values.get_mut(parameter as usize)
            {
                *slot = Some(value);
            }
        }
        Ok(params)
    }

    pub(crate) fn get(&self, parameter: Parameter) -> Option<&str> {
        self.values.get(parameter as usize)?.as_deref()
    }

    pub(crate) fn take(&mut self, parameter: Parameter) -> Option<Cow<'a, str>> {
        self.values.get_mut(parameter as usize)?.take()
    }

    /// Whether this parameter occurs more than once.
    pub(crate) const fn repeats(&self, parameter: Parameter) -> bool {
        self.repeated & (1 << parameter as u32) != 0
    }

    /// Whether any parameter that has a meaning occurs more than once.
    pub(crate) const fn repeats_any(&self) -> bool {
        self.repeated != 0
    }

    pub(crate) fn resources(&self) -> &[Cow<'a, str>] {
        &self.resources
    }

    /// A parameter that has no meaning in OAuth.
    pub(crate) fn unknown(&self, name: &str) -> Option<&str> {
        self.unknown.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
    }

    /// Whether a parameter that has no meaning in OAuth occurs more than once.
    pub(crate) fn repeats_unknown(&self, name: &str) -> bool {
        self.unknown.iter().filter(|(own, _)| own == name).nth(1).is_some()
    }

    pub(crate) fn take_unknown(&mut self) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        std::mem::take(&mut self.unknown)
    }
}

/// Decodes one name or value: `+` is a space, `%XX` a byte, and the bytes are UTF-8.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+' | 0)) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            byte => byte,
        });
    }
    if bytes.contains(&0) {
        return None;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::RESERVED;

    #[test]
    fn no_parameter_that_has_a_meaning_can_be_declared_as_one_of_the_services_own() {
        assert_eq!(RESERVED.iter().filter(|name| Parameter::parse(name).is_some()).count(), Parameter::COUNT);
    }

    #[test]
    fn the_vector_of_rfc_6749_appendix_b_decodes() {
        assert_eq!(decode("+%25%26%2B%C2%A3%E2%82%AC").unwrap(), " %&+£€");
    }

    #[test]
    fn ill_formed_escapes_and_bytes_are_refused() {
        for text in ["client_id=%ZZ", "redirect_uri=%FF%FE", "state=%", "state=%4", "state=%00", "%FF=1", "state=a\0b"]
        {
            assert!(Params::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_empty_parameter_counts_as_not_sent() {
        let params = Params::parse("scope=&state&code=x").unwrap();
        assert_eq!((params.get(Parameter::Scope), params.get(Parameter::State)), (None, None));
        assert_eq!(params.get(Parameter::Code), Some("x"));
    }

    #[test]
    fn repetition_is_noted_for_known_parameters_only() {
        let params = Params::parse("foo=1&foo=2&resource=a&resource=b&redirect_uri[]=x").unwrap();
        assert!(!params.repeats_any());
        assert_eq!(params.resources().len(), 2);
        let params = Params::parse("state=a&scope=x&state=a").unwrap();
        assert!(params.repeats(Parameter::State) && !params.repeats(Parameter::Scope));
    }

    #[test]
    fn names_are_case_sensitive() {
        assert_eq!(Params::parse("Grant_Type=x").unwrap().get(Parameter::GrantType), None);
    }

    #[test]
    fn too_many_parameters_are_refused() {
        assert!(Params::parse(&"a=1&".repeat(200)).is_ok());
        assert!(Params::parse(&"a=1&".repeat(201)).is_err());
    }
}
