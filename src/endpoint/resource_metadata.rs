//! The metadata of APIs that are elsewhere than their authorization server (RFC 9728).

use std::collections::HashSet;
use std::sync::Arc;

use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response};

use super::EndpointRoute;
use super::handle::{READ, open, preflight, serve};
use super::metadata::Document;
use crate::configuration::{ConfigurationError, ProtectedResource};
use crate::error::{Challenge, EndpointError, ErrorReason};
use crate::issuer::Issuer;
use crate::observer::Operation;
use crate::telemetry::ended;

/// The metadata of the APIs of one origin, for a process that is not the authorization server, or one that has several
/// origins, with one of these for each: a client that was refused there reads in them where to get a token (RFC 9728). An
/// [`AuthorizationServer`](crate::AuthorizationServer) serves those of its own origin itself.
///
/// Cheap to clone.
///
/// ```
/// use grantor::configuration::ProtectedResource;
/// use grantor::{Issuer, ProtectedResourceMetadata};
/// use http::Request;
///
/// let tools = ProtectedResource::new("https://tools.example/mcp".parse()?).with_scope("links:read links:write".parse()?);
/// let metadata = ProtectedResourceMetadata::new(&Issuer::parse("https://links.example")?, [tools])?;
///
/// let route = &metadata.endpoints()[0]; // for the router
/// assert_eq!(route.path(), "/.well-known/oauth-protected-resource/mcp");
/// let response = metadata.handle(&Request::get(route.path()).body(())?);
/// assert!(response.body().contains(r#""authorization_servers":["https://links.example"]"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProtectedResourceMetadata {
    documents: Arc<[Document]>,
}

impl ProtectedResourceMetadata {
    /// For `resources`, all of one origin, whose tokens `issuer` issues. Describe them as they are declared there, since
    /// clients compare: a resource that does not say which scopes it understands lists none.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError::Resource`] if the URL of a resource is one that no token can be for: `http`, except on loopback.
    /// [`ConfigurationError::Path`] if two resources have their metadata at the same path: they differ in their origin, or in
    /// their query.
    pub fn new(
        issuer: &Issuer,
        resources: impl IntoIterator<Item = ProtectedResource>,
    ) -> Result<Self, ConfigurationError> {
        let resources: Vec<_> = resources.into_iter().collect();
        resources.iter().try_for_each(ProtectedResource::check)?;
        let mut paths = HashSet::new();
        if let Some(twice) =
            resources.iter().map(ProtectedResource::metadata_path).find(|path| !paths.insert(path.clone()))
        {
            return Err(ConfigurationError::Path(twice));
        }
        Ok(Self { documents: Document::of_resources(resources.iter(), issuer, None).into() })
    }

    /// The routes that [`handle`](Self::handle) serves: one for each resource (RFC 9728 §3.1) and, if there is but one, that
    /// of the whole origin, where clients look that know no more than the host.
    #[must_use]
    pub fn endpoints(&self) -> Vec<EndpointRoute> {
        self.documents.iter().map(|document| EndpointRoute::exact(&document.path)).collect()
    }

    /// Answers a request, whatever its method: anybody may read the documents, scripts of other origins included. Pass
    /// the answer on as it is.
    #[must_use]
    pub fn handle<B>(&self, request: &Request<B>) -> Response<String> {
        let path = request.uri().path();
        let document = self.documents.iter().find(|document| document.path == path);
        let mut response = match (document, request.method()) {
            (_, &Method::OPTIONS) => preflight(READ),
            (None, _) => refuse(ErrorReason::EndpointUnknown),
            (Some(document), method @ (&Method::GET | &Method::HEAD)) => {
                ended(Operation::Metadata, None::<&EndpointError>);
                serve(document, method, request.headers())
            }
            (Some(_), _) => {
                let mut response = refuse(ErrorReason::MethodNotAllowed);
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(READ));
                response
            }
        };
        open(&mut response);
        response
    }
}

fn refuse(reason: ErrorReason) -> Response<String> {
    // Only a 401 says how to authenticate, and nobody has to.
    let error = EndpointError::new(reason, Challenge::Bearer(String::new()));
    ended(Operation::Metadata, Some(&error));
    error.into_http()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(resources: &[&str]) -> Result<ProtectedResourceMetadata, ConfigurationError> {
        let resources = resources.iter().map(|url| ProtectedResource::new(url.parse().unwrap()));
        ProtectedResourceMetadata::new(&Issuer::parse("https://as.test").unwrap(), resources)
    }

    // PRM-002: of several resources, none is that of the whole origin.
    #[test]
    fn the_root_is_that_of_an_only_resource() {
        const ROOT: &str = "/.well-known/oauth-protected-resource";
        for (resources, expected) in [
            (&["https://api.test"][..], &[""][..]),
            (&["https://api.test/one"], &["/one", ""]),
            (&["https://api.test/one", "https://api.test/two"], &["/one", "/two"]),
        ] {
            let metadata = metadata(resources).unwrap();
            let paths: Vec<_> = metadata.endpoints().iter().map(|endpoint| endpoint.path().to_owned()).collect();
            assert_eq!(paths, expected.iter().map(|path| format!("{ROOT}{path}")).collect::<Vec<_>>());
            let root = metadata.handle(&Request::get(ROOT).body(()).unwrap());
            assert_eq!(root.status() == 200, expected.contains(&""));
        }
    }

    // PRM-007
    #[test]
    fn a_resource_that_can_be_read_on_the_way_has_no_metadata() {
        assert!(metadata(&["http://api.test"]).is_err());
        assert!(metadata(&["http://127.0.0.1:8081/mcp"]).is_ok());
    }

    #[test]
    fn resources_whose_metadata_would_be_at_the_same_place_are_refused() {
        for second in ["https://b.test/mcp", "https://a.test/mcp?x=1", "https://a.test/mcp"] {
            let refused = metadata(&["https://a.test/mcp", second]).unwrap_err();
            assert_eq!(refused, ConfigurationError::Path("/.well-known/oauth-protected-resource/mcp".to_owned()));
        }
    }

    // PRM-003, PRM-008
    #[test]
    fn a_document_is_read_by_get_and_head_and_says_nothing_that_is_empty() {
        const PATH: &str = "/.well-known/oauth-protected-resource";
        let metadata = metadata(&["https://api.test"]).unwrap();
        let document = metadata.handle(&Request::get(PATH).body(()).unwrap());
        let body = r#"{"resource":"https://api.test","authorization_servers":["https://as.test"],"bearer_methods_supported":["header"]}"#;
        assert_eq!(document.body(), body);
        let head = metadata.handle(&Request::head(PATH).body(()).unwrap());
        assert_eq!((head.status(), head.body().as_str()), (document.status(), ""));
        let again = Request::get(PATH).header("if-none-match", &document.headers()["etag"]).body(()).unwrap();
        assert_eq!(metadata.handle(&again).status(), 304);
        assert_eq!(metadata.handle(&Request::put(PATH).body(()).unwrap()).headers()["allow"], "GET, HEAD");
    }
}
