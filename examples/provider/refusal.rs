//! What is not done for a person, in words for the form that asked for it.

use grantor::error::{EndpointError, ErrorReason};

use crate::shortener::problem::Problem;

/// Why a form was not carried out.
#[derive(Debug)]
pub enum Refusal {
    /// The person can do something about it: the form is shown again, with these words.
    Form(String),
    /// Whoever fills in a form can not.
    Problem(Problem),
}

/// What to say at the form. The error is what is not about the form: a store that fails, or a thing that is not there.
pub fn words(error: &EndpointError) -> Result<String, Problem> {
    if error.store_error().is_some() {
        return Err(Problem::unavailable());
    }
    match error.reason() {
        ErrorReason::ClientUnknown | ErrorReason::PersonalTokenUnknown => Err(Problem::not_found()),
        ErrorReason::CredentialNotAllowed => Ok(
            "You may not do that for the workspace, or not for each of yours if it is for all of them. Ask its owner."
                .to_owned(),
        ),
        ErrorReason::ReauthenticationRequired => Ok("Type your password once more.".to_owned()),
        ErrorReason::RegistrationConflict => {
            Ok("Somebody else changed it at the same moment. Look at it again, and repeat what is still to be done."
                .to_owned())
        }
        ErrorReason::PersonalTokenEnded => Ok("That token has ended already. Make a new one instead.".to_owned()),
        // The service may have words of its own for programs.
        reason @ (ErrorReason::ScopeMissing | ErrorReason::ScopeNotAllowed) => Ok(reason.description().to_owned()),
        _ => Ok(error.description().to_owned()),
    }
}

impl From<&EndpointError> for Refusal {
    fn from(error: &EndpointError) -> Self {
        match words(error) {
            Ok(words) => Self::Form(words),
            Err(problem) => Self::Problem(problem),
        }
    }
}

impl From<EndpointError> for Refusal {
    fn from(error: EndpointError) -> Self {
        Self::from(&error)
    }
}

impl From<&str> for Refusal {
    fn from(words: &str) -> Self {
        Self::Form(words.to_owned())
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Problem(error.into())
    }
}
