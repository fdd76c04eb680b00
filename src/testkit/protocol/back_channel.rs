//! What rows about codes and tokens have in common: tokens that live or do not, requests that come at once.

use std::collections::HashSet;

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::{Failure, Feature, KnownClient, Reply, Run, Tokens};
use crate::testkit::Form;
use crate::testkit::executor::Arena;

impl Run<'_> {
    /// `T(…)` and `R(…)` with headers beside the content type.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub(crate) async fn token_with(&self, form: &Form, headers: HeaderMap) -> Result<Reply, Failure> {
        self.post(&self.profile().endpoints.token, form, headers).await
    }

    /// Tokens of a client for alice, with a scope of choice.
    ///
    /// # Errors
    ///
    /// [`Failure`] if they are refused.
    pub(crate) async fn tokens_with_scope(&self, client: &KnownClient, scope: &str) -> Result<Tokens, Failure> {
        let code = self.code_for(&self.request(client).with("scope", scope)).await?;
        self.tokens_for(&self.exchange(client, &code)).await
    }

    /// Tokens of a client for alice, of which one is a refresh token.
    ///
    /// # Errors
    ///
    /// [`Failure`] if they are refused, or there is no refresh token.
    pub(crate) async fn refreshable(&self, client: &KnownClient) -> Result<Tokens, Failure> {
        let tokens = self.tokens(client).await?;
        ensure!(!tokens.refresh.is_empty(), "{} got no refresh token", client.id);
        Ok(tokens)
    }

    /// What a refresh brings; the refresh token stays the same if no other came.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is refused.
    pub(crate) async fn refreshed(&self, client: &KnownClient, tokens: &Tokens) -> Result<Tokens, Failure> {
        let next = self.tokens_for(&self.refresh(client, &tokens.refresh)).await?;
        Ok(next.kept(tokens.clone()))
    }

    /// Both tokens work. The refresh token is used for that: what came of it is returned.
    ///
    /// # Errors
    ///
    /// [`Failure`] if one of them does not.
    pub(crate) async fn expect_alive(&self, client: &KnownClient, tokens: &Tokens) -> Result<Tokens, Failure> {
        self.expect_access_live(client, &tokens.access).await?;
        self.refreshed(client, tokens).await
    }

    /// Neither of the tokens works, and the refresh token is an `invalid_grant`.
    ///
    /// # Errors
    ///
    /// [`Failure`] if one of them does.
    pub(crate) async fn expect_dead(&self, client: &KnownClient, tokens: &Tokens) -> Result<(), Failure> {
        self.expect_access_dead(client, &tokens.access).await?;
        self.token(&self.refresh(client, &tokens.refresh)).await?.expect_error(400, "invalid_grant")?;
        Ok(())
    }

    /// A token of a client for itself (RFC 6749 §4.4).
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the target cannot be asked.
    pub(crate) async fn own_token(&self, client: &KnownClient, more: &Form) -> Result<Reply, Failure> {
        self.requires(Feature::ClientCredentials)?;
        let form = super::identified(client, Form::of([("grant_type", "client_credentials")]));
        self.token(&more.iter().fold(form, |form, (name, value)| form.and(name, value))).await
    }

    /// Sends token requests all at once: on this task if answering one means to wait, and else on a thread for each.
    ///
    /// # Errors
    ///
    /// [`Failure`] if one has no answer.
    pub(crate) async fn tokens_at_once(&self, forms: &[Form]) -> Result<Vec<Reply>, Failure> {
        let unknown = self.refresh(&self.profile().web, "unknown");
        // What is sent to find out is no part of the row.
        let probe = self.fork();
        let arena = Arena::of(|| probe.token(&unknown)).await;
        let replies = arena.race(forms.len(), SEED, |n| self.token(&forms[n])).await;
        replies.into_iter().collect()
    }
}

/// The order in which requests that wait get their turns.
const SEED: u64 = 1;

/// The token responses among answers of which the others are an `invalid_grant`.
///
/// # Errors
///
/// [`Failure`] if one is neither.
pub(crate) fn winners(replies: &[Reply]) -> Result<Vec<Tokens>, Failure> {
    let mut winners = Vec::new();
    for reply in replies {
        if reply.status() == StatusCode::OK {
            winners.push(Tokens::of(&reply.expect_ok()?));
        } else {
            reply.expect_error(400, "invalid_grant")?;
        }
    }
    Ok(winners)
}

/// How many characters of base64url 128 bits take.
const UNGUESSABLE: usize = 22;

/// The texts are different, and that for so long that nobody guesses one from another.
///
/// # Errors
///
/// [`Failure`] if there are less than two, or two are alike.
pub(crate) fn expect_unguessable(texts: &[String]) -> Result<(), Failure> {
    ensure!(texts.len() > 1, "there is nothing to compare");
    let distinct: HashSet<_> = texts.iter().collect();
    ensure!(distinct.len() == texts.len(), "{} of {} are the same", texts.len() - distinct.len(), texts.len());
    for (one, two) in texts.iter().zip(texts.iter().skip(1)) {
        let differing = one.chars().zip(two.chars()).skip_while(|(a, b)| a == b).count();
        ensure!(differing >= UNGUESSABLE, "only {differing} characters differ from one to the next");
    }
    Ok(())
}

/// The text with its letters in the other case, and with one more if it has none: never the text itself.
#[must_use]
pub(crate) fn miscased(text: &str) -> String {
    let other = |letter: char| {
        if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
    };
    let swapped: String = text.chars().map(other).collect();
    if swapped == text { format!("{text}x") } else { swapped }
}

/// The text with another character in one place.
#[must_use]
pub(crate) fn damaged(text: &str, at: usize) -> String {
    let change = |(n, character)| match character {
        _ if n != at => character,
        'A' => 'B',
        _ => 'A',
    };
    text.chars().enumerate().map(change).collect()
}

impl Reply {
    /// `JERR(n, code)` for one of several that the sources allow.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is none of them.
    pub(crate) fn expect_one_of(&self, allowed: &[(u16, &str)]) -> Result<Map<String, Value>, Failure> {
        let members = self.expect_json()?;
        let error = members.get("error").and_then(Value::as_str).unwrap_or_default();
        let status = self.status().as_u16();
        ensure!(allowed.contains(&(status, error)), "the answer is {status} {error:?}, and none of {allowed:?}");
        self.expect_error(status, error)
    }

    /// The same answer as another, as far as its reader can tell: status, headers and body.
    ///
    /// # Errors
    ///
    /// [`Failure`] says in what they differ.
    pub(crate) fn expect_same(&self, other: &Self) -> Result<(), Failure> {
        ensure!(self.status() == other.status(), "{} and {} differ", self.status(), other.status());
        ensure!(self.text() == other.text(), "{:?} and {:?} differ", self.text(), other.text());
        for (one, two) in [(self, other), (other, self)] {
            for (name, value) in one.headers() {
                // The time, and a number of the request, say nothing about it.
                let varies = ["date", "x-request-id", "traceparent"].contains(&name.as_str());
                let found = two.headers().get_all(name).iter().any(|its| its == value);
                ensure!(found || varies, "only one of the answers has {name}: {value:?}");
            }
        }
        Ok(())
    }
}
