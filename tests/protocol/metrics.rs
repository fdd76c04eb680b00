//! The feature `metrics`: what is counted and timed, by operation and outcome.

use std::collections::BTreeMap;
use std::sync::Arc;

use grantor::error::Retry;
use grantor::observer::{Operation, describe_metrics};
use grantor::store::Deletion;
use grantor::testkit::When;
use http::{Method, Request};
use metrics::set_default_local_recorder;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::support::failing::{Failing, Fault};
use crate::support::yielding::Yielding;
use crate::support::{Setup, bearer};

const OPERATIONS: &str = "grantor_operations_total";
const DURATION: &str = "grantor_operation_duration_seconds";

/// What was counted since the last time, as `operation outcome`, and how often.
fn counted(snapshotter: &Snapshotter, metric: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        if key.key().name() != metric {
            continue;
        }
        let labels: Vec<_> = key.key().labels().map(|label| (label.key(), label.value())).collect();
        let [("operation", operation), ("outcome", outcome)] = labels[..] else { panic!("{labels:?}") };
        let count = match value {
            DebugValue::Counter(count) => usize::try_from(count).unwrap(),
            DebugValue::Histogram(values) => {
                assert!(values.iter().all(|seconds| (0.0..600.0).contains(&seconds.into_inner())), "{values:?}");
                values.len()
            }
            DebugValue::Gauge(_) => panic!("nothing is gauged"),
        };
        if count > 0 {
            counts.insert(format!("{operation} {outcome}"), count);
        }
    }
    counts
}

#[track_caller]
fn expect(snapshotter: &Snapshotter, metric: &str, expected: &[(&str, usize)]) {
    let expected = expected.iter().map(|(labels, count)| ((*labels).to_owned(), *count)).collect();
    assert_eq!(counted(snapshotter, metric), expected);
}

#[tokio::test]
async fn operations_are_counted_by_outcome() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = set_default_local_recorder(&recorder);
    let setup = Setup::memory().await;
    let tokens = setup.tokens("web").await;
    setup.token(&setup.exchange("web", "no such code")).await.expect_error(400, "invalid_grant");
    for _ in 0..3 {
        assert!(setup.is_accepted(tokens.text("access_token")).await);
    }
    assert!(!setup.is_accepted("no such token").await);
    expect(
        &snapshotter,
        OPERATIONS,
        &[
            ("authorize ok", 2),
            ("confirm ok", 1),
            ("approve ok", 1),
            ("token ok", 1),
            ("token code_unknown", 1),
            ("verify ok", 3),
            ("verify access_token_malformed", 1),
        ],
    );
}

#[tokio::test]
async fn what_waits_is_timed_by_the_kind_of_its_outcome_and_the_rest_is_not() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = set_default_local_recorder(&recorder);
    let failing = Arc::new(Failing::default());
    let setup = Setup::intercepted(Setup::memory_start(), &failing, |builder| builder).await;
    let tokens = setup.tokens("web").await;
    let access = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap();
    drop(access.require("admin").unwrap_err());
    setup.token(&setup.exchange("web", "no such code")).await.expect_error(400, "invalid_grant");
    failing.arm(Fault { method: "find_client", when: When::Before, retry: Retry::CanHelp, skip: 0 });
    setup.token(&setup.exchange("web", "no such code")).await.expect_error(503, "temporarily_unavailable");
    expect(
        &snapshotter,
        DURATION,
        &[
            ("authorize ok", 2),
            ("approve ok", 1),
            ("token ok", 1),
            ("token refused", 1),
            ("token failed", 1),
            ("verify ok", 1),
        ],
    );
}

#[tokio::test]
async fn an_operation_whose_caller_goes_away_is_abandoned() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = set_default_local_recorder(&recorder);
    let setup = Setup::intercepted(Setup::memory_start(), &Arc::new(Yielding), |builder| builder).await;
    let form = setup.exchange("web", &setup.code("web").await);
    counted(&snapshotter, OPERATIONS);
    assert!(setup.drop_after(1, setup.token(&form)).await.is_none());
    expect(&snapshotter, OPERATIONS, &[("token abandoned", 1)]);
    assert!(setup.drop_after(1, setup.token(&form)).await.is_none());
    assert!(setup.drop_after(0, setup.token(&form)).await.is_none(), "what never began is not counted");
    expect(&snapshotter, DURATION, &[("token abandoned", 1)]);
}

#[tokio::test]
async fn what_is_refused_before_it_begins_is_counted_for_its_operation() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = set_default_local_recorder(&recorder);
    let setup = Setup::memory().await;
    for (method, path) in [
        (Method::GET, "/oauth/token"),
        (Method::POST, "/oauth/register/client_x"),
        (Method::GET, "/.well-known/oauth-authorization-server"),
        (Method::GET, "/oauth/nowhere"),
    ] {
        setup.send(Request::builder().method(method).uri(path).body(String::new()).unwrap()).await;
    }
    let large = Request::put("/oauth/register/client_x").body("x".repeat(100_000)).unwrap();
    assert_eq!(setup.send(large).await.status, 413);
    expect(
        &snapshotter,
        OPERATIONS,
        &[
            ("token method_not_allowed", 1),
            ("read_registration method_not_allowed", 1),
            ("metadata ok", 1),
            ("metadata endpoint_unknown", 1),
            ("replace_registration request_too_large", 1),
        ],
    );
}

#[tokio::test]
async fn a_store_that_fails_the_host_counts_as_the_stores_failure() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = set_default_local_recorder(&recorder);
    let failing = Arc::new(Failing::default());
    let setup = Setup::intercepted(Setup::memory_start(), &failing, |builder| builder).await;
    failing.arm(Fault { method: "revoke_subject", when: When::Before, retry: Retry::CannotHelp, skip: 0 });
    drop(setup.server.revoke_subject(&setup.alice).await.unwrap_err());
    setup.server.revoke_subject(&setup.alice).await.unwrap();
    // One call of the host is one operation, whatever it consists of.
    let web = "web".parse().unwrap();
    assert_eq!(setup.server.delete_client(&web).await.unwrap(), Deletion::Deleted);
    assert_eq!(setup.server.delete_own_client(&setup.alice, &web).await.unwrap(), Deletion::Unknown);
    expect(
        &snapshotter,
        OPERATIONS,
        &[
            ("revoke_subject store_failed", 1),
            ("revoke_subject ok", 1),
            ("delete_client ok", 1),
            ("delete_own_client ok", 1),
        ],
    );
}

#[tokio::test]
async fn a_recorder_that_comes_after_the_server_counts_all_the_same() {
    let setup = Setup::memory().await;
    setup.tokens("web").await;
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = set_default_local_recorder(&recorder);
    setup.tokens("web").await;
    expect(&snapshotter, OPERATIONS, &[("authorize ok", 2), ("confirm ok", 1), ("approve ok", 1), ("token ok", 1)]);
    describe_metrics();
    assert!(snapshotter.snapshot().into_vec().iter().all(|(_, unit, text, _)| unit.is_some() && text.is_some()));
}

#[tokio::test]
async fn building_a_server_describes_the_metrics() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = set_default_local_recorder(&recorder);
    Setup::memory().await.tokens("web").await;
    let described = snapshotter.snapshot().into_vec();
    assert!(described.len() > 4);
    for (key, unit, text, _) in described {
        assert!(unit.is_some() && text.is_some_and(|text| text.ends_with('.')), "{key:?}");
    }
}

#[test]
fn operations_have_distinct_names_in_snake_case() {
    let names: std::collections::HashSet<_> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(names.len(), Operation::ALL.len());
    assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
}
