//! Metadata of the authorization server: where it is, and how it is served (RFC 8414 §3).
//!
//! | row | why it is not here |
//! |---|---|
//! | META-028 | no OpenID Connect document to compare with; META-003 says what one would have to be |
//! | META-032 | no signed metadata |

use http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, ETAG, IF_NONE_MATCH, ORIGIN, SET_COOKIE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::{SERVER, document, expect_absent, expect_endpoint, path_of};
use crate::testkit::protocol::Failure;

rows! {
    $ __protocol_rows_metadata_server_place;

    /// The document of an issuer without a path is at the well-known place.
    ["META-001", Must, "RFC 8414 §3; MCP, every revision"]
    async fn meta_001_the_document_is_at_the_well_known_place(run) {
        let path = run.metadata_address();
        document(&run.get(&path).await?)?;
        let other = path.replace("oauth-authorization-server", "oauth-authorization-serve");
        expect_absent(&other, &run.get(&other).await?)?;
    }

    /// The well-known part goes between host and path of the issuer, whose last slash is dropped.
    ["META-002", Must, "RFC 8414 §3.1; MCP 2025-11-25"]
    async fn meta_002_the_well_known_part_goes_between_host_and_path(run) {
        let issuer = &run.profile().issuer;
        document(&run.get(&run.metadata_address()).await?)?;
        // Whoever is found at another place has another name.
        let path = path_of(issuer);
        for other in
            [format!("{SERVER}{path}/tenant1"), format!("{path}/tenant1{SERVER}"), format!("{SERVER}/tenant1{path}")]
        {
            let reply = run.get(&other).await?;
            if reply.status() != 200 {
                expect_absent(&other, &reply)?;
                continue;
            }
            let named = document(&reply)?.get("issuer").and_then(Value::as_str).map(ToOwned::to_owned);
            ensure!(named.as_ref() != Some(issuer), "{other} names the issuer {issuer}");
        }
    }

    /// An OpenID Connect document, at any of its places, is whole, or is not there: half of one breaks clients.
    ["META-003", Should, "OpenID Connect Discovery §4; MCP 2025-11-25"]
    async fn meta_003_an_openid_document_is_whole_or_not_there(run) {
        run.metadata().await?;
        let path = path_of(&run.profile().issuer);
        let known = "/.well-known/openid-configuration";
        for place in [format!("{path}{known}"), format!("{known}{path}")] {
            let reply = run.get(&place).await?;
            if reply.status() != 200 {
                expect_absent(&place, &reply)?;
                continue;
            }
            let members = document(&reply)?;
            ensure!(members.get("issuer").and_then(Value::as_str) == Some(&run.profile().issuer), "another issuer");
            for member in ["jwks_uri", "subject_types_supported", "id_token_signing_alg_values_supported"] {
                ensure!(members.contains_key(member), "the document at {place} has no {member}");
            }
        }
    }

    /// `issuer` is the issuer that the place was made from, character by character.
    ["META-004", Must, "RFC 8414 §3.3; MCP 2026-07-28"]
    async fn meta_004_the_document_names_the_issuer_as_it_is_spelt(run) {
        let issuer = run.metadata().await?.get("issuer").cloned();
        ensure!(issuer == Some(run.profile().issuer.clone().into()), "the issuer is {issuer:?}");
    }

    /// The issuer is https, without query and fragment; for tests http on this machine.
    ["META-005", Must, "RFC 8414 §2"]
    async fn meta_005_the_issuer_is_secure_and_has_no_query(run) {
        let members = run.metadata().await?;
        let issuer = members.get("issuer").ok_or_else(|| Failure::new("there is no issuer"))?;
        expect_endpoint("issuer", issuer)?;
        ensure!(!issuer.as_str().unwrap_or_default().contains('?'), "the issuer has a query: {issuer}");
    }

    /// A well-known place where nothing is served is a 4xx: neither a page, nor an error of the server, nor a redirect.
    ["META-006", Must, "practice"]
    async fn meta_006_what_is_not_served_is_a_4xx(run) {
        let path = run.metadata_address();
        run.metadata().await?;
        for other in [
            format!("{path}/nope"),
            format!("{path}%2Fnope"),
            format!("{path}x"),
            "/.well-known/oauth-authorization-server-nope".to_owned(),
            "/.well-known/nope".to_owned(),
            format!("/.well-known/openid-configuration/{}", crate::testkit::protocol::random()),
        ] {
            let reply = run.get(&other).await?;
            expect_absent(&other, &reply)?;
        }
    }

    /// It is a 200 with a JSON object of the type `application/json`, by GET; HEAD is GET without a body.
    ["META-007", Must, "RFC 8414 §3.2"]
    async fn meta_007_the_document_is_json(run) {
        let path = run.metadata_address();
        let reply = run.get(&path).await?;
        document(&reply)?;
        let head = run.send(Method::HEAD, &path, HeaderMap::new(), "").await?;
        head.expect_status(200)?;
        ensure!(head.is_empty(), "a HEAD has a body");
        ensure!(head.header(&CONTENT_TYPE) == reply.header(&CONTENT_TYPE), "HEAD and GET are of two types");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            run.send(method, &path, HeaderMap::new(), "").await?.expect_status(405)?;
        }
    }

    /// It may be kept for a while and asked about again, and it sets no cookie.
    ["META-029", Should, "practice"]
    async fn meta_029_the_document_may_be_kept_for_a_while(run) {
        let path = run.metadata_address();
        let reply = run.get(&path).await?;
        document(&reply)?;
        let cache = reply.header(&CACHE_CONTROL).unwrap_or_default();
        let age = cache.split(',').find_map(|own| own.trim().strip_prefix("max-age=")?.parse::<u32>().ok());
        let age = age.ok_or_else(|| Failure::new(format!("Cache-Control is {cache:?}")))?;
        ensure!((1..=86_400).contains(&age), "the document may be kept for {age} seconds");
        reply.expect_no_header(&SET_COOKIE)?;
        let tag = reply.header(&ETAG).ok_or_else(|| Failure::new("there is no ETag"))?.to_owned();
        let ask = async |tag: &str| {
            let tag = tag.parse().map_err(|_| Failure::new(format!("the ETag {tag:?} cannot be sent back")))?;
            run.send(Method::GET, &path, HeaderMap::from_iter([(IF_NONE_MATCH, tag)]), "").await
        };
        let known = ask(&tag).await?;
        known.expect_status(304)?;
        ensure!(known.is_empty(), "a 304 has a body");
        ask("\"another\"").await?.expect_status(200)?;
    }

    /// A page of any origin may read it, also after a preflight for `MCP-Protocol-Version`.
    ["META-030", Must, "RFC 9700 §2.6; browser-based apps draft"]
    async fn meta_030_a_page_of_any_origin_may_read_it(run) {
        let (path, origin) = (run.metadata_address(), "https://any.test");
        let reply = run.send(Method::GET, &path, crate::testkit::protocol::from_origin(origin)?, "").await?;
        document(&reply)?;
        reply.expect_readable_from(origin)?;
        let reply = run.preflight(&path, origin, &Method::GET, &["mcp-protocol-version"]).await?;
        reply.expect_preflight(origin, &Method::GET, &["mcp-protocol-version"])?;
    }

    /// What it says depends neither on who asks nor on how.
    ["META-031", Must, "practice"]
    async fn meta_031_the_document_does_not_depend_on_who_asks(run) {
        let path = run.metadata_address();
        let first = run.get(&path).await?;
        document(&first)?;
        for (name, value) in [
            (ACCEPT, "text/html"),
            (HeaderName::from_static("accept-language"), "de"),
            (COOKIE, "session=1"),
            (AUTHORIZATION, "Bearer x"),
            (AUTHORIZATION, "Basic eDp5"),
            (ORIGIN, "null"),
            (HeaderName::from_static("mcp-protocol-version"), "2099-01-01"),
        ] {
            let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static(value))]);
            let reply = run.send(Method::GET, &path, headers, "").await?;
            ensure!(reply.status() == 200 && reply.text() == first.text(), "{name}: {value} changes it");
        }
        for query in ["?a=b", "?issuer=https://evil.test", "?"] {
            let reply = run.get(&format!("{path}{query}")).await?;
            ensure!(reply.status() == 200 && reply.text() == first.text(), "{query} changes it");
        }
        let mut browser = run.signed_in(crate::testkit::protocol::User::Alice).await?;
        let reply = browser.get(&path).await?;
        ensure!(reply.status() == 200 && reply.text() == first.text(), "a session changes it");
    }
}
