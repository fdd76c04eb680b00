//! The app store, and the apps that developers put there.

use url::form_urlencoded;

use super::super::harness::dashboard::{app_action, app_page, form_of, listed, register_app, secret, switch_secure};
use super::super::harness::{CHALLENGE, Place, VERIFIER, changed, expect_refusal, query};
use super::super::support::{ADA, Browser};
use super::{SECURE, exchange, request, start};

const MADE_URI: &str = "https://made.example/cb";
const AUTHORIZATION_URL: &str = "https://made.example/install?from=kit";

scenarios! {
    the_switch_makes_an_app_secure_and_takes_that_back
    the_app_store_sends_people_to_an_app_and_the_app_sends_them_back
    nobody_is_sent_to_a_foreign_address_after_an_installation
}

fn fields(kind: &str) -> Vec<(&str, &str)> {
    vec![("name", "Made App"), ("redirect_uris", MADE_URI), ("type", kind), ("authorization_url", AUTHORIZATION_URL)]
}

async fn the_switch_makes_an_app_secure_and_takes_that_back(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    let app = register_app(&mut ada, &fields("confidential")).await;
    let first_secret = app.secret.clone().unwrap();
    let ask = changed(&request(), &[("client_id", &app.client_id), ("redirect_uri", MADE_URI)]);
    let own = [("client_id", app.client_id.as_str()), ("redirect_uri", MADE_URI)];
    let exchange_by = async |code: &str, proof: (&str, &str)| {
        let none = ("client_secret", "");
        exchange(&kit, code, &[own[0], own[1], none, proof]).await
    };
    // Secure: it needs its secret, and no code challenge.
    let code = kit.approve(&mut ada, &ask).await.answer_to(MADE_URI).code().to_owned();
    expect_refusal(exchange_by(&code, ("client_secret", "")).await, 401, "invalid_client");
    exchange_by(&code, ("client_secret", &first_secret)).await.expect(200);

    // Not secure: it needs a code challenge, and its secret is none any more.
    switch_secure(&mut ada, &app.client_id, "off").await;
    let refused = ada.get(&kit.authorize(&ask)).await.answer_to(MADE_URI);
    assert_eq!(refused.error(), "invalid_request");
    let proof = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256"), ("prompt", "consent")];
    let proven = [&ask[..], &proof].concat();
    let code = kit.approve(&mut ada, &proven).await.answer_to(MADE_URI).code().to_owned();
    expect_refusal(exchange_by(&code, ("client_secret", &first_secret)).await, 401, "invalid_client");
    exchange_by(&code, ("code_verifier", VERIFIER)).await.expect(200);

    // And secure again: with a secret that is shown then.
    let page = switch_secure(&mut ada, &app.client_id, "on").await;
    let second_secret = secret(&page).expect("a secret");
    assert_ne!(second_secret, first_secret);
    assert!(!app_page(&mut ada, &app.client_id).await.body.contains(&second_secret));
    let asked = [&ask[..], &[("prompt", "consent")]].concat();
    let code = kit.approve(&mut ada, &asked).await.answer_to(MADE_URI).code().to_owned();
    for wrong in ["", first_secret.as_str()] {
        expect_refusal(exchange_by(&code, ("client_secret", wrong)).await, 401, "invalid_client");
    }
    exchange_by(&code, ("client_secret", &second_secret)).await.expect(200);
    // Whose secret was lost gets another one.
    let page = app_action(&mut ada, &app.client_id, "/developers/reset-secret").await;
    assert_ne!(secret(&page).expect("another secret"), second_secret);
}

async fn the_app_store_sends_people_to_an_app_and_the_app_sends_them_back(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    let app = register_app(&mut ada, &fields("public")).await;
    register_app(&mut ada, &[("name", "Uninstallable"), ("redirect_uris", "https://none.example/cb")]).await;
    let store = ada.get("/apps").await.expect(200);
    assert!(listed(&store, "Made App").is_some() && listed(&store, "Uninstallable").is_none(), "{}", store.body);

    // To the app's own address, with where to come back to.
    let away = ada.submit(&form_of(&store, "Made App", "/apps/install")).await;
    let rest = away.redirect().strip_prefix(AUTHORIZATION_URL).expect("the address of the app").to_owned();
    let parameters: Vec<(String, String)> =
        form_urlencoded::parse(rest.trim_start_matches('&').as_bytes()).into_owned().collect();
    assert_eq!(parameters.len(), 1, "{rest}");
    assert_eq!(parameters[0].0, "redirect");
    let back = parameters[0].1.clone();
    assert!(back.starts_with(&kit.url("/")), "{back}");
    assert!(app.secret.is_none());

    // The demo is such an app: it asks for access, and brings the person back to the store.
    let store = ada.get("/apps").await.expect(200);
    let away = ada.submit(&form_of(&store, "Link Board", "/apps/install")).await;
    let installation = away.redirect().strip_prefix(&kit.example.origin()).expect("a page of the demo").to_owned();
    assert!(installation.starts_with("/demo/install?redirect="), "{installation}");
    let target = installation.split_once("redirect=").unwrap().1;
    let target = form_urlencoded::parse(format!("t={target}").as_bytes()).next().unwrap().1.into_owned();
    let consent = ada.visit(&installation).await.expect(200);
    let answer = ada.submit(&consent.form("/v4/oauth/authorize").press("decision", "approve")).await;
    let callback = answer.redirect().strip_prefix(&kit.example.origin()).unwrap().to_owned();
    let end = ada.get(&callback).await;
    let end = end.redirect().strip_prefix(&kit.example.origin()).unwrap_or(end.redirect()).to_owned();
    assert_eq!(format!("{}{end}", kit.example.origin()), target);
    assert!(end.starts_with("/apps"), "{end}");
    ada.get(&end).await.expect(200);
    assert!(listed(&ada.get("/connected").await, "Link Board").is_some());
}

async fn nobody_is_sent_to_a_foreign_address_after_an_installation(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    for foreign in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        &format!("{}@evil.example/", kit.example.origin()),
        &format!("{}.evil.example/", kit.example.origin()),
        "javascript:alert(1)",
        "/%2f/evil.example",
    ] {
        let asked = ada.get(&query("/demo/install", &[("redirect", foreign)])).await;
        asked.expect_error_page(400);
    }
    // An app that cannot be installed, or is none, is not a way out either.
    let form = ada.get("/apps").await.expect(200);
    let form = form_of(&form, "Link Board", "/apps/install");
    for unknown in ["nobody", SECURE.id] {
        let refused = ada.submit(&form.clone().with("client_id", unknown)).await;
        assert!(refused.status.is_client_error(), "{refused:?}");
    }
}
