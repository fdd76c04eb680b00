//! Scopes that stand for others: a wildcard, tokens that imply others, and what the words for them are.

use grantor::configuration::{ConfigurationError, ProtectedResource, Registration, RegistrationRules};
use grantor::error::{EndpointError, ErrorReason};
use grantor::store::{MemoryStore, Page};
use grantor::{Approval, AuthorizationServer, AuthorizationServerBuilder, Issuer, NewPersonalToken, Recall, Scope};
use serde_json::json;

use crate::browser::{expect_code, expect_rejection};
use crate::registration::{expect_registered, public, register, request as request_of, with};
use crate::support::{Answer, Form, Setup, redirect_uri};

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn with_wildcard(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    builder.wildcard_scope("*")
}

/// `links` implies `links:read` and `links:write`, and that implies `links:draft`.
fn with_links(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    builder
        .scope("links", "Manage your links")
        .scope("links:read", "See your links")
        .scope("links:write", "Change your links")
        .scope("links:draft", "Draft links")
        .scope_implies("links", ["links:read", "links:write"])
        .scope_implies("links:write", ["links:draft"])
}

async fn tokens(setup: &Setup, request: &Form, approval: Approval) -> Answer {
    let code = expect_code(&setup.approve_with(request, approval).await, redirect_uri("pub"), request);
    setup.token(&setup.exchange("pub", &code)).await.expect_ok()
}

async fn granted(setup: &Setup, asked: &str) -> String {
    tokens(setup, &setup.request("pub").set("scope", asked), Approval::all()).await.text("scope").to_owned()
}

async fn expect_refused(setup: &Setup, asked: &str) {
    let request = setup.request("pub").set("scope", asked);
    expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
}

async fn by_itself(setup: &Setup, client: &str, asked: &str) -> Answer {
    let form = Form::of(&[("grant_type", "client_credentials"), ("scope", asked)]);
    setup.token(&setup.identify(client, form)).await
}

async fn refreshed(setup: &Setup, tokens: &Answer, asked: &str) -> Answer {
    setup.token(&setup.refresh("pub", tokens.text("refresh_token")).set("scope", asked)).await
}

#[tokio::test]
async fn the_wildcard_is_granted_as_all_that_the_client_may_have() {
    for setup in Setup::both_with(with_wildcard).await {
        assert_eq!(granted(&setup, "*").await, "read write admin");
        assert_eq!(granted(&setup, "read * offline_access").await, "read write admin");
        expect_refused(&setup, "* bogus").await;
        assert_eq!(by_itself(&setup, "svc", "*").await.expect_ok().text("scope"), "read write");

        setup.change("pub", |client| client.with_scope(scope("write gone"))).await;
        assert_eq!(granted(&setup, "*").await, "write");
        expect_refused(&setup, "* read").await;
        let page = setup.pending(&setup.request("pub").set("scope", "*")).await.unwrap();
        assert_eq!(page.scopes().collect::<Vec<_>>(), [("write", "Change your things")]);
        let grants = setup.server.grants(&setup.alice, Page::first(10.try_into().unwrap())).await.unwrap();
        assert!(grants.iter().all(|summary| !summary.grant.scope.contains("*")), "{grants:?}");
    }
}

#[tokio::test]
async fn a_wildcard_means_nothing_unless_the_operator_declares_it() {
    for setup in Setup::both_with(|builder| builder.wildcard_scope("everything")).await {
        expect_refused(&setup, "*").await;
        assert_eq!(granted(&setup, "everything").await, "read write admin");
    }
}

#[tokio::test]
async fn the_default_scope_may_be_all_that_a_client_may_have() {
    for setup in Setup::both_with(|builder| with_wildcard(builder).default_scope(scope("*"))).await {
        assert_eq!(granted(&setup, "").await, "read write admin");
        setup.change("pub", |client| client.with_scope(scope("write"))).await;
        assert_eq!(granted(&setup, "").await, "write");
    }
}

#[tokio::test]
async fn a_client_of_the_wildcard_may_have_what_is_declared_later_and_its_grants_stay_as_they_are() {
    for setup in Setup::both_with(with_wildcard).await {
        setup.change("pub", |client| client.with_scope(scope("*"))).await;
        let before = tokens(&setup, &setup.request("pub").set("scope", "*"), Approval::all()).await;
        assert_eq!(before.text("scope"), "read write admin");

        let stores =
            grantor::Stores::new(setup.registry.clone(), setup.grants.clone()).with_registry(setup.registry.clone());
        let later = AuthorizationServer::builder(Issuer::parse("https://as.test").unwrap(), stores)
            .scope("read", "Read")
            .scope("write", "Write")
            .scope("admin", "Administer")
            .scope("new", "What is new")
            .wildcard_scope("*")
            .paths(grantor::configuration::EndpointPaths::under("/oauth"))
            .clock(setup.clock.clone())
            .build()
            .unwrap();
        let request = setup.request("pub").set("scope", "*");
        let pending = later.authorize(&request.encode()).await.unwrap();
        assert_eq!(pending.scope().as_str(), "read write admin new");
        let asked = later.recall(pending, &setup.alice).await.unwrap();
        assert!(matches!(asked, Recall::Ask(_)), "the grant does not cover what is new");
        let form = setup.refresh("pub", before.text("refresh_token")).set("scope", "*").encode();
        let post = http::Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
        let answer = Answer::from(later.handle(post.body(form).unwrap()).await).expect_ok();
        setup.secrets.note_answer(&answer);
        assert_eq!(answer.text("scope"), "read write admin");
    }
}

#[tokio::test]
async fn at_a_refresh_the_wildcard_is_all_that_was_granted() {
    for setup in Setup::both_with(with_wildcard).await {
        let request = setup.request("pub").set("scope", "read write");
        let first = tokens(&setup, &request, Approval::all()).await;
        let second = refreshed(&setup, &first, "*").await.expect_ok();
        assert_eq!(second.text("scope"), "read write");
        refreshed(&setup, &second, "* admin").await.expect_error(400, "invalid_scope");
        assert_eq!(refreshed(&setup, &second, "write").await.expect_ok().text("scope"), "write");
    }
}

#[tokio::test]
async fn a_registration_for_the_wildcard_is_one_for_all_that_the_rules_allow() {
    for (rules, told) in [
        (RegistrationRules::new(), "read write admin"),
        (RegistrationRules::new().with_scope(scope("*")), "read write admin"),
        (RegistrationRules::new().with_scope(scope("read write")), "read write"),
    ] {
        let configure = |builder: AuthorizationServerBuilder| {
            with_wildcard(builder).registration(Registration::Open(rules.clone()))
        };
        for setup in Setup::both_with(configure).await {
            let answer = expect_registered(register(&setup, &with(public(), "scope", json!("*"))).await);
            assert_eq!(answer.text("scope"), told);
            let pending = setup.pending(&request_of(&setup, &answer).set("scope", "*")).await.unwrap();
            assert_eq!(pending.scope().as_str(), told);
        }
    }
}

#[tokio::test]
async fn the_metadata_list_the_wildcard() {
    for setup in Setup::both_with(with_wildcard).await {
        let path = "/.well-known/oauth-authorization-server";
        let answer = setup.send(http::Request::get(path).body(String::new()).unwrap()).await;
        assert_eq!(answer.json["scopes_supported"], json!(["read", "write", "admin", "*", "offline_access"]));
    }
}

#[tokio::test]
async fn whoever_is_granted_a_token_is_granted_what_it_implies() {
    for setup in Setup::both_with(with_links).await {
        assert_eq!(granted(&setup, "links").await, "links links:read links:write links:draft");
        assert_eq!(granted(&setup, "links:write read").await, "links:write links:draft read");
        assert_eq!(granted(&setup, "links:read").await, "links:read");

        setup.change("pub", |client| client.with_scope(scope("links:write"))).await;
        assert_eq!(granted(&setup, "links:draft").await, "links:draft");
        expect_refused(&setup, "links").await;
        setup.change("svc", |client| client.with_scope(scope("links"))).await;
        let own = by_itself(&setup, "svc", "links:write").await.expect_ok();
        assert_eq!(own.text("scope"), "links:write links:draft");
    }
}

#[tokio::test]
async fn who_approves_a_part_approves_what_that_part_implies_and_no_more() {
    for setup in Setup::both_with(with_links).await {
        let request = setup.request("pub").set("scope", "links read");
        for (approved, expected) in [
            ("links:read", "links:read"),
            ("links:write read", "links:write links:draft read"),
            ("links", "links links:read links:write links:draft"),
        ] {
            let answer = tokens(&setup, &request, Approval::of(scope(approved))).await;
            assert_eq!(answer.text("scope"), expected, "{approved}");
        }
        let answer = setup.approve_with(&request, Approval::of(scope("admin"))).await;
        expect_rejection(&answer, redirect_uri("pub"), "access_denied", &request);
    }
}

#[tokio::test]
async fn a_page_can_tell_what_comes_with_a_token() {
    for setup in Setup::both_with(with_links).await {
        let implied = |token: &str| setup.server.implied_scopes(token).collect::<Vec<_>>().join(" ");
        assert_eq!(implied("links"), "links:read links:write links:draft");
        assert_eq!(implied("links:write"), "links:draft");
        for token in ["links:draft", "read", "bogus", "*", ""] {
            assert_eq!(implied(token), "", "{token}");
        }
    }
}

#[tokio::test]
async fn what_is_implied_is_remembered_and_can_be_refreshed_alone() {
    for setup in Setup::both_with(with_links).await {
        let asked = async |text: &str| {
            let pending = setup.pending(&setup.request("pub").set("scope", text)).await.unwrap();
            matches!(setup.server.recall(pending, &setup.alice).await.unwrap(), Recall::Ask(_))
        };
        let request = setup.request("pub").set("scope", "links:write");
        let first = tokens(&setup, &request, Approval::all()).await;
        assert!(!asked("links:write").await && !asked("links:draft").await);
        assert!(asked("links").await && asked("links:read").await);

        let second = refreshed(&setup, &first, "links:draft").await.expect_ok();
        assert_eq!(second.text("scope"), "links:draft");
        let third = refreshed(&setup, &second, "links:write").await.expect_ok();
        assert_eq!(third.text("scope"), "links:write links:draft");
        refreshed(&setup, &third, "links").await.expect_error(400, "invalid_scope");
    }
}

#[tokio::test]
async fn scopes_are_described_in_the_language_of_the_reader() {
    let configure = |builder: AuthorizationServerBuilder| {
        builder.scope_in("de", "read", "Lesen").scope_in("fr", "read", "Lire").scope_in("de", "write", "Schreiben")
    };
    for setup in Setup::both_with(configure).await {
        let request = setup.request("pub").set("scope", "read write");
        for (ui_locales, accepted, read, write) in [
            ("", "", "Read your things", "Change your things"),
            ("", "de-CH, fr;q=0.5", "Lesen", "Schreiben"),
            ("fr", "de", "Lire", "Schreiben"),
            ("it", "da", "Read your things", "Change your things"),
            ("\"", ";;,", "Read your things", "Change your things"),
        ] {
            let pending = setup.pending(&request.clone().set("ui_locales", ui_locales)).await.unwrap();
            let words: Vec<_> = pending.scopes_for(accepted).collect();
            assert_eq!(words, [("read", read), ("write", write)], "{ui_locales} {accepted}");
            assert_eq!(pending.scopes().next(), Some(("read", "Read your things")));
        }
    }
}

#[test]
fn declarations_that_contradict_themselves_build_no_server() {
    let error = |configure: fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder| {
        let issuer = Issuer::parse("https://as.test").unwrap();
        let store = std::sync::Arc::new(MemoryStore::new());
        configure(AuthorizationServer::builder(issuer, store).scope("a", "A").scope("b", "B")).build().err()
    };
    let undeclared = |text: &str| Some(ConfigurationError::UndeclaredScope(text.to_owned()));
    // MCP-033: what an API challenges with is known to the server.
    fn api(builder: AuthorizationServerBuilder, scope: &str) -> AuthorizationServerBuilder {
        let resource = ProtectedResource::new("https://as.test/mcp".parse().unwrap());
        builder.resource(resource.with_scope(scope.parse().unwrap()))
    }
    assert_eq!(error(|builder| api(builder, "a b")), None);
    assert_eq!(error(|builder| api(builder, "a c")), undeclared("a c"));
    assert_eq!(error(|builder| builder.scope_in("de", "c", "C")), undeclared("c"));
    assert_eq!(error(|builder| builder.scope_in("d_e", "a", "A")), Some(ConfigurationError::Language("d_e".into())));
    assert_eq!(error(|builder| builder.scope_implies("a", ["c"])), undeclared("c"));
    let cycle = error(|builder| builder.scope_implies("a", ["b"]).scope_implies("b", ["a"]));
    assert_eq!(cycle, Some(ConfigurationError::ScopeCycle("a".to_owned())));
    assert_eq!(error(|builder| builder.wildcard_scope("a")), Some(ConfigurationError::ScopeToken("a".to_owned())));
    assert_eq!(error(|builder| builder.default_scope("*".parse().unwrap())), undeclared("*"));
    assert_eq!(error(|builder| builder.wildcard_scope("*").default_scope("* c".parse().unwrap())), undeclared("c"));
}

#[tokio::test]
async fn a_personal_token_gets_what_its_scope_stands_for() {
    for setup in Setup::both_with(|builder| with_links(with_wildcard(builder))).await {
        let issue = async |scope: &str| {
            let name = "Backup".parse().unwrap();
            let new = NewPersonalToken::new(setup.alice.clone(), name, scope.parse().unwrap());
            let issued = setup.server.issue_personal_token(new).await?;
            setup.secrets.note("personal token", issued.token().expose());
            Ok::<_, EndpointError>(issued.grant().scope.as_str().to_owned())
        };
        assert_eq!(issue("links:write").await.unwrap(), "links:write links:draft");
        assert_eq!(issue("*").await.unwrap(), "read write admin links links:read links:write links:draft");
        assert_eq!(issue("* bogus").await.unwrap_err().reason(), ErrorReason::ScopeNotAllowed);
    }
}
