//! The pages on which people make apps and API tokens, and end them.

use std::collections::BTreeMap;

use scraper::ElementRef;

use super::super::support::html::{self, Form, text};
use super::super::support::{ADA, Browser, Reply};
use super::query;

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
        let controls = html::select(&document, &format!("form[action='{path}'] [name='{name}']"));
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

/// Makes an API token, and hands over what the page shows once.
pub async fn make_token(browser: &mut Browser, fields: &[(&str, &str)]) -> String {
    let page = send_token(browser, fields).await.expect(200);
    secret(&page).unwrap_or_else(|| panic!("no token in {}", page.body))
}

/// Fills in and sends the form for a new API token.
pub async fn send_token(browser: &mut Browser, fields: &[(&str, &str)]) -> Reply {
    let page = browser.get("/tokens").await.expect(200);
    browser.submit(&fill_in(&page, "/tokens", fields)).await
}

/// What a list says about the entry that is called `name`.
pub fn listed(page: &Reply, name: &str) -> Option<String> {
    let document = page.page();
    let mut rows = html::select(&document, "main li, main tr, main article").into_iter().map(text);
    rows.find(|row| row.contains(name))
}

/// Presses a button of the entry that is called `name`, on the page at `path`: the one whose form goes to an address
/// that ends with `action`. The answer is what it leads to.
pub async fn press(browser: &mut Browser, path: &str, name: &str, action: &str) -> Reply {
    let page = browser.get(path).await.expect(200);
    send(browser, form_of(&page, name, action)).await
}

/// Takes back everything that an app was allowed.
pub async fn revoke_app(browser: &mut Browser, name: &str) {
    press(browser, "/connected", name, "revoke").await.expect(200);
}

/// The form of the entry that is called `name` which goes to an address that ends with `action`.
#[track_caller]
pub fn form_of(page: &Reply, name: &str, action: &str) -> Form {
    let document = page.page();
    let forms = html::select(&document, "form").into_iter().zip(html::forms(&document));
    let of_entry = forms.filter(|(element, form)| {
        let entry = element.ancestors().filter_map(ElementRef::wrap);
        let entry = entry.into_iter().find(|entry| ["li", "tr", "article"].contains(&entry.value().name()));
        form.action.ends_with(action) && entry.is_some_and(|entry| text(entry).contains(name))
    });
    let mut found: Vec<Form> = of_entry.map(|(_, form)| form).collect();
    assert_eq!(found.len(), 1, "forms of {name} to {action} in {}", page.body);
    found.remove(0)
}

/// The page of an app, for its developer.
pub async fn app_page(browser: &mut Browser, client_id: &str) -> Reply {
    browser.get(&query("/developers/app", &[("client_id", client_id)])).await.expect(200)
}

/// Sends the form to `action` that the page of an app has. The answer is what it leads to.
pub async fn app_action(browser: &mut Browser, client_id: &str, action: &str) -> Reply {
    let form = app_page(browser, client_id).await.form(action);
    send(browser, form).await
}

/// Turns the switch of a secure app `on` or `off`. The answer is what it leads to.
pub async fn switch_secure(browser: &mut Browser, client_id: &str, to: &str) -> Reply {
    let page = app_page(browser, client_id).await;
    let form = page.form("/developers/secure");
    let button = ("secure".to_owned(), to.to_owned());
    let form = if form.buttons.contains(&button) { form.press("secure", to) } else { form.with("secure", to) };
    send(browser, form).await
}

/// Sends a form, with the password typed again where it asks for it. The answer is what it leads to.
async fn send(browser: &mut Browser, form: Form) -> Reply {
    let asks = form.values("password").next().is_some();
    let answer = browser.submit(&if asks { form.with("password", ADA.password) } else { form }).await;
    if answer.status == 303 { browser.visit(answer.redirect()).await.expect(200) } else { answer.expect(200) }
}
