//! Imports run one way only: values ← wire ← grant ← store ← endpoint, server, resource server ← testkit ← guide.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The layers from the bottom up, with the top-level modules of each. A module may use its own layer and those below.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "values",
        &[
            "cimd",
            "client",
            "clock",
            "configuration",
            "error",
            "host_pattern",
            "identifier",
            "issuer",
            "jwt",
            "language",
            "observer",
            "pkce",
            "policy",
            "rate_limit",
            "redirect_target",
            "redirect_uri",
            "resource",
            "return_target",
            "scope",
            "secret",
            "telemetry",
        ],
    ),
    ("wire", &["wire"]),
    ("grant", &["grant"]),
    ("store", &["store"]),
    ("endpoint", &["endpoint", "resource_server", "server"]),
    ("testkit", &["testkit"]),
    ("guide", &["guide"]),
];

fn layer(module: &str) -> usize {
    let found = LAYERS.iter().position(|(_, modules)| modules.contains(&module));
    found.unwrap_or_else(|| panic!("the module {module} belongs to no layer"))
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The top-level modules that a source names as `crate::module`, outside its tests.
fn imports(source: &str) -> Vec<&str> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    // A macro's `$crate` is a path of whoever calls it.
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//") && !line.contains("$crate"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect()
}

#[test]
fn imports_run_one_way_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut checked: BTreeMap<&str, usize> = BTreeMap::new();
    let tests =
        |file: &Path| file.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")));
    for file in files.iter().filter(|file| !file.ends_with("lib.rs") && !tests(file.strip_prefix(&root).unwrap())) {
        let relative = file.strip_prefix(&root).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let own = layer(module);
        let source = std::fs::read_to_string(file).unwrap();
        for import in imports(&source).into_iter().filter(|import| !import.is_empty()) {
            // The root re-exports the server, which everything else must reach by its own module.
            assert!(layer(import) <= own, "{} uses crate::{import}, which lies above it", relative.display());
        }
        *checked.entry(LAYERS[own].0).or_default() += 1;
    }
    assert_eq!(checked.len(), LAYERS.len(), "a layer has no files: {checked:?}");
}

#[test]
fn an_import_that_runs_upwards_would_be_noticed() {
    assert_eq!(
        imports("use crate::store::ClientStore;\n// crate::server\n#[cfg(test)]\nmod tests {\nuse crate::server;"),
        ["store"]
    );
    assert!(layer("endpoint") > layer("store") && layer("store") > layer("grant") && layer("grant") > layer("wire"));
}
