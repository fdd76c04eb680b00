//! The form for a new API token: what was typed, and what it says.

use std::time::Duration;

use grantor::clock::{Clock as _, SystemClock, Timestamp};
use grantor::identifier::Name;
use grantor::{NewPersonalToken, Scope};
use time::{Date, Month};

use super::app::App;
use super::developers::own_app;
use super::refusal::Refusal;
use super::subject;
use super::workspace_field::chosen_workspace;
use crate::shortener::form::Fields;
use crate::shortener::users::User;
use crate::shortener::views::{TokenForm, date};

/// Said of a scope that is missing, or does not exist.
const NO_SCOPE: &str = "Choose from the list what the token may do.";
/// Said of an end that has come already.
const PAST: &str = "That day is over. Choose the last day on which the token shall work, or none.";
const NO_NAME: &str = "Give the token a name by which you know it again: a short one, without control characters.";
const NO_DATE: &str =
    "Write the last day as year, month and day, such as 2030-12-31; or nothing, for a token without end.";

/// What was typed, to be shown again because of `problem`. The password is not part of it.
pub fn typed(fields: &Fields, problem: String) -> TokenForm {
    TokenForm {
        app: fields.text("app").to_owned(),
        name: fields.text("name").to_owned(),
        scopes: fields.all("scope").map(str::to_owned).collect(),
        workspace: fields.get("workspace").map(str::to_owned),
        expires: fields.text("expires").to_owned(),
        problem: Some(problem),
    }
}

/// What the form describes.
pub async fn new_token(app: &App, user: &User, fields: &Fields) -> Result<NewPersonalToken, Refusal> {
    let name = Name::parse(fields.text("name").trim()).map_err(|_| NO_NAME)?;
    let ticked = fields.all("scope").collect::<Vec<_>>().join(" ");
    let scope = Scope::parse(&ticked).map_err(|_| NO_SCOPE)?;
    let offered = |token: &str| app.service.scopes.iter().any(|(known, _)| *known == token);
    if scope.is_empty() || !scope.tokens().all(offered) {
        return Err(NO_SCOPE.into());
    }
    let mut new = NewPersonalToken::new(subject(user)?, name, scope);
    if let Some(tenant) = chosen_workspace(app, user, fields).await? {
        new = new.with_tenant(tenant);
    }
    match fields.text("app") {
        "" => {}
        id => new = new.for_client(own_app(app, user, id).await?.id().clone()),
    }
    match fields.text("expires").trim() {
        "" => Ok(new),
        day => {
            let end = end_of(day).ok_or(NO_DATE)?;
            if end <= SystemClock.now() { Err(PAST.into()) } else { Ok(new.with_expiry(end)) }
        }
    }
}

/// When a day ends that is written `YYYY-MM-DD`, in UTC.
fn end_of(day: &str) -> Option<Timestamp> {
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let (year, rest) = day.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let day = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    Some(day.next_day()?.midnight().assume_utc().into())
}

/// The last day on which something works that ends at this instant, in words.
pub fn last_day(end: Timestamp) -> String {
    date(end.saturating_sub(Duration::from_millis(1)).unix_seconds())
}
