//! What is left of a refresh token once it was replaced.

use super::*;

fn nonce(store: &MemoryStore, tokens: &IssuedTokens) -> Option<[u8; 16]> {
    match now(store.find_refresh_token(&refresh_key(tokens))).unwrap().token.state {
        RefreshTokenState::Active => None,
        RefreshTokenState::Retired(retirement) => Some(retirement.nonce),
    }
}

#[test]
fn a_retired_token_tells_how_it_was_retired_and_counts_retries() {
    let store = MemoryStore::new();
    let grant = grant();
    let (first, second, third) = (tokens(&grant), tokens(&grant), tokens(&grant));
    assert_eq!(now(store.insert_tokens(&first)), Insertion::Inserted);
    assert_eq!(rotate(&store, &refresh_key(&first), &second), Rotation::Rotated);
    let retired = retirement(&second);
    let known = Rotation::Retired { retirement: retired.clone(), retries: 1 };
    assert_eq!(rotate(&store, &refresh_key(&first), &third), known);
    assert!(!is_found(&store, &third));
    assert_eq!(rotate(&store, &refresh_key(&second), &third), Rotation::Rotated);
    let retired = Retirement { nonce: [0; 16], ..retired };
    let known = Rotation::Retired { retirement: retired.clone(), retries: 2 };
    assert_eq!(rotate(&store, &refresh_key(&first), &tokens(&grant)), known);
    let found = now(store.find_refresh_token(&refresh_key(&first))).unwrap();
    assert_eq!(found.token.state, RefreshTokenState::Retired(retired));
}

#[test]
fn a_token_two_generations_old_yields_nothing() {
    let store = MemoryStore::new();
    let grant = grant();
    let (first, second, third, fourth) = (tokens(&grant), tokens(&grant), tokens(&grant), tokens(&grant));
    assert_eq!(now(store.insert_tokens(&first)), Insertion::Inserted);
    assert_eq!(rotate(&store, &refresh_key(&first), &second), Rotation::Rotated);
    assert_eq!(nonce(&store, &first), Some([7; 16]));
    assert_eq!(rotate(&store, &refresh_key(&second), &third), Rotation::Rotated);
    assert_eq!((nonce(&store, &first), nonce(&store, &second)), (Some([0; 16]), Some([7; 16])));
    // A retry changes nothing.
    let again = rotate(&store, &refresh_key(&second), &tokens(&grant));
    assert!(matches!(again, Rotation::Retired { retirement, .. } if retirement.nonce == [7; 16]));
    assert_eq!(rotate(&store, &refresh_key(&third), &fourth), Rotation::Rotated);
    let nonces = [&first, &second, &third, &fourth].map(|tokens| nonce(&store, tokens));
    assert_eq!(nonces, [Some([0; 16]), Some([0; 16]), Some([7; 16]), None]);
}

#[test]
fn a_rotation_that_stores_nothing_forgets_nothing() {
    let store = MemoryStore::new();
    let grant = grant();
    let (first, second) = (tokens(&grant), tokens(&grant));
    assert_eq!(now(store.insert_tokens(&first)), Insertion::Inserted);
    assert_eq!(rotate(&store, &refresh_key(&first), &second), Rotation::Rotated);
    let taken = IssuedTokens { refresh: first.refresh.clone(), ..tokens(&grant) };
    assert!(polled(store.rotate_refresh_token(&refresh_key(&second), &retirement(&taken), &taken)).is_err());
    assert_eq!((nonce(&store, &first), nonce(&store, &second)), (Some([7; 16]), None));
}

#[test]
fn an_access_token_and_a_refresh_token_that_share_a_hash_are_told_apart() {
    let store = MemoryStore::new();
    let mut pair = tokens(&grant());
    pair.access.key = refresh_key(&pair);
    assert_eq!(now(store.insert_tokens(&pair)), Insertion::Inserted);
    now(store.revoke_access_token(&pair.access.key));
    assert!(now(store.find_refresh_token(&refresh_key(&pair))).is_some());
    now(store.revoke_grant(&pair.grant.id, Timestamp::from_unix_millis(0)));
    assert_eq!(now(store.find_refresh_token(&refresh_key(&pair))), None, "the refresh token outlived its grant");
}
