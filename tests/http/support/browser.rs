//! A stand-in for a browser: it keeps cookies and fills in forms, and follows a redirect only when it is told to.

use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{RequestBuilder, StatusCode};
use tokio::sync::Semaphore;

use super::example::Example;
use super::html::Form;
use super::{Reply, http_client};

/// Somebody who can sign in.
#[derive(Clone, Copy, Debug)]
pub struct User {
    pub username: &'static str,
    pub password: &'static str,
    /// What pages call the person.
    pub name: &'static str,
}

pub const ADA: User = User { username: "ada", password: "correct horse", name: "Ada Lovelace" };
pub const GRACE: User = User { username: "grace", password: "battery staple", name: "Grace Hopper" };

/// More than this at the same moment, all as the same person, would look like somebody who guesses passwords.
static SIGN_INS: Semaphore = Semaphore::const_new(4);

/// A browser with its cookies.
#[derive(Clone, Debug)]
pub struct Browser {
    http: reqwest::Client,
    origin: String,
    cookies: Vec<Cookie>,
}

#[derive(Clone, Debug)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

impl Browser {
    pub fn new(example: &Example) -> Self {
        Self { http: http_client(), origin: example.origin(), cookies: Vec::new() }
    }

    /// The same browser, led to another process of the same service.
    pub fn at(&self, example: &Example) -> Self {
        Self { origin: example.origin(), ..self.clone() }
    }

    /// A browser in which `user` has signed in.
    pub async fn signed_in(example: &Example, user: User) -> Self {
        let mut browser = Self::new(example);
        browser.sign_in(user).await;
        browser
    }

    /// Signs in on the page for it.
    pub async fn sign_in(&mut self, user: User) {
        let _permit = SIGN_INS.acquire().await.unwrap();
        let page = self.get("/signin").await.expect(200);
        assert_eq!(self.submit_sign_in(&page, user.username, user.password).await.redirect(), "/");
    }

    /// Fills in and sends the sign-in form of a page.
    pub async fn submit_sign_in(&mut self, page: &Reply, username: &str, password: &str) -> Reply {
        let form = page.form("/signin").with("username", username).with("password", password);
        self.submit(&form).await
    }

    /// Opens a path.
    pub async fn get(&mut self, path: &str) -> Reply {
        let url = self.url(path);
        self.send(&url, self.http.get(&url)).await
    }

    /// Opens a path, and follows redirects as long as they stay here; the last one may lead elsewhere.
    pub async fn visit(&mut self, path: &str) -> Reply {
        let mut reply = self.get(path).await;
        for _ in 0..10 {
            if reply.status != StatusCode::SEE_OTHER {
                return reply;
            }
            let Some(path) = self.local(reply.redirect()) else { return reply };
            reply = self.get(&path).await;
        }
        panic!("{path} leads in a circle");
    }

    /// Sends a form as the page that it is on would.
    pub async fn submit(&mut self, form: &Form) -> Reply {
        self.submit_from(form, &[("origin", &self.origin.clone()), ("sec-fetch-site", "same-origin")]).await
    }

    /// Sends a form with other headers about where it comes from.
    pub async fn submit_from(&mut self, form: &Form, headers: &[(&str, &str)]) -> Reply {
        let url = self.url(&form.action);
        let request = headers.iter().fold(self.http.post(&url).form(&form.fields), |request, (name, value)| {
            assert!([ORIGIN.as_str(), "sec-fetch-site"].contains(name));
            request.header(*name, *value)
        });
        self.send(&url, request).await
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value.as_str())
    }

    /// Sets a cookie for the whole site, as somebody who can plant one would.
    pub fn plant_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|cookie| cookie.name != name);
        self.cookies.push(Cookie { name: name.to_owned(), value: value.to_owned(), path: "/".to_owned() });
    }

    /// The path of a location on this site.
    fn local(&self, location: &str) -> Option<String> {
        if location.starts_with('/') {
            return Some(location.to_owned());
        }
        location.strip_prefix(&self.origin).filter(|path| path.starts_with('/')).map(ToOwned::to_owned)
    }

    fn url(&self, path: &str) -> String {
        assert!(path.starts_with('/') && !path.starts_with("//"), "{path}");
        format!("{}{path}", self.origin)
    }

    async fn send(&mut self, url: &str, request: RequestBuilder) -> Reply {
        let path = url.strip_prefix(&self.origin).unwrap();
        let sent: Vec<String> = self
            .cookies
            .iter()
            .filter(|cookie| path.starts_with(&cookie.path))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        let request = if sent.is_empty() { request } else { request.header(COOKIE, sent.join("; ")) };
        let reply = Reply::of(request.send().await.unwrap()).await;
        for header in reply.headers.get_all(SET_COOKIE) {
            self.keep(header.to_str().unwrap());
        }
        reply
    }

    fn keep(&mut self, header: &str) {
        let mut parts = header.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).unwrap();
        let attribute = |wanted: &str| {
            let mut pairs = header.split(';').filter_map(|part| part.trim().split_once('='));
            pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.to_owned())
        };
        self.cookies.retain(|cookie| cookie.name != name);
        if attribute("max-age").as_deref() != Some("0") {
            let path = attribute("path").unwrap_or_else(|| "/".to_owned());
            self.cookies.push(Cookie { name: name.to_owned(), value: value.to_owned(), path });
        }
    }
}
