//! Forms as they arrive.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue, ORIGIN};
use http::{HeaderMap, StatusCode};
use url::form_urlencoded;

use super::problem::Problem;

/// The largest form that is read, in bytes. The sign-in form carries a whole authorization request, encoded.
pub const MAX_BODY: usize = 64 * 1024;

/// The fields of a form, and whether a page of ours sent it.
pub struct Form {
    /// What was filled in.
    pub fields: Fields,
    body: Bytes,
    sender: Sender,
}

/// Whose page sent something, as far as the browser says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sender {
    /// A page of ours; or the browser says nothing, or `null`, in cases that are in order: then the form's anti-CSRF
    /// value alone decides.
    Own,
    /// Another site's page.
    Foreign,
}

impl Form {
    /// The form in `body`, which came with `headers` to the service that browsers know as `origin`.
    pub fn new(headers: &HeaderMap, body: Bytes, origin: &str) -> Self {
        Self { fields: Fields::parse(&body), body, sender: Sender::of(headers, origin) }
    }

    /// Refuses a body that is no form, before it is read.
    pub fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
        let media_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Ok(())
        } else {
            Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
        }
    }

    /// Refuses a form that another site's page sent.
    pub fn require_own(&self) -> Result<(), Problem> {
        self.sender.require_own()
    }

    /// The form as it would be sent by GET, byte for byte; with a `#` it would end there.
    pub fn as_query(&self) -> Option<&str> {
        let query = std::str::from_utf8(&self.body).ok()?;
        query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#').then_some(query)
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut form = f.debug_struct("Form");
        form.field("fields", &self.fields).field("sender", &self.sender).finish_non_exhaustive()
    }
}

impl Sender {
    /// Whose page sent these headers to the service that browsers know as `own_origin`.
    pub fn of(headers: &HeaderMap, own_origin: &str) -> Self {
        // `same-site` is another subdomain, port or scheme, which may be anybody's.
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        if !matches!(site, None | Some(b"same-origin" | b"none")) {
            return Self::Foreign;
        }
        let Some(origin) = headers.get(ORIGIN) else { return Self::Own };
        let Ok(origin) = origin.to_str() else { return Self::Foreign };
        // Behind a proxy the host is the proxy's to tell, and on a developer's machine it may be `localhost`. The scheme
        // is the service's own.
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let own_host = match (origin.split_once("://"), own_origin.split_once("://")) {
            (Some((scheme, authority)), Some((own_scheme, _))) => scheme == own_scheme && Some(authority) == host,
            _ => false,
        };
        if origin == "null" || origin == own_origin || own_host { Self::Own } else { Self::Foreign }
    }

    /// Refuses what another site's page sent.
    pub fn require_own(self) -> Result<(), Problem> {
        match self {
            Self::Own => Ok(()),
            Self::Foreign => Err(Problem::out_of_date()),
        }
    }
}

/// The fields of an `application/x-www-form-urlencoded` body, in order.
pub struct Fields(Vec<(String, String)>);

impl fmt::Debug for Fields {
    /// The names: a value may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Fields {
    /// Reads a body.
    pub fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first value of `name`, or nothing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The first value of `name`, or the empty text.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Every value of `name`, as checkboxes send them.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}
