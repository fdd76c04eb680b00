//! Linkkit: confidential web apps from the dashboard, refresh tokens that stay, errors as stable slugs.

use std::time::Duration;

use grantor::configuration::{EndpointPaths, Prefixes, Wording};
use grantor::error::ErrorReason;
use grantor::policy::{Lifetimes, PkceRequirement, RefreshPolicy};

use super::{
    AppStore, ClientDocuments, Credentials, Developers, Environments, Operation, Plans, Secrets, Service, Unattended,
    Workspaces, get, post, scope,
};

pub(super) fn service() -> Service {
    Service {
        name: "linkkit",
        title: "Linkkit",
        paths: EndpointPaths::under("/oauth"),
        sign_in_path: "/signin",
        scopes: &[
            ("links:read", "See your links"),
            ("links:write", "Create, change and delete links"),
            ("analytics:read", "See how often your links are followed"),
            ("segments:access", "Use your segments"),
            ("campaigns:manage", "Manage your campaigns"),
        ],
        demo_scope: "links:read analytics:read",
        api_prefix: "/v1",
        api: vec![
            get("/v1/links", Operation::ListLinks, "links:read"),
            post("/v1/links", Operation::CreateLink, "links:write"),
            get("/v1/analytics", Operation::Stats, "analytics:read"),
        ],
        mcp: None,
        workspaces: Workspaces::Unknown,
        documents: ClientDocuments::Ignored,
        developers: Developers::Everybody,
        secrets: Secrets::Offered,
        credentials: Credentials::SignedIn,
        environments: Environments::Unknown,
        app_store: AppStore::Absent,
        plans: Plans::Sold,
        unattended: Unattended::ForNobody,
        parameters: &[],
        signed_by: None,
        configure: |builder| {
            Ok(builder
                .default_scope(scope("links:read")?)
                .prefixes(Prefixes::of("linkkit")?)
                // Its web apps never sent a code challenge. They have a secret; whoever has none sends one.
                .pkce(PkceRequirement::Exempt)
                .lifetimes(Lifetimes::new().with_access_token(Some(Duration::from_hours(1))))
                .refresh_policy(RefreshPolicy::Reuse)
                .wording(slugs()))
        },
    }
}

/// What clients compare: a description never changes. Reasons that nobody may tell apart share one; the others are
/// called by their names.
fn slugs() -> Wording {
    use ErrorReason as Reason;
    let slugs: [(&str, &[Reason]); 5] = [
        (
            "missing_parameter",
            &[
                Reason::ResponseTypeMissing,
                Reason::GrantTypeMissing,
                Reason::CodeMissing,
                Reason::RefreshTokenMissing,
                Reason::RedirectUriNotRepeated,
            ],
        ),
        (
            "client_credentials_invalid",
            &[
                Reason::ClientAuthenticationMissing,
                Reason::ClientAuthenticationFailed,
                Reason::ClientAuthenticationMalformed,
                Reason::IntrospectionNotAllowed,
            ],
        ),
        (
            "code_invalid_or_expired",
            &[
                Reason::CodeUnknown,
                Reason::CodeExpired,
                Reason::CodeForeign,
                Reason::CodeReplayed,
                Reason::CodeExhausted,
                Reason::RedirectUriMismatch,
            ],
        ),
        ("grant_not_allowed", &[Reason::GrantTypeNotAllowed]),
        ("scope_not_supported", &[Reason::ScopeMalformed, Reason::ScopeNotAllowed, Reason::ScopeExceedsGrant]),
    ];
    slugs.iter().fold(Wording::new().with_names(), |wording, (slug, reasons)| {
        reasons.iter().fold(wording, |wording, reason| wording.with_description(*reason, slug))
    })
}
