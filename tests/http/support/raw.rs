//! HTTP written by hand, for what no client library would send.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::example::Example;

/// A response as it arrived.
#[derive(Debug)]
pub struct RawReply {
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    pub body: String,
}

impl RawReply {
    /// The value of a header.
    pub fn header(&self, wanted: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    }
}

/// Sends bytes on a connection of their own, and reads until the server closes it: the request should ask for that.
pub fn send(example: &Example, request: impl AsRef<[u8]>) -> RawReply {
    let mut connection = TcpStream::connect(example.address()).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A server may refuse what is too long before it has read it all.
    match connection.write_all(request.as_ref()) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
        Err(error) => panic!("{error}"),
    }
    let mut response = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match connection.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => response.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset && !response.is_empty() => break,
            Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&response)),
        }
    }
    let response = String::from_utf8(response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: {response:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    RawReply { status, head: head.to_owned(), body: body.to_owned() }
}

/// Sends bytes and closes the connection without waiting for an answer.
pub fn send_and_leave(example: &Example, request: impl AsRef<[u8]>) {
    let mut connection = TcpStream::connect(example.address()).unwrap();
    connection.write_all(request.as_ref()).unwrap();
}

/// A form POST as text, on a connection that ends with it.
pub fn form(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}
