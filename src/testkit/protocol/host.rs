//! What the suite asks of the host: its users, its sign-in, its consent page.

use std::time::Duration;

use async_trait::async_trait;

use super::{Browser, Failure, Reply};
use crate::testkit::Form;

/// A person with an account at the host.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "hosts match it")]
pub enum User {
    /// Who most requests are decided by.
    Alice,
    /// Somebody else.
    Bob,
}

/// What a person decides about a request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "hosts match it")]
pub enum Decision {
    /// Yes, to everything.
    Approve,
    /// Yes, but only to these scope tokens.
    ApproveOnly(Vec<String>),
    /// No.
    Deny,
}

/// A filled-in form of a page, ready to be posted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "hosts make it, and rows take it apart")]
pub struct Submission {
    /// Where it goes: a path with its query, or a URL of the target.
    pub action: String,
    /// What it says.
    pub fields: Form,
}

/// How people sign in and decide at the target: what differs from service to service.
///
/// [`Reply::forms`] reads the forms of a page, which is most of what an implementation needs.
#[async_trait]
pub trait Host: Send + Sync {
    /// Signs `user` in, with a browser that has no session yet.
    ///
    /// # Errors
    ///
    /// [`Failure`] if that did not succeed.
    async fn sign_in(&self, browser: &mut Browser<'_>, user: User) -> Result<(), Failure>;

    /// Fills in the form of the page that asks who is there, which a browser without a session is led to.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the page has no such form.
    fn credentials(&self, page: &Reply, user: User) -> Result<Submission, Failure>;

    /// Fills in the form of a consent page; the suite sends it, tampers with it, or sends it twice.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the page has no such form.
    fn decide(&self, page: &Reply, decision: &Decision) -> Result<Submission, Failure>;

    /// Fills in the form that ends the session that `browser` has.
    ///
    /// # Errors
    ///
    /// [`Failure`] if that did not succeed.
    async fn sign_out(&self, browser: &mut Browser<'_>) -> Result<(), Failure>;

    /// Lets time pass for the server; asked only of a target that has [`Feature::Clock`](super::Feature::Clock).
    fn pass(&self, time: Duration) {
        let _ = time;
    }
}
