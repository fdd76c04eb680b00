//! A web site that publishes the document of a client (client ID metadata documents).

#[path = "../../protocol/client_documents/authority.rs"]
mod authority;

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use self::authority::Authority;
use super::{App, Example};

/// Where the client gets its answers, unless its document says otherwise.
pub const CALLBACK: &str = "https://app.example/cb";

/// A web site at `localhost` with the document of a client.
pub struct DocumentSite {
    pub port: u16,
    directory: TempDir,
    document: Arc<Mutex<String>>,
    fetches: Arc<Mutex<usize>>,
}

impl DocumentSite {
    /// One whose document says this besides who it is.
    pub async fn with(members: Value) -> Self {
        let (authority, directory) = (Authority::new(), TempDir::new().unwrap());
        let lines = ["-----BEGIN CERTIFICATE-----", &STANDARD.encode(authority.der()), "-----END CERTIFICATE-----", ""];
        fs::write(directory.path().join("ca.pem"), lines.join("\n")).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(authority.certify("localhost", 4_000)));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let site = Self { port, directory, document: Arc::default(), fetches: Arc::default() };
        site.publish(members);
        let (document, fetches) = (Arc::clone(&site.document), Arc::clone(&site.fetches));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *fetches.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                let document = document.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let _ = serve(&acceptor, stream, &document).await;
            }
        });
        site
    }

    pub async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// Changes the document: it says this besides who it is.
    pub fn publish(&self, members: Value) {
        let mut document = json!({
            "client_id": self.client_id(),
            "client_name": "Field Agent",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        *self.document.lock().unwrap() = document.to_string();
    }

    pub fn client_id(&self) -> String {
        format!("https://localhost:{}/agent.json", self.port)
    }

    /// How often somebody connected.
    pub fn fetches(&self) -> usize {
        *self.fetches.lock().unwrap()
    }

    /// The example as this service, which may fetch the document.
    pub fn example(&self, service: &str) -> Example {
        let authority = self.directory.path().join("ca.pem");
        Example::start_with(&[
            ("--service", service),
            ("DOCUMENT_NETWORKS", "127.0.0.0/8, ::1/128"),
            ("DOCUMENT_PORT", &self.port.to_string()),
            ("DOCUMENT_CA", authority.to_str().unwrap()),
        ])
    }

    /// The client, as it comes to the example.
    pub fn app(&self, example: &Example) -> App {
        App::known(example, &self.client_id(), CALLBACK)
    }
}

/// Answers one request. Nobody may keep the document, so each use of it is a fetch.
async fn serve(acceptor: &TlsAcceptor, stream: TcpStream, document: &str) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let headers = "Content-Type: application/json\r\nCache-Control: no-store\r\nConnection: close";
    let answer = format!("HTTP/1.1 200 OK\r\n{headers}\r\nContent-Length: {}\r\n\r\n{document}", document.len());
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
