//! What clients and people read of an error, in the operator's own words.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

use super::ConfigurationError;
use crate::error::ErrorReason;
use crate::language::{LanguageTag, Preferences};

/// Replaces what clients are told of an error, and what people read on a page about it, for each [`ErrorReason`] and
/// language.
///
/// A **description** is the `error_description` that a client gets: only the characters of RFC 6749 §5.2, which are
/// those of ASCII that can be printed, without quotes and backslashes. A **text** is what a person reads on an
/// [`ErrorPage`](crate::ErrorPage), in any characters. Each has one that always serves, and others for single
/// languages.
///
/// The language is chosen by `Accept-Language` (RFC 9110 §12.5.4) and looked up by RFC 4647 §3.4; an authorization
/// request may name languages in `ui_locales`, which come first. Where no language fits, what always serves is used,
/// and where there is none, what the crate says; that is English, and chosen before other languages by whoever would
/// rather read it.
///
/// Some reasons must look alike to a client: why a code is dead, or which half of its credentials is wrong, is nobody's
/// business but the operator's. What replaces the words of one of them replaces those of all. A description also takes
/// the place of a more detailed one, which the registration endpoint has for [`ErrorReason::MetadataInvalid`] and
/// [`ErrorReason::RedirectUriInvalid`]: without it a developer has to guess which member is wrong.
///
/// A service whose clients read descriptions by program says so once, with [`with_names`](Self::with_names), and has to
/// name only what it calls otherwise.
///
/// ```
/// use grantor::configuration::Wording;
/// use grantor::error::ErrorReason;
///
/// let wording = Wording::new()
///     .with_description(ErrorReason::CodeExpired, "code_invalid_or_expired")
///     .with_text(ErrorReason::ClientUnknown, "We do not know the app that sent you here.")
///     .with_text_in("de", ErrorReason::ClientUnknown, "Wir kennen die App nicht, die Sie geschickt hat.");
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wording {
    base: Base,
    replacements: Vec<Replacement>,
}

/// What descriptions are where nothing replaces them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Base {
    /// Sentences.
    #[default]
    Sentences,
    /// Names, for programs.
    Names,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Replacement {
    kind: Kind,
    language: Option<String>,
    reason: ErrorReason,
    words: String,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Kind {
    Description,
    Text,
}

impl Wording {
    /// The words of the crate.
    #[must_use]
    pub const fn new() -> Self {
        Self { base: Base::Sentences, replacements: Vec::new() }
    }

    /// Makes every description a stable name in snake case, such as `code_missing` or `code_invalid_or_expired`, where
    /// nothing else replaces it.
    ///
    /// It is [`ErrorReason::name`], unless that would say more than the client may know: reasons that look alike share
    /// one name, and the server's own trouble is not explained.
    #[must_use]
    pub const fn with_names(mut self) -> Self {
        self.base = Base::Names;
        self
    }

    /// Replaces what clients are told, in whatever language.
    #[must_use]
    pub fn with_description(self, reason: ErrorReason, description: &str) -> Self {
        self.with(Kind::Description, None, reason, description)
    }

    /// Replaces what clients are told in a language: a tag of BCP 47, such as `de` or `pt-BR`.
    #[must_use]
    pub fn with_description_in(self, language: &str, reason: ErrorReason, description: &str) -> Self {
        self.with(Kind::Description, Some(language), reason, description)
    }

    /// Replaces what people read, in whatever language.
    #[must_use]
    pub fn with_text(self, reason: ErrorReason, text: &str) -> Self {
        self.with(Kind::Text, None, reason, text)
    }

    /// Replaces what people read in a language: a tag of BCP 47, such as `de` or `pt-BR`.
    #[must_use]
    pub fn with_text_in(self, language: &str, reason: ErrorReason, text: &str) -> Self {
        self.with(Kind::Text, Some(language), reason, text)
    }

    fn with(mut self, kind: Kind, language: Option<&str>, reason: ErrorReason, words: &str) -> Self {
        self.replacements.push(Replacement {
            kind,
            language: language.map(str::to_owned),
            reason,
            words: words.to_owned(),
        });
        self
    }

    /// Reads the replacements; none of them is no catalog.
    pub(crate) fn catalog(&self) -> Result<Option<Arc<WordingCatalog>>, ConfigurationError> {
        let mut catalog = WordingCatalog::default();
        for replacement in &self.replacements {
            catalog.add(replacement)?;
        }
        if self.base == Base::Names {
            catalog.add_names();
        }
        catalog.phrases.values_mut().for_each(Phrase::offer_english);
        Ok((!catalog.phrases.is_empty()).then(|| Arc::new(catalog)))
    }
}

/// The replacements by reason, the same for reasons that look alike.
#[derive(Debug, Default)]
pub(crate) struct WordingCatalog {
    phrases: HashMap<(Kind, ErrorReason), Phrase>,
}

/// The replacements of one reason.
#[derive(Debug, Default)]
struct Phrase {
    always: Option<Said>,
    /// The words for each language; `None` is what the crate says.
    languages: Vec<(LanguageTag, Option<Said>)>,
}

/// Words, and for which reason the operator gave them.
#[derive(Clone, Debug)]
struct Said {
    words: Arc<str>,
    by: ErrorReason,
}

/// The words of one answer; mostly those of the crate, which depend on nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words(Option<Box<Chosen>>);

#[derive(Clone, Debug)]
struct Chosen {
    replacement: Option<Arc<str>>,
    language: Option<LanguageTag>,
    choice: Choice,
}

/// What words depend on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Choice {
    /// On the reason alone.
    Fixed,
    /// On the languages of the request, too.
    ByLanguage,
}

impl Words {
    pub(crate) fn replacement(&self) -> Option<&str> {
        self.0.as_ref()?.replacement.as_deref()
    }

    /// The language of the replacement, if it is for one.
    pub(crate) fn language(&self) -> Option<&LanguageTag> {
        self.0.as_ref()?.language.as_ref()
    }

    pub(crate) fn choice(&self) -> Choice {
        self.0.as_ref().map_or(Choice::Fixed, |chosen| chosen.choice)
    }
}

/// Who reads the answer to an authorization request.
#[derive(Debug)]
pub(crate) struct Readers {
    pub(super) wording: Arc<WordingCatalog>,
    pub(super) ui_locales: String,
    /// The value of `Accept-Language`, as far as the host told it.
    pub(crate) accept_language: String,
}

impl Readers {
    /// What the client is told.
    pub(crate) fn description(&self, reason: ErrorReason) -> Words {
        self.wording.find(Kind::Description, reason, || self.preferences())
    }

    /// What the person reads.
    pub(crate) fn text(&self, reason: ErrorReason) -> Words {
        self.wording.find(Kind::Text, reason, || self.preferences())
    }

    fn preferences(&self) -> Preferences<'_> {
        Preferences::default().and_tags(&self.ui_locales).and_accepted([self.accept_language.as_str()])
    }
}

impl WordingCatalog {
    fn add(&mut self, replacement: &Replacement) -> Result<(), ConfigurationError> {
        let Replacement { kind, language, reason, words } = replacement;
        let allowed = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if words.is_empty() || (*kind == Kind::Description && !words.bytes().all(allowed)) {
            return Err(ConfigurationError::Wording(*reason));
        }
        let tag = language.as_deref().map(|language| {
            LanguageTag::parse(language).ok_or_else(|| ConfigurationError::Language(language.to_owned()))
        });
        let tag = tag.transpose()?;
        let said = Said { words: words.as_str().into(), by: *reason };
        for alike in ErrorReason::ALL.iter().filter(|other| other.looks_like(*reason)) {
            let phrase = self.phrases.entry((*kind, *alike)).or_default();
            if let Some(other) = phrase.insert(tag.clone(), said.clone()).filter(|other| other.words != said.words) {
                return Err(ConfigurationError::WordingDiffers(other.by, *reason));
            }
        }
        Ok(())
    }

    /// Names every reason that has no description of its own.
    fn add_names(&mut self) {
        for reason in ErrorReason::ALL {
            let phrase = self.phrases.entry((Kind::Description, *reason)).or_default();
            phrase.always.get_or_insert_with(|| Said { words: reason.public_name().into(), by: *reason });
        }
    }

    /// What the sender of a request is told.
    pub(crate) fn description(&self, reason: ErrorReason, headers: &HeaderMap) -> Words {
        self.find(Kind::Description, reason, || {
            let values = headers.get_all(ACCEPT_LANGUAGE).iter();
            Preferences::default().and_accepted(values.filter_map(|value| value.to_str().ok()))
        })
    }

    /// The preferences are asked for only if there is a choice.
    fn find<'a>(&self, kind: Kind, reason: ErrorReason, preferences: impl FnOnce() -> Preferences<'a>) -> Words {
        let Some(phrase) = self.phrases.get(&(kind, reason)) else { return Words::default() };
        let (choice, found) = if phrase.languages.is_empty() {
            (Choice::Fixed, None)
        } else {
            let at = preferences().look_up(&phrase.languages, |(tag, _)| tag);
            (Choice::ByLanguage, at.and_then(|at| phrase.languages.get(at)))
        };
        let said = found.map_or(phrase.always.as_ref(), |(_, said)| said.as_ref());
        Words(Some(Box::new(Chosen {
            replacement: said.map(|said| Arc::clone(&said.words)),
            language: found.map(|(tag, _)| tag.clone()),
            choice,
        })))
    }
}

impl Phrase {
    /// Returns what was there before.
    fn insert(&mut self, tag: Option<LanguageTag>, said: Said) -> Option<Said> {
        let Some(tag) = tag else { return self.always.replace(said) };
        match self.languages.iter_mut().find(|(own, _)| own.is(tag.as_str())) {
            Some((_, own)) => own.replace(said),
            None => {
                self.languages.push((tag, Some(said)));
                None
            }
        }
    }

    /// Where nothing always serves, the crate's words do, and they are English: who reads that first gets no other
    /// language.
    fn offer_english(&mut self) {
        let known = self.languages.iter().any(|(own, _)| own.is("en"));
        if !known && self.always.is_none() {
            self.languages.extend(LanguageTag::parse("en").map(|english| (english, None)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_any_reason_are_the_same_for_whatever_looks_like_it() {
        for reason in ErrorReason::ALL {
            let wording = Wording::new().with_description(*reason, "x").with_text_in("de", *reason, "y");
            let catalog = wording.catalog().unwrap().unwrap();
            for other in ErrorReason::ALL {
                let words = catalog.description(*other, &HeaderMap::new());
                assert_eq!(words.replacement().is_some(), other.looks_like(*reason), "{reason:?} {other:?}");
                let german = || Preferences::default().and_tags("de");
                let words = catalog.find(Kind::Text, *other, german);
                assert_eq!(words.language().is_some(), other.looks_like(*reason), "{reason:?} {other:?}");
            }
        }
    }

    fn told(wording: &Wording, reason: ErrorReason) -> String {
        let words = wording.catalog().unwrap().unwrap().description(reason, &HeaderMap::new());
        words.replacement().unwrap().to_owned()
    }

    #[test]
    fn names_are_the_same_for_exactly_what_looks_alike() {
        let wording = Wording::new().with_names();
        for reason in ErrorReason::ALL {
            for other in ErrorReason::ALL {
                let same = told(&wording, *reason) == told(&wording, *other);
                assert_eq!(same, reason.looks_like(*other), "{reason:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_name_can_be_replaced_for_all_that_look_alike() {
        let wording = Wording::new().with_description(ErrorReason::CodeForeign, "bad_code").with_names();
        assert_eq!(told(&wording, ErrorReason::CodeExpired), "bad_code");
        assert_eq!(told(&wording, ErrorReason::CodeMissing), "code_missing");
        assert_eq!(wording, Wording::new().with_names().with_description(ErrorReason::CodeForeign, "bad_code"));
    }

    #[test]
    fn names_are_no_texts_for_people_and_of_no_language() {
        let wording = Wording::new().with_names().with_description_in("de", ErrorReason::CodeMissing, "Kein Code.");
        let catalog = wording.catalog().unwrap().unwrap();
        let english = || Preferences::default().and_tags("en");
        assert_eq!(catalog.find(Kind::Text, ErrorReason::CodeMissing, english).replacement(), None);
        let words = catalog.find(Kind::Description, ErrorReason::CodeMissing, english);
        assert_eq!((words.replacement(), words.language()), (Some("code_missing"), None));
        let german = || Preferences::default().and_tags("de");
        let words = catalog.find(Kind::Description, ErrorReason::CodeMissing, german);
        assert_eq!(words.replacement(), Some("Kein Code."));
    }

    #[test]
    fn languages_are_not_looked_at_where_there_is_no_choice() {
        let wording = Wording::new().with_description(ErrorReason::CodeMissing, "x");
        let catalog = wording.catalog().unwrap().unwrap();
        for reason in [ErrorReason::CodeMissing, ErrorReason::ScopeMissing] {
            let words = catalog.find(Kind::Description, reason, || panic!("there is no choice"));
            assert_eq!(words.choice(), Choice::Fixed);
        }
        assert!(Wording::new().catalog().unwrap().is_none());
    }
}
