//! One line in the log for each request, without its query, cookies and body: those may hold codes and secrets.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _};

use crate::shortener::random;

/// What the log calls a request; error pages show it, so that a complaint leads to the line.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Names the request, and logs it when it is answered.
pub async fn log_access(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id: String = random::token().chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let path: String = request.uri().path().chars().take(200).collect();
    let began = Instant::now();

    let mut response = next.call(request).await?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    let (status, millis) = (response.status().as_u16(), began.elapsed().as_millis());
    tracing::info!(target: "access", %method, path, status, %millis, request_id = id);
    Ok(response)
}
