//! When the database fails: nobody is blamed for it, nothing is spent, and the cause stays with the operator.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use super::support::reply::Reply;
use super::support::{ADA, App, Browser, Example, Tokens};

/// A table that is taken away for a while.
struct Missing<'a> {
    example: &'a Example,
    table: &'a str,
}

impl<'a> Missing<'a> {
    fn new(example: &'a Example, table: &'a str) -> Self {
        example.run_sql(&format!("ALTER TABLE {table} RENAME TO elsewhere"));
        Self { example, table }
    }

    fn put_back(self) {
        self.example.run_sql(&format!("ALTER TABLE elsewhere RENAME TO {}", self.table));
    }
}

/// A failure that says nothing about the inside.
#[track_caller]
fn expect_failure(reply: Reply) -> Reply {
    assert!([500, 503].contains(&reply.status.as_u16()), "{reply:?}");
    for inside in [
        "grantor_",
        "elsewhere",
        "no such table",
        "relation",
        "locked",
        "sqlx",
        "SQLite",
        "sqlite",
        "ostgre",
        "SELECT",
        "panicked",
        ".rs",
    ] {
        assert!(!reply.body.contains(inside), "{inside} in {reply:?}");
    }
    reply
}

/// For people: a page.
#[track_caller]
fn expect_failure_page(reply: Reply) {
    let status = reply.status.as_u16();
    expect_failure(reply).expect_error_page(status);
}

/// For clients: never an error that makes them throw their tokens away.
#[track_caller]
fn expect_failure_json(reply: Reply) {
    let reply = expect_failure(reply);
    let error = reply.text("error");
    assert!(["server_error", "temporarily_unavailable"].contains(&error.as_str()), "{reply:?}");
    assert!(!reply.headers.contains_key("www-authenticate"), "{reply:?}");
}

/// Says when to come back.
#[track_caller]
fn expect_unavailable(reply: Reply) -> Reply {
    let reply = expect_failure(reply.expect(503));
    assert!(reply.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    reply
}

#[tokio::test]
async fn a_client_that_meets_a_broken_database_finds_everything_as_it_was() {
    a_client_meets_a_broken_database(Example::start_on_sqlite()).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_client_that_meets_a_broken_postgres_finds_everything_as_it_was() {
    a_client_meets_a_broken_database(Example::start_on_postgres()).await;
}

async fn a_client_meets_a_broken_database(example: Example) {
    let app = App::confidential(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let tokens = app.connect(&mut browser, "links:read").await;
    let (code, verifier) = app.code(&mut browser, "links:read").await;

    for table in
        ["grantor_clients", "grantor_codes", "grantor_access_tokens", "grantor_refresh_tokens", "grantor_grants"]
    {
        let missing = Missing::new(&example, table);
        expect_failure_json(app.exchange(&code, &verifier).await);
        if table != "grantor_codes" {
            expect_failure_json(app.refresh(&tokens.refresh).await);
        }
        missing.put_back();
    }
    let missing = Missing::new(&example, "grantor_access_tokens");
    expect_failure_json(app.call("/links", &tokens.access).await);
    expect_failure_json(app.introspect(&tokens.access).await);
    expect_failure_json(app.revoke(&tokens.access).await);
    missing.put_back();
    let missing = Missing::new(&example, "links");
    expect_failure_json(app.call("/links", &tokens.access).await);
    missing.put_back();

    app.call("/links", &tokens.access).await.expect(200);
    Tokens::of(&app.refresh(&tokens.refresh).await);
    Tokens::of(&app.exchange(&code, &verifier).await);
    let cause = if example.is_on_a_server() { "does not exist" } else { "no such table" };
    assert!(example.output().contains(cause), "the operator is told the cause");
}

/// Somebody else who writes, and keeps every other writer out.
enum Writer {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Writer {
    async fn begin(example: &Example) -> Self {
        if example.is_on_a_server() {
            let mut connection = PgConnection::connect(&example.database_url()).await.unwrap();
            let tables = "links, grantor_codes, grantor_grants, grantor_access_tokens, grantor_refresh_tokens";
            let lock = AssertSqlSafe(format!("BEGIN; LOCK TABLE {tables} IN EXCLUSIVE MODE"));
            sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
            Self::Postgres(connection)
        } else {
            let mut connection = SqliteConnection::connect(&example.database_url()).await.unwrap();
            sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            Self::Sqlite(connection)
        }
    }

    /// The transaction goes with the connection.
    async fn end(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.unwrap(),
            Self::Postgres(connection) => connection.close().await.unwrap(),
        }
    }
}

#[tokio::test]
async fn while_the_database_is_busy_everybody_is_told_to_come_back() {
    everybody_is_told_to_come_back(Example::start_on_sqlite()).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn while_tables_are_locked_in_postgres_everybody_is_told_to_come_back() {
    everybody_is_told_to_come_back(Example::start_on_postgres()).await;
}

async fn everybody_is_told_to_come_back(example: Example) {
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let tokens = app.connect(&mut browser, "links:read").await;
    let (code, verifier) = app.code(&mut browser, "links:read").await;
    let request = app.request_with("links:read", &[("prompt", "consent")]);
    let form = browser.get(&request.path).await.form("/oauth/authorize").press("decision", "approve");
    let link = browser.get("/").await.form("/links").with("url", "https://example.com/");

    // For longer than the example waits; all at once, so that the test waits only once.
    let writer = Writer::begin(&example).await;
    let (mut other, mut another) = (browser.clone(), browser.clone());
    let (exchange, refresh, decision, made, read) = tokio::join!(
        app.exchange(&code, &verifier),
        app.refresh(&tokens.refresh),
        other.submit(&form),
        another.submit(&link),
        app.call("/links", &tokens.access),
    );
    writer.end().await;
    for reply in [exchange, refresh] {
        assert_eq!(expect_unavailable(reply).json()["error"], "temporarily_unavailable");
    }
    let answer = decision.answer_to(&app.redirect_uri);
    assert_eq!(answer.error(), "temporarily_unavailable");
    assert_eq!(answer.get("state"), Some(request.state.as_str()));
    expect_unavailable(made).expect_error_page(503);
    // Who only reads is not kept from it.
    read.expect(200);

    Tokens::of(&app.exchange(&code, &verifier).await);
    Tokens::of(&app.refresh(&tokens.refresh).await);
    browser.submit(&form).await.answer_to(&app.redirect_uri).code();
}

#[tokio::test]
async fn a_person_sees_a_page_and_finds_everything_as_it_was() {
    a_person_meets_a_broken_database(Example::start_on_sqlite()).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_person_who_meets_a_broken_postgres_sees_a_page_and_finds_everything_as_it_was() {
    a_person_meets_a_broken_database(Example::start_on_postgres()).await;
}

async fn a_person_meets_a_broken_database(example: Example) {
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request("links:read");
    let form = browser.get(&request.path).await.form("/oauth/authorize").press("decision", "approve");

    let missing = Missing::new(&example, "grantor_clients");
    for path in [request.path.as_str(), "/developers"] {
        expect_failure_page(browser.get(path).await);
    }
    expect_failure_page(browser.submit(&form).await);
    missing.put_back();
    for table in ["users", "sessions", "links"] {
        let missing = Missing::new(&example, table);
        expect_failure_page(browser.get("/").await);
        missing.put_back();
    }
    let missing = Missing::new(&example, "grantor_grants");
    expect_failure_page(browser.get("/connected").await);
    // With a client that is known, the failure goes to it (RFC 6749 §4.1.2.1): the person is signed in.
    let answer = browser.submit(&form).await.answer_to(&app.redirect_uri);
    assert!(["server_error", "temporarily_unavailable"].contains(&answer.error()), "{answer:?}");
    missing.put_back();

    let answer = browser.submit(&form).await.answer_to(&app.redirect_uri);
    Tokens::of(&app.exchange(answer.code(), &request.verifier).await);
}
