//! Attacks by pretending to be another client.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::testkit::Form;
use crate::testkit::protocol::rows::client_authentication::{JWT_BEARER, endpoints, is_authenticated};
use crate::testkit::protocol::{Failure, KnownClient, Run, authorization, basic, identified, miscased, random};

/// Whether the header authenticates a client, at an endpoint that takes every client's request.
async fn authenticates(run: &Run<'_>, header: &str) -> Result<bool, Failure> {
    let form = Form::of([("grant_type", "refresh_token"), ("refresh_token", "x")]);
    let answer = run.token_with(&form, authorization(header)?).await?;
    // What is no header of this scheme at all may be called a malformed request.
    if answer.status() == 400 && answer.text().contains("invalid_request") {
        answer.expect_error(400, "invalid_request")?;
        return Ok(false);
    }
    is_authenticated(&answer)
}

rows! {
    $ __protocol_rows_client_attacks;

    /// Nobody finds out which clients there are: at no endpoint does an unknown client differ from a wrong secret.
    ["ATK-063", Should, "practice"]
    async fn atk_063_clients_cannot_be_enumerated(run) {
        let web = &run.profile().web;
        let known = KnownClient { secret: Some("wrong".to_owned()), ..web.clone() };
        let unknown = KnownClient { id: random(), ..known.clone() };
        for (endpoint, form) in endpoints(run) {
            let right = run.post(endpoint, &form, basic(web)).await?;
            ensure!(is_authenticated(&right)?, "the right credentials are refused");
            let first = run.post(endpoint, &form, basic(&known)).await?;
            first.expect_error(401, "invalid_client")?;
            run.post(endpoint, &form, basic(&unknown)).await?.expect_same(&first)?;
            let body = |client| identified(client, form.clone());
            let first = run.post(endpoint, &body(&known), HeaderMap::new()).await?;
            first.expect_error(401, "invalid_client")?;
            run.post(endpoint, &body(&unknown), HeaderMap::new()).await?.expect_same(&first)?;
            let first = run.post(endpoint, &body(&known).without("client_secret"), HeaderMap::new()).await?;
            first.expect_error(401, "invalid_client")?;
            let unknown = body(&unknown).without("client_secret");
            run.post(endpoint, &unknown, HeaderMap::new()).await?.expect_same(&first)?;
        }
    }

    /// Basic is read in one way only: no second colon, escape, padding, alphabet, separator or header makes it another
    /// client.
    ["ATK-065", Must, "RFC 6749 §2.3.1; RFC 7617 §2"]
    async fn atk_065_basic_is_read_in_one_way(run) {
        let web = &run.profile().web;
        let (id, secret) = (web.id.as_str(), web.secret.as_deref().unwrap_or_default());
        let right = STANDARD.encode(format!("{id}:{secret}"));
        ensure!(authenticates(run, &format!("Basic {right}")).await?, "the right credentials are refused");
        for credentials in [
            format!("{id}%3A{secret}"),
            format!("{id}%3Ax:{secret}"),
            format!("{id}:x:{secret}"),
            format!("{id}::{secret}"),
            format!(":{id}:{secret}"),
            format!("{id}%00:{secret}"),
            format!("{id}\0:{secret}"),
            format!("{id}:{secret}\0"),
            format!("{id}:{secret}%00"),
            format!("{id}+:{secret}"),
            format!(" {id}:{secret}"),
            format!("{id}:{secret} "),
            format!("{id}:{secret}\r\n"),
            format!("{id}:{secret}\n{id}:{secret}"),
            format!("{}:{secret}", miscased(id)),
            format!("{id}:{}", miscased(secret)),
        ] {
            let header = format!("Basic {}", STANDARD.encode(&credentials));
            ensure!(!authenticates(run, &header).await?, "{credentials:?} is taken for {id}");
        }
        for header in [
            format!("Basic\t{right}"),
            format!("Basic{right}"),
            format!("Basic {right} x"),
            format!("Basic {right}, Basic {right}"),
            format!("Basic {right}="),
            format!("Basic ={right}"),
            format!("Basic {}", URL_SAFE.encode(format!("{id}:>>>???>>>???"))),
            format!("Basic {id}:{secret}"),
        ] {
            ensure!(!authenticates(run, &header).await?, "{header:?} is taken for {id}");
        }
        // Missing padding is refused, or means the same.
        let wrong = STANDARD_NO_PAD.encode(format!("{id}:{secret}x"));
        ensure!(!authenticates(run, &format!("Basic {wrong}")).await?, "a wrong secret without padding is right");
        for (endpoint, form) in endpoints(run) {
            let mut twice = basic(web);
            twice.extend(basic(web).into_iter().map(|(_, value)| (AUTHORIZATION, value)));
            let mut both = basic(web);
            both.append(AUTHORIZATION, basic(&run.profile().other)[AUTHORIZATION].clone());
            for headers in [twice, both] {
                ensure!(headers.len() == 2, "there are no two headers to send");
                let answer = run.post(endpoint, &form, headers).await?;
                answer.expect_one_of(&[(400, "invalid_request"), (401, "invalid_client")])?;
            }
        }
    }

    /// A request with several identities is refused, and nothing is issued to any of them.
    ["ATK-066", Must, "RFC 6749 §2.3; OAuth 2.1 §2.4"]
    async fn atk_066_several_identities_are_refused(run) {
        let (web, other, public) = (&run.profile().web, &run.profile().other, &run.profile().public);
        for owner in [web, other, public] {
            let right = run.exchange(owner, &run.code(owner).await?);
            let nameless = right.clone().without("client_id").without("client_secret");
            let assert = |form: &Form| {
                form.clone().and("client_assertion_type", JWT_BEARER).and("client_assertion", "e30.e30.x")
            };
            for (form, headers) in [
                (nameless.clone().and("client_id", &other.id), basic(web)),
                (nameless.clone().and("client_id", &web.id), basic(other)),
                (nameless.clone().and("client_id", &public.id), basic(web)),
                (identified(other, nameless.clone()), basic(web)),
                (identified(web, nameless.clone()), basic(other)),
                (assert(&nameless), basic(web)),
                (assert(&nameless.clone().and("client_id", &public.id)), basic(web)),
                (assert(&identified(web, nameless.clone())), HeaderMap::new()),
                (nameless.clone().and("client_id", &web.id).and("client_id", &other.id), HeaderMap::new()),
                (identified(web, nameless.clone()).and("client_id", &public.id), HeaderMap::new()),
            ] {
                let answer = run.token_with(&form, headers).await?;
                answer.expect_one_of(&[(400, "invalid_request"), (401, "invalid_client")])?;
            }
            run.token(&right).await?.expect_ok()?;
        }
    }

    /// A confidential client is nowhere taken for a public one because it sent no secret, or something that is none.
    ["ATK-067", Must, "RFC 6749 §2.3; RFC 7591 §2"]
    async fn atk_067_a_client_is_not_taken_for_a_weaker_one(run) {
        let web = &run.profile().web;
        let tokens = run.refreshable(web).await?;
        let nameless = |form: Form| form.without("client_id").without("client_secret");
        let (exchange, refresh) = (run.exchange(web, &run.code(web).await?), run.refresh(web, &tokens.refresh));
        let empty = KnownClient { secret: None, ..web.clone() };
        for right in [&exchange, &refresh] {
            let right = nameless(right.clone());
            let named = right.clone().and("client_id", &web.id);
            for wrong in [
                named.clone(),
                named.clone().and("client_secret", ""),
                named.clone().and("Client_Secret", web.secret.as_deref().unwrap_or_default()),
                named.clone().and("token_endpoint_auth_method", "none"),
            ] {
                run.token(&wrong).await?.expect_error(401, "invalid_client")?;
            }
            run.token_with(&right, basic(&empty)).await?.expect_error(401, "invalid_client")?;
            run.token_with(&named, basic(&empty)).await?.expect_error(401, "invalid_client")?;
            let asserted = named.and("client_assertion_type", JWT_BEARER).and("client_assertion", "e30.e30.");
            let answer = run.token(&asserted).await?;
            answer.expect_one_of(&[(401, "invalid_client"), (400, "invalid_client"), (400, "invalid_request")])?;
        }
        for (endpoint, form) in endpoints(run) {
            let named = form.and("client_id", &web.id);
            run.post(endpoint, &named, HeaderMap::new()).await?.expect_error(401, "invalid_client")?;
        }
        run.token(&exchange).await?.expect_ok()?;
        run.expect_alive(web, &tokens).await?;
    }
}
