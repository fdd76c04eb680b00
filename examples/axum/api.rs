//! The shortener's API: what an access token opens.

use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, Method};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::Value;
use tower_http::cors::{Any, CorsLayer};

use crate::oauth::access::Access;
use crate::provider::api;
use crate::provider::app::App;
use crate::provider::services::{self, Service};
use crate::shortener::api::{MAX_BODY, Refusal, check_json, parse_json};
use crate::web::body;

/// What any web page may send, as to the authorization server's own endpoints.
const HEADERS: [HeaderName; 5] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    ACCEPT,
    HeaderName::from_static("dpop"),
    HeaderName::from_static("mcp-protocol-version"),
];

/// What is below the service's path for it. Any web site may call it with a token, because no cookie counts here.
pub fn router(service: &Service) -> Router<App> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(HEADERS)
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER]);
    let routes = service.api.iter().fold(Router::new(), |router, route| {
        let handler = match route.method {
            services::Method::Get => get(answer),
            services::Method::Post => post(answer_body),
            services::Method::Delete => delete(answer),
        };
        let path = route.path.strip_prefix(service.api_prefix).unwrap_or(route.path);
        router.route(path, handler)
    });
    routes
        .fallback(async || Refusal::NOT_FOUND)
        .method_not_allowed_fallback(async || Refusal::METHOD_NOT_ALLOWED)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::map_response(keep_private))
        .layer(cors)
}

async fn keep_private(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn answer(State(app): State<App>, call: Access) -> Result<Response, Refusal> {
    let (status, body) = api::answer(&app, call.operation, &call.access, &Value::Null).await?;
    Ok((status, Json(body)).into_response())
}

async fn answer_body(State(app): State<App>, call: Access, body: JsonBody) -> Result<Response, Refusal> {
    let (status, body) = api::answer(&app, call.operation, &call.access, &body.0).await?;
    Ok((status, Json(body)).into_response())
}

/// A JSON body, with errors that are JSON too.
struct JsonBody(Value);

impl FromRequest<App> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        check_json(request.headers())?;
        let body = body::read(request, app, MAX_BODY).await.map_err(Refusal::of_body)?;
        Ok(Self(parse_json(&body)?))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.json())).into_response();
        if let Some(after) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after));
        }
        response
    }
}
