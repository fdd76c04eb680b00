//! The words that events are told in: who, how, how much, and where.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// What logs call it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

words! {
    /// Who wanted something.
    Actor {
        /// The client that it is about.
        Client => "client",
        /// The user whose grant, or the developer whose client it is.
        User => "user",
        /// The service itself.
        Operator => "operator",
    }
}

words! {
    /// Whether a user was asked.
    Consent {
        /// The user decided now.
        Asked => "asked",
        /// An earlier decision stood for it.
        Remembered => "remembered",
    }
}

words! {
    /// How much was revoked.
    Extent {
        /// One access token.
        AccessToken => "access_token",
        /// The whole grant, with all of its codes and tokens.
        Grant => "grant",
    }
}

words! {
    /// An endpoint of the server.
    Endpoint {
        /// RFC 6749 §3.1
        Authorization => "authorization",
        /// RFC 8414 and RFC 9728, and whatever path leads nowhere
        Metadata => "metadata",
        /// RFC 6749 §3.2
        Token => "token",
        /// RFC 7009
        Revocation => "revocation",
        /// RFC 7662
        Introspection => "introspection",
        /// RFC 7591
        Registration => "registration",
        /// RFC 7592
        RegistrationManagement => "registration_management",
        /// A protected resource
        Resource => "resource",
        /// A page of the host's own, where people manage what is theirs
        Account => "account",
    }
}
