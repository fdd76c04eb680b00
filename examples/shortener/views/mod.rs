//! The pages as data: what each template is given.
//!
//! A template is escaped as HTML by its file name, so whatever a client or a person wrote can be put in as it is.

mod app_store;
mod connected;
mod consent;
mod demo;
mod developers;
mod error;
mod home;
mod layout;
mod scope;
mod sign_in;
mod text;
mod tokens;
mod workspace;

pub use app_store::{AppStorePage, StoreApp};
pub use connected::{ConnectedApp, ConnectedGrant, ConnectedPage};
pub use consent::{ConsentPage, Destination, Publisher};
pub use demo::{ApiCall, DemoPage, DemoState};
pub use developers::{
    AppDetails, AppFields, AppForm, AppPage, AppRegisteredPage, AppSecretPage, DevelopersPage, SecretRow,
};
pub use error::ErrorPage;
pub use home::{DashboardPage, LinkRow, WelcomePage};
pub use layout::{Account, Layout, Section};
pub use scope::ScopeChoice;
pub use sign_in::SignInPage;
pub use text::{date, date_and_time, host_of, iso_date, timestamp};
pub use tokens::{AppChoice, TokenForm, TokenIssuedPage, TokenList, TokenOrigin, TokenRow, TokenStatus, TokensPage};
pub use workspace::WorkspaceChoice;
