//! A proxy in front of Redis that loses what a network can lose.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request, of which those that come before it pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The connection is lost before the request arrives.
    CutBefore,
    /// The connection is lost on the way back: the request was executed.
    CutAfter,
    /// The request never arrives, and nobody says so.
    Swallow,
}

/// Listens on a port of its own for as long as it lives.
pub struct Proxy {
    address: SocketAddr,
    armed: Arc<Mutex<Option<(Fault, usize)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub async fn new(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Arc::new(Mutex::new(None));
        let faults = Arc::clone(&armed);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                connections.spawn(forward(client, server, Arc::clone(&faults)));
            }
        });
        Self { address, armed, task }
    }

    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// Lets `pass` requests through, and has this happen to the next one.
    pub fn arm(&self, fault: Fault, pass: usize) {
        *self.armed.lock().unwrap() = Some((fault, pass));
    }

    /// Lets everything through, and returns whether the fault was still to come.
    pub fn disarm(&self) -> bool {
        self.armed.lock().unwrap().take().is_some()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request is what comes in one piece: the tests send one at a time.
async fn forward(mut client: TcpStream, mut server: TcpStream, armed: Arc<Mutex<Option<(Fault, usize)>>>) {
    let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let Ok(length @ 1..) = read else { return };
                match due(&armed) {
                    None => server.write_all(&request[..length]).await.unwrap(),
                    Some(Fault::CutBefore) => return,
                    Some(Fault::CutAfter) => {
                        server.write_all(&request[..length]).await.unwrap();
                        let _lost = server.read(&mut answer).await.unwrap();
                        return;
                    }
                    Some(Fault::Swallow) => {
                        // Whatever else comes on this connection is swallowed, too.
                        while let Ok(1..) = client.read(&mut request).await {}
                        return;
                    }
                }
            }
            read = server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn due(armed: &Mutex<Option<(Fault, usize)>>) -> Option<Fault> {
    let mut armed = armed.lock().unwrap();
    match armed.as_mut() {
        Some((fault, 0)) => {
            let fault = *fault;
            *armed = None;
            Some(fault)
        }
        Some((_, pass)) => {
            *pass -= 1;
            None
        }
        None => None,
    }
}
