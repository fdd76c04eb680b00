//! A stand-in for a person's browser.

use http::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Method};

use super::run::FORM;
use super::{Failure, Reply, Run, Submission};

/// A browser: it keeps cookies, says where a form comes from, and follows a redirect only when it is told to.
#[derive(Clone, Debug)]
pub struct Browser<'a> {
    run: &'a Run<'a>,
    cookies: Cookies,
}

/// The cookies that a browser keeps for the target.
#[derive(Clone, Debug, Default)]
pub(super) struct Cookies(Vec<Cookie>);

#[derive(Clone, Debug)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    set_by: String,
}

impl<'a> Browser<'a> {
    pub(super) const fn with_cookies(run: &'a Run<'a>, cookies: Cookies) -> Self {
        Self { run, cookies }
    }

    pub(super) fn into_cookies(self) -> Cookies {
        self.cookies
    }

    /// The cookies that it keeps: the name of each, its value, and the `Set-Cookie` header that set it.
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.cookies.0.iter().map(|cookie| (&*cookie.name, &*cookie.value, &*cookie.set_by))
    }

    /// Gives it a cookie that the target did not set, as an attacker would.
    pub fn plant(&mut self, name: &str, value: &str) {
        let planted =
            Cookie { name: name.to_owned(), value: value.to_owned(), path: "/".to_owned(), set_by: String::new() };
        self.cookies.0.retain(|cookie| cookie.name != name);
        self.cookies.0.push(planted);
    }

    /// Opens an address: a path with its query, or a URL of the target.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub async fn get(&mut self, address: &str) -> Result<Reply, Failure> {
        self.send(Method::GET, address, HeaderMap::new(), String::new()).await
    }

    /// Sends a form as a page of the target would.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub async fn submit(&mut self, form: &Submission) -> Result<Reply, Failure> {
        let origin = self.run.origin().to_owned();
        self.submit_from(&origin, "same-origin", form).await
    }

    /// Sends a form as a page of another origin would: what `Origin` and `Sec-Fetch-Site` say is the caller's to
    /// choose.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub async fn submit_from(&mut self, origin: &str, site: &str, form: &Submission) -> Result<Reply, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, FORM);
        for (name, value) in [(ORIGIN.as_str(), origin), ("sec-fetch-site", site)] {
            let value = value.parse().map_err(|_| Failure::new(format!("{value:?} cannot be sent as {name}")))?;
            headers.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
        }
        self.send(Method::POST, &form.action, headers, form.fields.encode()).await
    }

    /// Opens an address and follows redirects for as long as they stay at the target; the last one may lead elsewhere.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the target leads in a circle.
    pub async fn visit(&mut self, address: &str) -> Result<Reply, Failure> {
        let reply = self.get(address).await?;
        self.follow(reply).await
    }

    /// Follows redirects for as long as they stay at the target; the last one may lead elsewhere.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the target leads in a circle.
    pub async fn follow(&mut self, mut reply: Reply) -> Result<Reply, Failure> {
        for _ in 0..10 {
            let next = reply.location().and_then(|location| self.run.local(location)).map(ToOwned::to_owned);
            match next.filter(|_| reply.status().is_redirection()) {
                Some(address) => reply = self.get(&address).await?,
                None => return Ok(reply),
            }
        }
        Err(Failure::new("the target leads the browser in a circle"))
    }

    /// Sends any request with the browser's cookies.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub async fn send(
        &mut self,
        method: Method,
        address: &str,
        mut headers: HeaderMap,
        body: String,
    ) -> Result<Reply, Failure> {
        let path = self.run.local(address).unwrap_or(address);
        if let Some(cookies) = self.cookies.header(path) {
            let cookies = cookies.parse().map_err(|_| Failure::new("a cookie cannot be sent back"))?;
            headers.insert(COOKIE, cookies);
        }
        let reply = self.run.send(method, address, headers, body).await?;
        self.cookies.keep(reply.headers());
        Ok(reply)
    }
}

impl Cookies {
    fn header(&self, path: &str) -> Option<String> {
        let sent = self.0.iter().filter(|cookie| path.starts_with(&cookie.path));
        let sent: Vec<_> = sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!sent.is_empty()).then(|| sent.join("; "))
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE).iter().filter_map(|header| header.to_str().ok()) {
            let mut parts = header.split(';').map(|part| {
                let part = part.trim();
                part.split_once('=').unwrap_or((part, ""))
            });
            let Some((name, value)) = parts.next() else { continue };
            self.0.retain(|cookie| cookie.name != name);
            let attributes: Vec<_> = parts.collect();
            let attribute = |wanted: &str| {
                attributes.iter().find(|(own, _)| own.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value)
            };
            if attribute("max-age").is_none_or(|age| age.parse::<i64>().is_ok_and(|seconds| seconds > 0)) {
                let path = attribute("path").unwrap_or("/").to_owned();
                self.0.push(Cookie { name: name.to_owned(), value: value.to_owned(), path, set_by: header.to_owned() });
            }
        }
    }
}
