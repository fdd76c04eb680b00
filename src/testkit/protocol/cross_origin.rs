//! What an answer allows to web pages of other origins (Fetch, CORS protocol).

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{Failure, Reply, Run};

/// Whether the list in a header has this entry, or is `*`.
#[must_use]
pub(crate) fn lists(reply: &Reply, header: &HeaderName, entry: &str) -> bool {
    names(reply, header, entry) || names(reply, header, "*")
}

/// Whether the list in a header has this entry by its name.
fn names(reply: &Reply, header: &HeaderName, entry: &str) -> bool {
    let values = reply.headers().get_all(header).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|own| own.trim().eq_ignore_ascii_case(entry))
}

/// Headers of a request from a page of this origin.
///
/// # Errors
///
/// [`Failure`] if it cannot be sent.
pub(crate) fn from_origin(origin: &str) -> Result<HeaderMap, Failure> {
    let value = HeaderValue::from_str(origin).map_err(|_| Failure::new(format!("{origin:?} is no origin")))?;
    Ok(HeaderMap::from_iter([(ORIGIN, value)]))
}

impl Reply {
    /// A page of this origin may read it, and no cookie of anybody counts.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_readable_from(&self, origin: &str) -> Result<&Self, Failure> {
        let values: Vec<_> = self.headers().get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter().collect();
        let [allowed] = values.as_slice() else {
            return Err(Failure::new(format!("Access-Control-Allow-Origin comes {} times", values.len())));
        };
        ensure!(*allowed == "*" || *allowed == origin, "the allowed origin is {allowed:?}, not {origin:?}");
        ensure!(*allowed == "*" || lists(self, &VARY, "Origin"), "an origin is reflected without Vary: Origin");
        self.expect_no_header(&ACCESS_CONTROL_ALLOW_CREDENTIALS)
    }

    /// No page of another origin may read it.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it has a header of the CORS protocol.
    pub(crate) fn expect_unreadable(&self) -> Result<&Self, Failure> {
        let headers = self.headers().keys().filter(|name| name.as_str().starts_with("access-control-"));
        let headers: Vec<_> = headers.map(HeaderName::as_str).collect();
        ensure!(headers.is_empty(), "pages of other origins are allowed something: {}", headers.join(", "));
        Ok(self)
    }

    /// The answer to a preflight that allows this method and these headers, each by its name.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what it differs.
    pub(crate) fn expect_preflight(&self, origin: &str, method: &Method, headers: &[&str]) -> Result<&Self, Failure> {
        ensure!(matches!(self.status().as_u16(), 200 | 204), "the preflight is answered with {}", self.status());
        self.expect_readable_from(origin)?;
        let allowed = lists(self, &ACCESS_CONTROL_ALLOW_METHODS, method.as_str());
        ensure!(allowed, "the preflight does not allow {method}");
        for header in headers {
            ensure!(names(self, &ACCESS_CONTROL_ALLOW_HEADERS, header), "the preflight does not allow {header}");
        }
        Ok(self)
    }
}

impl Run<'_> {
    /// A preflight from a page of `origin`.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub(crate) async fn preflight(
        &self,
        address: &str,
        origin: &str,
        method: &Method,
        headers: &[&str],
    ) -> Result<Reply, Failure> {
        let mut asked = from_origin(origin)?;
        for (name, value) in
            [(ACCESS_CONTROL_REQUEST_METHOD, method.as_str()), (ACCESS_CONTROL_REQUEST_HEADERS, &headers.join(","))]
        {
            asked.insert(name, value.parse().map_err(|_| Failure::new(format!("{value:?} cannot be sent")))?);
        }
        self.send(Method::OPTIONS, address, asked, "").await
    }
}
