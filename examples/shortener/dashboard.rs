//! The front page of who is signed in: their links, and the form for another one.

use super::links;
use super::problem::Problem;
use super::site::Site;
use super::users::User;
use super::views::{DashboardPage, LinkRow, Section, date, host_of};
use super::visitor::Visitor;

/// The purpose that the form's anti-CSRF value is bound to.
pub const CREATE: &str = "create link";

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

/// The page for `user`, who is signed in as `visitor`.
pub async fn page(site: &Site, visitor: &Visitor, user: &User, entry: Entry) -> Result<DashboardPage, Problem> {
    let listed = links::list(&site.database, user.id).await?;
    let stats = links::stats(&site.database, user.id).await?;
    let rows: Vec<LinkRow> = listed
        .iter()
        .map(|link| LinkRow {
            short_url: site.short_url(&link.slug),
            short_text: format!("{}/{}", site.authority(), link.slug),
            url: link.url.clone(),
            host: host_of(&link.url),
            visits: link.visits,
            created: date(link.created_at),
        })
        .collect();
    // Only a link of the person's own is pointed out, whatever the query says.
    let created =
        entry.created.and_then(|slug| rows.iter().find(|row| row.short_url == site.short_url(&slug)).cloned());
    Ok(DashboardPage {
        layout: visitor.layout("Your links", Section::Home),
        create_token: visitor.form_token(CREATE),
        typed_url: entry.typed_url,
        problem: entry.problem,
        created,
        links: rows,
        visits: stats.visits,
    })
}
