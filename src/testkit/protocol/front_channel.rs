//! Authorization requests written by hand, sent by POST, or by somebody who has to sign in first.

use super::{Browser, Decision, Failure, Reply, Run, Submission, User};
use crate::testkit::Form;

impl Run<'_> {
    /// The address of an authorization request whose query is written by hand.
    #[must_use]
    pub fn address_with(&self, query: &str) -> String {
        format!("{}?{query}", self.profile().endpoints.authorization)
    }

    /// Opens an address as alice and approves everything, unless she is not asked.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the page cannot be filled in.
    pub async fn approve_at(&self, address: &str) -> Result<Reply, Failure> {
        let mut browser = self.signed_in(User::Alice).await?;
        let page = browser.get(address).await?;
        self.approve_on(&mut browser, page).await
    }

    /// Approves everything on a page, unless it does not ask.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the page cannot be filled in.
    pub async fn approve_on(&self, browser: &mut Browser<'_>, page: Reply) -> Result<Reply, Failure> {
        if page.status() != 200 {
            return Ok(page);
        }
        let form = self.fill_in(&page, &Decision::Approve)?;
        browser.submit(&form).await
    }

    /// Posts a form from a page of another site, as a browser does that keeps its cookies from it (`SameSite=Lax`);
    /// where the target leads it on, `browser` goes with its cookies.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub async fn post_from_elsewhere(
        &self,
        browser: &mut Browser<'_>,
        action: &str,
        form: &Form,
    ) -> Result<Reply, Failure> {
        let form = Submission { action: action.to_owned(), fields: form.clone() };
        let reply = self.anonymous().submit_from("https://app.test", "cross-site", &form).await?;
        browser.follow(reply).await
    }

    /// Fills in the form of a page that asks who is there.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is no such page.
    pub fn credentials(&self, page: &Reply, user: User) -> Result<Submission, Failure> {
        self.suite.host().credentials(page, user)
    }
}
