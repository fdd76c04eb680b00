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

/// A body of which this much was declared, and whose connection breaks.
struct Broken(u64);

impl Body for Broken {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(Some(Err("connection reset")))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

/// How often a body of `chunks` kibibytes that says to be of `declared` bytes is read from, and how it is answered.
async fn reads_of(setup: &Setup, path: &str, expect: Option<&str>, declared: u64, chunks: usize) -> (usize, Answer) {
    let reads = Arc::new(AtomicUsize::new(0));
    let body = Stream { declared, chunks, reads: Arc::clone(&reads) };
    let content_type = if path == "/oauth/register" { "application/json" } else { FORM };
    let mut request = Request::post(path).header("content-type", content_type).body(body).unwrap();
    if let Some(expect) = expect {
        request.headers_mut().insert("expect", expect.parse().unwrap());
    }
    let answer = Answer::from(setup.server.handle(request).await);
    assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    (reads.load(Ordering::Relaxed), answer)
}

// HTTP-013
#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whatever_it_declares() {
    let setup = Setup::memory_with(|builder| builder.body_limit(4 * 1_024)).await;
    for path in POSTED {
        for (declared, chunks) in [(0, 5), (5 * 1_024, 5), (0, 2_000), (0, usize::MAX), (1 << 40, usize::MAX)] {
            let (_, answer) = reads_of(&setup, path, None, declared, chunks).await;
            answer.expect_error(413, "invalid_request");
        }
        // What is just small enough is read to its end.
        let (reads, answer) = reads_of(&setup, path, None, 0, 4).await;
        assert!(reads == 5 && answer.status != 413, "{path}: {answer:?}");
    }
    setup.tokens("pub").await;
}

// HTTP-013: a client that is still sending when the connection closes may never see the answer.
#[tokio::test]
async fn a_client_that_is_still_sending_may_finish_within_reason() {
    let setup = Setup::memory_with(|builder| builder.body_limit(4 * 1_024)).await;
    for path in POSTED {
        let (reads, _) = reads_of(&setup, path, None, 2_000 * 1_024, 2_000).await;
        assert_eq!(reads, 2_001, "{path}");
        // Four mebibytes are enough, and what says beforehand that it is more is not looked at.
        let (reads, _) = reads_of(&setup, path, None, 0, usize::MAX).await;
        assert_eq!(reads, 4_097, "{path}");
        let (reads, _) = reads_of(&setup, path, None, 1 << 40, usize::MAX).await;
        assert_eq!(reads, 0, "{path}");
        // Nor is what a client asks leave to send.
        let (reads, _) = reads_of(&setup, path, Some("100-continue"), 2_000 * 1_024, 2_000).await;
        assert_eq!(reads, 0, "{path}");
    }
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
        for (declared, status) in [(0, 400), (100, 400), (70_000, 413)] {
            let request = Request::post(path).header("content-type", FORM).body(Broken(declared)).unwrap();
            Answer::from(setup.server.handle(request).await).expect_error(status, "invalid_request");
        }
    }
}
