//! The web site of another company, which is one page.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A site at an origin of its own.
#[derive(Debug)]
pub struct Site {
    listener: TcpListener,
}

impl Site {
    /// Takes an address; nothing is there yet.
    pub fn new() -> Self {
        Self { listener: TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap() }
    }

    /// Where its page is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.listener.local_addr().unwrap())
    }

    /// Shows `page` to whoever comes, for as long as the test runs.
    pub fn show(self, page: String) {
        let page: Arc<str> = page.into();
        thread::spawn(move || {
            while let Ok((connection, _)) = self.listener.accept() {
                let page = Arc::clone(&page);
                // A browser opens connections that it may never use.
                thread::spawn(move || answer(connection, &page));
            }
        });
    }
}

fn answer(mut connection: TcpStream, page: &str) -> Option<()> {
    connection.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut lines = BufReader::new(connection.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    while lines.next()?.ok().is_some_and(|line| !line.is_empty()) {}
    let (status, body) = if request.starts_with("GET /favicon") { ("404 Not Found", "") } else { ("200 OK", page) };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(format!("{head}{body}").as_bytes()).ok()
}
