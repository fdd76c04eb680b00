//! Native apps: loopback ports, private-use schemes, and no silent second consent (RFC 8252).

use grantor::client::{ApplicationType, Client, ClientMetadata};
use grantor::redirect_uri::{LocalhostRedirects, RedirectUri, RedirectUriPolicy};
use grantor::{Approval, Recall};

use crate::browser::{expect_code, expect_page};
use crate::support::Setup;

/// Registers a public client with one redirect URI, and asks for another.
async fn ask(setup: &Setup, registered: &str, requested: &str) -> crate::support::Answer {
    let id = format!("app at {registered}");
    let known = setup.registry.find_client(&id.parse().unwrap()).await.unwrap();
    if known.is_none() {
        setup.add(Client::public(id.parse().unwrap()).with_redirect_uri(registered.parse().unwrap())).await;
    }
    setup.approve(&setup.request("pub").set("client_id", &id).set("redirect_uri", requested)).await
}

on_both_stores! {
    // NAT-001, NAT-002, NAT-003, NAT-005, D11, CLI-055, CLI-056; oxide-auth and oauth-as refuse some of these
    async fn the_port_of_a_loopback_redirect_uri_is_free(setup) {
        for (registered, requested) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:53682/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:65535/cb"),
            ("http://[::1]/cb", "http://[::1]:61023/cb"),
            ("http://localhost/callback", "http://localhost:38123/callback"),
            ("http://127.0.0.1:33418/cb", "http://127.0.0.1:5000/cb"),
            ("http://127.0.0.1:33418/cb", "http://127.0.0.1/cb"),
            ("http://127.0.0.1:33418/", "http://127.0.0.1:33419/"),
            ("http://127.0.0.1:33418", "http://127.0.0.1:5000"),
            ("http://[::1]:1", "http://[::1]:2"),
            ("http://localhost:8080/cb?x=1", "http://localhost:9090/cb?x=1"),
        ] {
            let answer = ask(&setup, registered, requested).await;
            let request = setup.request("pub");
            let code = expect_code(&answer, requested, &request);
            let id = format!("app at {registered}");
            let form = setup.exchange("pub", &code).set("client_id", &id).set("redirect_uri", requested);
            setup.token(&form).await.expect_ok();
        }
    }

    // NAT-001, NAT-004, NAT-006, ATK-009, ATK-012
    async fn nothing_but_the_port_of_a_loopback_redirect_uri_is_free(setup) {
        for (registered, requested) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb/"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x=1"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb#"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/CB"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb"),
            ("http://127.0.0.1/cb", "HTTP://127.0.0.1:51004/cb"),
            ("http://127.0.0.1/cb", "http://localhost:1/cb"),
            ("http://127.0.0.1/cb", "http://[::1]:1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.2:1/cb"),
            ("http://127.0.0.1/cb", "http://127.1:1/cb"),
            ("http://127.0.0.1/cb", "http://2130706433:1/cb"),
            ("http://127.0.0.1/cb", "http://0x7f.1:1/cb"),
            ("http://127.0.0.1/cb", "http://0x7f000001/cb"),
            ("http://127.0.0.1/cb", "http://0177.0.0.1:1/cb"),
            ("http://127.0.0.1/cb", "http://0.0.0.0:1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.:1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.test:1/cb"),
            ("http://127.0.0.1/cb", "http://[::ffff:127.0.0.1]:1/cb"),
            ("http://[::1]/cb", "http://[0:0:0:0:0:0:0:1]:1/cb"),
            ("http://[::1]/cb", "http://[::0001]:1/cb"),
            ("http://[::1]/cb", "http://[::1%25lo]:1/cb"),
            ("http://[::1]/cb", "http://127.0.0.1:1/cb"),
            ("http://[::1]/cb", "http://::1:1/cb"),
            ("http://localhost/cb", "http://127.0.0.1:1/cb"),
            ("http://localhost/cb", "http://localhost.:1/cb"),
            ("http://localhost/cb", "http://app.localhost:1/cb"),
            ("http://localhost/cb", "http://LOCALHOST:1/cb"),
            ("http://localhost/cb", "http://localhost.evil.test:1/cb"),
        ] {
            let answer = ask(&setup, registered, requested).await;
            expect_page(&answer, 400, &(registered, requested));
        }
    }

    // NAT-006, ATK-009
    async fn a_port_is_plain_digits_from_1_to_65535(setup) {
        for port in [
            "80@evil.test",
            "99999",
            "65536",
            "0",
            "00",
            "080",
            "+80",
            "-1",
            "8 0",
            " 80",
            "%38",
            "１２",
            "",
            "8e1",
            "0x50",
            "80:80",
            "80\\",
            "18446744073709551617",
            "80#",
            "80%2Fcb",
        ] {
            for host in ["127.0.0.1", "[::1]", "localhost"] {
                let requested = format!("http://{host}:{port}/cb");
                expect_page(&ask(&setup, &format!("http://{host}/cb"), &requested).await, 400, &requested);
            }
        }
    }

    // NAT-007
    async fn the_port_is_free_for_http_on_loopback_only(setup) {
        for (registered, requested) in [
            ("https://127.0.0.1:8443/cb", "https://127.0.0.1:8444/cb"),
            ("https://127.0.0.1:8443/cb", "https://127.0.0.1/cb"),
            ("https://localhost/cb", "https://localhost:1/cb"),
            ("https://[::1]/cb", "https://[::1]:1/cb"),
            ("https://app.test/cb", "https://app.test:444/cb"),
            ("com.example.app://127.0.0.1/cb", "com.example.app://127.0.0.1:1/cb"),
        ] {
            expect_page(&ask(&setup, registered, requested).await, 400, &requested);
            expect_code(&ask(&setup, registered, registered).await, registered, &setup.request("pub"));
        }
    }

    // NAT-008, NAT-014, RURI-013
    async fn a_private_use_scheme_is_matched_and_redirected_to_exactly(setup) {
        let request = setup.request("native").set("redirect_uri", "com.example.app:/cb");
        let answer = setup.approve(&request).await;
        expect_code(&answer, "com.example.app:/cb", &request);
        assert!(answer.header("location").unwrap().starts_with("com.example.app:/cb?code="), "{answer:?}");
        for other in [
            "com.example.app:/cb/",
            "com.example.app:/CB",
            "COM.example.app:/cb",
            "com.example.app:cb",
            "com.example.app://cb",
            "com.example.app:///cb",
            "com.example.app:/cb?x=1",
            "com.example.apps:/cb",
            "com.example:/cb",
            "com.example.app:",
        ] {
            let request = setup.request("native").set("redirect_uri", other);
            expect_page(&setup.approve(&request).await, 400, &request);
        }
    }

    // NAT-008, D12
    async fn a_scheme_without_a_dot_is_not_used_unless_the_operator_lists_it(setup) {
        for uri in ["myapp:/cb", "cursor://anysphere.cursor-mcp/oauth/callback", "x:/cb"] {
            expect_page(&ask(&setup, uri, uri).await, 400, &uri);
        }
    }

    // NAT-012, CONS-002, ATK-019
    async fn a_native_app_is_not_approved_again_without_asking(setup) {
        for uri in
            ["http://127.0.0.1:51004/cb", "http://[::1]:51004/cb", "http://localhost:51004/cb", "com.example.app:/cb"]
        {
            let request = setup.request("native").set("redirect_uri", uri);
            let code = expect_code(&setup.approve(&request).await, uri, &request);
            setup.token(&setup.exchange("native", &code).set("redirect_uri", uri)).await.expect_ok();
            let pending = setup.pending(&request).await.unwrap();
            assert!(matches!(setup.server.recall(pending, &setup.alice).await.unwrap(), Recall::Ask(_)), "{uri}");
        }
    }

    // NAT-010, NAT-011
    async fn the_client_type_is_kept(setup) {
        let metadata = ClientMetadata::new().with_application_type(ApplicationType::Native);
        setup.change("native", |client| client.with_metadata(metadata)).await;
        for (id, public) in [("native", true), ("pub", true), ("web", false)] {
            let client = setup.server.client(&id.parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(client.is_public(), public, "{id}");
        }
        let native = setup.server.client(&"native".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(native.metadata().application_type(), Some(ApplicationType::Native));
    }

    // NAT-010: what an app on a device ships is no secret, so nobody may pass as confidential with it.
    async fn a_secret_is_not_accepted_for_a_public_client(setup) {
        let code = setup.code("native").await;
        let form = setup.exchange("native", &code);
        setup.token(&form.clone().and("client_secret", "x")).await.expect_error(401, "invalid_client");
        setup.token(&form).await.expect_ok();
    }
}

// NAT-009, D12, CLI-056, CLI-057
#[tokio::test]
async fn a_listed_scheme_without_a_dot_works_byte_for_byte() {
    let policy = || RedirectUriPolicy::new().with_scheme("cursor").with_scheme("VSCode").with_scheme("javascript");
    for setup in Setup::both_with(|builder| builder.redirect_uris(policy())).await {
        for uri in [
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "vscode://vscode.github-authentication/did-authenticate",
            "vscode:/cb",
        ] {
            expect_code(&ask(&setup, uri, uri).await, uri, &setup.request("pub"));
            let other = format!("{uri}/");
            expect_page(&ask(&setup, uri, &other).await, 400, &other);
        }
        let unlisted = "windsurf://x/cb";
        expect_page(&ask(&setup, unlisted, unlisted).await, 400, &unlisted);
        assert!(RedirectUri::parse("javascript:alert(1)").is_err());
    }
}

// NAT-003, D11
#[tokio::test]
async fn localhost_can_be_switched_off_and_the_addresses_stay() {
    let policy = || RedirectUriPolicy::new().with_localhost(LocalhostRedirects::Refused);
    for setup in Setup::both_with(|builder| builder.redirect_uris(policy())).await {
        expect_page(&ask(&setup, "http://localhost/cb", "http://localhost:1/cb").await, 400, &"localhost");
        for uri in ["http://127.0.0.1:1/cb", "http://[::1]:1/cb"] {
            let registered = uri.replace(":1/", "/");
            expect_code(&ask(&setup, &registered, uri).await, uri, &setup.request("pub"));
        }
    }
}

// NAT-012: a confidential client has proved who it is, so its users are spared the question.
#[tokio::test]
async fn a_confidential_client_on_loopback_is_remembered() {
    for setup in [Setup::memory().await, Setup::sqlite().await] {
        setup.change("web", |client| client.with_redirect_uri("http://127.0.0.1/cb".parse().unwrap())).await;
        let request = setup.request("web").set("redirect_uri", "http://127.0.0.1:7/cb");
        let code = setup.code_for(&request).await;
        setup.token(&setup.exchange("web", &code).set("redirect_uri", "http://127.0.0.1:7/cb")).await.expect_ok();
        let pending = setup.pending(&request).await.unwrap();
        let Recall::Remembered(confirmed) = setup.server.recall(pending, &setup.alice).await.unwrap() else {
            panic!("asked again");
        };
        let answer = setup.server.approve(confirmed, Approval::all()).await.unwrap().into_http().into();
        expect_code(&answer, "http://127.0.0.1:7/cb", &request);
    }
}
