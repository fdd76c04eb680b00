//! Attacks on the front channel: on redirect URIs, requests, decisions and pages (RFC 9700 §4).
//!
//! A row holds if the attacker gets nothing, and what is honest works as before.
//!
//! | row | why it is not here |
//! |---|---|
//! | ATK-005 | that a constant challenge is noticed is an event for the operator |
//! | ATK-035 | about the response mode `form_post`, which is optional |
//! | ATK-038 | about a server that leaves the sign-in to another one |

pub mod decisions;
pub mod pages;
pub mod redirect_uris;
pub mod requests;
