//! The front page of who is signed in: their links, and the form for another one.

use super::links;
use super::problem::Problem;
use super::site::Site;
use super::users::User;
use super::views::{DashboardPage, LinkRow, Section, WorkspaceChoice, date, host_of};
use super::visitor::Visitor;
use super::workspaces::{self, Reach, Workspace};

/// The purpose that the form's anti-CSRF value is bound to.
pub const CREATE: &str = "create link";
/// The purpose that the anti-CSRF value of the workspace switcher is bound to.
pub const SWITCH: &str = "switch workspace";

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

/// Which links the page shows, and where new ones go.
pub fn reach<'a>(visitor: &Visitor, user: &User, workspaces: &'a [Workspace]) -> Reach<'a> {
    let chosen = workspaces.iter().find(|workspace| Some(workspace.id.as_str()) == visitor.workspace());
    Reach::within(user.id, chosen.map(|workspace| workspace.id.as_str()))
}

/// Remembers the workspace that was chosen in the switcher, if the person may use it; the empty text is all of them.
pub async fn switch(site: &Site, visitor: &Visitor, user: &User, chosen: &str) -> Result<(), Problem> {
    let workspace = match chosen {
        "" => None,
        id => Some(workspaces::find(&site.database, user.id, id).await?.ok_or_else(Problem::not_found)?.id),
    };
    match visitor.session() {
        Some(session) => Ok(site.sessions.choose_workspace(session, workspace).await?),
        None => Err(Problem::out_of_date()),
    }
}

/// The page for `user`, who is signed in as `visitor`.
pub async fn page(site: &Site, visitor: &Visitor, user: &User, entry: Entry) -> Result<DashboardPage, Problem> {
    let workspaces = workspaces::of(&site.database, user.id).await?;
    let reach = reach(visitor, user, &workspaces);
    let listed = links::list(&site.database, reach).await?;
    let stats = links::stats(&site.database, reach).await?;
    let rows: Vec<LinkRow> = listed
        .iter()
        .map(|link| LinkRow {
            short_url: site.short_url(&link.slug),
            short_text: format!("{}/{}", site.authority(), link.slug),
            url: link.url.clone(),
            host: host_of(&link.url),
            visits: link.visits,
            created: date(link.created_at),
            workspace: link.workspace.clone(),
        })
        .collect();
    // Only a link of the person's own is pointed out, whatever the query says.
    let created =
        entry.created.and_then(|slug| rows.iter().find(|row| row.short_url == site.short_url(&slug)).cloned());
    Ok(DashboardPage {
        layout: visitor.layout("Your links", Section::Home),
        create_token: visitor.form_token(CREATE),
        switch_token: visitor.form_token(SWITCH),
        shows_all: reach.workspace().is_none(),
        workspaces: WorkspaceChoice::of(&workspaces, reach.workspace()),
        typed_url: entry.typed_url,
        problem: entry.problem,
        created,
        links: rows,
        visits: stats.visits,
    })
}
