//! Snip itself: self-registered apps, PKCE, rotation, workspaces.

use grantor::client::GrantType;
use grantor::configuration::{EndpointPaths, Prefixes, Registration, RegistrationRules, RegistrationScope};
use grantor::redirect_uri::RedirectUriPolicy;

use super::mcp::{LINK_TOOLS, Mcp};
use super::{
    AppStore, ClientDocuments, Credentials, Developers, Environments, Operation, Plans, Secrets, Service, Unattended,
    Workspaces, delete, get, post, scope,
};

/// What apps may ask for that nobody vouches for: nothing that cannot be undone.
const SELF_REGISTERED: &str = "links:read links:write stats:read";

pub(super) fn service() -> Service {
    Service {
        name: "snip",
        title: "Snip",
        paths: EndpointPaths::under("/oauth"),
        sign_in_path: "/signin",
        scopes: &[
            ("links:read", "See your links"),
            ("links:write", "Create links in your name"),
            ("stats:read", "See how often your links are followed"),
            ("links:delete", "Delete all of your links"),
        ],
        demo_scope: "links:read stats:read",
        api_prefix: "/api/v1",
        api: vec![
            get("/api/v1/me", Operation::Me, ""),
            get("/api/v1/links", Operation::ListLinks, "links:read"),
            post("/api/v1/links", Operation::CreateLink, "links:write"),
            delete("/api/v1/links", Operation::DeleteLinks, "links:delete"),
            get("/api/v1/stats", Operation::Stats, "stats:read"),
        ],
        mcp: Some(Mcp { scope: "", first_scope: "links:read stats:read", tools: LINK_TOOLS }),
        workspaces: Workspaces::Chosen,
        documents: ClientDocuments::ReadFor(SELF_REGISTERED),
        developers: Developers::Everybody,
        secrets: Secrets::Offered,
        credentials: Credentials::SignedIn,
        environments: Environments::Unknown,
        app_store: AppStore::Absent,
        plans: Plans::Unknown,
        unattended: Unattended::ForNobody,
        parameters: &[],
        signed_by: None,
        configure: |builder| {
            // Apps that registered themselves may act for themselves, too: without a user, all that the API tells them is
            // their own id. An agent asks for more when it needs more.
            let rules = RegistrationRules::new()
                .with_requested_scope(RegistrationScope::AsAllowed)
                .with_grant_types(GrantType::ALL)
                .with_scope(scope(SELF_REGISTERED)?);
            Ok(builder
                .default_scope(scope("links:read")?)
                // Nobody should delete what they do not see.
                .scope_implies("links:delete", ["links:read"])
                .prefixes(Prefixes::of("snip")?)
                // Editors that are agents come back by schemes of their own.
                .redirect_uris(RedirectUriPolicy::new().with_known_app_schemes())
                .registration(Registration::Open(rules)))
        },
    }
}
