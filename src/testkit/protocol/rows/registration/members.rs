//! Registration: keys, addresses, names (RFC 7591 §2).

use serde_json::{Value, json};

use super::{expect_refused, expect_told_of_nobody, texts, with};
use crate::testkit::Form;
use crate::testkit::protocol::{Feature, identified};

rows! {
    $ __protocol_rows_registration_members;

    /// `jwks` and `jwks_uri` exclude each other.
    ["DCR-013", Must, "RFC 7591 §2"]
    async fn dcr_013_keys_and_their_address_exclude_each_other(run) {
        let keys = json!({ "keys": [] });
        let address = with(run.client_metadata(), "jwks_uri", json!("https://new.test/jwks"));
        run.registered(&address).await?;
        run.registered(&with(run.client_metadata(), "jwks", keys.clone())).await?;
        let reply = run.register(&with(address, "jwks", keys)).await?;
        expect_refused("jwks beside jwks_uri", &reply, &["invalid_client_metadata"])?;
    }

    /// A software statement is verified before it counts: one that nobody signed is refused.
    ["DCR-029", Must, "RFC 7591 §2.3, §3.1.1"]
    async fn dcr_029_an_unsigned_software_statement_is_refused(run) {
        // {"alg":"none"} with {"software_id":"x"}, and with {"iss":"https://new.test","client_name":"Bank"}.
        for statement in [
            "eyJhbGciOiJub25lIn0.eyJzb2Z0d2FyZV9pZCI6IngifQ.",
            "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL25ldy50ZXN0IiwiY2xpZW50X25hbWUiOiJCYW5rIn0.",
            "eyJhbGciOiJIUzI1NiJ9.e30.x",
            "garbage",
            "..",
        ] {
            let reply = run.register(&with(run.client_metadata(), "software_statement", json!(statement))).await?;
            expect_refused(statement, &reply, &["invalid_software_statement", "unapproved_software_statement"])?;
        }
    }

    /// Keys that hold a secret are refused.
    ["DCR-030", Must, "OpenID Connect Registration §2"]
    async fn dcr_030_keys_that_hold_a_secret_are_refused(run) {
        let public = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" });
        run.registered(&with(run.client_metadata(), "jwks", json!({ "keys": [public] }))).await?;
        for key in [
            json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB" }),
            json!({ "kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB", "d": "AQAB" }),
            json!({ "kty": "oct", "k": "c2VjcmV0" }),
            json!({ "kty": "oct" }),
        ] {
            let keys = json!({ "keys": [{ "kty": "RSA", "n": "AQAB", "e": "AQAB" }, key] });
            let reply = run.register(&with(run.client_metadata(), "jwks", keys)).await?;
            expect_refused(&key.to_string(), &reply, &["invalid_client_metadata"])?;
        }
    }

    /// What the client says of where its pages are is a web address: https, and no script.
    ["DCR-031", Must, "practice"]
    async fn dcr_031_only_web_addresses_are_kept_as_addresses(run) {
        for member in ["client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri"] {
            run.registered(&with(run.client_metadata(), member, json!("https://new.test/x?y=1"))).await?;
            for uri in [
                "javascript:alert(1)",
                "JavaScript:alert(1)",
                "data:text/html,x",
                "http://new.test/x",
                "ftp://new.test",
                "new.test",
                "//new.test",
                "https://",
                "file:///etc/passwd",
            ] {
                let reply = run.register(&with(run.client_metadata(), member, json!(uri))).await?;
                expect_refused(&format!("{member}: {uri}"), &reply, &["invalid_client_metadata"])?;
            }
        }
    }

    /// A name that would mislead people is refused or cleaned, and markup in a name is text.
    ["DCR-032", Must, "practice"]
    async fn dcr_032_a_name_that_would_mislead_people_is_refused_or_cleaned(run) {
        let long = "x".repeat(10_000);
        for name in ["Goo\u{202E}gle", "\u{2066}Bank", "a\nb", "a\rb", "a\u{0}b", "\u{1b}[31mBank", &long] {
            let reply = run.register(&with(run.client_metadata(), "client_name", json!(name))).await?;
            if reply.status() != 201 {
                expect_refused(&format!("the name {name:.20?}"), &reply, &["invalid_client_metadata"])?;
                continue;
            }
            let registered = reply.expect_registered()?;
            let kept = registered.metadata.get("client_name").and_then(Value::as_str).unwrap_or_default();
            let bad = |character: char| {
                character.is_control() || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
            };
            ensure!(kept.len() < 1_000 && !kept.contains(bad), "the name {name:.20?} is kept");
        }
        let markup = "Grüße\"><img src=x onerror=alert(1)>";
        let reply = run.register(&with(run.client_metadata(), "client_name", json!(markup))).await?;
        if reply.status() != 201 {
            return expect_refused("markup", &reply, &["invalid_client_metadata"]);
        }
        let request = run.request(&reply.expect_registered()?.client).with("prompt", "consent");
        let page = run.authorize(&request).await?;
        page.expect_status(200)?;
        ensure!(page.text().contains("Grüße"), "the page does not tell the name of the client");
        ensure!(!page.text().contains("<img src=x"), "the page has the markup of a name in it");
    }

    /// Identifiers need no escaping and do not look like a URL.
    ["DCR-033", Should, "client identifier metadata document draft §6.9"]
    async fn dcr_033_an_identifier_needs_no_escaping(run) {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let id = run.registered(&run.client_metadata()).await?.client.id;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
            ensure!(id.len() >= 8 && id.bytes().all(plain), "the identifier {id:?} needs escaping, or is short");
            ensure!(!id.starts_with("http"), "the identifier {id:?} looks like a URL");
            ensure!(seen.insert(id.clone()), "the identifier {id:?} was given twice");
        }
    }

    /// Members for people may have a language in their name.
    ["DCR-034", Should, "RFC 7591 §2.2"]
    async fn dcr_034_members_with_a_language_are_accepted(run) {
        let metadata = with(run.client_metadata(), "client_name", json!("Board"));
        let metadata = with(metadata, "client_name#de", json!("Brett"));
        let registered = run.registered(&with(metadata, "tos_uri#de", json!("https://new.test/agb"))).await?;
        ensure!(registered.text("client_name")? == "Board", "the name without a language is another");
        let tagged = registered.metadata.get("client_name#de");
        ensure!(tagged.is_none_or(|told| told == "Brett"), "client_name#de is told as {tagged:?}");
    }

    /// A self-registered client has no grant that is not for it, and none at all that is not told back.
    ["DCR-036", Must, "practice"]
    async fn dcr_036_a_self_registered_client_has_no_grant_that_is_not_for_it(run) {
        for asked in [
            "client_credentials",
            "password",
            "implicit",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ] {
            for method in ["none", "client_secret_post"] {
                let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!(method));
                let reply = run.register(&with(metadata, "grant_types", json!([asked, "authorization_code"]))).await?;
                if reply.status() != 201 {
                    expect_refused(asked, &reply, &["invalid_client_metadata"])?;
                    continue;
                }
                let registered = reply.expect_registered()?;
                let told = texts(&registered.metadata, "grant_types")?.contains(&asked);
                // The operator may let confidential clients act for themselves.
                let allowed = asked == "client_credentials" && method != "none";
                ensure!(allowed || !told, "{asked} is granted to a client with {method}");
                let form = Form::of([("grant_type", asked), ("username", "alice"), ("password", "x")]);
                let form = identified(&registered.client, form);
                let reply = run.token(&form).await?;
                ensure!(
                    (reply.status() == 200) == told,
                    "{asked} is told: {told}, and is answered with {}",
                    reply.status()
                );
                if !told {
                    reply.expect_refusal()?;
                }
            }
        }
        if run.profile().has(Feature::Introspection) {
            expect_told_of_nobody(run).await?;
        }
    }
}
