//! Clients that nobody registered: from where their documents are fetched, and what they may ask for.

use std::path::Path;
use std::sync::Arc;

use grantor::Scope;
use grantor::cimd::{ClientIdMetadataDocuments, HttpsFetcher};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::services::{ClientDocuments, Service};
use super::settings::Documents;

/// What is decided about such clients, unless the service has none. The error is one line for the operator.
pub fn policy(service: &Service, documents: &Documents) -> Result<Option<ClientIdMetadataDocuments>, String> {
    let scope = match service.documents {
        ClientDocuments::Ignored => return Ok(None),
        ClientDocuments::Read => None,
        ClientDocuments::ReadFor(scope) => Some(scope),
    };
    let scope =
        scope.map(Scope::parse).transpose().map_err(|error| format!("the service {}: {error}", service.name))?;
    let policy = ClientIdMetadataDocuments::new(Arc::new(fetcher(documents)?));
    let policy = scope.into_iter().fold(policy, ClientIdMetadataDocuments::with_scope);
    Ok(Some(documents.port.into_iter().fold(policy, ClientIdMetadataDocuments::with_port)))
}

fn fetcher(documents: &Documents) -> Result<HttpsFetcher, String> {
    let fetcher = HttpsFetcher::new().with_addresses(documents.addresses.clone());
    match &documents.authority {
        None => Ok(fetcher),
        Some(file) => trusting(fetcher, file).map_err(|error| format!("DOCUMENT_CA: {}: {error}", file.display())),
    }
}

fn trusting(fetcher: HttpsFetcher, file: &Path) -> Result<HttpsFetcher, String> {
    let certificate = CertificateDer::from_pem_file(file).map_err(|error| error.to_string())?;
    fetcher.with_root_certificate(&certificate).map_err(|error| error.to_string())
}
