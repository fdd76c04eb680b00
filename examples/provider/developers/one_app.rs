//! The page of one app.

use grantor::client::{Client, ClientAuthentication, ClientSecretSummary};
use grantor::clock::{Clock as _, SystemClock, Timestamp};
use grantor::secret::ClientSecret;

use super::{Action, MANAGE, app_form, details};
use crate::provider::app::App;
use crate::provider::services::{Credentials, Secrets};
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::{AppForm, AppPage, AppSecretPage, SecretRow, Section, date, date_and_time};
use crate::shortener::visitor::Visitor;
use crate::shortener::workspaces;

/// The page of the app that `fields` name; `form` is what was typed, if it has to be typed again.
pub async fn page(
    app: &App,
    visitor: &Visitor,
    owner: &User,
    fields: &Fields,
    form: Option<AppForm>,
) -> Result<AppPage, Problem> {
    let client = super::manage::own(app, owner, fields).await?;
    let workspaces = workspaces::of(&app.site.database, owner.id).await?;
    Ok(AppPage {
        token_path: super::token_path(client.id()),
        can_be_secure: app.service.secrets == Secrets::Offered || !client.is_public(),
        layout: visitor.layout(client.display_name(), Section::Developers),
        manage_token: visitor.form_token(MANAGE),
        done: fields.get("done").and_then(Action::parse).and_then(|action| done(action, &client)),
        impossible: None,
        app: details(app, &client, &workspaces),
        secrets: secrets(&client),
        password: app.service.credentials == Credentials::PasswordAgain,
        fields: app_form::for_a_known_app(&app.service),
        form: form.unwrap_or_else(|| app_form::of(&client)),
    })
}

/// The page that shows a new secret, the only one that ever does; `before` says what became of the one before.
pub async fn secret_page(
    app: &App,
    visitor: &Visitor,
    owner: &User,
    fields: &Fields,
    secret: &ClientSecret,
    before: &'static str,
) -> Result<AppSecretPage, Problem> {
    let client = super::manage::own(app, owner, fields).await?;
    Ok(AppSecretPage {
        layout: visitor.layout("New secret", Section::Developers),
        path: super::path(client.id()),
        name: client.display_name().to_owned(),
        secret: secret.expose().to_owned(),
        before,
    })
}

/// What was just done, if it is so: whoever follows a link to this page has done nothing for that.
fn done(action: Action, client: &Client) -> Option<&'static str> {
    let one_secret = secrets(client).iter().filter(|secret| secret.live).count() == 1;
    match action {
        Action::Edit => Some("Saved."),
        Action::Secure if client.is_public() => Some("It is no secure application now, and has no secret any more."),
        Action::EndSecret if one_secret => Some("The secret before the present one no longer works."),
        _ => None,
    }
}

fn secrets(client: &Client) -> Vec<SecretRow> {
    let ClientAuthentication::Secret(authentication) = client.authentication() else { return Vec::new() };
    let now = SystemClock.now();
    authentication.secrets().enumerate().map(|(at, secret)| row(&secret, at, now)).collect()
}

fn row(secret: &ClientSecretSummary, at: usize, now: Timestamp) -> SecretRow {
    let day = |at: Timestamp| date(at.unix_seconds());
    SecretRow {
        name: secret.id.to_string(),
        created: secret.created_at.map(day),
        expires: secret.expires_at.map(|at| date_and_time(at.unix_seconds())),
        last_used: secret.last_used_at.map(day),
        live: secret.is_live(now),
        previous: at > 0,
    }
}
