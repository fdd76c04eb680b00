//! What every page has: title, navigation, who is signed in.

/// The frame around a page.
#[derive(Debug)]
pub struct Layout {
    /// What people know the service by.
    pub service: &'static str,
    /// Whether it has a page of apps to install.
    pub has_app_store: bool,
    /// What the browser calls the page.
    pub title: String,
    /// Which entry of the navigation is current.
    pub section: Section,
    /// Who is signed in.
    pub account: Option<Account>,
}

/// The signed-in person, as the top of the page shows them.
#[derive(Debug)]
pub struct Account {
    /// The person's name.
    pub name: String,
    /// What they sign in with.
    pub username: String,
    /// The anti-CSRF value of the sign-out form.
    pub sign_out_token: String,
}

/// The entries of the navigation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Section {
    /// The links, or the welcome of a visitor.
    Home,
    /// The connected apps.
    Connected,
    /// The app store.
    Apps,
    /// The person's own API tokens.
    Tokens,
    /// The developer's own apps.
    Developers,
    /// The demo client.
    Demo,
    /// None of them.
    Elsewhere,
}

impl Section {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Connected => "connected",
            Self::Apps => "apps",
            Self::Tokens => "tokens",
            Self::Developers => "developers",
            Self::Demo => "demo",
            Self::Elsewhere => "",
        }
    }
}

impl Layout {
    /// `aria-current` for an entry of the navigation.
    pub fn current(&self, section: &str) -> &'static str {
        if self.section.as_str() == section { "page" } else { "false" }
    }
}
