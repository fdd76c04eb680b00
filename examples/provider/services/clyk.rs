//! CLYK: public clients that register themselves, tokens that are API keys and live until they are revoked.

use grantor::client::GrantType;
use grantor::configuration::{EndpointPaths, Prefixes, Registration, RegistrationRules};
use grantor::policy::{Lifetimes, RefreshPolicy};
use grantor::secret::Prefix;

use super::{AppStore, Credentials, Developers, Environments, Operation, Service, Workspaces, get, post, scope};

const SCOPES: &[(&str, &str)] = &[
    ("links:read", "See your links"),
    ("links:write", "Create links in your name"),
    ("stats:read", "See how often your links are followed"),
    ("bio:read", "See your bio page"),
    ("bio:write", "Change your bio page"),
    ("mcp:tools", "Use the tools of the MCP server"),
    ("sponsorships:read", "See your sponsorships"),
    ("sponsorships:write", "Change your sponsorships"),
    ("subscribers:read", "See your subscribers"),
];

pub(super) fn service() -> Service {
    Service {
        name: "clyk",
        title: "CLYK",
        paths: EndpointPaths::under("/oauth"),
        sign_in_path: "/auth/signin",
        scopes: SCOPES,
        demo_scope: "links:read stats:read",
        api_prefix: "/api",
        api: vec![
            get("/api/v1/me", Operation::Me, ""),
            get("/api/v1/links", Operation::ListLinks, "links:read"),
            post("/api/v1/links", Operation::CreateLink, "links:write"),
            get("/api/v1/stats", Operation::Stats, "stats:read"),
        ],
        workspaces: Workspaces::Unknown,
        developers: Developers::Everybody,
        credentials: Credentials::SignedIn,
        environments: Environments::Unknown,
        app_store: AppStore::Absent,
        configure: |builder| {
            let rules = RegistrationRules::new()
                .with_grant_types([GrantType::AuthorizationCode])
                .with_client_id_prefix("clyk_oauth_");
            Ok(builder
                .default_scope(scope("links:read")?)
                .prefixes(Prefixes::of("clyk")?.with_access_token(Prefix::parse("clyk_live_")?))
                .lifetimes(Lifetimes::new().with_code(Lifetimes::MAX_CODE).with_access_token(None))
                .refresh_policy(RefreshPolicy::Never)
                .registration(Registration::Open(rules)))
        },
    }
}
