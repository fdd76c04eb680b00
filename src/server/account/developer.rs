//! Who changes an app on a page of the host.

use crate::clock::Timestamp;
use crate::identifier::Subject;

/// The signed-in developer whose app a page of the host changes, and when they last proved who they are.
///
/// A [`Subject`] alone is one of whom the page does not say when.
///
/// ```
/// use std::time::Duration;
///
/// use grantor::clock::Timestamp;
/// use grantor::error::EndpointError;
/// use grantor::secret::ClientSecret;
/// use grantor::{AuthorizationServer, Developer, Subject, client::ClientId};
///
/// async fn rotate(
///     server: &AuthorizationServer,
///     ada: &Subject,
///     app: &ClientId,
///     password_typed_at: Timestamp,
/// ) -> Result<ClientSecret, EndpointError> {
///     let ada = Developer::new(ada).with_authenticated_at(password_typed_at);
///     server.rotate_secret(ada, app, Duration::from_hours(24)).await
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Developer<'a> {
    subject: &'a Subject,
    authenticated_at: Option<Timestamp>,
}

impl<'a> Developer<'a> {
    /// This user.
    #[must_use]
    pub const fn new(subject: &'a Subject) -> Self {
        Self { subject, authenticated_at: None }
    }

    /// Says when the user last proved who they are, by a password or the like, for a server that wants to know
    /// ([`reauthentication`](crate::AuthorizationServerBuilder::reauthentication), [`CredentialPolicy`](super::CredentialPolicy)).
    #[must_use]
    pub const fn with_authenticated_at(mut self, at: Timestamp) -> Self {
        self.authenticated_at = Some(at);
        self
    }

    /// The user.
    #[must_use]
    pub const fn subject(&self) -> &'a Subject {
        self.subject
    }

    /// When the user last proved who they are.
    #[must_use]
    pub const fn authenticated_at(&self) -> Option<Timestamp> {
        self.authenticated_at
    }
}

impl<'a> From<&'a Subject> for Developer<'a> {
    fn from(subject: &'a Subject) -> Self {
        Self::new(subject)
    }
}
