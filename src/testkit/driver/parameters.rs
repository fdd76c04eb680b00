//! What a request says, changed one parameter at a time.

use url::form_urlencoded;

/// The parameters of a query or a form, in order.
#[derive(Clone, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

/// What a test changes of them.
#[derive(Clone)]
pub(super) enum Change {
    With(String, String),
    And(String, String),
    Without(String),
}

impl Parameters {
    pub(super) fn of<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    pub(super) fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// The first value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn changed(mut self, changes: &[Change]) -> Self {
        for change in changes {
            if let Change::With(name, _) | Change::Without(name) = change {
                self.0.retain(|(own, _)| own != name);
            }
            if let Change::With(name, value) | Change::And(name, value) = change {
                self.add(name, value);
            }
        }
        self
    }

    pub(super) fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
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
