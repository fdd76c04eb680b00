//! An end to requests whose body never ends; actix-web limits the time for the head only.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _};
use futures_util::{StreamExt as _, stream};
use tokio::time::sleep;

/// The body of a request, for as long as anybody holds on to it.
type Held = Rc<RefCell<Payload>>;

/// Gives the body of a request `patience` to arrive.
pub fn limit(request: &mut ServiceRequest, patience: Duration) -> Held {
    let held: Held = Rc::new(RefCell::new(request.take_payload()));
    let mut end = Box::pin(sleep(patience));
    let payload = Rc::clone(&held);
    let limited = stream::poll_fn(move |context| match end.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(Some(Err(PayloadError::Io(ErrorKind::TimedOut.into())))),
        Poll::Pending => payload.borrow_mut().poll_next_unpin(context),
    });
    request.set_payload(Payload::Stream { payload: limited.boxed_local() });
    held
}

/// Waits for an answer, and has the connection closed behind it if the request's body was not read to its end. If
/// nobody held on to a body that comes in chunks, actix-web would read on for as long as they come.
pub async fn close_behind(
    answer: impl Future<Output = Result<ServiceResponse<impl MessageBody + 'static>, Error>>,
    held: Held,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    Ok(answer.await?.map_into_boxed_body().map_body(|_, body| Answer { body, _held: held }))
}

/// The body of an answer.
struct Answer {
    body: BoxBody,
    _held: Held,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
