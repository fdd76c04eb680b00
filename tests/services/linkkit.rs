//! Linkkit: confidential web apps from a dashboard, without PKCE, and with refresh tokens that stay.

use std::collections::BTreeSet;

use serde_json::json;

use super::harness::dashboard::register_app;
use super::harness::{Known, Place, Service, answer_members, changed, expect_members, query, slug, text, words};
use super::support::{ADA, Browser, Reply};

/// A web app of before.
const WEB: Known = Known {
    id: "linkkit-web",
    secret: Some("a-secret-that-only-the-web-app-has"),
    redirect_uris: &["https://web.example/oauth/callback", "https://staging.web.example/oauth/callback?of=linkkit"],
};
/// Another company's.
const OTHER: Known = Known {
    id: "linkkit-other",
    secret: Some("a-secret-that-only-the-other-app-has"),
    redirect_uris: &["https://other.example/cb"],
};
/// One without a secret, which the documentation knows nothing of.
const PUBLIC: Known = Known { id: "linkkit-public", secret: None, redirect_uris: &["https://public.example/cb"] };

const SCOPES: [&str; 5] = ["links:read", "links:write", "analytics:read", "segments:access", "campaigns:manage"];

scenarios! {
    the_documented_flow_gives_exactly_the_documented_members
    the_answer_says_which_scopes_were_granted
    the_redirect_uri_is_one_of_the_registered_ones_character_by_character
    an_app_without_a_secret_sends_a_code_challenge_or_is_refused
    a_refresh_gives_no_new_refresh_token_and_the_old_one_goes_on_working
    each_documented_error_has_its_own_slug
    the_api_answers_the_bearer_of_a_token_and_nobody_else
    an_app_of_the_dashboard_is_like_the_apps_of_before
}

fn start(place: Place) -> Service {
    // It may ask for everything; what it does not have is the right to come by itself.
    let clients = json!([WEB.document(), OTHER.document(), PUBLIC.document()]);
    Service::start(place, "linkkit", &clients, &[])
}

/// The authorization request as it is documented: no code challenge.
fn request<'a>(redirect_uri: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("response_type", "code"),
        ("client_id", WEB.id),
        ("redirect_uri", redirect_uri),
        ("scope", scope),
        ("state", "xyz 1/2"),
    ]
}

/// A code of Ada's for the web app.
async fn code(linkkit: &Service, ada: &mut Browser, scope: &str) -> String {
    let answer = linkkit.approve(ada, &request(WEB.redirect_uri(), scope)).await;
    answer.answer_to(WEB.redirect_uri()).code().to_owned()
}

/// The documented token request, with what differs.
async fn exchange(linkkit: &Service, code: &str, changes: &[(&str, &str)]) -> Reply {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", WEB.redirect_uri()),
        ("client_id", WEB.id),
        ("client_secret", WEB.secret.unwrap()),
    ];
    linkkit.form("/oauth/token", &[], &changed(&fields, changes)).await
}

async fn refresh(linkkit: &Service, token: &str, changes: &[(&str, &str)]) -> Reply {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", WEB.id),
        ("client_secret", WEB.secret.unwrap()),
    ];
    linkkit.form("/oauth/token", &[], &changed(&fields, changes)).await
}

async fn the_documented_flow_gives_exactly_the_documented_members(place: Place) {
    let linkkit = start(place);
    let mut ada = Browser::signed_in(&linkkit.example, ADA).await;
    for redirect_uri in WEB.redirect_uris {
        let answer = linkkit.approve(&mut ada, &request(redirect_uri, "links:read analytics:read")).await;
        let mut members = answer_members(&answer, redirect_uri.split('?').next().unwrap());
        assert_eq!(members.remove("state").as_deref(), Some("xyz 1/2"));
        // RFC 9207; an old client ignores what it does not know.
        assert_eq!(members.remove("iss"), Some(linkkit.example.origin()));
        if redirect_uri.contains('?') {
            assert_eq!(members.remove("of").as_deref(), Some("linkkit"));
        }
        let code = members.remove("code").unwrap();
        assert!(members.is_empty(), "{members:?}");

        let tokens = exchange(&linkkit, &code, &[("redirect_uri", redirect_uri)]).await.expect(200);
        expect_members(
            &tokens,
            json!({
                "access_token": text(""),
                "token_type": "Bearer",
                "expires_in": 3600,
                "refresh_token": text(""),
                "scope": words(&["links:read", "analytics:read"]),
            }),
        );
        let links = linkkit.call("/v1/links", &tokens.text("access_token")).await.expect(200);
        assert_eq!(links.json()["links"].as_array().unwrap().len(), 3);
    }
}

async fn the_answer_says_which_scopes_were_granted(place: Place) {
    let linkkit = start(place);
    let mut ada = Browser::signed_in(&linkkit.example, ADA).await;
    // Every documented scope can be asked for, and the person may leave some of them out.
    let page = ada.get(&linkkit.authorize(&request(WEB.redirect_uri(), &SCOPES.join(" ")))).await.expect(200);
    let form = page.form("/oauth/authorize");
    assert_eq!(form.values("scope").collect::<BTreeSet<_>>(), BTreeSet::from(SCOPES));
    let form = form.untick("scope", "campaigns:manage").untick("scope", "links:write").press("decision", "approve");
    let answer = ada.submit(&form).await.answer_to(WEB.redirect_uri());
    let tokens = exchange(&linkkit, answer.code(), &[]).await.expect(200);
    let granted = words(&["links:read", "analytics:read", "segments:access"]);
    expect_members(
        &tokens,
        json!({
            "access_token": text(""), "token_type": "Bearer", "expires_in": 3600, "refresh_token": text(""),
            "scope": granted,
        }),
    );
    // The scope is optional, and so is the state.
    let mut request = request(WEB.redirect_uri(), "");
    request.retain(|(name, _)| !["scope", "state"].contains(name));
    let answer = linkkit.approve(&mut ada, &request).await;
    let members = answer_members(&answer, WEB.redirect_uri());
    assert_eq!(members.keys().collect::<Vec<_>>(), ["code", "iss"]);
    let tokens = exchange(&linkkit, &members["code"], &[]).await.expect(200);
    expect_members(
        &tokens,
        json!({
            "access_token": text(""), "token_type": "Bearer", "expires_in": 3600, "refresh_token": text(""),
            "scope": text(""),
        }),
    );
}

async fn the_redirect_uri_is_one_of_the_registered_ones_character_by_character(place: Place) {
    let linkkit = start(place);
    let mut ada = Browser::signed_in(&linkkit.example, ADA).await;
    for wrong in [
        "https://web.example/oauth/callback/",
        "https://web.example/oauth/callback?",
        "https://web.example/oauth/Callback",
        "https://WEB.example/oauth/callback",
        "https://web.example:443/oauth/callback",
        "http://web.example/oauth/callback",
        "https://staging.web.example/oauth/callback",
        "https://web.example/oauth/callback#part",
        "https://other.example/cb",
    ] {
        ada.get(&linkkit.authorize(&request(wrong, "links:read"))).await.expect_error_page(400);
    }
    // Each of these is required; without a place to send the person back to, it is the person who is told.
    for missing in ["client_id", "redirect_uri"] {
        let request = changed(&request(WEB.redirect_uri(), "links:read"), &[(missing, "")]);
        ada.get(&linkkit.authorize(&request)).await.expect_error_page(400);
    }
    let request = changed(&request(WEB.redirect_uri(), "links:read"), &[("response_type", "")]);
    let members = answer_members(&ada.get(&linkkit.authorize(&request)).await, WEB.redirect_uri());
    assert_eq!((members["error"].as_str(), members["state"].as_str()), ("invalid_request", "xyz 1/2"));

    // The code is for the URI that it was sent to, and a mistake does not use it up.
    let code = code(&linkkit, &mut ada, "links:read").await;
    for wrong in [WEB.redirect_uris[1], "https://web.example/oauth/callback/", ""] {
        let refused = exchange(&linkkit, &code, &[("redirect_uri", wrong)]).await.expect(400);
        assert!(["invalid_grant", "invalid_request"].contains(&refused.text("error").as_str()), "{refused:?}");
    }
    exchange(&linkkit, &code, &[]).await.expect(200);
}

async fn an_app_without_a_secret_sends_a_code_challenge_or_is_refused(place: Place) {
    let linkkit = start(place);
    let mut ada = Browser::signed_in(&linkkit.example, ADA).await;
    let bare = [
        ("response_type", "code"),
        ("client_id", PUBLIC.id),
        ("redirect_uri", PUBLIC.redirect_uri()),
        ("scope", "links:read"),
        ("state", "s"),
    ];
    let refused = ada.get(&linkkit.authorize(&bare)).await.answer_to(PUBLIC.redirect_uri());
    assert_eq!((refused.error(), refused.get("state")), ("invalid_request", Some("s")));
    let challenge = "x".repeat(43);
    let plain = [&bare[..], &[("code_challenge", &challenge), ("code_challenge_method", "plain")]].concat();
    assert_eq!(ada.get(&linkkit.authorize(&plain)).await.answer_to(PUBLIC.redirect_uri()).error(), "invalid_request");

    let app = linkkit.app(PUBLIC);
    let (code, verifier) = app.code(&mut ada, "links:read").await;
    app.exchange(&code, "another-verifier-which-is-long-enough-to-be-one").await.expect_error(400, "invalid_grant");
    app.exchange(&code, &verifier).await.expect(200);
    // A confidential app may send one as well, and then it counts.
    let web = linkkit.app(WEB);
    let (code, verifier) = web.code(&mut ada, "links:read").await;
    exchange(&linkkit, &code, &[]).await.expect_error(400, "invalid_grant");
    exchange(&linkkit, &code, &[("code_verifier", &verifier)]).await.expect(200);
}

async fn a_refresh_gives_no_new_refresh_token_and_the_old_one_goes_on_working(place: Place) {
    let linkkit = start(place);
    let mut ada = Browser::signed_in(&linkkit.example, ADA).await;
    let first = exchange(&linkkit, &code(&linkkit, &mut ada, "links:read").await, &[]).await.expect(200);
    let refresh_token = first.text("refresh_token");
    let mut access_tokens = vec![first.text("access_token")];
    for _ in 0..3 {
        let answer = refresh(&linkkit, &refresh_token, &[]).await.expect(200);
        expect_members(
            &answer,
            json!({ "access_token": text(""), "token_type": "Bearer", "expires_in": 3600, "scope": "links:read" }),
        );
        access_tokens.push(answer.text("access_token"));
    }
    let different: BTreeSet<&String> = access_tokens.iter().collect();
    assert_eq!(different.len(), access_tokens.len());
    for token in &access_tokens {
        linkkit.call("/v1/links", token).await.expect(200);
    }
    // Several at once are no mistake either.
    let at_once = (0..8).map(|_| refresh(&linkkit, &refresh_token, &[]));
    for answer in futures_util::future::join_all(at_once).await {
        answer.expect(200);
    }
    // It is this client's, and needs its secret.
    let stolen = [("client_id", OTHER.id), ("client_secret", OTHER.secret.unwrap())];
    refresh(&linkkit, &refresh_token, &stolen).await.expect_error(400, "invalid_grant");
    refresh(&linkkit, &refresh_token, &[("client_secret", "")]).await.expect_error(401, "invalid_client");
    refresh(&linkkit, &refresh_token, &[]).await.expect(200);
}

/// Holds an error against RFC 6749 §5.2, and hands over its slug.
#[track_caller]
fn slug_of(reply: Reply, status: u16, error: &str) -> String {
    let reply = reply.expect_error(status, error);
    expect_members(&reply, json!({ "error": error, "error_description": slug() }));
    reply.text("error_description")
}

async fn each_documented_error_has_its_own_slug(place: Place) {
    let linkkit = start(place);
    let mut ada = Browser::signed_in(&linkkit.example, ADA).await;
    let secret = WEB.secret.unwrap();
    let tokens = exchange(&linkkit, &code(&linkkit, &mut ada, "links:read").await, &[]).await.expect(200);
    let refresh_token = tokens.text("refresh_token");

    // A missing parameter.
    let unspent = code(&linkkit, &mut ada, "links:read").await;
    let mut missing = BTreeSet::new();
    missing.insert(slug_of(exchange(&linkkit, &unspent, &[("grant_type", "")]).await, 400, "invalid_request"));
    // RFC 6749 has two codes for this one (§4.1.3, §5.2).
    let reply = exchange(&linkkit, &unspent, &[("redirect_uri", "")]).await;
    let error = if reply.text("error") == "invalid_grant" { "invalid_grant" } else { "invalid_request" };
    missing.insert(slug_of(reply, 400, error));
    missing.insert(slug_of(exchange(&linkkit, "", &[("code", "")]).await, 400, "invalid_request"));
    missing.insert(slug_of(refresh(&linkkit, "", &[("refresh_token", "")]).await, 400, "invalid_request"));

    // A bad client ID or secret: which of the two is not told.
    let mut client = BTreeSet::new();
    for changes in [
        &[("client_secret", "wrong")][..],
        &[("client_secret", "")],
        &[("client_id", "nobody")],
        &[("client_id", "nobody"), ("client_secret", "")],
        &[("client_id", OTHER.id)],
    ] {
        client.insert(slug_of(exchange(&linkkit, &unspent, changes).await, 401, "invalid_client"));
        client.insert(slug_of(refresh(&linkkit, &refresh_token, changes).await, 401, "invalid_client"));
    }

    // A code that is rejected or expired.
    let mut rejected = BTreeSet::new();
    let others = [("client_id", OTHER.id), ("client_secret", OTHER.secret.unwrap())];
    rejected.insert(slug_of(exchange(&linkkit, &unspent, &others).await, 400, "invalid_grant"));
    let elsewhere = [("redirect_uri", WEB.redirect_uris[1])];
    rejected.insert(slug_of(exchange(&linkkit, &unspent, &elsewhere).await, 400, "invalid_grant"));
    exchange(&linkkit, &unspent, &[]).await.expect(200);
    rejected.insert(slug_of(exchange(&linkkit, &unspent, &[]).await, 400, "invalid_grant"));
    for unknown in ["x", "linkkit_code_x", &"x".repeat(300)] {
        rejected.insert(slug_of(exchange(&linkkit, unknown, &[]).await, 400, "invalid_grant"));
    }

    // A client that is not allowed the grant.
    let by_itself = [("grant_type", "client_credentials"), ("client_id", WEB.id), ("client_secret", secret)];
    let reply = linkkit.form("/oauth/token", &[], &by_itself).await;
    let not_allowed = BTreeSet::from([slug_of(reply, 400, "unauthorized_client")]);

    // A scope that is not supported: at either endpoint.
    let mut scope = BTreeSet::new();
    for unsupported in ["links:everything", "links:read links:write", "links:read \"x\""] {
        let reply = refresh(&linkkit, &refresh_token, &[("scope", unsupported)]).await;
        scope.insert(slug_of(reply, 400, "invalid_scope"));
    }
    let asked = ada.get(&linkkit.authorize(&request(WEB.redirect_uri(), "links:everything"))).await;
    let answer = asked.answer_to(WEB.redirect_uri());
    assert_eq!((answer.error(), answer.get("state")), ("invalid_scope", Some("xyz 1/2")));
    scope.insert(answer.get("error_description").unwrap().to_owned());

    // One slug for each of the five, whatever led to it, and the documented one says what is documented.
    let all = [missing, client, rejected, not_allowed, scope];
    assert!(all.iter().all(|slugs| slugs.len() == 1), "{all:?}");
    assert_eq!(all.iter().flatten().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
    assert_eq!(all[2].first().map(String::as_str), Some("code_invalid_or_expired"));
}

async fn the_api_answers_the_bearer_of_a_token_and_nobody_else(place: Place) {
    let linkkit = start(place);
    let mut ada = Browser::signed_in(&linkkit.example, ADA).await;
    let tokens = exchange(&linkkit, &code(&linkkit, &mut ada, "analytics:read").await, &[]).await.expect(200);
    let [access, refresh_token] = ["access_token", "refresh_token"].map(|member| tokens.text(member));
    linkkit.get("/v1/links", &[]).await.expect(401).header("www-authenticate").unwrap();
    for wrong in ["nonsense", &refresh_token] {
        linkkit.call("/v1/links", wrong).await.expect_error(401, "invalid_token");
    }
    linkkit.call("/v1/links", &access).await.expect_error(403, "insufficient_scope");
    let tokens = exchange(&linkkit, &code(&linkkit, &mut ada, "links:read").await, &[]).await.expect(200);
    linkkit.call("/v1/links", &tokens.text("access_token")).await.expect(200);
}

async fn an_app_of_the_dashboard_is_like_the_apps_of_before(place: Place) {
    let linkkit = start(place);
    let mut ada = Browser::signed_in(&linkkit.example, ADA).await;
    let fields = [
        ("name", "Link Reports"),
        ("redirect_uris", "https://reports.example/cb\nhttps://reports.example/second"),
        ("type", "confidential"),
        ("description", "Reports about links, every Monday."),
        ("logo", "https://reports.example/logo.png"),
    ];
    let app = register_app(&mut ada, &fields).await;
    let secret = app.secret.unwrap();
    // The secret was shown once.
    let later = ada.get(&query("/developers/app", &[("client_id", &app.client_id)])).await.expect(200);
    assert!(later.body.contains("Link Reports") && !later.body.contains(&secret));

    for redirect_uri in ["https://reports.example/cb", "https://reports.example/second"] {
        let who = [("client_id", app.client_id.as_str()), ("redirect_uri", redirect_uri)];
        let asked = [&changed(&request("", "links:read"), &who)[..], &[("prompt", "consent")]].concat();
        let page = ada.get(&linkkit.authorize(&asked)).await.expect(200);
        let said = page.texts("main").join(" ");
        assert!(said.contains("Link Reports") && said.contains("reports.example"), "{said}");
        let answer = ada.submit(&page.form("/oauth/authorize").press("decision", "approve")).await;
        let code = answer.answer_to(redirect_uri).code().to_owned();
        let own = [&who[..], &[("client_secret", &secret)]].concat();
        let tokens = exchange(&linkkit, &code, &own).await.expect(200);
        expect_members(
            &tokens,
            json!({
                "access_token": text(""), "token_type": "Bearer", "expires_in": 3600, "refresh_token": text(""),
                "scope": "links:read",
            }),
        );
        let again = refresh(&linkkit, &tokens.text("refresh_token"), &own).await.expect(200);
        linkkit.call("/v1/links", &again.text("access_token")).await.expect(200);
    }
}
