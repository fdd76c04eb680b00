//! Sessions in the shortener's own database, so that a restart signs nobody out.

use std::fmt;

use cookie::{Cookie, SameSite, time::Duration};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::database::{Database, on_pool};
use super::random;
use super::users::{self, User};

/// How long a person stays signed in without doing anything, in seconds.
const SIGNED_IN: i64 = 7 * 24 * 60 * 60;
/// How long the sign-in form may be left open, in seconds.
const ANONYMOUS: i64 = 30 * 60;
/// A use is written down once this part of the time is gone: most requests only read.
const WRITE_AFTER: i64 = 10;
/// The longest that browsers keep a cookie. When a session ends is for the table to say.
const COOKIE_LIFETIME: Duration = Duration::days(400);

/// The sessions of all browsers: the table, and the cookie.
#[derive(Clone, Debug)]
pub struct Sessions {
    database: Database,
    secure: bool,
}

/// What one browser holds by its cookie.
#[derive(Clone)]
pub struct Session {
    token: String,
    /// Who signed in with it.
    pub user: Option<User>,
    /// The page for which they did.
    pub signed_in_for: Option<String>,
    /// The workspace that they chose to see; none is all of them.
    pub workspace: Option<String>,
}

/// Whose a new session is.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// Anybody's.
    Anonymous,
    /// Somebody's who just proved who they are, on the way to a page.
    SignedIn(&'a User, &'a str),
}

/// What the table keeps of a session. The secret is not among it.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Data {
    user: Option<i64>,
    signed_in_for: Option<String>,
    workspace: Option<String>,
}

impl Session {
    /// What only this session knows. It is made of the cookie's value, so it changes with it, and is stored nowhere.
    pub fn secret(&self) -> [u8; 32] {
        Sha256::new().chain_update("secret\0").chain_update(&self.token).finalize().into()
    }

    fn data(&self) -> Result<String, sqlx::Error> {
        let data = Data {
            user: self.user.as_ref().map(|user| user.id),
            signed_in_for: self.signed_in_for.clone(),
            workspace: self.workspace.clone(),
        };
        serde_json::to_string(&data).map_err(|error| sqlx::Error::Encode(error.into()))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Keeps sessions in `database`, for a service that browsers know as `origin`.
    pub fn new(database: Database, origin: &str) -> Self {
        Self { database, secure: origin.starts_with("https:") }
    }

    /// The session of the browser that sent these headers.
    pub async fn find(&self, headers: &HeaderMap) -> Result<Option<Session>, sqlx::Error> {
        let Some(token) = cookie_in(headers, self.cookie_name()) else { return Ok(None) };
        let now = now();
        let row: Option<(String, i64)> = on_pool!(&self.database, pool => {
            sqlx::query_as("SELECT data, expires_at FROM sessions WHERE key = $1 AND expires_at > $2")
                .bind(key(&token))
                .bind(now)
                .fetch_optional(pool)
        })?;
        let Some((data, expires_at)) = row else { return Ok(None) };
        let data: Data = serde_json::from_str(&data).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let lifetime = if data.user.is_some() { SIGNED_IN } else { ANONYMOUS };
        if expires_at - now < lifetime - lifetime / WRITE_AFTER {
            self.extend(&token, now + lifetime).await;
        }
        let user = match data.user {
            Some(id) => users::find(&self.database, id).await?,
            None => None,
        };
        Ok(Some(Session { token, user, signed_in_for: data.signed_in_for, workspace: data.workspace }))
    }

    /// Leaves a session that was ended meanwhile as it is: ended. A person who only reads need not know that this
    /// failed.
    async fn extend(&self, token: &str, expires_at: i64) {
        let extended = on_pool!(&self.database, pool => async {
            sqlx::query("UPDATE sessions SET expires_at = $1 WHERE key = $2")
                .bind(expires_at)
                .bind(key(token))
                .execute(pool)
                .await
                .map(|_| ())
        });
        if let Err(error) = extended {
            tracing::warn!(%error, "a session was not extended");
        }
    }

    /// Begins a session under a value that nobody had before, in place of `old`, which ends for every holder of its
    /// cookie.
    pub async fn begin(&self, old: Option<&Session>, holder: Holder<'_>) -> Result<Session, sqlx::Error> {
        let (lifetime, user, signed_in_for) = match holder {
            Holder::Anonymous => (ANONYMOUS, None, None),
            Holder::SignedIn(user, wanted) => (SIGNED_IN, Some(user.clone()), Some(wanted.to_owned())),
        };
        let session = Session { token: random::token(), user, signed_in_for, workspace: None };
        let data = session.data()?;
        on_pool!(&self.database, pool => async {
            let mut transaction = pool.begin().await?;
            if let Some(old) = old {
                let delete = sqlx::query("DELETE FROM sessions WHERE key = $1").bind(key(&old.token));
                delete.execute(&mut *transaction).await?;
            }
            sqlx::query("INSERT INTO sessions (key, data, expires_at) VALUES ($1, $2, $3)")
                .bind(key(&session.token))
                .bind(data)
                .bind(now() + lifetime)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await
        })?;
        Ok(session)
    }

    /// Remembers which workspace the person wants to see; none is all of them.
    pub async fn choose_workspace(&self, session: &Session, workspace: Option<String>) -> Result<(), sqlx::Error> {
        let session = Session { workspace, ..session.clone() };
        let data = session.data()?;
        on_pool!(&self.database, pool => async {
            let update = sqlx::query("UPDATE sessions SET data = $1 WHERE key = $2").bind(data);
            update.bind(key(&session.token)).execute(pool).await.map(|_| ())
        })
    }

    /// The `Set-Cookie` that gives a browser this session.
    pub fn cookie(&self, session: &Session) -> String {
        let cookie = Cookie::build((self.cookie_name(), session.token.as_str()))
            .http_only(true)
            // Lax, because every authorization request arrives by a link from another site.
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .path("/")
            .max_age(COOKIE_LIFETIME);
        cookie.to_string()
    }

    /// The prefix makes browsers refuse the cookie from anywhere but this very host; it needs https.
    const fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-snip" } else { "snip" }
    }

    /// Deletes sessions that nobody can use any more.
    pub async fn purge(&self) -> Result<(), sqlx::Error> {
        on_pool!(&self.database, pool => async {
            sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now()).execute(pool).await.map(|_| ())
        })
    }
}

/// The value of the cookie called `name`.
pub fn cookie_in(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(http::header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

fn key(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the crate's rule: what it tests has its time injected, and this is no part of it"
)]
fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}
