//! Metadata of the API (RFC 9728).
//!
//! | row | why it is not here |
//! |---|---|
//! | PRM-007 | decided when a server is configured |
//! | PRM-012 | no DPoP |
//! | PRM-013 | no signed metadata |

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};

use super::{RESOURCE, document, expect_absent, expect_filled, path_of, resource_url, resource_urls, texts};
use crate::testkit::Form;
use crate::testkit::protocol::run::FORM;
use crate::testkit::protocol::{Failure, Feature, Run, authorization, from_origin, origin_of};

/// The metadata of the API.
async fn resource(run: &Run<'_>) -> Result<Map<String, Value>, Failure> {
    run.requires(Feature::Api)?;
    document(&run.get(&resource_url(run)).await?)
}

rows! {
    $ __protocol_rows_metadata_resource;

    /// The well-known part goes between host and path of the resource; a query comes along, the slash of a bare host
    /// does not.
    ["PRM-001", Must, "RFC 9728 §3.1; MCP 2025-06-18"]
    async fn prm_001_the_well_known_part_goes_between_host_and_path(run) {
        resource(run).await?;
        let path = path_of(&run.profile().api.resource);
        // Behind the path is no place for it.
        if !path.is_empty() {
            let appended = format!("{}{path}{RESOURCE}", origin_of(&run.profile().api.resource));
            let reply = run.get(&appended).await?;
            ensure!(reply.status() != 200, "{appended} is answered with 200");
        }
    }

    /// The only resource of its host is at the root as well.
    ["PRM-002", Should, "MCP 2025-11-25"]
    async fn prm_002_the_only_resource_of_its_host_is_at_the_root_too(run) {
        let own = resource(run).await?;
        let api = &run.profile().api;
        let root = format!("{}{RESOURCE}", origin_of(&api.resource));
        let reply = run.get(&root).await?;
        // With two on one host the root would have to choose.
        let shared = api.other_resource.as_deref().is_some_and(|other| origin_of(other) == origin_of(&api.resource));
        if shared && reply.status() != 200 {
            expect_absent(&root, &reply)?;
        } else {
            let found = document(&reply)?.get("resource").cloned();
            ensure!(shared || found.as_ref() == own.get("resource"), "the root tells of {found:?}");
        }
    }

    /// It is a 200 with a JSON object of the type `application/json`, by GET alone.
    ["PRM-003", Must, "RFC 9728 §3.2"]
    async fn prm_003_the_document_is_json_by_get(run) {
        resource(run).await?;
        run.post(&resource_url(run), &Form::new(), HeaderMap::new()).await?.expect_status(405)?;
    }

    /// `resource` is the identifier into which the well-known part was put, character by character.
    ["PRM-004", Must, "RFC 9728 §2, §3.3"]
    async fn prm_004_the_document_names_the_resource_as_it_is_spelt(run) {
        let named = resource(run).await?.get("resource").cloned();
        ensure!(named == Some(run.profile().api.resource.clone().into()), "the resource is {named:?}");
    }

    /// What a challenge leads to names the URL that was called, or what that begins with.
    ["PRM-005", Must, "RFC 9728 §3.3; MCP, every revision"]
    async fn prm_005_a_challenge_leads_to_the_metadata_of_what_was_called(run) {
        let api = &run.profile().api;
        let challenge = run.call_with(HeaderMap::new()).await?.expect_bearer(401, None)?;
        let place = challenge.get("resource_metadata").unwrap_or_default();
        let members = document(&run.get(place).await?)?;
        let named = members.get("resource").and_then(Value::as_str).unwrap_or_default();
        let called = format!("{}{}", origin_of(&api.resource), api.read);
        let rest = called.strip_prefix(named.strip_suffix('/').unwrap_or(named));
        let within = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        ensure!(!named.is_empty() && within, "the metadata of {called} names {named:?}");
    }

    /// `authorization_servers` names the issuer, as the issuer's own metadata spells it.
    ["PRM-006", Must, "RFC 9728 §2; MCP 2025-06-18"]
    async fn prm_006_the_document_names_the_issuer_as_it_is_spelt(run) {
        let members = resource(run).await?;
        let servers = texts(&members, "authorization_servers")?;
        let own = run.metadata().await?;
        let issuer = own.get("issuer").and_then(Value::as_str).unwrap_or_default();
        ensure!(servers.first() == Some(&issuer), "the first authorization server is not {issuer:?}: {servers:?}");
    }

    /// No member is empty or null, at any depth.
    ["PRM-008", Must, "RFC 9728 §3.2"]
    async fn prm_008_nothing_is_empty_or_null(run) {
        let members = resource(run).await?;
        ensure!(!members.is_empty(), "the document is empty");
        expect_filled("the document", &Value::Object(members))?;
    }

    /// `scopes_supported` lists what the API needs, and not `offline_access`.
    ["PRM-009", Should, "RFC 9728 §2; MCP 2026-07-28"]
    async fn prm_009_the_scopes_of_the_api_are_listed_without_offline_access(run) {
        let members = resource(run).await?;
        let listed = texts(&members, "scopes_supported")?;
        for needed in [&run.profile().scopes.default, &run.profile().scopes.write] {
            ensure!(listed.contains(&needed.as_str()), "{needed} is not listed: {listed:?}");
        }
        ensure!(!listed.contains(&"offline_access"), "offline_access is listed");
    }

    /// If it lists how a token may be sent, then what is so: by the header, and not in the query or the body.
    ["PRM-010", May, "RFC 9728 §2"]
    async fn prm_010_the_ways_to_send_a_token_are_so(run) {
        let members = resource(run).await?;
        if !members.contains_key("bearer_methods_supported") {
            return Ok(());
        }
        let listed = texts(&members, "bearer_methods_supported")?;
        let tokens = run.tokens(&run.profile().public).await?;
        let by_header = run.call_with(authorization(&format!("Bearer {}", tokens.access))?).await?;
        ensure!(listed.contains(&"header") == (by_header.status() == 200), "header: {}", by_header.status());
        let query = Form::of([("access_token", &*tokens.access)]).encode();
        let read = &run.profile().api.read;
        let separator = if read.contains('?') { '&' } else { '?' };
        let by_query = run.get(&format!("{read}{separator}{query}")).await?;
        ensure!(listed.contains(&"query") == (by_query.status() == 200), "query: {}", by_query.status());
        let write = &run.profile().api.write;
        let form = HeaderMap::from_iter([(CONTENT_TYPE, FORM)]);
        let by_body = run.send(write.method.clone(), &write.path, form, query).await?;
        let refused = matches!(by_body.status().as_u16(), 400 | 401 | 415);
        ensure!(listed.contains(&"body") != refused, "body: {}", by_body.status());
    }

    /// What it tells people is text, its addresses are absolute, and what is there in a language is there without one.
    ["PRM-011", May, "RFC 9728 §2"]
    async fn prm_011_what_is_for_people_is_text(run) {
        let members = resource(run).await?;
        for (name, value) in &members {
            let plain = name.split('#').next().unwrap_or_default();
            ensure!(members.contains_key(plain), "{name} comes without {plain}");
            match plain {
                "resource_name" => ensure!(value.is_string(), "{name} is no text: {value}"),
                "resource_documentation" | "resource_policy_uri" | "resource_tos_uri" => {
                    super::expect_endpoint(name, value)?;
                }
                _ => {}
            }
        }
    }

    /// A page of any origin may read it, without credentials.
    ["PRM-014", Must, "MCP, every revision; practice"]
    async fn prm_014_a_page_of_any_origin_may_read_it(run) {
        resource(run).await?;
        let (url, origin) = (resource_url(run), "https://any.test");
        let reply = run.send(Method::GET, &url, from_origin(origin)?, "").await?;
        reply.expect_status(200)?.expect_readable_from(origin)?;
        let reply = run.preflight(&url, origin, &Method::GET, &["mcp-protocol-version"]).await?;
        reply.expect_preflight(origin, &Method::GET, &["mcp-protocol-version"])?;
    }

    /// If the server lists its resources, then each of them names the server.
    ["PRM-015", Should, "RFC 9728 §4"]
    async fn prm_015_both_lists_agree(run) {
        let own = resource(run).await?;
        let members = run.metadata().await?;
        if !members.contains_key("protected_resources") {
            return Ok(());
        }
        let listed = texts(&members, "protected_resources")?;
        let named = own.get("resource").and_then(Value::as_str).unwrap_or_default();
        ensure!(listed.contains(&named), "{named:?} is not listed: {listed:?}");
        for place in resource_urls(run, &members) {
            let resource = document(&run.get(&place).await?)?;
            let servers = texts(&resource, "authorization_servers")?;
            ensure!(servers.contains(&run.profile().issuer.as_str()), "{place} names {servers:?}");
        }
    }

    /// A well-known place of a resource that is not served is a 4xx: neither a page, nor an error of the server, nor a
    /// redirect.
    ["PRM-016", Must, "practice"]
    async fn prm_016_a_resource_that_is_not_served_is_a_4xx(run) {
        resource(run).await?;
        for path in ["/nope", "/nope/one", "/%6Eope", "//nope", "/.well-known", "x"] {
            let place = format!("{}{RESOURCE}{path}", origin_of(&run.profile().api.resource));
            let reply = run.get(&place).await?;
            expect_absent(&place, &reply)?;
        }
    }
}
