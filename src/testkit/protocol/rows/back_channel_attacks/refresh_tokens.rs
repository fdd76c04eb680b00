//! Attacks with a stolen refresh token, or with too much in a refresh.

use crate::testkit::protocol::{Failure, basic, identified, miscased, winners};

rows! {
    $ __protocol_rows_refresh_attacks;

    /// A stolen refresh token: whoever uses it second, the thief or the client, ends it for both.
    ["ATK-050", Must, "RFC 9700 §4.14.2; OAuth 2.1 §4.3.1"]
    async fn atk_050_a_stolen_refresh_token_ends_with_its_second_use(run) {
        let client = &run.profile().public;
        for uses in [1, 2, 5] {
            let stolen = run.refreshable(client).await?;
            // Whoever is first goes on for a while.
            let mut first = stolen.clone();
            for _ in 0..=uses {
                first = run.refreshed(client, &first).await?;
            }
            run.expect_access_live(client, &first.access).await?;
            run.token(&run.refresh(client, &stolen.refresh)).await?.expect_error(400, "invalid_grant")?;
            run.expect_dead(client, &first).await?;
        }
    }

    /// A thief with the old refresh token and the client with the new one refresh at the same moment: never do both go
    /// on.
    ["ATK-051", Must, "RFC 9700 §4.14.2; practice"]
    async fn atk_051_a_race_leaves_no_second_branch(run) {
        let client = &run.profile().public;
        for _ in 0..5 {
            let old = run.refreshable(client).await?;
            let new = run.refreshed(client, &old).await?;
            let forms = [run.refresh(client, &old.refresh), run.refresh(client, &new.refresh)];
            let forms: Vec<_> = forms.iter().cycle().take(20).cloned().collect();
            let mut branches = winners(&run.tokens_at_once(&forms).await?)?;
            branches.push(new);
            // By now a successor was used, or the family is dead: the old one is a replay, and ends what there is.
            let next = run.token(&run.refresh(client, &branches[0].refresh)).await?;
            branches.extend(winners(&[next])?);
            run.token(&run.refresh(client, &old.refresh)).await?.expect_error(400, "invalid_grant")?;
            for tokens in &branches {
                run.expect_dead(client, tokens).await?;
            }
        }
    }

    /// The grace for a lost answer is of no use to a thief: it ends when the client goes on, and it is not renewed.
    ["ATK-052", Must, "this catalogue's profile; practice"]
    async fn atk_052_the_grace_is_of_no_use_to_a_thief(run) {
        for client in [&run.profile().public, &run.profile().native] {
            let stolen = run.refreshable(client).await?;
            let mut newest = run.refreshed(client, &stolen).await?;
            if let Some(thiefs) = winners(&[run.token(&run.refresh(client, &stolen.refresh)).await?])?.pop() {
                // What the thief got is what the client got, or of the same family.
                newest = run.refreshed(client, &newest).await?;
                run.token(&run.refresh(client, &stolen.refresh)).await?.expect_error(400, "invalid_grant")?;
                run.expect_dead(client, &thiefs).await?;
            }
            run.expect_dead(client, &newest).await?;

            let stolen = run.refreshable(client).await?;
            run.refreshed(client, &stolen).await?;
            let mut answered = 0;
            while !winners(&[run.token(&run.refresh(client, &stolen.refresh)).await?])?.is_empty() {
                answered += 1;
                ensure!(answered < 100, "100 uses of a replaced refresh token were answered");
            }
        }
    }

    /// Another client's refresh token brings nothing, and is not ended by trying, neither the newest nor one that was
    /// replaced.
    ["ATK-053", Must, "RFC 6749 §6, §10.4; practice"]
    async fn atk_053_another_clients_refresh_token_is_of_no_use(run) {
        let (web, other, public) = (&run.profile().web, &run.profile().other, &run.profile().public);
        for owner in [web, public] {
            let old = run.refreshable(owner).await?;
            let newest = run.refreshed(owner, &old).await?;
            let newest = run.refreshed(owner, &newest).await?;
            for token in [&old.refresh, &newest.refresh] {
                let nameless = run.refresh(owner, token).without("client_id").without("client_secret");
                for _ in 0..3 {
                    let own = identified(other, nameless.clone());
                    run.token(&own).await?.expect_error(400, "invalid_grant")?;
                    run.token_with(&nameless, basic(other)).await?.expect_error(400, "invalid_grant")?;
                    let native = identified(&run.profile().native, nameless.clone());
                    run.token(&native).await?.expect_error(400, "invalid_grant")?;
                }
            }
            run.expect_alive(owner, &newest).await?;
        }
    }

    /// No spelling of `scope` brings more than was granted.
    ["ATK-054", Must, "RFC 6749 §6, §3.3; OAuth 2.1 §4.3.1"]
    async fn atk_054_no_spelling_widens_the_scope(run) {
        let (scopes, client) = (&run.profile().scopes, &run.profile().web);
        let (own, more) = (&scopes.default, &scopes.restricted);
        let mut tokens = run.refreshable(client).await?;
        for scope in [
            more.clone(),
            format!("{own} {more}"),
            format!("{more} {own}"),
            format!("{own}  {more} "),
            format!("{own}\t{more}"),
            format!("{own}\n{more}"),
            format!("{own},{more}"),
            format!("{own}+{more}"),
            format!("{own}\"{more}"),
            format!("{own}\\{more}"),
            format!("{own}é"),
            miscased(own),
        ] {
            let form = run.refresh(client, &tokens.refresh).and("scope", &scope);
            run.token(&form).await?.expect_error(400, "invalid_scope")?;
        }
        let twice = run.refresh(client, &tokens.refresh).and("scope", own).and("scope", more);
        run.token(&twice).await?.expect_error(400, "invalid_request")?;
        for _ in 0..2 {
            tokens = run.expect_alive(client, &tokens).await?;
            ensure!(tokens.scope == *own, "the scope became {:?}", tokens.scope);
        }
    }

    /// Whoever once saw an old refresh token can end that grant of a public client at most, and of a confidential one
    /// none.
    ["ATK-075", Must, "practice"]
    async fn atk_075_an_old_refresh_token_ends_one_grant_at_most(run) {
        let (public, web) = (&run.profile().public, &run.profile().web);
        let (others, of_web) = (run.refreshable(public).await?, run.refreshable(web).await?);
        let seen = run.refreshable(public).await?;
        let newest = run.refreshed(public, &seen).await?;
        let newest = run.refreshed(public, &newest).await?;
        for _ in 0..3 {
            run.token(&run.refresh(public, &seen.refresh)).await?.expect_error(400, "invalid_grant")?;
        }
        run.expect_dead(public, &newest).await?;
        run.expect_alive(public, &others).await?;

        let newest = run.refreshed(web, &of_web).await?;
        let newest = run.refreshed(web, &newest).await?;
        let nameless = run.refresh(web, &of_web.refresh).without("client_secret");
        for _ in 0..3 {
            run.token(&nameless).await?.expect_error(401, "invalid_client")?;
        }
        run.expect_alive(web, &newest).await.map_err(|failure| Failure::new(format!("without a secret: {failure}")))?;
    }
}
