//! The decision: proved to come from the page that was shown, then made.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{CodeRecord, Grant, PendingAuthorization};
use crate::clock::Timestamp;
use crate::error::{AuthorizeError, ErrorReason, StoreError};
use crate::identifier::{Extra, Subject, Tenant};
use crate::observer::{Consent, Event, Operation};
use crate::policy::Lifetimes;
use crate::scope::Scope;
use crate::secret::{AuthorizationCode, GrantId, Kind, Token, keyed};
use crate::telemetry::ended;
use crate::wire::AuthorizationResponse;

const ID: usize = 16;
const EXPIRY: usize = 8;
const TAG: usize = 32;

/// What the host's session is known by to nobody else: at least 16 unguessable bytes that change at sign-in.
///
/// The session's identifier will do, if it is random. Not printed by `Debug`.
pub struct SessionSecret([u8; 32]);

/// The session secret is shorter than 16 bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a session secret has at least 16 bytes")]
pub struct ShortSessionSecret;

impl SessionSecret {
    /// Takes the bytes.
    ///
    /// # Errors
    ///
    /// [`ShortSessionSecret`] for less than 16 bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, ShortSessionSecret> {
        let bytes = bytes.as_ref();
        if bytes.len() < 16 { Err(ShortSessionSecret) } else { Ok(Self(Sha256::digest(bytes).into())) }
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(..)")
    }
}

/// An authorization request whose decision is proved to come from its own page, its own session and its own user, or
/// that was remembered. It can be approved or denied, once.
#[derive(Debug)]
#[must_use = "the client waits for the decision"]
pub struct ConfirmedAuthorization {
    pending: PendingAuthorization,
    subject: Subject,
    grant_id: GrantId,
    consent: Consent,
    /// What a remembered decision was confined to.
    tenant: Option<Tenant>,
    /// What the host kept with it.
    extra: Extra,
}

/// The yes: what the user approved.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    scope: Option<Scope>,
    tenant: Option<Tenant>,
    extra: Extra,
}

impl Approval {
    /// Everything that was asked for; of a remembered decision, with the tenant and the extra that it was made with.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Only the part of what was asked for that is in `scope`; what was not asked for is never granted. Who approves a
    /// token approves all that it implies
    /// ([`implied_scopes`](crate::AuthorizationServer::implied_scopes)): a page with a box for each says so, and does not take
    /// the one for approved without the others.
    #[must_use]
    pub fn of(scope: Scope) -> Self {
        Self { scope: Some(scope), ..Self::default() }
    }

    /// Confines the grant to a tenant that the user chose. Where [`ConfirmedAuthorization::tenant`] tells one already, that
    /// stays: an answer never leads out of it.
    #[must_use]
    pub fn with_tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Keeps something of the host's own with the grant. The parameters of the service's own are kept beside it
    /// ([`authorization_parameter`](crate::AuthorizationServerBuilder::authorization_parameter)); of one name, this is
    /// kept.
    #[must_use]
    pub fn with_extra(mut self, extra: Extra) -> Self {
        self.extra = extra;
        self
    }
}

impl PendingAuthorization {
    /// The value of a hidden field in the consent form: a random identifier, an expiry, and a MAC over both, the whole
    /// request and the user, keyed by the session. Made anew for each page.
    #[must_use]
    pub fn consent_token(&self, session: &SessionSecret, subject: &Subject) -> String {
        let id = GrantId::random();
        let expires_at = self.validated_at.saturating_add(self.configuration.consent_lifetime);
        let tag: [u8; TAG] = self.mac(session, subject, id, expires_at).finalize().into_bytes().into();
        let expiry = expires_at.unix_millis().to_be_bytes();
        let mut token = [0; ID + EXPIRY + TAG];
        let parts = id.as_bytes().iter().chain(&expiry).chain(&tag).copied();
        token.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = byte);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Proves that a decision was made on this session's own page for this very request and user.
    ///
    /// # Errors
    ///
    /// [`AuthorizeError::Show`] with [`ErrorReason::ConsentTokenMissing`], [`ErrorReason::ConsentTokenInvalid`] or
    /// [`ErrorReason::ConsentTokenExpired`].
    pub fn confirm(
        self,
        session: &SessionSecret,
        subject: &Subject,
        submitted: &str,
    ) -> Result<ConfirmedAuthorization, AuthorizeError> {
        let result = self.verify(session, subject, submitted).map_err(|reason| self.show(reason));
        ended(Operation::Confirm, result.as_ref().err());
        match result {
            Ok(grant_id) => {
                let (subject, extra) = (subject.clone(), Extra::default());
                let consent = Consent::Asked;
                Ok(ConfirmedAuthorization { pending: self, subject, grant_id, consent, tenant: None, extra })
            }
            Err(error) => Err(self.refuse(error)),
        }
    }

    fn verify(&self, session: &SessionSecret, subject: &Subject, submitted: &str) -> Result<GrantId, ErrorReason> {
        if submitted.is_empty() {
            return Err(ErrorReason::ConsentTokenMissing);
        }
        let invalid = ErrorReason::ConsentTokenInvalid;
        let mut token = [0; ID + EXPIRY + TAG];
        if URL_SAFE_NO_PAD.decode_slice(submitted, &mut token) != Ok(ID + EXPIRY + TAG) {
            return Err(invalid);
        }
        let (id, rest) = token.split_first_chunk::<ID>().ok_or(invalid)?;
        let (expires_at, tag) = rest.split_first_chunk::<EXPIRY>().ok_or(invalid)?;
        let id = GrantId::from_bytes(*id);
        let expires_at = Timestamp::from_unix_millis(i64::from_be_bytes(*expires_at));
        self.mac(session, subject, id, expires_at).verify_slice(tag).map_err(|_| invalid)?;
        if expires_at <= self.validated_at { Err(ErrorReason::ConsentTokenExpired) } else { Ok(id) }
    }

    /// Everything that was asked, by whom and of whom, each part preceded by its length so that none runs into the
    /// next.
    fn mac(&self, session: &SessionSecret, subject: &Subject, id: GrantId, expires_at: Timestamp) -> Hmac<Sha256> {
        let mut mac = keyed(&session.0);
        let mut part = |bytes: &[u8]| {
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        part(b"grantor consent");
        part(id.as_bytes());
        part(&expires_at.unix_millis().to_be_bytes());
        part(subject.as_str().as_bytes());
        part(self.client.id().as_str().as_bytes());
        // A client that is changed after its page was shown is not the one that the user decides about.
        if self.client.is_described_by_document() {
            // When it was changed is known only once somebody approved it; what it says is known to every process.
            let (redirect_uris, shown) = self.client.consented();
            part(&(redirect_uris.len() as u64).to_be_bytes());
            redirect_uris.iter().for_each(|uri| part(uri.as_str().as_bytes()));
            for text in shown {
                part(&[u8::from(text.is_some())]);
                part(text.unwrap_or_default().as_bytes());
            }
        } else {
            part(&self.client.updated_at().unix_millis().to_be_bytes());
        }
        part(self.target.uri().as_bytes());
        part(&[self.source as u8, self.prompt.bits()]);
        part(self.scope.as_str().as_bytes());
        let tenant = self.tenant.as_ref().map(|tenant| tenant.as_str().as_bytes());
        let challenge = self.challenge.as_ref().map(|challenge| &challenge.as_bytes()[..]);
        for optional in [tenant, challenge, self.target.state().map(str::as_bytes)] {
            part(&[u8::from(optional.is_some())]);
            part(optional.unwrap_or_default());
        }
        part(&(self.resource.iter().count() as u64).to_be_bytes());
        for resource in self.resource.iter() {
            part(resource.as_str().as_bytes());
        }
        for (name, value) in &self.extra {
            part(name.as_bytes());
            part(value.as_bytes());
        }
        mac
    }

    /// The same decision as the one that `grant` came of, for the same tenant.
    pub(crate) fn remembered(self, subject: Subject, grant: &Grant) -> ConfirmedAuthorization {
        ConfirmedAuthorization {
            pending: self,
            subject,
            grant_id: GrantId::random(),
            consent: Consent::Remembered,
            tenant: grant.tenant.clone(),
            extra: grant.extra.clone(),
        }
    }

    /// The user has to decide, if they may be asked.
    pub(crate) fn ask(self, subject: &Subject) -> Result<Self, AuthorizeError> {
        if self.prompt.is_none() {
            return Err(self.refuse(self.reject(ErrorReason::ConsentRequired)));
        }
        self.configuration.telemetry.observe(&Event::Asked { client: self.client.id(), subject });
        Ok(self)
    }
}

/// A decision, ready to be stored and then answered.
pub(crate) struct Decided {
    pub(crate) record: CodeRecord,
    pub(crate) response: AuthorizationResponse,
}

impl ConfirmedAuthorization {
    /// The user whose decision it is.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(crate) const fn consent(&self) -> Consent {
        self.consent
    }

    /// The request.
    pub const fn request(&self) -> &PendingAuthorization {
        &self.pending
    }

    /// What the grant will be confined to, whatever is approved: what the request is, or a remembered decision was.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.pending.tenant.as_ref().or(self.tenant.as_ref())
    }

    /// Asks the user after all, for a host that knows why a remembered decision does not count any more: they have left
    /// its tenant.
    ///
    /// # Errors
    ///
    /// [`ErrorReason::ConsentRequired`] if the client asked not to show anything (`prompt=none`).
    pub fn ask_again(self) -> Result<PendingAuthorization, AuthorizeError> {
        self.pending.ask(&self.subject)
    }

    /// The no: tells the client `access_denied` (RFC 6749 §4.1.2.1). It takes the place of a code, one that nobody knows and that
    /// has expired already, so that the form is spent.
    pub(crate) fn deny(&self, now: Timestamp) -> Decided {
        let reason = ErrorReason::AccessDenied;
        let words = self.pending.readers().map(|readers| readers.description(reason));
        let response = AuthorizationResponse::error(&self.pending.target, reason, &words.unwrap_or_default());
        let code = Token::random(Kind::AuthorizationCode, self.grant_id);
        Decided { record: self.record(&code, Scope::default(), Approval::default(), now, now), response }
    }

    /// Makes the code and its record. What is granted is what was both asked for and approved, and never nothing of it.
    pub(crate) fn approve(&self, approval: Approval, now: Timestamp) -> Result<Decided, AuthorizeError> {
        let PendingAuthorization { configuration, client, target, scope, .. } = &self.pending;
        let granted = match &approval.scope {
            Some(approved) => configuration.scopes.with_implied(scope.intersection(approved)).intersection(scope),
            None => scope.clone(),
        };
        if granted.is_empty() && !scope.is_empty() {
            return Err(self.pending.reject_decision(ErrorReason::AccessDenied));
        }
        let code = Token::random(Kind::AuthorizationCode, self.grant_id);
        let lifetimes = client.policies().lifetimes().unwrap_or(&configuration.lifetimes);
        let expires_at = now.saturating_add(lifetimes.code().min(Lifetimes::MAX_CODE));
        let record = self.record(&code, granted, approval, now, expires_at);
        let code = AuthorizationCode::new(&code, &configuration.prefixes.authorization_code);
        Ok(Decided { record, response: AuthorizationResponse::code(target, code.expose()) })
    }

    fn record(
        &self,
        code: &Token,
        scope: Scope,
        approval: Approval,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> CodeRecord {
        let extra = if approval.extra.is_empty() { self.extra.clone() } else { approval.extra };
        let extra = extra.above(self.pending.kept());
        let grant = Grant {
            id: self.grant_id,
            client: Some(self.pending.client.id().clone()),
            subject: Some(self.subject.clone()),
            scope,
            resource: self.pending.resource.clone(),
            tenant: self.tenant().cloned().or(approval.tenant),
            name: None,
            extra,
            created_at: now,
        };
        CodeRecord {
            key: code.key(),
            grant: Arc::new(grant),
            challenge: self.pending.challenge,
            redirect_uri: Arc::clone(self.pending.target.uri()),
            redirect_uri_source: self.pending.source,
            expires_at,
            failures: 0,
            redeemed_at: None,
        }
    }

    /// The store could not keep the code.
    pub(crate) fn fail(&self, error: StoreError) -> AuthorizeError {
        self.pending.fail_decision(error)
    }
}
