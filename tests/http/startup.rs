//! Starting, refusing to start, and stopping.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::support::{Example, example, http_client};

/// Runs it with these variables until it ends by itself, which it has to.
#[track_caller]
fn run(directory: &Path, variables: &[(&str, &str)]) -> Output {
    let mut command = example::command(directory);
    command.env("ADDR", "127.0.0.1:0").env("RUST_LOG", "off").envs(variables.iter().copied());
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..3_000 {
        if process.try_wait().unwrap().is_some() {
            return process.wait_with_output().unwrap();
        }
        thread::sleep(Duration::from_millis(10));
    }
    process.kill().unwrap();
    panic!("it did not end with {variables:?}: {:?}", process.wait_with_output());
}

/// The one line with which it refuses to start.
#[track_caller]
fn refusal(directory: &Path, variables: &[(&str, &str)]) -> String {
    let output = run(directory, variables);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code().is_some_and(|code| code != 0), "{variables:?}: {:?} {said}", output.status);
    assert_eq!(said.trim_end().lines().count(), 1, "{variables:?}: {said}");
    assert!(output.stdout.is_empty(), "{variables:?}: it greets before it is there");
    assert!(
        !said.contains("panicked") && !said.contains("Error {") && !said.contains("Some("),
        "{variables:?}: {said}"
    );
    said.trim_end().to_owned()
}

#[test]
fn a_bad_address_is_refused_with_an_example_of_a_good_one() {
    let directory = TempDir::new().unwrap();
    for address in
        ["nonsense", "127.0.0.1", "localhost:8080", ":8080", "127.0.0.1:99999", "127.0.0.1:-1", "http://127.0.0.1:80"]
    {
        let line = refusal(directory.path(), &[("ADDR", address)]);
        assert!(line.contains("ADDR") && line.contains(address) && line.contains("127.0.0.1:8080"), "{line}");
    }
    // An address of somebody else's machine (RFC 5737).
    let line = refusal(directory.path(), &[("ADDR", "192.0.2.1:80")]);
    assert!(line.contains("ADDR") && line.contains("192.0.2.1:80"), "{line}");
}

#[test]
fn a_taken_port_is_named() {
    let directory = TempDir::new().unwrap();
    let taken = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refusal(directory.path(), &[("ADDR", &address)]);
    assert!(line.contains("ADDR") && line.contains(&address), "{line}");
    // Nothing was begun.
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none());
}

#[test]
fn from_where_documents_of_clients_may_be_fetched_is_said_clearly_or_nothing_starts() {
    let directory = TempDir::new().unwrap();
    let empty = directory.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let missing = directory.path().join("missing.pem");
    for (variable, value) in [
        ("DOCUMENT_NETWORKS", "10.0.0.0"),
        ("DOCUMENT_NETWORKS", "127.0.0.0/8,localhost"),
        ("DOCUMENT_PORT", "https"),
        ("DOCUMENT_PORT", "65536"),
        ("DOCUMENT_CA", empty.to_str().unwrap()),
        ("DOCUMENT_CA", missing.to_str().unwrap()),
    ] {
        let line = refusal(directory.path(), &[(variable, value)]);
        assert!(line.contains(variable), "{value}: {line}");
    }
}

#[test]
fn how_agents_reach_the_mcp_server_is_said_clearly_or_nothing_starts() {
    let directory = TempDir::new().unwrap();
    for (variable, value) in [
        ("MCP_ORIGINS", "*"),
        ("MCP_ORIGINS", "null"),
        ("MCP_ORIGINS", "localhost:6274"),
        ("MCP_ORIGINS", "http://localhost:6274/"),
        ("MCP_ORIGINS", "https://agent.example:443"),
        ("MCP_ORIGINS", "https://agent.example,https://Agent.example"),
        ("MCP_SESSIONS", "no"),
    ] {
        let line = refusal(directory.path(), &[(variable, value)]);
        assert!(line.contains(variable), "{value}: {line}");
    }
}

#[test]
fn a_bad_issuer_is_refused() {
    let directory = TempDir::new().unwrap();
    for issuer in [
        "links.example",
        "http://links.example",
        "http://10.0.0.1:8080",
        "https://links.example/",
        "https://links.example/path",
        "https://links.example?x=1",
        "https://links.example#x",
        "https://user@links.example",
        "ftp://links.example",
        "javascript:alert(1)",
        "https://",
    ] {
        let line = refusal(directory.path(), &[("ISSUER", issuer)]);
        assert!(line.contains("ISSUER") && line.contains(issuer), "{line}");
    }
    // Where it listens is no name that a client could use.
    let line = refusal(directory.path(), &[("ADDR", "0.0.0.0:0")]);
    assert!(line.contains("ISSUER"), "{line}");
}

#[test]
fn a_bad_database_is_refused() {
    let directory = TempDir::new().unwrap();
    let garbage = directory.path().join("garbage.db");
    fs::write(&garbage, "this is not a database\n".repeat(500)).unwrap();
    let is_a_directory = format!("sqlite://{}", directory.path().display());
    let is_garbage = format!("sqlite://{}", garbage.display());
    let below_a_file = format!("sqlite://{}/x.db", garbage.display());
    for url in [
        "nonsense",
        "mysql://localhost/snip",
        "rediss://localhost/",
        &is_a_directory,
        &is_garbage,
        &below_a_file,
        "sqlite://x.db?mode=nonsense",
    ] {
        let line = refusal(directory.path(), &[("DATABASE_URL", url)]);
        assert!(line.contains("DATABASE_URL"), "{url}: {line}");
    }
}

#[test]
fn a_server_that_cannot_be_used_is_refused_at_once_and_no_password_is_said() {
    let directory = TempDir::new().unwrap();
    // Port 1 is nobody's; the others are no URLs, because of what is in the password.
    for url in [
        "postgres://snip:top-secret@127.0.0.1:1/snip",
        "postgresql://127.0.0.1:1/snip?user=snip&password=top-secret",
        "postgres://snip:1/top-secret@127.0.0.1:1/snip",
        "postgres://snip:top-secret/@127.0.0.1:1/snip",
        "postgres://snip:top-secret@127.0.0.1:1/snip?sslmode=nonsense",
        "redis://:top-secret@127.0.0.1:1/0",
        "redis://snip:top-secret@127.0.0.1:1/nonsense",
        "redis://snip:1/top-secret@127.0.0.1:1/0",
        "redis+cluster://:top-secret@127.0.0.1:1,redis+cluster://:top-secret@127.0.0.1:2",
        "rediss://:top-secret@127.0.0.1:1/",
        "mysql://snip:top-secret@127.0.0.1:1/",
    ] {
        let line = refusal(directory.path(), &[("DATABASE_URL", url)]);
        assert!(line.contains("DATABASE_URL") && !line.contains("top-secret"), "{url}: {line}");
    }
    let own = "postgres://snip:top-secret@127.0.0.1:1/snip";
    let line = refusal(directory.path(), &[("DATABASE_URL", "redis://127.0.0.1:1/"), ("SHORTENER_DATABASE_URL", own)]);
    assert!(line.contains("SHORTENER_DATABASE_URL") && !line.contains("top-secret"), "{line}");
}

#[test]
fn a_bad_clients_file_is_refused_with_what_is_wrong_and_where() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("clients.json");
    let name = file.to_str().unwrap();
    let missing = refusal(directory.path(), &[("CLIENTS", name)]);
    assert!(missing.contains("CLIENTS") && missing.contains(name), "{missing}");
    let not_a_file = refusal(directory.path(), &[("CLIENTS", directory.path().to_str().unwrap())]);
    assert!(not_a_file.contains("CLIENTS"), "{not_a_file}");

    let good =
        r#"{"client_id":"good","redirect_uris":["https://good.example/cb"],"token_endpoint_auth_method":"none"}"#;
    for bad in [
        r"{}",
        r#"{"client_id":"","redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"none"}"#,
        r#"{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"none"}"#,
        r#"{"client_id":"a","redirect_uris":["https://a.example/cb"]}"#,
        r#"{"client_id":"a","redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"none","client_secret":"s"}"#,
        r#"{"client_id":"a","redirect_uris":["http://a.example/cb"],"token_endpoint_auth_method":"none"}"#,
        r#"{"client_id":"a","redirect_uris":["javascript:alert(1)"],"token_endpoint_auth_method":"none"}"#,
        r#"{"client_id":"a","redirect_uris":"https://a.example/cb","token_endpoint_auth_method":"none"}"#,
        r#"{"client_id":"a","redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"tls_client_auth"}"#,
        r#"{"client_id":"a","redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"none","scope":"bogus"}"#,
        r#""a""#,
        "5",
    ] {
        fs::write(&file, format!("[{good},{bad}]")).unwrap();
        let line = refusal(directory.path(), &[("CLIENTS", name)]);
        assert!(line.contains("CLIENTS") && line.contains(name) && line.contains("client 2"), "{bad}: {line}");
    }
    for malformed in ["", "[", "{}", good, "null", "[]]", "\u{feff}[]"] {
        fs::write(&file, malformed).unwrap();
        let line = refusal(directory.path(), &[("CLIENTS", name)]);
        assert!(line.contains("CLIENTS") && line.contains(name), "{malformed}: {line}");
    }
    // A secret that somebody put there does not end up in the message.
    fs::write(&file, format!(r#"[{good},{{"client_id":"a","client_secret":"top-secret","redirect_uris":[5]}}]"#))
        .unwrap();
    assert!(!refusal(directory.path(), &[("CLIENTS", name)]).contains("top-secret"));
}

#[test]
fn it_says_where_it_is_and_how_to_try_it() {
    let example = Example::start();
    let said = example.output();
    for expected in
        [example.origin().as_str(), "ada", "correct horse", "grace", "battery staple", "/demo", "/developers"]
    {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
}

#[test]
fn without_settings_it_uses_the_documented_port_and_a_file_under_target() {
    let directory = TempDir::new().unwrap();
    let said = directory.path().join("said");
    let output = fs::File::create(&said).unwrap();
    let mut command = example::command(directory.path());
    command.env_remove("DATABASE_URL").current_dir(directory.path());
    let mut process = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
    let mut looks = 0..3_000;
    let text = loop {
        let text = fs::read_to_string(&said).unwrap();
        if text.contains("127.0.0.1:8080") || looks.next().is_none() {
            break text;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let taken = process.try_wait().unwrap().is_some() || text.contains("cannot listen");
    process.kill().unwrap();
    process.wait().unwrap();
    // The port may belong to somebody else here; then it says that.
    assert!(text.contains("127.0.0.1:8080"), "{text}");
    assert!(taken || directory.path().join("target/shortener.db").exists(), "{text}");
}

#[tokio::test]
async fn the_issuer_is_what_the_operator_says() {
    let free = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap().local_addr().unwrap();
    let example = Example::start_at(free, &[("ISSUER", "https://links.example")]);
    let get = async |path: &str| http_client().get(example.url(path)).send().await.unwrap();
    let metadata: Value = get("/.well-known/oauth-authorization-server").await.json().await.unwrap();
    assert_eq!(metadata["issuer"], "https://links.example");
    for (name, value) in metadata.as_object().unwrap() {
        if let Some(url) = value.as_str().filter(|_| name.ends_with("_endpoint")) {
            assert!(url.starts_with("https://links.example/oauth/"), "{name}: {url}");
        }
    }
    let challenge = get("/api/v1/me").await;
    let challenge = challenge.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains(r#"resource_metadata="https://links.example/.well-known/oauth-protected-resource""#));
    assert!(example.output().contains("https://links.example"));
}

#[test]
fn a_bad_time_limit_is_refused() {
    let directory = TempDir::new().unwrap();
    for limit in ["0", "-1", "soon", "30s", "1.5", "99999999999999999999"] {
        let line = refusal(directory.path(), &[("REQUEST_TIMEOUT", limit)]);
        assert!(line.contains("REQUEST_TIMEOUT"), "{line}");
    }
}

#[test]
fn of_several_that_start_at_once_on_a_new_file_all_start() {
    let directory = TempDir::new().unwrap();
    let url = format!("sqlite://{}", directory.path().join("shared.db").display());
    thread::scope(|scope| {
        for _ in 0..6 {
            // Each has another name, from its port, so each changes the demo client.
            scope.spawn(|| Example::start_with(&[("DATABASE_URL", &url)]));
        }
    });
}

#[cfg(unix)]
#[test]
fn an_interrupt_right_after_the_greeting_ends_it_in_order() {
    let directory = TempDir::new().unwrap();
    for _ in 0..5 {
        let mut command = example::command(directory.path());
        command.env("ADDR", "127.0.0.1:0").env("RUST_LOG", "off").stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        // Nobody is quicker than a shell that already waits for the first line.
        let mut shell = Command::new("sh");
        shell.args(["-c", "read greeting; kill -INT \"$0\"; cat > /dev/null", &process.id().to_string()]);
        assert!(shell.stdin(process.stdout.take().unwrap()).status().unwrap().success());
        assert!(process.wait().unwrap().success());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_ends_it_in_order() {
    let mut example = Example::start();
    http_client().get(example.url("/")).send().await.unwrap();
    let interrupt = Command::new("sh").args(["-c", &format!("kill -INT {}", example.process_id())]).status().unwrap();
    assert!(interrupt.success());
    assert!(example.wait().success(), "{}", example.output());
}
