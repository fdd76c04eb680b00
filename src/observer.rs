//! What happens, for the operator: one typed event per decision, with identifiers and never a secret.

use std::fmt;

use crate::client::{ClientId, GrantType};
use crate::error::{ErrorReason, StoreError};
use crate::identifier::Subject;
use crate::secret::GrantId;

/// Watches what the server decides. It is called in the middle of requests, so it must neither block nor panic.
///
/// ```
/// use grantor::observer::{Event, Observer};
///
/// #[derive(Debug)]
/// struct ToStderr;
///
/// impl Observer for ToStderr {
///     fn observe(&self, event: &Event<'_>) {
///         eprintln!("{event:?}");
///     }
/// }
/// ```
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Is told of one event.
    fn observe(&self, event: &Event<'_>);
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn observe(&self, _event: &Event<'_>) {}
}

/// Something that the server decided.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A user approved a request, and a code was issued.
    Approved {
        /// The new grant.
        grant: GrantId,
        /// Who asked.
        client: &'a ClientId,
        /// Who approved.
        subject: &'a Subject,
    },
    /// A user denied a request.
    Denied {
        /// Who asked.
        client: &'a ClientId,
        /// Who denied.
        subject: &'a Subject,
    },
    /// Tokens were issued.
    Issued {
        /// The grant they belong to.
        grant: GrantId,
        /// Who got them.
        client: &'a ClientId,
        /// How.
        grant_type: GrantType,
    },
    /// A refresh token was retried within its grace, and the same answer given again.
    Retried {
        /// The grant it belongs to.
        grant: GrantId,
        /// Who retried.
        client: &'a ClientId,
    },
    /// A spent code or refresh token was used again, and its grant was revoked.
    Replayed {
        /// The grant that was revoked.
        grant: GrantId,
        /// Who used it.
        client: &'a ClientId,
        /// Which kind of credential it was.
        reason: ErrorReason,
    },
    /// A grant or a token of it was revoked, by its client or its user.
    Revoked {
        /// The grant.
        grant: GrantId,
    },
    /// A client was registered, by itself or by its owner.
    Registered {
        /// The new client.
        client: &'a ClientId,
    },
    /// A registration was changed.
    RegistrationChanged {
        /// The client.
        client: &'a ClientId,
    },
    /// A client was deleted, and its grants were revoked.
    Deleted {
        /// The client.
        client: &'a ClientId,
    },
    /// A request was refused. `client` is what the request said, and may be anybody's invention.
    Refused {
        /// Which endpoint refused it.
        endpoint: Endpoint,
        /// Why.
        reason: ErrorReason,
        /// The client that the request names, if it named a well-formed one.
        client: Option<&'a ClientId>,
        /// The failure of a store behind it.
        source: Option<&'a StoreError>,
    },
}

/// An endpoint of the server.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Endpoint {
    /// RFC 6749 §3.1
    Authorization,
    /// RFC 8414 and RFC 9728, and whatever path leads nowhere
    Metadata,
    /// RFC 6749 §3.2
    Token,
    /// RFC 7009
    Revocation,
    /// RFC 7662
    Introspection,
    /// RFC 7591
    Registration,
    /// RFC 7592
    RegistrationManagement,
    /// A protected resource
    Resource,
}
