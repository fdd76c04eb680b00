//! The password again, before a person makes what outlives their session.

use std::net::IpAddr;

use grantor::clock::{Clock as _, SystemClock, Timestamp};

use super::app::App;
use super::refused::Refused;
use super::services::Credentials;
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::{self, User};

/// When the person proved who they are, by the `password` of a form that came from `source`; nothing, if the service does
/// not ask.
///
/// Who guesses is slowed down as on the sign-in page: the cookie of a session is no way around.
pub async fn password_again(
    app: &App,
    user: &User,
    fields: &Fields,
    source: IpAddr,
) -> Result<Option<Timestamp>, Refused> {
    if app.service.credentials == Credentials::SignedIn {
        return Ok(None);
    }
    let password = fields.text("password");
    if password.is_empty() {
        return Err("Type the password of your account, too.".into());
    }
    let site = &app.site;
    site.throttle.begin(&user.username, source).map_err(Problem::too_many)?;
    let known = users::authenticate(&site.database, &user.username, password).await?;
    if known.is_none_or(|known| known.id != user.id) {
        return Err("That is not the password of your account.".into());
    }
    site.throttle.succeeded(&user.username, source);
    Ok(Some(SystemClock.now()))
}
