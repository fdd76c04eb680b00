//! Parameters as the members of one JSON object, read as strictly as a form.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{MAX_COUNT, Parameter, Params};
use crate::error::ErrorReason;

impl<'a> Params<'a> {
    /// Reads a JSON object.
    ///
    /// `null` and the empty string count as not sent, and a member that occurs twice is noted. Members that have no
    /// meaning are thrown away: nobody asks for them where JSON is read. They must be well-formed all the same, and
    /// serde_json bounds how deep they are nested.
    pub(crate) fn parse_json(text: &'a str) -> Result<Self, ErrorReason> {
        let mut json = serde_json::Deserializer::from_str(text);
        let read = json.deserialize_map(Object).and_then(|params| json.end().map(|()| params));
        read.map_err(|_| ErrorReason::RequestMalformed)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Params<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Params<'de>, A::Error> {
        let mut params = Params::default();
        let mut seen = 0_u32;
        let mut left = MAX_COUNT;
        while let Some(name) = members.next_key_seed(Text)? {
            left = left.checked_sub(1).ok_or_else(too_many)?;
            let Some(parameter) = Parameter::parse(&name) else {
                members.next_value_seed(Ignored)?;
                continue;
            };
            let bit = 1 << parameter as u32;
            params.repeated |= seen & bit;
            seen |= bit;
            if parameter == Parameter::Resource {
                members.next_value_seed(TextOrList { into: &mut params.resources, left: &mut left })?;
            } else if let Some(value) = members.next_value_seed(OptionalText)?
                && let Some(slot) = params.values.get_mut(parameter as usize)
            {
                *slot = Some(value);
            }
        }
        Ok(params)
    }
}

fn too_many<E: Error>() -> E {
    E::custom("too many parameters")
}

/// Text without NUL.
fn clean<E: Error>(text: Cow<'_, str>) -> Result<Cow<'_, str>, E> {
    if text.contains('\0') { Err(E::custom("a text contains NUL")) } else { Ok(text) }
}

/// A string, and nothing else.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        clean(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        clean(Cow::Owned(text.to_owned()))
    }
}

/// A string, or `null`; `None` if there is nothing in it.
struct OptionalText;

impl<'de> DeserializeSeed<'de> for OptionalText {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for OptionalText {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Ok(Some(Text.deserialize(deserializer)?).filter(|text| !text.is_empty()))
    }
}

/// A string, `null`, or an array of strings; each element counts as a parameter.
struct TextOrList<'a, 'de> {
    into: &'a mut Vec<Cow<'de, str>>,
    left: &'a mut usize,
}

impl<'de> TextOrList<'_, 'de> {
    fn keep(&mut self, text: Cow<'de, str>) {
        if !text.is_empty() {
            self.into.push(text);
        }
    }
}

impl<'de> DeserializeSeed<'de> for TextOrList<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TextOrList<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an array of strings, or null")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(mut self, text: &'de str) -> Result<(), E> {
        self.keep(Text.visit_borrowed_str(text)?);
        Ok(())
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.keep(Text.visit_str(text)?);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(text) = list.next_element_seed(Text)? {
            *self.left = self.left.checked_sub(1).ok_or_else(too_many)?;
            self.keep(text);
        }
        Ok(())
    }
}

/// Any value, read and thrown away; unlike `IgnoredAny` it decodes what it skips, and is bounded in depth.
struct Ignored;

impl<'de> DeserializeSeed<'de> for Ignored {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Ignored {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        clean(Cow::Borrowed(text)).map(|_| ())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key_seed(Text)?.is_some() {
            members.next_value_seed(Self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(text: &str) -> Vec<String> {
        let params = Params::parse_json(text).unwrap();
        params.resources().iter().map(|resource| resource.clone().into_owned()).collect()
    }

    #[test]
    fn members_are_parameters() {
        let params = Params::parse_json(r#" {"code":"x","state":"\u20ac \"a\"","scope":"a b"} "#).unwrap();
        assert_eq!(params.get(Parameter::Code), Some("x"));
        assert_eq!(params.get(Parameter::State), Some("€ \"a\""));
        assert_eq!(params.get(Parameter::Scope), Some("a b"));
        assert!(!params.repeats_any());
    }

    #[test]
    fn null_and_the_empty_string_count_as_not_sent() {
        let params = Params::parse_json(r#"{"code":null,"scope":"","resource":null}"#).unwrap();
        assert_eq!((params.get(Parameter::Code), params.get(Parameter::Scope)), (None, None));
        assert!(params.resources().is_empty());
    }

    #[test]
    fn members_without_a_meaning_are_ignored_whatever_they_hold() {
        let text = r#"{"a":1,"b":-1,"c":1.5,"d":true,"e":null,"f":{"code":"y","x":[{}]},"g":["z",1],"h":"t","code":"x",
            "a":2,"Code":"z","i":18446744073709551616}"#;
        let params = Params::parse_json(text).unwrap();
        assert_eq!(params.get(Parameter::Code), Some("x"));
        assert!(!params.repeats_any());
    }

    #[test]
    fn a_member_that_comes_twice_is_noted() {
        for text in [
            r#"{"code":"x","code":"x"}"#,
            r#"{"code":null,"code":"x"}"#,
            r#"{"code":"x","cod\u0065":"y"}"#,
            r#"{"resource":"https://a","resource":["https://b"]}"#,
        ] {
            assert!(Params::parse_json(text).unwrap().repeats_any(), "{text}");
        }
    }

    #[test]
    fn resources_are_one_string_or_an_array_of_strings() {
        assert_eq!(resources(r#"{"resource":"https://a"}"#), ["https://a"]);
        assert_eq!(resources(r#"{"resource":["https://a","","https:\/\/b"]}"#), ["https://a", "https://b"]);
        assert!(resources(r#"{"resource":[]}"#).is_empty());
        for text in [r#"{"resource":[null]}"#, r#"{"resource":[["https://a"]]}"#, r#"{"resource":{"a":"https://a"}}"#] {
            assert!(Params::parse_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn anything_but_one_object_with_strings_is_refused() {
        for text in [
            "",
            " ",
            "null",
            "5",
            "[]",
            "\"code=x\"",
            r#"["code","x"]"#,
            r#"[{"code":"x"}]"#,
            "{",
            r#"{"code":"x""#,
            r#"{"code":"x"}x"#,
            r#"{"code":"x"}{}"#,
            r#"{"code":"x",}"#,
            r#"{code:"x"}"#,
            r#"{"code":'x'}"#,
            "{\"code\":\"x\ny\"}",
            "\u{feff}{}",
            r#"{"code":5}"#,
            r#"{"code":true}"#,
            r#"{"code":["x"]}"#,
            r#"{"code":{"x":"y"}}"#,
            r#"{"code":"\ud800"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"code":"a\u0000b"}"#,
            r#"{"a":"a\u0000b"}"#,
            r#"{"a":[{"b\u0000":1}]}"#,
            r#"{"a\u0000":1}"#,
            r#"{"resource":["https://a\u0000"]}"#,
        ] {
            assert_eq!(Params::parse_json(text).err(), Some(ErrorReason::RequestMalformed), "{text}");
        }
    }

    #[test]
    fn depth_and_count_are_bounded() {
        let nested = |depth| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(Params::parse_json(&nested(126)).is_ok());
        for depth in [127, 128, 30_000] {
            assert!(Params::parse_json(&nested(depth)).is_err(), "{depth}");
        }
        let members = |count| format!("{{{}}}", vec!["\"a\":1"; count].join(","));
        assert!(Params::parse_json(&members(MAX_COUNT)).is_ok());
        assert!(Params::parse_json(&members(MAX_COUNT + 1)).is_err());
        let listed = |count| format!("{{\"resource\":[{}]}}", vec!["\"https://a\""; count].join(","));
        assert_eq!(Params::parse_json(&listed(MAX_COUNT - 1)).unwrap().resources().len(), MAX_COUNT - 1);
        assert!(Params::parse_json(&listed(MAX_COUNT)).is_err());
    }
}
