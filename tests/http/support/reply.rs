//! What came back.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use scraper::Html;
use serde_json::Value;
use url::Url;

use super::html::{self, Form};

/// A whole response.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, body: response.text().await.unwrap() }
    }

    /// A header that occurs once, or not at all.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        assert!(self.headers.get_all(name).iter().count() < 2, "{name} occurs twice in {self:?}");
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// The JSON object that every program gets: with its type, never stored, and without empty members.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// A text member of the JSON object.
    #[track_caller]
    pub fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no text member {member} in {self:?}")).to_owned()
    }

    /// An OAuth error for programs: a challenge goes with a 401, and with a 403 of the API, but never with a 400.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.json()["error"], code, "{reply:?}");
        assert!(reply.json().get("access_token").is_none(), "{reply:?}");
        let challenged = reply.headers.contains_key("www-authenticate");
        assert!(if status == 401 { challenged } else { status == 403 || !challenged }, "{reply:?}");
        reply
    }

    /// The page, whatever its status.
    #[track_caller]
    pub fn page(&self) -> Html {
        assert_eq!(self.header("content-type"), Some("text/html; charset=utf-8"), "{self:?}");
        Html::parse_document(&self.body)
    }

    /// A page that answers with an error, and sends the browser nowhere.
    #[track_caller]
    pub fn expect_error_page(self, status: u16) -> Self {
        let reply = self.expect(status);
        assert!(!reply.headers.contains_key("location") && !reply.headers.contains_key("refresh"), "{reply:?}");
        let page = reply.page();
        assert!(html::select(&page, "h1").len() == 1 && html::select(&page, "script, meta[http-equiv]").is_empty());
        reply
    }

    /// The one form of the page that goes to this path.
    #[track_caller]
    pub fn form(&self, path: &str) -> Form {
        let mut forms = html::forms(&self.page());
        forms.retain(|form| form.action.split('?').next() == Some(path));
        assert_eq!(forms.len(), 1, "forms for {path} in {}", self.body);
        forms.remove(0)
    }

    /// What the elements that a CSS selector finds say.
    #[track_caller]
    pub fn texts(&self, selector: &str) -> Vec<String> {
        html::select(&self.page(), selector).into_iter().map(html::text).collect()
    }

    /// Where a 303 leads.
    #[track_caller]
    pub fn redirect(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        self.header("location").expect("a location")
    }

    /// The answer to an authorization request, as the client at `redirect_uri` finds it.
    #[track_caller]
    pub fn answer_to(&self, redirect_uri: &str) -> Answer {
        assert!(self.body.is_empty(), "{self:?}");
        Answer::at(redirect_uri, self.redirect())
    }
}

/// The parameters of an authorization response.
#[derive(Clone, Debug)]
pub struct Answer(Vec<(String, String)>);

impl Answer {
    /// The answer that the client at `redirect_uri` finds if a browser goes to this address.
    #[track_caller]
    pub fn at(redirect_uri: &str, address: &str) -> Self {
        let rest = address.strip_prefix(redirect_uri).unwrap_or_else(|| panic!("{address} leads elsewhere"));
        assert!(rest.starts_with('?') && !rest.contains('#'), "{address}");
        Self(Url::parse(address).unwrap().query_pairs().into_owned().collect())
    }

    /// A parameter that occurs once, or not at all.
    #[track_caller]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(own, _)| own == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} occurs twice in {self:?}");
        value
    }

    /// The code of a positive answer.
    #[track_caller]
    pub fn code(&self) -> &str {
        assert!(self.get("error").is_none(), "{self:?}");
        self.get("code").unwrap_or_else(|| panic!("no code in {self:?}"))
    }

    /// The error of a negative one.
    #[track_caller]
    pub fn error(&self) -> &str {
        assert!(self.get("code").is_none(), "{self:?}");
        self.get("error").unwrap_or_else(|| panic!("no error in {self:?}"))
    }
}
