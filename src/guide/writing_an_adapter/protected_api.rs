use grantor::{Access, AuthorizationServer};
use http::Response;
use http::request::Parts;

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
    match server.resource_server().verify_scope(&request.headers, scope).await {
        Ok(access) => handler(access).await,
        Err(error) => error.into_http(),
    }
}

/// A handler says what it needs, and gets the access.
pub async fn links(server: &AuthorizationServer, request: &Parts) -> Response<String> {
    protect(server, request, "read", async |access| {
        let user = access.subject().map_or("nobody", |user| user.as_str());
        Response::new(format!("{{\"links_of\":\"{user}\"}}"))
    })
    .await
}
