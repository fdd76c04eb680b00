//! A listener that must hear nothing.

use std::io;

/// A listener that nobody may connect to.
pub struct Silent(std::net::TcpListener);

impl Silent {
    /// One at every address of this machine.
    pub fn everywhere() -> Self {
        let everywhere = std::net::TcpListener::bind("[::]:0").or_else(|_| std::net::TcpListener::bind("0.0.0.0:0"));
        Self::on(everywhere.unwrap())
    }

    pub fn on(listener: std::net::TcpListener) -> Self {
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Nobody has connected, and nobody is about to.
    #[track_caller]
    pub fn expect_silence(&self, input: &str) {
        let heard = self.0.accept().map_err(|error| error.kind());
        assert_eq!(heard.unwrap_err(), io::ErrorKind::WouldBlock, "{input}");
    }
}
