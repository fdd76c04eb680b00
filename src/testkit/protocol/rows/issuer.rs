//! The issuer in authorization responses (RFC 9207).
//!
//! | row | why it is not here |
//! |---|---|
//! | ISS-005 | about identity tokens from the front channel |
//! | ISS-006 | about responses that are tokens (JARM) |

use serde_json::Value;
use url::Url;

use super::metadata::is_confidential;
use crate::testkit::Form;
use crate::testkit::protocol::{Decision, Failure, Reply, Run};

/// A response of every kind: granted, denied, refused before and after the person was asked for.
async fn responses(run: &Run<'_>) -> Result<Vec<(Form, Reply)>, Failure> {
    let profile = run.profile();
    let mut responses = Vec::new();
    for client in [&profile.public, &profile.web, &profile.multi, &profile.native] {
        let request = run.asking(client);
        responses.push((request.clone(), run.approve(&request).await?));
        responses.push((request.clone(), run.decide(&request, &Decision::Deny).await?));
        let wrong = request.clone().with("response_type", "foo");
        responses.push((wrong.clone(), run.authorize(&wrong).await?));
        let stateless = wrong.without("state");
        responses.push((stateless.clone(), run.authorize(&stateless).await?));
        let silent = request.with("prompt", "none");
        responses.push((silent.clone(), run.anonymous().get(&run.address(&silent)).await?));
    }
    Ok(responses)
}

/// The values of `iss` in a location, as they are after decoding.
fn issuers(reply: &Reply) -> Vec<String> {
    let query = reply.location().and_then(|location| location.split_once('?')).map_or("", |(_, query)| query);
    Form::parse(query).iter().filter(|(name, _)| *name == "iss").map(|(_, value)| value.to_owned()).collect()
}

rows! {
    $ __protocol_rows_issuer;

    /// `iss` is in every success and every error.
    ["ISS-001", Must, "RFC 9207 §2"]
    async fn iss_001_every_response_has_an_issuer(run) {
        for (request, reply) in responses(run).await? {
            let response = reply.expect_response(&request)?;
            ensure!(
                response.get("code").is_some() != response.get("error").is_some(),
                "it is no response: {response:?}"
            );
            ensure!(issuers(&reply).len() == 1, "the response has {} issuers", issuers(&reply).len());
        }
    }

    /// It is byte by byte the issuer of the metadata.
    ["ISS-002", Must, "RFC 9207 §2.3"]
    async fn iss_002_it_is_the_issuer_of_the_metadata(run) {
        let metadata = run.metadata().await?;
        let issuer = metadata.get("issuer").and_then(Value::as_str).unwrap_or_default();
        ensure!(issuer == run.profile().issuer, "the issuer of the metadata is {issuer:?}");
        for (_, reply) in responses(run).await? {
            ensure!(issuers(&reply) == [issuer], "the response has {:?}, the metadata {issuer:?}", issuers(&reply));
        }
    }

    /// The metadata says so.
    ["ISS-003", Must, "RFC 9207 §2.3"]
    async fn iss_003_the_metadata_says_so(run) {
        let metadata = run.metadata().await?;
        let says = metadata.get("authorization_response_iss_parameter_supported");
        ensure!(says == Some(&Value::Bool(true)), "authorization_response_iss_parameter_supported is {says:?}");
    }

    /// The issuer is an https URL (or loopback) without query and fragment.
    ["ISS-004", Must, "RFC 9207 §2"]
    async fn iss_004_the_issuer_is_an_https_url_without_query_and_fragment(run) {
        let metadata = run.metadata().await?;
        let issuer = metadata.get("issuer").and_then(Value::as_str).unwrap_or_default();
        let url = Url::parse(issuer).map_err(|error| Failure::new(format!("{issuer:?} is no URL: {error}")))?;
        ensure!(is_confidential(&url), "the issuer is {issuer:?}");
        ensure!(!issuer.contains(['?', '#', '@']), "the issuer is {issuer:?}");
    }
}
