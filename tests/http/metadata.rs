//! The metadata of each service say exactly what is wired, seen from outside.

#[path = "../protocol/metadata_is_what_is_wired/wiring/mod.rs"]
mod wiring;

use std::fs;
use std::sync::Mutex;

use grantor::testkit::protocol::OverHttp;
use serde_json::json;
use tempfile::TempDir;

use self::wiring::{Api, App, Documents, SignIn, Target, Wiring};
use super::support::{CALLBACK, DocumentSite, html};

const SECRET: &str = "7Fjfp0ZBr1KtDRbnfVdmIw-7Fjfp0ZBr1KtDRbnfVdmIw";

/// A service, and what there is to ask it for.
struct Service {
    name: &'static str,
    title: &'static str,
    /// Where the endpoints could be; the documentation says where they are.
    authorize: &'static str,
    oauth: &'static str,
    /// A path of the API.
    api: &'static str,
    scopes: &'static [&'static str],
    wildcard: Option<&'static str>,
    /// What its MCP server is called, if it has one.
    agents: Option<&'static str>,
}

impl Service {
    async fn expect_truth(self) {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("clients.json");
        fs::write(&file, clients().to_string()).unwrap();
        let site = DocumentSite::new().await;
        let variables = [("CLIENTS", file.to_str().unwrap()), ("LIMITS", "off")];
        let example = site.example_with(self.name, &variables);
        let target = self.target(&example.origin(), site);
        let found = Wiring::of(&target).await.compare(&target).await;
        assert!(found.is_empty(), "{found:#?}");
    }

    fn target(self, origin: &str, site: DocumentSite) -> Target {
        let endpoints =
            ["authorize", "token", "revoke", "introspect", "register", "jwks", "jwks.json", "par", "userinfo"];
        let prefixes = [self.oauth, "", "/oauth"].into_iter();
        let mut places: Vec<_> =
            prefixes.flat_map(|prefix| endpoints.iter().map(move |name| format!("{prefix}/{name}"))).collect();
        places.extend(["/.well-known/jwks.json".to_owned(), self.authorize.to_owned()]);
        places.sort_unstable();
        places.dedup();
        let api =
            Api { resource: Some(origin.to_owned()), name: Some(self.title.to_owned()), path: self.api.to_owned() };
        let agents = self.agents.map(|name| Api {
            resource: Some(format!("{origin}/api/mcp")),
            name: Some(name.to_owned()),
            path: "/api/mcp".to_owned(),
        });
        let app = |id: &str, secret: Option<&str>, redirect_uri: &str| App {
            id: id.to_owned(),
            secret: secret.map(ToOwned::to_owned),
            redirect_uri: redirect_uri.to_owned(),
        };
        Target {
            service: Box::new(OverHttp::new(origin).unwrap()),
            origin: origin.to_owned(),
            places,
            sign_in: SignIn { path: "/signin", fields: &[("username", "ada"), ("password", "correct horse")] },
            public: app("public", None, "https://public.example/cb"),
            web: app("web", Some(SECRET), "https://web.example/cb"),
            initial_token: None,
            apis: [api].into_iter().chain(agents).collect(),
            scopes: self.scopes.to_vec(),
            wildcard: self.wildcard,
            refresh_token: Mutex::default(),
            documents: Documents {
                app: app(&site.client_id(), None, CALLBACK),
                fetches: Box::new(move || site.fetches()),
            },
        }
    }
}

/// What the service knows beforehand.
fn clients() -> serde_json::Value {
    json!([
        {
            "client_id": "public", "client_name": "Public", "redirect_uris": ["https://public.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
        },
        {
            "client_id": "web", "client_name": "Web", "redirect_uris": ["https://web.example/cb"], "client_secret": SECRET,
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_method": "client_secret_basic",
        },
    ])
}

// META-010, META-011, META-013 to META-019, META-024, META-028, PRM-005, PRM-006, PRM-009, PRM-010, PRM-015
#[tokio::test]
async fn snip_says_what_is_wired() {
    let service = Service {
        name: "snip",
        title: "Snip",
        authorize: "/oauth/authorize",
        oauth: "/oauth",
        api: "/api/v1/links",
        scopes: &["links:read", "links:write", "stats:read", "links:delete"],
        wildcard: None,
        agents: Some("Snip for agents"),
    };
    service.expect_truth().await;
}

#[tokio::test]
async fn linkkit_says_what_is_wired() {
    let service = Service {
        name: "linkkit",
        title: "Linkkit",
        authorize: "/oauth/authorize",
        oauth: "/oauth",
        api: "/v1/links",
        scopes: &["links:read", "links:write", "analytics:read", "segments:access", "campaigns:manage"],
        wildcard: None,
        agents: None,
    };
    service.expect_truth().await;
}

#[tokio::test]
async fn clyk_says_what_is_wired() {
    let service = Service {
        name: "clyk",
        title: "CLYK",
        authorize: "/oauth/authorize",
        oauth: "/oauth",
        api: "/api/v1/links",
        scopes: &[
            "links:read",
            "links:write",
            "stats:read",
            "bio:read",
            "bio:write",
            "mcp:tools",
            "sponsorships:read",
            "sponsorships:write",
            "subscribers:read",
        ],
        wildcard: None,
        agents: Some("CLYK for agents"),
    };
    service.expect_truth().await;
}

#[tokio::test]
async fn trimlink_says_what_is_wired() {
    let service = Service {
        name: "trimlink",
        title: "TrimLink",
        authorize: "/app/authorize",
        oauth: "/api/oauth",
        api: "/api/1.0/short-urls/list-all-short-urls",
        scopes: &["short-urls:read", "short-urls:write", "users:read", "domains:read"],
        wildcard: Some("*"),
        agents: None,
    };
    service.expect_truth().await;
}

#[tokio::test]
async fn kit_says_what_is_wired() {
    let service = Service {
        name: "kit",
        title: "Kit",
        authorize: "/v4/oauth/authorize",
        oauth: "/v4/oauth",
        api: "/v4/links",
        scopes: &["public"],
        wildcard: None,
        agents: None,
    };
    service.expect_truth().await;
}

#[tokio::test]
async fn klink_says_what_is_wired() {
    let service = Service {
        name: "klink",
        title: "K-LINK",
        authorize: "/oauth/authorize",
        oauth: "/oauth",
        api: "/api/v1/links",
        scopes: &["links:read", "links:write", "contacts:read"],
        wildcard: None,
        agents: None,
    };
    service.expect_truth().await;
}
