//! Which address leads to which handler.

use std::collections::BTreeSet;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use crate::pages::{app_store, assets, connected, demo, developers, home, links, sign_in, tokens};
use crate::provider::app::App;
use crate::shortener::form;
use crate::shortener::problem::Problem;
use crate::web::{access_log, headers, problem};
use crate::{api, oauth};

/// Every address of the service.
pub fn router(app: App) -> Router {
    let mut pages = Router::new();
    for path in BTreeSet::from([sign_in::PATH, app.service.sign_in_path]) {
        pages = pages.route(path, get(sign_in::show).post(sign_in::submit));
    }
    let pages = pages
        .route("/", get(home::show))
        .route("/signout", post(sign_in::sign_out))
        .route("/links", post(links::create))
        .route("/workspace", post(links::switch))
        .route("/connected", get(connected::list))
        .route("/connected/revoke", post(connected::revoke))
        .route("/tokens", get(tokens::list).post(tokens::issue))
        .route("/tokens/revoke", post(tokens::revoke))
        .route("/tokens/reset", post(tokens::reset))
        .route("/developers", get(developers::list).post(developers::register))
        .route("/developers/app", get(developers::one))
        .route("/developers/{action}", post(developers::manage))
        .route("/apps", get(app_store::list))
        .route("/apps/install", post(app_store::install))
        .route("/demo", get(demo::show))
        .route("/demo/connect", post(demo::connect))
        .route("/demo/install", get(demo::install))
        .route("/demo/callback", get(demo::callback))
        .route("/demo/forget", post(demo::forget))
        .merge(oauth::consent::router(app.service.paths.authorize()))
        .route("/assets/{name}", get(assets::show))
        .route("/{slug}", get(links::follow).head(links::peek))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::max(form::MAX_BODY))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(app.clone(), problem::show_problems))
        .layer(middleware::from_fn(headers::protect));

    let oauth = oauth::adapter::router(&app.server).merge(oauth::mcp::router(app.mcp.as_ref()));
    Router::new()
        // As a service, so that it answers for everything below, whether there is something or not.
        .nest_service(app.service.api_prefix, api::router(&app.service).with_state(app.clone()))
        .merge(oauth)
        .merge(pages)
        .layer(middleware::from_fn(access_log::log_access))
        .with_state(app)
}
