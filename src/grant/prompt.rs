//! How a client wants the user to be asked (OpenID Connect Core §3.1.2.1).

/// The values of `prompt`. Unknown values are ignored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Prompt {
    none: bool,
    login: bool,
    consent: bool,
    select_account: bool,
}

impl Prompt {
    pub(crate) fn parse(value: Option<&str>) -> Self {
        let mut prompt = Self::default();
        for word in value.unwrap_or_default().split(' ') {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => {}
            }
        }
        // `none` together with another value contradicts itself; asking the user is the safe reading.
        prompt.none &= !prompt.asks_the_user();
        prompt
    }

    /// The values as one byte.
    pub(crate) fn bits(self) -> u8 {
        u8::from(self.none)
            | u8::from(self.login) << 1
            | u8::from(self.consent) << 2
            | u8::from(self.select_account) << 3
    }

    /// Whether any value wants something of the user.
    pub(crate) const fn asks_the_user(self) -> bool {
        self.login || self.consent || self.select_account
    }

    /// `none`: nothing may be shown; what cannot be answered without the user is an error.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.none
    }

    /// `login`: the user should sign in again.
    #[must_use]
    pub const fn asks_for_login(self) -> bool {
        self.login
    }

    /// `consent`: the user should be asked even if the consent is remembered.
    #[must_use]
    pub const fn asks_for_consent(self) -> bool {
        self.consent
    }

    /// `select_account`: the user should choose an account.
    #[must_use]
    pub const fn asks_for_account(self) -> bool {
        self.select_account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_beside_another_value_asks_the_user() {
        assert!(Prompt::parse(Some("none")).is_none());
        assert!(!Prompt::parse(Some("none consent")).is_none());
        assert!(Prompt::parse(Some("bogus consent")).asks_for_consent());
        assert_eq!(Prompt::parse(None), Prompt::default());
    }
}
