use std::error::Error;

use bytes::Bytes;
use grantor::testkit::TestServer;
use http::header::HOST;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};

use super::authorization::{SignedIn, authorization_endpoint};
use super::endpoints::Endpoints;

/// The largest form that the pages read, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// A service: what clients call by the adapter, the authorization endpoint by the page, and the rest, which any service
/// has already, by the test server.
pub async fn service<B>(server: TestServer, endpoints: Endpoints, request: Request<B>) -> Response<Full<Bytes>>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    // The API has a host of its own, with which the adapter has nothing to do.
    let of_the_api = request.headers().get(HOST).is_some_and(|host| host == "api.test");
    if endpoints.answer_to(request.uri().path()) && !of_the_api {
        return endpoints.answer(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_FORM).collect().await else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    let request = Request::from_parts(parts, body.to_bytes());
    if request.uri().path() != "/oauth/authorize" {
        return server.respond(request).await.map(Full::new);
    }
    let here = request.uri().path_and_query().map_or("/", |here| here.as_str());
    let visitor = server.signed_in(request.headers()).map(|visitor| SignedIn {
        subject: visitor.subject().clone(),
        session: visitor.session_secret(),
        for_this_page: visitor.came_for(here),
    });
    authorization_endpoint(server.server(), visitor, &request).await.map(|body| Full::new(body.into()))
}
