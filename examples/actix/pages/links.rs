//! Making links, and following them.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Data, Path};

use crate::provider::app::App;
use crate::shortener::dashboard::{self, CREATE, Entry, SWITCH};
use crate::shortener::form::Form;
use crate::shortener::links::{self, CreateError};
use crate::shortener::problem::Problem;
use crate::shortener::workspaces;
use crate::web::{SignedIn, refused, see_other};

/// `POST /links`
pub async fn create(app: Data<App>, signed_in: SignedIn, form: Result<Form, Problem>) -> Result<HttpResponse, Problem> {
    let form = form?;
    signed_in.visitor.require_own(&form, CREATE)?;
    let url = form.fields.text("url");
    let workspaces = workspaces::of(&app.site.database, signed_in.user.id).await?;
    let reach = dashboard::reach(&signed_in.visitor, &signed_in.user, &workspaces);
    match links::create(&app.site.database, reach, url).await {
        Ok(link) => Ok(see_other(&format!("/?created={}", link.slug))),
        Err(CreateError::Database(error)) => Err(error.into()),
        Err(CreateError::Nobody) => Err(Problem::internal()),
        Err(CreateError::Refused(why)) => {
            let entry = Entry { created: None, typed_url: url.to_owned(), problem: Some(why.to_owned()) };
            refused(&dashboard::page(&app.site, &signed_in.visitor, &signed_in.user, entry).await?)
        }
    }
}

/// `POST /workspace`: which links the front page shows.
pub async fn switch(app: Data<App>, signed_in: SignedIn, form: Result<Form, Problem>) -> Result<HttpResponse, Problem> {
    let form = form?;
    signed_in.visitor.require_own(&form, SWITCH)?;
    dashboard::switch(&app.site, &signed_in.visitor, &signed_in.user, form.fields.text("workspace")).await?;
    Ok(see_other("/"))
}

/// `GET /{slug}`
pub async fn follow(app: Data<App>, slug: Path<String>) -> Result<HttpResponse, Problem> {
    redirect(links::follow(&app.site.database, &slug).await?)
}

/// `HEAD /{slug}`: who only asks where a link leads, such as a chat that shows a preview, is not a visit.
pub async fn peek(app: Data<App>, slug: Path<String>) -> Result<HttpResponse, Problem> {
    redirect(links::find(&app.site.database, &slug).await?)
}

fn redirect(url: Option<String>) -> Result<HttpResponse, Problem> {
    let url = url.ok_or_else(Problem::not_found)?;
    // Not cached, or visits would go uncounted.
    let mut response = HttpResponse::Found();
    response.insert_header((LOCATION, url)).insert_header((CACHE_CONTROL, "no-store"));
    Ok(response.finish())
}
