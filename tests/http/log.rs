//! What the operator reads, and what nobody may read there.

use serde_json::json;

use super::metrics::metrics;
use super::support::reply::Reply;
use super::support::{ADA, App, Browser, Example, Tokens, http_client};

/// Everything that somebody could use, or that leads to a person.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= 12, "{what} {secret:?} would be found by chance");
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        if encoded != secret {
            self.0.push((what, encoded));
        }
        self.0.push((what, secret));
    }

    fn add_tokens(&mut self, tokens: &Tokens) {
        self.add("access token", &tokens.access);
        self.add("refresh token", &tokens.refresh);
    }

    fn add_cookies(&mut self, browser: &Browser) {
        for name in ["snip", "link_board"] {
            if let Some(value) = browser.cookie(name) {
                self.add("cookie", value);
            }
        }
    }

    /// Every hidden value of every form on a page.
    fn add_forms(&mut self, page: &Reply) {
        for form in super::support::html::forms(&page.page()) {
            for (name, value) in
                form.fields.iter().filter(|(name, _)| matches!(name.as_str(), "csrf" | "consent_token"))
            {
                self.add(if name == "csrf" { "anti-CSRF value" } else { "consent token" }, value);
            }
        }
    }

    #[track_caller]
    fn expect_absent(&self, text: &[u8], place: &str) {
        for (what, secret) in &self.0 {
            let found = text.windows(secret.len()).position(|window| window == secret.as_bytes());
            let around =
                found.map(|at| String::from_utf8_lossy(&text[at.saturating_sub(300)..(at + 200).min(text.len())]));
            assert!(found.is_none(), "{place} holds the {what} {secret}: {around:?}");
        }
    }
}

/// Everything that can be done, right and wrong, with what was secret on the way.
async fn everything(example: &Example) -> Secrets {
    let mut secrets = Secrets::default();
    let mut ada = Browser::new(example);
    let page = ada.get("/signin").await;
    secrets.add_forms(&page);
    secrets.add_cookies(&ada);
    secrets.add("wrong password", "a wrong password of mine");
    ada.submit_sign_in(&page, ADA.username, "a wrong password of mine").await.expect(403);
    ada.submit_sign_in(&page, "nobody", "a wrong password of mine").await.expect(403);
    ada.submit_sign_in(&page, ADA.username, ADA.password).await.expect(303);
    secrets.add_cookies(&ada);

    let metadata = json!({
        "redirect_uris": ["https://app.example/cb"], "client_name": "Logged App",
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    });
    let registered = http_client().post(example.url("/oauth/register")).json(&metadata).send().await.unwrap();
    let registered = Reply::of(registered).await.expect(201);
    secrets.add("client secret", registered.text("client_secret"));
    secrets.add("registration token", registered.text("registration_access_token"));
    let manage = http_client().get(registered.text("registration_client_uri"));
    manage.bearer_auth(registered.text("registration_access_token")).send().await.unwrap().error_for_status().unwrap();
    let secret = registered.text("client_secret");
    let app = App::known(example, &registered.text("client_id"), "https://app.example/cb").with_secret(Some(&secret));

    let request = app.request("links:read stats:read");
    secrets.add("state", &request.state);
    secrets.add("verifier", &request.verifier);
    let page = ada.get(&request.path).await;
    secrets.add_forms(&page);
    let form = page.form("/oauth/authorize").press("decision", "approve");
    let answer = ada.submit(&form).await.answer_to(&app.redirect_uri);
    ada.submit(&form).await.expect(409);
    secrets.add("code", answer.code());
    secrets.add("wrong verifier", "a-wrong-verifier-of-the-right-length-0123456789");
    app.exchange(answer.code(), "a-wrong-verifier-of-the-right-length-0123456789").await.expect(400);
    let tokens = Tokens::of(&app.exchange(answer.code(), &request.verifier).await);
    secrets.add_tokens(&tokens);
    let wrong = app.clone().with_secret(Some("a-wrong-client-secret"));
    secrets.add("wrong client secret", "a-wrong-client-secret");
    wrong.refresh(&tokens.refresh).await.expect(401);
    let next = Tokens::of(&app.refresh(&tokens.refresh).await);
    secrets.add_tokens(&next);
    for token in [&tokens.access, &next.access] {
        app.call("/links", token).await.expect(200);
        app.introspect(token).await.expect(200);
    }
    let query = format!("/api/v1/me?access_token={}", next.access);
    http_client().get(example.url(&query)).send().await.unwrap();
    let own = app.token(&[("grant_type", "client_credentials")]).await.text("access_token");
    secrets.add("access token", own);
    // A replay, and what follows from it.
    app.exchange(answer.code(), &request.verifier).await.expect(400);
    app.refresh(&next.refresh).await.expect(400);
    app.call("/links", &next.access).await.expect(401);
    app.revoke(&next.refresh).await.expect(200);

    demo(&mut ada, example, &mut secrets).await;
    developer_page(&mut ada, &mut secrets).await;
    secrets.add_cookies(&ada);
    let page = ada.get("/connected").await;
    secrets.add_forms(&page);
    let sign_out = ada.get("/").await.form("/signout");
    ada.submit(&sign_out).await.expect(303);
    secrets.add_cookies(&ada);
    secrets
}

async fn demo(ada: &mut Browser, example: &Example, secrets: &mut Secrets) {
    let start = ada.get("/demo").await.form("/demo/connect");
    let away = ada.submit(&start).await;
    secrets.add_cookies(ada);
    let request = away.redirect().strip_prefix(&example.origin()).unwrap().to_owned();
    let page = ada.visit(&request).await;
    secrets.add_forms(&page);
    let back = ada.submit(&page.form("/oauth/authorize").press("decision", "approve")).await;
    let answer = back.answer_to(&example.url("/demo/callback"));
    secrets.add("code", answer.code());
    secrets.add("state", answer.get("state").unwrap());
    let callback = back.redirect().strip_prefix(&example.origin()).unwrap().to_owned();
    ada.visit(&callback).await.expect(200);
}

async fn developer_page(ada: &mut Browser, secrets: &mut Secrets) {
    let page = ada.get("/developers").await;
    secrets.add_forms(&page);
    let form = page.form("/developers").with("name", "Logged").with("type", "confidential");
    let page = ada.submit(&form.with("redirect_uris", "https://logged.example/cb")).await.expect(200);
    secrets.add("client secret", page.texts(".secret code").remove(0));
}

#[tokio::test]
async fn at_its_most_talkative_the_log_holds_no_secret_and_neither_does_the_database() {
    let example = Example::start_with(&[("RUST_LOG", "trace"), ("METRICS_ADDR", "127.0.0.1:0")]);
    let secrets = everything(&example).await;
    let metrics = metrics(&example).await;
    assert!(metrics.lines().count() > 50, "{metrics}");
    secrets.expect_absent(metrics.as_bytes(), "the metrics");
    assert!(secrets.0.len() > 25);
    let output = example.output();
    assert!(output.contains("TRACE") && output.lines().count() > 200, "the log is as talkative as it gets");
    secrets.expect_absent(output.as_bytes(), "the log");
    // Demo passwords are told to whoever starts it, and to nobody else.
    assert_eq!(output.matches(ADA.password).count(), 1);
    assert!(!output.contains("correct+horse") && !output.contains("$argon2"));
    for name in ["code=", "state=", "code_verifier=", "client_secret=", "consent_token=", "csrf="] {
        assert!(!output.contains(name), "{name}");
    }

    let mut stored = secrets;
    // The anti-CSRF values are derived, and what was wrong was never kept.
    stored.0.retain(|(what, _)| !what.starts_with("wrong"));
    stored.expect_absent(&example.database(), "the database");
}

#[tokio::test]
async fn what_a_stranger_sends_stays_on_its_line() {
    let example = Example::start();
    for path in ["/oauth/authorize?client_id=a%0aFAKE+LINE%0d%1b[31mred", "/%0aFAKE%20LINE", "/%1b[31mred%e2%80%aeder"]
    {
        http_client().get(example.url(path)).send().await.unwrap();
    }
    let form = "grant_type=client_credentials&client_id=a%0aFAKE+LINE&client_secret=x%1b[31m";
    let request = http_client().post(example.url("/oauth/token")).body(form);
    request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    let output = example.output();
    assert!(!output.lines().any(|line| line.trim_start().starts_with("FAKE")), "{output}");
    assert!(!output.contains('\u{1b}') && !output.contains('\u{202e}') && !output.contains('\r'), "{output}");
}

#[tokio::test]
async fn the_reference_on_an_error_page_leads_to_its_line_in_the_log() {
    let example = Example::start();
    let page = Browser::new(&example).get("/oauth/authorize?client_id=nobody").await.expect_error_page(400);
    let reference = page.header("x-request-id").unwrap();
    assert!(page.texts("main code").contains(&reference.to_owned()));
    let output = example.output();
    let line = output.lines().find(|line| line.contains(reference)).expect("a line");
    assert!(line.contains("/oauth/authorize") && line.contains("400"), "{line}");
    // What the app did wrong is in the log as well, by the name of the reason.
    let reason = "event=\"refused\" client=\"nobody\" endpoint=\"authorization\" reason=\"client_unknown\"";
    assert!(output.lines().any(|line| line.contains(reason)), "{output}");
}
