//! A link shortener of the examples, as a process of its own.

use std::borrow::Borrow;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use grantor::testkit::protocol::{Api, ApiCall, Endpoints, Feature, FormHost, OverHttp, Profile, Scopes, Suite};
use http::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::example::Example;

/// A running example, and the suite at it; the example ends with this.
struct Running {
    suite: Suite,
    _example: Example,
}

/// The one that tests share; it lives as long as a test holds it.
pub struct Shared(Arc<Running>);

impl Borrow<Suite> for Shared {
    fn borrow(&self) -> &Suite {
        &self.0.suite
    }
}

impl Running {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("clients.json");
        let clients: Vec<Value> = profile("http://snip.test").clients().map(|client| client.registration()).collect();
        fs::write(&file, Value::from(clients).to_string()).unwrap();
        // On a fast machine, so many wrong secrets at once are a flood. What is limited has tests of its own.
        let example = Example::start_with(&[("CLIENTS", file.to_str().unwrap()), ("LIMITS", "off")]);
        let origin = example.url("");
        let ada = [("username", "ada"), ("password", "correct horse")];
        let grace = [("username", "grace"), ("password", "battery staple")];
        let suite = Suite::new(OverHttp::new(&origin).unwrap(), FormHost::new(ada, grace), profile(&origin));
        Self { suite, _example: example }
    }
}

fn profile(issuer: &str) -> Profile {
    let text = |text: &str| text.to_owned();
    let scopes = Scopes { default: text("links:read"), write: text("links:write"), restricted: text("links:delete") };
    let body = text("{\"url\":\"https://example.com/\"}");
    let api = Api {
        resource: text(issuer),
        other_resource: Some(format!("{issuer}/api/mcp")),
        read: text("/api/v1/links"),
        write: ApiCall { method: Method::POST, path: text("/api/v1/links"), body },
    };
    Profile::new(issuer, Endpoints::under(issuer, "/oauth"), scopes, api).without(Feature::Clock)
}

/// The suite at the running example.
pub async fn suite() -> Shared {
    static SHARED: Mutex<Weak<Running>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    Shared(shared.upgrade().unwrap_or_else(|| {
        let running = Arc::new(Running::start());
        *shared = Arc::downgrade(&running);
        running
    }))
}
