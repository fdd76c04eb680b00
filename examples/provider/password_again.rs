//! The password, typed once more before something is made that outlives the session.

use std::net::IpAddr;

use grantor::clock::{Clock as _, SystemClock, Timestamp};

use super::app::App;
use super::services::Credentials;
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::{self, User};

/// What a form says of who sent it.
#[derive(Clone, Copy, Debug)]
pub enum Proof {
    /// The service does not ask.
    NotAsked,
    /// The password was typed at this instant.
    At(Timestamp),
    /// What was typed is not the password.
    Wrong,
}

/// What to say where the password is wrong.
pub const WRONG: &str = "That is not your password. Type it again.";

/// Checks the field `password` of a form that `user` sent from `source`, if the service asks for it. The error is that too
/// many were wrong.
pub async fn check(app: &App, user: &User, source: IpAddr, fields: &Fields) -> Result<Proof, Problem> {
    if app.service.credentials == Credentials::SignedIn {
        return Ok(Proof::NotAsked);
    }
    let (site, username) = (&app.site, &user.username);
    site.throttle.begin(username, source).map_err(Problem::too_many)?;
    match users::authenticate(&site.database, username, fields.text("password")).await? {
        Some(_) => {
            site.throttle.succeeded(username, source);
            Ok(Proof::At(SystemClock.now()))
        }
        None => Ok(Proof::Wrong),
    }
}
