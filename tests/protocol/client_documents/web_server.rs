//! Real web servers on this machine, that speak TLS.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use grantor::cimd::Resolver;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::authority::Authority;

/// What a web server does with a request.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Sends these bytes.
    Sends(Vec<u8>),
    /// Sends the first bytes, and then the second ones without end.
    Floods(Vec<u8>, Vec<u8>),
    /// Sends the first bytes, and then one more now and again.
    Trickles(Vec<u8>),
    /// Sends nothing, and keeps the connection.
    IsSilent,
}

/// A web server for one host.
pub struct WebServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    heard: Arc<Notify>,
    gone: Arc<Notify>,
}

impl WebServer {
    /// One that has a good certificate for `client.test`.
    pub async fn start(authority: &Authority, behaviour: Behaviour) -> Self {
        Self::start_at([127, 0, 0, 1].into(), 0, authority, "client.test", 4_000, behaviour).await
    }

    /// One at this address, whose certificate is for this host and ends in this year.
    pub async fn start_at(
        ip: IpAddr,
        port: u16,
        authority: &Authority,
        host: &str,
        until: i32,
        behaviour: Behaviour,
    ) -> Self {
        let listener = TcpListener::bind((ip, port)).await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            heard: Arc::default(),
            gone: Arc::default(),
        };
        let acceptor = TlsAcceptor::from(Arc::new(authority.certify(host, until)));
        let (requests, heard, gone) =
            (Arc::clone(&server.requests), Arc::clone(&server.heard), Arc::clone(&server.gone));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let Ok(request) = head(&mut stream).await else { continue };
                requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                heard.notify_one();
                let _ = answer(&mut stream, &behaviour).await;
                gone.notify_one();
            }
        });
        server
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The heads of the requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits for a request.
    pub async fn heard(&self) {
        self.heard.notified().await;
    }

    /// Waits until an answer was sent as a whole, or whoever asked closed the connection.
    pub async fn gone(&self) {
        self.gone.notified().await;
    }
}

async fn head(stream: &mut TlsStream<TcpStream>) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn answer(stream: &mut TlsStream<TcpStream>, behaviour: &Behaviour) -> io::Result<()> {
    match behaviour {
        Behaviour::Sends(bytes) => {
            stream.write_all(bytes).await?;
            stream.shutdown().await
        }
        Behaviour::Floods(first, rest) => {
            stream.write_all(first).await?;
            loop {
                stream.write_all(rest).await?;
                stream.flush().await?;
            }
        }
        Behaviour::Trickles(first) => {
            stream.write_all(first).await?;
            let mut pace = tokio::time::interval(Duration::from_millis(1));
            loop {
                pace.tick().await;
                stream.write_all(b" ").await?;
                stream.flush().await?;
            }
        }
        Behaviour::IsSilent => stream.read_u8().await.map(|_| ()),
    }
}

/// What names mean: each time the next of these, and the last one from then on.
#[derive(Debug, Default)]
pub struct Names {
    meanings: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    /// One name with what it means.
    pub fn of(host: &str, meanings: &[&[&str]]) -> Arc<Self> {
        let read = |addresses: &&[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        let names = Self::default();
        names.meanings.lock().unwrap().insert(host.to_owned(), meanings.iter().map(read).collect());
        Arc::new(names)
    }

    /// How often a name was asked for.
    pub fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(host.to_owned());
        let mut meanings = self.meanings.lock().unwrap_or_else(PoisonError::into_inner);
        let meanings = meanings.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
        let next = if meanings.len() > 1 { meanings.pop_front() } else { meanings.front().cloned() };
        Ok(next.unwrap_or_default())
    }
}
