use bytes::Bytes;
use grantor::error::{AuthorizeError, ErrorReason};
use grantor::{
    Approval, AuthorizationServer, AuthorizeAnswer, ErrorPage, PendingAuthorization, Recall, Scope, SessionSecret,
    Subject, Visitor, page_headers,
};
use http::header::{
    ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, ORIGIN, RETRY_AFTER,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use url::form_urlencoded;

/// What this service's pages may do, beyond what `page_headers` says of any. No `form-action`: browsers apply it to the
/// redirect that follows a form, and that leads to the client.
const PAGE: [(HeaderName, &str); 4] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// Who is signed in, as the service's own sessions tell it.
pub struct SignedIn {
    /// The user.
    pub subject: Subject,
    /// What only this session knows.
    pub session: SessionSecret,
    /// Whether they signed in in order to see this very page.
    pub for_this_page: bool,
}

/// Answers a request to the authorization endpoint. Its body was read within a limit.
pub async fn authorization_endpoint(
    server: &AuthorizationServer,
    visitor: Option<SignedIn>,
    request: &Request<Bytes>,
) -> Response<String> {
    let who = if visitor.is_some() { Visitor::SignedIn } else { Visitor::Anonymous };
    // Path and query alone: over HTTP/2, and where the client says so, the address begins with a host, which is its own
    // word.
    let here = request.uri().path_and_query().map_or("/", |here| here.as_str());
    let query = request.uri().query().unwrap_or_default();
    let form: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
    let is_request = form.iter().any(|(name, _)| name == "client_id");
    let answer = match *request.method() {
        Method::GET => ask(server, visitor, here, query).await,
        Method::POST if is_request => Ok(again_by_get(request.uri().path(), request.body())),
        Method::POST if is_foreign(request.headers(), server.issuer().origin()) => {
            Ok(page(StatusCode::FORBIDDEN, "This form did not come from here. Go back, reload the page and try again."))
        }
        Method::POST => decide(server, visitor, here, query, &form).await,
        _ => {
            let mut response = page(StatusCode::METHOD_NOT_ALLOWED, "This page is opened or submitted.");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
            Ok(response)
        }
    };
    answer.unwrap_or_else(|error| match error.answer(who) {
        AuthorizeAnswer::Redirect(response) => response.into_http(),
        AuthorizeAnswer::Page(error) => error_page(&error),
    })
}

async fn ask(
    server: &AuthorizationServer,
    visitor: Option<SignedIn>,
    here: &str,
    query: &str,
) -> Result<Response<String>, AuthorizeError> {
    let pending = server.authorize(query).await?;
    let Some(visitor) = visitor else {
        pending.sign_in_required()?;
        return Ok(see_other(&sign_in(here)));
    };
    let anew = pending.prompt().asks_for_login() || pending.prompt().asks_for_account();
    if anew && !visitor.for_this_page {
        return Ok(see_other(&sign_in(here)));
    }
    match server.recall(pending, &visitor.subject).await? {
        Recall::Ask(pending) => Ok(consent_page(&pending, &visitor, here)),
        Recall::Remembered(confirmed) => Ok(server.approve(confirmed, Approval::all()).await?.into_http()),
    }
}

async fn decide(
    server: &AuthorizationServer,
    visitor: Option<SignedIn>,
    here: &str,
    query: &str,
    form: &[(String, String)],
) -> Result<Response<String>, AuthorizeError> {
    let pending = server.authorize(query).await?;
    let Some(visitor) = visitor else {
        pending.sign_in_required()?;
        return Ok(see_other(&sign_in(here)));
    };
    let token = values(form, "consent_token").next().unwrap_or_default();
    let confirmed = pending.confirm(&visitor.session, &visitor.subject, token)?;
    match values(form, "decision").next() {
        Some("approve") => {
            let ticked: Vec<&str> = values(form, "scope").collect();
            let Ok(scope) = Scope::parse(&ticked.join(" ")) else {
                return Ok(page(StatusCode::BAD_REQUEST, ErrorReason::ScopeMalformed.description()));
            };
            Ok(server.approve(confirmed, Approval::of(scope)).await?.into_http())
        }
        Some("deny") => Ok(server.deny(confirmed).await?.into_http()),
        _ => Ok(page(StatusCode::BAD_REQUEST, "There is no decision in this form.")),
    }
}

fn consent_page(pending: &PendingAuthorization, visitor: &SignedIn, here: &str) -> Response<String> {
    let scopes: String = pending
        .scopes()
        .map(|(token, words)| {
            let (token, words) = (escape(token), escape(words));
            format!("<label><input type=\"checkbox\" name=\"scope\" value=\"{token}\" checked>{words}</label>\n")
        })
        .collect();
    let verified = match pending.client().vetting() {
        grantor::client::Vetting::Vetted => "",
        _ => "Unverified: nobody here has checked this app.",
    };
    let body = format!(
        "<h1>{client} would like to use the account of {user}</h1>\n<p>{verified} Your answer is sent to {host}.</p>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"consent_token\" value=\"{token}\">\n{scopes}\
         <button name=\"decision\" value=\"approve\">Approve</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button>\n</form>\n\
         <form method=\"post\" action=\"/signout\">\n<input type=\"hidden\" name=\"next\" value=\"{action}\">\n\
         <button>Use another account</button>\n</form>",
        client = escape(pending.client().display_name()),
        user = escape(visitor.subject.as_str()),
        host = escape(&pending.redirect_uri().display_host()),
        action = escape(here),
        token = pending.consent_token(&visitor.session, &visitor.subject),
    );
    page(StatusCode::OK, &body)
}

fn values<'a>(form: &'a [(String, String)], wanted: &str) -> impl Iterator<Item = &'a str> {
    form.iter().filter(move |(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

/// What a client cannot be told, or may be told only if the person wants to go on.
fn error_page(error: &ErrorPage) -> Response<String> {
    let way_on = error.continue_to().map_or_else(String::new, |target| {
        let destination = escape(error.destination().unwrap_or("the app"));
        format!("<p><a href=\"{}\" rel=\"noreferrer\">Continue to {destination}</a></p>", escape(target))
    });
    let mut response = page(error.status(), &format!("<p>{}</p>\n{way_on}", escape(error.text())));
    if let Some(wait) = error.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}

/// Where people sign in, and the way back from there.
fn sign_in(here: &str) -> String {
    format!("/signin?next={}", form_urlencoded::byte_serialize(here.as_bytes()).collect::<String>())
}

/// Whether the browser says that another site's page sent this. It may say nothing, or `null`, of a page of ours;
/// `same-site` is another subdomain, port or scheme.
fn is_foreign(headers: &HeaderMap, own: &str) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let elsewhere =
        headers.contains_key(ORIGIN) && !matches!(text(ORIGIN), Some(origin) if origin == own || origin == "null");
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    elsewhere || !matches!(site, None | Some(b"same-origin" | b"none"))
}

/// A form that another site posted brings no cookies; the same request by GET does. With a `#` the query would end
/// there.
fn again_by_get(path: &str, body: &[u8]) -> Response<String> {
    match std::str::from_utf8(body) {
        Ok(query) if query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') => {
            see_other(&format!("{path}?{query}"))
        }
        _ => page(StatusCode::BAD_REQUEST, "The form is not well-formed."),
    }
}

fn see_other(location: &str) -> Response<String> {
    let mut response = page(StatusCode::SEE_OTHER, "");
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn page(status: StatusCode, body: &str) -> Response<String> {
    let head = "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>OAuth</title>";
    let mut response = Response::new(format!("{head}\n{body}\n</html>\n"));
    *response.status_mut() = status;
    response.headers_mut().extend(page_headers());
    for (name, value) in PAGE {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
