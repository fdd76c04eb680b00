//! Attacks that make more of a token than it is, or learn about those of others.

use serde_json::{Value, json};

use crate::testkit::Form;
use crate::testkit::protocol::rows::client_authentication::JWT_BEARER;
use crate::testkit::protocol::{Failure, Feature, KnownClient, Run, Tokens, basic, damaged, random};

/// The answers to a request with each of these values are the same, and an `invalid_grant`.
async fn expect_indistinguishable(
    run: &Run<'_>,
    client: &KnownClient,
    parameter: &str,
    values: &[&str],
) -> Result<(), Failure> {
    let form = |value| match parameter {
        "code" => run.exchange(client, value),
        _ => run.refresh(client, value),
    };
    let baseline = run.token(&form("x")).await?;
    baseline.expect_error(400, "invalid_grant")?;
    for value in values {
        run.token(&form(value)).await?.expect_same(&baseline)?;
    }
    Ok(())
}

rows! {
    $ __protocol_rows_token_attacks;

    /// What a client adds to the exchange makes the token no larger, no longer-lived, and no other user's.
    ["ATK-055", Must, "RFC 6749 §3.3; RFC 8707 §2.2"]
    async fn atk_055_an_exchange_adds_nothing_to_the_grant(run) {
        let (scopes, client) = (&run.profile().scopes, &run.profile().web);
        let plain = run.token(&run.exchange(client, &run.code(client).await?)).await?.expect_ok()?;
        let form = run.exchange(client, &run.code(client).await?).and("authorization_details", "[]");
        let form = form.and("scope", &scopes.restricted).and("sub", "bob").and("subject", "bob").and("username", "bob");
        let answer = run.token(&form.and("expires_in", "999999").and("state", "x").and("audience", "x")).await?;
        if answer.status() == 200 {
            let members = answer.expect_ok()?;
            for name in ["scope", "expires_in", "token_type"] {
                ensure!(members.get(name) == plain.get(name), "{name} became {:?}", members.get(name));
            }
            let added = members.keys().find(|name| !plain.contains_key(*name));
            ensure!(added.is_none(), "the member {added:?} was added");
            if run.has(Feature::Introspection) {
                let [usual, told] = [&plain, &members].map(|members| Tokens::of(members).access);
                let usual = run.introspect(client, &usual).await?.expect_ok()?;
                let told = run.introspect(client, &told).await?.expect_ok()?;
                for name in ["active", "sub", "scope", "client_id", "aud"] {
                    ensure!(told.get(name) == usual.get(name), "{name} became {:?}", told.get(name));
                }
            }
        } else {
            answer.expect_refusal()?;
        }
        if run.has(Feature::ResourceIndicators) {
            let api = &run.profile().api;
            let granted = run.request(client).and("resource", &api.resource);
            let unknown = "https://unknown.test/".to_owned();
            for other in api.other_resource.iter().chain([&unknown]) {
                let right = run.exchange(client, &run.code_for(&granted).await?);
                run.token(&right.clone().and("resource", other)).await?.expect_error(400, "invalid_target")?;
                let both = right.clone().and("resource", &api.resource).and("resource", other);
                run.token(&both).await?.expect_error(400, "invalid_target")?;
                run.token(&right).await?.expect_ok()?;
            }
        }
    }

    /// A token for one resource is not accepted by another, and naming several when refreshing makes it no wider.
    ["ATK-056", Must, "RFC 8707 §2.2; RFC 9700 §2.3"]
    async fn atk_056_a_token_is_for_its_resource_only(run) {
        run.requires(Feature::ResourceIndicators)?;
        run.requires(Feature::Api)?;
        let (client, api) = (&run.profile().web, &run.profile().api);
        let tokens_for = async |resource: &str| {
            let code = run.code_for(&run.request(client).and("resource", resource)).await?;
            run.tokens_for(&run.exchange(client, &code)).await
        };
        run.call(&tokens_for(&api.resource).await?.access).await?.expect_status(200)?;
        if let Some(other) = &api.other_resource {
            let tokens = tokens_for(other).await?;
            run.call(&tokens.access).await?.expect_status(401)?;
            let form = run.refresh(client, &tokens.refresh).and("resource", other).and("resource", &api.resource);
            run.token(&form).await?.expect_error(400, "invalid_target")?;
            let next = run.refreshed(client, &tokens).await?;
            run.call(&next.access).await?.expect_status(401)?;
        }
    }

    /// No credential is taken for another: codes, both tokens, secrets and registration access tokens each work at
    /// their own place only.
    ["ATK-057", Must, "RFC 6749 §1.4, §1.5; practice"]
    async fn atk_057_no_credential_is_taken_for_another(run) {
        let client = &run.profile().web;
        let (code, tokens) = (run.code(client).await?, run.refreshable(client).await?);
        let Tokens { access, refresh, .. } = &tokens;
        let secret = client.secret.as_deref().unwrap_or_default();
        let mut extra = vec![secret.to_owned()];
        if run.has(Feature::Registration) {
            let registered = run.register(&json!({ "redirect_uris": ["https://new.test/cb"] })).await?.expect_json()?;
            let text = |name: &str| registered.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
            extra.extend([text("registration_access_token"), text("client_secret")].into_iter().flatten());
        }
        let extra = || extra.iter().map(String::as_str);
        for wrong in [access.as_str(), refresh].into_iter().chain(extra()) {
            run.token(&run.exchange(client, wrong)).await?.expect_error(400, "invalid_grant")?;
        }
        for wrong in [access.as_str(), &code].into_iter().chain(extra()) {
            run.token(&run.refresh(client, wrong)).await?.expect_error(400, "invalid_grant")?;
        }
        if run.has(Feature::Api) {
            for wrong in [refresh.as_str(), &code].into_iter().chain(extra()) {
                run.call(wrong).await?.expect_status(401)?;
            }
        }
        for wrong in [access.as_str(), refresh, &code] {
            let pretended = KnownClient { secret: Some(wrong.to_owned()), ..client.clone() };
            run.token(&run.refresh(&pretended, refresh)).await?.expect_error(401, "invalid_client")?;
            let asserted = run.refresh(client, refresh).without("client_secret");
            let asserted = asserted.and("client_assertion_type", JWT_BEARER).and("client_assertion", wrong);
            run.token(&asserted).await?.expect_refusal()?;
        }
        run.token(&run.exchange(client, &code)).await?.expect_ok()?;
        run.expect_alive(client, &tokens).await?;
    }

    /// Nobody ends another client's tokens: a revocation of them is refused or has no effect.
    ["ATK-059", Must, "RFC 7009 §2.1"]
    async fn atk_059_another_clients_token_is_not_revoked(run) {
        run.requires(Feature::Revocation)?;
        let (web, public, other) = (&run.profile().web, &run.profile().public, &run.profile().other);
        for (owner, attackers) in [(web, [other, public]), (public, [other, web])] {
            let tokens = run.refreshable(owner).await?;
            for attacker in attackers {
                for token in [&tokens.access, &tokens.refresh] {
                    let answer = run.revoke(attacker, token).await?;
                    if answer.status() != 200 {
                        answer.expect_error(400, "invalid_grant")?;
                    }
                }
            }
            let tokens = run.expect_alive(owner, &tokens).await?;
            // The owner can.
            run.revoke(owner, &tokens.refresh).await?.expect_status(200)?;
            run.token(&run.refresh(owner, &tokens.refresh)).await?.expect_error(400, "invalid_grant")?;
        }
    }

    /// A client learns nothing of another client's tokens.
    ["ATK-060", Must, "RFC 7662 §2.2, §4"]
    async fn atk_060_another_clients_token_is_inactive(run) {
        run.requires(Feature::Introspection)?;
        let (web, other, public) = (&run.profile().web, &run.profile().other, &run.profile().public);
        for owner in [web, public] {
            let tokens = run.refreshable(owner).await?;
            if owner.secret.is_some() {
                let told = run.introspect(owner, &tokens.access).await?.expect_ok()?;
                ensure!(told.get("active") == Some(&json!(true)), "its owner is told that a token is inactive");
            }
            let guess = damaged(&tokens.access, tokens.access.len() / 2);
            for token in [&tokens.access, &tokens.refresh, &guess, &random()] {
                let told = run.introspect(other, token).await?.expect_ok()?;
                ensure!(Value::from(told.clone()) == json!({ "active": false }), "another client is told {told:?}");
            }
            let form = Form::of([("token", tokens.access.as_str())]);
            for (form, headers) in
                [(form.clone(), basic(public)), (form.and("client_id", &public.id), Default::default())]
            {
                let answer = run.post(&run.profile().endpoints.introspection, &form, headers).await?;
                ensure!(
                    matches!(answer.status().as_u16(), 401 | 403),
                    "a public client is answered {}",
                    answer.status()
                );
            }
        }
    }

    /// A revoked token is refused at once, by the API too.
    ["ATK-061", Should, "RFC 7009 §2.1; practice"]
    async fn atk_061_a_revoked_token_is_refused_at_once(run) {
        for client in [&run.profile().web, &run.profile().public] {
            for by_refresh_token in [false, true] {
                let tokens = run.refreshable(client).await?;
                run.expect_access_live(client, &tokens.access).await?;
                let revoked = if by_refresh_token { &tokens.refresh } else { &tokens.access };
                run.revoke(client, revoked).await?.expect_status(200)?;
                run.expect_access_dead(client, &tokens.access).await?;
            }
        }
    }

    /// Nobody can tell why a code or a refresh token is refused: unknown, foreign, spent, revoked, or of another kind.
    ["ATK-076", Must, "RFC 6749 §5.2; practice"]
    async fn atk_076_no_error_tells_why(run) {
        for (client, other) in
            [(&run.profile().public, &run.profile().native), (&run.profile().web, &run.profile().other)]
        {
            let (spent, fresh, foreign) = (run.code(client).await?, run.code(client).await?, run.code(other).await?);
            run.token(&run.exchange(client, &spent)).await?.expect_ok()?;
            let (live, foreign_token) = (run.refreshable(client).await?, run.refreshable(other).await?);
            let (guess, long) = (damaged(&fresh, fresh.len() / 2), "x".repeat(5_000));
            let codes = [&spent, &foreign, &guess, &long, &live.access, &live.refresh, &foreign_token.refresh];
            expect_indistinguishable(run, client, "code", &codes.map(String::as_str)).await?;

            let dead = run.refreshable(client).await?;
            let second = run.refreshed(client, &dead).await?;
            run.refreshed(client, &second).await?;
            run.token(&run.refresh(client, &dead.refresh)).await?;
            let guess = damaged(&live.refresh, live.refresh.len() / 2);
            let tokens = [&dead.refresh, &second.refresh, &foreign_token.refresh, &guess, &long, &live.access, &fresh];
            expect_indistinguishable(run, client, "refresh_token", &tokens.map(String::as_str)).await?;
            if run.has(Feature::Revocation) {
                let revoked = run.refreshable(client).await?;
                run.revoke(client, &revoked.refresh).await?.expect_status(200)?;
                expect_indistinguishable(run, client, "refresh_token", &[&revoked.refresh]).await?;
            }
            run.expect_alive(client, &live).await?;
            run.token(&run.exchange(client, &fresh)).await?.expect_ok()?;
        }
    }
}
