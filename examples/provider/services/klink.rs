//! K-LINK: apps for development or production, tokens that the dashboard issues for a tenant, an API by either
//! credential.

use grantor::configuration::{EndpointPaths, Prefixes, ResourceCredentials};
use grantor::policy::RefreshPolicy;

use super::{
    AppStore, ClientDocuments, Credentials, Developers, Environments, Operation, Plans, Secrets, Service, Unattended,
    Workspaces, get, post, scope,
};

pub(super) fn service() -> Service {
    Service {
        name: "klink",
        title: "K-LINK",
        paths: EndpointPaths::under("/oauth"),
        sign_in_path: "/signin",
        scopes: &[
            ("contacts:read", "See the contacts of a tenant"),
            ("links:read", "See the links of a tenant"),
            ("links:write", "Create links for a tenant"),
        ],
        demo_scope: "contacts:read links:read",
        api_prefix: "/api/v1",
        api: vec![
            get("/api/v1/contacts", Operation::ListContacts, "contacts:read"),
            get("/api/v1/links", Operation::ListLinks, "links:read"),
            post("/api/v1/links", Operation::CreateLink, "links:write"),
        ],
        mcp: None,
        workspaces: Workspaces::Chosen,
        documents: ClientDocuments::Ignored,
        developers: Developers::Everybody,
        secrets: Secrets::Offered,
        credentials: Credentials::SignedIn,
        environments: Environments::Chosen,
        app_store: AppStore::Absent,
        plans: Plans::Sold,
        unattended: Unattended::ForItsOwner,
        parameters: &[],
        signed_by: None,
        configure: |builder| {
            Ok(builder
                .default_scope(scope("contacts:read")?)
                .prefixes(Prefixes::of("klink")?)
                .refresh_policy(RefreshPolicy::Never)
                .resource_credentials(ResourceCredentials::AccessTokenOrClientSecret))
        },
    }
}
