//! The shortener's API: what an access token opens.

use std::collections::BTreeSet;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, Payload, ServiceRequest, ServiceResponse};
use actix_web::guard::fn_guard;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::oauth::access::Access;
use crate::provider::api;
use crate::provider::app::App;
use crate::provider::services::{Method, Service};
use crate::shortener::api::{MAX_BODY, Refusal, check_json, parse_json};
use crate::web::convert;
use crate::web::methods::resource;

/// What is below the service's path for it. Any web site may call it with a token, because no cookie counts here.
pub fn scope(service: &Service) -> impl HttpServiceFactory + use<> {
    // Any method and header: actix-cors would answer a preflight for others with a bare 400. The resources know what they do.
    let cors = Cors::default()
        .allow_any_origin()
        .send_wildcard()
        .allow_any_method()
        .allow_any_header()
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER]);
    // The page for authorization requests may be below the same path, and is no part of the API.
    let page = service.paths.authorize().to_owned();
    let scope = web::scope(service.api_prefix).guard(fn_guard(move |context| context.head().uri.path() != page));
    let paths: BTreeSet<&str> = service.api.iter().map(|route| route.path).collect();
    let scope = paths.into_iter().fold(scope, |scope, path| {
        let routes = service.api.iter().filter(|route| route.path == path);
        let below = path.strip_prefix(service.api_prefix).unwrap_or(path);
        scope.service(routes.fold(resource(below), |resource, route| match route.method {
            Method::Get => resource.get(answer),
            Method::Post => resource.post(answer_body),
            Method::Delete => resource.delete(answer),
        }))
    });
    scope
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

async fn answer(app: Data<App>, call: Access) -> Result<HttpResponse, Refusal> {
    let (status, body) = api::answer(&app, call.operation, &call.access, &Value::Null).await?;
    Ok(HttpResponse::build(convert::status(status)).json(body))
}

async fn answer_body(app: Data<App>, call: Access, body: Result<JsonBody, Refusal>) -> Result<HttpResponse, Refusal> {
    let (status, body) = api::answer(&app, call.operation, &call.access, &body?.0).await?;
    Ok(HttpResponse::build(convert::status(status)).json(body))
}

/// A JSON body, with errors that are JSON too. Extractors run side by side: a handler that takes it as a [`Result`]
/// lets the others refuse the call first.
struct JsonBody(Value);

impl FromRequest for JsonBody {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_json(&convert::headers(request.headers()));
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            checked?;
            let body = body.await.map_err(|error| Refusal::of_body(convert::status_of(&error)))?;
            Ok(Self(parse_json(&body)?))
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
