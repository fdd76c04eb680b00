//! Numbers for the operator, in the text form of Prometheus.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The media type of what is rendered.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Latencies that tell a memory from a disk, a disk from a network, and a network from trouble, in seconds.
const BUCKETS: [f64; 10] = [0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
/// How often what was measured is summed up, so that it does not pile up while nobody asks.
const SUM_UP_EVERY: Duration = Duration::from_secs(5);

/// Records what the process measures, from now on. The error is one line for the operator.
pub fn record() -> Result<PrometheusHandle, String> {
    let builder = PrometheusBuilder::new();
    let builder = builder.set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), &BUCKETS);
    let recorder = builder.and_then(PrometheusBuilder::install_recorder);
    recorder.map_err(|error| format!("METRICS_ADDR: nothing can be recorded: {error}"))
}

/// Sums up what was measured, for as long as the process runs.
pub async fn sum_up_forever(recorded: PrometheusHandle) {
    let mut turn = tokio::time::interval(SUM_UP_EVERY);
    loop {
        turn.tick().await;
        recorded.run_upkeep();
    }
}
