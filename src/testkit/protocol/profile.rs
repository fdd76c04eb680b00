//! What the suite has to know of its target.

use std::collections::BTreeSet;
use std::fmt;

use http::Method;
use serde_json::{Value, json};

/// What a target may do without; rows about it are not asked then.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Feature {
    /// The host can let time pass ([`Host::pass`](super::Host::pass)).
    Clock,
    /// Clients may register themselves (RFC 7591) and manage their registration (RFC 7592).
    Registration,
    /// Tokens for a client itself (RFC 6749 §4.4).
    ClientCredentials,
    /// RFC 7009
    Revocation,
    /// RFC 7662
    Introspection,
    /// RFC 8707
    ResourceIndicators,
    /// A consent is remembered, so that the same request is not asked about again.
    RememberedConsent,
    /// People can leave out a part of the scope.
    PartialConsent,
    /// An API with an operation that needs more scope than the default.
    Api,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clock => "clock that the suite can move",
            Self::Registration => "dynamic client registration",
            Self::ClientCredentials => "client credentials grant",
            Self::Revocation => "revocation endpoint",
            Self::Introspection => "introspection endpoint",
            Self::ResourceIndicators => "resource indicators",
            Self::RememberedConsent => "remembered consent",
            Self::PartialConsent => "partial consent",
            Self::Api => "API",
        })
    }
}

/// The scope tokens that requests name; a server has at least three.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a target fills it in")]
pub struct Scopes {
    /// What a request gets that names none; the API's reading operation needs it.
    pub default: String,
    /// Another; the API's writing operation needs it.
    pub write: String,
    /// One more, which [`Profile::service`] and [`Profile::other`] may not have.
    pub restricted: String,
}

/// The API that takes the server's tokens.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a target fills it in")]
pub struct Api {
    /// Its resource indicator (RFC 8707).
    pub resource: String,
    /// Another resource that the server has tokens for, if there is one.
    pub other_resource: Option<String>,
    /// A path that GET reads with [`Scopes::default`].
    pub read: String,
    /// A path that takes more than that.
    pub write: ApiCall,
}

/// A call of the API that needs [`Scopes::write`].
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a target fills it in")]
pub struct ApiCall {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its body, as `application/json`.
    pub body: String,
}

/// Where the endpoints are, as URLs.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a target fills it in")]
pub struct Endpoints {
    /// RFC 6749 §3.1
    pub authorization: String,
    /// RFC 6749 §3.2
    pub token: String,
    /// RFC 7009
    pub revocation: String,
    /// RFC 7662
    pub introspection: String,
    /// RFC 7591
    pub registration: String,
}

impl Endpoints {
    /// The endpoints of an [`AuthorizationServer`](crate::AuthorizationServer) that has them under `path`.
    #[must_use]
    pub fn under(issuer: &str, path: &str) -> Self {
        let at = |name: &str| format!("{issuer}{path}/{name}");
        Self {
            authorization: at("authorize"),
            token: at("token"),
            revocation: at("revoke"),
            introspection: at("introspect"),
            registration: at("register"),
        }
    }
}

/// A client that is registered at the target.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a target fills it in")]
pub struct KnownClient {
    /// Its identifier.
    pub id: String,
    /// Its secret; a public client has none.
    pub secret: Option<String>,
    /// The redirect URIs that are registered for it.
    pub redirect_uris: Vec<String>,
    /// The redirect URI that its requests name.
    pub redirect_uri: String,
    /// Its grant types.
    pub grant_types: Vec<&'static str>,
    /// What it may ask for, if that is less than everything.
    pub scope: Option<String>,
}

impl KnownClient {
    fn public(id: &str, redirect_uris: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            secret: None,
            redirect_uris: redirect_uris.iter().map(|&uri| uri.to_owned()).collect(),
            redirect_uri: redirect_uris.first().copied().unwrap_or_default().to_owned(),
            grant_types: vec!["authorization_code", "refresh_token"],
            scope: None,
        }
    }

    fn confidential(id: &str, secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..Self::public(id, &["https://web.test/cb"]) }
    }

    /// Its registration as RFC 7591 metadata, whose text is for
    /// [`install_client`](crate::AuthorizationServer::install_client) and
    /// its like.
    #[must_use]
    pub fn registration(&self) -> Value {
        let method = if self.secret.is_some() { "client_secret_basic" } else { "none" };
        let mut document = json!({
            "client_id": self.id,
            "client_name": format!("The client {}", self.id),
            "grant_types": self.grant_types,
            "token_endpoint_auth_method": method,
        });
        for (member, value) in [("client_secret", &self.secret), ("scope", &self.scope)] {
            if let Some(value) = value {
                document[member] = json!(value);
            }
        }
        if !self.redirect_uris.is_empty() {
            document["redirect_uris"] = json!(self.redirect_uris);
        }
        document
    }
}

/// What the suite has to know of its target: its name, its endpoints, its scopes, its API, and the clients that are
/// registered there.
///
/// [`Profile::new`] gives clients that the target should register before the suite begins: [`clients`](Self::clients)
/// lists them. A target that cannot register them sets others of the same kind.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a target fills it in")]
pub struct Profile {
    /// The issuer identifier, exactly as in metadata.
    pub issuer: String,
    /// Where the endpoints are.
    pub endpoints: Endpoints,
    /// The scope tokens.
    pub scopes: Scopes,
    /// The API.
    pub api: Api,
    /// What the target does without.
    pub without: BTreeSet<Feature>,
    /// A public client with one `https` redirect URI.
    pub public: KnownClient,
    /// A confidential client.
    pub web: KnownClient,
    /// A public client with several redirect URIs; its requests name one with a query.
    pub multi: KnownClient,
    /// A public native client, with loopback and private-use redirect URIs.
    pub native: KnownClient,
    /// A confidential client whose identifier and secret need encoding.
    pub encoded: KnownClient,
    /// A confidential client whose secret means something else when it is decoded though it was not encoded.
    pub ambiguous: KnownClient,
    /// A confidential client for the client credentials grant, without a redirect URI.
    pub service: KnownClient,
    /// A confidential client with a redirect URI that may not use the code grant.
    pub unauthorized: KnownClient,
    /// A confidential client that has nothing to do with the others' codes and tokens.
    pub other: KnownClient,
}

impl Profile {
    /// A server with everything that the suite asks about, and the suite's own clients.
    #[must_use]
    pub fn new(issuer: &str, endpoints: Endpoints, scopes: Scopes, api: Api) -> Self {
        let limited = format!("{} {}", scopes.default, scopes.write);
        let service = KnownClient::confidential("suite-service", "c2VydmljZS1zZWNyZXQtb2YtdGhlLXN1aXRlLTMyYnl0ZXM");
        let other = KnownClient::confidential("suite-other", "b3RoZXItc2VjcmV0LW9mLXRoZS1zdWl0ZS0zMi1ieXRlcw");
        let native = ["http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb", "com.example.app:/cb"];
        let multi = ["https://app.test/cb", "https://app.test/cb2?x=1&y=a%20b"];
        Self {
            issuer: issuer.to_owned(),
            endpoints,
            scopes,
            api,
            without: BTreeSet::new(),
            public: KnownClient::public("suite-public", &["https://app.test/cb"]),
            web: KnownClient::confidential("suite-web", "d2ViLXNlY3JldC1vZi10aGUtc3VpdGUtMzItYnl0ZXMtLS0"),
            multi: KnownClient { redirect_uri: multi[1].to_owned(), ..KnownClient::public("suite-multi", &multi) },
            native: KnownClient {
                redirect_uri: "http://127.0.0.1:51004/cb".to_owned(),
                ..KnownClient::public("suite-native", &native)
            },
            encoded: KnownClient::confidential("1PpG/Q 1", "z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw="),
            ambiguous: KnownClient::confidential("suite-ambiguous", "p%ss w+rd:é"),
            service: KnownClient {
                redirect_uris: Vec::new(),
                redirect_uri: String::new(),
                grant_types: vec!["client_credentials"],
                scope: Some(limited.clone()),
                ..service
            },
            unauthorized: KnownClient {
                grant_types: vec!["client_credentials"],
                ..KnownClient::confidential("suite-unauthorized", "dW5hdXRob3JpemVkLXNlY3JldC1vZi10aGUtc3VpdGUt")
            },
            other: KnownClient { scope: Some(limited), ..other },
        }
    }

    /// Says that the target does without a feature.
    #[must_use]
    pub fn without(mut self, feature: Feature) -> Self {
        self.without.insert(feature);
        self
    }

    /// Whether the target has a feature.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        !self.without.contains(&feature)
    }

    /// The clients that are registered at the target.
    pub fn clients(&self) -> impl Iterator<Item = &KnownClient> {
        let confidential = [&self.web, &self.encoded, &self.ambiguous, &self.service, &self.unauthorized, &self.other];
        [&self.public, &self.multi, &self.native].into_iter().chain(confidential)
    }
}
