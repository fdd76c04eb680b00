//! What is wired beside what is published.

use serde_json::{Map, Value};

use super::Members;

/// In what a document differs from what is so. A member that nobody knows how to try is wrong, whatever it says; the order
/// within a list means nothing.
pub fn disagreements(wired: &Members, published: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in published {
        match wired.get(name.as_str()) {
            None => found.push(format!("{name} has no probe, and is published as {value}")),
            Some(None) => found.push(format!("{name} is published as {value}, and nothing of it works")),
            Some(Some(wired)) if in_order(wired) != in_order(value) => {
                found.push(format!("{name} is published as {value}, and what works is {wired}"));
            }
            Some(Some(_)) => {}
        }
    }
    let missing = wired.iter().filter(|(name, _)| !published.contains_key(**name));
    found.extend(missing.filter_map(|(name, value)| {
        value.as_ref().map(|value| format!("{name} is not published, and what works is {value}"))
    }));
    found
}

fn in_order(value: &Value) -> Value {
    let Value::Array(list) = value else { return value.clone() };
    let mut list = list.clone();
    list.sort_by_key(Value::to_string);
    Value::Array(list)
}
