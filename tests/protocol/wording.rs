//! What clients and people read of an error, in the operator's words and their own language.

use std::time::Duration;

use grantor::configuration::{ConfigurationError, Registration, RegistrationRules, Wording};
use grantor::error::{AuthorizeError, ErrorReason};
use grantor::secret::Prefix;
use grantor::store::MemoryStore;
use grantor::{AuthorizationServer, AuthorizeAnswer, ErrorPage, Issuer, ResourceServer, Visitor};
use http::header::ACCEPT_LANGUAGE;
use http::{HeaderMap, HeaderValue, Request};
use serde_json::json;

use crate::support::{Answer, Form, Setup, bearer, parameters};

const GERMAN: &str = "de-CH, de;q=0.9, en;q=0.1";

/// Asks in a language.
async fn post_in(setup: &Setup, language: &str, path: &str, form: &Form) -> Answer {
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    setup.send(request.header("accept-language", language).body(form.encode()).unwrap()).await
}

/// The words, their language, and whether they depend on that of the request.
fn said(answer: &Answer) -> (&str, Option<&str>, Option<&str>) {
    (answer.text("error_description"), answer.header("content-language"), answer.header("vary"))
}

fn page(error: AuthorizeError) -> ErrorPage {
    match error.answer(Visitor::Anonymous) {
        AuthorizeAnswer::Page(page) => page,
        AuthorizeAnswer::Redirect(response) => panic!("{response:?}"),
    }
}

/// The description in a redirect, and what it depends on.
fn redirected(error: AuthorizeError) -> (String, Option<String>) {
    let AuthorizeAnswer::Redirect(response) = error.answer(Visitor::SignedIn) else { panic!("a page") };
    let answer = Answer::from(response.into_http());
    let description = parameters(answer.header("location").unwrap(), "https://app.test/cb")
        .into_iter()
        .find(|(name, _)| name == "error_description");
    (description.unwrap().1, answer.header("vary").map(str::to_owned))
}

#[tokio::test]
async fn a_description_is_replaced_wherever_a_client_gets_it() {
    let wording = Wording::new()
        .with_description(ErrorReason::CodeUnknown, "code_invalid_or_expired")
        .with_description(ErrorReason::TokenMissing, "token_missing")
        .with_description(ErrorReason::MethodNotAllowed, "method_not_allowed")
        .with_description(ErrorReason::MetadataInvalid, "metadata_invalid")
        .with_description(ErrorReason::RegistrationTokenMissing, "registration_token_missing")
        .with_description(ErrorReason::ScopeNotAllowed, "scope_not_allowed")
        .with_description(ErrorReason::AccessDenied, "access_denied")
        .with_description(ErrorReason::ClientUnknown, "client_unknown")
        .with_description(ErrorReason::AccessTokenUnknown, "access_token_unknown")
        .with_description(ErrorReason::ScopeInsufficient, "scope_insufficient");
    for setup in Setup::both_with(|builder| builder.wording(wording.clone())).await {
        let fixed = |words| (words, None, None);
        assert_eq!(said(&setup.token(&setup.exchange("web", "x")).await), fixed("code_invalid_or_expired"));
        let nothing = setup.identify("web", Form::default());
        for path in ["/oauth/revoke", "/oauth/introspect"] {
            assert_eq!(said(&setup.post(path, &nothing, None).await), fixed("token_missing"));
        }
        let get = |path: &str| Request::get(path).body(String::new()).unwrap();
        assert_eq!(said(&setup.send(get("/oauth/token")).await), fixed("method_not_allowed"));
        assert_eq!(said(&setup.send(get("/oauth/register/x")).await), fixed("registration_token_missing"));
        let metadata = json!({"redirect_uris": ["https://a.test/cb"], "client_uri": "no address"});
        let request = Request::post("/oauth/register").header("content-type", "application/json");
        let answer = setup.send(request.body(metadata.to_string()).unwrap()).await;
        assert_eq!(said(&answer), fixed("metadata_invalid"));

        let error = setup.pending(&setup.request("pub").set("scope", "bogus")).await.unwrap_err();
        assert_eq!(redirected(error), ("scope_not_allowed".to_owned(), None));
        let pending = setup.pending(&setup.request("pub")).await.unwrap();
        let token = setup.consent_token(&pending);
        let denied = setup.server.deny(pending.confirm(&setup.session, &setup.alice, &token).unwrap()).await.unwrap();
        assert!(denied.location().contains("error_description=access_denied&"));
        let unknown = page(setup.pending(&setup.request("pub").set("client_id", "nobody")).await.unwrap_err());
        assert_eq!(unknown.description(), "client_unknown");
        // A person is not told what is for programs.
        assert_eq!((unknown.text(), unknown.language()), (ErrorReason::ClientUnknown.description(), None));

        let tokens = setup.tokens("web").await;
        let api = setup.server.resource_server();
        let error = api.verify(&bearer("gr_at_x")).await.unwrap_err();
        assert!(error.challenge().contains("error_description=\"access_token_unknown\""));
        assert_eq!(error.description(), "access_token_unknown");
        assert_eq!(said(&error.into_http().into()), fixed("access_token_unknown"));
        let access = api.verify(&bearer(tokens.text("access_token"))).await.unwrap();
        let error = access.require("admin").unwrap_err();
        assert!(error.challenge().contains("error_description=\"scope_insufficient\""));
        assert_eq!(said(&error.into_http().into()), fixed("scope_insufficient"));
    }
}

#[tokio::test]
async fn descriptions_can_be_names_that_tell_no_more_than_sentences() {
    let wording = Wording::new().with_names().with_description(ErrorReason::ScopeNotAllowed, "unsupported_scope");
    for setup in Setup::both_with(|builder| builder.wording(wording.clone())).await {
        let refused = async |form: Form| setup.token(&form).await.text("error_description").to_owned();
        let code = setup.code("web").await;
        assert_eq!(refused(setup.exchange("other", &code)).await, "code_invalid_or_expired");
        assert_eq!(refused(setup.exchange("web", "x")).await, "code_invalid_or_expired");
        setup.token(&setup.exchange("web", &code)).await.expect_ok();
        assert_eq!(refused(setup.exchange("web", &code)).await, "code_invalid_or_expired");
        assert_eq!(refused(setup.refresh("web", "x")).await, "refresh_token_invalid_or_expired");
        assert_eq!(refused(setup.exchange("web", "x").set("client_secret", "x")).await, "client_authentication_failed");
        assert_eq!(refused(setup.exchange("web", "x").set("client_id", "x")).await, "client_authentication_failed");
        assert_eq!(refused(setup.exchange("web", "")).await, "code_missing");
        assert_eq!(refused(setup.exchange("web", "x").set("grant_type", "x")).await, "grant_type_unsupported");
        let error = setup.pending(&setup.request("pub").set("scope", "bogus")).await.unwrap_err();
        assert_eq!(redirected(error).0, "unsupported_scope");
    }
}

#[tokio::test]
async fn a_description_is_in_the_language_of_the_request() {
    let reason = ErrorReason::CodeMissing;
    let wording = Wording::new()
        .with_description_in("de", reason, "Der Code fehlt.")
        .with_description_in("pt-BR", reason, "Falta o codigo.")
        .with_description(reason, "code_missing")
        .with_description_in("de", ErrorReason::ScopeMalformed, "Der Scope ist kaputt.");
    for setup in Setup::both_with(|builder| builder.wording(wording.clone())).await {
        let missing = setup.exchange("web", "");
        let varies = Some("Accept-Language");
        for (language, words, chosen) in [
            (GERMAN, "Der Code fehlt.", Some("de")),
            ("fr, PT-br;q=0.2", "Falta o codigo.", Some("pt-BR")),
            ("pt", "code_missing", None),
            ("fr", "code_missing", None),
            ("*", "code_missing", None),
        ] {
            let answer = post_in(&setup, language, "/oauth/token", &missing).await;
            assert_eq!(said(&answer), (words, chosen, varies), "{language}");
        }
        assert_eq!(said(&setup.token(&missing).await), ("code_missing", None, varies));
        // Where nothing always serves, it is the crate's own.
        let own = setup.identify("svc", Form::of(&[("grant_type", "client_credentials"), ("scope", "\"")]));
        let answer = post_in(&setup, "fr", "/oauth/token", &own).await;
        assert_eq!(said(&answer), (ErrorReason::ScopeMalformed.description(), None, varies));
        let answer = post_in(&setup, GERMAN, "/oauth/token", &own).await;
        assert_eq!(said(&answer), ("Der Scope ist kaputt.", Some("de"), varies));
        // What was not replaced depends on nothing.
        let answer = post_in(&setup, GERMAN, "/oauth/token", &Form::of(&[("grant_type", "foo")])).await;
        assert_eq!(said(&answer), (ErrorReason::GrantTypeUnsupported.description(), None, None));
    }
}

#[tokio::test]
async fn an_api_answers_in_the_language_of_the_call() {
    let wording = Wording::new()
        .with_description_in("de", ErrorReason::AccessTokenExpired, "Das Token gilt nicht.")
        .with_description_in("de", ErrorReason::ScopeInsufficient, "Der Scope reicht nicht.");
    for setup in Setup::both_with(|builder| builder.wording(wording.clone())).await {
        let tokens = setup.tokens("web").await;
        let german = |token: &str| {
            let mut headers = bearer(token);
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(GERMAN));
            headers
        };
        let prefix = Prefix::parse("gr_at_").unwrap();
        let elsewhere = ResourceServer::for_any_resource(setup.grants.clone(), prefix).with_clock(setup.clock.clone());
        let elsewhere = elsewhere.with_wording(&wording).unwrap();
        let varies = Some("Accept-Language");
        for api in [setup.server.resource_server(), &elsewhere] {
            let error = api.verify(&german("gr_at_x")).await.unwrap_err();
            assert!(error.challenge().contains("error_description=\"Das Token gilt nicht.\""));
            assert_eq!(said(&error.into_http().into()), ("Das Token gilt nicht.", Some("de"), varies));
            let access = api.verify(&german(tokens.text("access_token"))).await.unwrap();
            let error = access.require("admin").unwrap_err();
            assert_eq!(said(&error.into_http().into()), ("Der Scope reicht nicht.", Some("de"), varies));
            let access = api.verify(&bearer(tokens.text("access_token"))).await.unwrap();
            let error = access.require("admin").unwrap_err();
            assert_eq!(said(&error.into_http().into()), (ErrorReason::ScopeInsufficient.description(), None, varies));
            let error = api.verify(&HeaderMap::new()).await.unwrap_err();
            assert_eq!(said(&error.into_http().into()), (ErrorReason::AccessTokenMissing.description(), None, None));
        }
    }
}

#[tokio::test]
async fn a_page_is_in_the_language_of_the_person() {
    let wording = Wording::new()
        .with_text(ErrorReason::ClientUnknown, "We do not know the app – sorry!")
        .with_text_in("de", ErrorReason::ClientUnknown, "Diese App kennen wir nicht: „schade“.")
        .with_text_in("it", ErrorReason::ClientUnknown, "Non conosciamo l’app.")
        .with_text_in("de", ErrorReason::ConsentTokenInvalid, "Bitte noch einmal.");
    for setup in Setup::both_with(|builder| builder.wording(wording.clone())).await {
        let stranger = setup.request("pub").set("client_id", "nobody");
        for (locales, accepted, text, language) in [
            ("", GERMAN, "Diese App kennen wir nicht: „schade“.", Some("de")),
            ("it", GERMAN, "Non conosciamo l’app.", Some("it")),
            ("fr it-CH de", "", "Non conosciamo l’app.", Some("it")),
            ("fr", GERMAN, "Diese App kennen wir nicht: „schade“.", Some("de")),
            ("", "fr", "We do not know the app – sorry!", None),
        ] {
            let error = setup.pending(&stranger.clone().and("ui_locales", locales)).await.unwrap_err();
            let page = page(error.with_accept_language(accepted));
            assert_eq!((page.text(), page.language()), (text, language), "{locales} {accepted}");
            assert_eq!(page.reason().name(), "client_unknown");
            assert_eq!(page.description(), ErrorReason::ClientUnknown.description());
        }
        let asked = setup.request("pub").and("ui_locales", "de");
        let pending = setup.pending(&asked).await.unwrap();
        // A host may read it, too.
        assert_eq!(pending.extra("ui_locales"), Some("de"));
        let page = page(pending.confirm(&setup.session, &setup.alice, "forged").unwrap_err());
        assert_eq!((page.text(), page.language()), ("Bitte noch einmal.", Some("de")));
    }
}

#[tokio::test]
async fn the_words_of_the_crate_are_english() {
    let own = ErrorReason::ClientUnknown.description();
    let german = Wording::new().with_text_in("de", ErrorReason::ClientUnknown, "Diese App kennen wir nicht.");
    let british = german.clone().with_text_in("en", ErrorReason::ClientUnknown, "We do not know this app, sorry.");
    for (wording, accepted, text, language) in [
        (&german, "en-GB, de;q=0.9", own, Some("en")),
        (&german, "de, en;q=0.9", "Diese App kennen wir nicht.", Some("de")),
        (&german, "en;q=0, de;q=0.1", "Diese App kennen wir nicht.", Some("de")),
        (&german, "fr", own, None),
        (&british, "en-GB, de;q=0.9", "We do not know this app, sorry.", Some("en")),
    ] {
        for setup in Setup::both_with(|builder| builder.wording(wording.clone())).await {
            let error = setup.pending(&setup.request("pub").set("client_id", "nobody")).await.unwrap_err();
            let page = page(error.with_accept_language(accepted));
            assert_eq!((page.text(), page.language()), (text, language), "{accepted}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_in_the_language_that_the_client_asked_for() {
    let wording = Wording::new()
        .with_description_in("de", ErrorReason::ScopeNotAllowed, "Diesen Scope gibt es nicht.")
        .with_description_in("de", ErrorReason::AccessDenied, "Abgelehnt.")
        .with_description_in("de", ErrorReason::LoginRequired, "Niemand ist angemeldet.");
    for setup in Setup::both_with(|builder| builder.wording(wording.clone())).await {
        let german = setup.request("pub").and("ui_locales", "de");
        let varies = Some("Accept-Language".to_owned());
        let error = setup.pending(&german.clone().set("scope", "bogus")).await.unwrap_err();
        assert_eq!(redirected(error), ("Diesen Scope gibt es nicht.".to_owned(), varies.clone()));
        let error = setup.pending(&setup.request("pub").set("scope", "bogus")).await.unwrap_err();
        let error = error.with_accept_language(GERMAN);
        assert_eq!(redirected(error), ("Diesen Scope gibt es nicht.".to_owned(), varies.clone()));
        let silent = setup.pending(&german.clone().and("prompt", "none")).await.unwrap();
        let error = silent.sign_in_required().unwrap_err();
        assert_eq!(redirected(error), ("Niemand ist angemeldet.".to_owned(), varies));
        let pending = setup.pending(&german).await.unwrap();
        let token = setup.consent_token(&pending);
        let denied = setup.server.deny(pending.confirm(&setup.session, &setup.alice, &token).unwrap()).await.unwrap();
        assert!(denied.location().contains("error_description=Abgelehnt.&"));
    }
}

/// One answer for each way in which a code can be dead.
async fn dead_codes(setup: &Setup, language: &str) -> Vec<Answer> {
    let mut forms = vec![setup.exchange("web", "x")];
    let expired = setup.exchange("web", &setup.code("web").await);
    setup.clock.advance(Duration::from_hours(1));
    forms.push(expired);
    forms.push(setup.exchange("web", &setup.code("other").await));
    let replayed = setup.exchange("web", &setup.code("web").await);
    setup.token(&replayed).await.expect_ok();
    forms.push(replayed);
    let exhausted = setup.exchange("web", &setup.code("web").await);
    for _ in 0..5 {
        setup.token(&exhausted.clone().set("code_verifier", &"b".repeat(43))).await.expect_error(400, "invalid_grant");
    }
    forms.push(exhausted);
    let mut answers = Vec::new();
    for form in forms {
        answers.push(post_in(setup, language, "/oauth/token", &form).await.expect_error(400, "invalid_grant"));
    }
    answers
}

// 8.5 of RFC 9700 by way of the operator: words must not become an oracle
#[tokio::test]
async fn words_for_one_way_in_which_a_code_can_be_dead_hold_for_all_of_them() {
    for reason in [
        ErrorReason::CodeUnknown,
        ErrorReason::CodeExpired,
        ErrorReason::CodeForeign,
        ErrorReason::CodeReplayed,
        ErrorReason::CodeExhausted,
    ] {
        let wording = Wording::new().with_description(reason, "code_invalid_or_expired").with_description_in(
            "de",
            reason,
            "Der Code gilt nicht.",
        );
        let setup = Setup::memory_with(|builder| builder.wording(wording)).await;
        for (language, words) in [("en", "code_invalid_or_expired"), (GERMAN, "Der Code gilt nicht.")] {
            let answers = dead_codes(&setup, language).await;
            assert_eq!(answers.len(), 5);
            for answer in &answers {
                assert_eq!(answer.text("error_description"), words);
                assert_eq!((&answer.headers, &answer.body), (&answers[0].headers, &answers[0].body), "{reason:?}");
            }
        }
    }
}

/// What building a server with these words fails with.
fn refused(wording: Wording) -> ConfigurationError {
    let issuer = Issuer::parse("https://as.test").unwrap();
    let builder = AuthorizationServer::builder(issuer, std::sync::Arc::new(MemoryStore::new()));
    builder.wording(wording).build().unwrap_err()
}

#[test]
fn reasons_that_must_look_alike_cannot_be_given_different_words() {
    let apart = Wording::new()
        .with_description(ErrorReason::CodeExpired, "code_expired")
        .with_description(ErrorReason::CodeReplayed, "code_replayed");
    let differs = ConfigurationError::WordingDiffers(ErrorReason::CodeExpired, ErrorReason::CodeReplayed);
    assert_eq!(refused(apart), differs);
    let apart = Wording::new()
        .with_description_in("de", ErrorReason::ClientAuthenticationFailed, "Falsch.")
        .with_description_in("DE", ErrorReason::IntrospectionNotAllowed, "Verboten.");
    assert!(matches!(refused(apart), ConfigurationError::WordingDiffers(..)));
    let apart = Wording::new().with_text(ErrorReason::CodeExpired, "a").with_text(ErrorReason::CodeUnknown, "b");
    assert!(matches!(refused(apart), ConfigurationError::WordingDiffers(..)));
    let twice = Wording::new()
        .with_description(ErrorReason::CodeExpired, "code_dead")
        .with_description(ErrorReason::CodeReplayed, "code_dead")
        .with_description_in("de", ErrorReason::CodeReplayed, "Der Code gilt nicht.");
    assert!(twice.clone() != Wording::new());
    let issuer = Issuer::parse("https://as.test").unwrap();
    let server = AuthorizationServer::builder(issuer, std::sync::Arc::new(MemoryStore::new())).wording(twice).build();
    assert!(server.is_ok());
}

#[test]
fn words_that_a_client_must_not_be_told_are_refused_with_their_reason() {
    let reason = ErrorReason::ScopeMissing;
    for words in ["", "a \"quote\"", "a\\b", "a\nb", "Schlüssel", "\u{7f}"] {
        assert_eq!(refused(Wording::new().with_description(reason, words)), ConfigurationError::Wording(reason));
        let german = Wording::new().with_description_in("de", reason, words);
        assert_eq!(refused(german), ConfigurationError::Wording(reason), "{words:?}");
    }
    assert_eq!(refused(Wording::new().with_text(reason, "")), ConfigurationError::Wording(reason));
    for language in ["", "de_CH", "deutsch-", "*", "de\r\nSet-Cookie"] {
        let wording = Wording::new().with_text_in(language, reason, "x");
        assert_eq!(refused(wording), ConfigurationError::Language(language.to_owned()));
    }
}

#[tokio::test]
async fn the_host_is_told_all_that_is_wrong_whatever_clients_are_told() {
    let wording = Wording::new().with_description(ErrorReason::MetadataInvalid, "metadata_invalid");
    let rules = RegistrationRules::new();
    let setup = Setup::memory_with(|builder| builder.wording(wording).registration(Registration::Open(rules))).await;
    let document = json!({"client_id": "installed", "redirect_uris": ["https://in.test/cb"]});
    let error = setup.server.install_client(document.to_string().as_bytes()).await.unwrap_err();
    assert_eq!(error.reason(), ErrorReason::MetadataInvalid);
    assert_eq!(error.description(), "the client_secret is missing");
}
