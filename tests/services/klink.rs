//! K-LINK: apps for development or production, tokens of a tenant, and an API by secret or by token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::harness::dashboard::{
    RegisteredApp, app_action, app_page, fill_in, listed, make_token, press, register_app, secret, send_app, send_token,
};
use super::harness::{
    CHALLENGE, Known, Place, Service, VERIFIER, answer_members, expect_members, expect_refusal, integer, text, words,
};
use super::support::{ADA, Browser, GRACE, Reply};

/// An app that works for one tenant.
const CRM: Known = Known {
    id: "klink-crm",
    secret: Some("a-secret-that-only-the-crm-has-0123456789"),
    redirect_uris: &["https://crm.example/cb"],
};
/// One that works for another.
const OTHER: Known = Known {
    id: "klink-other",
    secret: Some("a-secret-that-only-the-other-app-has-0123"),
    redirect_uris: &["https://other.example/cb"],
};

const CONTACTS: &str = "/api/v1/contacts";
const LOCAL_URI: &str = "http://localhost:3000/callback";

scenarios! {
    a_development_app_may_come_back_to_localhost_and_a_production_app_may_not
    the_dashboard_issues_a_token_for_a_tenant_which_is_shown_once
    a_token_has_abilities_and_no_others
    the_list_tells_when_a_token_was_used_and_what_became_of_it
    a_token_that_is_reset_stops_at_once_and_another_one_is_shown
    contacts_are_the_same_by_secret_and_by_token
    what_does_not_authenticate_is_told_both_ways
    a_secret_that_is_reset_stops_at_once_and_another_one_is_shown
    an_app_gets_the_token_of_its_tenant_by_itself
    nothing_of_one_tenant_reaches_another
}

fn start(place: Place) -> Service {
    let of_tenant = |client: Known, tenant: &str| {
        client.document_with(json!({
            "grant_types": ["authorization_code", "client_credentials"],
            "service": { "tenant": tenant, "environment": "production" },
        }))
    };
    let clients = json!([of_tenant(CRM, "ada-personal"), of_tenant(OTHER, "compilers")]);
    Service::start(place, "klink", &clients, &[])
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn by_secret(klink: &Service, path: &str, id: &str, secret: &str) -> Reply {
    klink.get(path, &[("authorization", &basic(id, secret))]).await
}

/// The documented way to the token of an app's tenant.
async fn own_token(klink: &Service, id: &str, secret: &str, scope: &str) -> Reply {
    let mut fields = vec![("grant_type", "client_credentials")];
    if !scope.is_empty() {
        fields.push(("scope", scope));
    }
    klink.form("/oauth/token", &[("authorization", &basic(id, secret))], &fields).await
}

fn token_fields<'a>(name: &'a str, workspace: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("name", name), ("scope", "contacts:read"), ("workspace", workspace)], more].concat()
}

fn app_fields<'a>(environment: &'a str, redirect_uri: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("name", "Made App"),
        ("redirect_uris", redirect_uri),
        ("type", "confidential"),
        ("environment", environment),
        ("workspace", "ada-personal"),
    ]
}

fn names(contacts: &Reply) -> Vec<String> {
    let contacts = contacts.json();
    let name = |contact: &Value| contact["name"].as_str().unwrap().to_owned();
    contacts["contacts"].as_array().unwrap().iter().map(name).collect()
}

async fn a_development_app_may_come_back_to_localhost_and_a_production_app_may_not(place: Place) {
    let klink = start(place);
    let mut ada = Browser::signed_in(&klink.example, ADA).await;
    for (environment, uri) in
        [("production", LOCAL_URI), ("production", "http://made.example/cb"), ("development", "http://made.example/cb")]
    {
        let refused = send_app(&mut ada, &app_fields(environment, uri)).await.expect(422);
        assert!(!refused.texts("[role=alert]").is_empty() && secret(&refused).is_none(), "{refused:?}");
    }
    assert!(listed(&ada.get("/developers").await, "Made App").is_none());
    register_app(&mut ada, &app_fields("production", "https://made.example/cb")).await;

    let app = register_app(&mut ada, &app_fields("development", LOCAL_URI)).await;
    let request = [
        ("response_type", "code"),
        ("client_id", app.client_id.as_str()),
        ("redirect_uri", LOCAL_URI),
        ("scope", "contacts:read"),
        ("state", "xyz"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let members = answer_members(&klink.approve(&mut ada, &request).await, LOCAL_URI);
    assert_eq!(members["state"], "xyz");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", members["code"].as_str()),
        ("redirect_uri", LOCAL_URI),
        ("client_id", &app.client_id),
        ("client_secret", app.secret.as_ref().unwrap()),
        ("code_verifier", VERIFIER),
    ];
    let tokens = klink.form("/oauth/token", &[], &fields).await.expect(200);
    klink.call(CONTACTS, &tokens.text("access_token")).await.expect(200);
    // It does not become a production app as it is.
    let page = app_page(&mut ada, &app.client_id).await;
    let form = fill_in(&page, "/developers/edit", &[("environment", "production")]);
    ada.submit(&form).await.expect(422);
    klink.call(CONTACTS, &tokens.text("access_token")).await.expect(200);
}

async fn the_dashboard_issues_a_token_for_a_tenant_which_is_shown_once(place: Place) {
    let klink = start(place);
    let mut ada = Browser::signed_in(&klink.example, ADA).await;
    let token = make_token(&mut ada, &token_fields("Import", "ada-personal", &[("expires", "2099-12-31")])).await;
    assert_eq!(names(&klink.call(CONTACTS, &token).await.expect(200)), [ADA.name]);
    let list = ada.get("/tokens").await.expect(200);
    assert!(!list.body.contains(&token));
    let row = listed(&list, "Import").unwrap();
    assert!(row.contains("Active") && row.contains("Personal") && row.contains("2099"), "{row}");

    // What cannot be: no name, no abilities, an end that was, a tenant of somebody else.
    for (wrong, refused) in [
        (vec![("name", ""), ("scope", "contacts:read"), ("workspace", "ada-personal")], 422),
        (vec![("name", "Wrong"), ("workspace", "ada-personal")], 422),
        (token_fields("Wrong", "ada-personal", &[("expires", "2020-01-01")]), 422),
        (token_fields("Wrong", "ada-personal", &[("expires", "soon")]), 422),
    ] {
        send_token(&mut ada, &wrong).await.expect(refused);
    }
    let page = ada.get("/tokens").await.expect(200);
    let mut foreign = fill_in(&page, "/tokens", &token_fields("Wrong", "", &[])).without("workspace");
    foreign.fields.push(("workspace".to_owned(), "compilers".to_owned()));
    assert!(ada.submit(&foreign).await.status.is_client_error());
    assert!(listed(&ada.get("/tokens").await, "Wrong").is_none());
}

async fn a_token_has_abilities_and_no_others(place: Place) {
    let klink = start(place);
    let mut ada = Browser::signed_in(&klink.example, ADA).await;
    let reader = make_token(&mut ada, &token_fields("Reader", "ada-personal", &[])).await;
    klink.call(CONTACTS, &reader).await.expect(200);
    klink.call("/api/v1/links", &reader).await.expect_error(403, "insufficient_scope");
    let fields = [("name", "Links"), ("scope", "links:read"), ("workspace", "ada-personal")];
    let links = make_token(&mut ada, &fields).await;
    klink.call("/api/v1/links", &links).await.expect(200);
    klink.call(CONTACTS, &links).await.expect_error(403, "insufficient_scope");
}

async fn the_list_tells_when_a_token_was_used_and_what_became_of_it(place: Place) {
    let klink = start(place);
    let mut ada = Browser::signed_in(&klink.example, ADA).await;
    let ending = [("expires", "2099-12-31")];
    let used = make_token(&mut ada, &token_fields("Used", "ada-personal", &ending)).await;
    let unused = make_token(&mut ada, &token_fields("Idle", "ada-personal", &[])).await;
    let revoked = make_token(&mut ada, &token_fields("Withdrawn", "ada-personal", &[])).await;
    let row = |page: &Reply, name: &str| listed(page, name).unwrap_or_else(|| panic!("no {name} in {}", page.body));

    let list = ada.get("/tokens").await.expect(200);
    for name in ["Used", "Idle", "Withdrawn"] {
        let row = row(&list, name);
        assert!(row.contains("Active") && row.contains("not used yet"), "{row}");
    }
    for token in [&used, &revoked] {
        klink.call(CONTACTS, token).await.expect(200);
    }
    press(&mut ada, "/tokens", "Withdrawn", "/tokens/revoke").await;
    klink.call(CONTACTS, &revoked).await.expect_error(401, "invalid_token");
    klink.call(CONTACTS, &unused).await.expect(200);

    let list = ada.get("/tokens").await.expect(200);
    let of_used = row(&list, "Used");
    assert!(of_used.contains("Active") && of_used.contains("last used on"), "{of_used}");
    let of_revoked = row(&list, "Withdrawn");
    assert!(of_revoked.contains("Revoked") && !of_revoked.contains("Active"), "{of_revoked}");

    // The end comes when it comes; where there are tables, it can be brought about.
    if klink.has_token_tables() {
        let sql = "UPDATE grantor_access_tokens SET expires_at = issued_at WHERE expires_at IS NOT NULL; \
                   UPDATE grantor_grants SET expires_at = created_at WHERE expires_at IS NOT NULL";
        klink.example.run_sql(sql);
        klink.call(CONTACTS, &used).await.expect_error(401, "invalid_token");
        let of_expired = row(&ada.get("/tokens").await, "Used");
        assert!(of_expired.contains("Expired") && !of_expired.contains("Active"), "{of_expired}");
    }
}

async fn a_token_that_is_reset_stops_at_once_and_another_one_is_shown(place: Place) {
    let klink = start(place);
    let mut ada = Browser::signed_in(&klink.example, ADA).await;
    let old = make_token(&mut ada, &token_fields("Import", "ada-personal", &[("expires", "2099-12-31")])).await;
    klink.call(CONTACTS, &old).await.expect(200);
    let page = press(&mut ada, "/tokens", "Import", "/tokens/reset").await;
    let new = secret(&page).expect("the new token");
    klink.call(CONTACTS, &old).await.expect_error(401, "invalid_token");
    // It is for the same.
    assert_eq!(names(&klink.call(CONTACTS, &new).await.expect(200)), [ADA.name]);
    klink.call("/api/v1/links", &new).await.expect_error(403, "insufficient_scope");
    let list = ada.get("/tokens").await.expect(200);
    assert!(!list.body.contains(&new));
    let rows: Vec<String> = list.texts("main li").into_iter().filter(|row| row.contains("Import")).collect();
    let active: Vec<&String> = rows.iter().filter(|row| row.contains("Active")).collect();
    assert!(active.len() == 1 && active[0].contains("2099") && active[0].contains("Personal"), "{rows:?}");
}

async fn contacts_are_the_same_by_secret_and_by_token(place: Place) {
    let klink = start(place);
    let secret = CRM.secret.unwrap();
    let token = own_token(&klink, CRM.id, secret, "contacts:read").await.expect(200).text("access_token");
    let by_token = klink.call(CONTACTS, &token).await.expect(200);
    let by_secret = by_secret(&klink, CONTACTS, CRM.id, secret).await.expect(200);
    assert_eq!(by_token.body, by_secret.body);
    assert_eq!(names(&by_token), [ADA.name]);
    for reply in [by_token, by_secret] {
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    // Also on the other endpoints, and in whatever case the scheme is written.
    for scheme in ["basic", "BASIC"] {
        let credentials = basic(CRM.id, secret).replacen("Basic", scheme, 1);
        klink.get("/api/v1/links", &[("authorization", &credentials)]).await.expect(200);
    }
    // And the same as the dashboard's token for that tenant sees.
    let mut ada = Browser::signed_in(&klink.example, ADA).await;
    let issued = make_token(&mut ada, &token_fields("Import", "ada-personal", &[])).await;
    assert_eq!(klink.call(CONTACTS, &issued).await.expect(200).body, klink.call(CONTACTS, &token).await.body);
}

/// Both ways to authenticate, each with its realm or whatever goes with it (RFC 9110 §11.6.1).
#[track_caller]
fn expect_both_challenges(reply: &Reply) {
    let lines: Vec<&str> =
        reply.headers.get_all("www-authenticate").iter().map(|line| line.to_str().unwrap()).collect();
    let all = lines.join(", ");
    for scheme in ["Bearer ", "Basic realm=\""] {
        assert_eq!(all.matches(scheme).count(), 1, "{scheme} in {reply:?}");
    }
}

async fn what_does_not_authenticate_is_told_both_ways(place: Place) {
    let klink = start(place);
    let secret = CRM.secret.unwrap();
    let wrong = [
        basic(CRM.id, "wrong"),
        basic(CRM.id, ""),
        basic("nobody", secret),
        basic(OTHER.id, secret),
        "Basic !!!".to_owned(),
        "Basic Zm9v".to_owned(),
        "Bearer nonsense".to_owned(),
    ];
    for credentials in &wrong {
        let reply = klink.get(CONTACTS, &[("authorization", credentials)]).await.expect(401);
        expect_both_challenges(&reply);
        assert!(reply.json()["error"].is_string(), "{reply:?}");
    }
    expect_both_challenges(&klink.get(CONTACTS, &[]).await.expect(401));
    // Two at once are none.
    let both = [("authorization", wrong[0].as_str()), ("authorization", &basic(CRM.id, secret))];
    assert!([400, 401].contains(&klink.get(CONTACTS, &both).await.status.as_u16()));
    by_secret(&klink, CONTACTS, CRM.id, secret).await.expect(200);
}

async fn a_secret_that_is_reset_stops_at_once_and_another_one_is_shown(place: Place) {
    let klink = start(place);
    let mut ada = Browser::signed_in(&klink.example, ADA).await;
    let RegisteredApp { client_id, secret: old } =
        register_app(&mut ada, &app_fields("production", "https://made.example/cb")).await;
    let old = old.unwrap();
    by_secret(&klink, CONTACTS, &client_id, &old).await.expect(200);
    let page = app_action(&mut ada, &client_id, "/developers/reset-secret").await;
    let new = secret(&page).expect("the new secret");
    assert_ne!(new, old);
    by_secret(&klink, CONTACTS, &client_id, &old).await.expect(401);
    own_token(&klink, &client_id, &old, "").await.expect_error(401, "invalid_client");
    assert_eq!(names(&by_secret(&klink, CONTACTS, &client_id, &new).await.expect(200)), [ADA.name]);
    own_token(&klink, &client_id, &new, "").await.expect(200);
    assert!(!app_page(&mut ada, &client_id).await.body.contains(&new));
}

async fn an_app_gets_the_token_of_its_tenant_by_itself(place: Place) {
    let klink = start(place);
    let secret = CRM.secret.unwrap();
    let documented = |scope: Value| {
        json!({
            "access_token": text(""),
            "token_type": "Bearer",
            "expires_in": integer(1..=u64::from(u32::MAX)),
            "scope": scope,
        })
    };
    let token = own_token(&klink, CRM.id, secret, "contacts:read links:read").await.expect(200);
    expect_members(&token, documented(words(&["contacts:read", "links:read"])));
    assert_eq!(names(&klink.call(CONTACTS, &token.text("access_token")).await.expect(200)), [ADA.name]);
    klink.call("/api/v1/links", &token.text("access_token")).await.expect(200);
    expect_members(&own_token(&klink, CRM.id, secret, "").await.expect(200), documented(text("")));

    // The secret may be in the body as well.
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", CRM.id),
        ("client_secret", secret),
        ("scope", "contacts:read"),
    ];
    let token = klink.form("/oauth/token", &[], &fields).await.expect(200);
    expect_members(&token, documented(json!("contacts:read")));
    expect_refusal(own_token(&klink, CRM.id, "wrong", "").await, 401, "invalid_client");
    expect_refusal(own_token(&klink, CRM.id, secret, "contacts:burn").await, 400, "invalid_scope");
}

async fn nothing_of_one_tenant_reaches_another(place: Place) {
    let klink = start(place);
    let [crm, other] = [CRM, OTHER].map(|client| (client.id, client.secret.unwrap()));
    for (path, hers, his) in [(CONTACTS, ADA.name, GRACE.name), ("/api/v1/links", "Note_G", "Software_bug")] {
        for ((id, secret), seen, unseen) in [(crm, hers, his), (other, his, hers)] {
            let token = own_token(&klink, id, secret, "contacts:read links:read").await.expect(200);
            let by_token = klink.call(path, &token.text("access_token")).await.expect(200).body;
            let by_secret = by_secret(&klink, path, id, secret).await.expect(200).body;
            for answer in [by_token, by_secret] {
                assert!(answer.contains(seen) && !answer.contains(unseen), "{answer}");
            }
        }
    }
    // One tenant of a person is not the person's other one.
    let mut ada = Browser::signed_in(&klink.example, ADA).await;
    let fields = [("name", "Engines"), ("scope", "links:read"), ("workspace", "analytical-engines")];
    let engines = make_token(&mut ada, &fields).await;
    let links = klink.call("/api/v1/links", &engines).await.expect(200).body;
    assert!(links.contains("Analytical_engine") && !links.contains("Note_G"), "{links}");
}
