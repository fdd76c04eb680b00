//! The example `actix`, put to the tests of `services`: whatever the web framework, they are the same services.

/// Each test once: the store has nothing to do with the framework.
macro_rules! scenarios {
    ($($name:ident)*) => {
        mod usual {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name($crate::suite::harness::Place::named("usual")).await;
                }
            )*
        }
    };
}

#[path = "services/suite.rs"]
mod suite;

/// The example that is started.
const EXAMPLE: &str = "actix";
