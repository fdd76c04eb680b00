//! How a reason is declared: everything there is to know of it, in one place.

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident => $code:ident, $status:literal, $description:literal, $remedy:literal;)*) => {
        /// Why a request was refused. Stable: operators may match on it, count it, and replace its description.
        ///
        /// The client learns [`code`](Self::code), [`status`](Self::status) and the description; the reason itself is
        /// for the operator, and often says more than a client may know. Each reason tells what happened, what the
        /// client is told, and what to do.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum ErrorReason {
            $(
                $(#[$doc])*
                #[doc = concat!(
                    "\n* Told: [`", stringify!($code), "`](ErrorCode::", stringify!($code), "), ", stringify!($status),
                    ", \u{201c}", $description, "\u{201d}\n* To do: ", $remedy,
                )]
                $reason,
            )*
        }

        impl ErrorReason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$reason,)*];

            /// The value of `error` that the client is sent.
            #[must_use]
            pub const fn code(self) -> ErrorCode {
                match self {
                    $(Self::$reason => ErrorCode::$code,)*
                }
            }

            /// The HTTP status, where the answer is not a redirect.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$reason => $status,)*
                }
            }

            /// The value of `error_description`, unless the operator replaces it.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$reason => $description,)*
                }
            }

            /// What the operator can do about it, in one sentence for whoever is on call.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self {
                    $(Self::$reason => $remedy,)*
                }
            }

            /// The reason's own name, for logs, counters and pages: `code_replayed`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$reason => {
                        const TEXT: &str = stringify!($reason);
                        const NAME: &[u8] = &snake_case::<{ name_length(TEXT) }>(TEXT);
                        match std::str::from_utf8(NAME) {
                            Ok(name) => name,
                            Err(_) => TEXT,
                        }
                    })*
                }
            }
        }
    };
}
