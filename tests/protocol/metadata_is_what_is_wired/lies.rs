//! The derivation notices whatever is wrong with a document.

use serde_json::{Map, Value, json};

use super::configurations::everything;
use super::plan::Plan;
use super::wiring::{Members, Wiring, disagreements};

/// The document with each thing that can be wrong with it, and what that is.
fn lies(document: &Map<String, Value>) -> Vec<(String, Map<String, Value>)> {
    let mut lies = Vec::new();
    let mut tell = |what: String, change: &dyn Fn(&mut Map<String, Value>)| {
        let mut changed = document.clone();
        change(&mut changed);
        lies.push((what, changed));
    };
    for (name, value) in document {
        tell(format!("without {name}"), &|changed| {
            changed.remove(name);
        });
        let others = match value {
            Value::Array(list) => {
                let mut others = vec![json!([]), [&list[..], &[json!("wrong")]].concat().into()];
                others.push([&list[..], &list[..1]].concat().into());
                others.extend((0..list.len()).map(|at| {
                    let rest = list.iter().enumerate().filter(|(index, _)| *index != at);
                    rest.map(|(_, entry)| entry.clone()).collect::<Vec<_>>().into()
                }));
                others
            }
            Value::Bool(value) => vec![(!value).into(), value.to_string().into()],
            Value::String(text) => vec![format!("{text}/").into(), text.to_uppercase().into(), json!([text])],
            other => panic!("{name} is {other}"),
        };
        for other in others.iter().chain([&Value::Null]) {
            tell(format!("{name} is {other}"), &|changed| {
                changed.insert(name.clone(), other.clone());
            });
        }
    }
    for (name, value) in [
        ("userinfo_endpoint", json!("https://as.test/userinfo")),
        ("require_pushed_authorization_requests", json!(false)),
        ("dpop_signing_alg_values_supported", json!(["ES256"])),
        ("signed_metadata", json!("e30.e30.x")),
        ("resource_documentation", json!("https://as.test/docs")),
    ] {
        tell(format!("with {name}"), &|changed| {
            changed.insert(name.to_owned(), value.clone());
        });
    }
    lies
}

#[track_caller]
fn expect_each_is_found(wired: &Members, document: &Map<String, Value>) {
    assert_eq!(disagreements(wired, document), Vec::<String>::new());
    // Nothing that has a probe is left out of the document by which the probes are tried.
    assert_eq!(wired.len(), document.len(), "{document:?}");
    let lies = lies(document);
    assert!(lies.len() > 3 * document.len());
    for (what, lie) in lies {
        assert_eq!(disagreements(wired, &lie).len(), 1, "{what}");
    }
}

#[tokio::test]
async fn each_lie_of_a_server_is_found() {
    let target = everything(Plan::new()).start().await;
    let wiring = Wiring::of(&target).await;
    let document = wiring.published(&target).await.remove(0);
    expect_each_is_found(&wiring.server, &document);
}

#[tokio::test]
async fn each_lie_of_an_api_is_found() {
    let target = everything(Plan::new()).start().await;
    let wiring = Wiring::of(&target).await;
    let (place, wired) = wiring.apis.iter().find(|(_, members)| members["resource_name"].is_some()).expect("an API");
    expect_each_is_found(wired, &target.get(place).await.members());
}
