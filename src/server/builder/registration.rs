//! Clients that register themselves.

use super::AuthorizationServerBuilder;
use crate::configuration::{Registration, UnvettedErrors};

impl AuthorizationServerBuilder {
    /// Decides whether clients may register themselves; needs stores with a registry.
    pub fn registration(mut self, registration: Registration) -> Self {
        self.registration = registration;
        self
    }

    /// Decides when an error is taken to a client that registered itself.
    pub const fn unvetted_errors(mut self, errors: UnvettedErrors) -> Self {
        self.unvetted_errors = errors;
        self
    }
}
