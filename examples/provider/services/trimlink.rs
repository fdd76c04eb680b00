//! TrimLink: apps and tokens of a workspace, a year of access, one scope for everything.

use std::time::Duration;

use grantor::configuration::{EndpointPaths, Prefixes};
use grantor::policy::{Lifetimes, RefreshPolicy};

use super::{AppStore, Credentials, Developers, Environments, Operation, Service, Workspaces, get, post, scope};

/// 365 days.
const YEAR: Duration = Duration::from_hours(365 * 24);

pub(super) fn service() -> Service {
    Service {
        name: "trimlink",
        title: "TrimLink",
        paths: EndpointPaths::under("/api/oauth").with_authorize("/app/authorize"),
        sign_in_path: "/signin",
        scopes: &[("*", "Do everything that you can do yourself")],
        demo_scope: "*",
        api_prefix: "/api/1.0",
        api: vec![
            get("/api/1.0/users/list-all-users", Operation::ListUsers, "*"),
            get("/api/1.0/short-urls/list-all-short-urls", Operation::ListShortUrls, "*"),
            post("/api/1.0/short-urls/", Operation::CreateShortUrl, "*"),
            get("/api/1.0/domains/list-all-domains", Operation::ListDomains, "*"),
        ],
        workspaces: Workspaces::Chosen,
        developers: Developers::Owners,
        credentials: Credentials::PasswordAgain,
        environments: Environments::Unknown,
        app_store: AppStore::Absent,
        configure: |builder| {
            Ok(builder
                .default_scope(scope("*")?)
                .prefixes(Prefixes::of("trimlink")?)
                .lifetimes(
                    Lifetimes::new().with_access_token(Some(YEAR)).with_refresh_idle(None).with_refresh_absolute(None),
                )
                .refresh_policy(RefreshPolicy::default()))
        },
    }
}
