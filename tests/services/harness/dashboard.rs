//! The pages on which people make apps and API tokens, and end them.

use std::collections::BTreeMap;

use super::super::support::html::{self, Form, text};
use super::super::support::{Browser, Reply};

/// An app that somebody registered.
#[derive(Clone, Debug)]
pub struct RegisteredApp {
    pub client_id: String,
    pub secret: Option<String>,
}

/// The form of a page that goes to `path`, filled in as a person would: a field has to be there, and a choice offered.
#[track_caller]
pub fn fill_in(page: &Reply, path: &str, fields: &[(&str, &str)]) -> Form {
    let mut form = page.form(path);
    let mut typed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in fields {
        typed.entry(name).or_default().push(value);
    }
    let document = page.page();
    for (name, values) in typed {
        let controls = html::select(&document, &format!("form[action^='{path}'] [name='{name}']"));
        assert!(!controls.is_empty(), "there is no {name} to fill in: {}", page.body);
        let choices: Vec<&str> = controls
            .iter()
            .filter(|control| matches!(control.attr("type"), Some("checkbox" | "radio")))
            .map(|control| control.attr("value").unwrap_or("on"))
            .collect();
        assert!(choices.is_empty() || values.iter().all(|value| choices.contains(value)), "{values:?}: {choices:?}");
        form.fields.retain(|(own, _)| own != name);
        form.fields.extend(values.into_iter().map(|value| (name.to_owned(), value.to_owned())));
    }
    form
}

/// Fills in and sends the form for a new app.
pub async fn send_app(browser: &mut Browser, fields: &[(&str, &str)]) -> Reply {
    let page = browser.get("/developers").await.expect(200);
    browser.submit(&fill_in(&page, "/developers", fields)).await
}

/// Registers an app; `fields` has to be in order.
pub async fn register_app(browser: &mut Browser, fields: &[(&str, &str)]) -> RegisteredApp {
    let page = send_app(browser, fields).await.expect(200);
    RegisteredApp { client_id: fact(&page, "Client ID"), secret: secret(&page) }
}

/// The secret that a page shows, which no other page does.
#[track_caller]
pub fn secret(page: &Reply) -> Option<String> {
    let mut shown = page.texts(".secret code");
    assert!(shown.len() < 2, "{shown:?}");
    shown.pop()
}

/// What a page says behind one of its terms.
#[track_caller]
fn fact(page: &Reply, term: &str) -> String {
    let document = page.page();
    let rows = html::select(&document, "dl > div");
    let row =
        rows.iter().map(|row| text(*row)).find_map(|row| row.strip_prefix(term).map(|said| said.trim().to_owned()));
    row.unwrap_or_else(|| panic!("nothing about {term} in {}", page.body))
}
