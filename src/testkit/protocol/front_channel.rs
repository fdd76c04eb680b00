//! Authorization requests written by hand, sent by POST, or by somebody who has to sign in first.

use url::Url;
use url::form_urlencoded::byte_serialize;

use super::{Browser, Decision, Failure, Reply, Run, Submission, User};
use crate::testkit::Form;

impl Run<'_> {
    /// The address of an authorization request whose query is written by hand.
    #[must_use]
    pub(crate) fn address_with(&self, query: &str) -> String {
        format!("{}?{query}", self.profile().endpoints.authorization)
    }

    /// Opens an address as alice and approves everything, unless she is not asked.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the page cannot be filled in.
    pub(crate) async fn approve_at(&self, address: &str) -> Result<Reply, Failure> {
        let mut browser = self.signed_in(User::Alice).await?;
        let page = browser.get(address).await?;
        self.approve_on(&mut browser, page).await
    }

    /// Approves everything on a page, unless it does not ask.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the page cannot be filled in.
    pub(crate) async fn approve_on(&self, browser: &mut Browser<'_>, page: Reply) -> Result<Reply, Failure> {
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
    pub(crate) async fn post_from_elsewhere(
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
    pub(crate) fn credentials(&self, page: &Reply, user: User) -> Result<Submission, Failure> {
        self.suite.host().credentials(page, user)
    }

    /// A browser without a session on the page that asks who is there, because it opened an address.
    ///
    /// # Errors
    ///
    /// [`Failure`] if nobody asks.
    pub(crate) async fn at_the_door(&self, address: &str, user: User) -> Result<(Browser<'_>, Submission), Failure> {
        let mut browser = self.anonymous();
        let page = browser.visit(address).await?;
        let form = self.credentials(&page, user)?;
        Ok((browser, form))
    }

    /// Where a redirect leads is at the target, as a browser reads it.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it leads elsewhere.
    pub(crate) fn expect_here(&self, reply: &Reply) -> Result<(), Failure> {
        let Some(location) = reply.location() else { return Ok(()) };
        let here = Url::parse(self.origin()).map_err(|error| Failure::new(format!("the issuer is no URL: {error}")))?;
        let there = here.join(location).map_err(|error| Failure::new(format!("{location:?} is no URL: {error}")))?;
        ensure!(here.origin() == there.origin(), "the browser is sent to {location:?}");
        Ok(())
    }

    /// Follows redirects to the end, and does not leave the target.
    ///
    /// # Errors
    ///
    /// [`Failure`] if one of them leads elsewhere.
    pub(crate) async fn follow_here(&self, browser: &mut Browser<'_>, mut reply: Reply) -> Result<Reply, Failure> {
        for _ in 0..10 {
            self.expect_here(&reply)?;
            match reply.location().map(ToOwned::to_owned).filter(|_| reply.status().is_redirection()) {
                Some(address) => reply = browser.get(&address).await?,
                None => return Ok(reply),
            }
        }
        Err(Failure::new("the target leads the browser in a circle"))
    }
}

impl Submission {
    /// The form with another value for a parameter of the authorization request, wherever it says it: in the address
    /// that it goes to, in an address that a field holds, as a field of its own.
    #[must_use]
    pub(crate) fn tampered(&self, request: &Form, name: &str, value: &str) -> Self {
        let pair = |value: &str| Form::of([(name, value)]).encode();
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let plain = (pair(request.get(name).unwrap_or_default()), pair(value));
        let nested = (encode(&plain.0), encode(&plain.1));
        let replace = |text: &str| text.replace(&nested.0, &nested.1).replace(&plain.0, &plain.1);
        let fields = self.fields.iter().fold(Form::new(), |fields, (own, text)| fields.and(own, &replace(text)));
        Self { action: replace(&self.action), fields: fields.with(name, value) }
    }
}
