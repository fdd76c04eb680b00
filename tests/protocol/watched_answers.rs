//! Answers that go on for longer than a request, and no longer than the token that it came with.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, TryStreamExt as _, stream};
use grantor::Watched;
use grantor::error::Retry;
use grantor::testkit::When;
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::support::counting::Counting;
use crate::support::failing::{Failing, Fault};
use crate::support::{Setup, bearer};

const SECOND: Duration = Duration::from_secs(1);

/// An answer with this token, and what its events come by.
async fn stream(
    setup: &Setup,
    token: &str,
) -> (UnboundedSender<&'static str>, Watched<impl Body<Data = Bytes, Error = Infallible> + use<>>) {
    let access = setup.server.resource_server().verify(&bearer(token)).await.unwrap();
    let (sender, receiver) = unbounded_channel();
    let events = stream::unfold(receiver, async |mut events| Some((Ok(Bytes::from(events.recv().await?)), events)));
    (sender, setup.server.resource_server().watch(StreamBody::new(events.map_ok(Frame::data)), access))
}

/// What comes next, if anything does though somebody else is let do their work in between; nothing is the end.
fn next(answer: &mut Watched<impl Body<Data = Bytes, Error = Infallible>>) -> Option<Option<Bytes>> {
    let frame = (0..10).find_map(|_| answer.frame().now_or_never())?;
    Some(frame.map(|frame| frame.unwrap().into_data().unwrap()))
}

async fn counted() -> (Setup, Arc<Counting>, String) {
    let counting = Arc::new(Counting::default());
    let setup = Setup::intercepted(Setup::memory_start(), &counting, |builder| builder).await;
    let token = setup.tokens("pub").await.text("access_token").to_owned();
    (setup, counting, token)
}

fn event(text: &'static str) -> Option<Option<Bytes>> {
    Some(Some(Bytes::from(text)))
}

#[tokio::test]
async fn an_event_is_looked_up_for_if_it_comes_a_second_after_the_last_check() {
    let (setup, counting, token) = counted().await;
    let (sender, mut answer) = stream(&setup, &token).await;
    counting.take();
    for (passes, event_, reads) in [(0, "a", 0), (999, "b", 0), (1, "c", 1), (999, "d", 0), (60_000, "e", 1)] {
        setup.clock.advance(Duration::from_millis(passes));
        assert_eq!(next(&mut answer), None, "nothing has come");
        sender.send(event_).unwrap();
        assert_eq!(next(&mut answer), event(event_));
        assert_eq!(counting.take().1, ["find_access_token"].repeat(reads), "{event_}");
    }
    // A clock that is put right does not make the last check count for longer.
    setup.clock.set_back(Duration::from_hours(1));
    sender.send("f").unwrap();
    assert_eq!(next(&mut answer), event("f"));
    assert_eq!(counting.take().1, ["find_access_token"]);
    drop(sender);
    assert_eq!(next(&mut answer), Some(None));
}

#[tokio::test]
async fn nothing_is_told_after_access_was_taken_back() {
    let (setup, _, token) = counted().await;
    let other = setup.tokens("pub").await.text("access_token").to_owned();
    let (sender, mut answer) = stream(&setup, &token).await;
    let (others, mut go_on) = stream(&setup, &other).await;
    setup.revoke("pub", &token).await.expect_ok();
    setup.clock.advance(SECOND);
    for sender in [&sender, &others] {
        sender.send("a").unwrap();
        sender.send("b").unwrap();
    }
    assert_eq!(next(&mut answer), Some(None));
    assert_eq!(next(&mut answer), Some(None), "and that is the end");
    assert!(answer.is_end_stream() && sender.is_closed(), "whoever sends learns of it");
    assert_eq!([next(&mut go_on), next(&mut go_on)], [event("a"), event("b")]);
}

#[tokio::test]
async fn nothing_is_told_after_the_token_has_expired() {
    let (setup, _, token) = counted().await;
    let (sender, mut answer) = stream(&setup, &token).await;
    for (passes, expected) in [(3_599, event("a")), (1, Some(None))] {
        setup.clock.advance(SECOND * passes);
        sender.send("a").unwrap();
        assert_eq!(next(&mut answer), expected);
    }
}

#[tokio::test]
async fn nothing_is_told_while_the_store_cannot_tell() {
    let failing = Arc::new(Failing::default());
    let setup = Setup::intercepted(Setup::memory_start(), &failing, |builder| builder).await;
    let token = setup.tokens("pub").await.text("access_token").to_owned();
    let (sender, mut answer) = stream(&setup, &token).await;
    setup.clock.advance(SECOND);
    failing.arm(Fault { method: "find_access_token", when: When::Before, retry: Retry::CanHelp, skip: 0 });
    sender.send("a").unwrap();
    assert_eq!(next(&mut answer), Some(None));
}

#[tokio::test]
async fn an_answer_that_is_all_there_is_passed_on_as_it_is() {
    let (setup, counting, token) = counted().await;
    let access = setup.server.resource_server().verify(&bearer(&token)).await.unwrap();
    counting.take();
    let mut whole = setup.server.resource_server().watch(Full::new(Bytes::from("all")), access);
    assert_eq!((whole.size_hint().exact(), whole.is_end_stream()), (Some(3), false));
    assert_eq!(next(&mut whole), event("all"));
    assert!(whole.is_end_stream() && counting.take().1.is_empty());
}

#[tokio::test]
async fn an_answer_that_is_late_is_passed_on_only_if_its_token_is_good_still() {
    let setup = Setup::memory().await;
    let token = setup.tokens("pub").await.text("access_token").to_owned();
    let server = setup.server.resource_server();
    let access = [server.verify(&bearer(&token)).await.unwrap(), server.verify(&bearer(&token)).await.unwrap()];
    // Whoever answers took that long, and only then has something to pass on.
    setup.clock.advance(SECOND);
    let [good, taken_back] = access.map(|access| server.watch(Full::new(Bytes::from("all")), access));
    assert_eq!(next(&mut { good }), event("all"));
    setup.revoke("pub", &token).await.expect_ok();
    assert_eq!(next(&mut { taken_back }), Some(None));
}
