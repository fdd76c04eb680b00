//! Without the feature nothing is signed, and nothing that is signed is read.

use super::claims::{SignedClaims, TokenClaims};
use crate::configuration::ConfigurationError;
use crate::issuer::Issuer;
use crate::resource::ResourceIndicator;
use crate::secret::TokenKey;

#[derive(Debug, Default)]
pub(crate) struct SignerSettings(());

impl SignerSettings {
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "with the feature it can fail")]
    pub(crate) const fn signer(self, _: &Issuer) -> Result<Option<AccessTokenSigner>, ConfigurationError> {
        Ok(None)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum AccessTokenSigner {}

impl AccessTokenSigner {
    pub(crate) const fn sign(&self, _: &TokenClaims<'_>) -> Option<String> {
        match *self {}
    }

    pub(crate) const fn verifier(&self) -> &JwtVerifier {
        match *self {}
    }

    pub(crate) const fn jwks(&self) -> String {
        match *self {}
    }
}

#[derive(Clone, Debug)]
pub(crate) enum JwtVerifier {}

impl JwtVerifier {
    pub(crate) const fn token_key(&self, _: &str) -> Option<TokenKey> {
        match *self {}
    }

    pub(crate) const fn claims(&self, _: &str, _: Option<&ResourceIndicator>) -> Option<SignedClaims> {
        match *self {}
    }
}
