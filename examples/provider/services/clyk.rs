//! CLYK: public clients that register themselves, tokens that are API keys and live until they are revoked.

use grantor::client::GrantType;
use grantor::configuration::{
    EndpointPaths, Prefixes, Registration, RegistrationAuthentication, RegistrationManagement, RegistrationMember,
    RegistrationRules, RegistrationScope, TokenResponseShape,
};
use grantor::policy::{Lifetimes, RefreshPolicy};
use grantor::redirect_uri::RedirectUriPolicy;
use grantor::secret::Prefix;

use super::mcp::{LINK_TOOLS, Mcp};
use super::{
    AppStore, ClientDocuments, Credentials, Developers, Environments, Operation, Plans, Secrets, Service, Unattended,
    Workspaces, get, post, scope,
};

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
        mcp: Some(Mcp { scope: "mcp:tools", first_scope: "links:read stats:read", tools: LINK_TOOLS }),
        workspaces: Workspaces::Unknown,
        documents: ClientDocuments::Read,
        developers: Developers::Everybody,
        secrets: Secrets::Never,
        credentials: Credentials::SignedIn,
        environments: Environments::Unknown,
        app_store: AppStore::Absent,
        plans: Plans::Sold,
        unattended: Unattended::ForNobody,
        parameters: &[],
        signed_by: None,
        configure: |builder| {
            // The answer has the six members that are documented, and nobody gets a secret.
            let rules = RegistrationRules::new()
                // An agent asks for more when it needs more.
                .with_requested_scope(RegistrationScope::AsAllowed)
                .with_client_id_prefix("clyk_oauth_")
                .with_authentication(RegistrationAuthentication::PublicOnly)
                .with_management(RegistrationManagement::Disabled)
                .without_members([RegistrationMember::ClientIdIssuedAt, RegistrationMember::Scope]);
            // Keys that people make in the dashboard begin as access tokens do.
            let prefixes = Prefixes::of("clyk")?.with_access_token(Prefix::parse("clyk_live_")?);
            Ok(builder
                .default_scope(scope("links:read")?)
                .grant_types([GrantType::AuthorizationCode])
                .prefixes(prefixes)
                // Editors that are agents come back by schemes of their own.
                .redirect_uris(RedirectUriPolicy::new().with_known_app_schemes())
                .lifetimes(Lifetimes::new().with_code(Lifetimes::MAX_CODE).with_access_token(None))
                .refresh_policy(RefreshPolicy::Never)
                .token_response(TokenResponseShape::new().with_null_refresh_token())
                .registration(Registration::Open(rules)))
        },
    }
}
