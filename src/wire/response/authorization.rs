//! What the browser gets from the authorization endpoint.

use std::fmt;
use std::time::Duration;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::error::whole_seconds;
use super::{NO_STORE, NOSNIFF, respond, vary};
use crate::configuration::{Choice, Taken, Words};
use crate::error::{AuthorizeError, ErrorReason};
use crate::language::LanguageTag;
use crate::redirect_target::RedirectTarget;
use crate::redirect_uri::RedirectUri;

const FRAME_ANCESTORS: HeaderValue = HeaderValue::from_static("frame-ancestors 'none'");

/// An authorization response: a redirect to the client with a code or an error (RFC 6749 §4.1.2).
///
/// Not printed by `Debug`, since it carries the code.
#[must_use = "the client waits for it"]
pub struct AuthorizationResponse {
    location: String,
    choice: Choice,
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationResponse(..)")
    }
}

impl AuthorizationResponse {
    pub(crate) fn code(target: &RedirectTarget, code: &str) -> Self {
        Self { location: target.location(&[("code", code)]), choice: Choice::Fixed }
    }

    pub(crate) fn error(target: &RedirectTarget, reason: ErrorReason, words: &Words) -> Self {
        let description = words.replacement().unwrap_or_else(|| reason.description());
        let parameters = [("error", reason.code().as_str()), ("error_description", description)];
        Self { location: target.location(&parameters), choice: words.choice() }
    }

    /// Where the browser goes; it carries the code, so do not log it.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The response: 303, so that a posted form is never sent on (RFC 9700 §4.12), and nothing on the way keeps it.
    #[must_use]
    pub fn into_http(self) -> Response<String> {
        let mut response = respond(StatusCode::SEE_OTHER, &page_headers(), String::new());
        if let Ok(location) = HeaderValue::try_from(self.location) {
            response.headers_mut().insert(LOCATION, location);
        }
        vary(&mut response, self.choice);
        response
    }
}

/// The security headers of every page at the authorization endpoint: sign-in, consent and errors.
///
/// Nobody may frame it (RFC 9700 §4.16), store it, or learn its address from a link on it (§4.2.4). Hosts should extend
/// the `Content-Security-Policy` by what their page loads, but **not** by `form-action`: browsers apply that to the
/// redirect that follows the decision, and the code would never arrive.
#[must_use]
pub fn page_headers() -> [(HeaderName, HeaderValue); 5] {
    [
        (CACHE_CONTROL, NO_STORE),
        (CONTENT_SECURITY_POLICY, FRAME_ANCESTORS),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ]
}

/// Whether the host knows who is in front of the browser.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a person is signed in or not")]
pub enum Visitor {
    /// Nobody is signed in.
    Anonymous,
    /// Somebody is.
    SignedIn,
}

/// What to do about an [`AuthorizeError`].
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: hosts match it")]
pub enum AuthorizeAnswer {
    /// Show this page.
    Page(ErrorPage),
    /// Send this to the client.
    Redirect(AuthorizationResponse),
}

/// What a page about an [`AuthorizeError`] says. Show every text escaped.
///
/// [`text`](Self::text) is what the operator's [`Wording`](crate::configuration::Wording) has for the reason and the
/// person's language. A host that has pages of its own for some reasons, or translates by other means, matches on the
/// reason:
///
/// ```
/// use grantor::ErrorPage;
/// use grantor::error::ErrorReason;
///
/// fn page(error: &ErrorPage, german: bool) -> (&'static str, String) {
///     match (error.reason(), german) {
///         (ErrorReason::ConsentTokenExpired, true) => ("start_again.html", "Das hat zu lange gedauert.".to_owned()),
///         (ErrorReason::ConsentTokenExpired, false) => ("start_again.html", "That took too long.".to_owned()),
///         // And whatever else there is now, or will be.
///         _ => ("error.html", error.text().to_owned()),
///     }
/// }
/// ```
pub struct ErrorPage {
    reason: ErrorReason,
    description: Words,
    text: Words,
    way_on: Option<WayOn>,
    retry_after: Option<Duration>,
}

/// Where a person may go on to from an error page.
struct WayOn {
    location: String,
    destination: String,
}

impl fmt::Debug for ErrorPage {
    /// Everything but the address, which carries the client's `state`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorPage").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl ErrorPage {
    /// The HTTP status of the page.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.reason.status()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// The cause, for logs and counters; its [`name`](ErrorReason::name) is what a page shows to support, or to a
    /// machine.
    #[must_use]
    pub const fn reason(&self) -> ErrorReason {
        self.reason
    }

    /// What happened, in one sentence for a developer: what a client would be told.
    #[must_use]
    pub fn description(&self) -> &str {
        self.description.replacement().unwrap_or_else(|| self.reason.description())
    }

    /// What happened, for the person who reads it.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.replacement().unwrap_or_else(|| self.reason.description())
    }

    /// The language of [`text`](Self::text) as a tag of BCP 47, if it was chosen for the person: for the `lang` of the
    /// page and its `Content-Language`, together with `Vary: Accept-Language`.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.text.language().map(LanguageTag::as_str)
    }

    /// How long the person should wait before they try again, if they, or others from where they are, did too often (429): whole
    /// seconds, at least one, for `Retry-After`.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Where the error would go to the client, if the person chooses so: a button, never an automatic redirect.
    #[must_use]
    pub fn continue_to(&self) -> Option<&str> {
        self.way_on.as_ref().map(|way| way.location.as_str())
    }

    /// Whom [`continue_to`](Self::continue_to) leads to: the host, or the scheme of an app. Show it on the button,
    /// since nobody vouches for it.
    #[must_use]
    pub fn destination(&self) -> Option<&str> {
        self.way_on.as_ref().map(|way| way.destination.as_str())
    }
}

impl AuthorizeError {
    /// Decides what the browser gets.
    ///
    /// An error about a client that registered itself does not redirect an anonymous visitor: else anybody could make
    /// the server send people anywhere (RFC 9700 §4.11.2). They get a page instead, and may continue from it; so does
    /// everybody if [`UnvettedErrors`](crate::configuration::UnvettedErrors) says so.
    #[must_use]
    pub fn answer(self, visitor: Visitor) -> AuthorizeAnswer {
        let (reason, readers) = (self.reason(), self.readers());
        let description = readers.map(|readers| readers.description(reason)).unwrap_or_default();
        let text = readers.map(|readers| readers.text(reason)).unwrap_or_default();
        let retry_after = self.retry_after().map(whole_seconds);
        let rejection = match self {
            Self::Show(_) => {
                return AuthorizeAnswer::Page(ErrorPage { reason, description, text, way_on: None, retry_after });
            }
            Self::Redirect(rejection) => rejection,
        };
        let response = AuthorizationResponse::error(&rejection.target, reason, &description);
        match (rejection.taken, visitor) {
            (Taken::Nobody, _) | (Taken::WhoeverIsSignedIn, Visitor::Anonymous) => {
                let destination = RedirectUri::parse(rejection.target.uri()).map(|uri| uri.display_host());
                let way_on = WayOn { location: response.location, destination: destination.unwrap_or_default() };
                AuthorizeAnswer::Page(ErrorPage { reason, description, text, way_on: Some(way_on), retry_after })
            }
            (Taken::Everybody, _) | (Taken::WhoeverIsSignedIn, Visitor::SignedIn) => {
                AuthorizeAnswer::Redirect(response)
            }
        }
    }
}
