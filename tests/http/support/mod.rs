//! The example's process, a browser, a client, and what they are answered.

pub mod app;
pub mod browser;
mod document_site;
pub mod example;
pub mod html;
mod operator;
pub mod raw;
pub mod reply;
pub mod sabotage;
pub mod server;

pub use app::{App, Tokens};
pub use browser::{ADA, Browser, GRACE};
pub use document_site::{CALLBACK, DocumentSite};
pub use example::Example;
pub use reply::Reply;
pub use server::OwnDatabase;

/// An HTTP client that does nothing by itself: no redirects, no proxy, and no connection kept while a server is restarted.
pub fn http_client() -> reqwest::Client {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    client.pool_max_idle_per_host(0).build().unwrap()
}
