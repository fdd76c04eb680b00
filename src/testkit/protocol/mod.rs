//! The protocol suite: what OAuth demands of a server, seen from outside, one function for each demand.
//!
//! It runs against anything that answers HTTP requests ([`Service`]) and has people who decide ([`Host`]): the crate in
//! process ([`TestServer`](crate::testkit::TestServer)), an adapter, a framework's test service, a running server by
//! its address ([`OverHttp`]), also one that has nothing to do with this crate.
//!
//! [`protocol_tests!`](crate::protocol_tests) makes one test of each row, and each row's function says what is
//! demanded, how strongly, and in which section of which document. [`Suite::run_all`] makes a [`Report`], as text and
//! as JSON; a row that does not hold shows everything that was sent and received. The guide
//! [`writing_an_adapter`](crate::guide::writing_an_adapter) begins with an adapter and ends with the suite.
//!
//! # A server that runs elsewhere
//!
//! The suite has to know where things are ([`Profile`]) and how people sign in and decide ([`Host`]); plain forms need
//! only the names of their fields ([`FormHost`]). The clients of the profile have to be registered there, each by the
//! metadata that [`KnownClient::registration`] gives, or be replaced by clients of the same kind.
//!
//! ```no_run
//! use grantor::testkit::protocol::{Api, ApiCall, Endpoints, Feature, FormHost, OverHttp, Profile, Scopes, Suite};
//! use http::Method;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = "http://127.0.0.1:8080";
//! let scopes = Scopes {
//!     default: "links:read".to_owned(),
//!     write: "links:write".to_owned(),
//!     restricted: "links:delete".to_owned(),
//! };
//! let api = Api {
//!     resource: issuer.to_owned(),
//!     other_resource: None,
//!     read: "/api/v1/links".to_owned(),
//!     write: ApiCall {
//!         method: Method::POST,
//!         path: "/api/v1/links".to_owned(),
//!         body: r#"{"url":"https://example.com/"}"#.to_owned(),
//!     },
//! };
//! let profile = Profile::new(issuer, Endpoints::under(issuer, "/oauth"), scopes, api)
//!     .without(Feature::Clock); // nobody can make its time pass
//! let ada = [("username", "ada"), ("password", "correct horse")];
//! let grace = [("username", "grace"), ("password", "battery staple")];
//!
//! let suite = Suite::new(OverHttp::new(issuer)?, FormHost::new(ada, grace), profile);
//! let report = suite.run_all().await;
//! println!("{report}");
//! assert_eq!(report.failed().count(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! It is meant for a server that has nothing in it which matters: it tries to break it, and leaves clients and grants
//! behind. Turn its rate limits off, since the suite sends more than a hundred wrong secrets in the name of one client, and
//! registers some hundreds of clients, as fast as it can.

#[macro_use]
mod failure;
#[macro_use]
mod row;

mod api;
mod back_channel;
mod browser;
mod challenge;
mod cross_origin;
mod discovery;
mod form_host;
mod front_channel;
mod grants;
mod host;
mod html;
mod in_process;
mod macros;
mod page;
mod profile;
mod registered;
mod reply;
mod report;
pub mod rows;
mod run;
mod service;
mod suite;
mod tokens;

pub(crate) use back_channel::{damaged, expect_unguessable, miscased, winners};
pub use browser::Browser;
pub(crate) use cross_origin::{from_origin, lists};
pub use failure::Failure;
pub use form_host::FormHost;
pub use host::{Decision, Host, Submission, User};
pub use html::{Element, PageForm};
pub use profile::{Api, ApiCall, Endpoints, Feature, KnownClient, Profile, Scopes};
pub(crate) use registered::Registered;
pub use reply::Reply;
pub use report::{Exchange, Outcome, Report, RowReport};
pub use row::{Level, Row};
pub use run::Run;
pub(crate) use run::{CHALLENGE, VERIFIER, authorization, basic, challenge, identified, random};
pub use service::{OverHttp, Service, ServiceError, UnreachableUrl};
pub use suite::Suite;
pub(crate) use tokens::Tokens;

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(authority..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| authority + at);
    url.get(..end).unwrap_or(url)
}
