//! Closing a connection without losing the answer.
//!
//! A request may be answered before its body has been read. A socket that is closed while more arrives resets the
//! connection, and many clients then report that instead of the answer that they were sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How much is read, and not looked at, after the last answer, in bytes.
const MAX_REST: usize = 16 * 1024 * 1024;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection that is read to its end, within bounds, once nothing more will be written.
#[derive(Debug)]
pub struct Lingering {
    stream: TcpStream,
    rest: Option<Rest>,
}

/// How much more is read, and until when.
#[derive(Debug)]
struct Rest {
    bytes: usize,
    end: Pin<Box<Sleep>>,
}

impl Lingering {
    /// An open connection.
    pub const fn new(stream: TcpStream) -> Self {
        Self { stream, rest: None }
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Says that nothing more will come, and waits until the client has said so too.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, rest } = &mut *self;
        let rest = match rest {
            Some(rest) => rest,
            None => {
                ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
                rest.insert(Rest { bytes: MAX_REST, end: Box::pin(sleep(PATIENCE)) })
            }
        };
        let mut chunk = [0; 8 * 1024];
        while rest.bytes > 0 && rest.end.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut chunk);
            // A client that has gone altogether needs no more care than one that has said its last.
            if ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer)).is_err() || buffer.filled().is_empty() {
                break;
            }
            rest.bytes = rest.bytes.saturating_sub(buffer.filled().len());
        }
        Poll::Ready(Ok(()))
    }
}
