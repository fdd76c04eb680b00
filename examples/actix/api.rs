//! The shortener's API: what an access token opens.

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data, Json, PayloadConfig};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use crate::oauth::access::Access;
use crate::provider::app::App;
use crate::provider::demand::{AnyScope, LinksDelete, LinksRead, LinksWrite, StatsRead};
use crate::shortener::api::{self, MAX_BODY, Refusal};
use crate::shortener::links;
use crate::web::convert;
use crate::web::methods::resource;

/// What is below `/api/v1`. Any web site may call it with a token, because no cookie counts here.
pub fn scope() -> impl HttpServiceFactory {
    // Any method and header: actix-cors would answer a preflight for others with a bare 400. The resources know what they do.
    let cors = Cors::default()
        .allow_any_origin()
        .send_wildcard()
        .allow_any_method()
        .allow_any_header()
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER]);
    web::scope("/api/v1")
        .service(resource("/me").get(me))
        .service(resource("/links").get(list).post(create).delete(delete_all))
        .service(resource("/stats").get(stats))
        .default_service(web::to(async || HttpResponse::from_error(Refusal::NOT_FOUND)))
        .app_data(PayloadConfig::new(MAX_BODY))
        .wrap(from_fn(keep_private))
        .wrap(cors)
}

async fn keep_private(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    if !response.headers().contains_key(CACHE_CONTROL) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

async fn me(app: Data<App>, access: Access<AnyScope>) -> Result<Json<Value>, Refusal> {
    Ok(Json(match access.user_id() {
        None => json!({ "client_id": access.client_id() }),
        Some(id) => api::user_json(&api::owner(&app.site, Some(id)).await?),
    }))
}

async fn list(app: Data<App>, access: Access<LinksRead>) -> Result<Json<Value>, Refusal> {
    let user = api::owner(&app.site, access.user_id()).await?;
    let reach = api::reach(&app.site, &user, access.workspace()).await?;
    let links = links::list(&app.site.database, reach).await?;
    Ok(Json(api::links_json(&app.site, &links)))
}

async fn create(
    app: Data<App>,
    access: Access<LinksWrite>,
    body: Result<JsonBody, Refusal>,
) -> Result<HttpResponse, Refusal> {
    let body = body?;
    let user = api::owner(&app.site, access.user_id()).await?;
    let reach = api::reach(&app.site, &user, access.workspace()).await?;
    let link = links::create(&app.site.database, reach, api::url_in(&body.0)?).await?;
    Ok(HttpResponse::Created().json(api::link_json(&app.site, &link)))
}

async fn delete_all(app: Data<App>, access: Access<LinksDelete>) -> Result<Json<Value>, Refusal> {
    let user = api::owner(&app.site, access.user_id()).await?;
    let reach = api::reach(&app.site, &user, access.workspace()).await?;
    let deleted = links::delete_all(&app.site.database, reach).await?;
    Ok(Json(json!({ "deleted": deleted })))
}

async fn stats(app: Data<App>, access: Access<StatsRead>) -> Result<Json<Value>, Refusal> {
    let user = api::owner(&app.site, access.user_id()).await?;
    let reach = api::reach(&app.site, &user, access.workspace()).await?;
    let stats = links::stats(&app.site.database, reach).await?;
    Ok(Json(api::stats_json(stats)))
}

/// A JSON body, with errors that are JSON too. Extractors run side by side: a handler that takes it as a [`Result`]
/// lets the others refuse the call first.
struct JsonBody(Value);

impl FromRequest for JsonBody {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = api::check_json(&convert::headers(request.headers()));
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            checked?;
            let body = body.await.map_err(|error| Refusal::of_body(convert::status_of(&error)))?;
            Ok(Self(api::parse_json(&body)?))
        })
    }
}

impl ResponseError for Refusal {
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(convert::status(self.status())).json(self.json());
        if let Some(after) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after));
        }
        response
    }
}
