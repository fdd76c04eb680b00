//! What strangers may do without end, and what not: they register, they guess, and nobody has signed in.

#[path = "../../examples/provider/limits.rs"]
mod limits;
#[path = "../../examples/provider/plans.rs"]
#[expect(dead_code, reason = "the example chooses among all of them")]
mod plans;

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use grantor::observer::Endpoint;
use grantor::rate_limit::{DefaultRatePolicy, LimitedCall, Peer, Quota, RateLimit, RatePolicy as _, Stage};
use serde_json::{Value, json};

use self::limits::Limits;
use self::plans::Plan;
use super::support::{App, Example, Reply, http_client};

/// The services that anybody may register with.
const OPEN: [&str; 2] = ["snip", "clyk"];

async fn register(http: &reqwest::Client, example: &Example, metadata: &Value) -> Reply {
    Reply::of(http.post(example.url("/oauth/register")).json(metadata).send().await.unwrap()).await
}

/// Somebody whose requests come from this address of this machine.
fn at(address: [u8; 4]) -> reqwest::Client {
    reqwest::Client::builder().local_address(IpAddr::from(address)).no_proxy().build().unwrap()
}

// DCR-027, ATK-072
#[tokio::test]
async fn whoever_registers_a_thousand_clients_in_a_minute_is_told_to_wait_and_nobody_else_is() {
    for service in OPEN {
        let example = Example::start_with(&[("--service", service)]);
        let flooding = at([127, 0, 0, 1]);
        let metadata = json!({ "redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "none" });
        let mut registered = 0;
        let limited = loop {
            let replies = join_all((0..50).map(|_| register(&flooding, &example, &metadata))).await;
            registered += replies.iter().filter(|reply| reply.status == 201).count();
            if let Some(limited) = replies.into_iter().find(|reply| reply.status != 201) {
                break limited;
            }
            assert!(registered < 1_000, "{service}: there is no end to it");
        };
        // Whoever runs the tests of a client from here is not taken for a flood.
        assert!(registered >= 800, "{service}: an honest caller may register {registered} times");
        let limited = limited.expect_error(429, "too_many_requests");
        assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() > 0, "{limited:?}");
        // Of those who share the address, whoever has registered is still listened to.
        let form = [("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", "x"), ("client_id", "demo")];
        let reply = flooding.post(example.url("/oauth/token")).form(&form).send().await.unwrap();
        Reply::of(reply).await.expect_error(400, "invalid_grant");
        #[cfg(target_os = "linux")]
        register(&at([127, 0, 0, 2]), &example, &metadata).await.expect(201);
    }
}

// TOK-010, ATK-064
#[tokio::test]
async fn whoever_guesses_a_secret_fifty_times_is_kept_out_and_the_client_is_not() {
    let example = Example::start();
    let metadata = json!({ "redirect_uris": ["https://app.example/cb"], "grant_types": ["client_credentials"] });
    let client = register(&http_client(), &example, &metadata).await.expect(201);
    let ask = async |http: &reqwest::Client, secret: &str| {
        let form = [("grant_type", "client_credentials"), ("scope", "links:read")];
        let request = http.post(example.url("/oauth/token")).form(&form);
        let request = request.basic_auth(client.text("client_id"), Some(secret));
        Reply::of(request.send().await.unwrap()).await
    };
    let guessing = at([127, 0, 0, 1]);
    let answers = join_all((0..50).map(|_| ask(&guessing, "wrong"))).await;
    assert!(answers.iter().all(|reply| matches!(reply.status.as_u16(), 401 | 429)), "{answers:?}");
    let limited = answers.into_iter().find(|reply| reply.status == 429).expect("fifty guesses are too many");
    let limited = limited.expect_error(429, "too_many_requests");
    assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() > 0, "{limited:?}");
    #[cfg(target_os = "linux")]
    ask(&at([127, 0, 0, 2]), &client.text("client_secret")).await.expect(200);
    // Nobody else is taken for the one who guesses.
    let other = App::confidential(&example).await;
    other.introspect("x").await.expect(200);
}

fn limits_of(limits: Limits, peer: [u8; 4], endpoint: Endpoint, stage: Stage) -> Vec<RateLimit> {
    limits.limits(&LimitedCall::new(endpoint, stage).with_peer(Some(Peer::new(peer.into()))))
}

// DCR-027, CIMD-025
#[test]
fn whoever_comes_from_elsewhere_has_the_limits_of_the_crate_and_this_machine_more_of_each() {
    let elsewhere = [203, 0, 113, 7];
    for limits in [Limits::Strangers, Limits::On(Plan::Free)] {
        for (endpoint, stage) in [
            (Endpoint::Registration, Stage::Arrived),
            (Endpoint::Token, Stage::Arrived),
            (Endpoint::Token, Stage::Failed),
            (Endpoint::Authorization, Stage::Fetching),
        ] {
            let call = LimitedCall::new(endpoint, stage).with_peer(Some(Peer::new(elsewhere.into())));
            let usual = DefaultRatePolicy::new().limits(&call);
            assert!(!usual.is_empty());
            assert_eq!(limits_of(limits, elsewhere, endpoint, stage), usual);
            for peer in [[127, 0, 0, 1], [127, 0, 0, 2]] {
                let here = limits_of(limits, peer, endpoint, stage);
                assert_eq!(here.len(), usual.len());
                let more =
                    |here: Quota, usual: Quota| here.burst() > usual.burst() && here.interval() < usual.interval();
                assert!(here.iter().zip(&usual).all(|(here, usual)| more(here.quota(), usual.quota())), "{here:?}");
            }
        }
    }
}

// Whoever is counted together has one quota. What a client asks for from here is limited for this machine alone.
#[test]
fn what_is_counted_under_a_client_or_a_user_has_one_quota_from_everywhere() {
    let (client, subject) = ("app".parse().unwrap(), "7".parse().unwrap());
    for (endpoint, stage) in [
        (Endpoint::Introspection, Stage::Authenticated),
        (Endpoint::Authorization, Stage::Decided),
        (Endpoint::Resource, Stage::Authenticated),
    ] {
        let call = LimitedCall::new(endpoint, stage).with_client(Some(&client)).with_subject(Some(&subject));
        let [here, elsewhere] = [[127, 0, 0, 1], [203, 0, 113, 7]]
            .map(|peer| Limits::On(Plan::Pro).limits(&call.with_peer(Some(Peer::new(peer.into())))));
        assert!(!here.is_empty() && here == elsewhere, "{endpoint:?}: {here:?} {elsewhere:?}");
    }
    assert_eq!(limits_of(Limits::Strangers, [127, 0, 0, 1], Endpoint::Token, Stage::Authenticated), []);
}

// A service without plans limits none of its users.
#[test]
fn only_what_a_plan_is_sold_for_is_limited_for_users() {
    let subject = "7".parse().unwrap();
    let decided = LimitedCall::new(Endpoint::Authorization, Stage::Decided).with_subject(Some(&subject));
    let called = LimitedCall::new(Endpoint::Resource, Stage::Authenticated).with_subject(Some(&subject));
    for call in [decided, called] {
        assert_eq!(Limits::Strangers.limits(&call), []);
        assert_eq!(Limits::Off.limits(&call), []);
        assert_eq!(Limits::On(Plan::Pro).limits(&call).len(), 1);
    }
    let plan = &Limits::On(Plan::Pro).limits(&called)[0];
    assert_eq!((plan.quota().interval(), plan.quota().burst()), (Duration::from_secs(2), 30));
}

// DCR-027: what the operator reads when it starts.
#[test]
fn a_service_that_limits_nothing_says_so_when_it_starts() {
    let unlimited = ["clients register themselves without a rate limiter", "are fetched without a rate limiter"];
    for service in OPEN {
        for (variables, told) in [(&[][..], false), (&[("LIMITS", "off")], true)] {
            let example = Example::start_with(&[&[("--service", service)], variables].concat());
            let said = example.output();
            assert!(unlimited.iter().all(|finding| said.contains(finding) == told), "{service} {variables:?}: {said}");
        }
    }
}

// DCR-015
#[tokio::test]
async fn a_refused_registration_says_which_member_is_wrong() {
    let example = Example::shared();
    let http = http_client();
    for (metadata, member) in [
        (json!({ "redirect_uris": ["https://app.example/cb", "http://app.example/cb"] }), "redirect_uris[1]"),
        (json!({ "redirect_uris": ["https://app.example/cb"], "client_name": 5 }), "client_name"),
        (json!({ "redirect_uris": ["https://app.example/cb"], "logo_uri": "javascript:alert(1)" }), "logo_uri"),
    ] {
        let refused = register(&http, &example, &metadata).await.expect(400);
        assert!(refused.text("error_description").contains(member), "{refused:?}");
    }
}
