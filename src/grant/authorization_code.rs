//! The code: whether a request may redeem it (RFC 6749 §4.1.3, OAuth 2.1 §4.1.3).

use super::{CodeRecord, RedirectUriSource};
use crate::client::{AuthenticatedClient, Client};
use crate::clock::Timestamp;
use crate::configuration::Configuration;
use crate::error::ErrorReason;
use crate::pkce::CodeVerifier;
use crate::policy::PkceRequirement;
use crate::redirect_uri::RedirectUri;
use crate::wire::Presented;

/// How many wrong verifiers a code survives: it cannot be tried without end, and a slip does not cost a sign-in.
pub(crate) const MAX_FAILURES: u32 = 5;

/// What to do with a code.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum CodeCheck {
    /// The request is right, and the code fresh: redeem it.
    Redeem,
    /// The request is right, but the code was redeemed before: revoke what it bought.
    Replay,
    /// The verifier is wrong: count it.
    WrongVerifier,
    /// The request is wrong; the code and what it bought are not touched.
    Refuse(ErrorReason),
}

impl CodeRecord {
    /// Decides. Only a request that is right in every respect may redeem or revoke anything: else whoever has seen a code
    /// could burn it, or sign the user out (OAuth 2.1 §7.5.2).
    pub(crate) fn check(
        &self,
        client: &AuthenticatedClient,
        configuration: &Configuration,
        presented: &Presented<'_>,
        now: Timestamp,
    ) -> CodeCheck {
        let client = client.client();
        if self.grant.client.as_ref() != Some(client.id()) {
            return CodeCheck::Refuse(ErrorReason::CodeForeign);
        }
        // What was redeemed is past guessing: wrong verifiers must not hide a replay.
        if self.redeemed_at.is_none() && self.failures >= MAX_FAILURES {
            return CodeCheck::Refuse(ErrorReason::CodeExhausted);
        }
        match (&self.challenge, presented.verifier) {
            (None, None) if is_exempt(client, configuration.pkce) => {}
            // The client was exempt when it asked, and is not any more.
            (None, None) => return CodeCheck::Refuse(ErrorReason::CodeVerifierMissing),
            // RFC 9700 §4.8.2: somebody stripped the challenge from the authorization request.
            (None, Some(_)) => return CodeCheck::Refuse(ErrorReason::CodeVerifierUnexpected),
            (Some(_), None) => return CodeCheck::Refuse(ErrorReason::CodeVerifierMissing),
            (Some(challenge), Some(verifier)) => match CodeVerifier::parse(verifier) {
                Err(_) => return CodeCheck::Refuse(ErrorReason::CodeVerifierMalformed),
                Ok(verifier) if !challenge.matches(&verifier) && self.redeemed_at.is_some() => {
                    return CodeCheck::Refuse(ErrorReason::CodeVerifierMismatch);
                }
                Ok(verifier) if !challenge.matches(&verifier) => return CodeCheck::WrongVerifier,
                Ok(_) => {}
            },
        }
        if let Err(reason) = self.check_redirect_uri(presented.redirect_uri) {
            return CodeCheck::Refuse(reason);
        }
        // A redirect URI that was taken from the registration, or is not accepted any more, takes its codes along.
        let accepted = |uri: &&RedirectUri| configuration.accepts_redirect(client, uri);
        if !client.redirect_uris().iter().filter(accepted).any(|uri| uri.matches(&self.redirect_uri)) {
            return CodeCheck::Refuse(ErrorReason::RedirectUriMismatch);
        }
        if self.redeemed_at.is_some() {
            return CodeCheck::Replay;
        }
        if self.expires_at <= now { CodeCheck::Refuse(ErrorReason::CodeExpired) } else { CodeCheck::Redeem }
    }

    fn check_redirect_uri(&self, presented: Option<&str>) -> Result<(), ErrorReason> {
        match (presented, self.redirect_uri_source) {
            (Some(uri), _) if *uri == *self.redirect_uri => Ok(()),
            (Some(_), _) => Err(ErrorReason::RedirectUriMismatch),
            (None, RedirectUriSource::Registered) => Ok(()),
            // OAuth 2.1 §10.2: PKCE binds the code, so that the redirect URI need not.
            (None, RedirectUriSource::Requested) if self.challenge.is_some() => Ok(()),
            (None, RedirectUriSource::Requested) => Err(ErrorReason::RedirectUriNotRepeated),
        }
    }
}

/// Whether the operator exempts the client from PKCE: by its own policies, or else by those of the server.
pub(super) fn is_exempt(client: &Client, server: PkceRequirement) -> bool {
    match client.policies().pkce().copied().unwrap_or(server) {
        PkceRequirement::Required => false,
        PkceRequirement::Exempt => !client.is_public(),
        PkceRequirement::Optional => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretHash;

    #[test]
    fn the_clients_own_requirement_wins_over_the_servers() {
        use PkceRequirement::{Exempt, Optional, Required};
        let public = || Client::public("app".parse().unwrap());
        let confidential = || Client::confidential("web".parse().unwrap(), SecretHash::of("x"));
        for (server, own, public_exempt, confidential_exempt) in [
            (Required, None, false, false),
            (Exempt, None, false, true),
            (Optional, None, true, true),
            (Required, Some(Exempt), false, true),
            (Required, Some(Optional), true, true),
            (Optional, Some(Required), false, false),
            (Optional, Some(Exempt), false, true),
        ] {
            let with = |client: Client| own.map_or_else(|| client.clone(), |own| client.clone().with_pkce(own));
            assert_eq!(is_exempt(&with(public()), server), public_exempt, "{server:?} {own:?}");
            assert_eq!(is_exempt(&with(confidential()), server), confidential_exempt, "{server:?} {own:?}");
        }
    }
}
