//! The web site of another company: an app with an origin of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::example::Example;

/// The S256 challenge of RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A site that registered itself as an app, and notes who comes back.
#[derive(Debug)]
pub struct OtherSite {
    pub client_id: String,
    redirect_uri: String,
    visits: Receiver<String>,
}

impl OtherSite {
    /// Opens the site and registers it under `name`.
    pub async fn open(example: &Example, name: &str) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let redirect_uri = format!("http://{}/cb", listener.local_addr().unwrap());
        let (note, visits) = channel();
        // Ends with the process, or when nobody wants to know any more.
        thread::spawn(move || {
            while let Ok((connection, _)) = listener.accept() {
                if let Some(head) = answer(connection)
                    && note.send(head).is_err()
                {
                    return;
                }
            }
        });
        let metadata = json!({
            "client_name": name, "redirect_uris": [redirect_uri], "token_endpoint_auth_method": "none",
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = http.post(example.url("/oauth/register")).json(&metadata).send().await.unwrap();
        let registered: Value = response.error_for_status().unwrap().json().await.unwrap();
        Self { client_id: registered["client_id"].as_str().unwrap().to_owned(), redirect_uri, visits }
    }

    /// Where the site sends its visitors.
    pub fn request(&self) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", "links:read stats:read")
            .append_pair("state", "the-state-of-the-other-site")
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .finish();
        format!("/oauth/authorize?{query}")
    }

    /// The head of the request with which somebody came back.
    pub fn next_visit(&self) -> String {
        self.visits.recv_timeout(Duration::from_secs(30)).expect("somebody comes back to the app")
    }
}

/// How many codes the example has made for this client: a line of the log each.
pub fn codes_made(example: &Example, client_id: &str) -> usize {
    example.output().lines().filter(|line| line.contains("event=\"approved\"") && line.contains(client_id)).count()
}

/// Answers a request for the callback and returns its head; a browser asks for an icon as well.
fn answer(mut connection: TcpStream) -> Option<String> {
    connection.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut head = String::new();
    for line in BufReader::new(connection.try_clone().ok()?).lines() {
        let line = line.ok().filter(|line| !line.is_empty());
        let Some(line) = line else { break };
        head.push_str(&line);
        head.push('\n');
    }
    let body = "<!doctype html><title>App</title><h1>Back at the app</h1>";
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(response.as_bytes()).ok()?;
    head.starts_with("GET /cb?").then_some(head)
}
