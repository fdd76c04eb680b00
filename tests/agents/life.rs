//! The life of an agent: it finds its way from an address, introduces itself, is let in, works, goes on, asks for more, is
//! thrown out, and begins again.

use std::sync::Arc;

use serde_json::{Value, json};

use super::agent::Agent;
use super::driver::browse_at;
use super::sdk::Sdk;
use super::support::{ADA, DocumentSite, Example};
use super::tab::Tab;

const NAME: &str = "Field Agent";

/// Each agent, at each service that has an MCP server, in both ways to introduce itself.
macro_rules! agents {
    ($($sdk:ident: $variant:ident)*) => {
        $(
            mod $sdk {
                use super::super::sdk::Sdk::$variant as SDK;
                use super::{Introduction, hear_no, live, live_without_sessions};

                #[tokio::test]
                #[ignore = "needs the SDKs of npm and PyPI: tests/servers/run cargo test -- --include-ignored"]
                async fn an_agent_registers_itself_and_works_until_access_is_taken_back_and_again_after_that() {
                    live(SDK, "snip", Introduction::Registration).await;
                }

                #[tokio::test]
                #[ignore = "needs the SDKs of npm and PyPI: tests/servers/run cargo test -- --include-ignored"]
                async fn an_agent_with_a_document_works_until_access_is_taken_back_and_again_after_that() {
                    live(SDK, "snip", Introduction::Document).await;
                }

                #[tokio::test]
                #[ignore = "needs the SDKs of npm and PyPI: tests/servers/run cargo test -- --include-ignored"]
                async fn an_agent_registers_itself_where_tokens_are_api_keys() {
                    live(SDK, "clyk", Introduction::Registration).await;
                }

                #[tokio::test]
                #[ignore = "needs the SDKs of npm and PyPI: tests/servers/run cargo test -- --include-ignored"]
                async fn an_agent_with_a_document_works_where_tokens_are_api_keys() {
                    live(SDK, "clyk", Introduction::Document).await;
                }

                #[tokio::test]
                #[ignore = "needs the SDKs of npm and PyPI: tests/servers/run cargo test -- --include-ignored"]
                async fn an_agent_hears_that_its_user_said_no() {
                    hear_no(SDK).await;
                }

                #[tokio::test]
                #[ignore = "needs the SDKs of npm and PyPI: tests/servers/run cargo test -- --include-ignored"]
                async fn an_agent_works_where_there_are_no_sessions() {
                    live_without_sessions(SDK).await;
                }
            }
        )*
    };
}

agents! {
    typescript: TypeScript
    python: Python
}

/// How an agent makes itself known.
#[derive(Clone, Copy, Debug)]
enum Introduction {
    /// By dynamic registration (RFC 7591).
    Registration,
    /// By the URL of a document.
    Document,
}

/// An agent's user, in front of a browser.
struct Person {
    tab: Tab,
}

impl Person {
    /// Opens what the agent shows.
    async fn open(&self, url: &str) {
        self.tab.client.goto(url).await.unwrap();
    }

    async fn decide(&self, decision: &str) {
        self.tab.press(decision).await;
        self.tab.see("The agent has your answer.").await;
    }

    async fn take_access_back(&self) {
        self.tab.open("/connected").await;
        self.tab.see(NAME).await;
        // What it had at first, and what it asked for after that.
        self.tab.press("Revoke all").await;
        self.tab.see("Access was taken back").await;
    }
}

fn agent(sdk: Sdk, example: &Example, client_metadata_url: Option<String>) -> Agent {
    let mut settings = json!({
        "url": example.url("/api/mcp"), "name": NAME, "grant_types": ["authorization_code", "refresh_token"],
    });
    // To be without a document is not to have none: null.
    settings.as_object_mut().unwrap().extend(client_metadata_url.map(|url| ("client_metadata_url".into(), url.into())));
    Agent::start(sdk, &settings)
}

/// Has the agent do something that needs nobody.
async fn ask(agent: &mut Agent, command: Value) -> Value {
    agent.tell(&command);
    agent.done().await
}

fn call(tool: &str, input: Value) -> Value {
    json!({ "do": "call", "tool": tool, "input": input })
}

async fn live(sdk: Sdk, service: &'static str, introduction: Introduction) {
    // The port is another each time, and the document does not name it (RFC 8252 §7.3).
    let site = DocumentSite::with(json!({ "client_name": NAME, "redirect_uris": ["http://127.0.0.1/callback"] })).await;
    let example = Arc::new(site.example(service));
    browse_at(
        || Arc::clone(&example),
        json!({}),
        async move |tab: Tab| {
            let example = Arc::clone(&tab.example);
            let document = match introduction {
                Introduction::Registration => None,
                Introduction::Document => Some(site.client_id()),
            };
            let mut agent = agent(sdk, &example, document.clone());
            let person = Person { tab };

            agent.tell(&json!({ "do": "connect" }));
            person.open(&agent.opens().await).await;
            person.tab.sign_in(ADA.username, ADA.password).await;
            person.tab.see("Unverified app").await;
            person.tab.see(NAME).await;
            person.tab.see("127.0.0.1").await;
            person.tab.see("Runs on this computer.").await;
            if document.is_some() {
                person.tab.see("localhost").await;
                person.tab.see("Any program on this computer can pass for this app").await;
            }
            person.decide("Approve").await;
            assert_eq!(agent.done().await["name"], service);
            let credentials = ask(&mut agent, json!({ "do": "credentials" })).await;
            let client_id = credentials["client_id"].as_str().unwrap();
            assert!(document.as_ref().is_none_or(|url| url == client_id), "{credentials}");
            assert!(document.is_some() || !client_id.contains("://"), "{credentials}");

            let tools = json!(["create_short_link", "list_links", "read_stats"]);
            assert_eq!(ask(&mut agent, json!({ "do": "tools" })).await, tools);
            let links = ask(&mut agent, call("list_links", json!({}))).await;
            assert!(links["links"].as_array().unwrap().iter().any(|link| link["slug"] == "engine"), "{links}");

            // Models make names up.
            agent.tell(&call("delete_everything", json!({})));
            let failure = agent.failed().await;
            assert!(failure.contains("There is no such tool."), "{failure}");

            // A token of CLYK lives until it is revoked. One of Snip's is followed by another, and nobody is asked.
            if credentials["can_refresh"] == true {
                example.run_sql("UPDATE grantor_access_tokens SET expires_at = expires_at - 3600000");
                ask(&mut agent, json!({ "do": "pass_time", "seconds": 3600 })).await;
                assert!(ask(&mut agent, call("read_stats", json!({}))).await["visits"].is_u64());
                assert_eq!(ask(&mut agent, json!({ "do": "credentials" })).await["tokens_received"], 2);
            }
            assert_eq!(credentials["can_refresh"], service == "snip");

            agent.tell(&call("create_short_link", json!({ "url": "https://example.com/agents" })));
            person.open(&agent.opens().await).await;
            person.decide("Approve").await;
            let made = agent.done().await;
            let slug = made["short_url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            let more = ask(&mut agent, json!({ "do": "credentials" })).await;
            assert_eq!(more["client_id"], client_id);
            for scope in ["links:read", "stats:read", "links:write"] {
                assert!(more["scope"].as_str().unwrap().split(' ').any(|token| token == scope), "{scope}: {more}");
            }

            person.take_access_back().await;
            agent.tell(&call("list_links", json!({})));
            person.open(&agent.opens().await).await;
            person.decide("Approve").await;
            let links = agent.done().await;
            assert!(links["links"].as_array().unwrap().iter().any(|link| link["slug"] == *slug), "{links}");
        },
    )
    .await;
}

async fn hear_no(sdk: Sdk) {
    browse_at(
        || Arc::new(Example::start()),
        json!({}),
        async move |tab: Tab| {
            let mut agent = agent(sdk, &tab.example, None);
            let person = Person { tab };
            agent.tell(&json!({ "do": "connect" }));
            person.open(&agent.opens().await).await;
            person.tab.sign_in(ADA.username, ADA.password).await;
            person.decide("Deny").await;
            let failure = agent.failed().await;
            assert!(failure.contains("access_denied"), "{failure}");

            // Nobody has to say no for ever.
            agent.tell(&json!({ "do": "connect" }));
            person.open(&agent.opens().await).await;
            person.decide("Approve").await;
            assert_eq!(agent.done().await["name"], "snip");
        },
    )
    .await;
}

/// As behind an address that several processes share, none of which knows what another was asked.
async fn live_without_sessions(sdk: Sdk) {
    let example = Arc::new(Example::start_with(&[("MCP_SESSIONS", "off")]));
    browse_at(
        || example,
        json!({}),
        async move |tab: Tab| {
            let mut agent = agent(sdk, &tab.example, None);
            let person = Person { tab };
            agent.tell(&json!({ "do": "connect" }));
            person.open(&agent.opens().await).await;
            person.tab.sign_in(ADA.username, ADA.password).await;
            person.decide("Approve").await;
            assert_eq!(agent.done().await["name"], "snip");
            let links = ask(&mut agent, call("list_links", json!({}))).await;
            assert!(links["links"].as_array().unwrap().iter().any(|link| link["slug"] == "engine"), "{links}");
        },
    )
    .await;
}
