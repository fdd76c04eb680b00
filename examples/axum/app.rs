//! The application: what handlers share, and which address leads to which.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Router, middleware};
use grantor::AuthorizationServer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_sessions::SessionManagerLayer;
use tower_sessions::cookie::SameSite;

use crate::oauth::last_used::LastUsed;
use crate::pages::demo::{self, Demo};
use crate::pages::{assets, connected, developers, home, links, sign_in};
use crate::shortener::database::Database;
use crate::shortener::form;
use crate::shortener::throttle::Throttle;
use crate::web::session_store::Sessions;
use crate::web::{Problem, access_log, headers, problem};
use crate::{api, oauth};

/// What handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// Scheme, host and port under which browsers know the service.
    pub origin: Arc<str>,
    /// The shortener's database.
    pub database: Database,
    /// Slows down who guesses passwords.
    pub throttle: Arc<Throttle>,
    /// The authorization server.
    pub server: AuthorizationServer,
    /// When each grant was last used.
    pub last_used: Arc<LastUsed>,
    /// The demo client.
    pub demo: Arc<Demo>,
}

impl App {
    /// Host and port.
    pub fn authority(&self) -> &str {
        self.origin.split_once("://").map_or(&self.origin, |(_, authority)| authority)
    }

    /// The whole URL of a short link.
    pub fn short_url(&self, slug: &str) -> String {
        format!("{}/{slug}", self.origin)
    }
}

/// Every address of the service.
pub fn router(app: App) -> Router {
    let secure = app.origin.starts_with("https:");
    let sessions = SessionManagerLayer::new(Sessions::new(app.database.clone()))
        // The prefix makes browsers refuse the cookie from anywhere but this very host; it needs https.
        .with_name(if secure { "__Host-snip" } else { "snip" })
        .with_secure(secure)
        .with_http_only(true)
        // Lax, because every authorization request arrives by a link from another site.
        .with_same_site(SameSite::Lax)
        .with_path("/");

    let pages = Router::new()
        .route("/", get(home::show))
        .route("/signin", get(sign_in::show).post(sign_in::submit))
        .route("/signout", post(sign_in::sign_out))
        .route("/links", post(links::create))
        .route("/connected", get(connected::list))
        .route("/connected/revoke", post(connected::revoke))
        .route("/developers", get(developers::list).post(developers::register))
        .route("/developers/delete", post(developers::delete))
        .route("/demo", get(demo::show))
        .route("/demo/connect", post(demo::connect))
        .route("/demo/callback", get(demo::callback))
        .route("/demo/forget", post(demo::forget))
        .merge(oauth::consent::router())
        .layer(sessions)
        .route("/assets/{name}", get(assets::show))
        .route("/{slug}", get(links::follow).head(links::peek))
        .fallback(async || Problem::of_status(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::of_status(StatusCode::METHOD_NOT_ALLOWED))
        .layer(DefaultBodyLimit::max(form::MAX_BODY))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn(problem::show_problems))
        .layer(middleware::from_fn(headers::protect));

    let oauth = oauth::adapter::router(&app.server);
    Router::new()
        // As a service, so that it answers for everything below, whether there is something or not.
        .nest_service("/api/v1", api::router().with_state(app.clone()))
        .merge(oauth)
        .merge(pages)
        .layer(middleware::from_fn(access_log::log_access))
        .with_state(app)
}
