//! What codes, tokens and secrets begin with.

use crate::secret::{InvalidPrefix, Prefix};

/// The prefixes by which people and secret scanners recognise what the server issues.
///
/// # Defaults
///
/// `gr_ac_` for codes, `gr_at_` for access tokens, `gr_rt_` for refresh tokens, `gr_cs_` for client secrets and `gr_reg_` for
/// registration access tokens. Personal access tokens begin as access tokens do.
#[derive(Clone, Debug)]
pub struct Prefixes {
    pub(crate) authorization_code: Prefix,
    pub(crate) access_token: Prefix,
    pub(crate) refresh_token: Prefix,
    pub(crate) client_secret: Prefix,
    pub(crate) registration_token: Prefix,
    /// Of their own, if they have one.
    pub(crate) personal_token: Option<Prefix>,
}

impl Prefixes {
    /// The prefixes of a service called `name`: `name_ac_`, `name_at_`, `name_rt_`, `name_cs_` and `name_reg_`.
    ///
    /// # Errors
    ///
    /// [`InvalidPrefix`] if `name` is longer than 27 characters, or has one that is no ASCII letter, digit or underscore.
    pub fn of(name: &str) -> Result<Self, InvalidPrefix> {
        Ok(Self {
            authorization_code: Prefix::parse(&format!("{name}_ac_"))?,
            access_token: Prefix::parse(&format!("{name}_at_"))?,
            refresh_token: Prefix::parse(&format!("{name}_rt_"))?,
            client_secret: Prefix::parse(&format!("{name}_cs_"))?,
            registration_token: Prefix::parse(&format!("{name}_reg_"))?,
            personal_token: None,
        })
    }

    /// Sets the prefix of access tokens.
    #[must_use]
    pub fn with_access_token(mut self, prefix: Prefix) -> Self {
        self.access_token = prefix;
        self
    }

    /// Sets the prefix of refresh tokens.
    #[must_use]
    pub fn with_refresh_token(mut self, prefix: Prefix) -> Self {
        self.refresh_token = prefix;
        self
    }

    /// Sets the prefix of client secrets.
    #[must_use]
    pub fn with_client_secret(mut self, prefix: Prefix) -> Self {
        self.client_secret = prefix;
        self
    }

    /// Sets a prefix of their own for personal access tokens; without one they begin as access tokens do.
    #[must_use]
    pub fn with_personal_token(mut self, prefix: Prefix) -> Self {
        self.personal_token = Some(prefix);
        self
    }

    /// What access tokens begin with.
    #[must_use]
    pub const fn access_token(&self) -> &Prefix {
        &self.access_token
    }

    /// What personal access tokens begin with.
    #[must_use]
    pub fn personal_token(&self) -> &Prefix {
        self.personal_token.as_ref().unwrap_or(&self.access_token)
    }

    /// What client secrets begin with.
    #[must_use]
    pub const fn client_secret(&self) -> &Prefix {
        &self.client_secret
    }
}

impl Default for Prefixes {
    fn default() -> Self {
        Self {
            authorization_code: Prefix::of_letters("gr_ac_"),
            access_token: Prefix::of_letters("gr_at_"),
            refresh_token: Prefix::of_letters("gr_rt_"),
            client_secret: Prefix::of_letters("gr_cs_"),
            registration_token: Prefix::of_letters("gr_reg_"),
            personal_token: None,
        }
    }
}
