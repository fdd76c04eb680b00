//! A browser at the authorization endpoint: the notations `PAGE`, `RERR` and `ROK`, as functions.

use std::fmt::Debug;

use grantor::{AuthorizeAnswer, ErrorPage, Visitor};

use crate::support::{Answer, Form, Setup};

/// The issuer of every server here, unless a test says otherwise.
pub const ISSUER: &str = "https://as.test";

/// What a signed-in browser gets that opens this query, which must be refused.
pub async fn refuse(setup: &Setup, query: &str) -> Answer {
    match setup.server.authorize(query).await {
        Ok(pending) => panic!("accepted {query}: {pending:?}"),
        Err(error) => setup.answer(error, Visitor::SignedIn),
    }
}

/// The page that a browser gets that opens this query, whoever sits before it.
pub async fn page(setup: &Setup, query: &str, visitor: Visitor) -> ErrorPage {
    match setup.server.authorize(query).await.expect_err(query).answer(visitor) {
        AuthorizeAnswer::Page(page) => page,
        AuthorizeAnswer::Redirect(response) => panic!("{query} is redirected to {}", response.location()),
    }
}

/// `PAGE`: something to read with this status, and nowhere to go.
#[track_caller]
pub fn expect_page(answer: &Answer, status: u16, input: &impl Debug) {
    assert_eq!(answer.status.as_u16(), status, "{input:?}: {answer:?}");
    for header in ["location", "refresh"] {
        assert!(!answer.headers.contains_key(header), "{input:?}: {answer:?}");
    }
    assert!(!answer.body.is_empty() && !answer.body.contains("://"), "{input:?}: {answer:?}");
}

/// `RERR`: a redirect to `to` with this error, the state of the request and the issuer, and nothing that is not documented.
#[track_caller]
pub fn expect_rejection(answer: &Answer, to: &str, code: &str, request: &Form) {
    assert!(answer.headers.contains_key("location"), "{request:?}: {answer:?}");
    let pairs = answer.expect_redirect(to);
    assert_eq!(value(&pairs, "error"), Some(code), "{request:?}: {answer:?}");
    assert_eq!(
        value(&pairs, "state"),
        request.get("state").filter(|state| !state.is_empty()),
        "{request:?}: {answer:?}"
    );
    assert_eq!(value(&pairs, "iss"), Some(ISSUER), "{request:?}: {answer:?}");
    let documented = ["error", "error_description", "state", "iss"];
    assert!(pairs.iter().all(|(name, _)| documented.contains(&name.as_str())), "{request:?}: {answer:?}");
    let description = value(&pairs, "error_description").unwrap_or_default();
    let allowed = |byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    assert!(description.bytes().all(allowed), "{request:?}: {answer:?}");
}

/// `ROK`: a redirect to `to` with one code, the state of the request and the issuer, and nothing else. Returns the code.
#[track_caller]
pub fn expect_code(answer: &Answer, to: &str, request: &Form) -> String {
    assert!(answer.headers.contains_key("location"), "{request:?}: {answer:?}");
    let pairs = answer.expect_redirect(to);
    let code = value(&pairs, "code").unwrap_or_else(|| panic!("no code for {request:?}: {answer:?}"));
    let state = request.get("state").filter(|state| !state.is_empty());
    assert_eq!(value(&pairs, "state"), state, "{request:?}: {answer:?}");
    assert_eq!(value(&pairs, "iss"), Some(ISSUER), "{request:?}: {answer:?}");
    assert_eq!(pairs.len(), 2 + usize::from(state.is_some()), "{request:?}: {answer:?}");
    code.to_owned()
}

/// The value of one parameter.
pub fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}
