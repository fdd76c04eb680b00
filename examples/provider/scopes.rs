//! Scopes in words, and boxes to tick for them.

use grantor::Scope;

use super::app::App;
use super::services::Service;
use crate::shortener::views::ScopeChoice;

/// What a scope allows, in words; a token that the service does not know any more stands for itself.
pub fn words(service: &Service, scope: &Scope) -> Vec<String> {
    scope.tokens().map(|token| words_of(service, token).to_owned()).collect()
}

fn words_of<'a>(service: &'a Service, token: &'a str) -> &'a str {
    service.scopes.iter().find(|(known, _)| *known == token).map_or(token, |(_, words)| words)
}

/// A box for each of `tokens`, ticked where `is_chosen` says so, with what comes along.
pub fn choices<'a>(
    app: &App,
    tokens: impl Iterator<Item = &'a str>,
    is_chosen: impl Fn(&str) -> bool,
) -> Vec<ScopeChoice> {
    let choice = |token: &str| ScopeChoice {
        token: token.to_owned(),
        words: words_of(&app.service, token).to_owned(),
        includes: app.server.implied_scopes(token).map(|token| words_of(&app.service, token).to_owned()).collect(),
        chosen: is_chosen(token),
    };
    tokens.map(choice).collect()
}

/// What is wrong with `ticked`, if a box was unticked of `asked` that comes with one that was not: nobody can have the
/// one without the other.
pub fn contradiction(app: &App, asked: &Scope, ticked: &Scope) -> Option<String> {
    let without = |token: &str| app.server.implied_scopes(token).find(|part| !ticked.contains(part));
    let (whole, part) =
        ticked.intersection(asked).tokens().find_map(|token| Some((token.to_owned(), without(token)?)))?;
    let (whole, part) = (words_of(&app.service, &whole), words_of(&app.service, part));
    Some(format!("“{part}” is part of “{whole}”. Leave it ticked, or untick both."))
}
