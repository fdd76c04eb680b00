//! The members of JSON answers: exactly these, with these values.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::support::Reply;

/// What stands for a text that is not known beforehand.
const TEXT: &str = "\0 a text that begins with";
/// What stands for words whose order does not matter.
const WORDS: &str = "\0 these words";
/// What stands for a whole number that is not known beforehand.
const INTEGER: &str = "\0 a whole number";
/// What stands for what people read.
const SENTENCE: &str = "\0 a text without quotes";
/// What stands for a word that programs compare.
const SLUG: &str = "\0 a slug";

/// A text that begins with `prefix` and goes on.
pub fn text(prefix: &str) -> Value {
    json!({ TEXT: prefix })
}

/// Words with a space between each and the next, in whatever order: a scope (RFC 6749 §3.3).
pub fn words(words: &[&str]) -> Value {
    json!({ WORDS: words })
}

/// A whole number from `range`, written as one.
pub fn integer(range: std::ops::RangeInclusive<u64>) -> Value {
    json!({ INTEGER: [range.start(), range.end()] })
}

/// A word that programs compare: small letters, digits and underscores.
pub fn slug() -> Value {
    json!({ SLUG: true })
}

/// Some text that may be an `error_description` (RFC 6749 §5.2).
fn sentence() -> Value {
    json!({ SENTENCE: true })
}

/// Holds a JSON answer against `expected`, in which what [`text`] and its like make stands for any value of that kind.
/// A member too many is as wrong as one that is missing.
#[track_caller]
pub fn expect_members(reply: &Reply, expected: Value) {
    let mut problems = Vec::new();
    compare("", &reply.json(), &expected, &mut problems);
    assert!(problems.is_empty(), "{problems:#?} in {reply:?}");
}

/// An error of an endpoint for programs: its code and a text, and nothing else (RFC 6749 §5.2, RFC 7591 §3.2.2).
#[track_caller]
pub fn expect_refusal(reply: Reply, status: u16, error: &str) {
    let reply = reply.expect_error(status, error);
    expect_members(&reply, json!({ "error": error, "error_description": sentence() }));
}

fn compare(at: &str, found: &Value, expected: &Value, problems: &mut Vec<String>) {
    if let Some((kind, detail)) = placeholder(expected) {
        if !matches(found, kind, detail) {
            problems.push(format!("{at} is {found}, and not {}: {detail}", kind.trim_start_matches("\0 ")));
        }
        return;
    }
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let names: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
            for name in names {
                let at = format!("{at}/{name}");
                match (found.get(name), expected.get(name)) {
                    (Some(found), Some(expected)) => compare(&at, found, expected, problems),
                    (Some(found), None) => problems.push(format!("{at} should not be there, and is {found}")),
                    (None, _) => problems.push(format!("{at} is missing")),
                }
            }
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                compare(&format!("{at}/{index}"), found, expected, problems);
            }
        }
        _ if found == expected => {}
        _ => problems.push(format!("{at} is {found}, and not {expected}")),
    }
}

fn placeholder(expected: &Value) -> Option<(&str, &Value)> {
    let (kind, detail) = expected.as_object()?.iter().next()?;
    kind.starts_with('\0').then_some((kind.as_str(), detail))
}

fn matches(found: &Value, kind: &str, detail: &Value) -> bool {
    match kind {
        TEXT => found.as_str().is_some_and(|text| {
            let rest = text.strip_prefix(detail.as_str().unwrap_or_default());
            rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
        }),
        WORDS => found.as_str().is_some_and(|text| {
            let mut found: Vec<&str> = text.split(' ').collect();
            let mut wanted: Vec<&str> = detail.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            found.sort_unstable();
            wanted.sort_unstable();
            found == wanted
        }),
        INTEGER => found.as_u64().is_some_and(|number| {
            let bound = |index: usize| detail[index].as_u64().unwrap_or_default();
            (bound(0)..=bound(1)).contains(&number)
        }),
        SLUG => found.as_str().is_some_and(|text| {
            let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
            !text.is_empty() && text.bytes().all(fits)
        }),
        SENTENCE => found.as_str().is_some_and(|text| {
            let fits = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            !text.is_empty() && text.bytes().all(fits)
        }),
        _ => false,
    }
}

#[test]
fn a_member_too_many_one_that_is_missing_and_one_of_another_type_are_noticed() {
    let expected = json!({ "access_token": text("live_"), "expires_in": integer(1..=9), "scope": words(&["a", "b"]) });
    let problems = |found: Value| {
        let mut problems = Vec::new();
        compare("", &found, &expected, &mut problems);
        problems.len()
    };
    let good = json!({ "access_token": "live_1", "expires_in": 9, "scope": "b a" });
    assert_eq!(problems(good.clone()), 0);
    for (member, value) in [
        ("refresh_token", Value::Null),
        ("access_token", json!("live_")),
        ("access_token", json!("test_1")),
        ("expires_in", json!("9")),
        ("expires_in", json!(9.0)),
        ("expires_in", json!(10)),
        ("scope", json!("a")),
        ("scope", json!("a b b")),
        ("scope", json!(["a", "b"])),
    ] {
        let mut found = good.clone();
        found[member] = value;
        assert_eq!(problems(found.clone()), 1, "{found}");
    }
    assert_eq!(problems(json!({ "access_token": "live_1", "scope": "a b" })), 1);
}
