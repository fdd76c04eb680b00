//! What came back, and whether it is what it should be.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, REFRESH, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use serde_json::{Map, Value};

use super::html::{self, PageForm};
use super::{Failure, Profile};
use crate::testkit::Form;

/// A whole answer of the target.
// What is called `expect_…` is the notation of the catalogue: what an answer of that kind must be, in every respect.
#[derive(Clone, Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    profile: Arc<Profile>,
}

impl Reply {
    pub(super) fn new(response: Response<Bytes>, profile: Arc<Profile>) -> Self {
        let (parts, body) = response.into_parts();
        Self { status: parts.status, headers: parts.headers, body, profile }
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Its body, with what is not UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether it has no body.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The value of a header, of the first if it occurs more often; `None` also if it is not text.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Where it redirects to, whatever its status.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.header(&LOCATION)
    }

    /// The forms of its page.
    #[must_use]
    pub fn forms(&self) -> Vec<PageForm> {
        html::forms(&self.text())
    }

    /// This status.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is another.
    pub fn expect_status(&self, status: u16) -> Result<&Self, Failure> {
        ensure!(self.status.as_u16() == status, "the status is {}, not {status}", self.status);
        Ok(self)
    }

    /// A header that occurs exactly once, with this value.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is missing, has another value, or occurs more often.
    pub(crate) fn expect_header(&self, name: &HeaderName, value: &str) -> Result<&Self, Failure> {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        ensure!(values.len() == 1, "the header {name} occurs {} times, not once", values.len());
        ensure!(values[0] == value, "the header {name} is {:?}, not {value:?}", values[0]);
        Ok(self)
    }

    /// The header is not there.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is.
    pub(crate) fn expect_no_header(&self, name: &HeaderName) -> Result<&Self, Failure> {
        ensure!(!self.headers.contains_key(name), "there is a header {name}: {:?}", self.headers.get(name));
        Ok(self)
    }

    /// No cache may keep it: `Cache-Control` has `no-store`, alone or among others.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it has not.
    pub(crate) fn expect_not_stored(&self) -> Result<&Self, Failure> {
        let values = self.headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        let mut directives = values.flat_map(|value| value.split(','));
        let forbidden = directives.any(|directive| directive.trim().eq_ignore_ascii_case("no-store"));
        ensure!(forbidden, "Cache-Control is {:?}", self.header(&CACHE_CONTROL));
        Ok(self)
    }

    /// `PAGE(n)`: an error document for a person, which leads nowhere by itself.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_page(&self, status: u16) -> Result<&Self, Failure> {
        self.expect_status(status)?;
        for header in [LOCATION, REFRESH] {
            self.expect_no_header(&header)?;
        }
        let kind = self.header(&CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
        ensure!(kind.starts_with("text/html") || kind.starts_with("text/plain"), "the page is of the type {kind:?}");
        ensure!(kind.contains("charset="), "the page does not name its character set: {kind:?}");
        let text = self.text().to_ascii_lowercase();
        ensure!(!self.body.is_empty(), "the page is empty");
        ensure!(!text.contains("http-equiv=\"refresh\"") && !text.contains("<script"), "the page leads on by itself");
        Ok(self)
    }

    /// `UI`: a page, or a redirect that stays at the target.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is anything else.
    pub(crate) fn expect_ui(&self) -> Result<&Self, Failure> {
        match self.location() {
            Some(location) => {
                let own = location.starts_with('/') && !location.starts_with("//");
                let own = own || location.strip_prefix(&self.origin()).is_some_and(|rest| rest.starts_with('/'));
                ensure!(self.status.is_redirection() && own, "{} leads to {location:?}", self.status);
            }
            None => {
                self.expect_status(200)?;
                let kind = self.header(&CONTENT_TYPE).unwrap_or_default();
                ensure!(kind.starts_with("text/html"), "the page is of the type {kind:?}");
            }
        }
        Ok(self)
    }

    /// `RERR(code)`: the error goes to the redirect URI of `request`, with its `state` and the issuer.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_redirect_error(&self, request: &Form, code: &str) -> Result<Form, Failure> {
        let response = self.expect_response(request)?;
        ensure!(response.get("code").is_none(), "a code comes beside the error");
        ensure!(response.get("error") == Some(code), "the error is {:?}, not {code:?}", response.get("error"));
        Ok(response)
    }

    /// `ROK`: a code goes to the redirect URI of `request`, with its `state` and the issuer. Returns the code.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_code(&self, request: &Form) -> Result<String, Failure> {
        let response = self.expect_response(request)?;
        ensure!(response.get("error").is_none(), "the error {:?} came, not a code", response.get("error"));
        let code = response.get("code").unwrap_or_default();
        ensure!(!code.is_empty(), "there is no code");
        Ok(code.to_owned())
    }

    /// An authorization response to `request`, of either kind: the parameters that were added to its redirect URI.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_response(&self, request: &Form) -> Result<Form, Failure> {
        ensure!(matches!(self.status.as_u16(), 302 | 303), "the status is {}, not 302 or 303", self.status);
        self.expect_not_stored()?;
        let target = request.get("redirect_uri").unwrap_or(&self.profile.public.redirect_uri);
        let response = added_parameters(self.location().unwrap_or_default(), target)?;
        for (name, _) in response.iter() {
            ensure!(response.iter().filter(|(other, _)| *other == name).count() == 1, "{name} occurs twice");
        }
        let state = request.get("state").filter(|state| !state.is_empty());
        ensure!(response.get("state") == state, "the state is {:?}, not {state:?}", response.get("state"));
        let issuer = response.get("iss");
        ensure!(issuer == Some(&self.profile.issuer), "iss is {issuer:?}, not {:?}", self.profile.issuer);
        Ok(response)
    }

    /// The members of a JSON object that nobody may store: with its type, and nothing empty in it.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_json(&self) -> Result<Map<String, Value>, Failure> {
        let kind = self.header(&CONTENT_TYPE).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        ensure!(essence.eq_ignore_ascii_case("application/json"), "the content type is {kind:?}");
        self.expect_not_stored()?;
        let members: Map<String, Value> =
            serde_json::from_slice(&self.body).map_err(|error| Failure::new(format!("no JSON object: {error}")))?;
        let empty = members.iter().find(|(_, value)| value.is_null() || *value == "");
        ensure!(empty.is_none(), "the member {:?} has no value", empty.map(|(name, _)| name));
        Ok(members)
    }

    /// `JOK`: 200 with a JSON object that nobody may store.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_ok(&self) -> Result<Map<String, Value>, Failure> {
        self.expect_status(200)?;
        let members = self.expect_json()?;
        ensure!(!members.contains_key("error"), "a 200 says error: {:?}", members.get("error"));
        Ok(members)
    }

    /// `JERR(n, code)`: this status, with the error as JSON; a challenge on a 401, and on no 400.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_error(&self, status: u16, code: &str) -> Result<Map<String, Value>, Failure> {
        self.expect_status(status)?;
        let members = self.expect_json()?;
        let error = members.get("error").and_then(Value::as_str);
        ensure!(error == Some(code), "the error is {error:?}, not {code:?}");
        ensure!(!members.contains_key("access_token"), "an access token comes beside the error");
        let description = members.get("error_description").map_or(Some(""), Value::as_str);
        let allowed = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        let described = description.is_some_and(|text| text.bytes().all(allowed));
        ensure!(described, "the description has forbidden characters: {description:?}");
        let challenged = self.headers.contains_key(WWW_AUTHENTICATE);
        ensure!(status != 401 || challenged, "a 401 without WWW-Authenticate");
        ensure!(status != 400 || !challenged, "a 400 with WWW-Authenticate");
        Ok(members)
    }

    /// No tokens: a status of 400 to 499 without any in the body.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the request was not refused.
    pub(crate) fn expect_refusal(&self) -> Result<&Self, Failure> {
        ensure!(self.status.is_client_error(), "the status is {}, not one of 400 to 499", self.status);
        ensure!(!self.text().contains("access_token\""), "the refusal carries an access token");
        Ok(self)
    }

    fn origin(&self) -> String {
        super::origin_of(&self.profile.issuer).to_owned()
    }
}

/// The parameters that a location adds to `target`, which it must begin with, character by character.
fn added_parameters(location: &str, target: &str) -> Result<Form, Failure> {
    let rest = location.strip_prefix(target);
    let rest = rest.ok_or_else(|| Failure::new(format!("the location {location:?} does not begin with {target:?}")))?;
    ensure!(!location.contains('#'), "the location has a fragment: {location:?}");
    let separator = if target.contains('?') { '&' } else { '?' };
    let query = rest.strip_prefix(separator);
    Ok(Form::parse(
        query.ok_or_else(|| Failure::new(format!("no parameter was added with {separator}: {location:?}")))?,
    ))
}
