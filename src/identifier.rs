//! Names that the host gives: [`Subject`] (who), [`Tenant`] (whose data), [`Name`] (which token), [`Extra`] (what else it
//! keeps with a grant).

mod extra;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use extra::{Extra, InvalidExtra};

/// The text is not an identifier: empty, too long, or with control characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an identifier is 1 to 255 bytes without control characters")]
pub struct InvalidIdentifier;

fn check(text: &str) -> Result<(), InvalidIdentifier> {
    if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
        Err(InvalidIdentifier)
    } else {
        Ok(())
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads the identifier: 1 to 255 bytes without control characters, compared byte by byte.
            ///
            /// # Errors
            ///
            /// [`InvalidIdentifier`] if a bound is passed.
            pub fn parse(text: &str) -> Result<Self, InvalidIdentifier> {
                check(text)?;
                Ok(Self(text.into()))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), &*self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidIdentifier;

            fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidIdentifier;

            fn try_from(text: String) -> Result<Self, InvalidIdentifier> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }
    };
}

identifier! {
    /// The resource owner: the host's own identifier of the user who decides (`sub` of RFC 7662).
    ///
    /// It should never be given to another user, not even after its user is deleted.
    ///
    /// ```
    /// let subject: grantor::Subject = "user-1842".parse()?;
    /// # Ok::<(), grantor::identifier::InvalidIdentifier>(())
    /// ```
    Subject
}

identifier! {
    /// The workspace, organisation or account that a grant is confined to, in the host's own words.
    Tenant
}

identifier! {
    /// What a person called a grant to tell it from their others: the name of a personal access token.
    ///
    /// ```
    /// let name: grantor::identifier::Name = "Backup script".parse()?;
    /// # Ok::<(), grantor::identifier::InvalidIdentifier>(())
    /// ```
    Name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_empty_text_are_refused() {
        for text in ["", "ada\0", "ada\n", &"x".repeat(256)] {
            assert_eq!(Subject::parse(text), Err(InvalidIdentifier));
        }
        assert_eq!(Subject::parse("adä ✓").unwrap().as_str(), "adä ✓");
    }
}
