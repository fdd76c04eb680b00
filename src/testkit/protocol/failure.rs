//! Why a row does not hold.

use std::fmt;

use super::Feature;

/// Why a row does not hold for a target, or cannot be asked of it.
#[derive(Clone, Debug)]
pub struct Failure(Cause);

#[derive(Clone, Debug)]
enum Cause {
    Violated(String),
    NotApplicable(Feature),
}

impl Failure {
    /// What the target did that it must not do, in one sentence.
    pub fn new(why: impl Into<String>) -> Self {
        Self(Cause::Violated(why.into()))
    }

    pub(crate) const fn missing(feature: Feature) -> Self {
        Self(Cause::NotApplicable(feature))
    }

    /// The feature that the target says not to have, if that is why there is nothing to check.
    #[must_use]
    pub const fn missing_feature(&self) -> Option<Feature> {
        match &self.0 {
            Cause::Violated(_) => None,
            Cause::NotApplicable(feature) => Some(*feature),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Violated(why) => f.write_str(why),
            Cause::NotApplicable(feature) => write!(f, "the target has no {feature}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Leaves a row with a [`Failure`] unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err($crate::testkit::protocol::Failure::new(format!($($why)+)));
        }
    };
}
