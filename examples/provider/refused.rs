//! Why a form was not carried out.

use crate::shortener::problem::Problem;

/// Who can do something about it.
#[derive(Debug)]
pub enum Refused {
    /// The person: the form is shown again, with these words.
    Form(String),
    /// Nobody who fills in a form.
    Problem(Problem),
}

impl From<&str> for Refused {
    fn from(words: &str) -> Self {
        Self::Form(words.to_owned())
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Problem(error.into())
    }
}
