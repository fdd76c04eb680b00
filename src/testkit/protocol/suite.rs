//! The suite at one target.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::browser::Cookies;
use super::{Host, Outcome, Profile, Report, Row, RowReport, Run, Service, User};

/// The protocol suite at one target.
pub struct Suite {
    service: Box<dyn Service>,
    host: Box<dyn Host>,
    profile: Arc<Profile>,
    sessions: Mutex<HashMap<User, Cookies>>,
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite").field("issuer", &self.profile.issuer).finish_non_exhaustive()
    }
}

impl Suite {
    /// The suite at `service`, whose people and pages are `host`, and which `profile` describes.
    pub fn new(service: impl Service + 'static, host: impl Host + 'static, profile: Profile) -> Self {
        Self {
            service: Box::new(service),
            host: Box::new(host),
            profile: Arc::new(profile),
            sessions: Mutex::default(),
        }
    }

    /// What the target is.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Checks one row.
    pub async fn run(&self, row: &'static Row) -> RowReport {
        let run = self.begin();
        let result = (row.check)(&run).await;
        RowReport::new(row, result, run.into_exchanges())
    }

    /// Begins a run, for the function of a row that is called by itself:
    ///
    /// ```
    /// use grantor::testkit::protocol::rows::pkce;
    /// use grantor::testkit::{TestServer, block_on};
    ///
    /// # fn main() -> Result<(), grantor::testkit::protocol::Failure> {
    /// block_on(async {
    ///     let suite = TestServer::new().protocol_suite().await;
    ///     pkce::pkce_009_a_wrong_verifier_is_refused(&suite.begin()).await
    /// })
    /// # }
    /// ```
    #[must_use]
    pub const fn begin(&self) -> Run<'_> {
        Run::new(self)
    }

    /// Checks every row, one after the other.
    pub async fn run_all(&self) -> Report {
        let mut rows = Vec::new();
        for row in Row::all() {
            rows.push(self.run(row).await);
        }
        Report::new(self.profile.issuer.clone(), rows)
    }

    /// Checks one row as a test does.
    ///
    /// # Panics
    ///
    /// If the row does not hold; the message says why, and shows everything that was sent and received.
    pub async fn check(&self, row: &'static Row) {
        let report = self.run(row).await;
        assert!(report.outcome() != Outcome::Failed, "\n{report}");
    }

    /// Checks the row of this name, as a test does.
    #[doc(hidden)]
    pub async fn check_named(suite: &(impl Borrow<Self> + Sync), name: &str) {
        let row = Row::named(name).unwrap_or_else(|| panic!("there is no row {name}"));
        suite.borrow().check(row).await;
    }

    pub(super) fn service(&self) -> &dyn Service {
        &*self.service
    }

    pub(super) fn host(&self) -> &dyn Host {
        &*self.host
    }

    pub(super) fn shared_profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }

    /// The session of a user who has signed in for another row.
    pub(super) fn session(&self, user: User) -> Option<Cookies> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(&user).cloned()
    }

    pub(super) fn keep_session(&self, user: User, cookies: Cookies) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(user, cookies);
    }
}
