//! How a client proves who it is (RFC 6749 §2.3), in the body and in general.
//!
//! | row | why it is not here |
//! |---|---|
//! | CAUTH-020 | constant time and hashes are seen in the code and in the store |
//! | CAUTH-021 | no request makes a secret that expires |
//! | CAUTH-022 | the operator replaces a secret, by no request of OAuth |

use http::header::WWW_AUTHENTICATE;

use crate::testkit::Form;
use crate::testkit::protocol::{
    Failure, Feature, KnownClient, Reply, Run, authorization, basic, identified, miscased, random,
};

/// The type of a JWT that authenticates a client (RFC 7523 §2.2).
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The endpoints that authenticate a client, each with a request that every confidential client may make.
pub(super) fn endpoints<'a>(run: &Run<'a>) -> Vec<(&'a str, Form)> {
    let endpoints = &run.profile().endpoints;
    let all = [
        (None, &endpoints.token, Form::of([("grant_type", "refresh_token"), ("refresh_token", "x")])),
        (Some(Feature::Revocation), &endpoints.revocation, Form::of([("token", "x")])),
        (Some(Feature::Introspection), &endpoints.introspection, Form::of([("token", "x")])),
    ];
    let there = all.into_iter().filter(|(feature, ..)| feature.is_none_or(|feature| run.has(feature)));
    there.map(|(_, address, form)| (address.as_str(), form)).collect()
}

/// Whether the client was authenticated: the answer is about the request then, and about the client otherwise.
pub(super) fn is_authenticated(reply: &Reply) -> Result<bool, Failure> {
    if reply.status() == 200 {
        return Ok(true);
    }
    let members = reply.expect_one_of(&[(400, "invalid_grant"), (401, "invalid_client")])?;
    Ok(members.get("error").is_some_and(|error| error == "invalid_grant"))
}

/// Refused for the client's sake, with a challenge that names the scheme.
fn expect_unauthenticated(reply: &Reply) -> Result<(), Failure> {
    reply.expect_error(401, "invalid_client")?;
    let challenge = reply.header(&WWW_AUTHENTICATE).unwrap_or_default();
    let named = challenge.to_ascii_lowercase();
    ensure!(named.starts_with("basic ") && named.contains("realm=\""), "the challenge is {challenge:?}");
    Ok(())
}

/// The client's exchange of a fresh code, without anything that says who it is.
async fn nameless_exchange(run: &Run<'_>, client: &KnownClient) -> Result<Form, Failure> {
    Ok(run.exchange(client, &run.code(client).await?).without("client_id").without("client_secret"))
}

rows! {
    $ __protocol_rows_client_authentication;

    /// A client with a secret may authenticate itself by HTTP Basic.
    ["CAUTH-001", Must, "RFC 6749 §2.3.1"]
    async fn cauth_001_a_secret_may_come_in_the_header(run) {
        for client in [&run.profile().web, &run.profile().encoded, &run.profile().other] {
            let exchange = nameless_exchange(run, client).await?;
            run.token(&exchange).await?.expect_refusal()?;
            run.token_with(&exchange, basic(client)).await?.expect_ok()?;
        }
    }

    /// A client with a secret may send it in the body.
    ["CAUTH-002", Must, "OAuth 2.1 §2.4.1; RFC 6749 §2.3.1"]
    async fn cauth_002_a_secret_may_come_in_the_body(run) {
        for client in [&run.profile().web, &run.profile().encoded, &run.profile().other] {
            let exchange = nameless_exchange(run, client).await?;
            run.token(&exchange).await?.expect_refusal()?;
            run.token(&identified(client, exchange)).await?.expect_ok()?;
        }
    }

    /// Wrong or unknown credentials in the `Authorization` header: 401, with a challenge of the scheme that was used.
    ["CAUTH-008", Must, "RFC 6749 §5.2; OAuth 2.1 §3.2.4"]
    async fn cauth_008_a_wrong_secret_in_the_header_is_challenged(run) {
        let web = &run.profile().web;
        let right = nameless_exchange(run, web).await?;
        for (id, secret) in
            [(web.id.clone(), "wrong"), (web.id.clone(), ""), (random(), "wrong"), (random(), ""), (String::new(), "")]
        {
            let wrong = KnownClient { id, secret: Some(secret.to_owned()), ..web.clone() };
            expect_unauthenticated(&run.token_with(&right, basic(&wrong)).await?)?;
        }
        run.token_with(&right, basic(web)).await?.expect_ok()?;
    }

    /// Wrong or unknown credentials in the body: 401 too, with a challenge. Clients register themselves anew upon that
    /// alone.
    ["CAUTH-009", Should, "this catalogue's profile; RFC 9110 §15.5.2"]
    async fn cauth_009_wrong_credentials_in_the_body_are_a_401(run) {
        let (web, public) = (&run.profile().web, &run.profile().public);
        for (client, id, secret) in [
            (public, random(), None),
            (web, random(), Some("wrong")),
            (web, web.id.clone(), Some("wrong")),
            (web, miscased(&web.id), web.secret.as_deref()),
            (web, "é".to_owned(), Some("wrong")),
        ] {
            let wrong = KnownClient { id, secret: secret.map(ToOwned::to_owned), ..client.clone() };
            let right = nameless_exchange(run, client).await?;
            run.token(&identified(&wrong, right.clone())).await?.expect_error(401, "invalid_client")?;
            run.token(&identified(client, right)).await?.expect_ok()?;
        }
    }

    /// More than one way of authenticating in one request is an `invalid_request`, even if all are right.
    ["CAUTH-010", Must, "RFC 6749 §2.3; OAuth 2.1 §2.4, §3.2.4"]
    async fn cauth_010_two_ways_of_authenticating_are_refused(run) {
        let web = &run.profile().web;
        let secret = web.secret.as_deref().unwrap_or_default();
        let right = nameless_exchange(run, web).await?;
        let assertion = [("client_assertion_type", JWT_BEARER), ("client_assertion", "e30.e30.x")];
        let with_assertion = assertion.iter().fold(right.clone(), |form, (name, value)| form.and(name, value));
        for (form, headers) in [
            (right.clone().and("client_secret", secret), basic(web)),
            (identified(web, right.clone()), basic(web)),
            (with_assertion.clone(), basic(web)),
            (with_assertion.clone().and("client_id", &web.id), basic(web)),
            (identified(web, with_assertion), Default::default()),
        ] {
            run.token_with(&form, headers).await?.expect_error(400, "invalid_request")?;
        }
        run.token_with(&right, basic(web)).await?.expect_ok()?;
    }

    /// Basic together with the same `client_id` in the body is one way, not two; many clients send both.
    ["CAUTH-011", Must, "RFC 6749 §3.2.1; practice"]
    async fn cauth_011_the_header_and_the_same_id_in_the_body_are_one_way(run) {
        for client in [&run.profile().web, &run.profile().encoded] {
            let exchange = nameless_exchange(run, client).await?.and("client_id", &client.id);
            run.token(&exchange).await?.expect_error(401, "invalid_client")?;
            run.token_with(&exchange, basic(client)).await?.expect_ok()?;
        }
    }

    /// An identifier in the header and another in the body are refused.
    ["CAUTH-012", Must, "practice"]
    async fn cauth_012_two_identities_are_refused(run) {
        let (web, other) = (&run.profile().web, &run.profile().other);
        let right = nameless_exchange(run, web).await?;
        for id in [&other.id, &run.profile().public.id, &miscased(&web.id), &random()] {
            let answer = run.token_with(&right.clone().and("client_id", id), basic(web)).await?;
            answer.expect_one_of(&[(400, "invalid_request"), (401, "invalid_client")])?;
        }
        let answer = run.token_with(&right.clone().and("client_id", &web.id), basic(other)).await?;
        answer.expect_one_of(&[(400, "invalid_request"), (401, "invalid_client")])?;
        run.token_with(&right, basic(web)).await?.expect_ok()?;
    }

    /// A confidential client that does not authenticate itself gets `invalid_client`.
    ["CAUTH-013", Must, "RFC 6749 §3.2.1, §4.1.3"]
    async fn cauth_013_a_confidential_client_must_authenticate_itself(run) {
        for client in [&run.profile().web, &run.profile().encoded] {
            let right = nameless_exchange(run, client).await?;
            let named = right.clone().and("client_id", &client.id);
            run.token(&named).await?.expect_error(401, "invalid_client")?;
            run.token(&named.and("client_secret", "")).await?.expect_error(401, "invalid_client")?;
            run.token(&identified(client, right)).await?.expect_ok()?;
        }
    }

    /// A public client that does not name itself gets nothing.
    ["CAUTH-014", Must, "RFC 6749 §4.1.3"]
    async fn cauth_014_a_public_client_must_name_itself(run) {
        let client = &run.profile().public;
        let right = nameless_exchange(run, client).await?;
        for nameless in [right.clone(), right.clone().and("client_id", ""), right.clone().and("Client_Id", &client.id)]
        {
            run.token(&nameless).await?.expect_one_of(&[(400, "invalid_request"), (401, "invalid_client")])?;
        }
        run.token(&right.and("client_id", &client.id)).await?.expect_ok()?;
    }

    /// A secret that a public client sends proves nothing: it is refused, or looked at by nobody.
    ["CAUTH-015", Must, "RFC 6749 §2.3; OAuth 2.1 §8.1"]
    async fn cauth_015_a_secret_of_a_public_client_proves_nothing(run) {
        let client = &run.profile().public;
        let pretended = KnownClient { secret: Some("whatever".to_owned()), ..client.clone() };
        for in_header in [false, true] {
            let right = nameless_exchange(run, client).await?;
            let answer = if in_header {
                run.token_with(&right, basic(&pretended)).await?
            } else {
                run.token(&identified(&pretended, right.clone())).await?
            };
            if answer.status() != 200 {
                answer.expect_error(401, "invalid_client")?;
                run.token(&identified(client, right)).await?.expect_ok()?;
            }
        }
        // It is certainly not what the endpoints for confidential clients want.
        if run.has(Feature::Introspection) {
            let form = Form::of([("token", "x")]);
            let answer = run.post(&run.profile().endpoints.introspection, &form, basic(&pretended)).await?;
            ensure!(matches!(answer.status().as_u16(), 401 | 403), "a pretended secret got {}", answer.status());
        }
    }

    /// Basic with an empty secret, for a public client, is no authentication at all; or a 401 that leaves the grant
    /// alone.
    ["CAUTH-016", Should, "this catalogue's profile; practice"]
    async fn cauth_016_an_empty_secret_of_a_public_client_is_none(run) {
        let client = &run.profile().public;
        let exchange = nameless_exchange(run, client).await?;
        let answer = run.token_with(&exchange, basic(client)).await?;
        if answer.status() != 200 {
            answer.expect_error(401, "invalid_client")?;
        }
        let again = run.token(&identified(client, exchange)).await?;
        if answer.status() == 200 {
            answer.expect_ok()?;
            again.expect_error(400, "invalid_grant")?;
        } else {
            again.expect_ok()?;
        }
        // In the body an empty value is none (RFC 6749 §3.2).
        let exchange = run.exchange(client, &run.code(client).await?).and("client_secret", "");
        run.token(&exchange).await?.expect_ok()?;
    }

    /// A failed authentication spends no code and no refresh token, and is no replay of one.
    ["CAUTH-017", Must, "practice"]
    async fn cauth_017_a_failed_authentication_spends_nothing(run) {
        let client = &run.profile().web;
        let exchange = run.exchange(client, &run.code(client).await?);
        let failing = |form: &Form| {
            [
                form.clone().with("client_secret", "wrong"),
                form.clone().without("client_secret"),
                form.clone().with("client_id", "nobody"),
            ]
        };
        for wrong in failing(&exchange) {
            run.token(&wrong).await?.expect_error(401, "invalid_client")?;
        }
        let first = run.tokens_for(&exchange).await?;
        let refresh = run.refresh(client, &first.refresh);
        for wrong in failing(&refresh) {
            run.token(&wrong).await?.expect_error(401, "invalid_client")?;
        }
        let second = run.tokens_for(&refresh).await?;
        for replay in failing(&exchange).into_iter().chain(failing(&refresh)) {
            run.token(&replay).await?.expect_error(401, "invalid_client")?;
        }
        let kept = if second.refresh.is_empty() { first.refresh } else { second.refresh.clone() };
        run.token(&run.refresh(client, &kept)).await?.expect_ok()?;
        run.expect_access_live(client, &second.access).await?;
    }

    /// A client cannot choose another way of authenticating than those it is registered for: no assertion instead of a
    /// secret, and none that makes a public client a confidential one.
    ["CAUTH-018", Must, "RFC 7591 §2"]
    async fn cauth_018_a_client_cannot_choose_another_way(run) {
        for client in [&run.profile().web, &run.profile().public] {
            let right = nameless_exchange(run, client).await?;
            let asserted = right.clone().and("client_assertion_type", JWT_BEARER).and("client_assertion", "e30.e30.x");
            for form in [asserted.clone().and("client_id", &client.id), asserted] {
                let answer = run.token(&form).await?;
                answer.expect_one_of(&[(401, "invalid_client"), (400, "invalid_request"), (400, "invalid_client")])?;
            }
            run.token(&identified(client, right)).await?.expect_ok()?;
        }
    }

    /// A client that is registered for one of `client_secret_basic` and `client_secret_post` may use the other.
    ["CAUTH-019", May, "this catalogue's profile"]
    async fn cauth_019_a_secret_may_come_in_either_place(run) {
        for (method, by_header) in [("client_secret_basic", true), ("client_secret_post", false)] {
            let mut metadata = run.client_metadata();
            metadata["token_endpoint_auth_method"] = method.into();
            let client = &run.registered(&metadata).await?.client;
            ensure!(client.secret.is_some(), "the client was registered without a secret");
            let right = nameless_exchange(run, client).await?;
            let in_body = (identified(client, right.clone()), Default::default());
            let in_header = (right, basic(client));
            let (other, own) = if by_header { (in_body, in_header) } else { (in_header, in_body) };
            let answer = run.token_with(&other.0, other.1).await?;
            // Whoever is strict refuses it, and nothing is lost.
            if answer.status() == 200 {
                answer.expect_ok()?;
            } else {
                answer.expect_error(401, "invalid_client")?;
                run.token_with(&own.0, own.1).await?.expect_ok()?;
            }
        }
    }

    /// Nobody can tell an unknown client from a wrong secret.
    ["CAUTH-023", Should, "practice"]
    async fn cauth_023_an_unknown_client_looks_like_a_wrong_secret(run) {
        let web = &run.profile().web;
        let known = KnownClient { secret: Some("wrong".to_owned()), ..web.clone() };
        let unknown = KnownClient { id: random(), ..known.clone() };
        let right = nameless_exchange(run, web).await?;
        for form in [Form::of([("grant_type", "client_credentials")]), right.clone()] {
            let first = run.token_with(&form, basic(&known)).await?;
            first.expect_error(401, "invalid_client")?;
            run.token_with(&form, basic(&unknown)).await?.expect_same(&first)?;
            let first = run.token(&identified(&known, form.clone())).await?;
            first.expect_error(401, "invalid_client")?;
            run.token(&identified(&unknown, form)).await?.expect_same(&first)?;
        }
        run.token_with(&right, basic(web)).await?.expect_ok()?;
    }

    /// A scheme other than Basic is not taken for client authentication.
    ["CAUTH-024", Must, "practice"]
    async fn cauth_024_another_scheme_is_no_client_authentication(run) {
        let (public, web) = (&run.profile().public, &run.profile().web);
        let credentials = basic(web);
        let credentials = credentials.values().next().and_then(|value| value.to_str().ok()).unwrap_or_default();
        let renamed = credentials.replacen("Basic", "Basically", 1);
        for header in ["Bearer x", "Digest username=\"web\"", "Negotiate", "x", &renamed] {
            let exchange = run.exchange(public, &run.code(public).await?);
            let answer = run.token_with(&exchange, authorization(header)?).await?;
            if answer.status() != 200 {
                answer.expect_one_of(&[(401, "invalid_client"), (400, "invalid_request")])?;
                run.token(&exchange).await?.expect_ok()?;
            }
            let nameless = Form::of([("grant_type", "authorization_code"), ("code", "x")]);
            for form in [nameless.clone(), nameless.and("client_id", &web.id)] {
                let answer = run.token_with(&form, authorization(header)?).await?;
                answer.expect_one_of(&[(401, "invalid_client"), (400, "invalid_request")])?;
            }
        }
    }

    /// Every endpoint that authenticates clients does so in the same way: header and body, every encoding, the
    /// challenge, and only one way at a time.
    ["CAUTH-025", Must, "RFC 7009 §2.1; RFC 7662 §2.1"]
    async fn cauth_025_every_endpoint_authenticates_alike(run) {
        let (encoded, web) = (&run.profile().encoded, &run.profile().web);
        let wrong = KnownClient { secret: Some("wrong".to_owned()), ..web.clone() };
        for (endpoint, form) in endpoints(run) {
            for client in [encoded, web] {
                let answer = run.post(endpoint, &form, basic(client)).await?;
                ensure!(is_authenticated(&answer)?, "{} is not authenticated by Basic at {endpoint}", client.id);
                let answer = run.post(endpoint, &identified(client, form.clone()), Default::default()).await?;
                ensure!(is_authenticated(&answer)?, "{} is not authenticated by its body at {endpoint}", client.id);
                let answer = run.post(endpoint, &form.clone().and("client_id", &client.id), basic(client)).await?;
                ensure!(is_authenticated(&answer)?, "{} is not taken for one client at {endpoint}", client.id);
                let both = identified(client, form.clone());
                run.post(endpoint, &both, basic(client)).await?.expect_error(400, "invalid_request")?;
            }
            expect_unauthenticated(&run.post(endpoint, &form, basic(&wrong)).await?)?;
            run.post(endpoint, &identified(&wrong, form.clone()), Default::default())
                .await?
                .expect_error(401, "invalid_client")?;
            let answer = run.post(endpoint, &form, Default::default()).await?;
            answer.expect_one_of(&[(401, "invalid_client"), (400, "invalid_request")])?;
        }
    }
}
