//! When an error is taken to a client that nobody vouches for.

use crate::client::Vetting;

/// When an error is taken to a client that registered itself without asking the person in front of the browser: else
/// anybody could make the server send people anywhere, by a link that fails (RFC 9700 §4.11.2, OAuth 2.1 §7.13).
///
/// Whoever is not taken there gets a page that says where it would lead, with a way on. What a person has decided on the
/// consent page is always answered at once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum UnvettedErrors {
    /// Once somebody is signed in.
    #[default]
    AfterSignIn,
    /// Only when the person chooses so, signed in or not: a link in a mail does not lead on by itself. Such clients cannot ask
    /// without showing anything (`prompt=none`), for they get no answer.
    AfterConfirmation,
}

/// Who is taken to a client by an error without being asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Taken {
    Everybody,
    WhoeverIsSignedIn,
    Nobody,
}

impl UnvettedErrors {
    /// Who is taken to such a client before there is a decision.
    pub(crate) const fn taken(self, vetting: Vetting) -> Taken {
        match (vetting, self) {
            (Vetting::Vetted, _) => Taken::Everybody,
            (Vetting::SelfRegistered, Self::AfterSignIn) => Taken::WhoeverIsSignedIn,
            (Vetting::SelfRegistered, Self::AfterConfirmation) => Taken::Nobody,
        }
    }
}
