use grantor::{Access, AuthorizationServer};
use http::request::Parts;
use http::{Response, StatusCode};

/// Lets a call through whose token has the scope, and answers every other.
pub async fn protect<F>(
    server: &AuthorizationServer,
    request: &Parts,
    scope: &str,
    handler: impl FnOnce(Access) -> F,
) -> Response<String>
where
    F: Future<Output = Response<String>>,
{
    let access = match server.resource_server().verify(&request.headers).await {
        Ok(access) => access,
        Err(error) => return error.into_http(),
    };
    match access.require(scope) {
        Ok(()) => handler(access).await,
        Err(error) => error.into_http(),
    }
}

/// A handler says what it needs, and gets the access.
pub async fn links(server: &AuthorizationServer, request: &Parts) -> Response<String> {
    protect(server, request, "read", async |access| {
        let mut response = Response::new(format!("{{\"links_of\":{:?}}}", access.subject().map(|user| user.as_str())));
        *response.status_mut() = StatusCode::OK;
        response
    })
    .await
}
