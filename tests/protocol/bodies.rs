//! Bodies: read up to the limit whatever they declare, and refused in JSON when they break.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};

use crate::http::{FORM, POSTED, send};
use crate::support::{Answer, Setup};

/// A body that says how long it is, and how long it really is; it counts how often it is read from.
struct Stream {
    declared: u64,
    chunks: usize,
    reads: Arc<AtomicUsize>,
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.chunks == 0 {
            return Poll::Ready(None);
        }
        self.chunks -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'a'; 1_024])))))
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.declared);
        hint
    }
}

/// A body whose connection breaks.
struct Broken;

impl Body for Broken {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(Some(Err("connection reset")))
    }
}

// HTTP-013
#[tokio::test]
async fn a_body_is_read_up_to_the_limit_and_no_further() {
    let setup = Setup::memory_with(|builder| builder.body_limit(4 * 1_024)).await;
    for path in POSTED {
        for (declared, chunks, most, status) in [
            // What says that it is too large is not even looked at.
            (1 << 40, usize::MAX, 0, 413),
            // What does not say so is read until it is.
            (0, usize::MAX, 5, 413),
            (0, 5, 5, 413),
            // What is just small enough is read to its end.
            (0, 4, 5, 0),
        ] {
            let reads = Arc::new(AtomicUsize::new(0));
            let body = Stream { declared, chunks, reads: Arc::clone(&reads) };
            let content_type = if path == "/oauth/register" { "application/json" } else { FORM };
            let request = Request::post(path).header("content-type", content_type).body(body).unwrap();
            let answer = Answer::from(setup.server.handle(request).await);
            assert_eq!(answer.status == 413, status == 413, "{path} {declared} {chunks}: {answer:?}");
            assert!(reads.load(Ordering::Relaxed) <= most, "{path} {declared} {chunks}: {reads:?} reads");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        }
    }
    setup.tokens("pub").await;
}

// HTTP-013
#[tokio::test]
async fn a_mebibyte_is_too_large_by_default() {
    let setup = Setup::memory().await;
    for path in POSTED {
        let content_type = if path == "/oauth/register" { "application/json" } else { FORM };
        let answer = send(&setup, "POST", path, content_type, &"a".repeat(1 << 20)).await;
        answer.expect_error(413, "invalid_request");
    }
}

// HTTP-017
#[tokio::test]
async fn a_body_that_breaks_off_is_refused_in_json() {
    let setup = Setup::memory().await;
    for path in POSTED {
        let request = Request::post(path).header("content-type", FORM).body(Broken).unwrap();
        Answer::from(setup.server.handle(request).await).expect_error(400, "invalid_request");
    }
}
