//! Scope: what a client may do (RFC 6749 §3.3).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The most scope tokens that one scope may hold.
pub const MAX_TOKENS: usize = 100;
/// The longest scope that is accepted, in bytes.
pub const MAX_LENGTH: usize = 4_096;

/// A set of scope tokens, in the order in which they were first named.
///
/// Tokens are case-sensitive and made of the characters `%x21`, `%x23-5B` and `%x5D-7E`; at most
/// [`MAX_TOKENS`] tokens and [`MAX_LENGTH`] bytes. Repeated tokens and superfluous spaces are dropped. A scope may
/// be empty: a token with an empty scope says who called, and allows nothing that needs a scope.
///
/// Cloning shares the text.
///
/// ```
/// use grantor::Scope;
///
/// let granted: Scope = "links:read links:write".parse()?;
/// assert!(granted.contains("links:read"));
/// assert!(granted.contains_all(&"links:write".parse()?));
/// assert!(!granted.contains_all(&"stats:read".parse()?));
/// # Ok::<(), grantor::scope::InvalidScope>(())
/// ```
#[derive(Clone, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Arc<str>);

/// The text is not a scope: a character outside the grammar, too many tokens, or too long.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a scope is at most 100 tokens of %x21, %x23-5B and %x5D-7E, separated by spaces")]
pub struct InvalidScope;

impl Scope {
    /// The scope that allows nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::from(""))
    }

    /// Reads a space-separated list of scope tokens.
    ///
    /// # Errors
    ///
    /// [`InvalidScope`] if a character is outside the grammar of RFC 6749 §3.3, or a bound is passed.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        let allowed = |byte: u8| matches!(byte, b' ' | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if text.len() > MAX_LENGTH || !text.bytes().all(allowed) {
            return Err(InvalidScope);
        }
        if text.split(' ').filter(|token| !token.is_empty()).nth(MAX_TOKENS).is_some() {
            return Err(InvalidScope);
        }
        let mut tokens = text.split(' ').enumerate();
        let canonical =
            tokens.all(|(at, token)| !token.is_empty() && text.split(' ').take(at).all(|seen| seen != token));
        Ok(if canonical { Self(text.into()) } else { Self::collect(text.len(), text.split(' ')) })
    }

    /// The scope of some tokens that are known to keep to the grammar.
    pub(crate) fn of<'a>(tokens: impl Iterator<Item = &'a str>) -> Self {
        Self::collect(0, tokens)
    }

    fn collect<'a>(length: usize, tokens: impl Iterator<Item = &'a str>) -> Self {
        let mut text = String::with_capacity(length);
        for token in tokens {
            if !token.is_empty() && !text.split(' ').any(|seen| seen == token) {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(token);
            }
        }
        Self(text.into())
    }

    /// The tokens, in order.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|token| !token.is_empty())
    }

    /// Whether there is no token at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `token` is one of the tokens.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.tokens().any(|own| own == token)
    }

    /// Whether every token of `other` is one of the tokens.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || other.tokens().all(|token| self.contains(token))
    }

    /// The tokens that `other` has too, in this scope's order.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if other.contains_all(self) {
            return self.clone();
        }
        Self::collect(self.0.len(), self.tokens().filter(|token| other.contains(token)))
    }

    /// The tokens, then those that only `other` has.
    ///
    /// # Errors
    ///
    /// [`InvalidScope`] if both together are more than one scope may hold.
    pub fn union(&self, other: &Self) -> Result<Self, InvalidScope> {
        let more = other.tokens().filter(|token| !self.contains(token));
        let all: Vec<&str> = self.tokens().chain(more).collect();
        Self::parse(&all.join(" "))
    }

    /// The tokens except those equal to `token`.
    #[must_use]
    pub fn without(&self, token: &str) -> Self {
        if !self.contains(token) {
            return self.clone();
        }
        Self::collect(self.0.len(), self.tokens().filter(|own| *own != token))
    }

    /// The space-separated list.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({:?})", &*self.0)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, InvalidScope> {
        Self::parse(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn superfluous_spaces_and_repeated_tokens_are_dropped() {
        assert_eq!(Scope::parse("  read  write read ").unwrap().as_str(), "read write");
    }

    #[test]
    fn characters_outside_the_grammar_are_refused() {
        for text in ["re\"ad", "re\\ad", "réad", "read\twrite", "read\nwrite", "a\u{7f}"] {
            assert_eq!(Scope::parse(text), Err(InvalidScope), "{text:?}");
        }
    }

    #[test]
    fn ten_thousand_tokens_are_refused() {
        let text: String = (0..10_000).map(|n| format!("t{n} ")).collect();
        assert_eq!(Scope::parse(&text), Err(InvalidScope));
    }

    #[test]
    fn tokens_are_case_sensitive() {
        assert!(!Scope::parse("read").unwrap().contains("READ"));
    }

    #[test]
    fn an_intersection_keeps_this_scopes_order() {
        let one = Scope::parse("a b c").unwrap();
        assert_eq!(one.intersection(&Scope::parse("c a").unwrap()).as_str(), "a c");
        assert!(one.intersection(&Scope::empty()).is_empty());
    }

    #[test]
    fn a_union_has_each_token_once_and_no_more_than_a_scope_may() {
        let scope = |text| Scope::parse(text).unwrap();
        assert_eq!(scope("a b").union(&scope("c b")).unwrap().as_str(), "a b c");
        assert_eq!(scope("a b").union(&Scope::empty()).unwrap().as_str(), "a b");
        assert_eq!(Scope::empty().union(&scope("a")).unwrap().as_str(), "a");
        let many: String = (0..MAX_TOKENS).map(|n| format!("t{n} ")).collect();
        assert_eq!(scope(&many).union(&scope("t0")), Ok(scope(&many)));
        assert_eq!(scope(&many).union(&scope("one-more")), Err(InvalidScope));
        // What both have counts once.
        let (first, last): (Vec<_>, Vec<_>) =
            (0..MAX_TOKENS).map(|n| format!("t{n}")).partition(|token| token.len() < 3);
        let (begin, end) = ([&first[..], &last[..2]].concat().join(" "), [&first[1..], &last[..]].concat().join(" "));
        assert_eq!(scope(&begin).union(&scope(&end)), Ok(scope(&[&first[..], &last[..]].concat().join(" "))));
    }
}
