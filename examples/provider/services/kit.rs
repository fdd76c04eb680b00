//! Kit: an app store, with secure apps and single-page apps, and rotation.

use std::time::Duration;

use grantor::configuration::{EndpointPaths, Prefixes};
use grantor::policy::{Lifetimes, RefreshPolicy};

use super::{AppStore, Credentials, Developers, Environments, Operation, Service, Workspaces, get, scope};

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
        workspaces: Workspaces::Unknown,
        developers: Developers::Everybody,
        credentials: Credentials::SignedIn,
        environments: Environments::Unknown,
        app_store: AppStore::Shown,
        configure: |builder| {
            Ok(builder
                .default_scope(scope("public")?)
                .prefixes(Prefixes::of("kit")?)
                .lifetimes(Lifetimes::new().with_access_token(Some(Duration::from_hours(48))))
                .refresh_policy(RefreshPolicy::default()))
        },
    }
}
