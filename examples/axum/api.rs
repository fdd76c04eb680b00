//! The shortener's API: what an access token opens.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_http::cors::{Any, CorsLayer};

use crate::app::App;
use crate::oauth::access::{AnyScope, Authorized, LinksRead, LinksWrite, StatsRead};
use crate::shortener::links::{self, CreateError, Link};
use crate::shortener::users::{self, User};
use crate::shortener::views::timestamp;

/// The largest body that is read, in bytes.
const MAX_BODY: usize = 8 * 1024;

/// What is below `/api/v1`. Any web site may call it with a token, because no cookie counts here.
pub fn router() -> Router<App> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER]);
    Router::new()
        .route("/me", get(me))
        .route("/links", get(list).post(create))
        .route("/stats", get(stats))
        .fallback(async || Refusal(StatusCode::NOT_FOUND, "not_found", "There is no such resource."))
        .method_not_allowed_fallback(async || {
            Refusal(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This resource does not answer that method.")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::map_response(keep_private))
        .layer(cors)
}

async fn keep_private(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// An error for programs: status, code, and a sentence for the developer.
struct Refusal(StatusCode, &'static str, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.0, Json(json!({ "error": self.1, "error_description": self.2 }))).into_response();
        if self.0 == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "The data cannot be reached at the moment.")
    }
}

async fn me(State(app): State<App>, access: Authorized<AnyScope>) -> Result<Json<Value>, Refusal> {
    Ok(Json(match access.user_id() {
        None => json!({ "client_id": access.client_id() }),
        Some(id) => {
            let user = owner(&app, Some(id)).await?;
            json!({ "username": user.username, "name": user.name })
        }
    }))
}

async fn list(State(app): State<App>, access: Authorized<LinksRead>) -> Result<Json<Value>, Refusal> {
    let user = owner(&app, access.user_id()).await?;
    let links = links::list(&app.database, user.id).await?;
    let links: Vec<Value> = links.iter().map(|link| link_json(&app, link)).collect();
    Ok(Json(json!({ "links": links })))
}

async fn create(State(app): State<App>, access: Authorized<LinksWrite>, body: JsonBody) -> Result<Response, Refusal> {
    let user = owner(&app, access.user_id()).await?;
    let Some(url) = body.0.get("url").and_then(Value::as_str) else {
        return Err(Refusal(StatusCode::BAD_REQUEST, "invalid_request", "The body has no text member url."));
    };
    match links::create(&app.database, user.id, url).await {
        Ok(link) => Ok((StatusCode::CREATED, Json(link_json(&app, &link))).into_response()),
        Err(CreateError::Refused(why)) => Err(Refusal(StatusCode::BAD_REQUEST, "invalid_url", why)),
        Err(CreateError::Database(error)) => Err(error.into()),
    }
}

async fn stats(State(app): State<App>, access: Authorized<StatsRead>) -> Result<Json<Value>, Refusal> {
    let user = owner(&app, access.user_id()).await?;
    let stats = links::stats(&app.database, user.id).await?;
    Ok(Json(json!({ "links": stats.links, "visits": stats.visits })))
}

/// Whose links a token speaks for. One that a client got for itself speaks for nobody's.
async fn owner(app: &App, user_id: Option<i64>) -> Result<User, Refusal> {
    let nobody =
        Refusal(StatusCode::FORBIDDEN, "user_required", "The token does not act for a user, so it has no links.");
    let Some(id) = user_id else { return Err(nobody) };
    users::find(&app.database, id).await?.ok_or(nobody)
}

fn link_json(app: &App, link: &Link) -> Value {
    json!({
        "slug": link.slug,
        "url": link.url,
        "short_url": app.short_url(&link.slug),
        "visits": link.visits,
        "created_at": timestamp(link.created_at),
    })
}

/// A JSON body, with errors that are JSON too.
struct JsonBody(Value);

impl FromRequest<App> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            let text = "The body has to be application/json.";
            return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", text));
        }
        let body =
            Bytes::from_request(request, app).await.map_err(|rejection| match rejection.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    Refusal(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "The body is larger than 8 KiB.")
                }
                status => Refusal(status, "invalid_request", "The body could not be read."),
            })?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|_| Refusal(StatusCode::BAD_REQUEST, "invalid_request", "The body is not JSON."))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
