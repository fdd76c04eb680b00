//! The workspace that a form confines something to.

use grantor::Tenant;

use super::app::App;
use super::refusal::Refusal;
use super::services::Workspaces;
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::workspaces;

/// Said of a workspace that is not the person's.
const NO_MEMBER: &str = "You are not a member of that workspace.";

/// What the field `workspace` names, if `user` may use it; the empty text is all of theirs.
pub async fn chosen_workspace(app: &App, user: &User, fields: &Fields) -> Result<Option<Tenant>, Refusal> {
    let id = fields.text("workspace");
    if id.is_empty() {
        return Ok(None);
    }
    let own = match app.service.workspaces {
        Workspaces::Chosen => workspaces::find(&app.site.database, user.id, id).await?,
        Workspaces::Unknown => None,
    };
    let own = own.ok_or(NO_MEMBER)?;
    Ok(Some(Tenant::parse(&own.id).map_err(|_| Problem::internal())?))
}
