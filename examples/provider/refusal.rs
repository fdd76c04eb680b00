//! What the authorization server does not do for a person, in words for the form that asked for it.

use grantor::error::{EndpointError, ErrorReason};

use super::password_again;
use crate::shortener::problem::Problem;

/// What to say at the form. The error is what is not about the form: a store that fails, or a thing that is not there.
pub fn words(error: &EndpointError) -> Result<String, Problem> {
    if error.store_error().is_some() {
        return Err(Problem::unavailable());
    }
    match error.reason() {
        ErrorReason::ClientUnknown => Err(Problem::not_found()),
        ErrorReason::CredentialNotAllowed => {
            Ok("Only the owner of a workspace may make this for it, and only their owner for all workspaces."
                .to_owned())
        }
        ErrorReason::ReauthenticationRequired => Ok(password_again::WRONG.to_owned()),
        _ => Ok(error.description().to_owned()),
    }
}
