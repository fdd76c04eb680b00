//! Forms as they arrive.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;

use super::Problem;
use crate::app::App;
use crate::shortener::form::Fields;

/// The fields of a form, and whether a page of ours sent it.
#[derive(Debug)]
pub struct Form {
    /// What was filled in.
    pub fields: Fields,
    body: Bytes,
    foreign: bool,
}

impl Form {
    /// Refuses a form that another site's page sent.
    pub fn require_own(&self) -> Result<(), Problem> {
        if self.foreign { Err(Problem::out_of_date()) } else { Ok(()) }
    }

    /// The form as it would be sent by GET, byte for byte.
    pub fn as_query(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok().filter(|query| query.bytes().all(|byte| byte.is_ascii_graphic()))
    }
}

impl FromRequest<App> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let foreign = is_foreign(request.headers(), app);
        let body = Bytes::from_request(request, app)
            .await
            .map_err(|rejection| Problem::of_status(rejection.into_response().status()))?;
        Ok(Self { fields: Fields::parse(&body), body, foreign })
    }
}

/// Whether the browser says that another site's page sent this. It says nothing, or `null`, in cases that are in order;
/// then the form's anti-CSRF value alone decides.
pub fn is_foreign(headers: &HeaderMap, app: &App) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(HeaderName::from_static("sec-fetch-site")) == Some("cross-site") {
        return true;
    }
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let Ok(origin) = origin.to_str() else { return true };
    // Behind a proxy the host is the proxy's to tell, and on a developer's machine it may be `localhost`.
    let own_host = text(HOST).is_some_and(|host| origin.split_once("://").is_some_and(|(_, origin)| origin == host));
    !(origin == "null" || origin == &*app.origin || own_host)
}
