//! What a stolen copy of the database and an old refresh token yield together: nothing (protocol 4.4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantor::grant::RefreshTokenState;
use grantor::secret::{GrantId, TokenHash, TokenKey};
use sha2::{Digest as _, Sha256};

use crate::support::{Answer, Setup};

/// What the store knows the refresh token of an answer by: its grant, and the hash of its kind, grant and secret.
fn key(tokens: &Answer) -> TokenKey {
    let text = tokens.text("refresh_token");
    let bytes = URL_SAFE_NO_PAD.decode(&text[text.len() - 70..]).unwrap();
    let hash = Sha256::digest([&[3], &bytes[..48]].concat());
    TokenKey { grant: GrantId::from_bytes(bytes[..16].try_into().unwrap()), hash: TokenHash::from_bytes(hash.into()) }
}

/// The nonce that is kept with a retired refresh token.
async fn nonce(setup: &Setup, tokens: &Answer) -> Option<[u8; 16]> {
    let found = setup.grants.find_refresh_token(&key(tokens)).await.unwrap().expect("the refresh token is known");
    match found.token.state {
        RefreshTokenState::Active => None,
        RefreshTokenState::Retired(retirement) => Some(retirement.nonce),
    }
}

on_both_stores! {
    async fn a_token_two_generations_old_yields_nothing(setup) {
        for client in ["pub", "web"] {
            let first = setup.tokens(client).await;
            let second = setup.refreshed(client, first.text("refresh_token")).await;
            assert_ne!(nonce(&setup, &first).await.unwrap(), [0; 16], "{client}");
            let third = setup.refreshed(client, second.text("refresh_token")).await;
            let kept = nonce(&setup, &second).await.unwrap();
            assert_ne!(kept, [0; 16], "{client}");
            assert_eq!(nonce(&setup, &first).await, Some([0; 16]), "{client}");
            assert_eq!(nonce(&setup, &third).await, None, "{client}");

            // The retry of the last generation is what the nonce is for, and leaves it where it is.
            let again = setup.refreshed(client, second.text("refresh_token")).await;
            for name in ["access_token", "refresh_token"] {
                assert_eq!(again.text(name), third.text(name), "{client}");
            }
            assert_eq!(nonce(&setup, &second).await, Some(kept), "{client}");
            setup.refreshed(client, third.text("refresh_token")).await;
            assert_eq!(nonce(&setup, &second).await, Some([0; 16]), "{client}");
        }
    }
}
