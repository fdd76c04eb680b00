//! How a broken adapter is shown to be caught.

use bytes::Bytes;
use grantor::testkit::TestServer;
use grantor::testkit::protocol::{Outcome, Row};
use http::{Request, Response};

/// Runs the rows with these numbers through `adapter`: each has to fail, and to hold without it.
pub async fn expect_caught<Answer>(
    adapter: impl Fn(TestServer, Request<Bytes>) -> Answer + Clone + Send + Sync + 'static,
    rows: &[&str],
) where
    Answer: Future<Output = Response<Bytes>> + Send + 'static,
{
    assert!(!rows.is_empty());
    for id in rows {
        let row = Row::all().find(|row| row.id() == *id).unwrap_or_else(|| panic!("there is no row {id}"));
        let server = TestServer::new();
        server.protocol_suite().await.check(row).await;

        let (server, adapter) = (TestServer::new(), adapter.clone());
        let inner = server.clone();
        let service = move |request: Request<Bytes>| adapter(inner.clone(), request);
        let report = server.protocol_suite_through(service).await.run(row).await;
        assert_eq!(report.outcome(), Outcome::Failed, "{id} does not notice");
    }
}

/// The text of a form or query as pairs.
pub fn pairs(encoded: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(encoded.as_bytes()).into_owned().collect()
}

/// The same request with another query.
pub fn with_query(request: Request<Bytes>, query: &str) -> Request<Bytes> {
    let (mut parts, body) = request.into_parts();
    parts.uri = format!("{}?{query}", parts.uri.path()).parse().unwrap();
    Request::from_parts(parts, body)
}
