//! The scopes as the operator declares them, and what of it contradicts itself.

use super::{ConfigurationError, OFFLINE_ACCESS, ScopeCatalog};
use crate::language::LanguageTag;
use crate::policy::UnknownScope;
use crate::scope::Scope;

/// What was declared so far, unchecked.
#[derive(Debug, Default)]
pub(crate) struct ScopeDeclarations {
    /// Each token with its description.
    pub(crate) tokens: Vec<(String, String)>,
    /// A language, a token, and its description.
    pub(crate) translations: Vec<(String, String, String)>,
    /// A token, and those that come with it.
    pub(crate) implications: Vec<(String, Vec<String>)>,
    pub(crate) default: Option<Scope>,
    pub(crate) unknown: UnknownScope,
    pub(crate) wildcard: Option<String>,
}

/// A scope token, and what people are told of it.
#[derive(Debug)]
pub(super) struct DeclaredScope {
    pub(super) token: String,
    pub(super) description: String,
    pub(super) languages: Vec<(LanguageTag, String)>,
    /// The tokens that come with it, also by way of others; never itself.
    pub(super) implied: Vec<String>,
}

impl ScopeDeclarations {
    pub(crate) fn catalog(self) -> Result<ScopeCatalog, ConfigurationError> {
        let wildcard = self.wildcard.as_deref();
        for (at, (token, _)) in self.tokens.iter().enumerate() {
            let twice = self.tokens.iter().skip(at + 1).any(|(other, _)| other == token);
            if !is_token(token) || twice || wildcard == Some(token) {
                return Err(ConfigurationError::ScopeToken(token.clone()));
            }
        }
        if let Some(wildcard) = wildcard.filter(|wildcard| !is_token(wildcard) || *wildcard == OFFLINE_ACCESS) {
            return Err(ConfigurationError::ScopeToken(wildcard.to_owned()));
        }
        let names: Vec<&str> = self.tokens.iter().map(|(token, _)| token.as_str()).collect();
        let all = Scope::parse(&names.join(" ")).map_err(|_| ConfigurationError::ScopeToken(names.join(" ")))?;
        let named = self.implications.iter().flat_map(|(token, implied)| [token].into_iter().chain(implied));
        if let Some(token) = named.into_iter().find(|token| !all.contains(token)) {
            return Err(ConfigurationError::UndeclaredScope(token.clone()));
        }
        let mut declared = Vec::new();
        for (token, description) in &self.tokens {
            let implied = self.implied_by(token);
            if implied.contains(token) {
                return Err(ConfigurationError::ScopeCycle(token.clone()));
            }
            let (token, description) = (token.clone(), description.clone());
            declared.push(DeclaredScope { token, description, languages: Vec::new(), implied });
        }
        self.translate(&mut declared)?;
        let catalog =
            ScopeCatalog { declared, all, default: self.default, unknown: self.unknown, wildcard: self.wildcard };
        catalog.default.as_ref().map_or(Ok(()), |default| catalog.check_limit(default))?;
        Ok(catalog)
    }

    /// All that comes with `token`, each once; itself too if the declarations go round in a circle.
    fn implied_by(&self, token: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut at = Some(token.to_owned());
        let mut looked_at = 0;
        while let Some(token) = at {
            for implied in self.implications.iter().filter(|(own, _)| *own == token).flat_map(|(_, implied)| implied) {
                if !found.contains(implied) {
                    found.push(implied.clone());
                }
            }
            at = found.get(looked_at).cloned();
            looked_at += 1;
        }
        found
    }

    fn translate(&self, declared: &mut [DeclaredScope]) -> Result<(), ConfigurationError> {
        for (language, token, description) in &self.translations {
            let language =
                LanguageTag::parse(language).ok_or_else(|| ConfigurationError::Language(language.clone()))?;
            let scope = declared.iter_mut().find(|scope| scope.token == *token);
            let scope = scope.ok_or_else(|| ConfigurationError::UndeclaredScope(token.clone()))?;
            if scope.languages.iter().any(|(known, _)| known.is(language.as_str())) {
                return Err(ConfigurationError::ScopeToken(token.clone()));
            }
            scope.languages.push((language, description.clone()));
        }
        Ok(())
    }
}

fn is_token(text: &str) -> bool {
    Scope::parse(text).is_ok_and(|scope| scope.as_str() == text && scope.tokens().count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(tokens: &[&str]) -> ScopeDeclarations {
        let tokens = tokens.iter().map(|token| ((*token).to_owned(), String::new())).collect();
        ScopeDeclarations { tokens, ..ScopeDeclarations::default() }
    }

    fn implying(pairs: &[(&str, &[&str])]) -> Result<ScopeCatalog, ConfigurationError> {
        let owned = |implied: &[&str]| implied.iter().map(|token| (*token).to_owned()).collect();
        let implications = pairs.iter().map(|(token, implied)| ((*token).to_owned(), owned(implied))).collect();
        ScopeDeclarations { implications, ..declared(&["a", "b", "c", "d"]) }.catalog()
    }

    #[test]
    fn what_a_token_implies_is_found_by_way_of_others() {
        let catalog = implying(&[("a", &["b"]), ("b", &["c", "d"]), ("a", &["d"])]).unwrap();
        let implied = |text: &str| catalog.with_implied(text.parse().unwrap()).to_string();
        assert_eq!(implied("a"), "a b d c");
        assert_eq!(implied("d b"), "d b c");
        assert_eq!(implied("c"), "c");
        assert_eq!(implied(""), "");
    }

    #[test]
    fn a_circle_is_refused_and_a_token_that_two_others_imply_is_not() {
        for circle in [
            &[("a", &["a"][..])][..],
            &[("a", &["b"]), ("b", &["a"])],
            &[("a", &["b"]), ("b", &["c"]), ("c", &["d", "a"])],
            &[("a", &["b"]), ("b", &["b"])],
        ] {
            assert!(matches!(implying(circle), Err(ConfigurationError::ScopeCycle(_))), "{circle:?}");
        }
        assert!(implying(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"])]).is_ok());
    }

    #[test]
    fn what_implies_or_is_implied_is_declared() {
        for pairs in [&[("x", &["a"][..])], &[("a", &["x"])], &[("a", &["b", ""])], &[("a", &["b c"])]] {
            assert!(matches!(implying(pairs), Err(ConfigurationError::UndeclaredScope(_))), "{pairs:?}");
        }
    }

    #[test]
    fn a_wildcard_is_one_token_that_is_not_declared() {
        let with = |wildcard: &str| {
            ScopeDeclarations { wildcard: Some(wildcard.to_owned()), ..declared(&["a"]) }.catalog().err()
        };
        assert_eq!(with("*"), None);
        for wildcard in ["", "a", "* *", "\"", OFFLINE_ACCESS] {
            assert_eq!(with(wildcard), Some(ConfigurationError::ScopeToken(wildcard.to_owned())));
        }
    }

    #[test]
    fn words_in_a_language_are_for_a_declared_token_and_there_once() {
        let with = |translations: &[(&str, &str)]| {
            let translations = translations.iter().map(|(tag, token)| ((*tag).into(), (*token).into(), "x".into()));
            ScopeDeclarations { translations: translations.collect(), ..declared(&["a"]) }.catalog().err()
        };
        assert_eq!(with(&[("de", "a"), ("de-CH", "a")]), None);
        assert_eq!(with(&[("de", "b")]), Some(ConfigurationError::UndeclaredScope("b".to_owned())));
        assert_eq!(with(&[("de_CH", "a")]), Some(ConfigurationError::Language("de_CH".to_owned())));
        assert_eq!(with(&[("de", "a"), ("DE", "a")]), Some(ConfigurationError::ScopeToken("a".to_owned())));
    }
}
