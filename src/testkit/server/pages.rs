//! The pages that people would see.

use http::header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use url::form_urlencoded::byte_serialize;

use crate::client::Vetting;
use crate::grant::{ClientWarning, PendingAuthorization, SessionSecret};
use crate::identifier::Subject;
use crate::redirect_uri::Form;
use crate::wire::{ErrorPage, page_headers};

/// The pages need nothing but their own text. No `form-action`: browsers apply it to the redirect to the client as
/// well.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'");

/// The page that asks; its form posts back to its own path and query.
pub(super) fn consent(
    pending: &PendingAuthorization,
    session: &SessionSecret,
    subject: &Subject,
    action: &str,
) -> Response<String> {
    let (client, uri) = (pending.client(), pending.redirect_uri());
    let unverified = match client.vetting() {
        Vetting::SelfRegistered => "<p>Unverified app: it registered itself, and gave itself this name.</p>\n",
        _ => "",
    };
    let identity = pending.client_id_host().map_or_else(String::new, |host| {
        format!("<p>It is identified by {}, at {}.</p>\n", escape(client.id().as_str()), escape(&host))
    });
    let warnings: String =
        pending.warnings().map(|warning| format!("<p role=\"alert\">{}</p>\n", words(warning))).collect();
    let destination = match uri.form() {
        Form::Loopback(_) => "this computer, at ",
        Form::PrivateUse => "the app on this device that opens ",
        _ => "",
    };
    let scopes: String = pending
        .scopes()
        .map(|(token, words)| {
            let (token, words) = (escape(token), escape(words));
            format!("<p><label><input type=\"checkbox\" name=\"scope\" value=\"{token}\" checked>{words}</label></p>\n")
        })
        .collect();
    let body = format!(
        "<p>Signed in as {user}.</p>\n{unverified}{identity}{warnings}<p>Your answer is sent to {destination}{host}.</p>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"consent_token\" value=\"{token}\">\n{scopes}\
         <button name=\"decision\" value=\"approve\">Approve</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button>\n</form>\n\
         <form method=\"post\" action=\"/signout\">\n\
         <input type=\"hidden\" name=\"next\" value=\"{action}\">\n<button>Use another account</button>\n</form>\n",
        user = escape(subject.as_str()),
        host = escape(&uri.display_host()),
        action = escape(action),
        token = pending.consent_token(session, subject),
    );
    page(StatusCode::OK, &format!("{} would like to use your account", client.display_name()), &body)
}

const fn words(warning: ClientWarning) -> &'static str {
    match warning {
        ClientWarning::LoopbackOnly => {
            "Any program on this computer can pass for this app: go on only if you have just started it yourself."
        }
        ClientWarning::OtherHost => "Your answer is sent to another host than the one that identifies this app.",
    }
}

/// The page that asks who is there.
pub(super) fn sign_in(next: &str) -> Response<String> {
    let body = format!(
        "<form method=\"post\" action=\"/signin\">\n<input type=\"hidden\" name=\"next\" value=\"{}\">\n\
         <label>User <input name=\"username\"></label>\n<button>Sign in</button>\n</form>\n",
        escape(next)
    );
    page(StatusCode::OK, "Sign in", &body)
}

/// Where people are when they have signed in and nothing waits.
pub(super) fn home(subject: Option<&Subject>) -> Response<String> {
    let who = subject.map_or_else(|| "Nobody".to_owned(), |subject| escape(subject.as_str()));
    let sign_out = "<form method=\"post\" action=\"/signout\">\n<button>Sign out</button>\n</form>\n";
    let body = format!("<p>{who} is signed in.</p>\n{}", subject.map_or("", |_| sign_out));
    page(StatusCode::OK, "Test server", &body)
}

/// What the authorization endpoint cannot tell a client.
pub(super) fn refusal(error: &ErrorPage) -> Response<String> {
    let way_on = error.continue_to().map_or_else(String::new, |target| {
        let destination = escape(error.destination().unwrap_or("the app"));
        format!("<p><a href=\"{}\" rel=\"noreferrer\">Continue to {destination}</a></p>\n", escape(target))
    });
    let body = format!("<p>{}</p>\n{way_on}", escape(error.text()));
    let mut response = page(error.status(), "This request cannot be answered", &body);
    let wait = error.retry_after().map(|wait| wait.as_secs());
    let wait = wait.or_else(|| (error.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(5));
    response.headers_mut().extend(wait.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
    response
}

/// What is wrong with a form.
pub(super) fn problem(status: StatusCode) -> Response<String> {
    let words = status.canonical_reason().unwrap_or("That did not work");
    page(status, words, "<p>Go back, reload the page and try again.</p>\n")
}

/// The path answers other methods.
pub(super) fn method_not_allowed(allowed: &'static str) -> Response<String> {
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Sends the browser to a page of our own, by GET.
pub(super) fn see_other(location: &str) -> Response<String> {
    let mut response = page(StatusCode::SEE_OTHER, "See other", "");
    response.headers_mut().insert(LOCATION, HeaderValue::from_str(location).expect("a location is printable ASCII"));
    response
}

/// Where a visitor signs in who wants to see `wanted`.
pub(super) fn sign_in_path(wanted: &str) -> String {
    let next: String = byte_serialize(wanted.as_bytes()).collect();
    format!("/signin?next={next}")
}

fn page(status: StatusCode, heading: &str, body: &str) -> Response<String> {
    let heading = escape(heading);
    let mut response = Response::new(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{heading}</title>\n<h1>{heading}</h1>\n\
         {body}</html>\n"
    ));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let headers = response.headers_mut();
    headers.extend(page_headers());
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    for (name, value) in
        [("permissions-policy", "camera=(), geolocation=(), microphone=()"), ("x-robots-tag", "noindex")]
    {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character => escaped.push(character),
        }
    }
    escaped
}
