//! Agents that are web pages: the browser asks first, and tells its page no more than it may read (Fetch, CORS protocol).

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

/// What pages may read of an answer besides its body.
const EXPOSED: HeaderValue = HeaderValue::from_static("Mcp-Session-Id, WWW-Authenticate, Retry-After");

/// The page that sends a request with these headers, if it is one of `origins`.
pub fn page(origins: &[HeaderValue], headers: &HeaderMap) -> Option<HeaderValue> {
    let mut named = headers.get_all(ORIGIN).iter();
    let origin = named.next().filter(|origin| origins.contains(origin))?;
    named.next().is_none().then(|| origin.clone())
}

/// The permission that a browser asks for before it lets a page call. It brings no token: that is what it asks about.
pub fn permission<B>(request: &Request<B>) -> Option<Response<String>> {
    let headers = request.headers();
    if request.method() != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let allowed = response.headers_mut();
    allowed.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
    // Whatever it wants to send: there are headers for the arguments of tools, and none of them lets anybody in.
    let wanted = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    allowed.extend(wanted.map(|wanted| (ACCESS_CONTROL_ALLOW_HEADERS, wanted)));
    allowed.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    Some(response)
}

/// Lets a page read the answer, if it is one that may; and caches keep apart what pages are told.
pub fn share<B>(response: &mut Response<B>, page: Option<HeaderValue>) {
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(page) = page {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
