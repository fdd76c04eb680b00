//! Answers that go on for long, and no longer than what they were asked with.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};

use super::{Access, ResourceServer};
use crate::clock::Timestamp;

/// For how long what was checked counts as checked: an answer that comes at once costs no second look.
const FRESH: Duration = Duration::from_secs(1);

/// The body of an answer that ends with what it was asked with: see [`ResourceServer::watch`].
pub struct Watched<B: Body> {
    /// `None` once it is over.
    body: Option<Pin<Box<B>>>,
    server: ResourceServer,
    access: Access,
    checked_at: Timestamp,
    /// What may be passed on if the check turns out well.
    held: Option<(Frame<B::Data>, Check)>,
}

type Check = Pin<Box<dyn Future<Output = bool> + Send>>;

impl<B: Body> Unpin for Watched<B> {}

impl<B: Body> fmt::Debug for Watched<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched(..)")
    }
}

impl ResourceServer {
    /// Lets an answer that goes on for long, such as a stream of events, go on for as long as what the call was let in with is
    /// good.
    ///
    /// Each part of it that comes a second or more after the last check is checked for, by
    /// [`verify_again`](Self::verify_again). Once that fails the body ends, and nothing more is passed on. One that sends
    /// nothing is not checked for and stays open, so let it send a sign of life now and then. A body that comes at once is
    /// passed on as it is. So access tokens have to live for longer than the slowest call: what comes after the end of its token
    /// is not passed on, though it was done.
    pub fn watch<B: Body>(&self, body: B, access: Access) -> Watched<B> {
        let checked_at = access.checked_at;
        Watched { body: Some(Box::pin(body)), server: self.clone(), access, checked_at, held: None }
    }
}

impl<B: Body> Watched<B> {
    /// Whether the last check counts still. A clock that was set back does not make it count for longer.
    fn is_fresh(&self) -> bool {
        let now = self.server.clock.now();
        (self.checked_at..self.checked_at.saturating_add(FRESH)).contains(&now)
    }

    fn check(&self) -> Check {
        let (server, access) = (self.server.clone(), self.access.clone());
        Box::pin(async move { server.verify_again(&access).await.is_ok() })
    }
}

impl<B: Body> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        if self.held.is_none() {
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            match ready!(body.as_mut().poll_frame(context)) {
                Some(Ok(frame)) if !self.is_fresh() => self.held = Some((frame, self.check())),
                passed => return Poll::Ready(passed),
            }
        }
        let Some((_, check)) = &mut self.held else { return Poll::Ready(None) };
        let good = ready!(check.as_mut().poll(context));
        let held = self.held.take().filter(|_| good);
        if good {
            self.checked_at = self.server.clock.now();
        } else {
            // Whoever sends learns that nobody listens.
            self.body = None;
        }
        Poll::Ready(held.map(|(frame, _)| Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.body.as_ref().is_none_or(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Some(body) if self.held.is_none() => body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}
