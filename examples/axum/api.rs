//! The shortener's API: what an access token opens.

use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_http::cors::{Any, CorsLayer};

use crate::oauth::access::Access;
use crate::provider::app::App;
use crate::provider::demand::{AnyScope, LinksDelete, LinksRead, LinksWrite, StatsRead};
use crate::shortener::api::{self, MAX_BODY, Refusal};
use crate::shortener::links;
use crate::web::body;

/// What any web page may send, as to the authorization server's own endpoints.
const HEADERS: [HeaderName; 5] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    ACCEPT,
    HeaderName::from_static("dpop"),
    HeaderName::from_static("mcp-protocol-version"),
];

/// What is below `/api/v1`. Any web site may call it with a token, because no cookie counts here.
pub fn router() -> Router<App> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(HEADERS)
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER]);
    Router::new()
        .route("/me", get(me))
        .route("/links", get(list).post(create).delete(delete_all))
        .route("/stats", get(stats))
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

async fn me(State(app): State<App>, access: Access<AnyScope>) -> Result<Json<Value>, Refusal> {
    Ok(Json(match access.user_id() {
        None => json!({ "client_id": access.client_id() }),
        Some(id) => api::user_json(&api::owner(&app.site, Some(id)).await?),
    }))
}

async fn list(State(app): State<App>, access: Access<LinksRead>) -> Result<Json<Value>, Refusal> {
    let user = api::owner(&app.site, access.user_id()).await?;
    let reach = api::reach(&app.site, &user, access.workspace()).await?;
    let links = links::list(&app.site.database, reach).await?;
    Ok(Json(api::links_json(&app.site, &links)))
}

async fn create(State(app): State<App>, access: Access<LinksWrite>, body: JsonBody) -> Result<Response, Refusal> {
    let user = api::owner(&app.site, access.user_id()).await?;
    let reach = api::reach(&app.site, &user, access.workspace()).await?;
    let link = links::create(&app.site.database, reach, api::url_in(&body.0)?).await?;
    Ok((StatusCode::CREATED, Json(api::link_json(&app.site, &link))).into_response())
}

async fn delete_all(State(app): State<App>, access: Access<LinksDelete>) -> Result<Json<Value>, Refusal> {
    let user = api::owner(&app.site, access.user_id()).await?;
    let reach = api::reach(&app.site, &user, access.workspace()).await?;
    let deleted = links::delete_all(&app.site.database, reach).await?;
    Ok(Json(json!({ "deleted": deleted })))
}

async fn stats(State(app): State<App>, access: Access<StatsRead>) -> Result<Json<Value>, Refusal> {
    let user = api::owner(&app.site, access.user_id()).await?;
    let reach = api::reach(&app.site, &user, access.workspace()).await?;
    let stats = links::stats(&app.site.database, reach).await?;
    Ok(Json(api::stats_json(stats)))
}

/// A JSON body, with errors that are JSON too.
struct JsonBody(Value);

impl FromRequest<App> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        api::check_json(request.headers())?;
        let body = body::read(request, app, MAX_BODY).await.map_err(Refusal::of_body)?;
        Ok(Self(api::parse_json(&body)?))
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
