//! What a person does in a browser.

use std::sync::Arc;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::Value;

use super::example::Example;

/// How long something may take to show; a browser on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(25);

/// A browser tab, and the example that it looks at.
#[derive(Clone, Debug)]
pub struct Tab {
    pub client: Client,
    pub example: Arc<Example>,
}

impl Tab {
    pub const fn new(client: Client, example: Arc<Example>) -> Self {
        Self { client, example }
    }

    /// Types a path of the example into the address bar.
    pub async fn open(&self, path: &str) {
        self.client.goto(&self.example.url(path)).await.unwrap();
    }

    /// The address bar.
    pub async fn url(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// The element that a CSS selector finds, once it is there.
    pub async fn find(&self, selector: &str) -> Element {
        let found = self.client.wait().at_most(PATIENCE).every(PAUSE).for_element(Locator::Css(selector)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {selector} ({error}) at {}:\n{}", self.url().await, self.text().await),
        }
    }

    /// Everything that can be read on the page.
    pub async fn text(&self) -> String {
        self.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap()
    }

    /// Waits until the page says `words`.
    pub async fn see(&self, words: &str) {
        self.see_any(&[words]).await;
    }

    /// Waits until the page says one of these.
    pub async fn see_any(&self, wanted: &[&str]) {
        let attempts = PATIENCE.as_millis() / PAUSE.as_millis();
        let mut shown = String::new();
        for _ in 0..attempts {
            // The page may be on its way.
            if let Ok(body) = self.client.find(Locator::Css("body")).await
                && let Ok(text) = body.text().await
            {
                if wanted.iter().any(|words| text.contains(words)) {
                    return;
                }
                shown = text;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{wanted:?} does not show at {}:\n{shown}", self.url().await);
    }

    /// A button or a link, by what it says.
    pub async fn control(&self, words: &str) -> Element {
        let path = format!("//button[normalize-space()='{words}'] | //a[normalize-space()='{words}']");
        let found = self.client.wait().at_most(PATIENCE).every(PAUSE).for_element(Locator::XPath(&path)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {words:?} ({error}) at {}:\n{}", self.url().await, self.text().await),
        }
    }

    pub async fn press(&self, words: &str) {
        self.control(words).await.click().await.unwrap();
    }

    /// Presses a key, wherever the focus is.
    pub async fn key(&self, key: Key) {
        let focus = self.client.active_element().await.unwrap();
        focus.send_keys(&char::from(key).to_string()).await.unwrap();
    }

    /// Fills in the sign-in form that is shown.
    pub async fn sign_in(&self, username: &str, password: &str) {
        self.find("input[name=username]").await.send_keys(username).await.unwrap();
        self.find("input[name=password]").await.send_keys(password).await.unwrap();
        self.find("form button[type=submit]").await.click().await.unwrap();
    }

    /// Whether a box is ticked.
    pub async fn is_ticked(&self, scope: &str) -> bool {
        self.find(&checkbox(scope)).await.is_selected().await.unwrap()
    }

    /// Ticks or unticks a box.
    pub async fn toggle(&self, scope: &str) {
        self.find(&checkbox(scope)).await.click().await.unwrap();
    }

    /// What a script finds out about the page.
    pub async fn measure(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }
}

fn checkbox(scope: &str) -> String {
    format!("input[type=checkbox][name=scope][value='{scope}']")
}
