//! Every cause of an error: what happened, what the client is told of it, and what the operator can do.

#[macro_use]
mod declaration;
mod public_name;
mod table;

use super::ErrorCode;

pub use table::ErrorReason;

impl ErrorReason {
    /// Whether a client cannot tell the two apart, and must not.
    pub(crate) fn looks_like(self, other: Self) -> bool {
        let seen = |reason: Self| (reason.code(), reason.status(), reason.description());
        seen(self) == seen(other)
    }
}

/// How long a name in camel case becomes in snake case.
const fn name_length(name: &str) -> usize {
    let (mut rest, mut length) = (name.as_bytes(), 0);
    while let [first, others @ ..] = rest {
        length += if first.is_ascii_uppercase() && length > 0 { 2 } else { 1 };
        rest = others;
    }
    length
}

/// A name in camel case, in snake case.
const fn snake_case<const N: usize>(name: &str) -> [u8; N] {
    let mut text = [b'_'; N];
    let (mut rest, mut slots) = (name.as_bytes(), text.as_mut_slice());
    while let [first, others @ ..] = rest {
        // The first letter needs no underscore before it, and all of the slots are left then.
        if first.is_ascii_uppercase() && slots.len() < N {
            let Some((_, after)) = slots.split_first_mut() else { break };
            slots = after;
        }
        let Some((slot, after)) = slots.split_first_mut() else { break };
        *slot = first.to_ascii_lowercase();
        (rest, slots) = (others, after);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_in_snake_case_and_distinct() {
        assert_eq!(ErrorReason::CodeReplayed.name(), "code_replayed");
        let names: HashSet<_> = ErrorReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), ErrorReason::ALL.len());
        for name in names {
            let clean = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(clean && !name.starts_with('_') && !name.contains("__"), "{name}");
        }
    }

    #[test]
    fn every_reason_says_in_a_sentence_what_to_do() {
        let remedies: HashSet<_> = ErrorReason::ALL.iter().map(|reason| reason.remedy()).collect();
        assert!(remedies.iter().all(|remedy| remedy.ends_with('.') && remedy.split(' ').count() > 3));
        // Reasons that a client cannot tell apart are all the more different for the operator.
        let apart = [ErrorReason::CodeUnknown, ErrorReason::CodeExpired, ErrorReason::CodeReplayed];
        assert_eq!(apart.map(ErrorReason::remedy).into_iter().collect::<HashSet<_>>().len(), apart.len());
    }

    #[test]
    fn descriptions_keep_to_the_characters_of_rfc_6749() {
        for reason in ErrorReason::ALL {
            let allowed = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            assert!(reason.description().bytes().all(allowed), "{reason:?}");
        }
    }

    #[test]
    fn a_401_is_about_authentication_and_nothing_else() {
        for reason in ErrorReason::ALL {
            let authentication = matches!(reason.code(), ErrorCode::InvalidClient | ErrorCode::InvalidToken);
            // A page of the authorization endpoint asks nobody to authenticate.
            let shown = matches!(
                reason,
                ErrorReason::ClientUnknown
                    | ErrorReason::ClientIdUrlInvalid
                    | ErrorReason::ClientHostRefused
                    | ErrorReason::ClientDocumentUnavailable
                    | ErrorReason::ClientDocumentMalformed
                    | ErrorReason::ClientDocumentUnusable
            );
            assert_eq!(reason.status() == 401, authentication && !shown, "{reason:?}");
        }
    }

    // CIMD-023
    #[test]
    fn a_visitor_cannot_tell_what_there_is_at_a_url_that_is_no_document() {
        use ErrorReason::{ClientDocumentMalformed, ClientDocumentUnavailable, ClientDocumentUnusable};
        assert!(ClientDocumentUnavailable.looks_like(ClientDocumentMalformed));
        assert!(!ClientDocumentUnavailable.looks_like(ClientDocumentUnusable));
    }

    #[test]
    fn a_client_cannot_tell_why_a_code_or_refresh_token_is_dead() {
        use ErrorReason::{
            CodeExhausted, CodeExpired, CodeForeign, CodeReplayed, CodeUnknown, RefreshTokenExpired,
            RefreshTokenForeign, RefreshTokenReplayed, RefreshTokenUnknown,
        };
        for reason in [CodeExhausted, CodeExpired, CodeForeign, CodeReplayed] {
            assert!(reason.looks_like(CodeUnknown), "{reason:?}");
        }
        for reason in [RefreshTokenExpired, RefreshTokenForeign, RefreshTokenReplayed] {
            assert!(reason.looks_like(RefreshTokenUnknown), "{reason:?}");
        }
        assert!(!CodeUnknown.looks_like(RefreshTokenUnknown));
    }
}
