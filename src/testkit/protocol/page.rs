//! What a page says to a person, and what it makes their browser do.

use http::header::REFERRER_POLICY;

use super::html::{self, Element};
use super::{Failure, Reply};

impl Reply {
    /// What the page says: its text without its elements, and with single spaces.
    #[must_use]
    pub fn words(&self) -> String {
        html::words(&self.text())
    }

    /// Every element of the page, in order.
    #[must_use]
    pub fn elements(&self) -> Vec<Element> {
        html::elements(&self.text())
    }

    /// Whoever the browser goes to next hardly learns where it comes from.
    ///
    /// # Errors
    ///
    /// [`Failure`] if more than the origin is told.
    pub(crate) fn expect_discreet(&self) -> Result<&Self, Failure> {
        let policy = self.header(&REFERRER_POLICY).unwrap_or_default();
        let discreet = ["no-referrer", "same-origin", "strict-origin"].contains(&policy);
        ensure!(discreet, "the referrer policy is {policy:?}");
        Ok(self)
    }

    /// Nothing was decided and nobody is sent away: a page that refuses, or a redirect that stays at the target.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is anything else.
    pub(crate) fn expect_undecided(&self) -> Result<&Self, Failure> {
        match self.location() {
            Some(_) => self.expect_ui(),
            None => {
                ensure!(self.status().is_client_error(), "a decision that is none is answered with {}", self.status());
                Ok(self)
            }
        }
    }
}
