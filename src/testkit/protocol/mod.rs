//! The protocol suite: what OAuth demands of a server, seen from outside, one function for each demand.
//!
//! It runs against anything that answers HTTP requests ([`Service`]) and has people who decide ([`Host`]): the crate in process
//! ([`TestServer`](crate::testkit::TestServer)), an adapter, a framework's test service, a running server by its address
//! ([`OverHttp`]), also one that has nothing to do with this crate.
//!
//! [`protocol_tests!`](crate::protocol_tests) makes one test of each row; [`Suite::run_all`] makes a [`Report`], as text and
//! as JSON.

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
