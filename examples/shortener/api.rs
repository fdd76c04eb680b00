//! What the shortener's API answers.

use std::fmt;

use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

use super::links::{CreateError, Link, Stats};
use super::site::Site;
use super::users::{self, User};
use super::views::timestamp;
use super::workspaces::{self, Reach, Workspace};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 8 * 1024;

/// An error for programs: status, code, and a sentence for the developer.
#[derive(Debug)]
pub struct Refusal(StatusCode, &'static str, &'static str);

impl Refusal {
    /// There is no such resource.
    pub const NOT_FOUND: Self = Self(StatusCode::NOT_FOUND, "not_found", "There is no such resource.");
    /// The resource does not answer the method.
    pub const METHOD_NOT_ALLOWED: Self =
        Self(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This resource does not answer that method.");
    /// What the answer is made of cannot be read at the moment.
    pub const UNAVAILABLE: Self =
        Self(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "The data cannot be reached at the moment.");
    const NOBODY: Self =
        Self(StatusCode::FORBIDDEN, "user_required", "The token does not act for a user, so it has no links.");

    const NO_MEMBER: Self = Self(
        StatusCode::FORBIDDEN,
        "workspace_forbidden",
        "The token is confined to a workspace of which its user is no longer a member.",
    );

    /// The body could not be read, for the reason that the status tells.
    pub const fn of_body(status: StatusCode) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Self(status, "invalid_request", "The body is larger than 8 KiB."),
            _ => Self(status, "invalid_request", "The body could not be read."),
        }
    }

    /// The body can be read, but what it says cannot be done.
    pub const fn invalid(why: &'static str) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", why)
    }

    /// The same of a body that can be read.
    pub const fn into_invalid(self) -> Self {
        Self::invalid(self.2)
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.0
    }

    /// When another attempt makes sense, in seconds.
    pub fn retry_after(&self) -> Option<u64> {
        (self.0 == StatusCode::SERVICE_UNAVAILABLE).then_some(5)
    }

    /// The body of the answer.
    pub fn json(&self) -> Value {
        json!({ "error": self.1, "error_description": self.2 })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.1, self.2)
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self::UNAVAILABLE
    }
}

impl From<CreateError> for Refusal {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Refused(why) => Self(StatusCode::BAD_REQUEST, "invalid_url", why),
            CreateError::Nobody => Self::NOBODY,
            CreateError::Database(error) => error.into(),
        }
    }
}

/// Whose links a call is about. One that no user asked for is about nobody's.
pub async fn owner(site: &Site, user_id: Option<i64>) -> Result<User, Refusal> {
    let Some(id) = user_id else { return Err(Refusal::NOBODY) };
    users::find(&site.database, id).await?.ok_or(Refusal::NOBODY)
}

/// Which links a call is about: those of the workspace that the token is confined to, or all of its user's. A token
/// without either is about nobody's.
pub async fn reach<'a>(site: &Site, user_id: Option<i64>, tenant: Option<&'a str>) -> Result<Reach<'a>, Refusal> {
    match (user_id, tenant) {
        (None, Some(workspace)) => Ok(Reach::of_workspace(workspace)),
        (user_id, tenant) => {
            let user = owner(site, user_id).await?;
            match tenant {
                Some(id) if workspaces::find(&site.database, user.id, id).await?.is_none() => Err(Refusal::NO_MEMBER),
                workspace => Ok(Reach::within(user.id, workspace)),
            }
        }
    }
}

/// A user.
pub fn user_json(user: &User) -> Value {
    json!({ "username": user.username, "name": user.name })
}

/// A user with their workspaces.
pub fn account_json(user: &User, workspaces: &[Workspace]) -> Value {
    let workspaces: Vec<Value> =
        workspaces.iter().map(|workspace| json!({ "id": workspace.id, "name": workspace.name })).collect();
    json!({ "user": user_json(user), "workspaces": workspaces })
}

/// People, with what to tell them apart by.
pub fn people_json(people: &[User]) -> Vec<Value> {
    let person = |user: &User| json!({ "id": user.id, "username": user.username, "name": user.name });
    people.iter().map(person).collect()
}

/// A link.
pub fn link_json(site: &Site, link: &Link) -> Value {
    json!({
        "slug": link.slug,
        "url": link.url,
        "short_url": site.short_url(&link.slug),
        "visits": link.visits,
        "created_at": timestamp(link.created_at),
        "workspace": link.workspace,
    })
}

/// A user's links.
pub fn links_json(site: &Site, links: &[Link]) -> Value {
    let links: Vec<Value> = links.iter().map(|link| link_json(site, link)).collect();
    json!({ "links": links })
}

/// The same links, as a list of data.
pub fn short_urls_json(site: &Site, links: &[Link]) -> Value {
    let links: Vec<Value> = links.iter().map(|link| link_json(site, link)).collect();
    json!({ "data": links })
}

/// Links in numbers.
pub fn stats_json(stats: Stats) -> Value {
    json!({ "links": stats.links, "visits": stats.visits })
}

/// Refuses a body that does not call itself JSON, before it is read.
pub fn check_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", "The body has to be application/json."))
}

/// Reads a body.
pub fn parse_json(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body)
        .map_err(|_| Refusal(StatusCode::BAD_REQUEST, "invalid_request", "The body is not JSON."))
}

/// The address in the body of a new link.
pub fn url_in(body: &Value) -> Result<&str, Refusal> {
    let none = Refusal(StatusCode::BAD_REQUEST, "invalid_request", "The body has no text member url.");
    body.get("url").and_then(Value::as_str).ok_or(none)
}
