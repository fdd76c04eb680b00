//! Services that are no authorization server at all. A row that one of them satisfies asks for nothing.

use bytes::Bytes;
use grantor::testkit::TestServer;
use grantor::testkit::protocol::Outcome;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};

async fn expect_no_row_holds(answer: impl Fn() -> Response<Bytes> + Clone + Send + Sync + 'static) {
    let service = move |_: Request<Bytes>| {
        let response = answer();
        async move { response }
    };
    let report = TestServer::new().protocol_suite_through(service).await.run_all().await;
    let satisfied = report.rows().iter().filter(|row| row.outcome() != Outcome::Failed);
    let satisfied: Vec<_> = satisfied.map(|row| row.row().id()).collect();
    assert_eq!(satisfied, [""; 0]);
}

#[tokio::test]
async fn a_server_that_knows_no_path_satisfies_no_row() {
    expect_no_row_holds(|| of_status(StatusCode::NOT_FOUND)).await;
}

#[tokio::test]
async fn a_server_that_refuses_everything_satisfies_no_row() {
    expect_no_row_holds(|| {
        let mut response = of_status(StatusCode::BAD_REQUEST);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        *response.body_mut() = Bytes::from_static(b"{\"error\":\"invalid_request\"}");
        response
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_down_satisfies_no_row() {
    expect_no_row_holds(|| of_status(StatusCode::SERVICE_UNAVAILABLE)).await;
}

#[tokio::test]
async fn a_server_that_says_yes_to_everything_satisfies_no_row() {
    expect_no_row_holds(|| of_status(StatusCode::OK)).await;
}

fn of_status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
