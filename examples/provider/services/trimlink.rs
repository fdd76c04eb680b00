//! TrimLink: apps and tokens of a workspace, signed tokens for a year, one scope for everything, and plans.

use std::time::Duration;

use grantor::configuration::{EndpointPaths, Prefixes, TokenRequestBodies};
use grantor::jwt::{Algorithm, JwtHeader};
use grantor::policy::{AccessTokenFormat, Lifetimes, PkceRequirement, RefreshPolicy};

use super::{
    AppStore, ClientDocuments, Credentials, Developers, Environments, Operation, Plans, Secrets, Service, Unattended,
    Workspaces, get, post, scope,
};

/// 365 days.
const YEAR: Duration = Duration::from_hours(365 * 24);

pub(super) fn service() -> Service {
    Service {
        name: "trimlink",
        title: "TrimLink",
        paths: EndpointPaths::under("/api/oauth").with_authorize("/app/authorize"),
        sign_in_path: "/signin",
        scopes: &[
            ("users:read", "See the people in your workspaces"),
            ("short-urls:read", "See your short URLs"),
            ("short-urls:write", "Create short URLs in your name"),
            ("domains:read", "See the domains that your short URLs are on"),
        ],
        demo_scope: "*",
        api_prefix: "/api/1.0",
        api: vec![
            get("/api/1.0/users/list-all-users", Operation::ListUsers, "users:read"),
            get("/api/1.0/short-urls/list-all-short-urls", Operation::ListShortUrls, "short-urls:read"),
            post("/api/1.0/short-urls/", Operation::CreateShortUrl, "short-urls:write"),
            get("/api/1.0/domains/list-all-domains", Operation::ListDomains, "domains:read"),
        ],
        mcp: None,
        workspaces: Workspaces::Chosen,
        documents: ClientDocuments::Ignored,
        developers: Developers::Owners,
        secrets: Secrets::Offered,
        credentials: Credentials::PasswordAgain,
        environments: Environments::Production,
        app_store: AppStore::Absent,
        plans: Plans::Sold,
        unattended: Unattended::ForNobody,
        parameters: &[],
        signed_by: Some(Algorithm::Rs256),
        configure: |builder| {
            let lifetimes = Lifetimes::new().with_access_token(Some(YEAR));
            Ok(builder
                .wildcard_scope("*")
                .default_scope(scope("*")?)
                .prefixes(Prefixes::of("trimlink")?)
                .pkce(PkceRequirement::Optional)
                // Its Node and Python clients send JSON, its PHP client a form.
                .token_requests(TokenRequestBodies::FormOrJson)
                .access_token_format(AccessTokenFormat::Jwt)
                .access_token_header(JwtHeader::Plain)
                .lifetimes(lifetimes.with_refresh_idle(None).with_refresh_absolute(None))
                .refresh_policy(RefreshPolicy::default()))
        },
    }
}
