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
mod sign_in;
mod text;
mod workspace;

pub use app_store::{AppStorePage, StoreApp};
pub use connected::{ConnectedApp, ConnectedPage};
pub use consent::{ConsentPage, Destination, ScopeChoice};
pub use demo::{ApiCall, DemoPage, DemoState};
pub use developers::{
    AppDetails, AppFields, AppForm, AppPage, AppRegisteredPage, AppSecretPage, DevelopersPage, SecretRow,
};
pub use error::ErrorPage;
pub use home::{DashboardPage, LinkRow, WelcomePage};
pub use layout::{Account, Layout, Section};
pub use sign_in::SignInPage;
pub use text::{date, host_of, timestamp};
pub use workspace::WorkspaceChoice;
