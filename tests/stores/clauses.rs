//! The suite itself: each clause is in the lists, quotes the contract, and can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const CONTRACTS: [&str; 5] = ["client_store", "client_registry", "code_store", "token_store", "grant_store"];

fn sources(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            found.extend(sources(&entry.unwrap().path()));
        }
    } else {
        found.push(path.to_owned());
    }
    found.sort();
    found
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn identifier(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Every public clause as `contract::name`, with the lines of its documentation.
fn clauses() -> BTreeMap<String, Vec<String>> {
    let mut clauses = BTreeMap::new();
    for contract in CONTRACTS {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testkit/contract");
        let module = directory.join(contract);
        let files = if module.is_dir() { sources(&module) } else { vec![directory.join(format!("{contract}.rs"))] };
        for file in files {
            let mut docs = Vec::new();
            for line in read(file).lines() {
                if let Some(doc) = line.strip_prefix("///") {
                    docs.push(doc.trim().to_owned());
                } else if let Some(rest) = line.strip_prefix("pub async fn ") {
                    let name = format!("{contract}::{}", identifier(rest));
                    assert_eq!(clauses.insert(name, std::mem::take(&mut docs)), None);
                } else if !line.starts_with('#') && !line.starts_with("    reason") && line != ")]" {
                    docs.clear();
                }
            }
        }
    }
    assert!(clauses.len() > 80, "{} clauses were found", clauses.len());
    clauses
}

/// The clauses that the macro makes tests of, as often as it lists them.
fn listed() -> Vec<String> {
    let mut listed = Vec::new();
    let mut contract = "";
    for line in read("src/testkit/macros.rs").lines().map(str::trim) {
        if line.contains("$contract") {
            continue;
        }
        if line.starts_with("$crate::__readable_clause!") {
            let clause = line.trim_end_matches('}').split_whitespace().last().unwrap();
            listed.push(format!("client_store::{clause}"));
        }
        if let Some(found) = CONTRACTS.iter().find(|found| line.contains(&format!("{found}:")) && !line.contains("::$"))
        {
            contract = found;
        }
        let clauses = line.rsplit(": ").next().unwrap_or_default();
        if line.starts_with("///") || contract.is_empty() {
            continue;
        }
        if line.contains("__clauses!") && clauses.ends_with(", }") {
            listed.extend(clauses.trim_end_matches(", }").split(", ").map(|clause| format!("{contract}::{clause}")));
        } else if let Some(clause) = line.strip_suffix(',').filter(|clause| identifier(clause) == *clause) {
            listed.push(format!("{contract}::{clause}"));
        } else if line == "}" {
            contract = "";
        }
    }
    listed
}

#[test]
fn each_clause_is_listed_once() {
    let mut listed = listed();
    listed.sort();
    assert_eq!(listed, clauses().into_keys().collect::<Vec<_>>());
}

#[test]
fn each_clause_is_broken_by_some_store() {
    let mut caught = BTreeSet::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/broken")) {
        let text = read(file);
        for contract in CONTRACTS {
            for rest in text.split(&format!("{contract}::")).skip(1) {
                caught.insert(format!("{contract}::{}", identifier(rest)));
            }
        }
    }
    let unbroken: Vec<_> = clauses().into_keys().filter(|clause| !caught.contains(clause)).collect();
    assert!(unbroken.is_empty(), "no store breaks {unbroken:#?}");
}

/// The text without its marks: code, links, and how it is laid out.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    // Of `[text](target)` the text is left.
    while let Some((before, after)) = rest.split_once("](") {
        plain.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    let plain: String = plain.chars().filter(|c| !matches!(c, '`' | '[' | ']')).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_clause_quotes_the_contract() {
    let mut contract = String::new();
    for file in ["mod", "client", "code", "token"] {
        for line in read(format!("src/store/{file}.rs")).lines().map(str::trim) {
            let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
            contract.push_str(doc.unwrap_or("\u{0}"));
            contract.push('\n');
        }
    }
    let contract = plain(&contract);
    let mut wrong = Vec::new();
    for (clause, docs) in clauses() {
        let quotation: Vec<_> = docs.iter().filter_map(|doc| doc.strip_prefix('>')).collect();
        let quotation = plain(&quotation.join("\n"));
        if quotation.is_empty() || !contract.contains(&quotation) {
            wrong.push((clause, quotation));
        }
    }
    assert!(wrong.is_empty(), "these are no quotations of the contract: {wrong:#?}");
}
