//! Dynamic client registration under the operator's rules: who may register, and for what.

use std::num::NonZeroU32;

use grantor::client::{Environment, GrantType};
use grantor::configuration::{Registration, RegistrationRules, RegistrationScope};
use grantor::policy::ClientPolicies;
use grantor::secret::SecretHash;
use grantor::store::Deletion;
use serde_json::json;

use crate::browser::expect_rejection;
use crate::registration::{expect_registered, public, register, register_raw, request, with};
use crate::support::{Form, SECRET, Setup, basic};

/// Every grant that the server knows.
const EVERY_GRANT: [GrantType; 3] =
    [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];

on_both_stores! {
    // DCR-010, DCR-014, DCR-036
    async fn a_grant_type_that_is_not_to_be_had_is_dropped_and_the_answer_says_so(setup) {
        for asked in [
            "password",
            "implicit",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ] {
            let metadata =
                json!({ "redirect_uris": ["https://new.test/cb"], "grant_types": [asked, "authorization_code"] });
            let answer = expect_registered(register(&setup, &metadata).await);
            assert_eq!(answer.json["grant_types"], json!(["authorization_code"]), "{asked}");
            let form = Form::of(&[("grant_type", asked), ("scope", "read")]);
            let refused = setup
                .post("/oauth/token", &form, Some(&basic(answer.text("client_id"), answer.text("client_secret"))))
                .await;
            assert!(
                matches!(refused.json["error"].as_str(), Some("unsupported_grant_type" | "unauthorized_client")),
                "{asked}: {refused:?}"
            );

            let alone = json!({ "redirect_uris": ["https://new.test/cb"], "grant_types": [asked] });
            register(&setup, &alone).await.expect_error(400, "invalid_client_metadata");
        }
    }

    // DCR-014
    async fn grant_types_and_response_types_agree(setup) {
        for response_types in [json!(["code"]), json!([]), json!(["code", "token"])] {
            let answer = expect_registered(register(&setup, &with(public(), "response_types", response_types)).await);
            assert_eq!(answer.json["response_types"], json!(["code"]));
        }
        for response_types in [json!(["token"]), json!(["id_token"]), json!(["none"]), json!(["CODE"])] {
            register(&setup, &with(public(), "response_types", response_types))
                .await
                .expect_error(400, "invalid_client_metadata");
        }
        let neither =
            with(with(public(), "response_types", json!(["code"])), "grant_types", json!(["client_credentials"]));
        register(&setup, &neither).await.expect_error(400, "invalid_client_metadata");
    }

    // DCR-023
    async fn a_refresh_token_is_issued_exactly_to_those_who_registered_for_it(setup) {
        for (asked, refreshes) in
            [(json!(["authorization_code", "refresh_token"]), true), (json!(["authorization_code"]), false)]
        {
            let answer = expect_registered(register(&setup, &with(public(), "grant_types", asked.clone())).await);
            assert_eq!(answer.json["grant_types"], asked);
            let code = setup.code_for(&request(&setup, &answer)).await;
            let form = setup
                .exchange("pub", &code)
                .set("client_id", answer.text("client_id"))
                .set("redirect_uri", "https://new.test/cb");
            let tokens = setup.token(&form).await.expect_ok();
            assert_eq!(tokens.json.get("refresh_token").is_some(), refreshes, "{asked}");
        }
    }

    // DCR-024, DCR-025, DCR-036, SCOPE-006, ATK-037, CLI-058
    async fn a_registration_is_cut_to_the_scope_that_the_operator_allows(setup) {
        let granted = |scope: Option<&str>| scope.map_or_else(public, |scope| with(public(), "scope", json!(scope)));
        for (asked, expected) in [
            (None, "read write"),
            (Some("read"), "read"),
            (Some("read admin"), "read"),
            (Some("write offline_access"), "write"),
            (Some("offline_access"), "read write"),
            (Some("bogus read"), "read"),
        ] {
            let answer = expect_registered(register(&setup, &granted(asked)).await);
            assert_eq!(answer.text("scope"), expected, "{asked:?}");
            let request = request(&setup, &answer).set("scope", "admin");
            expect_rejection(&setup.approve(&request).await, "https://new.test/cb", "invalid_scope", &request);
        }
        for asked in ["admin", "bogus", "re\"ad", "read\twrite"] {
            register(&setup, &granted(Some(asked))).await.expect_error(400, "invalid_client_metadata");
        }
    }
}

// MCP-032: what a client asks for at first is no limit to what it needs later.
#[tokio::test]
async fn a_registration_may_be_for_all_that_the_operator_allows_whatever_it_names() {
    let rules = || RegistrationRules::new().with_scope("read write".parse().unwrap());
    let open = || Registration::Open(rules().with_requested_scope(RegistrationScope::AsAllowed));
    for setup in Setup::both_with(|builder| builder.registration(open())).await {
        for asked in ["read", "read admin", "admin", "bogus", "offline_access", ""] {
            let document = with(public(), "scope", json!(asked));
            let answer = expect_registered(register(&setup, &document).await);
            assert_eq!(answer.text("scope"), "read write", "{asked:?}");
            for (scope, error) in [("read", None), ("read write", None), ("admin", Some("invalid_scope"))] {
                let request = request(&setup, &answer).set("scope", scope);
                let reply = setup.approve(&request).await;
                match error {
                    Some(error) => expect_rejection(&reply, "https://new.test/cb", error, &request),
                    None => drop(reply.expect_redirect("https://new.test/cb")),
                }
            }
        }
        register(&setup, &with(public(), "scope", json!("re\"ad"))).await.expect_error(400, "invalid_client_metadata");
    }
}

// ATK-074, DCR-009, DCR-036: what RFC 7591 has no name for, only the operator says of a client.
#[tokio::test]
async fn what_only_the_operator_says_of_a_client_no_registration_says() {
    let privileges = json!({
        "environment": "development", "tenant": "acme", "owner": "alice",
        "policies": { "pkce": "exempt", "refresh_policy": "reuse", "default_scope": "admin", "unknown_scope": "drop" },
    });
    for setup in Setup::both_with(|builder| builder).await {
        let metadata = with(public(), "service", privileges.clone());
        let answer = expect_registered(register(&setup, &metadata).await);
        let replaced = with(metadata, "client_id", answer.json["client_id"].clone());
        let replacing = http::Request::put(answer.text("registration_client_uri").replace("https://as.test", ""))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", answer.text("registration_access_token")));
        let after = setup.send(replacing.body(replaced.to_string()).unwrap()).await.expect_ok();
        for told in [&answer, &after] {
            assert!(told.json.get("service").is_none() && !told.body.contains("acme"), "{told:?}");
        }
        let client = setup.registry.find_client(&answer.text("client_id").parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((client.tenant(), client.owner(), client.environment()), (None, None, Environment::Unspecified));
        assert_eq!(client.policies(), &ClientPolicies::default());

        let request = request(&setup, &answer);
        let without = request.clone().without("code_challenge").without("code_challenge_method");
        expect_rejection(&setup.approve(&without).await, "https://new.test/cb", "invalid_request", &without);
        let unknown = request.set("scope", "read bogus");
        expect_rejection(&setup.approve(&unknown).await, "https://new.test/cb", "invalid_scope", &unknown);
    }
}

// DCR-026
#[tokio::test]
async fn an_initial_access_token_is_needed_if_the_operator_says_so() {
    let tokens = || vec![SecretHash::of("initial-1"), SecretHash::of("initial-2")];
    let guarded = || Registration::Guarded { initial_tokens: tokens(), rules: RegistrationRules::new() };
    for setup in Setup::both_with(|builder| builder.registration(guarded())).await {
        let body = public().to_string();
        let post = async |authorization: &str| {
            let headers = [("content-type", "application/json"), ("authorization", authorization)];
            register_raw(&setup, &body, if authorization.is_empty() { &headers[..1] } else { &headers }).await
        };
        let missing = post("").await.expect_error(401, "invalid_token");
        let challenge = missing.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer") && !challenge.contains("error="), "{challenge}");
        let basic = basic("web", SECRET);
        for wrong in [
            "Bearer wrong",
            "Bearer initial-",
            "Bearer initial-11",
            "Bearer INITIAL-1",
            "Bearer",
            "Bearer ",
            "Bearer a b",
            &basic,
        ] {
            let answer = post(wrong).await.expect_error(401, "invalid_token");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer"), "{wrong}: {challenge}");
            assert!(
                challenge.contains("error=\"invalid_token\"") || !wrong.starts_with("Bearer "),
                "{wrong}: {challenge}"
            );
        }
        for right in ["Bearer initial-1", "bearer initial-2"] {
            expect_registered(post(right).await);
        }
    }
}

// DCR-027, HTTP-023
#[tokio::test]
async fn registration_ends_when_there_are_as_many_clients_as_the_operator_allows() {
    let rules = || RegistrationRules::new().with_max_clients(NonZeroU32::new(12).unwrap());
    for setup in Setup::both_with(|builder| builder.registration(Registration::Open(rules()))).await {
        // Ten clients are there already.
        let first = expect_registered(register(&setup, &public()).await);
        expect_registered(register(&setup, &public()).await);
        let answer = register(&setup, &public()).await.expect_error(503, "temporarily_unavailable");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        let deleted = setup.server.delete_client(&first.text("client_id").parse().unwrap()).await.unwrap();
        assert_eq!(deleted, Deletion::Deleted);
        expect_registered(register(&setup, &public()).await);
    }
}

// DCR-012, DCR-014, DCR-036
#[tokio::test]
async fn a_confidential_client_acts_for_itself_only_if_the_operator_lets_it_register_for_that() {
    let rules = || RegistrationRules::new().with_grant_types(EVERY_GRANT).with_scope("read".parse().unwrap());
    for setup in Setup::both_with(|builder| builder.registration(Registration::Open(rules()))).await {
        let metadata = json!({ "grant_types": ["client_credentials"], "response_types": ["code"] });
        let answer = expect_registered(register(&setup, &metadata).await);
        assert_eq!(answer.json["grant_types"], json!(["client_credentials"]));
        assert_eq!(
            (&answer.json["response_types"], &answer.json["redirect_uris"]),
            (&json!([]), &json!([])),
            "corrected"
        );
        let authorization = basic(answer.text("client_id"), answer.text("client_secret"));
        let form = Form::of(&[("grant_type", "client_credentials")]);
        let tokens = setup.post("/oauth/token", &form, Some(&authorization)).await.expect_ok();
        assert_eq!(tokens.text("scope"), "read");
        let form = form.and("scope", "admin");
        setup.post("/oauth/token", &form, Some(&authorization)).await.expect_error(400, "invalid_scope");

        // Nobody can tell who a public client is.
        let public = with(public(), "grant_types", json!(["client_credentials"]));
        register(&setup, &public).await.expect_error(400, "invalid_client_metadata");
    }
}

// DCR-024: without rules about scope a client may ask for all there is.
#[tokio::test]
async fn without_a_limit_a_client_is_told_every_scope() {
    let open = || Registration::Open(RegistrationRules::new());
    for setup in Setup::both_with(|builder| builder.registration(open())).await {
        let answer = expect_registered(register(&setup, &public()).await);
        assert_eq!(answer.text("scope"), "read write admin");
    }
}

// DCR-033
#[tokio::test]
async fn the_operators_prefix_cannot_make_an_identifier_that_needs_escaping() {
    let rules = || RegistrationRules::new().with_client_id_prefix("my app/ü:%_");
    for setup in Setup::both_with(|builder| builder.registration(Registration::Open(rules()))).await {
        let answer = expect_registered(register(&setup, &public()).await);
        assert!(answer.text("client_id").starts_with("myapp_"), "{answer:?}");
    }
}
