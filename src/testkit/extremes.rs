//! Records at the bounds of what their types allow: empty, longest, not ASCII, earliest, latest.

use std::sync::Arc;

use serde_json::json;

use super::fixtures::{self, from_now, parsed, resources, scope};
use crate::client::{Client, ClientAuthentication, ClientId, ClientMetadata, GrantType, SecretAuthentication};
use crate::clock::Timestamp;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
    Retirement,
};
use crate::identifier::{Extra, Name, Subject, Tenant};
use crate::pkce::CodeChallenge;
use crate::policy::{Lifetimes, RefreshPolicy};
use crate::resource::{self, Resources};
use crate::scope::Scope;
use crate::secret::{SecretHash, TokenHash};

/// The longest name that a host can give to a user or tenant; not ASCII.
fn longest_name() -> String {
    format!("{}|", "ß".repeat(127))
}

/// The longest identifier of a client.
fn longest_url() -> String {
    format!("https://client.example/{}", "x".repeat(1_977))
}

fn longest_scope() -> Scope {
    let tokens: Vec<_> = (0..100).map(|n| format!("{n:03}{}", "~".repeat(36))).collect();
    scope(&tokens.join(" "))
}

fn longest_resources() -> Resources {
    let uri = |n| {
        let start = format!("https://api.example/{n}?");
        format!("{start}{}", "x".repeat(resource::MAX_LENGTH - start.len()))
    };
    resources(&(0..resource::MAX_COUNT).map(uri).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>())
}

fn strange_extra() -> Extra {
    fixtures::extra_of(&json!({
        "": null,
        "nul \u{0} and \u{FFFF} and 🦀": "\u{0}\u{1}\t\"\\/ {braces} ✓",
        "numbers": [0, -1, 0.1, 1e300, i64::MIN, u64::MAX, 1.0, -0.0, 9_007_199_254_740_993_u64],
        "nested": { "b": [[], {}, [true, false, null]], "a": { "a": { "a": "deep" } } },
        "long": "é".repeat(4_000),
    }))
}

/// Clients at the bounds.
pub(super) fn clients() -> Vec<Client> {
    let id = |text: &str| parsed::<ClientId>(text);
    let url = format!("https://board.example/{}", "x".repeat(1_978));
    let mut everything_long = fixtures::full_client();
    for n in 0..50 {
        let start = format!("https://app.example/{n}?");
        everything_long =
            everything_long.with_redirect_uri(parsed(&format!("{start}{}", "x".repeat(2_000 - start.len()))));
    }
    let longest_name = longest_name();
    let everything_long = everything_long
        .with_scope(longest_scope())
        .with_owner(parsed(&longest_name))
        .with_metadata(fixtures::metadata(&"é".repeat(100), &url))
        .with_created_at(Timestamp::from_unix_millis(i64::MIN))
        .with_updated_at(Timestamp::MAX)
        .with_review_at(Some(Timestamp::MAX))
        .with_used_at(Some(Timestamp::from_unix_millis(i64::MIN)))
        .with_version(u64::MAX);
    let secret = SecretAuthentication::new(SecretHash::of("")).with_expiry(Timestamp::MAX);
    vec![
        Client::public(id(" ")),
        Client::public(id(&"~".repeat(255))).with_version(1 << 63),
        Client::public(id(&longest_url())),
        Client::public(id("{braces}:*?[a]\\'\"%_; DROP TABLE clients --")),
        Client::confidential(id("1e0"), SecretHash::of("a secret"))
            .with_grant_types([GrantType::ClientCredentials])
            .with_scope(Scope::empty())
            .with_refresh_policy(RefreshPolicy::Never)
            .with_owner(parsed("{owner}: o'hara 用户 🦀"))
            .with_metadata(ClientMetadata::new())
            .with_created_at(Timestamp::from_unix_millis(-1))
            .with_review_at(Some(Timestamp::from_unix_millis(i64::MIN))),
        fixtures::client()
            .with_authentication(ClientAuthentication::Secret(secret))
            .with_lifetimes(Lifetimes::new().with_access_token(Some(std::time::Duration::new(u64::MAX, 999_999_999))))
            .with_refresh_policy(RefreshPolicy::Reuse),
        fixtures::full_client(),
        everything_long,
    ]
}

/// Grants at the bounds.
pub(super) fn grants() -> Vec<Arc<Grant>> {
    let grant = fixtures::grant();
    let empty = Grant {
        client: None,
        subject: None,
        scope: Scope::empty(),
        resource: Resources::default(),
        tenant: None,
        name: None,
        extra: Extra::default(),
        created_at: Timestamp::from_unix_millis(i64::MIN),
        ..Grant::clone(&fixtures::grant())
    };
    let longest = Grant {
        client: Some(parsed(&longest_url())),
        subject: Some(parsed::<Subject>(&longest_name())),
        scope: longest_scope(),
        resource: longest_resources(),
        tenant: Some(parsed::<Tenant>(&longest_name())),
        name: Some(parsed::<Name>(&longest_name())),
        extra: strange_extra(),
        created_at: Timestamp::MAX,
        ..Grant::clone(&fixtures::grant())
    };
    let strange = Grant {
        client: Some(parsed("{client}:*")),
        subject: Some(parsed("{user}: o'hara 用户 🦀")),
        tenant: Some(parsed(" \u{202E}\\ % _")),
        name: Some(parsed("{\"name\": 'o''hara'} 🦀 ")),
        created_at: Timestamp::from_unix_millis(0),
        ..Grant::clone(&fixtures::grant())
    };
    vec![grant, Arc::new(empty), Arc::new(longest), Arc::new(strange)]
}

/// A code for each of these grants, at the bounds.
pub(super) fn codes() -> Vec<CodeRecord> {
    let vary = |(n, grant): (usize, Arc<Grant>)| {
        let code = fixtures::code(&grant);
        match n {
            0 => code,
            1 => CodeRecord {
                challenge: None,
                redirect_uri: "".into(),
                redirect_uri_source: RedirectUriSource::Registered,
                expires_at: Timestamp::MAX,
                redeemed_at: Some(Timestamp::from_unix_millis(i64::MIN)),
                ..code
            },
            2 => CodeRecord {
                challenge: Some(CodeChallenge::from_bytes([0xFF; 32])),
                redirect_uri: "com.example.app:/\u{FFFF}🦀?".repeat(100).into(),
                failures: u32::MAX,
                redeemed_at: Some(Timestamp::MAX),
                ..code
            },
            _ => CodeRecord {
                challenge: Some(CodeChallenge::from_bytes([0; 32])),
                failures: 1 << 31,
                redeemed_at: Some(Timestamp::from_unix_millis(0)),
                ..code
            },
        }
    };
    grants().into_iter().enumerate().map(vary).collect()
}

/// Tokens for grants at the bounds, themselves at the bounds.
pub(super) fn tokens() -> Vec<IssuedTokens> {
    let vary = |(n, grant): (usize, Arc<Grant>)| {
        let tokens = fixtures::issued(&grant);
        let refresh = fixtures::refresh_token(&grant);
        match n {
            0 => tokens,
            1 => IssuedTokens {
                access: AccessTokenRecord {
                    scope: Scope::empty(),
                    resource: Resources::default(),
                    issued_at: Timestamp::from_unix_millis(i64::MIN),
                    expires_at: None,
                    ..tokens.access
                },
                refresh: Some(RefreshTokenRecord { issued_at: Timestamp::MAX, expires_at: None, ..refresh }),
                ..tokens
            },
            2 => IssuedTokens {
                access: AccessTokenRecord {
                    scope: longest_scope(),
                    resource: longest_resources(),
                    issued_at: Timestamp::MAX,
                    expires_at: Some(Timestamp::MAX),
                    ..tokens.access
                },
                refresh: Some(RefreshTokenRecord {
                    issued_at: Timestamp::from_unix_millis(i64::MIN),
                    expires_at: Some(Timestamp::MAX),
                    state: RefreshTokenState::Retired(Retirement {
                        at: Timestamp::from_unix_millis(i64::MIN),
                        nonce: [0xFF; 16],
                        successor: TokenHash::from_bytes([0xFF; 32]),
                        scope: longest_scope(),
                        resource: longest_resources(),
                        access_expires_at: Some(Timestamp::MAX),
                    }),
                    ..refresh
                }),
                ..tokens
            },
            _ => IssuedTokens {
                access: AccessTokenRecord { issued_at: Timestamp::from_unix_millis(0), ..tokens.access },
                refresh: Some(RefreshTokenRecord {
                    expires_at: Some(from_now(600)),
                    state: RefreshTokenState::Retired(Retirement {
                        at: Timestamp::MAX,
                        nonce: [0; 16],
                        successor: TokenHash::from_bytes([0; 32]),
                        scope: Scope::empty(),
                        resource: Resources::default(),
                        access_expires_at: None,
                    }),
                    ..refresh
                }),
                ..tokens
            },
        }
    };
    grants().into_iter().enumerate().map(vary).collect()
}
