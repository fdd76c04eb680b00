//! Registration management (RFC 7592).

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::{authenticates, expect_refused, with, without};
use crate::testkit::protocol::run::FORM;
use crate::testkit::protocol::{Failure, Feature, Registered, Run, authorization, miscased, random};

/// The members that only the server may set.
const SERVER_MEMBERS: [&str; 4] =
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

/// A client that registers with `method`, and its metadata as it would be sent again.
async fn registered(run: &Run<'_>, method: &str) -> Result<(Registered, Value), Failure> {
    let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!(method));
    let client = run.registered(&metadata).await?;
    let metadata = with(metadata, "client_id", json!(client.client.id));
    Ok((client, metadata))
}

/// The registration as it is told to the client now.
async fn read(run: &Run<'_>, client: &Registered) -> Result<Map<String, Value>, Failure> {
    run.manage(Method::GET, client, &Value::Null).await?.expect_ok()
}

/// Nobody has changed the registration.
async fn expect_untouched(run: &Run<'_>, client: &Registered) -> Result<(), Failure> {
    let now = read(run, client).await?;
    for (member, value) in &client.metadata {
        // A secret need not be known any more, and what is told about it goes with it.
        if !member.starts_with("client_secret") {
            ensure!(now.get(member) == Some(value), "{member} is {:?} now, not {value}", now.get(member));
        }
    }
    Ok(())
}

/// The headers of a call with this bearer token.
fn bearer(token: &str) -> Result<HeaderMap, Failure> {
    authorization(&format!("Bearer {token}"))
}

rows! {
    $ __protocol_rows_registration_management;

    /// With its registration access token a client reads its registration, as it was told at first.
    ["DCM-001", Must, "RFC 7592 §2.1"]
    async fn dcm_001_a_client_reads_its_registration(run) {
        for method in ["none", "client_secret_basic"] {
            let (client, _) = registered(run, method).await?;
            expect_untouched(run, &client).await?;
            let now = read(run, &client).await?;
            for member in ["client_id", "registration_client_uri", "registration_access_token"] {
                ensure!(now.contains_key(member), "there is no {member}");
            }
            for member in now.keys() {
                ensure!(client.metadata.contains_key(member), "{member} was not told at first");
            }
        }
    }

    /// Without that token, with another or with a wrong one, there is a 401 with a `Bearer` challenge, and nothing is
    /// told or changed.
    ["DCM-002", Must, "RFC 7592 §2"]
    async fn dcm_002_nobody_manages_a_registration_without_its_own_token(run) {
        let (client, metadata) = registered(run, "none").await?;
        let (other, _) = registered(run, "none").await?;
        let tokens = run.tokens(&run.profile().public).await?;
        let (longer, foreign) = (format!("{}x", client.token()?), other.token()?);
        let mut attempts = vec![HeaderMap::new(), authorization("Basic eDp5")?];
        for token in [foreign, &tokens.access, &tokens.refresh, "x", &longer, &random()] {
            attempts.push(bearer(token)?);
        }
        let changed = with(metadata, "client_name", json!("Changed"));
        for headers in attempts {
            for (method, body) in [(Method::GET, &Value::Null), (Method::PUT, &changed), (Method::DELETE, &Value::Null)]
            {
                let reply = run.manage_with(method.clone(), &client, headers.clone(), body).await?;
                let known = headers.get("authorization").is_some_and(|value| value == &format!("Bearer {foreign}"));
                // Another's token may be told that it is another's.
                if known && reply.status() == 403 {
                    continue;
                }
                reply.expect_status(401)?;
                let challenge = reply.challenges()?;
                ensure!(challenge.iter().any(|own| own.is("Bearer")), "a 401 without a Bearer challenge");
                ensure!(!reply.text().contains("A client of the suite"), "the 401 tells of the client");
            }
        }
        expect_untouched(run, &client).await?;
        expect_untouched(run, &other).await?;
    }

    /// PUT replaces all of a registration: what is left out is removed.
    ["DCM-003", Must, "RFC 7592 §2.2"]
    async fn dcm_003_replacing_a_registration_replaces_all_of_it(run) {
        let (client, metadata) = registered(run, "none").await?;
        let moved = with(
            without(without(metadata, "client_name"), "grant_types"),
            "redirect_uris",
            json!(["https://new.test/other"]),
        );
        let told = run.manage(Method::PUT, &client, &moved).await?.expect_ok()?;
        let token = told.get("registration_access_token").and_then(Value::as_str).unwrap_or(client.token()?);
        let again = run.manage_with(Method::GET, &client, bearer(token)?, &Value::Null).await?.expect_ok()?;
        for now in [told, again] {
            let name = now.get("client_name").and_then(Value::as_str);
            ensure!(name != Some("A client of the suite"), "a name that was left out is kept");
            let uris = now.get("redirect_uris");
            ensure!(uris == Some(&json!(["https://new.test/other"])), "the redirect URIs are {uris:?}");
            let grants = now.get("grant_types");
            ensure!(grants == Some(&json!(["authorization_code"])), "the grant types are {grants:?}");
            for same in ["client_id", "client_id_issued_at"] {
                ensure!(now.get(same) == client.metadata.get(same), "{same} has changed");
            }
        }
        run.authorize(&run.request(&client.client)).await?.expect_page(400)?;
        let request = run.request(&client.client).with("redirect_uri", "https://new.test/other");
        run.approve(&request).await?.expect_code(&request)?;
    }

    /// A replacement names the client, and nothing that only the server sets.
    ["DCM-004", Must, "RFC 7592 §2.2"]
    async fn dcm_004_a_replacement_names_the_client_and_nothing_of_the_server(run) {
        let (client, metadata) = registered(run, "none").await?;
        let mut wrong = vec![
            without(metadata.clone(), "client_id"),
            with(metadata.clone(), "client_id", json!(run.profile().public.id)),
            with(metadata.clone(), "client_id", json!(random())),
        ];
        for member in SERVER_MEMBERS {
            let value = client.metadata.get(member).cloned().unwrap_or_else(|| json!(0));
            wrong.push(with(metadata.clone(), member, value));
        }
        for replacement in wrong {
            let replacement = with(replacement, "client_name", json!("Changed"));
            let reply = run.manage(Method::PUT, &client, &replacement).await?;
            expect_refused(&replacement.to_string(), &reply, &["invalid_request", "invalid_client_metadata"])?;
            expect_untouched(run, &client).await?;
        }
        run.manage(Method::PUT, &client, &with(metadata, "client_name", json!("Changed"))).await?.expect_ok()?;
    }

    /// A replacement may repeat the secret, and must not choose one.
    ["DCM-005", Must, "RFC 7592 §2.2"]
    async fn dcm_005_a_client_may_repeat_its_secret_and_not_choose_one(run) {
        let (client, metadata) = registered(run, "client_secret_basic").await?;
        let secret = client.text("client_secret")?;
        let chosen = random();
        for wrong in [&*chosen, secret.get(1..).unwrap_or("x"), &miscased(secret)] {
            let reply =
                run.manage(Method::PUT, &client, &with(metadata.clone(), "client_secret", json!(wrong))).await?;
            expect_refused("a secret of its own", &reply, &["invalid_request", "invalid_client_metadata"])?;
            ensure!(authenticates(run, &client, secret).await?, "the secret does not work any more");
            ensure!(!authenticates(run, &client, wrong).await?, "the secret that was chosen works");
        }
        let told =
            run.manage(Method::PUT, &client, &with(metadata, "client_secret", json!(secret))).await?.expect_ok()?;
        let now = told.get("client_secret").and_then(Value::as_str).unwrap_or(secret);
        ensure!(authenticates(run, &client, now).await?, "the secret does not work after it was repeated");

        let (public, metadata) = registered(run, "none").await?;
        let reply = run.manage(Method::PUT, &public, &with(metadata, "client_secret", json!(chosen))).await?;
        expect_refused("a secret of a public client", &reply, &["invalid_request", "invalid_client_metadata"])?;
    }

    /// Every rule of registration holds for a replacement; one that is refused changes nothing.
    ["DCM-006", Must, "RFC 7592 §2.2"]
    async fn dcm_006_every_rule_of_registration_holds_for_a_replacement(run) {
        let (client, metadata) = registered(run, "none").await?;
        for (member, value, code) in [
            ("redirect_uris", json!(["http://new.test/cb"]), "invalid_redirect_uri"),
            ("redirect_uris", json!(["https://new.test/cb#x"]), "invalid_redirect_uri"),
            ("redirect_uris", json!([]), "invalid_redirect_uri"),
            ("redirect_uris", json!("https://new.test/cb"), "invalid_client_metadata"),
            ("client_name", json!(5), "invalid_client_metadata"),
            ("logo_uri", json!("javascript:alert(1)"), "invalid_client_metadata"),
            ("grant_types", json!(["client_credentials"]), "invalid_client_metadata"),
            ("token_endpoint_auth_method", json!("no_such_method"), "invalid_client_metadata"),
            ("software_statement", json!("x"), "invalid_software_statement"),
        ] {
            let what = format!("{member}: {value}");
            let reply = run.manage(Method::PUT, &client, &with(metadata.clone(), member, value)).await?;
            expect_refused(&what, &reply, &[code])?;
            expect_untouched(run, &client).await?;
        }
        let mut headers = bearer(client.token()?)?;
        for kind in [FORM, HeaderValue::from_static("text/plain")] {
            headers.insert(CONTENT_TYPE, kind);
            let reply = run.manage_with(Method::PUT, &client, headers.clone(), &metadata).await?;
            ensure!(matches!(reply.status().as_u16(), 400 | 415), "a body of another type: {}", reply.status());
        }
        for body in [json!([]), json!("x"), json!({})] {
            let reply = run.manage(Method::PUT, &client, &body).await?;
            expect_refused(&body.to_string(), &reply, &["invalid_request", "invalid_client_metadata"])?;
        }
        expect_untouched(run, &client).await?;
    }

    /// DELETE is a 204 without a body, and ends the client with all that it was granted, and no other.
    ["DCM-007", Must, "RFC 7592 §2.3"]
    async fn dcm_007_a_deleted_client_is_gone_with_all_that_it_was_granted(run) {
        let ((client, metadata), (other, _)) = (registered(run, "none").await?, registered(run, "none").await?);
        let (tokens, spare) = (run.tokens(&client.client).await?, run.code(&client.client).await?);
        let of_other = run.tokens(&other.client).await?;
        run.expect_access_live(&client.client, &tokens.access).await?;
        let reply = run.manage(Method::DELETE, &client, &Value::Null).await?;
        ensure!(reply.expect_status(204)?.is_empty(), "a 204 has a body");

        run.expect_access_dead(&client.client, &tokens.access).await?;
        let refresh = run.refresh(&client.client, &tokens.refresh);
        run.token(&refresh).await?.expect_error(401, "invalid_client")?;
        run.token(&run.exchange(&client.client, &spare)).await?.expect_error(401, "invalid_client")?;
        run.authorize(&run.request(&client.client)).await?.expect_page(400)?;
        for (method, body) in [(Method::GET, &Value::Null), (Method::PUT, &metadata), (Method::DELETE, &Value::Null)] {
            run.manage(method, &client, body).await?.expect_status(401)?;
        }
        expect_untouched(run, &other).await?;
        run.expect_access_live(&other.client, &of_other.access).await?;
        run.tokens_for(&run.refresh(&other.client, &of_other.refresh)).await?;
    }

    /// A client that is unknown gets a 401, as one with a wrong token does, and not a 404.
    ["DCM-008", Should, "RFC 7592 §2.1 to §2.3"]
    async fn dcm_008_an_unknown_client_looks_like_a_wrong_token(run) {
        let (client, _) = registered(run, "none").await?;
        let (gone, _) = registered(run, "none").await?;
        run.manage(Method::DELETE, &gone, &Value::Null).await?.expect_status(204)?;
        let deleted = run.manage(Method::GET, &gone, &Value::Null).await?;
        let wrong = run.manage_with(Method::GET, &client, bearer(&random())?, &Value::Null).await?;
        let uri = client.text("registration_client_uri")?.replace(&client.client.id, &random());
        ensure!(uri != client.text("registration_client_uri")?, "the place does not name the client");
        let unknown = run.send(Method::GET, &uri, bearer(client.token()?)?, "").await?;
        let known = uri.replace(uri.rsplit('/').next().unwrap_or_default(), &run.profile().public.id);
        let foreign = run.send(Method::GET, &known, bearer(client.token()?)?, "").await?;
        for reply in [&deleted, &unknown, &foreign] {
            reply.expect_status(401)?;
            ensure!(reply.text() == wrong.text(), "it can be told from a wrong token");
        }
        read(run, &client).await?;
    }

    /// If the registration access token changes, the new one is told and the old one is dead.
    ["DCM-009", May, "RFC 7592 §2.1, §2.2"]
    async fn dcm_009_the_registration_token_that_is_told_is_the_one_that_works(run) {
        let (client, metadata) = registered(run, "none").await?;
        let mut current = client.token()?.to_owned();
        for (method, body) in [(Method::GET, &Value::Null), (Method::PUT, &metadata), (Method::GET, &Value::Null)] {
            let told = run.manage_with(method, &client, bearer(&current)?, body).await?.expect_ok()?;
            let next = told.get("registration_access_token").and_then(Value::as_str).unwrap_or(&current).to_owned();
            if next != current {
                run.manage_with(Method::GET, &client, bearer(&current)?, &Value::Null).await?.expect_status(401)?;
            }
            current = next;
        }
        run.manage_with(Method::GET, &client, bearer(&current)?, &Value::Null).await?.expect_ok()?;
    }

    /// The registration access token opens nothing else.
    ["DCM-010", Must, "RFC 7592 §5"]
    async fn dcm_010_a_registration_token_opens_nothing_else(run) {
        let (client, _) = registered(run, "client_secret_basic").await?;
        let token = client.token()?;
        ensure!(!authenticates(run, &client, token).await?, "the registration token is as good as the secret");
        run.token(&run.refresh(&client.client, token)).await?.expect_error(400, "invalid_grant")?;
        run.token(&run.exchange(&client.client, token)).await?.expect_error(400, "invalid_grant")?;
        if run.profile().has(Feature::Api) {
            run.call(token).await?.expect_bearer(401, Some("invalid_token"))?;
        }
        if run.profile().has(Feature::Introspection) {
            let told = run.introspect(&client.client, token).await?.expect_ok()?;
            ensure!(told.get("active") == Some(&json!(false)), "introspection knows the registration token");
        }
        if run.profile().has(Feature::Revocation) {
            run.revoke(&client.client, token).await?.expect_status(200)?;
        }
        read(run, &client).await?;
    }

    /// A code for a redirect URI that the client has no more is dead.
    ["DCM-011", Should, "practice"]
    async fn dcm_011_a_code_dies_with_its_redirect_uri(run) {
        let (client, metadata) = registered(run, "none").await?;
        let code = run.code(&client.client).await?;
        let moved = with(metadata, "redirect_uris", json!(["https://new.test/other"]));
        run.manage(Method::PUT, &client, &moved).await?.expect_ok()?;
        let exchange = run.exchange(&client.client, &code);
        run.token(&exchange.clone().without("redirect_uri")).await?.expect_error(400, "invalid_grant")?;
        run.token(&exchange).await?.expect_error(400, "invalid_grant")?;
        let request = run.request(&client.client).with("redirect_uri", "https://new.test/other");
        let code = run.code_for(&request).await?;
        let exchange = run.exchange(&client.client, &code).with("redirect_uri", "https://new.test/other");
        run.tokens_for(&exchange).await?;
    }
}
