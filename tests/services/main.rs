//! The example `axum` as each service of `--service`, and everything that the documentation of the service promises.
//!
//! Each test is there once for every store: in memory; on what the environment asks for, which is SQLite files unless
//! `GRANTOR_TEST_EXAMPLE_ON` says `postgres` or `redis`; and on both servers, where there are some:
//! `tests/servers/run cargo test --test services -- --include-ignored`.

/// Each test, on each store.
macro_rules! scenarios {
    ($($name:ident)*) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name($crate::suite::harness::Place::named("memory")).await;
                }
            )*
        }

        mod usual {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name($crate::suite::harness::Place::named("usual")).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test]
                #[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
                async fn $name() {
                    super::$name($crate::suite::harness::Place::named("postgres")).await;
                }
            )*
        }

        mod redis {
            $(
                #[tokio::test]
                #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
                async fn $name() {
                    super::$name($crate::suite::harness::Place::named("redis")).await;
                }
            )*
        }
    };
}

#[path = "suite.rs"]
mod suite;

/// The example that is started.
const EXAMPLE: &str = "axum";
