//! Clients that call an API by their secret, beside access tokens on the same endpoints.

use std::sync::Arc;
use std::time::Duration;

use grantor::client::{Client, ClientAuthentication, ClientStatus, Environment, Vetting};
use grantor::configuration::ResourceCredentials;
use grantor::error::{BearerError, ErrorReason};
use grantor::observer::{Endpoint, Event};
use grantor::rate_limit::{DefaultRatePolicy, LocalRateLimiter, Peer};
use grantor::store::Deletion;
use grantor::testkit::ManualClock;
use grantor::{Access, AuthorizationServerBuilder, ResourceRequest};
use http::HeaderMap;

use crate::support::counting::Counting;
use crate::support::{Answer, Recorder, SECRET, Setup, basic, bearer, like_web};

fn by_secret(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    builder.resource_credentials(ResourceCredentials::AccessTokenOrClientSecret)
}

fn headers(authorization: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", authorization.parse().unwrap());
    headers
}

async fn call(setup: &Setup, id: &str, secret: &str) -> Result<Access, BearerError> {
    setup.secrets.note("client secret", secret);
    setup.server.resource_server().verify(&headers(&basic(id, secret))).await
}

/// A 401 that offers both ways, each in a header line of its own, `Bearer` first.
#[track_caller]
fn expect_both_challenges(error: BearerError) -> Answer {
    let answer = Answer::from(error.into_http());
    assert_eq!(answer.status, 401, "{answer:?}");
    let challenges: Vec<_> =
        answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(challenges.len(), 2, "{answer:?}");
    assert!(challenges[0].starts_with("Bearer realm=\"as.test\""), "{answer:?}");
    assert_eq!(challenges[1], "Basic realm=\"as.test\", charset=\"UTF-8\"");
    answer
}

#[tokio::test]
async fn a_confidential_client_acts_for_itself() {
    let setup = Setup::memory_with(by_secret).await;
    let app = like_web("app").with_environment(Environment::Production).with_tenant("blue".parse().unwrap());
    setup.add(app).await;

    let access = call(&setup, "app", SECRET).await.unwrap();
    assert_eq!(access.client_id().unwrap().as_str(), "app");
    assert_eq!((access.subject(), access.grant_id(), access.expires_at()), (None, None, None));
    assert_eq!(access.tenant().unwrap().as_str(), "blue");
    assert_eq!(
        access.resource().iter().map(|resource| resource.as_str()).collect::<Vec<_>>(),
        ["https://api.test/one"]
    );
    // Not limited, so all there is.
    access.require("read write admin").unwrap();

    // A client that is limited has what it is limited to.
    let access = call(&setup, "svc", SECRET).await.unwrap();
    access.require("read write").unwrap();
    let answer = Answer::from(access.require("admin").unwrap_err().into_http());
    assert_eq!((answer.status.as_u16(), answer.text("error")), (403, "insufficient_scope"));
}

#[tokio::test]
async fn a_client_has_what_its_wildcard_stands_for_and_what_its_tokens_imply() {
    let declared = |builder| by_secret(builder).wildcard_scope("*").scope_implies("write", ["read"]);
    let setup = Setup::memory_with(declared).await;
    for (limit, has) in [("*", "read write admin"), ("write", "write read"), ("write gone", "write read")] {
        setup.change("svc", |client| client.with_scope(limit.parse().unwrap())).await;
        assert_eq!(call(&setup, "svc", SECRET).await.unwrap().scope().as_str(), has, "{limit}");
    }
}

#[tokio::test]
async fn tokens_work_on_the_same_endpoints() {
    let setup = Setup::memory_with(by_secret).await;
    let tokens = setup.tokens("web").await;
    let access = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap();
    assert_eq!(access.subject(), Some(&setup.alice));
    assert!(access.grant_id().is_some());
}

#[tokio::test]
async fn it_is_off_unless_the_operator_turns_it_on() {
    let setup = Setup::memory().await;
    let error = call(&setup, "svc", SECRET).await.unwrap_err();
    assert_eq!(error.reason(), ErrorReason::AccessTokenMissing);
    let answer = Answer::from(error.into_http());
    assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1, "{answer:?}");
}

#[tokio::test]
async fn whoever_does_not_prove_to_be_a_vetted_client_is_told_the_same() {
    let setup = Setup::memory_with(by_secret).await;
    setup.add(like_web("stranger").with_vetting(Vetting::SelfRegistered)).await;
    setup.add(like_web("disabled").with_status(ClientStatus::Disabled)).await;
    setup.add(Client::public("open".parse().unwrap())).await;
    let mut told = Vec::new();
    for (id, secret) in
        [("svc", "wrong"), ("svc", ""), ("nobody", SECRET), ("stranger", SECRET), ("disabled", SECRET), ("open", "")]
    {
        let error = call(&setup, id, secret).await.unwrap_err();
        assert_eq!(error.reason(), ErrorReason::ClientAuthenticationFailed, "{id}");
        let answer = expect_both_challenges(error);
        assert_eq!(answer.text("error"), "invalid_client");
        // RFC 6750 has no code for it: no token came.
        assert!(!answer.header("www-authenticate").unwrap().contains("error="), "{answer:?}");
        told.push((answer.headers, answer.body));
    }
    assert!(told.iter().all(|answer| *answer == told[0]), "{told:?}");
}

#[tokio::test]
async fn a_secret_lets_nobody_in_after_its_overlap_a_reset_or_the_end_of_its_client() {
    let setup = Setup::memory_with(by_secret).await;
    let id = "svc".parse().unwrap();
    let hour = Duration::from_hours(1);
    let second = setup.server.rotate_client_secret(&id, hour).await.unwrap();
    for secret in [SECRET, second.expose()] {
        call(&setup, "svc", secret).await.unwrap();
    }
    setup.clock.advance(hour);
    assert!(call(&setup, "svc", SECRET).await.is_err());
    call(&setup, "svc", second.expose()).await.unwrap();
    let third = setup.server.reset_client_secret(&id).await.unwrap();
    assert!(call(&setup, "svc", second.expose()).await.is_err());
    call(&setup, "svc", third.expose()).await.unwrap();
    assert_eq!(setup.server.delete_client(&id).await.unwrap(), Deletion::Deleted);
    assert!(call(&setup, "svc", third.expose()).await.is_err());
}

#[tokio::test]
async fn what_a_client_was_let_in_to_by_its_secret_ends_with_that_secret() {
    let setup = Setup::memory_with(by_secret).await;
    let (id, server) = ("svc".parse().unwrap(), setup.server.resource_server());
    let access = call(&setup, "svc", SECRET).await.unwrap();
    let hour = Duration::from_hours(1);
    let second = setup.server.rotate_client_secret(&id, hour).await.unwrap();
    server.verify_again(&access).await.unwrap();
    setup.clock.advance(hour);
    let error = server.verify_again(&access).await.unwrap_err();
    assert_eq!(error.reason(), ErrorReason::ClientAuthenticationFailed);
    let access = call(&setup, "svc", second.expose()).await.unwrap();
    server.verify_again(&access).await.unwrap();
    setup.change("svc", |client| client.with_status(ClientStatus::Disabled)).await;
    assert!(server.verify_again(&access).await.is_err());
    setup.change("svc", |client| client.with_status(ClientStatus::Enabled)).await;
    server.verify_again(&access).await.unwrap();
    assert_eq!(setup.server.delete_client(&id).await.unwrap(), Deletion::Deleted);
    assert!(server.verify_again(&access).await.is_err());
}

#[tokio::test]
async fn a_call_without_anything_is_told_both_ways() {
    let setup = Setup::memory_with(by_secret).await;
    let api = setup.server.resource_server();
    expect_both_challenges(api.verify(&HeaderMap::new()).await.unwrap_err());
    expect_both_challenges(api.verify(&headers("Basic !!!")).await.unwrap_err());
    let answer = expect_both_challenges(api.verify_scope(&headers("Bearer gr_at_x"), "read").await.unwrap_err());
    assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{answer:?}");
}

#[tokio::test]
async fn it_takes_one_read_of_the_store() {
    let counting = Arc::new(Counting::default());
    let setup = Setup::intercepted(Setup::memory_start(), &counting, by_secret).await;
    counting.take();
    call(&setup, "svc", SECRET).await.unwrap();
    assert_eq!(counting.take(), (1, vec!["find_client"]));
}

#[tokio::test]
async fn the_operator_is_told_who_came_and_whom_a_guesser_named() {
    let recorder = Arc::new(Recorder::default());
    let observer = recorder.clone();
    let setup = Setup::memory_with(|builder| by_secret(builder).observer(observer)).await;
    call(&setup, "svc", SECRET).await.unwrap();
    let svc = setup.server.client(&"svc".parse().unwrap()).await.unwrap().unwrap();
    let ClientAuthentication::Secret(secrets) = svc.authentication() else { panic!("{svc:?}") };
    let used = Event::Authenticated {
        endpoint: Endpoint::Resource,
        client: svc.id(),
        secret_id: secrets.secrets().next().map(|secret| secret.id),
    };
    assert_eq!(recorder.take(), [format!("{used:?}")]);
    drop(call(&setup, "svc", "wrong").await.unwrap_err());
    let told = recorder.take();
    assert!(told[0].starts_with("Refused { endpoint: Resource") && told[0].contains("ClientId(\"svc\")"), "{told:?}");
}

// TOK-010
#[tokio::test]
async fn guesses_are_throttled_here_as_well() {
    let limiter = LocalRateLimiter::new(DefaultRatePolicy::new()).with_clock(Arc::new(ManualClock::new()));
    let setup = Setup::memory_with(|builder| by_secret(builder).rate_limiter(Arc::new(limiter))).await;
    let from = async |peer: [u8; 4], secret: &str| {
        let headers = headers(&basic("svc", secret));
        let request = ResourceRequest::new(&headers).with_peer(Peer::new(peer.into()));
        match setup.server.resource_server().verify(request).await {
            Ok(_) => 200,
            Err(error) => error.into_http().status().as_u16(),
        }
    };
    setup.secrets.note("client secret", SECRET);
    for _ in 0..20 {
        assert_eq!(from([203, 0, 113, 7], "wrong").await, 401);
    }
    assert_eq!(from([203, 0, 113, 7], "wrong").await, 429);
    assert_eq!(from([203, 0, 113, 7], SECRET).await, 429);
    assert_eq!(from([198, 51, 100, 2], SECRET).await, 200);
}
