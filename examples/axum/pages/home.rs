//! The front page.

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use crate::app::App;
use crate::pages::links;
use crate::shortener::links as shortener;
use crate::shortener::users::User;
use crate::shortener::views::{DashboardPage, LinkRow, Section, WelcomePage, date, host_of};
use crate::web::{Problem, Visitor, html};

/// What the front page may be asked to point out.
#[derive(Debug, Default, Deserialize)]
pub struct Highlight {
    created: Option<String>,
}

/// `GET /`
pub async fn show(State(app): State<App>, visitor: Visitor, highlight: Query<Highlight>) -> Result<Response, Problem> {
    match visitor.user() {
        Some(user) => dashboard(&app, &visitor, user, Entry { created: highlight.0.created, ..Entry::default() }).await,
        None => html(&WelcomePage {
            layout: visitor.layout("Long links, cut short", Section::Home),
            authority: app.authority().to_owned(),
        }),
    }
}

/// What became of the form.
#[derive(Debug, Default)]
pub struct Entry {
    /// The slug of the link that was just made.
    pub created: Option<String>,
    /// What was typed, if it has to be typed again.
    pub typed_url: String,
    /// Why it has to be.
    pub problem: Option<String>,
}

/// The signed-in person's links, and the form for another one.
pub async fn dashboard(app: &App, visitor: &Visitor, user: &User, entry: Entry) -> Result<Response, Problem> {
    let listed = shortener::list(&app.database, user.id).await?;
    let stats = shortener::stats(&app.database, user.id).await?;
    let rows: Vec<LinkRow> = listed
        .iter()
        .map(|link| LinkRow {
            short_url: app.short_url(&link.slug),
            short_text: format!("{}/{}", app.authority(), link.slug),
            url: link.url.clone(),
            host: host_of(&link.url),
            visits: link.visits,
            created: date(link.created_at),
        })
        .collect();
    // Only a link of the person's own is pointed out, whatever the query says.
    let created = entry.created.and_then(|slug| rows.iter().find(|row| row.short_url == app.short_url(&slug)).cloned());
    html(&DashboardPage {
        layout: visitor.layout("Your links", Section::Home),
        create_token: visitor.form_token(links::CREATE),
        typed_url: entry.typed_url,
        problem: entry.problem,
        created,
        links: rows,
        visits: stats.visits,
    })
}
