//! A server with known clients, a clock that the test moves, and the requests that a client and a browser would send.

mod answer;
mod back_channel;
pub mod broken;
pub mod counting;
pub mod failing;
mod form;
mod intercept;
pub mod output;
#[expect(dead_code, reason = "what tests of the store itself need of a server is more")]
#[path = "../../stores/support/postgres.rs"]
pub mod postgres;
mod recorder;
pub mod secrets;
mod setup;
mod state;
pub mod traces;
pub mod yielding;

pub use answer::Answer;
pub use answer::parameters;
pub use back_channel::{like_web, without_refresh};
pub use form::Form;
pub use recorder::Recorder;
pub use setup::{ENC_SECRET, SECRET, Setup, Start, VERIFIER, basic, bearer, redirect_uri};

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
