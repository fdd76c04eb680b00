//! Client ID metadata documents: clients that nobody registered, and that say who they are at a URL of their own
//! (draft-ietf-oauth-client-id-metadata-document; sections are those of its revision 01).
//!
//! The `client_id` of such a client is the URL of a JSON document with its metadata (RFC 7591 §2). The server fetches it
//! when the client first sends somebody to the authorization endpoint. That is how most agents and their tools come
//! (Model Context Protocol).
//!
//! ```
//! use std::sync::Arc;
//! use grantor::cimd::{ClientIdMetadataDocuments, HttpsFetcher};
//! use grantor::rate_limit::DefaultRatePolicy;
//!
//! # let issuer: grantor::Issuer = "https://acme.example".parse()?;
//! # let stores = grantor::Stores::from(Arc::new(grantor::store::MemoryStore::new()));
//! let documents = ClientIdMetadataDocuments::new(Arc::new(HttpsFetcher::new())).with_scope("links:read".parse()?);
//! let server = grantor::AuthorizationServer::builder(issuer, stores)
//!     .scope("links:read", "See your links")
//!     .client_id_metadata_documents(documents)
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Set a [rate limiter](crate::rate_limit), too, and pass the peer with each
//! [`AuthorizationRequest`](crate::AuthorizationRequest): whoever opens a link makes the server fetch, without signing in.
//!
//! # What a document must be
//!
//! An answer with status 200 and the media type `application/json` or `application/…+json`, of at most [`MAX_DOCUMENT`]
//! bytes, not compressed: one JSON object. In it
//!
//! * `client_id` is the URL, character by character;
//! * `client_name` and `redirect_uris` are there, and at least one redirect URI is accepted by the server. Those that are not
//!   accepted count as not there; one that is no redirect URI at all spoils the document. A loopback URI stands for every
//!   port (RFC 8252 §7.3);
//! * `token_endpoint_auth_method` is `none`, or left out, which means the same here. `private_key_jwt` is not supported, and
//!   a secret cannot be one where everybody can read it;
//! * `grant_types` may be left out, and is `authorization_code` then; a client that wants refresh tokens says so;
//! * `scope` limits what the client may ask for, as far as it names scopes that it may have here. One that names none of
//!   them means another server, and is ignored, as are members that have no meaning here.
//!
//! # When it is fetched
//!
//! For an authorization request, if it was not fetched lately ([`DocumentCaching`]). Whoever else wants the same document
//! meanwhile waits for the same answer. Never for anything else: what a code or a token is good for was decided when it was
//! granted. When a person approves, the client is kept in the registry as the document described it, and there the token
//! endpoint finds it, like any other, in every process and after a restart. So a request for tokens costs what it always
//! costs, and needs nobody else's host; a document that changes between consent and exchange changes nothing; and a
//! stranger's requests leave nothing in the store.
//!
//! A document that cannot be fetched, or describes no client, ends in an error page: nobody is redirected to a place that
//! was not verified. What was wrong is told to the observer
//! ([`Event::ClientDocumentRefused`](crate::observer::Event::ClientDocumentRefused)), and to the visitor no more than that
//! the document cannot be used, or, once it has proved to be that of the client, what it must say.
//!
//! # What a changed document means
//!
//! | the document | consent | codes and tokens |
//! |---|---|---|
//! | has other redirect URIs, another name, logo, home page, terms or privacy policy | is asked for again, also if the page was shown before the change and the decision comes after it | work on |
//! | has no longer the redirect URI that is asked for | an error page | work on; a code is for the redirect URI that it was issued to |
//! | says anything else than before | stays | follow when a person approves the next time |
//! | cannot be fetched, or describes no client any more | an error page, once what was fetched before is out of date; nothing is used beyond its time | work on |
//!
//! To end what a client has, call [`revoke_client`](crate::AuthorizationServer::revoke_client). To keep it out, deny its
//! host ([`ClientIdMetadataDocuments::denying`]), or disable the client in the registry.
//!
//! An operator who vouches for such a client registers it under its URL, as any other
//! ([`install_client`](crate::AuthorizationServer::install_client)); it is then what was registered, and its document is
//! not read.
//!
//! # What the consent page must say
//!
//! Anybody can publish a document, with any name and any picture in it. So the page shows, beside the name,
//!
//! * the host of the identifier, [`client_id_host`](crate::PendingAuthorization::client_id_host), and where many people have
//!   pages on one host, the whole [`id`](crate::Client::id);
//! * where the answer goes: the [`display_host`](crate::redirect_uri::RedirectUri::display_host) of the
//!   [`redirect_uri`](crate::PendingAuthorization::redirect_uri);
//! * the [`warnings`](crate::PendingAuthorization::warnings).
//!
//! It shows no picture from `logo_uri`, unless the service fetched it before, as carefully as documents are, and serves it
//! itself (§6.7).

mod address;
mod caching;
mod client_id_url;
mod fetcher;
mod https;
mod policy;
mod problem;
mod resolver;

pub use address::{AddressPolicy, InvalidNetwork};
pub use caching::DocumentCaching;
pub use client_id_url::{ClientIdUrl, InvalidClientIdUrl};
pub use fetcher::{DocumentFetcher, FetchError, MAX_DOCUMENT};
pub use https::{HttpsFetcher, InvalidCertificate};
pub use policy::{ClientIdMetadataDocuments, RedirectOrigins};
pub use problem::DocumentProblem;
pub use resolver::{Resolver, SystemResolver};
