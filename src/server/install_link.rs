//! The way from the service's app store to an app that somebody installs, and back.

use url::form_urlencoded::byte_serialize;

use super::AuthorizationServer;
use crate::client::Client;
use crate::return_target::{InvalidReturnTarget, ReturnTarget};

/// Why there is no install link.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InstallLinkError {
    /// The app did not say where installing it begins.
    #[error("the app has no initiate_login_uri")]
    NoInitiateLoginUri,
    /// The app would be asked to send people elsewhere.
    #[error(transparent)]
    ReturnTarget(#[from] InvalidReturnTarget),
}

impl AuthorizationServer {
    /// Where to send a user who installs an app from a page of the service: the app's
    /// [`initiate_login_uri`](crate::client::ClientMetadata::initiate_login_uri), with where to return in the parameter
    /// `redirect`. There the app begins an authorization request, and when it is done it sends the user to that
    /// address, after it checked it with [`ReturnTarget::parse`].
    ///
    /// `return_path` is a path of the service, with its query if it has one. It does not prove anything: whoever comes
    /// back there may not have installed the app.
    ///
    /// # Errors
    ///
    /// [`InstallLinkError`] if the app has no such page, or the path leads away from the service.
    pub fn install_link(&self, client: &Client, return_path: &str) -> Result<String, InstallLinkError> {
        let uri = client.metadata().initiate_login_uri().ok_or(InstallLinkError::NoInitiateLoginUri)?;
        let target = ReturnTarget::parse(self.issuer(), return_path)?;
        let separator = if uri.contains('?') { '&' } else { '?' };
        let redirect: String = byte_serialize(target.as_str().as_bytes()).collect();
        Ok(format!("{uri}{separator}redirect={redirect}"))
    }
}
