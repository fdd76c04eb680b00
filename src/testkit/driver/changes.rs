//! What a test changes of what is sent.

use crate::testkit::Form;

/// A change of one parameter.
#[derive(Clone)]
pub(super) enum Change {
    With(String, String),
    And(String, String),
    Without(String),
}

impl Change {
    /// The form with all of these changes, in their order.
    pub(super) fn all(changes: &[Self], form: Form) -> Form {
        changes.iter().fold(form, |form, change| match change {
            Self::With(name, value) => form.with(name, value),
            Self::And(name, value) => form.and(name, value),
            Self::Without(name) => form.without(name),
        })
    }
}

/// The methods that change what a step sends; the type has a field `changes`.
macro_rules! changes {
    () => {
        /// Sets a parameter, in place of all that have its name.
        pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
            self.changes.push(Change::With(name.to_owned(), value.into()));
            self
        }

        /// Adds a parameter, beside those that have its name.
        pub fn and(mut self, name: &str, value: impl Into<String>) -> Self {
            self.changes.push(Change::And(name.to_owned(), value.into()));
            self
        }

        /// Drops a parameter.
        pub fn without(mut self, name: &str) -> Self {
            self.changes.push(Change::Without(name.to_owned()));
            self
        }
    };
}

pub(super) use changes;
