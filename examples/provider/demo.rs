//! The demo client: stands for another company's web site that uses the shortener's API.
//!
//! It shares nothing with the shortener but the process: it has its own cookie and its own memory, and talks to the
//! shortener over HTTP only.

use cookie::{Cookie, SameSite};
use grantor::ReturnTarget;
use http::{HeaderMap, StatusCode};

use super::client::Client;
use super::connections::{Connection, Connections};
use crate::shortener::problem::Problem;
use crate::shortener::random;
use crate::shortener::sessions::cookie_in;
use crate::shortener::views::DemoState;

const COOKIE_NAME: &str = "link_board";

/// The demo client's side of the process.
#[derive(Debug)]
pub struct Demo {
    client: Client,
    connections: Connections,
}

impl Demo {
    /// No browser has been here yet.
    pub fn new(client: Client) -> Self {
        Self { client, connections: Connections::default() }
    }

    /// What the client asks for.
    pub fn scope(&self) -> &str {
        self.client.scope()
    }

    /// How far the browser came; if it is connected, after another use of the API.
    pub async fn state(&self, headers: &HeaderMap) -> DemoState {
        match browser(headers).and_then(|browser| self.connections.get(&browser)) {
            None | Some(Connection::Waiting(_)) => DemoState::Start,
            Some(Connection::Denied) => DemoState::Denied,
            Some(Connection::Failed(why)) => DemoState::Failed(why),
            Some(Connection::Connected(tokens)) => {
                let calls = self.client.call_api(&tokens).await;
                DemoState::Connected {
                    token_start: tokens.access_token.chars().take(12).collect(),
                    scope: tokens.scope,
                    alive: calls.first().is_some_and(|call| call.ok),
                    calls,
                }
            }
        }
    }

    /// Begins the flow: where to send the browser, and the `Set-Cookie` by which it is known when it comes back.
    pub fn connect(&self) -> (String, String) {
        self.begin(None)
    }

    /// The same for a browser that the shortener's app store sent, and wants back at `redirect` in the end.
    pub fn install(&self, redirect: &str) -> Result<(String, String), Problem> {
        let target = self.client.return_target(redirect).map_err(|_| {
            let text = "An installation ends where it began, and this one would end on another site.";
            Problem::new(StatusCode::BAD_REQUEST, "That leads elsewhere", text)
        })?;
        Ok(self.begin(Some(target)))
    }

    fn begin(&self, return_to: Option<ReturnTarget>) -> (String, String) {
        let browser = random::token();
        let (url, request) = self.client.authorization_request(return_to);
        self.connections.put(browser.clone(), Connection::Waiting(request));
        let cookie = Cookie::build((COOKIE_NAME, browser))
            .path("/demo")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(url.starts_with("https:"));
        (url, cookie.to_string())
    }

    /// Takes the answer that the browser brought back, and says where it goes now.
    pub async fn finish(&self, headers: &HeaderMap, query: &str) -> String {
        let own_page = "/demo".to_owned();
        let Some(browser) = browser(headers) else { return own_page };
        let Some(Connection::Waiting(request)) = self.connections.take(&browser) else { return own_page };
        let connection = self.client.finish(&request, query).await;
        let connected = matches!(connection, Connection::Connected(_));
        self.connections.put(browser, connection);
        match request.return_to {
            Some(target) if connected => target.as_str().to_owned(),
            _ => own_page,
        }
    }

    /// Forgets the browser.
    pub fn forget(&self, headers: &HeaderMap) {
        if let Some(browser) = browser(headers) {
            self.connections.take(&browser);
        }
    }
}

fn browser(headers: &HeaderMap) -> Option<String> {
    cookie_in(headers, COOKIE_NAME)
}
