//! Access tokens as JSON Web Tokens (RFC 9068; feature `jwt`), and the keys that sign them.
//!
//! A JWT is one more spelling of a token: it is stored, listed, refreshed and revoked like an opaque one, and its `jti` is
//! what stores know it by. An API beside the server sees a revocation at once; one elsewhere checks the signature and
//! asks nobody, [`ResourceServer::offline`](crate::ResourceServer::offline), and then a revoked token works until it
//! expires.
//!
//! ```
//! use std::sync::Arc;
//! use grantor::jwt::{Algorithm, KeySet, SigningKey};
//! use grantor::policy::AccessTokenFormat;
//! use grantor::store::MemoryStore;
//! use grantor::{AuthorizationServer, Issuer};
//!
//! let key = SigningKey::generate(Algorithm::Es256)?;
//! let server = AuthorizationServer::builder(Issuer::parse("https://as.example")?, Arc::new(MemoryStore::new()))
//!     .access_token_format(AccessTokenFormat::Jwt)
//!     .access_token_keys(KeySet::new(key))
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it costs
//!
//! Little beside the signature itself: an exchange for a signed token takes as long as one for an opaque token and 1.1
//! signatures, and a check without a store 1.1 of the bare ones, as `cargo bench --bench endpoints -- signed` measures. With RS256
//! a signature takes thirty times as long as with EdDSA, and is checked in half the time.
//!
//! # Changing keys
//!
//! Keys are replaced while the server runs, [`AuthorizationServer::rotate_keys`](crate::AuthorizationServer::rotate_keys),
//! in three steps, so that every API knows a key before the first token that it signed arrives:
//!
//! 1. The present key signs, and the next one is published: `KeySet::new(present).with_verification_key(next.verification_key())`.
//! 2. Once every API has fetched that, which takes as long as it keeps the document (five minutes by the answer's
//!    `Cache-Control`), the next key signs, and the present one stays published.
//! 3. Once the last token of the old key has expired, the old key goes.

#[cfg(feature = "jwt")]
mod algorithm;
#[cfg(not(feature = "jwt"))]
mod bare;
mod claims;
#[cfg(feature = "jwt")]
mod header;
#[cfg(feature = "jwt")]
mod jwk;
#[cfg(feature = "jwt")]
mod key_set;
#[cfg(feature = "jwt")]
mod pem;
#[cfg(feature = "jwt")]
mod signer;
#[cfg(feature = "jwt")]
mod signing_key;
#[cfg(feature = "jwt")]
mod verifier;

#[cfg(feature = "jwt")]
pub use algorithm::Algorithm;
#[cfg(not(feature = "jwt"))]
pub(crate) use bare::{AccessTokenSigner, JwtVerifier, SignerSettings};
pub(crate) use claims::{SignedClaims, TokenClaims};
#[cfg(feature = "jwt")]
pub use header::JwtHeader;
#[cfg(feature = "jwt")]
pub use jwk::{InvalidJwk, VerificationKey};
#[cfg(feature = "jwt")]
pub use key_set::{InvalidKeySet, KeySet};
#[cfg(feature = "jwt")]
pub(crate) use signer::{AccessTokenSigner, SignerSettings};
#[cfg(feature = "jwt")]
pub use signing_key::{KeyError, SigningKey};
#[cfg(feature = "jwt")]
pub use verifier::JwtVerifier;
