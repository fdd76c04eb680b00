//! The numbers for the operator, and for nobody else.

use super::support::{ADA, App, Browser, Example, http_client};

/// The page of the numbers, where the example says it is.
pub async fn metrics(example: &Example) -> String {
    let output = example.output();
    let url = output.lines().find_map(|line| line.strip_prefix("Snip's metrics are at ")).expect("a line");
    let response = http_client().get(url).send().await.unwrap().error_for_status().unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    response.text().await.unwrap()
}

/// The value of a metric with these labels.
#[track_caller]
fn value(metrics: &str, metric: &str) -> u64 {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(metric))
        .unwrap_or_else(|| panic!("no {metric} in {metrics}"));
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn what_is_done_is_counted_by_outcome_and_timed() {
    let example = Example::start_with(&[("METRICS_ADDR", "127.0.0.1:0")]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let app = App::public(&example).await;
    let tokens = app.connect(&mut ada, "links:read").await;
    app.exchange("no such code", &"v".repeat(43)).await.expect(400);
    for _ in 0..3 {
        app.call("/links", &tokens.access).await.expect(200);
    }
    let metrics = metrics(&example).await;
    for (labels, count) in [
        ("{operation=\"token\",outcome=\"ok\"}", 1),
        ("{operation=\"token\",outcome=\"code_unknown\"}", 1),
        ("{operation=\"verify\",outcome=\"ok\"}", 3),
        ("{operation=\"register\",outcome=\"ok\"}", 1),
    ] {
        assert_eq!(value(&metrics, &format!("grantor_operations_total{labels}")), count, "{labels}");
    }
    let timed = "grantor_operation_duration_seconds_count{operation=\"token\",outcome=\"refused\"}";
    assert_eq!(value(&metrics, timed), 1);
    for metric in ["grantor_operations_total counter", "grantor_operation_duration_seconds histogram"] {
        assert!(metrics.contains(&format!("# TYPE {metric}")), "{metric}");
    }
    assert!(metrics.contains("# HELP grantor_operations_total "));
}

#[tokio::test]
async fn numbers_are_not_for_the_public_and_by_default_for_nobody() {
    let example = Example::start_with(&[("METRICS_ADDR", "127.0.0.1:0")]);
    let public = http_client().get(example.url("/metrics")).send().await.unwrap();
    assert_eq!(public.status(), 404);
    assert!(!Example::shared().output().contains("metrics"));
}
