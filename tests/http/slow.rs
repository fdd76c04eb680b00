//! Clients that never come to an end, from lack of a network or from malice.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::support::raw::form;
use super::support::{Example, http_client};

/// Far more than the limit that the tests set: a machine may be busy.
const END: Duration = Duration::from_secs(60);

/// Sends `beginning`, and then a byte from time to time for as long as the server listens; what it answered.
#[track_caller]
fn drip(example: &Example, beginning: &str) -> String {
    let mut connection = TcpStream::connect(example.address()).unwrap();
    connection.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    connection.write_all(beginning.as_bytes()).unwrap();
    let began = Instant::now();
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        assert!(began.elapsed() < END, "the server still listens after {beginning:?}");
        match connection.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&chunk[..length]),
            Err(error) if is_no_end(error.kind()) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}"),
        }
        if connection.write_all(b"a").is_err() {
            break;
        }
    }
    String::from_utf8(answer).unwrap()
}

/// Whether more may come yet.
fn is_no_end(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[tokio::test]
async fn a_request_that_trickles_in_is_cut_off_whether_head_or_body() {
    let example = Example::start_with(&[("REQUEST_TIMEOUT", "1")]);
    for head in ["", "G", "POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "] {
        let answer = drip(&example, head);
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    // The second request on a connection, too.
    let first = "GET /assets/icon.svg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let answer = drip(&example, &format!("{first}GET /oauth/"));
    assert!(answer.starts_with("HTTP/1.1 200") && !answer[1..].contains("HTTP/1.1 2"), "{answer}");
    // A body that nobody waits for: the answer came at once, and the rest is of no use.
    for path in ["/oauth/token", "/signin"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n");
        for framing in ["Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n20000\r\n"] {
            let answer = drip(&example, &format!("{head}{framing}"));
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        }
    }
    for path in ["/oauth/token", "/oauth/register", "/signin", "/oauth/authorize", "/api/v1/links"] {
        let whole = form(path, "Authorization: Bearer nonsense\r\n", &"a".repeat(10_000));
        let (head, _) = whole.split_once("\r\n\r\n").unwrap();
        let answer = drip(&example, &format!("{head}\r\n\r\n"));
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
    }
    assert_eq!(http_client().get(example.url("/")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn who_says_nothing_after_an_answer_is_cut_off_too() {
    let example = Example::start_with(&[("REQUEST_TIMEOUT", "1")]);
    let mut connection = TcpStream::connect(example.address()).unwrap();
    connection.set_read_timeout(Some(END)).unwrap();
    connection.write_all(b"GET /assets/icon.svg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
