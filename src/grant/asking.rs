//! What a page says of the client that asks.

use super::PendingAuthorization;
use crate::client::Vetting;
use crate::redirect_uri::Form;

/// What a person should be warned of before they trust a client that nobody vouches for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientWarning {
    /// Every answer goes to the person's own machine, and any program there can pass for this client: the person should go on
    /// only if they just started it themselves.
    LoopbackOnly,
    /// The answer goes to another host than the one that the identifier of the client names.
    OtherHost,
}

impl PendingAuthorization {
    /// The host that the identifier of the client names, if that is an `https` URL; in lower case and in its ASCII form.
    ///
    /// Where nobody vouches for the client, it is the one thing about it that is proved: the name that it gives itself is
    /// not. Show it (draft-ietf-oauth-client-id-metadata-document §6.4).
    #[must_use]
    pub fn client_id_host(&self) -> Option<String> {
        self.client().id().host()
    }

    /// What the page should warn of; nothing if somebody vouches for the client.
    pub fn warnings(&self) -> impl Iterator<Item = ClientWarning> {
        let client = self.client();
        let unvetted = client.vetting() == Vetting::SelfRegistered;
        let loopback = client.redirect_uris().iter().all(|uri| matches!(uri.form(), Form::Loopback(_)));
        let uri = self.redirect_uri();
        let elsewhere =
            uri.form() == Form::Https && self.client_id_host().is_some_and(|host| host != uri.display_host());
        let warnings = [(loopback, ClientWarning::LoopbackOnly), (elsewhere, ClientWarning::OtherHost)];
        warnings.into_iter().filter(move |(applies, _)| unvetted && *applies).map(|(_, warning)| warning)
    }
}
