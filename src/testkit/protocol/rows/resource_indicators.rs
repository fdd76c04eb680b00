//! Resource indicators (RFC 8707).
//!
//! | row | why it is not here |
//! |---|---|
//! | RI-009 | decided when a server is configured: which scopes a resource understands |

use http::Uri;
use serde_json::Value;

use super::metadata::path_of;
use crate::testkit::Form;
use crate::testkit::protocol::{Failure, Feature, KnownClient, Reply, Run, Tokens, identified, origin_of};

/// A form that names these resources as well.
fn with(form: Form, resources: &[&str]) -> Form {
    resources.iter().fold(form, |form, resource| form.and("resource", resource))
}

/// The resources of the profile: the API, and another if there is one.
fn known<'a>(run: &Run<'a>) -> Result<(&'a str, Option<&'a str>), Failure> {
    run.requires(Feature::ResourceIndicators)?;
    let api = &run.profile().api;
    Ok((&api.resource, api.other_resource.as_deref()))
}

/// Both resources of the profile.
fn both<'a>(run: &Run<'a>) -> Result<(&'a str, &'a str), Failure> {
    run.requires(Feature::ResourceIndicators)?;
    let api = &run.profile().api;
    Ok((&api.resource, api.other_resource.as_deref().ok_or(Failure::missing(Feature::ResourceIndicators))?))
}

/// The audience of an access token, as it is told to its client.
pub(super) async fn audience(run: &Run<'_>, client: &KnownClient, tokens: &Tokens) -> Result<Vec<String>, Failure> {
    let told = run.introspect(client, &tokens.access).await?.expect_ok()?;
    ensure!(told.get("active") == Some(&Value::Bool(true)), "the token is not active");
    match told.get("aud") {
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(all)) => Ok(all.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()),
        other => Err(Failure::new(format!("aud is {other:?}"))),
    }
}

/// The answer to an exchange for `selected`, of a code that was granted for `granted`.
async fn exchange(run: &Run<'_>, granted: &[&str], selected: &[&str]) -> Result<Reply, Failure> {
    let client = &run.profile().web;
    let code = run.code_for(&with(run.request(client), granted)).await?;
    run.token(&with(run.exchange(client, &code), selected)).await
}

/// The tokens of such an exchange.
async fn tokens(run: &Run<'_>, granted: &[&str], selected: &[&str]) -> Result<Tokens, Failure> {
    let client = &run.profile().web;
    let code = run.code_for(&with(run.request(client), granted)).await?;
    run.tokens_for(&with(run.exchange(client, &code), selected)).await
}

/// Every endpoint refuses these resources with `invalid_target`, and the grants stay as they were.
async fn expect_invalid_target(run: &Run<'_>, resources: &[&str]) -> Result<(), Failure> {
    let (client, service) = (&run.profile().web, &run.profile().service);
    let request = with(run.request(client), resources);
    run.approve(&request).await?.expect_redirect_error(&request, "invalid_target")?;
    let tokens = run.tokens(client).await?;
    let (code, refresh) = (run.exchange(client, &run.code(client).await?), run.refresh(client, &tokens.refresh));
    for form in [&code, &refresh] {
        run.token(&with(form.clone(), resources)).await?.expect_error(400, "invalid_target")?;
        run.tokens_for(form).await?;
    }
    if run.profile().has(Feature::ClientCredentials) {
        let own = identified(service, Form::of([("grant_type", "client_credentials")]));
        run.token(&with(own, resources)).await?.expect_error(400, "invalid_target")?;
    }
    Ok(())
}

/// Other spellings of a resource that mean the same: scheme and host in capitals, the port that is meant anyway.
fn same(resource: &str) -> Vec<String> {
    let uri: Uri = resource.parse().unwrap_or_default();
    let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
    let rest = resource.strip_prefix(origin_of(resource)).unwrap_or_default();
    let port = uri.port_u16().map_or_else(String::new, |port| format!(":{port}"));
    let mut spellings = vec![
        format!("{}://{host}{port}{rest}", scheme.to_uppercase()),
        format!("{scheme}://{}{port}{rest}", host.to_uppercase()),
    ];
    if port.is_empty() {
        let default = if scheme == "https" { 443 } else { 80 };
        spellings.push(format!("{scheme}://{host}:{default}{rest}"));
    }
    spellings
}

rows! {
    $ __protocol_rows_resource_indicators;

    /// `resource` is understood at the authorization and the token endpoint, by every grant, and may come more than
    /// once.
    ["RI-001", Must, "RFC 8707 §2"]
    async fn ri_001_a_resource_is_understood_everywhere(run) {
        let (one, other) = known(run)?;
        let (client, service) = (&run.profile().web, &run.profile().service);
        let all: Vec<_> = [Some(one), other].into_iter().flatten().collect();
        for resources in [&all[..1], &all, &[one, one]] {
            let issued = tokens(run, resources, resources).await?;
            run.tokens_for(&with(run.refresh(client, &issued.refresh), resources)).await?;
            if run.profile().has(Feature::ClientCredentials) {
                let form = identified(service, Form::of([("grant_type", "client_credentials")]));
                run.tokens_for(&with(form, resources)).await?;
            }
        }
    }

    /// What is no absolute URI without a fragment is an `invalid_target`.
    ["RI-002", Must, "RFC 8707 §2"]
    async fn ri_002_a_malformed_resource_is_an_invalid_target(run) {
        let (one, _) = known(run)?;
        let fragment = format!("{one}#");
        let spaced = format!("{one}/ x");
        for malformed in ["foo", "/x", "https://a#b", "mcp.example.com", "//a", "https://", &fragment, &spaced] {
            expect_invalid_target(run, &[malformed]).await?;
        }
        expect_invalid_target(run, &[one, "foo"]).await?;
    }

    /// A token is for the resource that was asked for, and for no other.
    ["RI-003", Should, "RFC 8707 §2; RFC 9700 §2.3"]
    async fn ri_003_a_token_is_for_what_was_asked_for(run) {
        let (one, other) = known(run)?;
        let client = &run.profile().web;
        for resource in [Some(one), other].into_iter().flatten() {
            let issued = tokens(run, &[resource], &[]).await?;
            let audience = audience(run, client, &issued).await?;
            ensure!(audience == [resource], "the token for {resource} is for {audience:?}");
            if run.profile().has(Feature::Api) {
                let reply = run.call(&issued.access).await?;
                if resource == one {
                    reply.expect_status(200)?;
                } else {
                    reply.expect_bearer(401, Some("invalid_token"))?;
                }
            }
        }
    }

    /// A resource that the server does not know is an `invalid_target`.
    ["RI-004", Should, "RFC 8707 §2.1"]
    async fn ri_004_an_unknown_resource_is_an_invalid_target(run) {
        let (one, _) = known(run)?;
        for unknown in
            [&["https://evil.test"][..], &["https://evil.test/one"], &[one, "https://evil.test"], &["urn:x:y"]]
        {
            expect_invalid_target(run, unknown).await?;
        }
    }

    /// An exchange may select from what was granted; anything else is an `invalid_target`.
    ["RI-005", Must, "RFC 8707 §2.2; RFC 9700 §4.14.2"]
    async fn ri_005_an_exchange_selects_from_what_was_granted(run) {
        let (one, two) = both(run)?;
        let client = &run.profile().web;
        for (granted, selected) in
            [(&[one, two][..], &[one][..]), (&[one, two], &[two]), (&[one, two], &[two, one]), (&[one], &[one])]
        {
            let issued = tokens(run, granted, selected).await?;
            let audience = audience(run, client, &issued).await?;
            ensure!(audience == selected, "{selected:?} of {granted:?} is for {audience:?}");
        }
        for (granted, selected) in [
            (&[one][..], &[two][..]),
            (&[two], &[one]),
            (&[one], &[one, two]),
            (&[one, two], &["https://evil.test"]),
            (&[one, two], &[one, "https://evil.test"]),
        ] {
            exchange(run, granted, selected).await?.expect_error(400, "invalid_target")?;
        }
    }

    /// The refresh token keeps all that was granted, whatever was selected before.
    ["RI-006", Must, "RFC 8707 §2.2"]
    async fn ri_006_a_refresh_token_keeps_all_that_was_granted(run) {
        let (one, two) = both(run)?;
        let client = &run.profile().web;
        let mut current = tokens(run, &[one, two], &[one]).await?;
        for selected in [&[two][..], &[one], &[two, one], &[two]] {
            current = run.tokens_for(&with(run.refresh(client, &current.refresh), selected)).await?;
            let audience = audience(run, client, &current).await?;
            ensure!(audience == selected, "a refresh for {selected:?} is for {audience:?}");
        }
    }

    /// An exchange without `resource` is for all that was granted, or for a documented one of several.
    ["RI-007", Must, "this catalogue's profile"]
    async fn ri_007_an_exchange_without_a_resource_is_for_what_was_granted(run) {
        let (one, other) = known(run)?;
        let client = &run.profile().web;
        let alone = audience(run, client, &tokens(run, &[one], &[]).await?).await?;
        ensure!(alone == [one], "the token is for {alone:?}");
        if let Some(two) = other {
            let issued = tokens(run, &[two, one], &[]).await?;
            let several = audience(run, client, &issued).await?;
            let single = several.len() == 1 && several.iter().all(|own| own == one || own == two);
            ensure!(several == [two, one] || single, "the token is for {several:?}");
            let refreshed = run.tokens_for(&run.refresh(client, &issued.refresh)).await?;
            ensure!(audience(run, client, &refreshed).await? == several, "a refresh is for something else");
        }
    }

    /// A request without `resource` is for the default, the API alone or among others, or is refused as an
    /// `invalid_target`.
    ["RI-008", May, "RFC 8707 §2.1"]
    async fn ri_008_a_request_without_a_resource_is_for_the_default(run) {
        let (one, _) = known(run)?;
        let client = &run.profile().web;
        for request in [run.request(client), run.request(client).and("resource", "")] {
            let reply = run.approve(&request).await?;
            if reply.location().is_some_and(|location| location.contains("error=")) {
                reply.expect_redirect_error(&request, "invalid_target")?;
                continue;
            }
            let issued = run.tokens_for(&run.exchange(client, &reply.expect_code(&request)?)).await?;
            let audience = audience(run, client, &issued).await?;
            ensure!(audience.iter().any(|own| own == one), "the token is for {audience:?}");
        }
    }

    /// A bare host is the same resource with and without a slash, and the audience is as it is registered.
    ["RI-010", Must, "this catalogue's profile; practice"]
    async fn ri_010_the_audience_is_as_it_is_registered(run) {
        let (one, _) = known(run)?;
        let client = &run.profile().web;
        let mut spellings = same(one);
        if path_of(one).is_empty() {
            let bare = origin_of(one);
            spellings.extend([bare.to_owned(), format!("{bare}/")]);
        }
        for spelling in &spellings {
            let audience = audience(run, client, &tokens(run, &[spelling], &[spelling]).await?).await?;
            ensure!(audience == [one], "the token for {spelling} is for {audience:?}");
        }
    }

    /// Case of scheme and host, and the default port, count for nothing; path, a later slash and query count exactly.
    ["RI-011", Must, "practice"]
    async fn ri_011_only_scheme_host_and_default_port_are_folded(run) {
        let (one, other) = known(run)?;
        let client = &run.profile().web;
        for spelling in same(one) {
            let issued = tokens(run, &[one], &[&spelling]).await?;
            let issued = run.tokens_for(&with(run.refresh(client, &issued.refresh), &[&spelling])).await?;
            let audience = audience(run, client, &issued).await?;
            ensure!(audience == [one], "the token for {spelling} is for {audience:?}");
        }
        let path = path_of(one);
        let mut different = vec![format!("{one}?x"), format!("{}/X", one.strip_suffix('/').unwrap_or(one))];
        if !path.is_empty() {
            let origin = origin_of(one);
            different.push(format!("{one}/"));
            different.push(format!("{origin}{}", path.to_uppercase()));
            different.push(format!("{origin}/x/..{path}"));
            different.push(format!("{origin}//{}", path.trim_start_matches('/')));
        }
        for resource in different.iter().filter(|own| *own != one && Some(own.as_str()) != other) {
            expect_invalid_target(run, &[resource]).await?;
        }
    }

    /// What begins with a resource is not that resource, and neither is what a resource begins with.
    ["RI-012", Must, "practice"]
    async fn ri_012_a_prefix_is_no_match(run) {
        let (one, _) = known(run)?;
        let below = format!("{}/sub", one.strip_suffix('/').unwrap_or(one));
        let longer = format!("{}x", one.strip_suffix('/').unwrap_or(one));
        let mut others = vec![below, longer];
        if !path_of(one).is_empty() {
            others.push(origin_of(one).to_owned());
            others.push(one.get(..one.len() - 1).unwrap_or_default().to_owned());
        }
        for other in &others {
            expect_invalid_target(run, &[other]).await?;
        }
    }

    /// A request without `resource` and an exchange with one: good for the default, and for no other.
    ["RI-013", Must, "practice"]
    async fn ri_013_an_exchange_may_name_the_default(run) {
        let (one, other) = known(run)?;
        let client = &run.profile().web;
        let default = audience(run, client, &tokens(run, &[], &[]).await?).await?;
        ensure!(default.iter().any(|own| own == one), "the default is {default:?}");
        for named in &default {
            let audience = audience(run, client, &tokens(run, &[], &[named]).await?).await?;
            ensure!(audience == [named.as_str()], "the token for {named} is for {audience:?}");
        }
        let others = other.filter(|other| !default.iter().any(|own| own == other));
        for wrong in others.into_iter().chain(["https://evil.test"]) {
            exchange(run, &[], &[wrong]).await?.expect_error(400, "invalid_target")?;
        }
    }

    /// A grant for one resource reaches no other, and not the server itself.
    ["RI-014", Should, "practice"]
    async fn ri_014_a_grant_for_one_resource_reaches_no_other(run) {
        let (one, two) = both(run)?;
        let (client, issuer) = (&run.profile().web, &run.profile().issuer);
        let issued = tokens(run, &[two], &[]).await?;
        if run.profile().has(Feature::Api) {
            run.call(&issued.access).await?.expect_bearer(401, Some("invalid_token"))?;
        }
        let refresh = run.refresh(client, &issued.refresh);
        for other in [one, issuer, &format!("{issuer}/userinfo")] {
            run.token(&with(refresh.clone(), &[other])).await?.expect_error(400, "invalid_target")?;
        }
        run.tokens_for(&refresh).await?;
    }

    /// A token response has no `resource`, or an array of strings.
    ["RI-015", May, "resource response draft"]
    async fn ri_015_a_resource_in_a_response_is_an_array(run) {
        let (one, _) = known(run)?;
        for resources in [&[][..], &[one]] {
            let told = exchange(run, resources, resources).await?.expect_ok()?.get("resource").cloned();
            let texts = |told: &Value| told.as_array().is_some_and(|all| all.iter().all(Value::is_string));
            ensure!(told.as_ref().is_none_or(texts), "resource is {told:?}");
        }
    }
}
