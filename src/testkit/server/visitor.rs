//! Who is on the other side: sessions in memory, each known by a cookie.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::header::{COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue};

use super::TestServer;
use crate::grant::SessionSecret;
use crate::identifier::Subject;
use crate::secret::{GrantId, random};
use crate::wire;

/// A session in which somebody is signed in. Nobody else has one.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) subject: Subject,
    secret: [u8; 32],
    /// The page that the user signed in for.
    signed_in_for: Option<String>,
}

impl Session {
    pub(super) fn secret(&self) -> SessionSecret {
        SessionSecret::new(self.secret).expect("32 bytes are enough")
    }

    /// Whether the user signed in in order to see this very page.
    pub(super) fn is_for(&self, page: &str) -> bool {
        self.signed_in_for.as_deref() == Some(page)
    }
}

/// The sessions of a server, by the value of their cookie.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

/// A browser, with its session if it has one.
pub(in crate::testkit) struct Visitor(Option<Session>);

impl Visitor {
    /// Somebody who is signed in already, and came from elsewhere.
    pub(in crate::testkit) const fn signed_in(subject: Subject, secret: [u8; 32]) -> Self {
        Self(Some(Session { subject, secret, signed_in_for: None }))
    }

    pub(in crate::testkit) const fn anonymous() -> Self {
        Self(None)
    }

    pub(super) fn of(server: &TestServer, headers: &HeaderMap) -> Self {
        let sessions = server.inner.sessions.0.lock().unwrap_or_else(PoisonError::into_inner);
        Self(cookie(server, headers).and_then(|id| sessions.get(id).cloned()))
    }

    pub(super) const fn session(&self) -> Option<&Session> {
        self.0.as_ref()
    }

    pub(super) const fn kind(&self) -> wire::Visitor {
        if self.0.is_some() { wire::Visitor::SignedIn } else { wire::Visitor::Anonymous }
    }

    /// Whether the user signed in in order to see this very page.
    pub(super) fn signed_in_for(&self, path: &str) -> bool {
        self.session().is_some_and(|session| session.is_for(path))
    }
}

/// Signs `subject` in under a cookie that nobody had before, and forgets the session that the browser came with.
pub(super) fn sign_in(server: &TestServer, headers: &HeaderMap, subject: Subject, next: &str) -> HeaderValue {
    sign_out(server, headers);
    let id = GrantId::random().to_string();
    let cookie = format!("{}={id}; Path=/; HttpOnly; SameSite=Lax{}", name(server), secure(server));
    let session = Session { subject, secret: random(), signed_in_for: Some(next.to_owned()) };
    server.inner.sessions.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, session);
    header(&cookie)
}

/// Forgets the session; the cookie that is returned goes at once.
pub(super) fn sign_out(server: &TestServer, headers: &HeaderMap) -> HeaderValue {
    if let Some(id) = cookie(server, headers) {
        server.inner.sessions.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
    header(&format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{}", name(server), secure(server)))
}

/// Whether the browser says that another site's page sent this. It may say nothing, or `null`, of our own;
/// `same-site` is another subdomain, port or scheme.
pub(super) fn is_foreign(server: &TestServer, headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        return true;
    }
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let Ok(origin) = origin.to_str() else { return true };
    let own = server.server().configuration().issuer.origin();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own_host = match (origin.split_once("://"), own.split_once("://")) {
        (Some((scheme, authority)), Some((own_scheme, _))) => scheme == own_scheme && Some(authority) == host,
        _ => false,
    };
    !(origin == "null" || origin == own || own_host)
}

fn cookie<'a>(server: &TestServer, headers: &'a HeaderMap) -> Option<&'a str> {
    let pairs = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name(server)).map(|(_, id)| id)
}

fn name(server: &TestServer) -> &'static str {
    if is_https(server) { "__Host-session" } else { "session" }
}

fn secure(server: &TestServer) -> &'static str {
    if is_https(server) { "; Secure" } else { "" }
}

fn is_https(server: &TestServer) -> bool {
    server.server().configuration().issuer.origin().starts_with("https:")
}

fn header(cookie: &str) -> HeaderValue {
    HeaderValue::from_str(cookie).expect("a cookie is printable ASCII")
}
