//! A server with known clients, a clock that the test moves, and the requests that a client and a browser would send.

mod answer;
mod form;
mod setup;
mod state;

pub use answer::Answer;
pub use form::Form;
pub use answer::parameters;
pub use setup::{ENC_SECRET, ManualClock, SECRET, Setup, Start, VERIFIER, basic, bearer, redirect_uri};

/// Turns each test into one on the memory store and one on SQLite.
macro_rules! on_both_stores {
    ($($(#[$meta:meta])* async fn $name:ident($setup:ident) $body:block)*) => {
        mod memory {
            use super::*;
            $($(#[$meta])* #[tokio::test] async fn $name() { let $setup = Setup::memory().await; $body })*
        }
        mod sqlite {
            use super::*;
            $($(#[$meta])* #[tokio::test] async fn $name() { let $setup = Setup::sqlite().await; $body })*
        }
    };
}
