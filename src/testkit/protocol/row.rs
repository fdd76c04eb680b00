//! Rows: the statements that the suite checks, one function each.

use std::fmt;
use std::pin::Pin;

use super::{Failure, Run};

/// How strongly the source demands a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 2119")]
pub enum Level {
    /// MUST, and MUST NOT.
    Must,
    /// SHOULD, and SHOULD NOT.
    Should,
    /// MAY: if it is done, then so.
    May,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        })
    }
}

/// What a row's function returns.
type Checking<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// One statement of the catalogue, and how it is checked.
#[derive(Clone, Copy)]
pub struct Row {
    pub(crate) id: &'static str,
    pub(crate) level: Level,
    pub(crate) source: &'static str,
    pub(crate) statement: &'static str,
    pub(crate) name: &'static str,
    pub(crate) check: for<'a> fn(&'a Run<'a>) -> Checking<'a>,
}

impl Row {
    /// The row's number, such as `AUTHZ-010`.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// How strongly the source demands it.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Where it is demanded: documents and sections.
    #[must_use]
    pub const fn source(&self) -> &'static str {
        self.source
    }

    /// What is demanded.
    #[must_use]
    pub const fn statement(&self) -> &'static str {
        self.statement.trim_ascii()
    }

    /// The name of its function, and of its test.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Every row of the suite, in the order of the catalogue.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        super::rows::ALL.iter().copied().flatten()
    }

    /// The row whose function has this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|row| row.name == name)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({})", self.id)
    }
}

/// Defines rows: each the statement as documentation, the row's number, level and source, and the function that checks
/// it. The macro `$list` makes a test of each for `protocol_tests!`; it needs a dollar of its own.
macro_rules! rows {
    ($dollar:tt $list:ident; $(
        $(#[doc = $statement:literal])+
        [$id:literal, $level:ident, $source:literal]
        async fn $name:ident($run:ident) $body:block
    )*) => {
        $(
            $(#[doc = $statement])+
            #[doc = ""]
            #[doc = concat!("Row ", $id, "; ", $source, ".")]
            #[doc = ""]
            #[doc = "# Errors"]
            #[doc = ""]
            #[doc = "[`Failure`](crate::testkit::protocol::Failure) says how the target differs."]
            pub async fn $name(
                $run: &$crate::testkit::protocol::Run<'_>,
            ) -> Result<(), $crate::testkit::protocol::Failure> {
                $body
                Ok(())
            }
        )*

        #[doc(hidden)]
        #[macro_export]
        macro_rules! $list {
            ($dollar attributes:tt $dollar suite:tt) => {
                $( $crate::__protocol_row! { $dollar attributes $dollar suite $name } )*
            };
        }

        /// The rows of this module.
        pub(crate) const ROWS: &[$crate::testkit::protocol::Row] = &[$(
            $crate::testkit::protocol::Row {
                id: $id,
                level: $crate::testkit::protocol::Level::$level,
                source: $source,
                statement: concat!($($statement),+),
                name: stringify!($name),
                check: |run| Box::pin($name(run)),
            },
        )*];
    };
}
