//! Scopes to choose from.

/// One scope that a person may leave out.
#[derive(Debug)]
pub struct ScopeChoice {
    /// The scope token.
    pub token: String,
    /// What it allows, in words.
    pub words: String,
    /// What comes with it, in words.
    pub includes: Vec<String>,
    /// Whether it is ticked.
    pub chosen: bool,
}
