//! A service that runs, and requests to it exactly as its documentation writes them.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{Url, form_urlencoded};

use super::super::support::app::Paths;
use super::super::support::{App, Browser, Example, Reply, http_client};
use super::Place;

/// A service, with clients that it knows.
#[derive(Debug)]
pub struct Service {
    pub example: Arc<Example>,
    place: Place,
    paths: Paths,
    _file: TempDir,
}

/// A client that the service knows beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub id: &'static str,
    /// None for a public client.
    pub secret: Option<&'static str>,
    pub redirect_uris: &'static [&'static str],
}

impl Known {
    /// Where it waits for the answer.
    pub const fn redirect_uri(&self) -> &'static str {
        self.redirect_uris[0]
    }

    /// The object of RFC 7591.
    pub fn document(&self) -> Value {
        let mut document = json!({
            "client_id": self.id,
            "client_name": format!("The {} app", self.id),
            "redirect_uris": self.redirect_uris,
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        });
        if let Some(secret) = self.secret {
            document["client_secret"] = json!(secret);
            document["token_endpoint_auth_method"] = json!("client_secret_post");
        }
        document
    }

    /// The same with members that change it.
    pub fn document_with(&self, members: Value) -> Value {
        let mut document = self.document();
        document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        document
    }
}

impl Service {
    /// Runs the example as the service `name`, which knows `clients`: an array of objects of RFC 7591.
    pub fn start(place: Place, name: &str, clients: &Value, variables: &[(&str, &str)]) -> Self {
        let file = TempDir::new().unwrap();
        let path = file.path().join("clients.json");
        fs::write(&path, clients.to_string()).unwrap();
        let own = [("--service", name), ("CLIENTS", path.to_str().unwrap())];
        let example = Arc::new(place.start(&[&own[..], variables].concat()));
        Self { example, place, paths: paths(name), _file: file }
    }

    /// Whether people and workspaces can be changed from the side, by SQL.
    pub fn has_tables(&self) -> bool {
        self.place != Place::Memory
    }

    /// Whether codes and tokens can be, too.
    pub fn has_token_tables(&self) -> bool {
        self.has_tables() && !self.example.database_url().starts_with("redis")
    }

    pub fn url(&self, path: &str) -> String {
        self.example.url(path)
    }

    /// The client as a program that sends a code challenge with each request.
    pub fn app(&self, client: Known) -> App {
        let mut app = App::known(&self.example, client.id, client.redirect_uri()).with_secret(client.secret);
        app.paths = self.paths;
        app
    }

    /// `GET`
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(Method::GET, path, headers, |request| request).await
    }

    /// `GET` with a token, as the documentation of each API writes it.
    pub async fn call(&self, path: &str, access_token: &str) -> Reply {
        self.get(path, &[("authorization", &format!("Bearer {access_token}"))]).await
    }

    /// `POST` of a form.
    pub async fn form(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Reply {
        self.send(Method::POST, path, headers, |request| request.form(fields)).await
    }

    /// `POST` of JSON.
    pub async fn json(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        self.send(Method::POST, path, headers, |request| request.json(body)).await
    }

    /// `POST` of whatever.
    pub async fn body(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send(Method::POST, path, headers, |request| request.body(body.to_owned())).await
    }

    /// What a browser sends before the script of another origin may send a `method` with these headers.
    pub async fn preflight(&self, path: &str, origin: &str, method: &str, headers: &str) -> Reply {
        let asked = [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", headers),
        ];
        self.send(Method::OPTIONS, path, &asked, |request| request).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        complete: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Reply {
        let request = http_client().request(method, self.url(path));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Reply::of(complete(request).send().await.unwrap()).await
    }

    /// Opens an authorization request in a browser in which somebody has signed in, and approves all of it; who did so
    /// before may not be asked again.
    pub async fn approve(&self, browser: &mut Browser, request: &[(&str, &str)]) -> Reply {
        let page = browser.get(&self.authorize(request)).await;
        if page.status == 303 {
            return page;
        }
        browser.submit(&page.form(self.paths.authorize).press("decision", "approve")).await
    }

    /// The path of an authorization request.
    pub fn authorize(&self, request: &[(&str, &str)]) -> String {
        query(self.paths.authorize, request)
    }
}

/// The fields with `changes`: an empty value takes one out.
pub fn changed<'a>(fields: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = fields.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect()
}

/// A path with a query.
pub fn query(path: &str, parameters: &[(&str, &str)]) -> String {
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish())
}

/// All parameters of an answer to an authorization request, as the client at `redirect_uri` finds it.
#[track_caller]
pub fn answer_members(reply: &Reply, redirect_uri: &str) -> BTreeMap<String, String> {
    let _ = reply.answer_to(redirect_uri);
    let pairs: Vec<_> = Url::parse(reply.redirect()).unwrap().query_pairs().into_owned().collect();
    let members: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(members.len(), pairs.len(), "a parameter occurs twice in {reply:?}");
    members
}

fn paths(service: &str) -> Paths {
    match service {
        "linkkit" => Paths { authorize: "/oauth/authorize", oauth: "/oauth", api: "/v1" },
        "clyk" | "klink" => Paths { authorize: "/oauth/authorize", oauth: "/oauth", api: "/api/v1" },
        "trimlink" => Paths { authorize: "/app/authorize", oauth: "/api/oauth", api: "/api/1.0" },
        "kit" => Paths { authorize: "/v4/oauth/authorize", oauth: "/v4/oauth", api: "/v4" },
        other => panic!("there is no service {other}"),
    }
}
