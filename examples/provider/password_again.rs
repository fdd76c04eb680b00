//! The password, typed once more before something is made that outlives the session.

use std::net::IpAddr;

use grantor::clock::{Clock as _, SystemClock, Timestamp};

use super::app::App;
use super::refusal::Refusal;
use super::services::Credentials;
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::{self, User};

/// When `user`, who sent a form from `source`, typed the password of the account into its field `password`; nothing, if
/// the service does not ask for it. The refusal is that it was wrong, or that too many were.
pub async fn check(app: &App, user: &User, source: IpAddr, fields: &Fields) -> Result<Option<Timestamp>, Refusal> {
    if app.service.credentials == Credentials::SignedIn {
        return Ok(None);
    }
    let (site, username) = (&app.site, &user.username);
    site.throttle.begin(username, source).map_err(Problem::too_many)?;
    match users::authenticate(&site.database, username, fields.text("password")).await? {
        Some(_) => {
            site.throttle.succeeded(username, source);
            Ok(Some(SystemClock.now()))
        }
        None => Err("That is not your password. Type it again.".into()),
    }
}
