//! From an answer to the client that it describes.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};

use crate::cimd::{ClientIdMetadataDocuments, ClientIdUrl, DocumentProblem, MAX_DOCUMENT};
use crate::client::{Client, ClientAuthentication, Vetting};
use crate::configuration::Configuration;
use crate::endpoint::Refusal;
use crate::endpoint::registration_rules::{check_client, describe};
use crate::scope::Scope;
use crate::wire::registration::ClientDocument;

/// The client that the answer from `url` describes, under the rules of the operator.
pub(super) fn read(
    url: &ClientIdUrl,
    answer: &Response<Bytes>,
    documents: &ClientIdMetadataDocuments,
    configuration: &Configuration,
) -> Result<Client, DocumentProblem> {
    let mut document = open(answer)?;
    // RFC 3986 §6.2.1, simple string comparison: whoever can put a copy of the document elsewhere is not the client.
    if document.client_id.as_deref() != Some(url.as_str()) {
        return Err(DocumentProblem::OtherClient);
    }
    check_authentication(&document)?;
    if document.client_name.is_none() {
        return Err(DocumentProblem::NoName);
    }
    disregard(&mut document, documents, configuration);
    let described = describe(&document, &documents.rules, configuration).map_err(|refusal| problem(&refusal))?;
    let client = described.into_client(url.client_id().clone(), ClientAuthentication::None);
    let accepted = client
        .redirect_uris()
        .iter()
        .filter(|uri| configuration.redirect_uris.accepts(uri) && documents.accepts_redirect(url, uri));
    let accepted: Vec<_> = accepted.cloned().collect();
    if accepted.is_empty() {
        return Err(DocumentProblem::NoRedirectUri);
    }
    let client = client
        .with_redirect_uris(accepted)
        .with_policies(documents.rules.policies.clone())
        .with_vetting(Vetting::SelfRegistered);
    check_client(&client, configuration).map_err(|refusal| problem(&refusal))?;
    Ok(client)
}

/// One JSON object, in an answer that is meant to be one.
fn open(answer: &Response<Bytes>) -> Result<ClientDocument, DocumentProblem> {
    if answer.status() != StatusCode::OK {
        return Err(DocumentProblem::Status(answer.status()));
    }
    if !is_json(answer.headers()) {
        return Err(DocumentProblem::MediaType);
    }
    if answer.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(DocumentProblem::Compressed);
    }
    if answer.body().len() > MAX_DOCUMENT {
        return Err(DocumentProblem::TooLarge);
    }
    ClientDocument::read(answer.body()).map_err(|_| DocumentProblem::Malformed)
}

/// `application/json`, or a type of the application's own that is JSON (draft §4.1).
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// No secret can be shared by a document that everybody can read (draft §4.1); and left out, the method is not
/// `client_secret_basic` as in a registration.
fn check_authentication(document: &ClientDocument) -> Result<(), DocumentProblem> {
    if document.client_secret.is_some() || document.client_secret_expires_at.is_some() {
        return Err(DocumentProblem::SharedSecret);
    }
    match document.token_endpoint_auth_method.as_deref() {
        None | Some("none") => Ok(()),
        Some(method) if method.starts_with("client_secret_") => Err(DocumentProblem::SharedSecret),
        Some(_) => Err(DocumentProblem::AuthenticationMethod),
    }
}

/// A document is for every server there is, and a registration for one: what can only be meant for others does not count.
fn disregard(document: &mut ClientDocument, documents: &ClientIdMetadataDocuments, configuration: &Configuration) {
    let allowed = configuration.scopes.limit_of(documents.rules.scope.as_ref());
    let means_us = |scope: &String| {
        Scope::parse(scope)
            .is_ok_and(|scope| configuration.scopes.names_wildcard(&scope) || !scope.intersection(&allowed).is_empty())
    };
    document.scope = document.scope.take().filter(means_us);
    document.software_statement = None;
    document.token_endpoint_auth_method = None;
}

fn problem(refusal: &Refusal) -> DocumentProblem {
    let description = refusal.description.as_deref().unwrap_or_else(|| refusal.reason.description());
    DocumentProblem::Metadata(description.to_owned())
}
