//! Which language somebody reads: tags and ranges of BCP 47, weighed by RFC 9110 §12.5.4, looked up by RFC 4647 §3.4.

use std::fmt;
use std::sync::Arc;

/// How many languages of one request are looked at.
const MAX_RANGES: usize = 32;

/// A language tag, such as `de` or `pt-BR`; letter case does not matter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LanguageTag(Arc<str>);

impl LanguageTag {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        is_range(text).then(|| Self(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is(&self, range: &str) -> bool {
        self.0.eq_ignore_ascii_case(range)
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 4647 §2.1: letters first, then subtags of letters and digits, each of at most eight.
fn is_range(text: &str) -> bool {
    let plain =
        |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let primary = text.split('-').next().unwrap_or_default();
    primary.bytes().all(|byte| byte.is_ascii_alphabetic()) && text.split('-').all(plain)
}

/// The languages that somebody reads, best first, and those that are not acceptable.
#[derive(Debug, Default)]
pub(crate) struct Preferences<'a> {
    wanted: Vec<&'a str>,
    refused: Vec<&'a str>,
}

impl<'a> Preferences<'a> {
    /// Adds the languages of a list that is separated by spaces and ordered by preference (`ui_locales`).
    pub(crate) fn and_tags(mut self, list: &'a str) -> Self {
        self.wanted.extend(list.split(' ').filter(|tag| is_range(tag)).take(MAX_RANGES));
        self
    }

    /// Adds the languages of the values of `Accept-Language`, after those that are there. What cannot be read is left
    /// out.
    pub(crate) fn and_accepted(mut self, values: impl IntoIterator<Item = &'a str>) -> Self {
        let ranges = values.into_iter().flat_map(|value| value.split(',')).filter_map(weighed);
        let mut ranges: Vec<_> = ranges.take(MAX_RANGES).collect();
        ranges.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        for (range, weight) in ranges {
            if weight == 0 { self.refused.push(range) } else { self.wanted.push(range) }
        }
        self
    }

    /// The best of some tags: for each range in turn the tag that it is, or that it is a variety of (RFC 4647 §3.4).
    pub(crate) fn look_up<T>(&self, available: &[T], tag: impl Fn(&T) -> &LanguageTag) -> Option<usize> {
        self.wanted.iter().find_map(|range| {
            let mut range = *range;
            loop {
                let found = available.iter().position(|candidate| tag(candidate).is(range));
                let refused = self.refused.iter().any(|refused| refused.eq_ignore_ascii_case(range));
                match found.filter(|_| !refused) {
                    None => range = shorter(range)?,
                    found => return found,
                }
            }
        })
    }
}

/// The range without its last subtag, and without a singleton that would then be the last.
fn shorter(range: &str) -> Option<&str> {
    let (rest, _) = range.rsplit_once('-')?;
    match rest.rsplit_once('-') {
        Some((before, singleton)) if singleton.len() == 1 => Some(before),
        _ => Some(rest),
    }
}

/// One range of `Accept-Language` with its weight in thousandths; `*` stands for no language in particular, and is left
/// out.
fn weighed(item: &str) -> Option<(&str, u16)> {
    let (range, parameters) = item.split_once(';').unwrap_or((item, "q=1"));
    let range = range.trim_matches([' ', '\t']);
    let (name, value) = parameters.trim_matches([' ', '\t']).split_once('=')?;
    let weight = if name.eq_ignore_ascii_case("q") { thousandths(value)? } else { return None };
    is_range(range).then_some((range, weight))
}

/// RFC 9110 §12.4.2: `0` or `1`, with at most three decimals.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let parts: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(parts),
        "1" if parts == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(accepted: &str, available: &[&str]) -> Option<String> {
        let tags: Vec<_> = available.iter().map(|tag| LanguageTag::parse(tag).unwrap()).collect();
        let at = Preferences::default().and_accepted([accepted]).look_up(&tags, |tag| tag)?;
        Some(tags[at].to_string())
    }

    #[test]
    fn the_example_of_rfc_4647_is_looked_up_step_by_step() {
        // zh-Hant-CN-x-private1-private2 → zh-Hant-CN-x-private1 → zh-Hant-CN → zh-Hant → zh
        let range = "zh-Hant-CN-x-private1-private2";
        assert_eq!(shorter(range), Some("zh-Hant-CN-x-private1"));
        assert_eq!(shorter("zh-Hant-CN-x-private1"), Some("zh-Hant-CN"));
        assert_eq!(best(range, &["zh", "zh-Hant"]).as_deref(), Some("zh-Hant"));
        assert_eq!(best(range, &["zh-Hant-TW", "x-private1"]), None);
    }

    #[test]
    fn the_heaviest_range_wins_and_the_first_of_equals() {
        let available = ["en", "de", "fr"];
        assert_eq!(best("fr;q=0.5, de;q=0.9, en;q=0.1", &available).as_deref(), Some("de"));
        assert_eq!(best("da, en-gb;q=0.8, en;q=0.7", &available).as_deref(), Some("en"));
        assert_eq!(best("fr, de", &available).as_deref(), Some("fr"));
        assert_eq!(best("de-CH", &available).as_deref(), Some("de"));
        assert_eq!(best("DE ; q=0.3 ,\tFR;q=0.001", &["fr"]).as_deref(), Some("fr"));
    }

    #[test]
    fn what_is_refused_is_not_chosen_by_another_way() {
        assert_eq!(best("de-CH, de;q=0", &["de"]), None);
        assert_eq!(best("de;q=0.000, fr;q=0.1", &["de", "fr"]).as_deref(), Some("fr"));
    }

    #[test]
    fn a_tag_does_not_stand_for_a_range_that_is_wider() {
        assert_eq!(best("de", &["de-CH"]), None);
        assert_eq!(best("*", &["de"]), None);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        for accepted in
            ["", ",", "de;q=2", "de;q=1.001", "de;q=0.1234", "de;q=", "de;x=1", "d_e", "verylonglanguage", "-de"]
        {
            assert_eq!(best(accepted, &["de", "d", "verylong"]), None, "{accepted}");
            assert_eq!(best(&format!("{accepted},fr;q=0.1"), &["de", "fr"]).as_deref(), Some("fr"), "{accepted}");
        }
        assert_eq!(best(&format!("{}de", "xx,".repeat(MAX_RANGES)), &["de"]), None);
    }

    #[test]
    fn tags_of_a_request_come_before_what_the_browser_accepts() {
        let tags = ["de", "fr"].map(|tag| LanguageTag::parse(tag).unwrap());
        let preferences = Preferences::default().and_tags("it fr-CA").and_accepted(["de"]);
        assert_eq!(preferences.look_up(&tags, |tag| tag), Some(1));
    }

    #[test]
    fn a_tag_is_made_of_letters_and_digits() {
        for tag in ["de", "pt-BR", "zh-Hant-TW", "i-klingon", "sl-rozaj-1994"] {
            assert!(LanguageTag::parse(tag).is_some(), "{tag}");
        }
        for tag in ["", "de_CH", "de-", "-", "12", "de ch", "dé", "*", "abcdefghi"] {
            assert!(LanguageTag::parse(tag).is_none(), "{tag}");
        }
    }
}
