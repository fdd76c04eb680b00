//! Every secret that a test hands out or receives, and the search for them in what was written meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request};
use serde_json::Value;
use url::form_urlencoded::{byte_serialize, parse};

use super::output::Output;
use super::{Answer, ENC_SECRET, Form, SECRET, VERIFIER};

/// Shorter values are found by chance.
const SHORTEST: usize = 10;
/// Of longer ones, whoever writes them writes this much, too.
const LONGEST: usize = 64;
/// Parameters and members whose values open something, or protect somebody.
const SECRET_NAMES: &[&str] = &[
    "access_token",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "consent_token",
    "id_token_hint",
    "password",
    "refresh_token",
    "registration_access_token",
    "state",
    "token",
];
/// What the server's own begin with, unless a test configures it.
const PREFIXES: &[&str] = &["gr_ac_", "gr_at_", "gr_rt_", "gr_cs_", "gr_reg_"];

/// The secrets of one server's life, with what is written during it.
#[derive(Debug)]
pub struct Secrets {
    noted: Mutex<BTreeMap<String, String>>,
    /// What somebody said to be called: no secret, though some tests send the same for everything.
    identifiers: Mutex<BTreeSet<String>>,
    output: Output,
}

impl Secrets {
    pub fn watch() -> Self {
        let secrets = Self { noted: Mutex::default(), identifiers: Mutex::default(), output: Output::listen() };
        for secret in [SECRET, ENC_SECRET] {
            secrets.note("secret of a client", secret);
        }
        secrets.note("verifier", VERIFIER);
        // How the bytes of the session look when somebody prints them.
        secrets.note("session secret", format!("{:?}", [7; 8]).trim_matches(['[', ']']));
        secrets
    }

    /// Remembers a secret, and how it looks in a query.
    pub fn note(&self, what: &str, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for form in [secret.to_owned(), byte_serialize(secret.as_bytes()).collect()] {
            let form: String = form.chars().take(LONGEST).collect();
            noted.insert(form, what.to_owned());
        }
    }

    fn note_named(&self, name: &str, value: &str) {
        if name == "client_id" {
            self.identifiers.lock().unwrap_or_else(PoisonError::into_inner).insert(value.to_owned());
        } else if SECRET_NAMES.contains(&name) {
            self.note(name, value);
        }
    }

    pub fn note_form(&self, form: &Form) {
        self.note_query(&form.encode());
    }

    fn note_query(&self, query: &str) {
        for (name, value) in parse(query.as_bytes()) {
            self.note_named(&name, &value);
        }
    }

    fn note_json(&self, json: &Value) {
        for (name, value) in json.as_object().into_iter().flatten() {
            self.note_named(name, value.as_str().unwrap_or_default());
        }
    }

    pub fn note_request(&self, request: &Request<String>) {
        self.note_headers(request.headers());
        self.note_query(request.uri().query().unwrap_or_default());
        self.note_query(request.body());
        self.note_json(&serde_json::from_str(request.body()).unwrap_or_default());
    }

    pub fn note_headers(&self, headers: &HeaderMap) {
        for value in headers.get_all("authorization") {
            let value = String::from_utf8_lossy(value.as_bytes());
            let (_, credentials) = value.split_once(' ').unwrap_or_default();
            self.note("credentials", credentials);
            let decoded = STANDARD.decode(credentials).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            if let Some((_, secret)) = decoded.as_deref().and_then(|text| text.split_once(':')) {
                self.note("secret of a client", secret);
            }
        }
    }

    pub fn note_answer(&self, answer: &Answer) {
        self.note_json(&answer.json);
        if let Some((_, query)) = answer.header("location").and_then(|location| location.split_once('?')) {
            self.note_query(query);
        }
    }

    /// What was written of them: what it is, and where it stands.
    pub fn leaks(&self) -> Vec<String> {
        let text = self.output.text();
        let identifiers = self.identifiers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.retain(|secret, _| !identifiers.contains(secret));
        let search = AhoCorasick::new(noted.keys()).expect("few enough");
        let found = search.find_iter(&text).map(|found| {
            let what = noted.values().nth(found.pattern().as_usize()).map_or("", String::as_str);
            format!("a {what}: {}", around(&text, found.start()))
        });
        found.chain(recognised(&text)).collect()
    }

    /// What was written so far.
    pub fn output(&self) -> String {
        self.output.text()
    }
}

/// Whatever looks like one of the server's own, whether a test has ever seen it or not.
pub fn recognised(text: &str) -> Vec<String> {
    let body = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let begins = |prefix: &'static str| text.match_indices(prefix);
    let long = |at: usize| text.as_bytes()[at..].iter().take_while(|byte| body(**byte)).count() >= 60;
    let found = PREFIXES.iter().flat_map(|prefix| begins(prefix)).filter(|(at, _)| long(*at));
    found.map(|(at, prefix)| format!("something with {prefix}: {}", around(text, at))).collect()
}

/// The line, or the part of it that matters.
fn around(text: &str, at: usize) -> String {
    let line_start = text[..at].rfind('\n').map_or(0, |start| start + 1);
    text[line_start..].lines().next().unwrap_or_default().chars().take(1_000).collect()
}
