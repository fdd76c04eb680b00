//! The least work that each operation can be: no checks, no types, no concurrency, no retry.

use std::collections::HashMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

type Hash = [u8; 32];

pub(crate) struct Floor {
    codes: HashMap<Hash, (Hash, u64)>,
    access: HashMap<Hash, u64>,
    refresh: HashMap<Hash, u64>,
    subjects: u64,
    pub(crate) tokens: Vec<String>,
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

fn secret() -> String {
    let mut bytes = [0; 32];
    #[expect(clippy::disallowed_methods, reason = "the floor makes its tokens as cheaply as the crate does")]
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Floor {
    pub(crate) fn with_live_tokens(live: usize) -> Self {
        let empty = HashMap::default;
        let mut floor =
            Self { codes: HashMap::default(), access: empty(), refresh: empty(), subjects: 0, tokens: Vec::new() };
        for at in 0..live {
            let (access, refresh) = (secret(), secret());
            floor.access.insert(hash(&access), 1);
            floor.refresh.insert(hash(&refresh), 1);
            if at % 10 == 0 {
                floor.tokens.push(access);
            }
        }
        let count = floor.tokens.len();
        floor.tokens = (0..count).map(|at| floor.tokens[(at * 7_919) % count].clone()).collect();
        floor
    }

    /// Parses the query, makes and hashes a code, inserts it, and prints a redirect.
    pub(crate) fn authorize(&mut self, query: &str) -> String {
        let mut challenge = Hash::default();
        let mut location = String::with_capacity(256);
        let mut state = None;
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "code_challenge" => {
                    let _ = URL_SAFE_NO_PAD.decode_slice_unchecked(&*value, &mut challenge);
                }
                "redirect_uri" => location.push_str(&value),
                "state" => state = Some(value),
                _ => {}
            }
        }
        let code = secret();
        self.subjects += 1;
        self.codes.insert(hash(&code), (challenge, self.subjects));
        let _ = write!(location, "?code={code}&state={}&iss=https%3A%2F%2Fas.example", state.unwrap_or_default());
        std::hint::black_box(&location);
        code
    }

    /// Parses the form, hashes code and verifier, makes, hashes and inserts two tokens, and prints JSON.
    pub(crate) fn exchange(&mut self, form: &str) -> String {
        let (mut code, mut verifier) = (Hash::default(), Hash::default());
        for (name, value) in url::form_urlencoded::parse(form.as_bytes()) {
            match &*name {
                "code" => code = hash(&value),
                "code_verifier" => verifier = hash(&value),
                _ => {}
            }
        }
        let (challenge, subject) = self.codes.remove(&code).expect("a code");
        assert_eq!(challenge, verifier);
        self.issue(subject)
    }

    /// Parses the form, hashes the token, makes, hashes and inserts two more, and prints JSON.
    pub(crate) fn refresh(&mut self, form: &str) -> String {
        let mut token = Hash::default();
        for (name, value) in url::form_urlencoded::parse(form.as_bytes()) {
            if name == "refresh_token" {
                token = hash(&value);
            }
        }
        let subject = self.refresh.remove(&token).expect("a refresh token");
        self.issue(subject)
    }

    pub(crate) fn refresh_token(&mut self) -> String {
        let token = secret();
        self.refresh.insert(hash(&token), 1);
        token
    }

    /// One SHA-256 and one look-up.
    pub(crate) fn check(&self, token: &str) -> Option<u64> {
        self.access.get(&hash(token)).copied()
    }

    fn issue(&mut self, subject: u64) -> String {
        let (access, refresh) = (secret(), secret());
        self.access.insert(hash(&access), subject);
        self.refresh.insert(hash(&refresh), subject);
        format!(
            "{{\"access_token\":\"{access}\",\"token_type\":\"Bearer\",\"expires_in\":3600,\
             \"refresh_token\":\"{refresh}\",\"scope\":\"links:read links:write\"}}"
        )
    }
}
