//! Every web site that there is, in process: what is fetched from it, and how often.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use grantor::cimd::{ClientIdUrl, DocumentFetcher, FetchError};
use grantor::testkit::yield_once;
use http::Response;
use serde_json::Value;

/// Answers what it is told to, and counts.
#[derive(Debug, Default)]
pub struct Site {
    pages: Mutex<HashMap<String, Response<Bytes>>>,
    fetched: Mutex<Vec<String>>,
}

impl Site {
    /// Publishes a document.
    pub fn publish(&self, url: &str, document: &Value) {
        self.answer(url, 200, &[("content-type", "application/json")], document.to_string());
    }

    /// Publishes a document, with one header more.
    pub fn publish_with(&self, url: &str, document: &Value, name: &str, value: &str) {
        self.answer(url, 200, &[("content-type", "application/json"), (name, value)], document.to_string());
    }

    /// Answers with this status, these headers and this body.
    pub fn answer(&self, url: &str, status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) {
        let response = Response::builder().status(status);
        let response = headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
        self.pages.lock().unwrap().insert(url.to_owned(), response.body(body.into()).unwrap());
    }

    /// Is not there any more.
    pub fn vanish(&self, url: &str) {
        self.pages.lock().unwrap().remove(url);
    }

    /// What was fetched so far, and forgets it.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.fetched.lock().unwrap())
    }
}

#[async_trait]
impl DocumentFetcher for Site {
    async fn fetch(&self, url: &ClientIdUrl) -> Result<Response<Bytes>, FetchError> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).push(url.to_string());
        yield_once().await;
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.get(url.as_str()).cloned().ok_or(FetchError::TimedOut)
    }
}
