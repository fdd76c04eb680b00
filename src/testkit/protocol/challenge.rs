//! Challenges: what a refusal says about how to authenticate (RFC 9110 §11.6.1).

use http::header::WWW_AUTHENTICATE;

use super::{Failure, Reply};

/// One challenge of a `WWW-Authenticate` header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Challenge {
    /// The scheme, as it is spelt.
    pub(crate) scheme: String,
    /// The parameters, in order.
    pub(crate) parameters: Vec<ChallengeParameter>,
}

/// A parameter of a [`Challenge`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ChallengeParameter {
    /// Its name, as it is spelt.
    pub(crate) name: String,
    /// Its value, without quotes.
    pub(crate) value: String,
    /// Whether the value was in quotes.
    pub(crate) quoted: bool,
}

impl Challenge {
    /// Whether it is of this scheme; schemes have no case.
    #[must_use]
    pub(crate) fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The value of a parameter; its name has no case.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let own = self.parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name));
        own.map(|parameter| parameter.value.as_str())
    }
}

impl Reply {
    /// Every challenge, in order, from all headers.
    ///
    /// # Errors
    ///
    /// [`Failure`] if a header keeps not to the grammar.
    pub(crate) fn challenges(&self) -> Result<Vec<Challenge>, Failure> {
        let mut challenges = Vec::new();
        for header in self.headers().get_all(WWW_AUTHENTICATE) {
            let text = header.to_str().map_err(|_| Failure::new(format!("the challenge {header:?} is not ASCII")))?;
            parse(text, &mut challenges).ok_or_else(|| Failure::new(format!("the challenge {text:?} is malformed")))?;
        }
        Ok(challenges)
    }

    /// A refused call of the API: this status, and a `Bearer` challenge with this error code, or without any.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_bearer(&self, status: u16, error: Option<&str>) -> Result<Challenge, Failure> {
        self.expect_status(status)?;
        let bearer = self.challenges()?.into_iter().find(|challenge| challenge.is("Bearer"));
        let bearer = bearer.ok_or_else(|| Failure::new(format!("a {status} without a Bearer challenge")))?;
        ensure!(bearer.get("error") == error, "the challenge says {:?}, not {error:?}", bearer.get("error"));
        Ok(bearer)
    }
}

/// Reads the challenges of one header; `None` if it is malformed.
fn parse(mut rest: &str, challenges: &mut Vec<Challenge>) -> Option<()> {
    let before = challenges.len();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return (challenges.len() > before).then_some(());
        }
        let (name, behind) = token(rest)?;
        match behind.trim_start_matches([' ', '\t']).strip_prefix('=') {
            Some(value) => {
                let (parameter, behind) = parameter(name, value.trim_start_matches([' ', '\t']))?;
                challenges.get_mut(before..)?.last_mut()?.parameters.push(parameter);
                rest = behind;
            }
            None => {
                challenges.push(Challenge { scheme: name.to_owned(), parameters: Vec::new() });
                rest = behind;
            }
        }
    }
}

fn parameter<'a>(name: &str, value: &'a str) -> Option<(ChallengeParameter, &'a str)> {
    let parameter = |value: &str, quoted| ChallengeParameter { name: name.to_owned(), value: value.to_owned(), quoted };
    let Some(quoted) = value.strip_prefix('"') else {
        let (value, behind) = token(value)?;
        return Some((parameter(value, false), behind));
    };
    let mut text = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((parameter(&text, true), quoted.get(at + 1..)?)),
            '\\' => text.push(characters.next()?.1),
            _ => text.push(character),
        }
    }
    None
}

fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |character: char| character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character);
    let end = text.find(|character| !is_token(character)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<Vec<(String, Vec<String>)>> {
        let mut challenges = Vec::new();
        parse(header, &mut challenges)?;
        let shown =
            |own: &ChallengeParameter| format!("{}={}{}", own.name, own.value, if own.quoted { "" } else { "?" });
        Some(challenges.iter().map(|own| (own.scheme.clone(), own.parameters.iter().map(shown).collect())).collect())
    }

    #[test]
    fn several_challenges_may_share_a_header() {
        let expected = |scheme: &str, parameters: &[&str]| {
            (scheme.to_owned(), parameters.iter().map(|&parameter| parameter.to_owned()).collect::<Vec<_>>())
        };
        let header = r#"Bearer realm="a, b=\"c\"",scope = "x y" , error=invalid_token, Basic realm="d", Negotiate"#;
        let all = [
            expected("Bearer", &[r#"realm=a, b="c""#, "scope=x y", "error=invalid_token?"]),
            expected("Basic", &["realm=d"]),
            expected("Negotiate", &[]),
        ];
        assert_eq!(read(header).unwrap(), all);
    }

    #[test]
    fn what_keeps_not_to_the_grammar_is_malformed() {
        for header in ["", " , ", r#"realm="x""#, r#"Bearer realm="x"#, "Bearer realm=", r#"Bearer "x""#, "Bearer a=é"]
        {
            assert_eq!(read(header), None, "{header}");
        }
    }
}
