//! What has to be known of a server before it can be tried. Nothing of it says what the server does.

use std::fmt;
use std::sync::Mutex;

use grantor::testkit::protocol::Service;

/// A server, and who and what is around it.
pub struct Target {
    pub service: Box<dyn Service>,
    /// Scheme, host and port.
    pub origin: String,
    /// Every path where an endpoint could be.
    pub places: Vec<String>,
    pub sign_in: SignIn,
    /// A client without a secret.
    pub public: App,
    /// A client with a secret, for every grant type.
    pub web: App,
    /// What a client needs to register itself, if it needs anything.
    pub initial_token: Option<&'static str>,
    /// The APIs that take tokens.
    pub apis: Vec<Api>,
    /// Scope tokens to ask for: the first is good at the first API.
    pub scopes: Vec<&'static str>,
    /// What stands for every scope, if anything does. Whether it does is for the probe to find out.
    pub wildcard: Option<&'static str>,
    /// A refresh token that the public client has from before.
    pub refresh_token: Mutex<Option<String>>,
    /// The web site of a client that nobody registers.
    pub documents: Documents,
}

/// The page on which somebody signs in.
#[derive(Clone, Copy, Debug)]
pub struct SignIn {
    pub path: &'static str,
    pub fields: &'static [(&'static str, &'static str)],
}

/// A client.
#[derive(Clone, Debug)]
pub struct App {
    pub id: String,
    pub secret: Option<String>,
    pub redirect_uri: String,
}

/// An API.
#[derive(Clone, Debug)]
pub struct Api {
    /// Its resource indicator, if it has one.
    pub resource: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// A path of it that needs a token.
    pub path: String,
}

/// The document of a client.
pub struct Documents {
    /// The client.
    pub app: App,
    /// How often somebody fetched it so far.
    pub fetches: Box<dyn Fn() -> usize + Send + Sync>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("origin", &self.origin).finish_non_exhaustive()
    }
}
