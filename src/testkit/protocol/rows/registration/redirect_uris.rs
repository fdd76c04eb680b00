//! Registration: redirect URIs (RFC 7591 §2, OAuth 2.1 §2.3).

use serde_json::{Value, json};

use super::{expect_refused, texts, with, without};
use crate::testkit::Form;
use crate::testkit::protocol::identified;

rows! {
    $ __protocol_rows_registration_redirect_uris;

    /// Redirect URIs are all accepted as they are, or the registration is refused.
    ["DCR-011", Must, "OpenID Connect Registration §3.2"]
    async fn dcr_011_redirect_uris_are_accepted_all_or_none(run) {
        let (one, two, bad) = ("https://new.test/cb", "https://new.test/x", "http://new.test/cb");
        let registered = run.registered(&with(run.client_metadata(), "redirect_uris", json!([one, two]))).await?;
        ensure!(registered.client.redirect_uris == [one, two], "kept: {:?}", registered.client.redirect_uris);
        for uris in [[bad, one, two], [one, bad, two], [one, two, bad]] {
            let reply = run.register(&with(run.client_metadata(), "redirect_uris", json!(uris))).await?;
            expect_refused(&uris.join(" "), &reply, &["invalid_redirect_uri"])?;
        }
    }

    /// A grant that redirects needs redirect URIs.
    ["DCR-012", Must, "RFC 7591 §2"]
    async fn dcr_012_a_client_with_the_code_grant_needs_a_redirect_uri(run) {
        let codes = ["invalid_redirect_uri", "invalid_client_metadata"];
        let bare = without(run.client_metadata(), "redirect_uris");
        expect_refused("no redirect_uris", &run.register(&bare).await?, &codes)?;
        expect_refused("an empty registration", &run.register(&json!({})).await?, &codes)?;
        for none in [json!([]), Value::Null] {
            let reply = run.register(&with(bare.clone(), "redirect_uris", none.clone())).await?;
            expect_refused(&format!("redirect_uris: {none}"), &reply, &codes)?;
        }
        // A client that acts for itself alone needs none, if it may register at all.
        let reply = run.register(&json!({ "grant_types": ["client_credentials"], "response_types": [] })).await?;
        if reply.status() == 201 {
            let registered = reply.expect_registered()?;
            ensure!(texts(&registered.metadata, "grant_types")? == ["client_credentials"], "another grant is told");
            let form = identified(&registered.client, Form::of([("grant_type", "client_credentials")]));
            run.tokens_for(&form).await?;
        } else {
            expect_refused("client_credentials alone", &reply, &codes)?;
        }
    }

    /// The rules for redirect URIs hold: no fragment, no http but to this machine, no user, no pattern, nothing
    /// relative, no control characters, no dangerous scheme.
    ["DCR-020", Must, "OAuth 2.1 §2.3; RFC 6749 §3.1.2"]
    async fn dcr_020_an_unacceptable_redirect_uri_is_refused(run) {
        run.registered(&run.client_metadata()).await?;
        for uri in [
            "https://new.test/cb#",
            "https://new.test/cb#x",
            "/cb",
            "//new.test/cb",
            "new.test/cb",
            "http://new.test/cb",
            "http://10.0.0.1/cb",
            "http://127.0.0.1.new.test/cb",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://new.test/x",
            "about:blank",
            "view-source:https://new.test",
            "https://new.test\\@evil.test/cb",
            "https://new.test/cb\r\nX: y",
            "https://new.test/c\tb",
            "https://new.test/c\u{0}b",
            "https://new.test/c b",
            "https://new.test@evil.test/cb",
            "https://user:pw@new.test/cb",
            "https://*.new.test/cb",
            "https://new.test/*",
            "*",
            "https://",
            "",
        ] {
            for uris in [json!([uri]), json!(["https://new.test/cb", uri])] {
                let reply = run.register(&with(run.client_metadata(), "redirect_uris", uris)).await?;
                // NUL is no character of any member, so that the whole document may be at fault.
                let codes = ["invalid_redirect_uri", "invalid_client_metadata"];
                let codes = if uri.contains('\0') { &codes[..] } else { &codes[..1] };
                expect_refused(&format!("{uri:?}"), &reply, codes)?;
            }
        }
    }

    /// `application_type` is accepted; left out, it is no reason to refuse a loopback or private-use redirect URI.
    ["DCR-021", Should, "MCP 2026-07-28; OpenID Connect Registration §2"]
    async fn dcr_021_the_application_type_is_accepted(run) {
        let native = json!(["http://127.0.0.1/cb", "http://localhost/cb", "com.example.app:/cb"]);
        for (kind, uris) in [
            (json!("native"), native.clone()),
            (json!("web"), json!(["https://new.test/cb"])),
            (Value::Null, native.clone()),
            (Value::Null, json!(["https://new.test/cb"])),
        ] {
            let metadata = with(run.client_metadata(), "redirect_uris", uris.clone());
            let metadata = if kind.is_null() { metadata } else { with(metadata, "application_type", kind.clone()) };
            let reply = run.register(&metadata).await?;
            ensure!(reply.status() == 201, "{kind} with {uris} is answered with {}", reply.status());
            let registered = reply.expect_registered()?;
            ensure!(registered.metadata.get("redirect_uris") == Some(&uris), "{kind}: kept are other URIs");
            let told = registered.metadata.get("application_type");
            ensure!(kind.is_null() || told == Some(&kind), "{kind} is told as {told:?}");
            let request = run.request(&registered.client);
            run.approve(&request).await?.expect_code(&request)?;
        }
    }
}
