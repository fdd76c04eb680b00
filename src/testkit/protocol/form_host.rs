//! A host whose pages are plain forms.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Browser, Decision, Failure, Host, PageForm, Reply, Submission, User};
use crate::testkit::{Form, ManualClock};

/// A host whose pages are plain forms, as most are: which form is found by where it goes, and filled in by the names of
/// its fields.
#[derive(Clone, Debug)]
pub struct FormHost {
    sign_in: &'static str,
    sign_out: &'static str,
    alice: Vec<(&'static str, &'static str)>,
    bob: Vec<(&'static str, &'static str)>,
    approve: (&'static str, &'static str),
    deny: (&'static str, &'static str),
    scope: &'static str,
    clock: Option<Arc<ManualClock>>,
}

impl FormHost {
    /// A host where alice and bob sign in by these fields.
    ///
    /// | | |
    /// |---|---|
    /// | the page and the form to sign in | `/signin` |
    /// | the form to sign out, on the page `/` | `/signout` |
    /// | the buttons of the consent page | `decision`: `approve` or `deny` |
    /// | its boxes, one for each scope token | `scope` |
    pub fn new<const N: usize>(
        alice: [(&'static str, &'static str); N],
        bob: [(&'static str, &'static str); N],
    ) -> Self {
        Self {
            sign_in: "/signin",
            sign_out: "/signout",
            alice: alice.into(),
            bob: bob.into(),
            approve: ("decision", "approve"),
            deny: ("decision", "deny"),
            scope: "scope",
            clock: None,
        }
    }

    /// Sets the paths of the forms to sign in and out.
    #[must_use]
    pub const fn with_paths(mut self, sign_in: &'static str, sign_out: &'static str) -> Self {
        self.sign_in = sign_in;
        self.sign_out = sign_out;
        self
    }

    /// Sets the buttons of the consent page, each by its name and value.
    #[must_use]
    pub const fn with_buttons(
        mut self,
        approve: (&'static str, &'static str),
        deny: (&'static str, &'static str),
    ) -> Self {
        self.approve = approve;
        self.deny = deny;
        self
    }

    /// Sets the name of the boxes of the consent page, one for each scope token.
    #[must_use]
    pub const fn with_scope_field(mut self, name: &'static str) -> Self {
        self.scope = name;
        self
    }

    /// Says which clock the server goes by.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<ManualClock>) -> Self {
        self.clock = Some(clock);
        self
    }
}

/// The form of a page that goes to `path`.
fn form_to(page: &Reply, path: &str) -> Result<PageForm, Failure> {
    let goes_there = |form: &PageForm| form.action.split('?').next() == Some(path);
    let found = page.forms().into_iter().find(goes_there);
    found.ok_or_else(|| Failure::new(format!("the page has no form that goes to {path} ({})", page.status())))
}

#[async_trait]
impl Host for FormHost {
    async fn sign_in(&self, browser: &mut Browser<'_>, user: User) -> Result<(), Failure> {
        let form = self.credentials(&browser.visit(self.sign_in).await?, user)?;
        let reply = browser.submit(&form).await?;
        ensure!(reply.status().is_redirection(), "the sign-in was answered with {}", reply.status());
        Ok(())
    }

    fn credentials(&self, page: &Reply, user: User) -> Result<Submission, Failure> {
        let fields = match user {
            User::Alice => &self.alice,
            User::Bob => &self.bob,
        };
        let mut form = form_to(page, self.sign_in)?.submit();
        for (name, value) in fields {
            form.fields = form.fields.with(name, value);
        }
        Ok(form)
    }

    fn decide(&self, page: &Reply, decision: &Decision) -> Result<Submission, Failure> {
        let (name, value) = if *decision == Decision::Deny { self.deny } else { self.approve };
        let asks =
            |form: &PageForm| form.buttons.iter().any(|(own, its)| (own.as_str(), its.as_str()) == (name, value));
        let form = page.forms().into_iter().find(asks);
        let status = page.status();
        let form = form.ok_or_else(|| Failure::new(format!("this is no page with a button to decide ({status})")))?;
        let mut form = form.press(name, value);
        if let Decision::ApproveOnly(scope) = decision {
            let kept = form.fields.iter().filter(|(own, value)| *own != self.scope || scope.iter().any(|s| s == value));
            form.fields = kept.fold(Form::new(), |fields, (name, value)| fields.and(name, value));
        }
        Ok(form)
    }

    async fn sign_out(&self, browser: &mut Browser<'_>) -> Result<(), Failure> {
        let form = form_to(&browser.visit("/").await?, self.sign_out)?.submit();
        let reply = browser.submit(&form).await?;
        ensure!(reply.status().is_redirection(), "the sign-out was answered with {}", reply.status());
        Ok(())
    }

    fn pass(&self, time: Duration) {
        if let Some(clock) = &self.clock {
            clock.advance(time);
        }
    }
}
