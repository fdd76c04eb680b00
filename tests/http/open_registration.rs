//! Registration without people: who floods it, and where those are led who come from it.

use serde_json::{Value, json};

use super::support::{Example, Reply, http_client};

async fn register(http: &reqwest::Client, example: &Example, metadata: &Value) -> Reply {
    Reply::of(http.post(example.url("/oauth/register")).json(metadata).send().await.unwrap()).await
}

// DCR-027, ATK-072
#[tokio::test]
async fn whoever_registers_without_end_is_told_to_wait_and_nobody_else_is() {
    let example = Example::start_with(&[("--service", "clyk")]);
    let flooding = http_client();
    let metadata = json!({ "redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "none" });
    let mut registered = 0;
    let limited = loop {
        let reply = register(&flooding, &example, &metadata).await;
        if reply.status != 201 {
            break reply;
        }
        registered += 1;
        assert!(registered < 100, "there is no end to it");
    };
    assert!(registered >= 10, "an honest caller may register {registered} times");
    let limited = limited.expect_error(429, "too_many_requests");
    assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() > 0, "{limited:?}");
    // Of those who share the address, whoever has registered is still listened to.
    let form = [("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", "x"), ("client_id", "demo")];
    let reply = flooding.post(example.url("/oauth/token")).form(&form).send().await.unwrap();
    Reply::of(reply).await.expect_error(400, "invalid_grant");
}

// DCR-015
#[tokio::test]
async fn a_refused_registration_says_which_member_is_wrong() {
    let example = Example::shared();
    let http = http_client();
    for (metadata, member) in [
        (json!({ "redirect_uris": ["https://app.example/cb", "http://app.example/cb"] }), "redirect_uris[1]"),
        (json!({ "redirect_uris": ["https://app.example/cb"], "client_name": 5 }), "client_name"),
        (json!({ "redirect_uris": ["https://app.example/cb"], "logo_uri": "javascript:alert(1)" }), "logo_uri"),
    ] {
        let refused = register(&http, &example, &metadata).await.expect(400);
        assert!(refused.text("error_description").contains(member), "{refused:?}");
    }
}
