//! The API tokens that a person issued.

use askama::Template;

use super::{Layout, ScopeChoice, WorkspaceChoice};

/// The list of tokens, and the form for another one.
#[derive(Debug, Template)]
#[template(path = "tokens.html", config = "examples/shortener/askama.toml")]
pub struct TokensPage {
    /// The frame.
    pub layout: Layout,
    /// The anti-CSRF value of the form for a new token.
    pub issue_token: String,
    /// What it may be allowed to do.
    pub scopes: Vec<ScopeChoice>,
    /// The workspaces that it may be for.
    pub workspaces: Vec<WorkspaceChoice>,
    /// Whether all of them are chosen at first.
    pub all_chosen: bool,
    /// The first day on which a token may end.
    pub today: String,
    /// Whether the password has to be typed again.
    pub password_again: bool,
    /// What was typed, if it has to be typed again.
    pub form: TokenForm,
    /// The person's apps, which it may be for.
    pub apps: Vec<AppChoice>,
    /// Whether a token was just revoked.
    pub revoked: bool,
    /// Why a form of the list was not carried out.
    pub problem: Option<String>,
    /// The tokens.
    pub list: TokenList,
}

/// One app that a token may be for.
#[derive(Debug)]
pub struct AppChoice {
    /// What the form sends.
    pub client_id: String,
    /// What the app is called.
    pub name: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The page with a new token; the only one that ever shows it.
#[derive(Debug, Template)]
#[template(path = "token_issued.html", config = "examples/shortener/askama.toml")]
pub struct TokenIssuedPage {
    /// The frame.
    pub layout: Layout,
    /// What the person calls it.
    pub name: String,
    /// Whether it is the first of its name.
    pub origin: TokenOrigin,
    /// The token.
    pub token: String,
    /// What it may do, in words.
    pub scopes: Vec<String>,
    /// The last day on which it works, if it ends by itself.
    pub expires: Option<String>,
}

/// Where a new token comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenOrigin {
    /// The form for a new one.
    Issued,
    /// It replaces one, which stopped.
    Reset,
}

/// The list of tokens, on whichever page it is.
#[derive(Debug)]
pub struct TokenList {
    /// Where the revoke forms go.
    pub revoke_path: &'static str,
    /// The anti-CSRF value of the revoke forms.
    pub revoke_token: String,
    /// The anti-CSRF value of the reset forms.
    pub reset_token: String,
    /// Whether the password has to be typed again to reset one.
    pub password_again: bool,
    /// The tokens.
    pub tokens: Vec<TokenRow>,
}

/// One token in the list.
#[derive(Debug)]
pub struct TokenRow {
    /// What the forms send.
    pub grant: String,
    /// What the person calls it.
    pub name: String,
    /// What the app is called that it is for, if it is for one.
    pub app: Option<String>,
    /// What it may do, in words.
    pub scopes: Vec<String>,
    /// Where it may do that.
    pub place: Option<String>,
    /// When it was issued.
    pub created: String,
    /// The last day on which it works, if it ends by itself.
    pub expires: Option<String>,
    /// When it was last used, if it ever was.
    pub last_used: Option<String>,
    /// Whether it works.
    pub status: TokenStatus,
}

/// Whether a token works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenStatus {
    /// It does.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

/// The form for a new token, as it was typed.
#[derive(Debug, Default)]
pub struct TokenForm {
    /// The identifier of the app that it is for; empty is a program that is no app.
    pub app: String,
    /// What the token is to be called.
    pub name: String,
    /// The scope tokens that are ticked.
    pub scopes: Vec<String>,
    /// The workspace that is chosen; empty is all of them, and none is whatever the page begins with.
    pub workspace: Option<String>,
    /// The last day on which it is to work.
    pub expires: String,
    /// Why the form was not accepted.
    pub problem: Option<String>,
}
