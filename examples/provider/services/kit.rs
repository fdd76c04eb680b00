//! Kit: an app store, with secure apps and single-page apps, and rotation.

use std::time::Duration;

use grantor::configuration::{EndpointPaths, Prefixes, ResponseMember, TokenResponseShape};
use grantor::policy::{Lifetimes, PkceRequirement, RefreshPolicy};

use super::{
    AppStore, ClientDocuments, Credentials, Developers, Environments, Operation, Plans, Secrets, Service, Unattended,
    Workspaces, get, scope,
};

pub(super) fn service() -> Service {
    Service {
        name: "kit",
        title: "Kit",
        paths: EndpointPaths::under("/v4/oauth"),
        sign_in_path: "/signin",
        scopes: &[("public", "See your account and your links")],
        demo_scope: "public",
        api_prefix: "/v4",
        api: vec![get("/v4/account", Operation::Account, "public"), get("/v4/links", Operation::ListLinks, "public")],
        mcp: None,
        workspaces: Workspaces::Unknown,
        documents: ClientDocuments::Ignored,
        developers: Developers::Everybody,
        secrets: Secrets::Offered,
        credentials: Credentials::SignedIn,
        environments: Environments::Unknown,
        app_store: AppStore::Shown,
        plans: Plans::Sold,
        unattended: Unattended::ForNobody,
        parameters: &[("tenant_name", "Tenant")],
        signed_by: None,
        configure: |builder| {
            let lifetimes = Lifetimes::new()
                .with_access_token(Some(Duration::from_hours(48)))
                .with_refreshed_access_token(Some(Duration::from_hours(2)));
            Ok(builder
                .default_scope(scope("public")?)
                .prefixes(Prefixes::of("kit")?)
                // Secure apps have their secret; single-page apps send a code challenge.
                .pkce(PkceRequirement::Exempt)
                .lifetimes(lifetimes)
                .refresh_policy(RefreshPolicy::default())
                .token_response(TokenResponseShape::new().with_member("created_at", ResponseMember::IssuedAt)))
        },
    }
}
