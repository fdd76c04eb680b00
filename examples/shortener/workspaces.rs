//! Workspaces: each link belongs to one, and a person may use several.

use super::database::{Database, is_storable, on_pool};
use super::users::User;

/// A workspace, as one of its members has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Workspace {
    /// Never given to another workspace.
    pub id: String,
    /// What the pages call it.
    pub name: String,
    /// What the member may do in it.
    pub role: Role,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Everything, credentials for programs included.
    Owner,
    /// Work with the links.
    Member,
}

/// Whose data something is about: a person's, or a workspace's, or what is both.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    user_id: Option<i64>,
    workspace: Option<&'a str>,
}

impl<'a> Reach<'a> {
    /// One of a person's workspaces, or all of them; nothing, if the person is no member of the one.
    pub const fn within(user_id: i64, workspace: Option<&'a str>) -> Self {
        Self { user_id: Some(user_id), workspace }
    }

    /// A workspace, for a program that acts for it and for no person.
    pub const fn of_workspace(workspace: &'a str) -> Self {
        Self { user_id: None, workspace: Some(workspace) }
    }

    /// The person.
    pub const fn user_id(&self) -> Option<i64> {
        self.user_id
    }

    /// The one workspace.
    pub const fn workspace(&self) -> Option<&'a str> {
        self.workspace
    }
}

/// What is within reach, for the placeholders `$1` (who, or nobody) and `$2` (which workspace, or none for all).
macro_rules! within_reach {
    () => {
        "(CAST($1 AS BIGINT) IS NULL OR workspace_id IN (SELECT workspace_id FROM memberships WHERE user_id = $1)) \
         AND (CAST($2 AS TEXT) IS NULL OR workspace_id = $2)"
    };
}
pub(crate) use within_reach;

/// The workspaces that a person may use; new links go into the first, unless they choose another.
pub async fn of(database: &Database, user_id: i64) -> Result<Vec<Workspace>, sqlx::Error> {
    let rows: Vec<(String, String, String)> = on_pool!(database, pool => {
        sqlx::query_as(
            "SELECT id, name, role FROM workspaces JOIN memberships ON workspace_id = id WHERE user_id = $1 \
             ORDER BY position, id",
        )
        .bind(user_id)
        .fetch_all(pool)
    })?;
    Ok(rows.into_iter().map(|(id, name, role)| Workspace { id, name, role: Role::of(&role) }).collect())
}

/// The workspace with this id, if the person may use it.
pub async fn find(database: &Database, user_id: i64, id: &str) -> Result<Option<Workspace>, sqlx::Error> {
    if !is_storable(id) {
        return Ok(None);
    }
    Ok(of(database, user_id).await?.into_iter().find(|workspace| workspace.id == id))
}

/// What the workspace with this id is called; of one that the person has left, only the id is known.
pub fn name_of<'a>(own: &'a [Workspace], id: &'a str) -> &'a str {
    own.iter().find(|workspace| workspace.id == id).map_or(id, |workspace| &workspace.name)
}

/// The people in the workspaces within reach, by name.
pub async fn members(database: &Database, reach: Reach<'_>) -> Result<Vec<User>, sqlx::Error> {
    let rows: Vec<(i64, String, String)> = on_pool!(database, pool => {
        sqlx::query_as(concat!(
            "SELECT id, username, name FROM users WHERE id IN (SELECT user_id FROM memberships WHERE ",
            within_reach!(),
            ") ORDER BY name, id",
        ))
        .bind(reach.user_id())
        .bind(reach.workspace())
        .fetch_all(pool)
    })?;
    Ok(rows.into_iter().map(|(id, username, name)| User { id, username, name }).collect())
}

impl Role {
    fn of(text: &str) -> Self {
        if text == "owner" { Self::Owner } else { Self::Member }
    }
}
