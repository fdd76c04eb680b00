//! Rotation of refresh tokens, and how long they live (RFC 9700 §4.14.2, OAuth 2.1 §4.3).

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::code_exchange::MANY;
use crate::testkit::Form;
use crate::testkit::protocol::{Failure, Feature, KnownClient, Run, Tokens, identified, random, winners};

/// Longer than any grace for a lost answer.
pub(super) const LATER: Duration = Duration::from_mins(10);

/// How long a family is watched in the search for an end of it, in days.
const WATCHED: u64 = 800;

const DAY: Duration = Duration::from_hours(24);

/// Refreshes by `client` that are each wrong in one respect that has to do with who sends them.
fn foreign_refreshes(run: &Run<'_>, client: &KnownClient, token: &str) -> Vec<Form> {
    let right = run.refresh(client, token);
    let nameless = right.clone().without("client_id").without("client_secret");
    let mut wrong = vec![
        identified(&run.profile().other, nameless.clone()),
        identified(&run.profile().native, nameless.clone()),
        right.clone().with("client_id", &random()),
        nameless,
    ];
    if client.secret.is_some() {
        wrong.extend([right.clone().with("client_secret", "wrong"), right.without("client_secret")]);
    }
    wrong
}

/// Whether the refresh token is still good; what it brings, if it is.
async fn try_refresh(run: &Run<'_>, client: &KnownClient, tokens: &Tokens) -> Result<Option<Tokens>, Failure> {
    let reply = run.token(&run.refresh(client, &tokens.refresh)).await?;
    Ok(winners(&[reply])?.pop().map(|next| next.kept(tokens.clone())))
}

rows! {
    $ __protocol_rows_refresh_rotation;

    /// The refresh tokens of a public client are replaced with every use.
    ["RT-011", Must, "RFC 9700 §2.2.2, §4.14.2; OAuth 2.1 §4.3.1"]
    async fn rt_011_a_public_client_gets_a_new_refresh_token_each_time(run) {
        for client in [&run.profile().public, &run.profile().native] {
            let mut tokens = run.refreshable(client).await?;
            let mut seen = HashSet::from([tokens.refresh.clone(), tokens.access.clone()]);
            for _ in 0..5 {
                tokens = run.tokens_for(&run.refresh(client, &tokens.refresh)).await?;
                ensure!(!tokens.refresh.is_empty(), "a refresh brought no refresh token");
                ensure!(seen.insert(tokens.refresh.clone()), "a refresh brought a refresh token for the second time");
                ensure!(seen.insert(tokens.access.clone()), "a refresh brought an access token for the second time");
            }
            run.expect_alive(client, &tokens).await?;
        }
    }

    /// A replaced refresh token does not work any more, once its successor was used or the grace for a lost answer is
    /// over.
    ["RT-012", Must, "RFC 9700 §4.14.2; OAuth 2.1 §4.3.1"]
    async fn rt_012_a_replaced_refresh_token_stops_working(run) {
        let client = &run.profile().public;
        let first = run.refreshable(client).await?;
        let second = run.refreshed(client, &first).await?;
        run.refreshed(client, &second).await?;
        run.token(&run.refresh(client, &first.refresh)).await?.expect_error(400, "invalid_grant")?;
        if run.has(Feature::Clock) {
            let first = run.refreshable(client).await?;
            run.refreshed(client, &first).await?;
            run.pass(LATER)?;
            run.token(&run.refresh(client, &first.refresh)).await?.expect_error(400, "invalid_grant")?;
        }
    }

    /// Use of a replaced refresh token revokes what replaced it, and the access tokens of the grant: two parties have
    /// it.
    ["RT-013", Must, "RFC 9700 §4.14.2; OAuth 2.1 §4.3.1"]
    async fn rt_013_a_replay_revokes_the_family(run) {
        let client = &run.profile().public;
        let first = run.refreshable(client).await?;
        let second = run.refreshed(client, &first).await?;
        let third = run.refreshed(client, &second).await?;
        run.expect_access_live(client, &third.access).await?;
        run.token(&run.refresh(client, &first.refresh)).await?.expect_error(400, "invalid_grant")?;
        for tokens in [&third, &second, &first] {
            run.expect_dead(client, tokens).await?;
        }
        if run.has(Feature::Clock) {
            let first = run.refreshable(client).await?;
            let second = run.refreshed(client, &first).await?;
            run.pass(LATER)?;
            run.expect_access_live(client, &second.access).await?;
            run.token(&run.refresh(client, &first.refresh)).await?.expect_error(400, "invalid_grant")?;
            for tokens in [&second, &first] {
                run.expect_dead(client, tokens).await?;
            }
        }
    }

    /// Only the client that owns a replaced refresh token ends its family, and only when it has authenticated itself.
    ["RT-014", Must, "practice"]
    async fn rt_014_a_replay_by_others_revokes_nothing(run) {
        for client in [&run.profile().web, &run.profile().public] {
            let first = run.refreshable(client).await?;
            let second = run.refreshed(client, &first).await?;
            let third = run.refreshed(client, &second).await?;
            for replayed in [&first, &second] {
                for wrong in foreign_refreshes(run, client, &replayed.refresh) {
                    run.token(&wrong).await?.expect_refusal()?;
                }
            }
            run.expect_alive(client, &third).await?;
        }
    }

    /// A replay ends one grant; others of the same user and client go on.
    ["RT-015", Must, "practice"]
    async fn rt_015_a_replay_leaves_other_grants_alone(run) {
        let client = &run.profile().public;
        let (replayed, same) = (run.refreshable(client).await?, run.refreshable(client).await?);
        let another = run.refreshable(&run.profile().web).await?;
        let second = run.refreshed(client, &replayed).await?;
        let third = run.refreshed(client, &second).await?;
        run.token(&run.refresh(client, &replayed.refresh)).await?.expect_error(400, "invalid_grant")?;
        run.expect_dead(client, &third).await?;
        run.expect_alive(client, &same).await?;
        run.expect_alive(&run.profile().web, &another).await?;
    }

    /// Many uses of one refresh token at the same time do not make a second family: one wins, or all successors end
    /// together.
    ["RT-016", Must, "practice"]
    async fn rt_016_many_uses_at_once_make_one_family(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let first = run.refreshable(client).await?;
            let refresh = run.refresh(client, &first.refresh);
            let winners = winners(&run.tokens_at_once(&vec![refresh.clone(); MANY]).await?)?;
            let Some(used) = winners.first() else {
                return Err(Failure::new(format!("none of {MANY} refreshes at once succeeded")));
            };
            let rotated = !used.refresh.is_empty();
            if !rotated {
                // Only a confidential client may keep its refresh token.
                ensure!(client.secret.is_some(), "a refresh brought no refresh token");
                continue;
            }
            // One successor is used, which ends every grace; then the first one is a replay.
            if let Some(next) = try_refresh(run, client, used).await? {
                run.token(&refresh).await?.expect_error(400, "invalid_grant")?;
                run.expect_dead(client, &next).await?;
            }
            for tokens in &winners {
                run.expect_dead(client, tokens).await?;
            }
        }
    }

    /// A refresh token ends: when it is not used for some time, or when its family has a certain age, however often it
    /// is used.
    ["RT-017", Must, "OAuth 2.0 for Browser-Based Applications §6.3.2.3; RFC 9700 §4.14.2"]
    async fn rt_017_a_family_ends_in_time(run) {
        let client = &run.profile().public;
        run.requires(Feature::Clock)?;
        let (mut used, unused) = (run.refreshable(client).await?, run.refreshable(client).await?);
        for _ in 0..WATCHED {
            run.pass(DAY)?;
            match try_refresh(run, client, &used).await? {
                Some(next) => used = next,
                // The end of its life is no matter of how often it is used: it does not come back.
                None => {
                    run.expect_dead(client, &used).await?;
                    return run.expect_dead(client, &unused).await;
                }
            }
        }
        // There is no age at which it ends, so it must end if it is not used.
        run.expect_dead(client, &unused).await?;
    }

    /// A refresh token that is not used ends sooner than one that is.
    ["RT-018", Should, "RFC 9700 §4.14.2"]
    async fn rt_018_an_unused_refresh_token_ends(run) {
        run.requires(Feature::Clock)?;
        let client = &run.profile().public;
        let mut used = run.refreshable(client).await?;
        let mut unused = Vec::new();
        for _ in 0..10 {
            unused.push(run.refreshable(client).await?);
        }
        let mut days = 0_u32;
        let mut waiting = unused.iter();
        while let Some(next) = try_refresh(run, client, &used).await? {
            used = next;
            if days.is_power_of_two() {
                let waited = waiting.next();
                let waited = waited.ok_or_else(|| Failure::new("a refresh token that nobody uses does not end"))?;
                if try_refresh(run, client, waited).await?.is_none() {
                    return Ok(());
                }
            }
            run.pass(DAY)?;
            days += 1;
        }
        // Where all ends within a month, it does so without use.
        ensure!(days <= 31, "a refresh token that nobody uses lives for {days} days, as one that is used");
    }

    /// A replacement comes in the member `refresh_token`; where none replaces it, the member is not there.
    ["RT-026", Should, "RFC 6749 §6; practice"]
    async fn rt_026_the_member_is_there_when_the_token_is_replaced(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let tokens = run.refreshable(client).await?;
            let members = run.token(&run.refresh(client, &tokens.refresh)).await?.expect_ok()?;
            match members.get("refresh_token") {
                Some(Value::String(next)) if !next.is_empty() => {
                    run.token(&run.refresh(client, next)).await?.expect_ok()?;
                }
                None if client.secret.is_some() => {
                    run.token(&run.refresh(client, &tokens.refresh)).await?.expect_ok()?;
                }
                other => return Err(Failure::new(format!("{}: refresh_token is {other:?}", client.id))),
            }
        }
    }
}
