//! Scope: what may be asked for, and what is granted of it (RFC 6749 §3.3).

use std::collections::BTreeSet;

use crate::testkit::Form;
use crate::testkit::protocol::{Decision, Failure, Feature, KnownClient, Run, User, random};

/// The tokens of a scope; their order is irrelevant.
fn set(scope: &str) -> BTreeSet<&str> {
    scope.split(' ').filter(|token| !token.is_empty()).collect()
}

/// What a request for `scope` is granted if everything of it is approved, as the token response tells.
async fn granted(run: &Run<'_>, request: &Form) -> Result<String, Failure> {
    Ok(run.granted(&run.profile().public, request, &Decision::Approve).await?.scope)
}

/// A request of the public client for `scope`.
fn asking_for(run: &Run<'_>, scope: &str) -> Form {
    run.request(&run.profile().public).with("scope", scope)
}

/// `invalid_scope`; or, from a server that drops what it does not grant, a part of `allowed` that the token response
/// tells (profile decision D5).
async fn expect_not_granted(run: &Run<'_>, client: &KnownClient, scope: &str, allowed: &[&str]) -> Result<(), Failure> {
    let request = run.request(client).with("scope", scope);
    let reply = run.approve(&request).await?;
    let Ok(code) = reply.expect_code(&request) else {
        reply.expect_redirect_error(&request, "invalid_scope")?;
        return Ok(());
    };
    let told = run.tokens_for(&run.exchange_of(client, &request, &code)).await?.scope;
    ensure!(!told.is_empty(), "{scope:?} is granted nothing, but there is a token");
    let beyond = set(&told).into_iter().find(|token| !allowed.contains(token));
    ensure!(beyond.is_none(), "{scope:?} is granted {told:?}");
    Ok(())
}

/// A decision's form that posts one more scope token, in the field that carries the others.
fn with_scope(fields: &Form, asked: &str, posted: &str) -> Result<Form, Failure> {
    let name = fields.iter().find(|(_, value)| *value == asked).map(|(name, _)| name.to_owned());
    let name = name.ok_or_else(|| Failure::new("the form that decides has no field with the scope token"))?;
    Ok(fields.clone().and(&name, posted))
}

rows! {
    $ __protocol_rows_scope;

    /// Scope is a list of case-sensitive tokens, whose order is irrelevant.
    ["SCOPE-001", Must, "RFC 6749 §3.3"]
    async fn scope_001_order_does_not_matter_and_case_does(run) {
        let scopes = &run.profile().scopes;
        let (default, write) = (scopes.default.as_str(), scopes.write.as_str());
        for asked in [format!("{default} {write}"), format!("{write} {default}")] {
            let told = granted(run, &asking_for(run, &asked)).await?;
            ensure!(set(&told) == set(&asked), "{asked:?} is granted {told:?}");
        }
        for other in [default.to_uppercase(), default.to_lowercase(), format!("{default} {}", write.to_uppercase())] {
            if set(&other).iter().all(|token| [default, write].contains(token)) {
                continue;
            }
            let allowed = set(&other).contains(default).then_some(default);
            expect_not_granted(run, &run.profile().public, &other, allowed.as_slice()).await?;
        }
    }

    /// A scope with characters that no token has is refused with `invalid_scope`.
    ["SCOPE-002", Must, "RFC 6749 §3.3, §4.1.2.1"]
    async fn scope_002_a_malformed_scope_is_refused(run) {
        let scopes = &run.profile().scopes;
        let (default, write) = (&scopes.default, &scopes.write);
        for asked in [
            format!("{default}\""),
            format!("\"{default}\""),
            format!("{default}\\"),
            format!("{default}é"),
            format!("{default}\u{7f}"),
            format!("{default}\t{write}"),
            format!("{default}\n{write}"),
            format!("{default}\r\n{write}"),
            format!("{default}\u{a0}{write}"),
            format!("{default}\u{2003}{write}"),
        ] {
            let request = asking_for(run, &asked);
            run.approve(&request).await?.expect_redirect_error(&request, "invalid_scope")?;
        }
    }

    /// Superfluous spaces and repeated tokens are tolerated, and granted once.
    ["SCOPE-003", Should, "practice"]
    async fn scope_003_superfluous_spaces_and_repeated_tokens_are_tolerated(run) {
        let scopes = &run.profile().scopes;
        let (default, write) = (&scopes.default, &scopes.write);
        for (asked, expected) in [
            (format!(" {default}  {default}"), default.clone()),
            (format!("{default} "), default.clone()),
            (format!("  {default}   {write} {default} "), format!("{default} {write}")),
        ] {
            let told = granted(run, &asking_for(run, &asked)).await?;
            let tokens = told.split(' ').count();
            ensure!(tokens == set(&told).len(), "{asked:?} is granted {told:?}, with a token twice");
            ensure!(set(&told) == set(&expected), "{asked:?} is granted {told:?}, not {expected:?}");
        }
    }

    /// A request without scope gets the default, and is told so.
    ["SCOPE-004", Must, "RFC 6749 §3.3"]
    async fn scope_004_a_request_without_scope_gets_the_default_and_is_told(run) {
        let default = &run.profile().scopes.default;
        let request = run.request(&run.profile().public);
        for request in [request.clone().without("scope"), request.with("scope", "")] {
            let told = granted(run, &request).await?;
            ensure!(set(&told) == set(default), "without a scope {told:?} is granted, not the default {default:?}");
        }
    }

    /// An unknown scope is refused with `invalid_scope`, or dropped and the rest told; what only resembles a scope is
    /// unknown.
    ["SCOPE-005", Must, "RFC 6749 §4.1.2.1; this catalogue's profile"]
    async fn scope_005_an_unknown_scope_is_not_granted(run) {
        let scopes = &run.profile().scopes;
        let (default, write) = (scopes.default.as_str(), scopes.write.as_str());
        let unknown = random();
        for other in [
            unknown.clone(),
            format!("not{default}"),
            format!("{default}x"),
            format!("{default},{write}"),
            "*".to_owned(),
        ] {
            expect_not_granted(run, &run.profile().public, &other, &[]).await?;
        }
        for mixed in [format!("{default} {unknown}"), format!("{unknown} {default}")] {
            expect_not_granted(run, &run.profile().public, &mixed, &[default]).await?;
        }
    }

    /// A client is not granted a scope that it may not have.
    ["SCOPE-006", Must, "OAuth 2.1 §7.3.2, §7.9"]
    async fn scope_006_what_a_client_may_not_have_is_not_granted(run) {
        let scopes = &run.profile().scopes;
        let (default, restricted) = (scopes.default.as_str(), scopes.restricted.as_str());
        let told = granted(run, &asking_for(run, restricted)).await?;
        // A scope may bring others along, which the answer tells (RFC 6749 §3.3).
        ensure!(set(&told).is_superset(&set(restricted)), "a client that may have {restricted:?} is granted {told:?}");

        let other = &run.profile().other;
        expect_not_granted(run, other, restricted, &[]).await?;
        expect_not_granted(run, other, &format!("{default} {restricted}"), &[default]).await?;
        let request = run.request(other);
        let told = run.granted(other, &request, &Decision::Approve).await?.scope;
        ensure!(set(&told) == set(default), "{default:?} is granted as {told:?}");
    }

    /// If less is granted than was asked for, the token response tells what; a refresh grants no more either.
    ["SCOPE-007", Must, "RFC 6749 §3.3, §5.1"]
    async fn scope_007_what_was_left_out_is_told(run) {
        run.requires(Feature::PartialConsent)?;
        let (client, scopes) = (&run.profile().public, &run.profile().scopes);
        let asked = format!("{} {}", scopes.default, scopes.write);
        for kept in [&scopes.default, &scopes.write] {
            let request = run.asking(client).with("scope", &asked);
            let tokens = run.granted(client, &request, &Decision::ApproveOnly(vec![kept.clone()])).await?;
            ensure!(set(&tokens.scope) == set(kept), "only {kept:?} was approved, but {:?} is told", tokens.scope);
            if !tokens.refresh.is_empty() {
                let told = run.tokens_for(&run.refresh(client, &tokens.refresh)).await?.scope;
                ensure!(set(&told) == set(kept), "only {kept:?} was approved, but a refresh gives {told:?}");
            }
        }
    }

    /// If nothing of the scope is granted, there is an error and no token with an empty scope.
    ["SCOPE-008", Must, "practice"]
    async fn scope_008_an_approval_of_nothing_is_an_error(run) {
        run.requires(Feature::PartialConsent)?;
        let scopes = &run.profile().scopes;
        for asked in [scopes.default.clone(), format!("{} {}", scopes.default, scopes.write)] {
            let request = run.asking(&run.profile().public).with("scope", &asked);
            let reply = run.decide(&request, &Decision::ApproveOnly(Vec::new())).await?;
            let error = reply.expect_response(&request)?;
            ensure!(error.get("code").is_none(), "nothing of {asked:?} was approved, but a code came");
            let code = error.get("error").unwrap_or_default();
            ensure!(["access_denied", "invalid_scope"].contains(&code), "the error is {code:?}");
        }
    }

    /// A decision can only narrow: a scope that was not asked for is not granted, whatever the form posts.
    ["SCOPE-009", Must, "practice"]
    async fn scope_009_a_decision_can_only_narrow(run) {
        run.requires(Feature::PartialConsent)?;
        let (client, scopes) = (&run.profile().public, &run.profile().scopes);
        let (default, write) = (scopes.default.as_str(), scopes.write.as_str());
        for posted in [scopes.restricted.as_str(), write] {
            let both = granted(run, &asking_for(run, &format!("{default} {posted}"))).await?;
            ensure!(set(&both).contains(posted), "{posted:?} is not granted even if it is asked for");

            let request = run.asking(client);
            let mut browser = run.signed_in(User::Alice).await?;
            let page = run.ask(&mut browser, &request).await?;
            let mut form = run.fill_in(&page, &Decision::Approve)?;
            form.fields = with_scope(&form.fields, default, posted)?;
            let reply = browser.submit(&form).await?;
            if let Ok(code) = reply.expect_code(&request) {
                let told = run.tokens_for(&run.exchange(client, &code)).await?.scope;
                ensure!(
                    set(&told) == set(default),
                    "{default:?} was asked for, and {posted:?} posted: granted {told:?}"
                );
            } else if reply.location().is_some() {
                let error = reply.expect_response(&request)?;
                ensure!(error.get("code").is_none(), "a code comes with an error");
            } else {
                reply.expect_undecided()?;
            }
        }
    }

    /// `offline_access` is always understood and never an error.
    ["SCOPE-010", Should, "MCP 2026-07-28"]
    async fn scope_010_offline_access_is_understood(run) {
        let scopes = &run.profile().scopes;
        for asked in [scopes.default.clone(), format!("{} {}", scopes.write, scopes.default)] {
            for request in [format!("{asked} offline_access"), format!("offline_access {asked}")] {
                let told = granted(run, &asking_for(run, &request)).await?;
                let mut told = set(&told);
                told.remove("offline_access");
                ensure!(told == set(&asked), "{request:?} is granted {told:?}");
            }
        }
    }

    /// There is a limit on the number of scope tokens, and on their length.
    ["SCOPE-011", Should, "practice"]
    async fn scope_011_a_scope_has_a_limit(run) {
        let default = &run.profile().scopes.default;
        let distinct: String = (0..1_000).map(|number| format!("t{number} ")).collect();
        // The first would be granted, were it not for its length.
        // As many as a URL holds that is sent.
        let repeated = format!("{default} ").repeat(50_000 / (default.len() + 1));
        for asked in [repeated, distinct, "a".repeat(10_000)] {
            let request = asking_for(run, &asked);
            let reply = run.approve(&request).await?;
            // A server may find the whole request too long.
            if reply.status().is_client_error() {
                reply.expect_page(reply.status().as_u16())?;
            } else {
                reply.expect_redirect_error(&request, "invalid_scope")?;
            }
        }
    }
}
