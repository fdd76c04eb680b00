//! The demo client: stands for another company's web site that uses the shortener's API.
//!
//! It shares nothing with the shortener but the process: it has its own cookie and its own memory, and talks to the
//! shortener over HTTP only.

use cookie::{Cookie, SameSite};
use http::HeaderMap;

use super::client::Client;
use super::connections::{Connection, Connections};
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
        let browser = random::token();
        let (url, request) = self.client.authorization_request();
        self.connections.put(browser.clone(), Connection::Waiting(request));
        let cookie = Cookie::build((COOKIE_NAME, browser))
            .path("/demo")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(url.starts_with("https:"));
        (url, cookie.to_string())
    }

    /// Takes the answer that the browser brought back.
    pub async fn finish(&self, headers: &HeaderMap, query: &str) {
        if let Some(browser) = browser(headers)
            && let Some(Connection::Waiting(request)) = self.connections.take(&browser)
        {
            let connection = self.client.finish(request, query).await;
            self.connections.put(browser, connection);
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
