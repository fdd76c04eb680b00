//! The metadata documents (RFC 8414, RFC 9728), derived from the configuration once.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::client::GrantType;
use crate::configuration::{Configuration, OFFLINE_ACCESS, ProtectedResource, RESOURCE_METADATA, Registration};
use crate::issuer::Issuer;
use crate::scope::Scope;
use crate::wire::response::to_json;

/// Where the metadata of an issuer without a path is.
pub(super) const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// A document that anybody may read and keep for a while.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) etag: String,
}

/// The documents of one server.
#[derive(Debug)]
pub(crate) struct Documents {
    all: Vec<Document>,
}

#[derive(Serialize)]
struct ServerMetadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'a str>,
    response_types_supported: [&'a str; 1],
    response_modes_supported: [&'a str; 1],
    grant_types_supported: Vec<&'a str>,
    token_endpoint_auth_methods_supported: Vec<&'a str>,
    revocation_endpoint_auth_methods_supported: [&'a str; 3],
    introspection_endpoint_auth_methods_supported: [&'a str; 2],
    code_challenge_methods_supported: [&'a str; 1],
    authorization_response_iss_parameter_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id_metadata_document_supported: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    protected_resources: Vec<&'a str>,
}

#[derive(Serialize)]
struct ResourceMetadata<'a> {
    resource: &'a str,
    authorization_servers: [&'a str; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'a str>,
    bearer_methods_supported: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<&'a str>,
}

impl Documents {
    pub(crate) fn new(configuration: &Configuration) -> Self {
        let issuer = &configuration.issuer;
        // RFC 8414 §3.1: the well-known part goes between host and path.
        let path = format!("{SERVER_METADATA}{}", issuer.path());
        let mut all = vec![Document::new(path, to_json(&server_metadata(configuration)))];
        let own = configuration.resources.iter().filter(|resource| resource.origin() == issuer.origin());
        let mut own = Document::of_resources(own, issuer, Some(configuration.scopes.all()));
        all.append(&mut own);
        Self { all }
    }

    pub(crate) fn find(&self, path: &str) -> Option<&Document> {
        self.all.iter().find(|document| document.path == path)
    }
}

impl Document {
    /// The documents of the resources of one origin. A resource that does not say which scopes it understands understands
    /// `scopes`, if they are known.
    pub(super) fn of_resources<'a>(
        resources: impl Iterator<Item = &'a ProtectedResource>,
        issuer: &Issuer,
        scopes: Option<&Scope>,
    ) -> Vec<Self> {
        let document = |resource: &ProtectedResource| {
            let scopes = resource.scope.as_ref().or(scopes);
            Self::new(resource.metadata_path(), to_json(&resource_metadata(resource, issuer, scopes)))
        };
        let mut documents: Vec<_> = resources.map(document).collect();
        // MCP: a client that knows no more than the host looks at the root; only one resource can be meant there.
        if let [only] = documents.as_slice()
            && only.path != RESOURCE_METADATA
        {
            let root = Self::new(RESOURCE_METADATA.to_owned(), only.body.clone());
            documents.push(root);
        }
        documents
    }

    /// The public keys of this moment; they are looked up by their own path.
    pub(super) fn of_keys(jwks: String) -> Self {
        Self::new(String::new(), jwks)
    }

    fn new(path: String, body: String) -> Self {
        let digest = Sha256::digest(&body);
        let etag = digest.iter().take(8).fold(String::from("\""), |tag, byte| format!("{tag}{byte:02x}")) + "\"";
        Self { path, body, etag }
    }
}

fn server_metadata(configuration: &Configuration) -> ServerMetadata<'_> {
    let origin = configuration.issuer.origin();
    let url = |path: &str| format!("{origin}{path}");
    let paths = &configuration.paths;
    let grant_types = &configuration.grant_types;
    let refreshes = configuration.refreshes();
    let open = !matches!(configuration.registration, Registration::Closed);
    // What no API understands is in no access token, whoever asks for it.
    let declared = configuration.scopes.all().tokens().filter(|token| configuration.resources.any_understands(token));
    let mut scopes: Vec<_> = declared.chain(configuration.scopes.wildcard()).collect();
    let asks_for_refresh = refreshes && grant_types.contains(&GrantType::AuthorizationCode);
    if asks_for_refresh && !scopes.contains(&OFFLINE_ACCESS) {
        scopes.push(OFFLINE_ACCESS);
    }
    // For itself, a client obtains a token by its secret only.
    let public = grant_types.iter().any(|grant_type| *grant_type != GrantType::ClientCredentials).then_some("none");
    ServerMetadata {
        issuer: configuration.issuer.as_str(),
        authorization_endpoint: url(paths.authorize()),
        token_endpoint: url(paths.token()),
        revocation_endpoint: url(paths.revoke()),
        introspection_endpoint: url(paths.introspect()),
        jwks_uri: configuration.signer.is_some().then(|| url(paths.jwks())),
        registration_endpoint: open.then(|| url(paths.register())),
        scopes_supported: scopes,
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        grant_types_supported: GrantType::ALL
            .into_iter()
            .filter(|grant_type| grant_types.contains(grant_type))
            .filter(|grant_type| refreshes || *grant_type != GrantType::RefreshToken)
            .map(GrantType::as_str)
            .collect(),
        token_endpoint_auth_methods_supported: public
            .into_iter()
            .chain(["client_secret_basic", "client_secret_post"])
            .collect(),
        revocation_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"],
        introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
        client_id_metadata_document_supported: configuration.reads_client_documents().then_some(true),
        protected_resources: configuration.resources.iter().map(|resource| resource.indicator.as_str()).collect(),
    }
}

fn resource_metadata<'a>(
    resource: &'a ProtectedResource,
    issuer: &'a Issuer,
    scopes: Option<&'a Scope>,
) -> ResourceMetadata<'a> {
    let scopes = scopes.into_iter().flat_map(Scope::tokens);
    ResourceMetadata {
        resource: resource.indicator.as_str(),
        authorization_servers: [issuer.as_str()],
        scopes_supported: scopes.filter(|token| *token != OFFLINE_ACCESS).collect(),
        bearer_methods_supported: ["header"],
        resource_name: resource.name.as_deref(),
    }
}
