//! Making links, and following them.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::response::{IntoResponse as _, Response};

use super::home::{self, Entry};
use crate::app::App;
use crate::shortener::links::{self, CreateError};
use crate::web::{Form, Problem, SignedIn, see_other};

/// The purpose that the form's anti-CSRF value is bound to.
pub const CREATE: &str = "create link";

/// `POST /links`
pub async fn create(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Problem> {
    signed_in.visitor.require_own(&form, CREATE)?;
    let url = form.fields.text("url");
    match links::create(&app.database, signed_in.user.id, url).await {
        Ok(link) => Ok(see_other(&format!("/?created={}", link.slug))),
        Err(CreateError::Database(error)) => Err(error.into()),
        Err(CreateError::Refused(why)) => {
            let entry = Entry { created: None, typed_url: url.to_owned(), problem: Some(why.to_owned()) };
            let page = home::dashboard(&app, &signed_in.visitor, &signed_in.user, entry).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

/// `GET /{slug}`
pub async fn follow(State(app): State<App>, Path(slug): Path<String>) -> Result<Response, Problem> {
    redirect(links::follow(&app.database, &slug).await?)
}

/// `HEAD /{slug}`: who only asks where a link leads, such as a chat that shows a preview, is not a visit.
pub async fn peek(State(app): State<App>, Path(slug): Path<String>) -> Result<Response, Problem> {
    redirect(links::find(&app.database, &slug).await?)
}

fn redirect(url: Option<String>) -> Result<Response, Problem> {
    let url = url.ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))?;
    // Not cached, or visits would go uncounted.
    Ok((StatusCode::FOUND, [(LOCATION, url), (CACHE_CONTROL, "no-store".to_owned())]).into_response())
}
