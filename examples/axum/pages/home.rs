//! The front page.

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use crate::provider::app::App;
use crate::shortener::dashboard::{self, Entry};
use crate::shortener::problem::Problem;
use crate::shortener::views::{Section, WelcomePage};
use crate::shortener::visitor::Visitor;
use crate::web::html;

/// What the front page may be asked to point out.
#[derive(Debug, Default, Deserialize)]
pub struct Highlight {
    created: Option<String>,
}

/// `GET /`
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(highlight): Query<Highlight>,
) -> Result<Response, Problem> {
    match visitor.user() {
        Some(user) => {
            let entry = Entry { created: highlight.created, ..Entry::default() };
            html(&dashboard::page(&app.site, &visitor, user, entry).await?)
        }
        None => html(&WelcomePage {
            layout: visitor.layout("Long links, cut short", Section::Home),
            authority: app.site.authority().to_owned(),
        }),
    }
}
