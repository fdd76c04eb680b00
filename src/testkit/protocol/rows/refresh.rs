//! A refresh token for tokens (RFC 6749 §6, OAuth 2.1 §4.3): who may use it, and for what.
//!
//! | row | why it is not here |
//! |---|---|
//! | RT-019 | a security event is told by the host, by no request of OAuth |
//! | RT-025 | a store that fails is not seen from outside |
//! | RT-031 | users and clients are disabled by the operator |

use serde_json::json;

use crate::testkit::Form;
use crate::testkit::protocol::{
    Decision, Feature, Tokens, basic, damaged, expect_unguessable, identified, miscased, random,
};

rows! {
    $ __protocol_rows_refresh;

    /// Only a client that is registered for the grant type `refresh_token` gets a refresh token, or may use one.
    ["RT-001", Should, "RFC 9700 §4.14.2; OAuth 2.1 §3.2.3"]
    async fn rt_001_only_a_client_with_the_grant_type_gets_a_refresh_token(run) {
        let stolen = run.refreshable(&run.profile().web).await?;
        let mut metadata = run.client_metadata();
        metadata["grant_types"] = json!(["authorization_code"]);
        let client = &run.registered(&metadata).await?.client;
        for scope in [run.profile().scopes.default.clone(), format!("{} offline_access", run.profile().scopes.default)]
        {
            let request = run.request(client).with("scope", &scope);
            let reply = run.approve(&request).await?;
            // Whether the server knows `offline_access` is another question (SCOPE-010).
            if scope.contains(' ') && reply.expect_redirect_error(&request, "invalid_scope").is_ok() {
                continue;
            }
            let code = reply.expect_code(&request)?;
            let members = run.token(&run.exchange(client, &code)).await?.expect_ok()?;
            ensure!(!members.contains_key("refresh_token"), "a client without the grant type got a refresh token");
        }
        let answer = run.token(&run.refresh(client, &stolen.refresh)).await?;
        answer.expect_one_of(&[(400, "unauthorized_client"), (400, "invalid_grant")])?;
    }

    /// A refresh takes the client's own authentication: Basic or body with a secret, `client_id` without one.
    ["RT-002", Must, "RFC 6749 §6; OAuth 2.1 §4.3.1"]
    async fn rt_002_a_refresh_takes_the_clients_authentication(run) {
        for client in [&run.profile().web, &run.profile().encoded, &run.profile().public] {
            let tokens = run.refreshable(client).await?;
            let tokens = run.expect_alive(client, &tokens).await?;
            if client.secret.is_some() {
                let nameless = Form::of([("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh)]);
                let members = run.token_with(&nameless, basic(client)).await?.expect_ok()?;
                run.expect_access_live(client, &Tokens::of(&members).access).await?;
            }
        }
    }

    /// Another client's refresh token is an `invalid_grant`, and it stays as good as it was for its owner.
    ["RT-003", Must, "RFC 6749 §6, §10.4"]
    async fn rt_003_a_refresh_token_is_bound_to_its_client(run) {
        let (web, other, public) = (&run.profile().web, &run.profile().other, &run.profile().public);
        for (owner, thief) in [(web, other), (web, public), (public, web)] {
            let tokens = run.refreshable(owner).await?;
            for _ in 0..3 {
                run.token(&run.refresh(thief, &tokens.refresh)).await?.expect_error(400, "invalid_grant")?;
            }
            let next = run.expect_alive(owner, &tokens).await?;
            run.expect_alive(owner, &next).await?;
        }
    }

    /// A public client must name itself, and be the one that the token was issued to.
    ["RT-004", Must, "RFC 6749 §6; OAuth 2.1 §4.3.1"]
    async fn rt_004_a_public_client_must_name_itself(run) {
        let client = &run.profile().public;
        let tokens = run.refreshable(client).await?;
        let right = run.refresh(client, &tokens.refresh);
        for nameless in [right.clone().without("client_id"), right.clone().with("client_id", "")] {
            run.token(&nameless).await?.expect_one_of(&[(400, "invalid_request"), (401, "invalid_client")])?;
        }
        for other in [&run.profile().multi, &run.profile().native] {
            run.token(&run.refresh(other, &tokens.refresh)).await?.expect_error(400, "invalid_grant")?;
        }
        run.token(&right.clone().with("client_id", &random())).await?.expect_error(401, "invalid_client")?;
        run.token(&right).await?.expect_ok()?;
    }

    /// A confidential client must authenticate itself; without that the token stays as it was.
    ["RT-005", Must, "RFC 6749 §6; OAuth 2.1 §4.3.1"]
    async fn rt_005_a_confidential_client_must_authenticate_itself(run) {
        let client = &run.profile().web;
        let tokens = run.refreshable(client).await?;
        let right = run.refresh(client, &tokens.refresh);
        for wrong in [
            right.clone().without("client_secret"),
            right.clone().with("client_secret", ""),
            right.clone().with("client_secret", "wrong"),
        ] {
            run.token(&wrong).await?.expect_error(401, "invalid_client")?;
        }
        let nameless = right.without("client_secret").without("client_id");
        run.token(&nameless).await?.expect_one_of(&[(401, "invalid_client"), (400, "invalid_request")])?;
        run.expect_alive(client, &tokens).await?;
    }

    /// More scope than was granted is an `invalid_scope`, and the token is still good.
    ["RT-006", Must, "RFC 6749 §6; OAuth 2.1 §4.3.1"]
    async fn rt_006_more_scope_than_was_granted_is_refused(run) {
        let scopes = &run.profile().scopes;
        for client in [&run.profile().web, &run.profile().public] {
            let tokens = run.refreshable(client).await?;
            for more in [
                format!("{} {}", scopes.default, scopes.write),
                format!("{} {}", scopes.default, scopes.restricted),
                scopes.write.clone(),
                scopes.restricted.clone(),
                miscased(&scopes.default),
                random(),
            ] {
                let wrong = run.refresh(client, &tokens.refresh).and("scope", &more);
                run.token(&wrong).await?.expect_error(400, "invalid_scope")?;
            }
            let next = run.expect_alive(client, &tokens).await?;
            ensure!(next.scope == scopes.default, "the scope became {:?}", next.scope);
        }
    }

    /// A refresh without `scope` means what was granted in the beginning, not what the last refresh was narrowed to.
    ["RT-007", Must, "RFC 6749 §6; OAuth 2.1 §4.3.1"]
    async fn rt_007_without_a_scope_it_is_the_whole_grant_again(run) {
        let (scopes, client) = (&run.profile().scopes, &run.profile().web);
        let both = format!("{} {}", scopes.default, scopes.write);
        let mut tokens = run.tokens_with_scope(client, &both).await?;
        ensure!(tokens.scope == both, "{both:?} was approved, and {:?} granted", tokens.scope);
        for narrow in [&scopes.default, &scopes.write] {
            let narrowed = run.tokens_for(&run.refresh(client, &tokens.refresh).and("scope", narrow)).await?;
            ensure!(narrowed.scope == *narrow, "{narrow:?} was asked for, and {:?} granted", narrowed.scope);
            tokens = run.refreshed(client, &narrowed.kept(tokens)).await?;
            ensure!(tokens.scope == both, "after a narrower one, a refresh grants {:?}", tokens.scope);
        }
        let empty = run.tokens_for(&run.refresh(client, &tokens.refresh).and("scope", "")).await?;
        ensure!(empty.scope == both, "with an empty scope, a refresh grants {:?}", empty.scope);
    }

    /// Narrowing holds for the access token; the refresh token that comes with it keeps the whole scope.
    ["RT-008", Must, "RFC 6749 §6; OAuth 2.1 §4.3.3"]
    async fn rt_008_narrowing_is_for_the_access_token(run) {
        let (scopes, client) = (&run.profile().scopes, &run.profile().web);
        let both = format!("{} {}", scopes.default, scopes.write);
        let mut tokens = run.tokens_with_scope(client, &both).await?;
        for narrow in [&scopes.write, &scopes.default, &both, &scopes.write] {
            let form = run.refresh(client, &tokens.refresh).and("scope", narrow);
            let next = run.tokens_for(&form).await?;
            ensure!(next.scope == *narrow, "{narrow:?} was asked for, and {:?} granted", next.scope);
            if run.has(Feature::Introspection) {
                let told = run.introspect(client, &next.access).await?.expect_ok()?;
                ensure!(
                    told.get("scope") == Some(&json!(narrow)),
                    "the access token has the scope {:?}",
                    told.get("scope")
                );
            }
            if run.has(Feature::Api) {
                let reads = narrow.split(' ').any(|token| token == scopes.default);
                run.call(&next.access).await?.expect_status(if reads { 200 } else { 403 })?;
            }
            tokens = next.kept(tokens);
        }
    }

    /// `offline_access` in a refresh request breaks nothing; some clients always add it.
    ["RT-009", Should, "practice"]
    async fn rt_009_offline_access_breaks_no_refresh(run) {
        let (scopes, client) = (&run.profile().scopes, &run.profile().web);
        let both = format!("{} {}", scopes.default, scopes.write);
        for (asked, expected) in
            [(format!("{} offline_access", scopes.default), &scopes.default), (format!("{both} offline_access"), &both)]
        {
            let tokens = run.tokens_with_scope(client, &both).await?;
            let refreshed = run.tokens_for(&run.refresh(client, &tokens.refresh).and("scope", &asked)).await?;
            let granted =
                refreshed.scope.split(' ').filter(|token| *token != "offline_access").collect::<Vec<_>>().join(" ");
            ensure!(granted == *expected, "{asked:?} was asked for, and {:?} granted", refreshed.scope);
        }
    }

    /// What the user did not approve stays out, however often the client asks for it: an `invalid_scope`, or left out.
    ["RT-010", May, "practice"]
    async fn rt_010_what_was_not_approved_stays_out(run) {
        run.requires(Feature::PartialConsent)?;
        let (scopes, client) = (&run.profile().scopes, &run.profile().web);
        let both = format!("{} {}", scopes.default, scopes.write);
        let request = run.request(client).with("scope", &both).with("prompt", "consent");
        let reply = run.decide(&request, &Decision::ApproveOnly(vec![scopes.default.clone()])).await?;
        let tokens = run.tokens_for(&run.exchange(client, &reply.expect_code(&request)?)).await?;
        ensure!(tokens.scope == scopes.default, "{:?} was approved, and {:?} granted", scopes.default, tokens.scope);
        let answer = run.token(&run.refresh(client, &tokens.refresh).and("scope", &both)).await?;
        let tokens = if answer.status() == 200 {
            let cut = Tokens::of(&answer.expect_ok()?);
            ensure!(cut.scope == scopes.default, "a refresh made it {:?}", cut.scope);
            cut.kept(tokens)
        } else {
            answer.expect_error(400, "invalid_scope")?;
            tokens
        };
        let next = run.refreshed(client, &tokens).await?;
        ensure!(next.scope == scopes.default, "the next refresh made it {:?}", next.scope);
    }

    /// Unguessable: refresh tokens have nothing in common, and with any character changed they are another's or
    /// nobody's.
    // 128 bits take 22 characters of base64url.
    ["RT-027", Must, "RFC 6749 §10.4; OAuth 2.1 §7.7"]
    async fn rt_027_refresh_tokens_cannot_be_guessed(run) {
        let client = &run.profile().public;
        let mut tokens = run.refreshable(client).await?;
        let mut seen = Vec::new();
        for _ in 0..20 {
            seen.push(tokens.refresh.clone());
            tokens = run.refreshed(client, &tokens).await?;
        }
        expect_unguessable(&seen)?;
        let length = tokens.refresh.chars().count();
        for at in 0..length {
            let wrong = damaged(&tokens.refresh, at);
            run.token(&run.refresh(client, &wrong)).await?.expect_error(400, "invalid_grant")?;
        }
        run.expect_alive(client, &tokens).await?;
    }

    /// Unknown, spent, foreign and revoked refresh tokens are an `invalid_grant`; clients start a new sign-in upon that
    /// alone.
    ["RT-028", Must, "RFC 6749 §5.2; OAuth 2.1 §3.2.4"]
    async fn rt_028_a_dead_refresh_token_is_an_invalid_grant(run) {
        for client in [&run.profile().web, &run.profile().public] {
            let tokens = run.refreshable(client).await?;
            let (long, shortened) = ("x".repeat(8_000), tokens.refresh.chars().skip(1).collect::<String>());
            let (longer, upper) = (format!("{}A", tokens.refresh), miscased(&tokens.refresh));
            for wrong in ["x", "é", &random(), &long, &shortened, &longer, &upper] {
                run.token(&run.refresh(client, wrong)).await?.expect_error(400, "invalid_grant")?;
            }
            run.expect_alive(client, &tokens).await?;
            if run.has(Feature::Revocation) {
                let revoked = run.refreshable(client).await?;
                run.revoke(client, &revoked.refresh).await?.expect_status(200)?;
                run.token(&run.refresh(client, &revoked.refresh)).await?.expect_error(400, "invalid_grant")?;
            }
        }
    }

    /// An access token is no refresh token, and a refresh token no access token.
    ["RT-029", Must, "RFC 6749 §1.5; practice"]
    async fn rt_029_access_and_refresh_tokens_are_not_exchanged(run) {
        for client in [&run.profile().web, &run.profile().public] {
            let tokens = run.refreshable(client).await?;
            ensure!(tokens.access != tokens.refresh, "both tokens are the same");
            run.token(&run.refresh(client, &tokens.access)).await?.expect_error(400, "invalid_grant")?;
            if run.has(Feature::Api) {
                run.call(&tokens.refresh).await?.expect_status(401)?;
            }
            run.expect_alive(client, &tokens).await?;
        }
    }

    /// A refresh token is bound to the resources that were granted.
    ["RT-030", Must, "RFC 9700 §4.14.2; RFC 8707 §2.2"]
    async fn rt_030_a_refresh_token_is_bound_to_its_resources(run) {
        run.requires(Feature::ResourceIndicators)?;
        let (client, api) = (&run.profile().web, &run.profile().api);
        let code = run.code_for(&run.request(client).and("resource", &api.resource)).await?;
        let tokens = run.tokens_for(&run.exchange(client, &code).and("resource", &api.resource)).await?;
        let right = run.refresh(client, &tokens.refresh);
        let unknown = "https://unknown.test/".to_owned();
        for other in api.other_resource.iter().chain([&unknown]) {
            run.token(&right.clone().and("resource", other)).await?.expect_error(400, "invalid_target")?;
            let both = right.clone().and("resource", &api.resource).and("resource", other);
            run.token(&both).await?.expect_error(400, "invalid_target")?;
        }
        run.token(&right.and("resource", &api.resource)).await?.expect_ok()?;
    }

    /// A refresh does not end the access token that there was before.
    ["RT-032", Should, "practice"]
    async fn rt_032_a_refresh_leaves_the_old_access_token_alone(run) {
        for client in [&run.profile().web, &run.profile().public] {
            let first = run.refreshable(client).await?;
            let second = run.refreshed(client, &first).await?;
            let third = run.refreshed(client, &second).await?;
            for tokens in [&first, &second, &third] {
                run.expect_access_live(client, &tokens.access).await?;
            }
        }
    }

    /// The client credentials grant brings no refresh token, and its access token refreshes nothing.
    ["RT-033", Should, "RFC 6749 §4.4.3"]
    async fn rt_033_client_credentials_bring_no_refresh_token(run) {
        let client = &run.profile().service;
        let members = run.own_token(client, &Form::new()).await?.expect_ok()?;
        ensure!(!members.contains_key("refresh_token"), "there is a refresh token");
        let form = identified(
            client,
            Form::of([("grant_type", "refresh_token"), ("refresh_token", &Tokens::of(&members).access)]),
        );
        run.token(&form).await?.expect_one_of(&[(400, "unauthorized_client"), (400, "invalid_grant")])?;
    }
}
