//! The API tokens that a person issues for programs of their own.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::Arc;

use grantor::PersonalToken;
use grantor::client::Client;
use grantor::clock::{Clock as _, SystemClock};
use grantor::secret::GrantId;
use grantor::store::GrantStatus;

use super::app::App;
use super::grants::{self, Grants, day};
use super::new_token::{last_day, new_token};
use super::refusal::Refusal;
use super::services::{Credentials, Workspaces};
use super::{developers, password_again, scopes, subject};
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::{
    AppChoice, Section, TokenForm, TokenIssuedPage, TokenList, TokenOrigin, TokenRow, TokenStatus, TokensPage,
    WorkspaceChoice, iso_date,
};
use crate::shortener::visitor::Visitor;
use crate::shortener::workspaces;

/// The purpose that the anti-CSRF value of the form for a new token is bound to.
pub const ISSUE: &str = "issue token";
/// The purpose that the anti-CSRF value of the revoke forms is bound to.
pub const REVOKE: &str = "revoke token";
/// The purpose that the anti-CSRF value of the reset forms is bound to.
pub const RESET: &str = "reset token";
/// Where the revoke forms of the page go.
const REVOKE_PATH: &str = "/tokens/revoke";
/// How many tokens of one person may work at the same time.
const MAX_TOKENS: usize = 100;

/// The page: the list, and the form with what was typed.
pub async fn page(app: &App, visitor: &Visitor, user: &User, form: TokenForm) -> Result<TokensPage, Problem> {
    let grants = Grants::of(app, user).await?;
    let places = match app.service.workspaces {
        Workspaces::Chosen => workspaces::of(&app.site.database, user.id).await?,
        Workspaces::Unknown => Vec::new(),
    };
    let chosen = form.workspace.as_deref().or(visitor.workspace());
    let workspaces = WorkspaceChoice::of(&places, chosen);
    let offered = app.service.scopes.iter().map(|(token, _)| *token);
    let apps = developers::own_apps(app, &subject(user)?).await?;
    let choice = |client: &Arc<Client>| AppChoice {
        client_id: client.id().to_string(),
        name: client.display_name().to_owned(),
        chosen: client.id().as_str() == form.app,
    };
    Ok(TokensPage {
        apps: apps.iter().map(choice).collect(),
        layout: visitor.layout("API tokens", Section::Tokens),
        issue_token: visitor.form_token(ISSUE),
        scopes: scopes::choices(app, offered, |token| form.scopes.iter().any(|ticked| ticked == token)),
        all_chosen: !workspaces.iter().any(|workspace| workspace.chosen),
        workspaces,
        today: iso_date(SystemClock.now().unix_seconds()),
        password_again: app.service.credentials == Credentials::PasswordAgain,
        form,
        revoked: false,
        problem: None,
        list: list(app, visitor, &grants, REVOKE_PATH, REVOKE).await?,
    })
}

/// The list, whose revoke forms go to `revoke_path` and are bound to `purpose`.
pub async fn list(
    app: &App,
    visitor: &Visitor,
    grants: &Grants,
    revoke_path: &'static str,
    purpose: &str,
) -> Result<TokenList, Problem> {
    let mut listed: Vec<_> = grants.tokens().collect();
    listed.sort_by_key(|(_, summary)| {
        (grants.status(summary) != GrantStatus::Active, Reverse(summary.grant.created_at), summary.grant.id)
    });
    let mut tokens = Vec::new();
    for (name, summary) in listed {
        let grant = &summary.grant;
        tokens.push(TokenRow {
            grant: grant.id.to_string(),
            name: name.to_owned(),
            app: match &grant.client {
                Some(client) => Some(grants::app_name(&app.server, client).await?),
                None => None,
            },
            scopes: scopes::words(&app.service, &grant.scope),
            place: grants.place(summary),
            created: day(grant.created_at),
            expires: summary.expires_at.map(last_day),
            last_used: summary.last_used_at.map(day),
            status: match grants.status(summary) {
                GrantStatus::Active => TokenStatus::Active,
                GrantStatus::Expired => TokenStatus::Expired,
                GrantStatus::Revoked => TokenStatus::Revoked,
            },
        });
    }
    Ok(TokenList {
        revoke_path,
        revoke_token: visitor.form_token(purpose),
        reset_token: visitor.form_token(RESET),
        password_again: app.service.credentials == Credentials::PasswordAgain,
        tokens,
    })
}

/// The page with a token. It is the answer itself, not what a redirect leads to: the token is known only now.
pub fn issued_page(app: &App, visitor: &Visitor, token: &PersonalToken, origin: TokenOrigin) -> TokenIssuedPage {
    let grant = token.grant();
    TokenIssuedPage {
        layout: visitor.layout("API token", Section::Tokens),
        name: grant.name.as_ref().map(ToString::to_string).unwrap_or_default(),
        origin,
        token: token.token().expose().to_owned(),
        scopes: scopes::words(&app.service, &grant.scope),
        expires: token.expires_at().map(last_day),
    }
}

/// Issues the token that a form describes, which came from `source`.
pub async fn issue(app: &App, user: &User, fields: &Fields, source: IpAddr) -> Result<PersonalToken, Refusal> {
    let new = new_token(app, user, fields).await?;
    let grants = Grants::of(app, user).await?;
    let active = grants.tokens().filter(|(_, summary)| grants.status(summary) == GrantStatus::Active);
    if active.count() >= MAX_TOKENS {
        return Err("You have as many tokens as one person may have. Revoke one first.".into());
    }
    let new = match password_again::check(app, user, source, fields).await? {
        Some(at) => new.with_authenticated_at(at),
        None => new,
    };
    Ok(app.server.issue_personal_token(new).await?)
}

/// Replaces the token that a form names, which came from `source`; the old one stops at once.
pub async fn reset(app: &App, user: &User, fields: &Fields, source: IpAddr) -> Result<PersonalToken, Refusal> {
    let id: GrantId = fields.text("grant").parse().map_err(|_| Problem::not_found())?;
    let proved_at = password_again::check(app, user, source, fields).await?;
    Ok(app.server.reset_personal_token(&subject(user)?, &id, proved_at).await?)
}
