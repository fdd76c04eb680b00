//! Requests: of programs, and of somebody with a browser.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use grantor::testkit::Form;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, Request};
use scraper::Html;
use serde_json::{Map, Value};

use super::super::html;
use super::Target;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    body: String,
}

/// What somebody has in front of them who opened an authorization request, and approved what there was to approve.
#[derive(Debug)]
pub enum Reached {
    /// The client, with these parameters that came this way (the values of `response_mode`).
    Client(&'static str, BTreeMap<String, String>),
    /// A page, with this status.
    Page(u16),
}

impl Answer {
    /// The members of a JSON object; none if it is something else.
    pub fn members(&self) -> Map<String, Value> {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A text among them.
    pub fn text(&self, member: &str) -> Option<String> {
        self.members().get(member)?.as_str().map(ToOwned::to_owned)
    }

    pub fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn forms(&self) -> Vec<html::Form> {
        let is_page = self.status == 200 && self.header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"));
        if is_page { html::forms(&Html::parse_document(&self.body)) } else { Vec::new() }
    }
}

impl Target {
    /// Sends a request as a program does.
    pub async fn send(&self, method: Method, path: &str, headers: HeaderMap, body: impl Into<Bytes> + Send) -> Answer {
        let (_, authority) = self.origin.split_once("://").expect("an origin");
        let request = Request::builder().method(method).uri(path).header(HOST, authority);
        let mut request = request.body(body.into()).unwrap();
        request.headers_mut().extend(headers);
        let (parts, body) = self.service.call(request).await.unwrap().into_parts();
        let body = String::from_utf8(body.into()).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, HeaderMap::new(), "").await
    }

    /// Posts a form.
    pub async fn post(&self, path: &str, form: &Form, mut headers: HeaderMap) -> Answer {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.send(Method::POST, path, headers, form.encode()).await
    }
}

/// A browser in which somebody has signed in.
pub struct Browser<'a> {
    target: &'a Target,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub async fn signed_in(target: &'a Target) -> Self {
        let browser = Self { target, cookies: Mutex::default() };
        let page = browser.send(Method::GET, target.sign_in.path, HeaderMap::new(), String::new()).await;
        let form = page.forms().into_iter().find(|form| form.action.split('?').next() == Some(target.sign_in.path));
        let fields = target.sign_in.fields.iter();
        let form = fields.fold(form.expect("a form to sign in"), |form, (name, value)| form.with(name, value));
        let answer = browser.submit(&form).await;
        assert!((300..400).contains(&answer.status), "{answer:?}");
        browser
    }

    /// Opens an authorization request at `place`, and approves it.
    pub async fn approve(&self, place: &str, request: &Form) -> Reached {
        let address = format!("{place}?{}", request.encode());
        let mut answer = self.send(Method::GET, &address, HeaderMap::new(), String::new()).await;
        let approve = ("decision".to_owned(), "approve".to_owned());
        let asks = answer.forms().into_iter().find(|form| form.buttons.contains(&approve));
        if let Some(form) = asks {
            answer = self.submit(&form.press("decision", "approve")).await;
        }
        reached(&answer, request.get("redirect_uri").unwrap_or_default())
    }

    async fn submit(&self, form: &html::Form) -> Answer {
        let fields = form.fields.iter().fold(Form::new(), |fields, (name, value)| fields.and(name, value));
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
            (ORIGIN, self.target.origin.parse().unwrap()),
        ];
        self.send(Method::POST, &form.action, HeaderMap::from_iter(headers), fields.encode()).await
    }

    async fn send(&self, method: Method, address: &str, mut headers: HeaderMap, body: String) -> Answer {
        let path = address.strip_prefix(&self.target.origin).unwrap_or(address);
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !cookies.is_empty() {
            let cookies: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.insert(COOKIE, cookies.join("; ").parse().unwrap());
        }
        let answer = self.target.send(method, path, headers, body).await;
        let mut kept = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for header in answer.headers.get_all(SET_COOKIE) {
            let pair = header.to_str().unwrap().split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            kept.insert(name.trim().to_owned(), value.trim().to_owned());
        }
        answer
    }
}

fn reached(answer: &Answer, redirect_uri: &str) -> Reached {
    let parse = |text: &str| url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let location = answer.header(LOCATION).filter(|_| (300..400).contains(&answer.status));
    if let Some(rest) = location.and_then(|location| location.strip_prefix(redirect_uri)) {
        if let Some(query) = rest.strip_prefix('?') {
            return Reached::Client("query", parse(query));
        }
        if let Some(fragment) = rest.strip_prefix('#') {
            return Reached::Client("fragment", parse(fragment));
        }
    }
    match answer.forms().into_iter().find(|form| form.action == redirect_uri) {
        Some(form) => Reached::Client("form_post", form.fields.into_iter().collect()),
        None => Reached::Page(answer.status),
    }
}
