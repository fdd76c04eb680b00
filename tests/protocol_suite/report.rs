//! What the suite reports.

use std::collections::HashSet;

use bytes::Bytes;
use grantor::testkit::TestServer;
use grantor::testkit::protocol::{Feature, Outcome, Row, Suite};
use http::Request;

#[test]
fn a_row_has_one_number_one_name_and_a_source() {
    let (mut ids, mut names) = (HashSet::new(), HashSet::new());
    for row in Row::all() {
        assert!(ids.insert(row.id()), "{} occurs twice", row.id());
        assert!(names.insert(row.name()), "{} occurs twice", row.name());
        let number = row.id().to_ascii_lowercase().replace('-', "_");
        assert!(row.name().starts_with(&format!("{number}_")), "{} is the function of {}", row.name(), row.id());
        assert!(row.statement().ends_with('.') && !row.source().is_empty(), "{}", row.id());
    }
    assert!(ids.len() > 300, "{} rows", ids.len());
}

#[tokio::test]
async fn every_row_is_asked_of_the_crate_and_holds() {
    let report = TestServer::new().protocol_suite().await.run_all().await;
    let failed: String = report.failed().map(ToString::to_string).collect();
    assert_eq!(failed, "");
    assert!(report.rows().iter().all(|row| row.outcome() == Outcome::Passed), "{report}");
    assert_eq!(report.to_json()["passed"], Row::all().count());
}

/// A server that has lost its token endpoint.
async fn without_tokens(server: TestServer) -> Suite {
    let inner = server.clone();
    let service = move |request: Request<Bytes>| {
        let server = inner.clone();
        async move {
            let lost = request.uri().path() == "/oauth/token";
            let request = if lost { Request::get("/nowhere").body(Bytes::new()).unwrap() } else { request };
            server.respond(request).await
        }
    };
    server.protocol_suite_through(service).await
}

#[tokio::test]
async fn a_failed_row_shows_why_and_everything_that_was_said() {
    let suite = without_tokens(TestServer::new()).await;
    let report = suite.run(Row::all().find(|row| row.id() == "PKCE-001").unwrap()).await;
    assert_eq!(report.outcome(), Outcome::Failed);
    let text = report.to_string();
    assert!(text.contains("PKCE-001") && text.contains("MUST") && text.contains("RFC 7636"), "{text}");
    assert!(text.contains("> POST /oauth/token HTTP/1.1") && text.contains("< HTTP/1.1 404 Not Found"), "{text}");
    assert_eq!(report.exchanges().last().map(|exchange| exchange.response().starts_with("HTTP/1.1 404")), Some(true));
}

#[tokio::test]
async fn the_whole_report_counts_and_is_json_too() {
    let suite = without_tokens(TestServer::new()).await;
    let report = suite.run_all().await;
    let json = report.to_json();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), Row::all().count());
    let count = |outcome: &str| rows.iter().filter(|row| row["outcome"] == outcome).count();
    assert_eq!(
        (json["passed"].as_u64(), json["failed"].as_u64()),
        (Some(count("pass") as u64), Some(count("fail") as u64))
    );
    assert!(count("pass") > 0 && count("fail") > 0);
    // One reason stands for most of what fails, and comes first.
    let first = &json["reasons"][0];
    assert!(first["why"].as_str().is_some_and(|why| why.ends_with("(last: POST /oauth/token)")), "{first}");
    let reasons = json["reasons"].as_array().unwrap();
    let named: usize = reasons.iter().map(|reason| reason["rows"].as_array().unwrap().len()).sum();
    assert_eq!(named, count("fail"));
    let last = report.to_string().lines().last().map(ToOwned::to_owned);
    let expected = format!("{} rows passed, {} failed, 0 do not apply", count("pass"), count("fail"));
    assert_eq!(last, Some(expected));
}

#[tokio::test]
async fn a_feature_that_a_target_does_without_is_not_asked_about() {
    let server = TestServer::new();
    let inner = server.clone();
    let service = move |request: Request<Bytes>| {
        let server = inner.clone();
        async move { server.respond(request).await }
    };
    let profile = TestServer::protocol_profile().without(Feature::Revocation);
    let suite = Suite::new(service, server.protocol_host(), profile);
    let row = Row::all().find(|row| row.id() == "REV-001").unwrap();
    let report = suite.run(row).await;
    assert_eq!(report.outcome(), Outcome::NotApplicable);
    assert!(report.exchanges().is_empty());
    assert!(report.to_string().contains("revocation endpoint"));
    suite.check(row).await;
}
