//! Attacks through registration, and on it.

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::testkit::Form;
use crate::testkit::protocol::rows::registration::{expect_told_of_nobody, with};
use crate::testkit::protocol::{
    Failure, Feature, KnownClient, Registered, Reply, Run, authorization, damaged, identified,
};

const URI: &str = "https://new.test/cb";

/// Posts anything as metadata.
async fn post(run: &Run<'_>, body: impl AsRef<[u8]>) -> Result<Reply, Failure> {
    run.register_text(Some("application/json"), body).await
}

/// What the server demands of every client is not the client's to decline: it is dropped, or refused.
async fn expect_no_opt_out(run: &Run<'_>) -> Result<(), Failure> {
    let server = run.metadata().await?;
    let demands = [
        "require_pushed_authorization_requests",
        "require_signed_request_object",
        "dpop_bound_access_tokens",
        "tls_client_certificate_bound_access_tokens",
        "require_pkce",
    ];
    let metadata = json!({ "redirect_uris": [URI], "token_endpoint_auth_method": "none" });
    let metadata = demands.into_iter().fold(metadata, |metadata, member| with(metadata, member, json!(false)));
    let reply = run.register(&metadata).await?;
    if reply.status() != 201 {
        return reply.expect_error(400, "invalid_client_metadata").map(drop);
    }
    let Registered { metadata: told, client } = reply.expect_registered()?;
    for member in demands {
        let demanded = server.get(member) == Some(&json!(true));
        let declined = told.get(member) == Some(&json!(false));
        ensure!(!(demanded && declined), "a client is told that it need not do what {member} means");
    }
    let request = run.request(&client).without("code_challenge").without("code_challenge_method");
    run.approve(&request).await?.expect_redirect_error(&request, "invalid_request")?;
    Ok(())
}

rows! {
    $ __protocol_rows_registration_attacks;

    /// A client cannot be called like a user, and so be taken for one: it does not choose its identifier.
    ["ATK-058", Must, "RFC 9700 §4.15.1; OAuth 2.1 §7.4"]
    async fn atk_058_a_client_cannot_be_called_like_a_user(run) {
        run.requires(Feature::Registration)?;
        let mut names = vec!["alice".to_owned(), "bob".to_owned(), "admin".to_owned(), run.profile().web.id.clone()];
        if run.has(Feature::Introspection) {
            let web = &run.profile().web;
            let told = run.introspect(web, &run.tokens(web).await?.access).await?.expect_ok()?;
            names.extend(told.get("sub").and_then(Value::as_str).map(ToOwned::to_owned));
        }
        for name in names {
            let metadata = json!({ "redirect_uris": [URI], "client_id": name, "client_secret": "chosen" });
            let reply = run.register(&metadata).await?;
            if reply.status() == 201 {
                let client = reply.expect_registered()?.client;
                let chosen = KnownClient { secret: Some("chosen".to_owned()), ..client.clone() };
                ensure!(client.id != name, "a client chose the identifier {name:?}");
                ensure!(client.secret != chosen.secret, "a client chose its secret");
                run.token(&run.refresh(&chosen, "x")).await?.expect_error(401, "invalid_client")?;
            } else {
                reply.expect_error(400, "invalid_client_metadata")?;
            }
        }
    }

    /// Metadata that means two things, is nested without end, or is no JSON is refused, and breaks nothing.
    ["ATK-071", Must, "RFC 8259 §4, §9; practice"]
    async fn atk_071_malformed_metadata_is_refused(run) {
        let (evil, nested) = ("https://evil.test/cb", "[".repeat(10_000));
        let (closed, objects) = (format!("{nested}{}", "]".repeat(10_000)), "{\"a\":".repeat(10_000));
        for body in [
            format!(r#"{{"redirect_uris":{nested}"#),
            format!(r#"{{"redirect_uris":{closed}}}"#),
            format!(r#"{{"redirect_uris":["{URI}"],"contacts":{closed}}}"#),
            format!(r#"{{"redirect_uris":["{URI}"],"x":{objects}"#),
            format!(r#"{{"redirect_uris":["{URI}"],"client_name":"\ud800"}}"#),
            format!("{{\"redirect_uris\":[\"{URI}\"],\"client_name\":\"\0\"}}"),
            format!(r#"{{"redirect_uris":["{URI}"],"x":1e}}"#),
            format!(r#"{{"redirect_uris":["{URI}"]}} {{}}"#),
            format!(r#"{{"redirect_uris":["{URI}"],}}"#),
            format!("\0{{\"redirect_uris\":[\"{URI}\"]}}"),
            String::new(),
        ] {
            let reply = post(run, body.clone()).await?;
            let refused = matches!(reply.status().as_u16(), 400 | 413);
            ensure!(refused, "{}… is answered with {}", body.chars().take(60).collect::<String>(), reply.status());
        }
        post(run, [b"{\"redirect_uris\":[\"", URI.as_bytes(), b"\"],\"client_name\":\"\xFF\xFE\"}"].concat())
            .await?
            .expect_status(400)?;
        // A number that is too large is no number, or one that nobody asks for.
        let reply = post(run, format!(r#"{{"redirect_uris":["{URI}"],"x":1e400}}"#)).await?;
        ensure!(matches!(reply.status().as_u16(), 201 | 400), "1e400 is answered with {}", reply.status());
        // Of two values none counts; or the last one, for what is checked and for what is kept.
        let reply = post(run, format!(r#"{{"redirect_uris":["{URI}"],"redirect_uris":["{evil}"]}}"#)).await?;
        if reply.status() == 201 {
            let told = reply.expect_json()?;
            ensure!(
                told.get("redirect_uris") == Some(&json!([evil])),
                "of two values {:?} is kept",
                told.get("redirect_uris")
            );
        } else {
            reply.expect_status(400)?;
        }
        post(run, format!(r#"{{"redirect_uris":["{URI}"]}}"#)).await?.expect_status(201)?;
    }

    /// Metadata has a limit.
    // How many clients may register in a minute is a matter of their source, and everything here has one.
    ["ATK-072", Must, "RFC 7591 §5; OAuth 2.1 §7.9"]
    async fn atk_072_metadata_has_a_limit(run) {
        let uris: Vec<_> = (0..10_000).map(|n| format!("{URI}/{n}")).collect();
        let long = "x".repeat(1 << 20);
        let contacts = vec!["somebody@new.test"; 20_000];
        for metadata in [
            json!({ "redirect_uris": uris }),
            json!({ "redirect_uris": [URI], "client_name": long }),
            json!({ "redirect_uris": [format!("{URI}/{long}")] }),
            json!({ "redirect_uris": [URI], "contacts": contacts, "x": long }),
        ] {
            let reply = run.register(&metadata).await?;
            ensure!(matches!(reply.status().as_u16(), 400 | 413 | 429), "the answer is {}", reply.status());
        }
        let reply = run.register(&json!({ "redirect_uris": [URI] })).await?;
        ensure!(matches!(reply.status().as_u16(), 201 | 429), "afterwards the answer is {}", reply.status());
    }

    /// Nobody takes over a registration: not with a guess, not with a token of another client, not by naming another
    /// client.
    ["ATK-073", Must, "RFC 7592 §2, §5"]
    async fn atk_073_a_registration_is_not_taken_over(run) {
        let named = |name: &str| with(run.client_metadata(), "client_name", json!(name));
        let (victim, attacker) = (run.registered(&named("Victim")).await?, run.registered(&named("Attacker")).await?);
        let (own, foreign) = (victim.token()?, attacker.token()?);
        ensure!(own != foreign, "there are no two registration access tokens");
        let before = run.manage(Method::GET, &victim, &Value::Null).await?;
        before.expect_status(200)?;
        let evil = with(run.client_metadata(), "redirect_uris", json!(["https://evil.test/cb"]));
        let evil = with(evil, "client_id", json!(victim.client.id));
        let guess = damaged(own, own.len() / 2);
        for token in ["", "x", &guess, foreign] {
            for (method, body) in [(Method::GET, &Value::Null), (Method::PUT, &evil), (Method::DELETE, &Value::Null)] {
                let headers = match token {
                    "" => HeaderMap::new(),
                    token => authorization(&format!("Bearer {token}"))?,
                };
                let reply = run.manage_with(method.clone(), &victim, headers, body).await?;
                let refused = matches!(reply.status().as_u16(), 401 | 403);
                ensure!(refused, "{method} with {token:?} is answered with {}", reply.status());
            }
        }
        // At its own place, in another's name.
        let reply = run.manage(Method::PUT, &attacker, &evil).await?;
        ensure!(matches!(reply.status().as_u16(), 400 | 401 | 403), "the answer is {}", reply.status());
        let after = run.manage(Method::GET, &victim, &Value::Null).await?;
        after.expect_status(200)?;
        let [before, after] = [before.expect_json()?, after.expect_json()?];
        for name in ["client_id", "client_name", "redirect_uris"] {
            ensure!(before.get(name) == after.get(name), "{name} became {:?}", after.get(name));
        }
        let attackers = run.manage(Method::GET, &attacker, &Value::Null).await?.expect_status(200)?.expect_json()?;
        ensure!(attackers.get("client_id") == Some(&json!(attacker.client.id)), "it changed its identifier");
    }

    /// A client that registers itself gets no privilege that it is not told of: what is asked for in vain is left out
    /// of the answer, or the registration is refused.
    ["ATK-074", Must, "RFC 7591 §3.2.1, §5"]
    async fn atk_074_nobody_registers_for_privileges_in_silence(run) {
        let scopes = &run.profile().scopes;
        for grant_type in [
            "password",
            "implicit",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ] {
            let metadata = json!({ "redirect_uris": [URI], "grant_types": [grant_type, "authorization_code"] });
            let reply = run.register(&metadata).await?;
            if reply.status() != 201 {
                reply.expect_error(400, "invalid_client_metadata")?;
                continue;
            }
            let Registered { metadata: told, client } = reply.expect_registered()?;
            let granted =
                told.get("grant_types").and_then(Value::as_array).is_some_and(|all| all.contains(&json!(grant_type)));
            let removed = matches!(grant_type, "password" | "implicit");
            ensure!(!(granted && removed), "a client is told that it has the grant type {grant_type}");
            if !granted {
                let form =
                    Form::of([("grant_type", grant_type), ("scope", &scopes.default), ("assertion", "e30.e30.x")]);
                let answer = run.token(&identified(&client, form)).await?;
                answer.expect_one_of(&[(400, "unsupported_grant_type"), (400, "unauthorized_client")])?;
            }
        }
        let metadata = json!({ "redirect_uris": [URI], "scope": format!("{} {}", scopes.default, scopes.restricted) });
        let reply = run.register(&metadata).await?;
        if reply.status() != 201 {
            return reply.expect_error(400, "invalid_client_metadata").map(drop);
        }
        let client = reply.expect_registered()?.client;
        let told = client.scope.as_deref().unwrap_or_default();
        if !told.split(' ').any(|token| token == scopes.restricted) {
            let request = run.request(&client).with("scope", &scopes.restricted);
            run.authorize(&request).await?.expect_redirect_error(&request, "invalid_scope")?;
        }
        expect_no_opt_out(run).await?;
        if run.has(Feature::Introspection) {
            expect_told_of_nobody(run).await?;
        }
    }
}
