//! Registration: what is read, what is answered (RFC 7591 §3).
//!
//! | row | why it is not here |
//! |---|---|
//! | DCR-026 | needs a target where an initial access token is required |

use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::{authenticates, expect_refused, texts, with, without};
use crate::testkit::protocol::{Feature, random};

rows! {
    $ __protocol_rows_registration_request;

    /// A registration is one JSON object of the type `application/json`.
    ["DCR-001", Must, "RFC 7591 §3.1"]
    async fn dcr_001_only_one_json_object_is_read(run) {
        let metadata = run.client_metadata().to_string();
        let json = Some("application/json");
        run.register_text(json, &metadata).await?.expect_registered()?;
        run.register_text(Some("Application/JSON; charset=utf-8"), &format!(" {metadata}\n"))
            .await?
            .expect_registered()?;
        for kind in [
            Some("application/x-www-form-urlencoded"),
            Some("text/plain"),
            Some("text/json"),
            Some("application/jwt"),
            Some("multipart/form-data; boundary=x"),
            None,
        ] {
            let reply = run.register_text(kind, &metadata).await?;
            ensure!(matches!(reply.status().as_u16(), 400 | 415), "{kind:?} is answered with {}", reply.status());
            let members = reply.expect_json()?;
            ensure!(members.get("error").is_some_and(Value::is_string), "{kind:?} is answered without an error");
        }
        let (array, comma) = (format!("[{metadata}]"), metadata.replace('}', ",}"));
        for body in ["[]", &array, "5", "\"x\"", "null", "true", "", "{", "{}x", &comma, "redirect_uris=x"] {
            let reply = run.register_text(json, body).await?;
            expect_refused(body, &reply, &["invalid_client_metadata"])?;
        }
    }

    /// Success is a 201 with JSON that nobody may store.
    ["DCR-002", Must, "RFC 7591 §3.2.1"]
    async fn dcr_002_success_is_a_201(run) {
        for method in ["none", "client_secret_basic", "client_secret_post"] {
            run.registered(&with(run.client_metadata(), "token_endpoint_auth_method", json!(method))).await?;
        }
    }

    /// The answer tells the identifier and all that is registered, also what the server has set.
    ["DCR-003", Must, "RFC 7591 §3.2.1"]
    async fn dcr_003_the_answer_tells_all_that_is_registered(run) {
        let minimal = run.registered(&json!({ "redirect_uris": ["https://new.test/cb"] })).await?;
        for member in ["redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method"] {
            ensure!(minimal.metadata.contains_key(member), "the answer tells no {member}");
        }
        let metadata = json!({
            "redirect_uris": ["https://new.test/cb", "https://new.test/other"],
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "client_name": "Board",
            "client_uri": "https://new.test",
            "logo_uri": "https://new.test/logo.png",
            "contacts": ["a@new.test", "b@new.test"],
            "tos_uri": "https://new.test/tos",
            "policy_uri": "https://new.test/policy",
            "software_id": "4NRB1-0XZABZI9E6-5SM3R",
            "software_version": "2.1",
        });
        // A scope may be replaced by what the client can have (DCR-024).
        let scope = &run.profile().scopes.default;
        let full = run.registered(&with(metadata.clone(), "scope", json!(scope))).await?;
        for (member, value) in metadata.as_object().into_iter().flatten() {
            let told = full.metadata.get(member);
            ensure!(told == Some(value), "{member} is told as {told:?}, not {value}");
        }
        ensure!(full.text("scope")?.split(' ').any(|token| token == scope), "the scope is told as another");
    }

    /// `redirect_uris` is always told, as an array of strings, exactly as it came.
    ["DCR-004", Must, "practice"]
    async fn dcr_004_redirect_uris_are_told_as_they_came(run) {
        let uris = json!(["https://New.test:8443", "https://new.test/a%2Fb?x=1&y=a%20b", "http://127.0.0.1:33418/"]);
        let registered = run.registered(&with(run.client_metadata(), "redirect_uris", uris.clone())).await?;
        ensure!(registered.metadata.get("redirect_uris") == Some(&uris), "told: {:?}", registered.client.redirect_uris);
    }

    /// A secret comes with `client_secret_expires_at`, a number; without a secret neither is there.
    ["DCR-005", Must, "RFC 7591 §3.2.1"]
    async fn dcr_005_a_secret_comes_with_its_end(run) {
        for method in ["client_secret_basic", "client_secret_post", "none"] {
            let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!(method));
            let registered = run.registered(&metadata).await?;
            let (secret, end) = (&registered.client.secret, registered.metadata.get("client_secret_expires_at"));
            ensure!(secret.is_some() == (method != "none"), "{method}: is there a secret? {}", secret.is_some());
            ensure!(
                secret.is_some() == end.is_some_and(Value::is_u64),
                "{method}: client_secret_expires_at is {end:?}"
            );
            ensure!(secret.is_some() || end.is_none(), "client_secret_expires_at comes without a secret: {end:?}");
        }
    }

    /// `client_id_issued_at` is a whole number of seconds.
    ["DCR-006", Should, "RFC 7591 §3.2.1"]
    async fn dcr_006_the_issue_is_told_in_seconds(run) {
        let registered = run.registered(&run.client_metadata()).await?;
        let at = registered.metadata.get("client_id_issued_at");
        // From the year 2001 to the year 5138; milliseconds are beyond.
        let seconds = at.and_then(Value::as_u64).is_some_and(|at| (1_000_000_000..100_000_000_000).contains(&at));
        ensure!(seconds, "client_id_issued_at is {at:?}");
    }

    /// `registration_access_token` and `registration_client_uri` come together, or not at all.
    ["DCR-007", Must, "OpenID Connect Registration §3.2; RFC 7592 §3"]
    async fn dcr_007_the_registration_token_comes_with_its_place(run) {
        let registered = run.registered(&run.client_metadata()).await?;
        let token = registered.metadata.get("registration_access_token");
        let uri = registered.metadata.get("registration_client_uri");
        ensure!(token.is_some() == uri.is_some(), "token: {}, URI: {}", token.is_some(), uri.is_some());
        ensure!(token.is_none_or(Value::is_string), "the token is {token:?}");
        if let Some(uri) = uri {
            super::super::metadata::expect_endpoint("registration_client_uri", uri)?;
        }
    }

    /// Left out, `grant_types` is `authorization_code`, `response_types` is `code`, and the client has a secret for
    /// Basic.
    ["DCR-008", Must, "RFC 7591 §2"]
    async fn dcr_008_what_is_left_out_has_its_default(run) {
        let registered = run.registered(&json!({ "redirect_uris": ["https://new.test/cb"] })).await?;
        ensure!(texts(&registered.metadata, "grant_types")? == ["authorization_code"], "{:?}", registered.metadata);
        ensure!(texts(&registered.metadata, "response_types")? == ["code"], "{:?}", registered.metadata);
        let method = registered.text("token_endpoint_auth_method")?;
        ensure!(method == "client_secret_basic", "the method is {method:?}");
        let secret = registered.text("client_secret")?;
        ensure!(authenticates(run, &registered, secret).await?, "the secret does not work");
    }

    /// Unknown members are ignored and not kept.
    ["DCR-009", Must, "RFC 7591 §2"]
    async fn dcr_009_unknown_members_are_ignored(run) {
        let metadata = with(run.client_metadata(), "foo", json!({ "a": [1, null] }));
        let registered = run.registered(&with(metadata, "x_bar", json!("marker"))).await?;
        for member in ["foo", "x_bar"] {
            ensure!(!registered.metadata.contains_key(member), "{member} is told back");
        }
        ensure!(registered.text("client_name")? == "A client of the suite", "what is known is not told back");
    }

    /// A refusal is a 400 with the code of its fault, as JSON that nobody may store.
    ["DCR-015", Must, "RFC 7591 §3.2.2"]
    async fn dcr_015_a_refusal_has_the_code_of_its_fault(run) {
        for (member, value, code) in [
            ("redirect_uris", json!(["http://new.test/cb"]), "invalid_redirect_uri"),
            ("redirect_uris", json!([""]), "invalid_redirect_uri"),
            ("grant_types", json!(5), "invalid_client_metadata"),
            ("token_endpoint_auth_method", json!("NONE"), "invalid_client_metadata"),
            ("token_endpoint_auth_method", json!("no_such_method"), "invalid_client_metadata"),
            ("software_statement", json!("garbage"), "invalid_software_statement"),
        ] {
            let what = format!("{member}: {value}");
            let reply = run.register(&with(run.client_metadata(), member, value)).await?;
            expect_refused(&what, &reply, &[code])?;
        }
        // Whatever was sent, a description keeps to its characters; `expect_refused` looks at every one.
        for text in ["\"\\\n<script>é", "https://x.test/\"\\"] {
            for (member, value) in [
                ("redirect_uris", json!([text])),
                ("token_endpoint_auth_method", json!(text)),
                ("logo_uri", json!(text)),
            ] {
                let reply = run.register(&with(run.client_metadata(), member, value)).await?;
                expect_refused(text, &reply, &["invalid_redirect_uri", "invalid_client_metadata"])?;
                ensure!(!reply.text().contains("<script>"), "the refusal repeats what was sent");
            }
        }
    }

    /// A member of a wrong type is refused, and not made to fit.
    ["DCR-016", Must, "practice"]
    async fn dcr_016_a_member_of_a_wrong_type_is_refused(run) {
        for (member, value) in [
            ("redirect_uris", json!("https://new.test/cb")),
            ("redirect_uris", json!([5])),
            ("redirect_uris", json!([null])),
            ("redirect_uris", json!([["https://new.test/cb"]])),
            ("redirect_uris", json!({ "0": "https://new.test/cb" })),
            ("grant_types", json!("authorization_code")),
            ("grant_types", json!([1])),
            ("response_types", json!("code")),
            ("client_name", json!(5)),
            ("client_name", json!(["x"])),
            ("scope", json!([run.profile().scopes.default])),
            ("scope", json!(true)),
            ("contacts", json!("a@new.test")),
            ("logo_uri", json!(5)),
            ("token_endpoint_auth_method", json!(["none"])),
            ("application_type", json!(1)),
            ("software_id", json!({})),
            ("jwks", json!("{}")),
            ("jwks", json!([])),
            ("jwks_uri", json!(5)),
        ] {
            let what = format!("{member}: {value}");
            let reply = run.register(&with(run.client_metadata(), member, value)).await?;
            let codes: &[&str] = if member == "redirect_uris" {
                &["invalid_client_metadata", "invalid_redirect_uri"]
            } else {
                &["invalid_client_metadata"]
            };
            expect_refused(&what, &reply, codes)?;
        }
    }

    /// A member that comes twice is refused; or the last counts, for the check and for what is kept.
    ["DCR-017", Must, "RFC 8259 §4; practice"]
    async fn dcr_017_a_member_that_comes_twice_is_refused(run) {
        let (first, last) = ("https://new.test/cb", "https://evil.test/cb");
        let rest = without(run.client_metadata(), "redirect_uris").to_string();
        let rest = rest.strip_prefix('{').unwrap_or_default();
        for second in ["redirect_uris", "redirect\\u005furis"] {
            let body = format!(r#"{{"redirect_uris":["{first}"],"{second}":["{last}"],{rest}"#);
            let reply = run.register_text(Some("application/json"), &body).await?;
            if reply.status() != 201 {
                expect_refused(&body, &reply, &["invalid_client_metadata", "invalid_redirect_uri"])?;
                continue;
            }
            let registered = reply.expect_registered()?;
            ensure!(registered.client.redirect_uris == [last], "kept: {:?}", registered.client.redirect_uris);
            let request = run.request(&registered.client).with("redirect_uri", first);
            run.authorize(&request).await?.expect_page(400)?;
        }
        let bad = format!(r#"{{"redirect_uris":["{first}"],"redirect_uris":["http://evil.test/cb"],{rest}"#);
        let reply = run.register_text(Some("application/json"), &bad).await?;
        expect_refused(&bad, &reply, &["invalid_client_metadata", "invalid_redirect_uri"])?;
    }

    /// `null` and the empty string mean that an optional member is absent.
    ["DCR-018", Should, "practice"]
    async fn dcr_018_null_and_the_empty_string_mean_absent(run) {
        for member in [
            "client_name",
            "client_uri",
            "logo_uri",
            "tos_uri",
            "policy_uri",
            "scope",
            "software_id",
            "software_version",
            "jwks_uri",
            "application_type",
        ] {
            for empty in [json!(""), Value::Null] {
                let what = format!("{member}: {empty}");
                let reply = run.register(&with(run.client_metadata(), member, empty)).await?;
                ensure!(reply.status() == 201, "{what} is answered with {}", reply.status());
                let registered = reply.expect_registered()?;
                // A client without a scope of its own is told what it may ask for; one without a name may be given one.
                let given = matches!(member, "scope" | "client_name" | "application_type");
                ensure!(given || !registered.metadata.contains_key(member), "{what} is told back");
            }
        }
        for list in ["grant_types", "response_types", "contacts", "jwks"] {
            run.registered(&with(run.client_metadata(), list, Value::Null)).await?;
        }
    }

    /// A client chooses neither its identifier nor its secret.
    ["DCR-019", Must, "RFC 7591 §3"]
    async fn dcr_019_a_client_chooses_neither_identifier_nor_secret(run) {
        let (id, secret) = (random(), random());
        for id in [&*id, &run.profile().web.id] {
            let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!("client_secret_basic"));
            let metadata = with(with(metadata, "client_id", json!(id)), "client_secret", json!(secret));
            let registered = run.registered(&metadata).await?;
            ensure!(registered.client.id != id, "the client chose its identifier");
            let own = registered.text("client_secret")?;
            ensure!(own != secret, "the client chose its secret");
            ensure!(authenticates(run, &registered, own).await?, "the secret that was told does not work");
            ensure!(!authenticates(run, &registered, &secret).await?, "the secret that was sent works");
        }
        run.tokens(&run.profile().web).await?;
    }

    /// Bodies and lists have bounds.
    ["DCR-027", Must, "RFC 7591 §5; OAuth 2.1 §7.9"]
    async fn dcr_027_bodies_and_lists_have_bounds(run) {
        // How often somebody may register within a time is for the host to limit.
        let huge =
            with(run.client_metadata(), "client_uri", json!(format!("https://new.test/{}", "x".repeat(1 << 20))));
        let reply = run.register(&huge).await?;
        ensure!(matches!(reply.status().as_u16(), 400 | 413), "a body of 1 MiB is answered with {}", reply.status());
        for count in [1_000, 10_000] {
            let uris: Vec<_> = (0..count).map(|at| format!("https://new.test/{at}")).collect();
            let reply = run.register(&with(run.client_metadata(), "redirect_uris", json!(uris))).await?;
            ensure!(matches!(reply.status().as_u16(), 400 | 413), "{count} URIs are answered with {}", reply.status());
            reply.expect_json()?;
        }
        run.registered(&run.client_metadata()).await?;
    }

    /// A page of another origin may register a client.
    ["DCR-035", May, "practice"]
    async fn dcr_035_a_page_of_another_origin_may_register(run) {
        run.requires(Feature::Registration)?;
        let (url, origin) = (&run.profile().endpoints.registration, "https://app.test");
        let reply = run.preflight(url, origin, &Method::POST, &["content-type"]).await?;
        reply.expect_preflight(origin, &Method::POST, &["content-type"])?;
        let headers = [(ORIGIN, "https://app.test"), (CONTENT_TYPE, "application/json")];
        let headers: HeaderMap =
            headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
        for (body, status) in [(run.client_metadata().to_string(), 201), ("{}".to_owned(), 400)] {
            let reply = run.send(Method::POST, url, headers.clone(), body).await?;
            reply.expect_status(status)?.expect_readable_from(origin)?;
        }
    }
}
