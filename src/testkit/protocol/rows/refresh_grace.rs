//! The answer to a refresh that a client did not get: what a server may do when the same refresh token comes again.
//!
//! A server without such a grace passes these rows too: it refuses the second use, and revokes the family.

use std::time::Duration;

use super::refresh_rotation::LATER;
use crate::testkit::protocol::{Failure, Feature, KnownClient, Run, Tokens, winners};

/// What a further use of a refresh token brings, or `None` if it is an `invalid_grant`.
async fn retry(run: &Run<'_>, client: &KnownClient, tokens: &Tokens) -> Result<Option<Tokens>, Failure> {
    Ok(winners(&[run.token(&run.refresh(client, &tokens.refresh)).await?])?.pop())
}

/// A refresh token that was used, and what it brought.
async fn used(run: &Run<'_>, client: &KnownClient) -> Result<(Tokens, Tokens), Failure> {
    let first = run.refreshable(client).await?;
    let second = run.tokens_for(&run.refresh(client, &first.refresh)).await?;
    ensure!(!second.refresh.is_empty(), "a refresh brought no refresh token");
    Ok((first, second))
}

rows! {
    $ __protocol_rows_refresh_grace;

    /// A client whose answer was lost may send the same refresh token again, soon after, and gets one that works.
    ["RT-020", May, "this catalogue's profile; practice"]
    async fn rt_020_a_lost_answer_may_be_asked_for_again(run) {
        let client = &run.profile().public;
        let (first, lost) = used(run, client).await?;
        match retry(run, client, &first).await? {
            Some(again) => {
                ensure!(!again.refresh.is_empty(), "the retry brought no refresh token");
                ensure!(again.scope == lost.scope, "the retry brought {:?}, not {:?}", again.scope, lost.scope);
                let next = run.expect_alive(client, &again).await?;
                run.expect_alive(client, &next).await?;
            }
            None => run.expect_dead(client, &lost).await?,
        }
    }

    /// The grace ends with the first use of a successor: from then on the same request is a replay.
    ["RT-021", Must, "this catalogue's profile"]
    async fn rt_021_the_grace_ends_when_a_successor_is_used(run) {
        let client = &run.profile().public;
        for retried in [false, true] {
            let (first, mut second) = used(run, client).await?;
            if retried {
                second = retry(run, client, &first).await?.unwrap_or(second);
            }
            // Without a grace, the retry has ended the family already.
            if let Some(third) = retry(run, client, &second).await? {
                run.expect_access_live(client, &third.access).await?;
                run.token(&run.refresh(client, &first.refresh)).await?.expect_error(400, "invalid_grant")?;
                run.expect_dead(client, &third).await?;
            } else {
                ensure!(retried, "the successor does not work");
            }
            run.expect_dead(client, &second).await?;
        }
    }

    /// There is no grace for a token that was replaced twice, and none for another client.
    ["RT-022", Must, "this catalogue's profile"]
    async fn rt_022_the_grace_is_for_the_last_generation_and_its_client(run) {
        let client = &run.profile().public;
        let (first, second) = used(run, client).await?;
        let third = run.refreshed(client, &second).await?;
        retry(run, client, &second).await?;
        run.token(&run.refresh(client, &first.refresh)).await?.expect_error(400, "invalid_grant")?;
        run.expect_dead(client, &third).await?;

        let web = &run.profile().web;
        for (owner, thief) in
            [(client, &run.profile().multi), (client, web), (web, &run.profile().other), (web, client)]
        {
            let first = run.refreshable(owner).await?;
            let second = run.refreshed(owner, &first).await?;
            run.token(&run.refresh(thief, &first.refresh)).await?.expect_error(400, "invalid_grant")?;
            run.expect_alive(owner, &second).await?;
        }
        let first = run.refreshable(web).await?;
        let second = run.refreshed(web, &first).await?;
        let nameless = run.refresh(web, &first.refresh).without("client_secret");
        run.token(&nameless).await?.expect_error(401, "invalid_client")?;
        run.token(&nameless.with("client_secret", "wrong")).await?.expect_error(401, "invalid_client")?;
        run.expect_alive(web, &second).await?;
    }

    /// Retries are limited in number, and do not make the grace longer.
    ["RT-023", Must, "this catalogue's profile"]
    async fn rt_023_retries_are_limited_and_extend_nothing(run) {
        let client = &run.profile().public;
        let (first, _) = used(run, client).await?;
        let mut retries = 0;
        while retry(run, client, &first).await?.is_some() {
            retries += 1;
            ensure!(retries < 100, "100 retries in a row were answered");
        }
        if run.has(Feature::Clock) {
            // The grace is over after `seconds`, and not yet after half of them.
            let mut seconds = 1;
            loop {
                let (first, _) = used(run, client).await?;
                run.pass(Duration::from_secs(seconds))?;
                if retry(run, client, &first).await?.is_none() {
                    break;
                }
                seconds *= 2;
                ensure!(Duration::from_secs(seconds) < LATER, "a retry is answered after {} seconds", seconds / 2);
            }
            let (first, _) = used(run, client).await?;
            let half = Duration::from_millis(seconds * 500);
            for waits in [1, 2] {
                run.pass(half)?;
                let answered = retry(run, client, &first).await?.is_some();
                ensure!(waits == 1 || !answered, "a retry made the grace longer than {seconds} seconds");
            }
        }
    }

    /// What several retries bring is one family: a replay of any of it ends all of it.
    ["RT-024", Must, "this catalogue's profile"]
    async fn rt_024_retries_make_one_family(run) {
        let client = &run.profile().public;
        let (first, one) = used(run, client).await?;
        let two = retry(run, client, &first).await?;
        let leaves: Vec<_> = std::iter::once(one).chain(two).collect();
        if leaves.len() == 2 {
            let third = run.refreshed(client, &leaves[0]).await?;
            run.token(&run.refresh(client, &first.refresh)).await?.expect_error(400, "invalid_grant")?;
            run.expect_dead(client, &third).await?;
        }
        for tokens in &leaves {
            run.expect_dead(client, tokens).await?;
        }

        if run.has(Feature::Clock) {
            let (first, one) = used(run, client).await?;
            if let Some(two) = retry(run, client, &first).await? {
                let third = run.refreshed(client, &one).await?;
                run.pass(LATER)?;
                run.token(&run.refresh(client, &two.refresh)).await?.expect_error(400, "invalid_grant")?;
                for tokens in [&third, &one] {
                    run.expect_dead(client, tokens).await?;
                }
            }
        }
    }
}
