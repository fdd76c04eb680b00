//! How often somebody may ask.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use grantor::error::{ErrorReason, StoreError};
use grantor::observer::Endpoint;
use grantor::rate_limit::{
    DefaultRatePolicy, LimitedCall, LocalRateLimiter, Peer, Quota, RateDecision, RateLimit, RateLimiter, RatePolicy,
    Stage,
};
use grantor::testkit::ManualClock;
use grantor::{Approval, AuthorizeAnswer, ResourceRequest, Visitor};
use http::{Method, Request, StatusCode};

use crate::registration::{expect_registered, public};
use crate::support::counting::Counting;
use crate::support::{Answer, Form, Recorder, SECRET, Setup, bearer};

const HOME: [u8; 4] = [203, 0, 113, 7];
const ELSEWHERE: [u8; 4] = [198, 51, 100, 2];

/// A limiter whose clock the test moves.
fn limiter(policy: impl RatePolicy) -> (Arc<LocalRateLimiter>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new());
    (Arc::new(LocalRateLimiter::new(policy).with_clock(clock.clone())), clock)
}

async fn with_limits(policy: impl RatePolicy) -> (Setup, Arc<ManualClock>) {
    let (limiter, clock) = limiter(policy);
    (Setup::memory_with(|builder| builder.rate_limiter(limiter)).await, clock)
}

/// Posts a form from an address.
async fn post(setup: &Setup, peer: [u8; 4], path: &str, form: &Form) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    request.extensions_mut().unwrap().insert(Peer::new(peer.into()));
    setup.send(request.body(form.encode()).unwrap()).await
}

fn own(secret: &str) -> Form {
    Form::of(&[("grant_type", "client_credentials"), ("client_id", "svc"), ("client_secret", secret)])
}

/// 429 as a browser client can read it (HTTP-017, HTTP-023, CORS-009); how many seconds to wait.
#[track_caller]
fn expect_limited(answer: Answer) -> u64 {
    let answer = answer.expect_error(429, "too_many_requests");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
    assert!(answer.header("access-control-expose-headers").unwrap().contains("Retry-After"), "{answer:?}");
    answer.header("retry-after").unwrap().parse().unwrap()
}

// TOK-010, ATK-064
#[tokio::test]
async fn whoever_guesses_a_secret_is_kept_out_and_nobody_else_is() {
    let (setup, clock) = with_limits(DefaultRatePolicy::new()).await;
    let mut told = Vec::new();
    for _ in 0..50 {
        told.push(post(&setup, HOME, "/oauth/token", &own("wrong")).await.status.as_u16());
    }
    assert_eq!(told[..20], [401; 20]);
    assert_eq!(told[20..], [429; 30]);

    // A guess that would be right is not listened to either.
    assert_eq!(expect_limited(post(&setup, HOME, "/oauth/token", &own(SECRET)).await), 6);
    post(&setup, ELSEWHERE, "/oauth/token", &own(SECRET)).await.expect_ok();
    setup.token(&own(SECRET)).await.expect_ok();
    let other = setup.identify("web", Form::of(&[("token", "x")]));
    post(&setup, HOME, "/oauth/revoke", &other).await.expect_ok();

    clock.advance(Duration::from_secs(6));
    post(&setup, HOME, "/oauth/token", &own(SECRET)).await.expect_ok();
}

// A right secret is no guess, however often it comes.
#[tokio::test]
async fn who_knows_its_secret_is_never_taken_for_a_guesser() {
    let (setup, _) = with_limits(DefaultRatePolicy::new()).await;
    for _ in 0..150 {
        post(&setup, HOME, "/oauth/token", &own(SECRET)).await.expect_ok();
    }
}

// DCR-027, ATK-072
#[tokio::test]
async fn a_flood_of_registrations_ends_for_whoever_sends_it() {
    let (setup, _) = with_limits(DefaultRatePolicy::new()).await;
    let register = |peer: [u8; 4]| {
        let mut request = Request::post("/oauth/register").header("content-type", "application/json");
        request.extensions_mut().unwrap().insert(Peer::new(peer.into()));
        setup.send(request.body(public().to_string()).unwrap())
    };
    for _ in 0..30 {
        expect_registered(register(HOME).await);
    }
    for _ in 30..100 {
        assert_eq!(expect_limited(register(HOME).await), 60);
    }
    expect_registered(register(ELSEWHERE).await);
}

// ATK-072: each decision leaves a grant in the store.
#[tokio::test]
async fn a_user_who_decides_without_end_is_told_to_wait_and_nobody_else_is() {
    let counting = Arc::new(Counting::default());
    let (limiter, clock) = limiter(DefaultRatePolicy::new());
    let setup = Setup::intercepted(Setup::memory_start(), &counting, |builder| builder.rate_limiter(limiter)).await;
    let request = setup.request("web");
    for _ in 0..200 {
        setup.code_for(&request).await;
    }
    let granted = setup.granted().await.len();
    counting.take();
    for _ in 0..10 {
        let answer = setup.approve(&request).await;
        assert_eq!(answer.status, 429, "{answer:?}");
        assert!(!answer.headers.contains_key("location"), "{answer:?}");
    }
    let pending = setup.pending(&request).await.unwrap();
    let token = setup.consent_token(&pending);
    let confirmed = pending.confirm(&setup.session, &setup.alice, &token).unwrap();
    let denied = setup.server.deny(confirmed).await.unwrap_err();
    assert_eq!(denied.reason(), ErrorReason::RateLimited);
    // 100 an hour: one comes back every 36 seconds.
    assert_eq!(denied.retry_after(), Some(Duration::from_secs(36)));
    let AuthorizeAnswer::Page(page) = denied.answer(Visitor::SignedIn) else { panic!("a page") };
    assert_eq!((page.status(), page.retry_after()), (StatusCode::TOO_MANY_REQUESTS, Some(Duration::from_secs(36))));
    assert!(counting.take().1.iter().all(|call| *call == "find_client"), "nothing was stored");
    assert_eq!(setup.granted().await.len(), granted);

    let bob = "bob".parse().unwrap();
    let pending = setup.pending(&request).await.unwrap();
    let token = pending.consent_token(&setup.session, &bob);
    let confirmed = pending.confirm(&setup.session, &bob, &token).unwrap();
    drop(setup.server.approve(confirmed, Approval::all()).await.unwrap());
    clock.advance(Duration::from_secs(36));
    setup.code_for(&request).await;
}

// INTRO-010, ATK-060
#[tokio::test]
async fn scanning_for_tokens_ends_for_the_client_that_does_it() {
    let (setup, _) = with_limits(DefaultRatePolicy::new()).await;
    let scan = |client: &str| setup.identify(client, Form::of(&[("token", "gr_at_guess")]));
    let mut told = Vec::new();
    for _ in 0..200 {
        let answer = setup.post("/oauth/introspect", &scan("web"), None).await;
        assert_eq!(answer.headers.contains_key("retry-after"), answer.status == 429);
        told.push(answer.status.as_u16());
    }
    assert_eq!((&told[..100], &told[100..]), (&[200; 100][..], &[429; 100][..]));
    setup.post("/oauth/introspect", &scan("other"), None).await.expect_ok();
}

#[tokio::test]
async fn who_is_kept_out_costs_the_store_nothing() {
    let counting = Arc::new(Counting::default());
    let (limiter, _) = limiter(DefaultRatePolicy::new());
    let setup = Setup::intercepted(Setup::memory_start(), &counting, |builder| builder.rate_limiter(limiter)).await;
    for _ in 0..20 {
        post(&setup, HOME, "/oauth/token", &own("wrong")).await.expect_error(401, "invalid_client");
    }
    counting.take();
    expect_limited(post(&setup, HOME, "/oauth/token", &own("wrong")).await);
    assert_eq!(counting.take(), (0, Vec::new()));
}

/// The plans of a service: so many calls of the API a minute, by tenant.
fn plans(call: &LimitedCall<'_>) -> Vec<RateLimit> {
    let Some(tenant) = call.tenant().filter(|_| call.endpoint() == Endpoint::Resource) else { return Vec::new() };
    let per_minute = match tenant.as_str() {
        "free" => 10,
        "pro" => 30,
        "bulk" => 100,
        _ => return Vec::new(),
    };
    vec![RateLimit::take(format!("plan:{tenant}"), Quota::per_minute(per_minute))]
}

#[tokio::test]
async fn each_tenant_has_the_calls_of_its_plan() {
    let (setup, clock) = with_limits(plans).await;
    for (tenant, calls, wait) in [("free", 10, 6), ("pro", 30, 2), ("bulk", 100, 1)] {
        let request = setup.request("web");
        let answer = setup.approve_with(&request, Approval::all().with_tenant(tenant.parse().unwrap())).await;
        let location = url::Url::parse(answer.header("location").unwrap()).unwrap();
        let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let tokens = setup.token(&setup.exchange("web", &code)).await.expect_ok();
        let headers = bearer(tokens.text("access_token"));
        let api = setup.server.resource_server();
        for _ in 0..calls {
            api.verify(&headers).await.unwrap();
        }
        let error = api.verify(&headers).await.unwrap_err();
        assert_eq!(error.reason(), ErrorReason::RateLimited);
        let answer = Answer::from(error.into_http()).expect_error(429, "too_many_requests");
        assert_eq!(answer.header("retry-after"), Some(wait.to_string().as_str()));
        clock.advance(Duration::from_secs(6));
        api.verify(&headers).await.unwrap();
    }
}

/// Writes down what it is asked, and says what it was told to.
#[derive(Debug)]
struct Scribe {
    asked: Mutex<Vec<String>>,
    fails: bool,
}

impl Scribe {
    fn new(fails: bool) -> Arc<Self> {
        Arc::new(Self { asked: Mutex::default(), fails })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[async_trait]
impl RateLimiter for Scribe {
    async fn check(&self, call: &LimitedCall<'_>) -> Result<RateDecision, StoreError> {
        let peer = call.peer().map_or_else(|| "-".to_owned(), |peer| peer.to_string());
        let name = |client: Option<&grantor::client::ClientId>| client.map_or("-", |client| client.as_str()).to_owned();
        let subject = call.subject().map_or("-", |subject| subject.as_str());
        self.asked.lock().unwrap().push(format!(
            "{} {:?} {peer} {} {} {subject}",
            call.endpoint().name(),
            call.stage(),
            name(call.claimed_client()),
            name(call.client()),
        ));
        if self.fails { Err(StoreError::unavailable("the limiter is down")) } else { Ok(RateDecision::Allowed) }
    }
}

#[tokio::test]
async fn a_limiter_is_told_what_is_known_at_each_stage() {
    let scribe = Scribe::new(false);
    let limiter = scribe.clone();
    let setup = Setup::memory_with(|builder| builder.rate_limiter(limiter)).await;
    post(&setup, HOME, "/oauth/token", &own(SECRET)).await.expect_ok();
    assert_eq!(scribe.take(), ["token Arrived 203.0.113.7 svc - -", "token Authenticated 203.0.113.7 svc svc -"]);
    post(&setup, HOME, "/oauth/token", &own("wrong")).await.expect_error(401, "invalid_client");
    assert_eq!(scribe.take(), ["token Arrived 203.0.113.7 svc - -", "token Failed 203.0.113.7 svc - -"]);
    // Whoever names a public client is not that client.
    let tokens = setup.tokens("pub").await;
    assert_eq!(scribe.take(), ["authorization Decided - pub - alice", "token Arrived - pub - -"]);

    let headers = bearer(tokens.text("access_token"));
    let api = setup.server.resource_server();
    api.verify(ResourceRequest::new(&headers).with_peer(Peer::new(HOME.into()))).await.unwrap();
    assert_eq!(scribe.take(), ["resource Arrived 203.0.113.7 - - -", "resource Authenticated 203.0.113.7 - pub alice"]);
    let mut request = Request::get("https://api.test/one").body(()).unwrap();
    request.extensions_mut().insert(Peer::new(ELSEWHERE.into()));
    *request.headers_mut() = bearer("gr_at_x");
    let (parts, ()) = request.into_parts();
    drop(api.verify(&parts).await.unwrap_err());
    assert_eq!(scribe.take(), ["resource Arrived 198.51.100.2 - - -", "resource Failed 198.51.100.2 - - -"]);
}

// CORS-003
#[tokio::test]
async fn a_preflight_and_a_document_ask_no_limiter() {
    let scribe = Scribe::new(false);
    let limiter = scribe.clone();
    let setup = Setup::memory_with(|builder| builder.rate_limiter(limiter)).await;
    let get = |method: Method, path: &str| Request::builder().method(method).uri(path).body(String::new()).unwrap();
    assert_eq!(setup.send(get(Method::OPTIONS, "/oauth/token")).await.status, 204);
    assert_eq!(setup.send(get(Method::GET, "/.well-known/oauth-authorization-server")).await.status, 200);
    assert!(scribe.take().is_empty());
}

#[tokio::test]
async fn a_limiter_that_fails_lets_everybody_in_and_the_operator_knows() {
    let (scribe, recorder) = (Scribe::new(true), Arc::new(Recorder::default()));
    let (limiter, observer) = (scribe.clone(), recorder.clone());
    let setup = Setup::memory_with(|builder| builder.rate_limiter(limiter).observer(observer)).await;
    let tokens = setup.token(&own(SECRET)).await.expect_ok();
    let told = recorder.take();
    let failed = told.iter().filter(|event| event.starts_with("Failed { operation: Token"));
    assert_eq!(failed.count(), 2, "{told:?}");
    assert!(setup.is_accepted(tokens.text("access_token")).await);
    assert!(recorder.take().iter().any(|event| event.starts_with("Failed { operation: Verify")));
    setup.token(&own("wrong")).await.expect_error(401, "invalid_client");
}

#[tokio::test]
async fn the_operator_is_told_of_whoever_is_limited() {
    let recorder = Arc::new(Recorder::default());
    let observer = recorder.clone();
    let once = |call: &LimitedCall<'_>| match call.stage() {
        Stage::Arrived => vec![RateLimit::take(call.endpoint().name(), Quota::per_minute(1))],
        _ => Vec::new(),
    };
    let (limiter, _) = limiter(once);
    let setup = Setup::memory_with(|builder| builder.rate_limiter(limiter).observer(observer)).await;
    let tokens = setup.token(&own(SECRET)).await.expect_ok();
    assert_eq!(expect_limited(setup.token(&own(SECRET)).await), 60);
    assert!(setup.is_accepted(tokens.text("access_token")).await);
    assert!(!setup.is_accepted(tokens.text("access_token")).await);
    let told: Vec<_> = recorder.refusals().iter().map(|refused| (refused.endpoint, refused.reason)).collect();
    assert_eq!(told, [(Endpoint::Token, ErrorReason::RateLimited), (Endpoint::Resource, ErrorReason::RateLimited)]);
}
