//! Bodies that are larger than anybody needs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::support::{ADA, App, Browser, Example, raw};

/// The places of the service's own that read a body, each with the headers that make them look at it.
async fn places(example: &Example) -> Vec<(&'static str, String)> {
    let mut browser = Browser::signed_in(example, ADA).await;
    let token = App::public(example).await.connect(&mut browser, "links:write").await.access;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let cookie = format!("Cookie: snip={}\r\n", browser.cookie("snip").unwrap());
    let json = format!("Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n");
    vec![
        ("/signin", form.to_owned()),
        ("/oauth/authorize", form.to_owned()),
        ("/links", format!("{form}{cookie}")),
        ("/api/v1/links", json),
    ]
}

fn head(path: &str, headers: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n")
}

#[tokio::test]
async fn a_body_that_is_declared_too_large_is_refused_before_any_of_it_arrives() {
    let example = Example::shared();
    for (path, headers) in places(&example).await {
        for length in [300_000, 1 << 30] {
            let reply = raw::send(&example, head(path, &headers, length));
            assert_eq!(reply.status, 413, "{path}: {reply:?}");
        }
    }
    for length in [64 * 1024 + 1, 70_000] {
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        assert_eq!(raw::send(&example, head("/signin", headers, length)).status, 413, "{length}");
    }
}

#[tokio::test]
async fn who_asks_before_sending_too_much_is_refused_at_once() {
    let example = Example::shared();
    for (path, headers) in places(&example).await {
        let reply = raw::send(&example, head(path, &format!("{headers}Expect: 100-continue\r\n"), 1 << 30));
        // actix-web tells everybody to go on, before the service sees the request; then it closes the connection.
        let told = if crate::EXAMPLE == "actix" && reply.status == 100 { &reply.body } else { &reply.head };
        assert!(told.starts_with("HTTP/1.1 413 "), "{path}: {reply:?}");
    }
}

#[tokio::test]
async fn who_is_still_sending_a_body_that_was_refused_gets_the_answer() {
    let example = Example::shared();
    for (path, headers) in places(&example).await {
        let mut connection = TcpStream::connect(example.address()).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = 4 << 20;
        connection.write_all(head(path, &headers, length).as_bytes()).unwrap();
        // A client that looks for an answer only when it has sent everything: none of this may fail.
        connection.write_all(&vec![b'a'; length]).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
    }
}
