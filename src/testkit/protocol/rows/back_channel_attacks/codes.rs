//! Attacks with a stolen or guessed code.

use http::header::LOCATION;
use http::{HeaderMap, Method};

use crate::testkit::Form;
use crate::testkit::protocol::rows::code_exchange::{MANY, OTHER_VERIFIER, wrong_exchanges};
use crate::testkit::protocol::{
    Failure, Tokens, basic, damaged, expect_unguessable, identified, miscased, random, winners,
};

rows! {
    $ __protocol_rows_code_attacks;

    /// Double spending of a code: of many exchanges at once, among them wrong ones and those of other clients, one
    /// right one succeeds.
    ["ATK-041", Must, "RFC 6749 §10.5; practice"]
    async fn atk_041_a_code_is_not_spent_twice_in_a_race(run) {
        let client = &run.profile().web;
        let right = run.exchange(client, &run.code(client).await?);
        let nameless = right.clone().without("client_id").without("client_secret");
        let stolen = identified(&run.profile().other, nameless.clone());
        let guessed = identified(&run.profile().public, nameless);
        let forms: Vec<_> = [right, stolen, guessed].into_iter().cycle().take(MANY).collect();
        let winners = winners(&run.tokens_at_once(&forms).await?)?;
        ensure!(winners.len() == 1, "{} of {MANY} exchanges at once succeeded", winners.len());
    }

    /// A stolen code that is used first: when the client comes, it is refused, and what the thief got is revoked.
    ["ATK-042", Should, "RFC 6749 §10.5; OAuth 2.1 §4.1.3"]
    async fn atk_042_a_thief_who_comes_first_is_cut_off(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let exchange = run.exchange(client, &run.code(client).await?);
            let stolen = run.tokens_for(&exchange).await?;
            let stolen = run.expect_alive(client, &stolen).await?;
            run.token(&exchange).await?.expect_error(400, "invalid_grant")?;
            run.expect_dead(client, &stolen).await?;
        }
    }

    /// A code that somebody only saw cannot be used to end what the client got for it, not even at the same moment.
    ["ATK-043", Should, "OAuth 2.1 §7.5.2; practice"]
    async fn atk_043_a_replay_by_others_denies_nothing(run) {
        let client = &run.profile().web;
        let code = run.code(client).await?;
        let right = run.exchange(client, &code);
        // Wrong verifiers and redirect URIs of its own client may wear out a code that is not spent yet (PKCE-016).
        let wears_out =
            |form: &Form| ["code_verifier", "redirect_uri"].iter().any(|name| form.get(name) != right.get(name));
        let wrong = wrong_exchanges(run, client, &code);
        let wrong: Vec<_> = wrong.into_iter().filter(|form| !wears_out(form)).collect();
        ensure!(wrong.len() > 2, "there are too few wrong requests");
        let mut forms: Vec<_> = wrong.iter().cycle().take(20).cloned().collect();
        forms.insert(10, right.clone());
        let replies = run.tokens_at_once(&forms).await?;
        for (n, reply) in replies.iter().enumerate().filter(|(n, _)| *n != 10) {
            reply.expect_refusal().map_err(|failure| Failure::new(format!("wrong request {n}: {failure}")))?;
        }
        let tokens = Tokens::of(&replies[10].expect_ok()?);
        for form in wrong.iter().chain(&[right.clone().with("code_verifier", OTHER_VERIFIER)]) {
            run.token(form).await?.expect_refusal()?;
        }
        let next = run.expect_alive(client, &tokens).await?;
        run.expect_alive(client, &next).await?;
    }

    /// Codes cannot be guessed, neither from others nor by changing one.
    ["ATK-044", Must, "RFC 6749 §10.10; OAuth 2.1 §7.7"]
    async fn atk_044_codes_cannot_be_guessed(run) {
        let client = &run.profile().public;
        let mut codes = Vec::new();
        for _ in 0..20 {
            codes.push(run.code(client).await?);
        }
        expect_unguessable(&codes)?;
        let right = &codes[0];
        for at in 0..right.chars().count() {
            let guess = run.exchange(client, &damaged(right, at));
            run.token(&guess).await?.expect_error(400, "invalid_grant")?;
        }
        for _ in 0..20 {
            run.token(&run.exchange(client, &random())).await?.expect_error(400, "invalid_grant")?;
        }
        run.token(&run.exchange(client, right)).await?.expect_ok()?;
    }

    /// A stolen code dies of wrong verifiers, so that none can be guessed.
    ["ATK-045", Should, "OAuth 2.1 §7.5.2; practice"]
    async fn atk_045_a_code_dies_of_wrong_verifiers(run) {
        for client in [&run.profile().public, &run.profile().web] {
            run.tokens(client).await?;
            let right = run.exchange(client, &run.code(client).await?);
            for n in 0..20 {
                let verifier = format!("{OTHER_VERIFIER}{n}");
                run.token(&right.clone().with("code_verifier", &verifier)).await?.expect_error(400, "invalid_grant")?;
            }
            run.token(&right).await?.expect_error(400, "invalid_grant")?;
        }
    }

    /// An attacker's own client redeems nobody else's code, whatever it says about itself; the owner still does.
    ["ATK-046", Must, "RFC 6749 §10.5; OAuth 2.1 §4.1.3"]
    async fn atk_046_a_stolen_code_is_of_no_use_to_another_client(run) {
        let (web, other, public) = (&run.profile().web, &run.profile().other, &run.profile().public);
        for owner in [web, public] {
            let right = run.exchange(owner, &run.code(owner).await?);
            let nameless = right.clone().without("client_id").without("client_secret");
            for thief in [other, &run.profile().native, &run.profile().encoded] {
                run.token(&identified(thief, nameless.clone())).await?.expect_error(400, "invalid_grant")?;
            }
            run.token_with(&nameless, basic(other)).await?.expect_error(400, "invalid_grant")?;
            let as_owner = nameless.clone().and("client_id", &owner.id);
            let answer = run.token_with(&as_owner, basic(other)).await?;
            answer.expect_one_of(&[(400, "invalid_request"), (401, "invalid_client")])?;
            run.token(&right).await?.expect_ok()?;
        }
    }

    /// A code that was sent to one redirect URI is not redeemed for another.
    ["ATK-047", Must, "RFC 6749 §4.1.3, §10.6; OAuth 2.1 §10.2"]
    async fn atk_047_the_redirect_uri_is_not_swapped_at_the_exchange(run) {
        let client = &run.profile().multi;
        for (own, other) in client.redirect_uris.iter().zip(client.redirect_uris.iter().cycle().skip(1)) {
            ensure!(own != other, "the client has less than two redirect URIs");
            let code = run.code_for(&run.request(client).with("redirect_uri", own)).await?;
            let right = run.exchange(client, &code).with("redirect_uri", own);
            run.token(&right.clone().with("redirect_uri", other)).await?.expect_error(400, "invalid_grant")?;
            run.token(&right).await?.expect_ok()?;
        }
    }

    /// No path is cleaned up, so that nothing of one tenant is taken for another's: beside the token endpoint there is
    /// none.
    ["ATK-048", Must, "practice"]
    async fn atk_048_a_path_is_taken_as_it_is(run) {
        let client = &run.profile().web;
        let right = run.exchange(client, &run.code(client).await?);
        let endpoint = &run.profile().endpoints.token;
        let path = run.local(endpoint).ok_or_else(|| Failure::new("the token endpoint is at another host"))?;
        let (parent, last) = path.rsplit_once('/').unwrap_or_default();
        for other in [
            format!("/suite-tenant{path}"),
            format!("/suite-tenant/..{path}"),
            format!("/.{path}"),
            format!("{path}/"),
            format!("{path}/."),
            format!("{path}/../{last}"),
            format!("{parent}//{last}"),
            format!("{parent}/%2E/{last}"),
            format!("{path}%2F"),
            format!("{path};x"),
            format!("{parent}/{}", miscased(last)),
        ] {
            let reply = run.post(&other, &right, HeaderMap::new()).await?;
            let refused = reply.status().is_client_error();
            ensure!(refused, "{other} is answered with {}", reply.status());
            reply.expect_no_header(&LOCATION)?;
        }
        run.send(Method::GET, &format!("{path}?{}", right.encode()), HeaderMap::new(), "").await?.expect_refusal()?;
        run.token(&right).await?.expect_ok()?;
    }
}
