//! A client that acts for itself (RFC 6749 §4.4, OAuth 2.1 §4.2).

use serde_json::json;

use super::resource_indicators::audience;
use crate::testkit::Form;
use crate::testkit::protocol::{Decision, Failure, Feature, Run, Tokens, User, basic, identified, miscased, random};

/// The audience of the service's own token for these resources, as introspection tells it.
async fn own_audience(run: &Run<'_>, resources: &[&str]) -> Result<Vec<String>, Failure> {
    let client = &run.profile().service;
    let form = Form::of(resources.iter().map(|resource| ("resource", *resource)));
    let tokens = Tokens::of(&run.own_token(client, &form).await?.expect_ok()?);
    audience(run, client, &tokens).await
}

rows! {
    $ __protocol_rows_client_credentials;

    /// The grant is for confidential clients only.
    ["CC-001", Must, "RFC 6749 §4.4; OAuth 2.1 §4.2"]
    async fn cc_001_the_grant_is_for_confidential_clients(run) {
        let service = &run.profile().service;
        let tokens = Tokens::of(&run.own_token(service, &Form::new()).await?.expect_ok()?);
        run.expect_access_live(service, &tokens.access).await?;
        for client in [&run.profile().public, &run.profile().native] {
            for form in [Form::new(), Form::of([("client_secret", "")]), Form::of([("client_secret", "x")])] {
                let answer = run.own_token(client, &form).await?;
                answer.expect_one_of(&[(400, "unauthorized_client"), (401, "invalid_client")])?;
            }
            let form = Form::of([("grant_type", "client_credentials")]);
            let answer = run.token_with(&form, basic(client)).await?;
            answer.expect_one_of(&[(400, "unauthorized_client"), (401, "invalid_client")])?;
        }
    }

    /// The client must authenticate itself.
    ["CC-002", Must, "RFC 6749 §4.4.2; OAuth 2.1 §4.2.1"]
    async fn cc_002_the_client_must_authenticate_itself(run) {
        run.requires(Feature::ClientCredentials)?;
        let client = &run.profile().service;
        let nameless = Form::of([("grant_type", "client_credentials")]);
        let right = identified(client, nameless.clone());
        for wrong in [
            right.clone().without("client_secret"),
            right.clone().with("client_secret", ""),
            right.clone().with("client_secret", "wrong"),
            right.clone().with("client_id", &random()),
        ] {
            run.token(&wrong).await?.expect_error(401, "invalid_client")?;
        }
        let answer = run.token(&nameless).await?;
        answer.expect_one_of(&[(401, "invalid_client"), (400, "invalid_request")])?;
        run.token(&right).await?.expect_ok()?;
        run.token_with(&nameless, basic(client)).await?.expect_ok()?;
    }

    /// The scope is within what the client may have; the default, if none is named, and the answer tells which.
    ["CC-003", Must, "RFC 6749 §3.3; OAuth 2.1 §4.2"]
    async fn cc_003_the_scope_is_within_what_the_client_may_have(run) {
        let (scopes, client) = (&run.profile().scopes, &run.profile().service);
        let both = format!("{} {}", scopes.default, scopes.write);
        for (asked, expected) in [
            (None, &scopes.default),
            (Some(""), &scopes.default),
            (Some(scopes.default.as_str()), &scopes.default),
            (Some(&scopes.write), &scopes.write),
            (Some(&both), &both),
        ] {
            let form = Form::of(asked.map(|scope| ("scope", scope)));
            let members = run.own_token(client, &form).await?.expect_ok()?;
            ensure!(members.get("scope") == Some(&json!(expected)), "{asked:?} brought {:?}", members.get("scope"));
        }
        for more in [
            scopes.restricted.clone(),
            format!("{} {}", scopes.default, scopes.restricted),
            format!("{}\t{}", scopes.default, scopes.write),
            format!("{}\"", scopes.default),
            miscased(&scopes.default),
            random(),
        ] {
            run.own_token(client, &Form::of([("scope", more.as_str())])).await?.expect_error(400, "invalid_scope")?;
        }
    }

    /// There is no refresh token, whatever is asked for.
    ["CC-004", Should, "RFC 6749 §4.4.3"]
    async fn cc_004_there_is_no_refresh_token(run) {
        let (client, default) = (&run.profile().service, &run.profile().scopes.default);
        let with_offline_access = format!("{default} offline_access");
        for scope in [default.as_str(), &with_offline_access, "offline_access"] {
            let answer = run.own_token(client, &Form::of([("scope", scope)])).await?;
            if answer.status() == 200 {
                ensure!(!answer.expect_ok()?.contains_key("refresh_token"), "{scope:?} brought a refresh token");
            } else {
                ensure!(scope != default, "the default scope is refused");
                answer.expect_error(400, "invalid_scope")?;
            }
        }
    }

    /// The token cannot be taken for that of a user: it has no `sub`, or the client's identifier as such.
    ["CC-005", Must, "RFC 9700 §4.15.1; OAuth 2.1 §7.4"]
    async fn cc_005_the_token_cannot_be_taken_for_a_users(run) {
        let (client, web) = (&run.profile().service, &run.profile().web);
        let own = Tokens::of(&run.own_token(client, &Form::new()).await?.expect_ok()?);
        let told = run.introspect(client, &own.access).await?.expect_ok()?;
        ensure!(told.get("active") == Some(&json!(true)), "its own token is told to be inactive: {told:?}");
        let subject = told.get("sub");
        ensure!(subject.is_none_or(|subject| *subject == client.id), "the token is for {subject:?}");
        let mut bobs = run.newly_signed_in(User::Bob).await?;
        let request = run.request(web);
        let code = run.decide_in(&mut bobs, &request, &Decision::Approve).await?;
        for users in [run.tokens(web).await?, run.tokens_for(&run.exchange(web, &code.expect_code(&request)?)).await?] {
            let told = run.introspect(web, &users.access).await?.expect_ok()?;
            let user = told.get("sub");
            ensure!(user.is_some_and(|user| *user != client.id && *user != web.id), "a user's token is for {user:?}");
        }
    }

    /// Scope tokens that are about a user bring nothing about one: an `invalid_scope`, or left out.
    ["CC-006", Should, "practice"]
    async fn cc_006_there_is_nothing_of_a_user(run) {
        let (client, default) = (&run.profile().service, &run.profile().scopes.default);
        for more in ["openid", "profile", "email", "openid profile"] {
            for scope in [more.to_owned(), format!("{default} {more}")] {
                let answer = run.own_token(client, &Form::of([("scope", scope.as_str())])).await?;
                if answer.status() == 200 {
                    let members = answer.expect_ok()?;
                    ensure!(!members.contains_key("id_token"), "{scope:?} brought an ID token");
                    let granted = Tokens::of(&members).scope;
                    let found = more.split(' ').any(|token| granted.split(' ').any(|its| its == token));
                    ensure!(!found, "{scope:?} brought {granted:?}");
                } else {
                    answer.expect_error(400, "invalid_scope")?;
                }
            }
        }
    }

    /// `resource` is honoured: the token is for what is named, and for nothing that the server does not know.
    ["CC-007", Must, "RFC 8707 §2.2"]
    async fn cc_007_the_token_is_for_the_resource_that_is_named(run) {
        run.requires(Feature::ResourceIndicators)?;
        let api = &run.profile().api;
        for wrong in ["https://unknown.test/", "x", &format!("{}#fragment", api.resource)] {
            let answer = run.own_token(&run.profile().service, &Form::of([("resource", wrong)])).await?;
            answer.expect_error(400, "invalid_target")?;
        }
        for resource in [Some(&api.resource), api.other_resource.as_ref()].into_iter().flatten() {
            let audience = own_audience(run, &[resource]).await?;
            ensure!(audience == [resource.as_str()], "{resource:?} was named, and the audience is {audience:?}");
        }
    }
}
