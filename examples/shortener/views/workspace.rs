//! Workspaces to choose from.

use crate::shortener::workspaces::Workspace;

/// One workspace that a person may choose.
#[derive(Debug)]
pub struct WorkspaceChoice {
    /// What a form sends.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Whether it is chosen now.
    pub chosen: bool,
}

impl WorkspaceChoice {
    /// `workspaces`, with the one called `chosen` chosen.
    pub fn of(workspaces: &[Workspace], chosen: Option<&str>) -> Vec<Self> {
        let choice = |workspace: &Workspace| Self {
            id: workspace.id.clone(),
            name: workspace.name.clone(),
            chosen: chosen == Some(workspace.id.as_str()),
        };
        workspaces.iter().map(choice).collect()
    }
}
