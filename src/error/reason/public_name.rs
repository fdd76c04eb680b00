//! What a client may call a reason.

use super::ErrorReason;

/// Words that a name does without.
const FILLERS: [&str; 6] = ["a", "an", "the", "is", "has", "was"];

impl ErrorReason {
    /// A name in snake case that says no more than the description does.
    ///
    /// That is the reason's own name where the client can tell it from every other reason, and otherwise what the
    /// description begins with. The server's own trouble is named by that as well: what stores it has is nobody's
    /// business.
    pub(crate) fn public_name(self) -> String {
        let alone = Self::ALL.iter().filter(|other| self.looks_like(**other)).count() == 1;
        if alone && self.status() < 500 { self.name().to_owned() } else { self.described_name() }
    }

    /// The first sentence of the description, without what carries no meaning.
    fn described_name(self) -> String {
        let sentence = self.description().split('.').next().unwrap_or_default().to_ascii_lowercase();
        let words = sentence.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.filter(|word| !FILLERS.contains(word)).collect::<Vec<_>>().join("_")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_in_snake_case() {
        for reason in ErrorReason::ALL {
            let name = reason.public_name();
            let clean = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(clean && !name.is_empty() && !name.starts_with('_') && !name.contains("__"), "{name}");
        }
    }

    #[test]
    fn a_name_tells_nothing_that_a_client_must_not_know() {
        // Stable, as clients compare them; whoever changes a description sees here that its name changes, too.
        let own = |reason: &ErrorReason| reason.public_name() == reason.name();
        let shared: BTreeSet<_> = ErrorReason::ALL.iter().filter(|r| !own(r)).map(|r| r.public_name()).collect();
        let known = [
            "access_token_invalid_or_expired",
            "client_authentication_failed",
            "code_invalid_or_expired",
            "metadata_document_at_client_id_cannot_be_used",
            "no_further_clients_can_be_registered_right_now",
            "refresh_token_invalid_or_expired",
            "server_cannot_answer_right_now",
            "server_failed",
        ];
        assert_eq!(shared, known.map(str::to_owned).into());
        assert_eq!(ErrorReason::ClientAuthenticationMissing.public_name(), "client_authentication_failed");
    }

    #[test]
    fn reasons_that_can_be_told_apart_have_their_own_names() {
        assert_eq!(ErrorReason::CodeMissing.public_name(), "code_missing");
        assert_eq!(ErrorReason::GrantTypeNotAllowed.public_name(), "grant_type_not_allowed");
        assert_eq!(ErrorReason::ScopeNotAllowed.public_name(), "scope_not_allowed");
    }
}
