//! Adapters that are broken on purpose, each in one way that an adapter is broken in practice, and the rows that catch
//! it.

mod answers;
mod dead;
mod harness;
mod methods;
mod requests;

use grantor::testkit::protocol::Row;

/// The guide's table of what catches what.
const GUIDE: &str = include_str!("../../../src/guide/writing_an_adapter/mistakes.md");

#[test]
fn the_guide_names_rows_that_are_shown_to_catch_something() {
    let shown = [include_str!("answers.rs"), include_str!("methods.rs"), include_str!("requests.rs")].concat();
    let table = GUIDE.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit_once("| "));
    let named: Vec<&str> = table.flat_map(|(_, rows)| rows.split(", ")).filter(|row| row.contains('-')).collect();
    assert!(named.len() > 20, "{named:?}");
    for id in &named {
        assert!(Row::all().any(|row| row.id() == *id), "there is no row {id}");
        assert!(shown.contains(&format!("\"{id}\"")), "no adapter here is caught by {id}");
    }
    for row in Row::all().filter(|row| shown.contains(&format!("\"{}\"", row.id()))) {
        assert!(named.contains(&row.id()), "the guide does not name {}", row.id());
    }
}
