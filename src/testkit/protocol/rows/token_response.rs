//! What a token response and a token error look like (RFC 6749 §5).

use std::fmt;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::testkit::Form;
use crate::testkit::protocol::{
    Failure, Feature, Reply, Run, Tokens, VERIFIER, damaged, expect_unguessable, identified,
};

/// The names of the members of an object, each as often as it is there.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// No member of the object is there twice.
fn expect_distinct_members(reply: &Reply) -> Result<(), Failure> {
    let Names(names) =
        serde_json::from_str(&reply.text()).map_err(|error| Failure::new(format!("no object: {error}")))?;
    for name in &names {
        let times = names.iter().filter(|other| *other == name).count();
        ensure!(times == 1, "the member {name:?} is there {times} times");
    }
    Ok(())
}

/// A token response of every kind: of a code and of a refresh, of a client with a secret and one without, of a client
/// for itself.
async fn one_of_each(run: &Run<'_>) -> Result<Vec<Reply>, Failure> {
    let mut replies = Vec::new();
    for client in [&run.profile().web, &run.profile().public] {
        let exchanged = run.token(&run.exchange(client, &run.code(client).await?)).await?;
        let tokens = Tokens::of(&exchanged.expect_ok()?);
        let refreshed = run.token(&run.refresh(client, &tokens.refresh)).await?;
        refreshed.expect_ok()?;
        replies.extend([exchanged, refreshed]);
    }
    if run.has(Feature::ClientCredentials) {
        let own = run.own_token(&run.profile().service, &Form::new()).await?;
        own.expect_ok()?;
        replies.push(own);
    }
    Ok(replies)
}

/// What must not come back.
const MARKER: &str = "m4rk3r-0f-a-s3cr3t-th4t-must-n0t-c0me-b4ck-y";

/// An error of every kind, each with [`MARKER`] in what was sent.
async fn errors(run: &Run<'_>) -> Result<Vec<Reply>, Failure> {
    let client = &run.profile().web;
    let exchange = run.exchange(client, &run.code(client).await?);
    let refresh = run.refresh(client, &run.refreshable(client).await?.refresh);
    let mut forms = vec![
        exchange.clone().with("code", MARKER),
        exchange.clone().with("code_verifier", MARKER),
        exchange.clone().with("redirect_uri", MARKER),
        exchange.clone().with("client_secret", MARKER),
        exchange.clone().with("client_id", MARKER),
        exchange.clone().with("grant_type", MARKER),
        exchange.and("code", MARKER),
        run.refresh(client, MARKER),
        refresh.clone().and("scope", MARKER),
        refresh.clone().with("client_secret", MARKER),
        refresh.and("refresh_token", MARKER),
        Form::of([("client_secret", MARKER)]),
    ];
    if run.has(Feature::ClientCredentials) {
        let own = Form::of([("grant_type", "client_credentials"), ("scope", MARKER)]);
        forms.push(identified(&run.profile().service, own));
    }
    let mut replies = Vec::new();
    for form in forms {
        let reply = run.token(&form).await?;
        reply.expect_refusal()?;
        replies.push(reply);
    }
    Ok(replies)
}

rows! {
    $ __protocol_rows_token_response;

    /// The status of a token response is 200, and no other.
    ["TRESP-001", Must, "RFC 6749 §5.1; OAuth 2.1 §3.2.3"]
    async fn tresp_001_the_status_is_200(run) {
        for reply in one_of_each(run).await? {
            reply.expect_status(200)?;
        }
    }

    /// `access_token` and `token_type` are texts, and not empty.
    ["TRESP-002", Must, "RFC 6749 §5.1; OAuth 2.1 §3.2.3"]
    async fn tresp_002_there_are_an_access_token_and_its_type(run) {
        for reply in one_of_each(run).await? {
            let members = reply.expect_ok()?;
            for name in ["access_token", "token_type"] {
                let value = members.get(name);
                let there = value.and_then(Value::as_str).is_some_and(|text| !text.is_empty());
                ensure!(there, "{name} is {value:?}");
            }
        }
    }

    /// `token_type` is spelled `Bearer`: some clients copy it into their header.
    ["TRESP-003", Must, "RFC 6749 §5.1, §7.1; practice"]
    async fn tresp_003_the_type_is_spelled_bearer(run) {
        for reply in one_of_each(run).await? {
            let members = reply.expect_ok()?;
            ensure!(
                members.get("token_type").is_some_and(|kind| kind == "Bearer"),
                "it is {:?}",
                members.get("token_type")
            );
        }
    }

    /// `expires_in` is an integer of seconds from now, more than none: until then the access token is accepted, and not
    /// after.
    ["TRESP-004", Should, "RFC 6749 §5.1; OAuth 2.1 §3.2.3"]
    async fn tresp_004_expires_in_is_how_long_the_access_token_lives(run) {
        let mut issued = Vec::new();
        for reply in one_of_each(run).await? {
            let members = reply.expect_ok()?;
            let life = members.get("expires_in").and_then(Value::as_u64).unwrap_or_default();
            ensure!((1..=2_147_483_647).contains(&life), "expires_in is {:?}", members.get("expires_in"));
            issued.push((life, Tokens::of(&members).access));
        }
        if run.has(Feature::Clock) && run.has(Feature::Api) {
            issued.sort();
            let mut passed = 0;
            for (life, token) in &issued {
                run.pass(Duration::from_secs((life - 5).saturating_sub(passed)))?;
                passed = passed.max(life - 5);
                let status = run.call(token).await?.status();
                // An API may have nothing for a client without a user.
                let taken = status == 200 || status == 403;
                ensure!(taken, "5 seconds before its end a token is answered with {status}");
            }
            for (life, token) in &issued {
                run.pass(Duration::from_secs(life.saturating_sub(passed)))?;
                passed = passed.max(*life);
                let status = run.call(token).await?.status();
                ensure!(status == 401, "after {life} seconds a token is answered with {status}");
            }
        }
    }

    /// `scope` is one text, its tokens separated by a space, and says what the access token carries.
    ["TRESP-005", Must, "RFC 6749 §3.3, §5.1; OAuth 2.1 §3.2.3"]
    async fn tresp_005_the_scope_is_one_text(run) {
        let (scopes, client) = (&run.profile().scopes, &run.profile().web);
        let both = format!("{} {}", scopes.default, scopes.write);
        for reply in one_of_each(run).await? {
            let members = reply.expect_ok()?;
            ensure!(
                members.get("scope").is_some_and(|scope| *scope == scopes.default),
                "it is {:?}",
                members.get("scope")
            );
        }
        let code = run.code_for(&run.request(client).with("scope", &both)).await?;
        let exchanged = run.token(&run.exchange(client, &code)).await?.expect_ok()?;
        ensure!(exchanged.get("scope").is_some_and(|scope| *scope == both), "it is {:?}", exchanged.get("scope"));
        let narrow = run.refresh(client, &Tokens::of(&exchanged).refresh).and("scope", &scopes.write);
        let refreshed = run.token(&narrow).await?.expect_ok()?;
        ensure!(
            refreshed.get("scope").is_some_and(|scope| *scope == scopes.write),
            "it is {:?}",
            refreshed.get("scope")
        );
    }

    /// Token responses and errors have `Cache-Control: no-store`.
    ["TRESP-006", Must, "RFC 6749 §5.1; OAuth 2.1 §3.2.3"]
    async fn tresp_006_nobody_may_store_a_token_response(run) {
        for reply in one_of_each(run).await?.into_iter().chain(errors(run).await?) {
            reply.expect_not_stored()?;
        }
    }

    /// Token responses and errors have the content type `application/json`.
    ["TRESP-007", Must, "RFC 6749 §5.1, §5.2"]
    async fn tresp_007_a_token_response_is_json(run) {
        for reply in one_of_each(run).await?.into_iter().chain(errors(run).await?) {
            let kind = reply.header(&CONTENT_TYPE).unwrap_or_default();
            let essence = kind.split(';').next().unwrap_or_default().trim();
            ensure!(essence.eq_ignore_ascii_case("application/json"), "the content type is {kind:?}");
        }
    }

    /// No member is `null`: a member without a value is not there.
    ["TRESP-008", Must, "practice"]
    async fn tresp_008_no_member_is_null(run) {
        for reply in one_of_each(run).await? {
            for (name, value) in reply.expect_ok()? {
                let named = ["refresh_token", "scope", "id_token"].contains(&name.as_str());
                ensure!(!value.is_null() && (!named || value.is_string()), "{name} is {value}");
            }
        }
    }

    /// A token response has no member `error`, and an error none `access_token`.
    ["TRESP-009", Must, "practice"]
    async fn tresp_009_a_response_is_tokens_or_an_error(run) {
        for reply in one_of_each(run).await? {
            let members = reply.expect_ok()?;
            ensure!(!members.keys().any(|name| name.starts_with("error")), "an error is in {:?}", members.keys());
        }
        for reply in errors(run).await? {
            let members = reply.expect_json()?;
            let issued = ["access_token", "refresh_token", "id_token", "token_type"];
            ensure!(!members.keys().any(|name| issued.contains(&name.as_str())), "tokens are in {:?}", members.keys());
            ensure!(members.contains_key("error"), "no error is in {:?}", members.keys());
        }
    }

    /// No member is there twice.
    ["TRESP-010", Must, "RFC 8259 §4; practice"]
    async fn tresp_010_no_member_is_there_twice(run) {
        for reply in one_of_each(run).await?.into_iter().chain(errors(run).await?) {
            expect_distinct_members(&reply)?;
        }
    }

    /// Tokens have only characters that a header can carry (`token68`), and a size that one can, too.
    ["TRESP-011", Should, "RFC 6749 §5.1; RFC 6750 §2.1"]
    async fn tresp_011_a_token_fits_into_a_header(run) {
        for reply in one_of_each(run).await? {
            let tokens = Tokens::of(&reply.expect_ok()?);
            for token in [tokens.access, tokens.refresh] {
                let trimmed = token.trim_end_matches('=');
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~+/-".contains(&byte);
                ensure!(trimmed.bytes().all(allowed), "{token:?} has other characters");
                ensure!(token.len() <= 4_096, "{} characters are too many", token.len());
            }
        }
    }

    /// Access tokens cannot be guessed: they have nothing in common, and with any character changed they are nobody's.
    ["TRESP-012", Must, "OAuth 2.1 §7.7; RFC 6749 §10.10"]
    async fn tresp_012_access_tokens_cannot_be_guessed(run) {
        let client = &run.profile().web;
        let mut tokens = run.refreshable(client).await?;
        let mut seen = Vec::new();
        for _ in 0..100 {
            seen.push(tokens.access.clone());
            tokens = run.refreshed(client, &tokens).await?;
        }
        expect_unguessable(&seen)?;
        run.expect_access_live(client, &tokens.access).await?;
        for at in 0..tokens.access.chars().count() {
            let wrong = damaged(&tokens.access, at);
            ensure!(!run.is_live(client, &wrong).await?, "{wrong} works as {} does", tokens.access);
        }
    }

    /// Access tokens live for an hour at most, unless the operator wants it otherwise, and are for a named audience.
    ["TRESP-013", Should, "RFC 9700 §2.3; OAuth 2.1 §7.1.3"]
    async fn tresp_013_an_access_token_is_short_lived_and_for_somebody(run) {
        for reply in one_of_each(run).await? {
            let life = reply.expect_ok()?.get("expires_in").and_then(Value::as_u64).unwrap_or(u64::MAX);
            ensure!(life <= 3_600, "an access token lives for {life} seconds");
        }
        if run.has(Feature::Introspection) && run.has(Feature::ResourceIndicators) {
            let client = &run.profile().web;
            let told = run.introspect(client, &run.tokens(client).await?.access).await?.expect_ok()?;
            ensure!(told.contains_key("aud"), "the access token has no audience: {told:?}");
        }
    }

    /// An error is the text `error`, and perhaps the texts `error_description` and `error_uri`; nothing else, and no
    /// `null`.
    ["TRESP-014", Must, "RFC 6749 §5.2; OAuth 2.1 §3.2.4"]
    async fn tresp_014_an_error_is_made_of_texts(run) {
        for reply in errors(run).await? {
            let members = reply.expect_json()?;
            let error = members.get("error").and_then(Value::as_str).unwrap_or_default();
            reply.expect_error(reply.status().as_u16(), error)?;
            for name in ["error_description", "error_uri"] {
                ensure!(members.get(name).is_none_or(Value::is_string), "{name} is {:?}", members.get(name));
            }
        }
    }

    /// No error quotes a secret, a code, a token or a verifier.
    ["TRESP-015", Should, "practice"]
    async fn tresp_015_an_error_quotes_nothing(run) {
        for reply in errors(run).await? {
            for sent in [MARKER, VERIFIER, run.profile().web.secret.as_deref().unwrap_or(MARKER)] {
                ensure!(!reply.text().contains(sent), "the body quotes {sent}");
                for (name, value) in reply.headers() {
                    let quoted = String::from_utf8_lossy(value.as_bytes()).contains(sent);
                    ensure!(!quoted, "the header {name} quotes {sent}");
                }
            }
        }
    }
}
