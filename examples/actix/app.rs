//! Which address leads to which handler.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, PayloadConfig, ServiceConfig};

use crate::pages::{app_store, assets, connected, demo, developers, home, links, sign_in, tokens};
use crate::provider::app::App;
use crate::shortener::form;
use crate::shortener::problem::Problem;
use crate::web::methods::{any_page, page};
use crate::web::{headers, problem};
use crate::{api, oauth};

/// Every address of the service.
pub fn configure(app: App, config: &mut ServiceConfig) {
    let mut pages = web::scope("");
    for path in BTreeSet::from([sign_in::PATH, app.service.sign_in_path]) {
        pages = pages.service(page(path).get(sign_in::show).post(sign_in::submit));
    }
    let pages = pages
        .service(page("/").get(home::show))
        .service(page("/signout").post(sign_in::sign_out))
        .service(page("/links").post(links::create))
        .service(page("/workspace").post(links::switch))
        .service(page("/connected").get(connected::list))
        .service(page("/connected/revoke").post(connected::revoke))
        .service(page("/tokens").get(tokens::list).post(tokens::issue))
        .service(page("/tokens/revoke").post(tokens::revoke))
        .service(page("/tokens/reset").post(tokens::reset))
        .service(page("/developers").get(developers::list).post(developers::register))
        .service(page("/developers/app").get(developers::one))
        .service(page("/developers/{action}").post(developers::manage))
        .service(page("/apps").get(app_store::list))
        .service(page("/apps/install").post(app_store::install))
        .service(page("/demo").get(demo::show))
        .service(page("/demo/connect").post(demo::connect))
        .service(page("/demo/install").get(demo::install))
        .service(page("/demo/callback").get(demo::callback))
        .service(page("/demo/forget").post(demo::forget))
        .service(oauth::consent::service(app.service.paths.authorize()))
        .service(any_page("/assets/{name}").get(assets::show))
        .service(any_page("/{slug}").head(links::peek).get(links::follow))
        .default_service(web::to(async || HttpResponse::from_error(Problem::not_found())))
        .app_data(PayloadConfig::new(form::MAX_BODY))
        .wrap(from_fn(problem::show_problems))
        .wrap(from_fn(headers::protect));

    oauth::adapter::configure(&app.server, config);
    oauth::mcp::configure(app.mcp.as_ref(), config);
    let api = api::scope(&app.service);
    config.app_data(Data::new(app)).service(api).service(pages);
}
