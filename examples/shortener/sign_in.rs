//! The way to the sign-in form and back.

use http::StatusCode;
use url::form_urlencoded;

use super::local_path::{self, local_path};
use super::problem::Problem;
use super::views::{Section, SignInPage};
use super::visitor::Visitor;

/// The sign-in page. A service may have another one for people whom an app sent.
pub const PATH: &str = "/signin";

/// Where a page sends a visitor who has to sign in, on the page at `at`, before seeing `wanted`.
pub fn path(at: &str, wanted: &str) -> Result<String, Problem> {
    let next: String = form_urlencoded::byte_serialize(way_back(wanted)?.as_bytes()).collect();
    Ok(format!("{at}?next={next}"))
}

/// Where a page sends a person who is signed in, but has to prove it anew before seeing `wanted`.
pub fn again_path(at: &str, wanted: &str) -> Result<String, Problem> {
    Ok(format!("{}&again=1", path(at, wanted)?))
}

/// Where to go after signing in: to `wanted` if that is one of our own pages, otherwise to the front page. What is too
/// long to be carried along is refused, because the person would not know why they end up elsewhere.
pub fn way_back(wanted: &str) -> Result<&str, Problem> {
    if wanted.len() > local_path::MAX {
        let text = "This address is too long to be kept in mind while you sign in. Sign in first, then open it again.";
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "Too long", text).with_way_out(PATH, "Sign in"));
    }
    Ok(local_path(wanted).unwrap_or("/"))
}

/// The sign-in form is bound to where it leads, so that the way back cannot be exchanged under way.
pub fn purpose(next: &str) -> String {
    format!("sign in, then {next}")
}

/// The page at `at`, perhaps once more; an app waits for the answer if `next` leads to `authorize`.
pub fn page(visitor: &Visitor, at: &str, next: &str, authorize: &str) -> SignInPage {
    SignInPage {
        layout: visitor.layout("Sign in", Section::Elsewhere),
        csrf: visitor.form_token(&purpose(next)),
        action: at.to_owned(),
        next: next.to_owned(),
        app_waits: next.starts_with(authorize),
        username: String::new(),
        problem: None,
    }
}
