//! `kill -9` in the middle of traffic: what was acknowledged holds, and nothing is worth twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use tokio::task::JoinSet;

use super::support::{ADA, App, Browser, Example, GRACE, Reply, Tokens, http_client};

const ROUNDS: usize = 3;
const WORKERS: usize = 8;
/// How much has to be acknowledged before the process dies.
const ENOUGH: usize = 120;
/// Within this time a refresh whose answer was lost has to work again; the server grants ten seconds.
const GRACE_PERIOD: Duration = Duration::from_secs(8);

/// What one worker knows when the server is gone.
#[derive(Default)]
struct Ledger {
    /// Codes that were never sent.
    unsent: Vec<Code>,
    /// Codes whose exchange was sent, and not acknowledged.
    in_doubt: Vec<Code>,
    /// Codes whose exchange was acknowledged.
    redeemed: Vec<Code>,
    access: Vec<String>,
    /// Refresh tokens that were never sent.
    refresh: Vec<String>,
    /// A refresh token that was sent, and not acknowledged.
    refresh_in_doubt: Option<(String, Instant)>,
}

struct Code {
    code: String,
    verifier: String,
}

/// A client, and the session of somebody who approved it before.
#[derive(Clone)]
struct Worker {
    app: App,
    http: reqwest::Client,
    origin: String,
    cookie: String,
    acknowledged: Arc<AtomicUsize>,
}

impl Worker {
    /// Sends a request: nothing if the server died before the answer was complete. An answer that did arrive has to be
    /// good.
    async fn attempt(&self, request: RequestBuilder, status: u16) -> Option<Reply> {
        let response = request.send().await.ok()?;
        let (found, headers) = (response.status(), response.headers().clone());
        let reply = Reply { status: found, headers, body: response.text().await.ok()? }.expect(status);
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        Some(reply)
    }

    async fn authorize(&self) -> Option<Code> {
        let request = self.app.request("links:read");
        let get = self.http.get(format!("{}{}", self.origin, request.path)).header("cookie", &self.cookie);
        let reply = self.attempt(get, 303).await?;
        let code = reply.answer_to(&self.app.redirect_uri).code().to_owned();
        Some(Code { code, verifier: request.verifier })
    }

    async fn exchange(&self, code: &Code) -> Option<Tokens> {
        let request = self.app.exchange_request(&code.code, &code.verifier);
        self.attempt(request, 200).await.as_ref().map(Tokens::of)
    }

    async fn refresh(&self, token: &str) -> Option<Tokens> {
        self.attempt(self.app.refresh_request(token), 200).await.as_ref().map(Tokens::of)
    }

    /// Works until the server dies.
    async fn work(self) -> Ledger {
        let mut ledger = Ledger::default();
        let mut turn = 0;
        'server_is_there: while let Some(code) = self.authorize().await {
            turn += 1;
            if turn % 4 == 0 {
                ledger.unsent.push(code);
                continue;
            }
            let Some(mut tokens) = self.exchange(&code).await else {
                ledger.in_doubt.push(code);
                break;
            };
            ledger.redeemed.push(code);
            ledger.access.push(tokens.access.clone());
            for _ in 0..2 {
                let sent = Instant::now();
                let Some(next) = self.refresh(&tokens.refresh).await else {
                    ledger.refresh_in_doubt = Some((tokens.refresh, sent));
                    break 'server_is_there;
                };
                assert_ne!(next.refresh, tokens.refresh);
                tokens = next;
                ledger.access.push(tokens.access.clone());
            }
            ledger.refresh.push(tokens.refresh);
        }
        ledger
    }

    /// Holds the server that is back against what the worker knows.
    async fn check(&self, ledger: Ledger) {
        if let Some((token, sent)) = ledger.refresh_in_doubt {
            let again = self.app.refresh(&token).await;
            if sent.elapsed() < GRACE_PERIOD {
                let tokens = Tokens::of(&again);
                self.app.call("/links", &tokens.access).await.expect(200);
            }
        }
        for access in &ledger.access {
            self.app.call("/links", access).await.expect(200);
        }
        for refresh in &ledger.refresh {
            Tokens::of(&self.app.refresh(refresh).await);
        }
        for code in &ledger.unsent {
            Tokens::of(&self.app.exchange(&code.code, &code.verifier).await);
            self.app.exchange(&code.code, &code.verifier).await.expect_error(400, "invalid_grant");
        }
        for code in &ledger.in_doubt {
            let reply = self.app.exchange(&code.code, &code.verifier).await;
            if reply.status != 200 {
                reply.expect_error(400, "invalid_grant");
            }
            self.app.exchange(&code.code, &code.verifier).await.expect_error(400, "invalid_grant");
        }
        for code in &ledger.redeemed {
            self.app.exchange(&code.code, &code.verifier).await.expect_error(400, "invalid_grant");
        }
    }
}

async fn workers(example: &Example) -> Vec<Worker> {
    let apps = [App::public(example).await, App::confidential(example).await];
    let mut browsers = [Browser::signed_in(example, ADA).await, Browser::signed_in(example, GRACE).await];
    let mut workers = Vec::new();
    for app in &apps {
        for browser in &mut browsers {
            // From now on the consent is remembered.
            app.connect(browser, "links:read").await;
            workers.push(Worker {
                app: app.clone(),
                http: http_client(),
                origin: example.origin(),
                cookie: format!("snip={}", browser.cookie("snip").unwrap()),
                acknowledged: Arc::default(),
            });
        }
    }
    workers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_under_load_loses_nothing_that_was_acknowledged_and_no_code_redeems_twice() {
    let mut example = Example::start();
    let workers = workers(&example).await;
    let mut all_in_doubt = 0;
    for round in 0..ROUNDS {
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let mut load = JoinSet::new();
        for at in 0..WORKERS {
            let worker = Worker { acknowledged: acknowledged.clone(), ..workers[at % workers.len()].clone() };
            load.spawn(async move { (worker.clone(), worker.work().await) });
        }
        for _ in 0..6_000 {
            if acknowledged.load(Ordering::Relaxed) >= ENOUGH {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Every worker is busy at this moment, so some requests are cut off on their way.
        example.kill();
        let ledgers = load.join_all().await;
        assert!(acknowledged.load(Ordering::Relaxed) >= ENOUGH, "round {round}: too little was done in a minute");

        example.restart_with(&[]);
        let mut checks = JoinSet::new();
        for (worker, ledger) in ledgers {
            all_in_doubt += ledger.in_doubt.len() + usize::from(ledger.refresh_in_doubt.is_some());
            checks.spawn(async move { worker.check(ledger).await });
        }
        checks.join_all().await;
    }
    assert!(all_in_doubt > 0, "no request was cut off on its way");
}
