//! The front channel: an authorization request, checked (RFC 6749 §4.1.1).

use std::fmt;
use std::sync::Arc;

use super::authorization_code::is_exempt;
use super::{Prompt, RedirectUriSource};
use crate::client::{Client, ClientId, GrantType};
use crate::clock::Timestamp;
use crate::configuration::{Configuration, MAX_VALUE, Readers, Taken};
use crate::error::{AuthorizeError, ErrorReason, Rejection, StoreError};
use crate::identifier::{Extra, Tenant};
use crate::language::Preferences;
use crate::observer::{Endpoint, Event, Operation};
use crate::pkce::CodeChallenge;
use crate::policy::PkceRequirement;
use crate::redirect_target::RedirectTarget;
use crate::redirect_uri::{Form, RedirectUri};
use crate::resource::Resources;
use crate::scope::Scope;
use crate::telemetry::ended;
use crate::wire::params::{Parameter, Params};

/// The longest `state` that is accepted, in bytes.
const MAX_STATE: usize = 4_096;

/// The languages that the user reads (OpenID Connect Core §3.1.2.1); it has no meaning but for the words of errors and scopes.
pub(crate) const UI_LOCALES: &str = "ui_locales";

/// A valid authorization request that awaits the resource owner's decision.
///
/// Four things can happen to it:
///
/// * Nobody is signed in: check [`sign_in_required`](Self::sign_in_required), let the user sign in, and come back to
///   the same URL. The query is the state; nothing was stored.
/// * [`AuthorizationServer::recall`](crate::AuthorizationServer::recall) finds that the user consented before.
/// * The host shows its consent page, with a form that posts back to the same URL and carries the
///   [`consent_token`](Self::consent_token); the request is then checked again, and [`confirm`](Self::confirm) turns it
///   into something that can be approved or denied.
/// * It is dropped, and nothing has happened.
///
/// # Design
///
/// It is neither `Clone` nor `Serialize`: what was checked a while ago is not what is checked now. The client may be
/// gone, or the page may show something else than what is approved. Reading the query again costs one look-up.
#[must_use = "the user waits for an answer"]
pub struct PendingAuthorization {
    pub(super) configuration: Arc<Configuration>,
    pub(super) client: Arc<Client>,
    pub(super) target: RedirectTarget,
    pub(super) source: RedirectUriSource,
    pub(super) redirect_uri: RedirectUri,
    pub(super) challenge: Option<CodeChallenge>,
    pub(super) scope: Scope,
    pub(super) resource: Resources,
    pub(super) prompt: Prompt,
    pub(super) extra: Vec<(String, String)>,
    pub(super) tenant: Option<Tenant>,
    pub(super) validated_at: Timestamp,
}

impl fmt::Debug for PendingAuthorization {
    /// Who asks for what; nothing of the request that only its sender should know.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAuthorization")
            .field("client", self.client.id())
            .field("redirect_uri", &self.redirect_uri)
            .field("scope", &self.scope)
            .field("resource", &self.resource)
            .field("prompt", &self.prompt)
            .finish_non_exhaustive()
    }
}

/// A redirect URI that was found in the client's registration.
struct Resolved {
    target: RedirectTarget,
    source: RedirectUriSource,
    redirect_uri: RedirectUri,
}

impl PendingAuthorization {
    /// Checks a request in the order that decides who may see an error: first what must hold before a redirect is safe.
    pub(crate) fn validate(
        configuration: &Arc<Configuration>,
        client: Arc<Client>,
        mut params: Params<'_>,
        now: Timestamp,
    ) -> Result<Self, AuthorizeError> {
        let resolved = resolve(configuration, &client, &params).map_err(AuthorizeError::show)?;

        match Self::check(configuration, &client, &params) {
            Ok((challenge, scope, resource)) => {
                // Of what was declared, empty is not sent, as for the protocol's own.
                let declared = &configuration.authorization_parameters;
                let unknown = params.take_unknown().into_iter();
                let unknown = unknown.filter(|(name, value)| !value.is_empty() || !declared.contains(name));
                Ok(Self {
                    configuration: Arc::clone(configuration),
                    target: resolved.target,
                    source: resolved.source,
                    redirect_uri: resolved.redirect_uri,
                    challenge,
                    scope,
                    resource,
                    prompt: Prompt::parse(params.get(Parameter::Prompt)),
                    extra: unknown.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
                    tenant: client.tenant().cloned(),
                    validated_at: now,
                    client,
                })
            }
            Err(reason) => {
                let taken = configuration.unvetted_errors.taken(client.vetting());
                Err(AuthorizeError::Redirect(Box::new(Rejection::new(resolved.target, taken, reason))))
            }
        }
    }

    fn check(
        configuration: &Configuration,
        client: &Client,
        params: &Params<'_>,
    ) -> Result<(Option<CodeChallenge>, Scope, Resources), ErrorReason> {
        if params.repeats_any() {
            return Err(ErrorReason::ParameterRepeated);
        }
        if params.get(Parameter::State).is_some_and(|state| state.len() > MAX_STATE) {
            return Err(ErrorReason::ParameterTooLong);
        }
        check_declared(configuration, params)?;
        match params.get(Parameter::ResponseType) {
            None => return Err(ErrorReason::ResponseTypeMissing),
            Some("code") => {}
            Some(_) => return Err(ErrorReason::ResponseTypeUnsupported),
        }
        if !configuration.allows(client, GrantType::AuthorizationCode) {
            return Err(ErrorReason::GrantTypeNotAllowed);
        }
        for (parameter, reason) in [
            (Parameter::Request, ErrorReason::RequestObjectUnsupported),
            (Parameter::RequestUri, ErrorReason::RequestUriUnsupported),
            (Parameter::Registration, ErrorReason::RegistrationParameterUnsupported),
        ] {
            if params.get(parameter).is_some() {
                return Err(reason);
            }
        }
        let challenge = challenge(client, configuration.pkce, params)?;
        let scope = configuration.scopes.resolve(params.get(Parameter::Scope), client)?;
        let resource = configuration.resources.resolve(params.resources())?;
        let scope = configuration.resources.restrict(&resource, scope)?;
        Ok((challenge, scope, resource))
    }

    /// The client that asks.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The registered redirect URI that the answer goes to; a consent page shows its
    /// [`display_host`](RedirectUri::display_host).
    #[must_use]
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// What the client asks for.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What the client asks for, each scope token with its description for people. What a token implies is listed like
    /// any other, and of a wildcard what it stands for.
    pub fn scopes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.scope.tokens().map(|token| (token, self.configuration.scopes.description(token).unwrap_or(token)))
    }

    /// The same in the language of the reader, as far as there are words in it: the languages of the request
    /// (`ui_locales`) come first, then those that the browser accepts, which are the value of `Accept-Language` or
    /// nothing. Where none fits, the description is that of [`scopes`](Self::scopes).
    pub fn scopes_for<'a>(&'a self, accept_language: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let preferences = Preferences::default().and_tags(self.extra(UI_LOCALES).unwrap_or_default());
        let preferences = preferences.and_accepted([accept_language]);
        let scopes = &self.configuration.scopes;
        self.scope.tokens().map(move |token| (token, scopes.description_for(token, &preferences).unwrap_or(token)))
    }

    /// The resources that the client wants to reach.
    #[must_use]
    pub const fn resource(&self) -> &Resources {
        &self.resource
    }

    /// How the client wants the user to be asked.
    #[must_use]
    pub const fn prompt(&self) -> Prompt {
        self.prompt
    }

    /// Confines the request to a tenant, for a host that knows it before the user is asked: from a hint of the client,
    /// or from the page's own URL. Only consent for the same tenant is remembered then. Call it for the page and for
    /// the decision.
    ///
    /// # Errors
    ///
    /// [`ErrorReason::TenantNotAllowed`] if the client is confined to another tenant; the client is told `access_denied`.
    pub fn in_tenant(mut self, tenant: Tenant) -> Result<Self, AuthorizeError> {
        if self.client.tenant().is_some_and(|own| *own != tenant) {
            return Err(self.refuse(self.reject(ErrorReason::TenantNotAllowed)));
        }
        self.tenant = Some(tenant);
        Ok(self)
    }

    /// What the grant will be confined to, for the page to show: the client's own tenant, or that of
    /// [`in_tenant`](Self::in_tenant). With `None` the user may choose one
    /// ([`Approval::with_tenant`](crate::Approval::with_tenant)), or none for all that is theirs.
    #[must_use]
    pub const fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// A parameter of the request that has no meaning in OAuth: a tenant hint, a locale, … One that
    /// [`authorization_parameter`](crate::AuthorizationServerBuilder::authorization_parameter) declared is checked, and
    /// kept with the grant.
    #[must_use]
    pub fn extra(&self, name: &str) -> Option<&str> {
        self.extra.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The parameters that the service declared and the client sent: they are kept with the grant.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (&str, &str)> {
        let declared = self.configuration.authorization_parameters.iter();
        declared.filter_map(|name| self.extra(name).map(|value| (name, value)))
    }

    /// Whether `extra` has what this request would have it keep: the same values, and none that this request lacks.
    pub(crate) fn keeps_the_same(&self, extra: &Extra) -> bool {
        let mut declared = self.configuration.authorization_parameters.iter();
        declared.all(|name| match (self.extra(name), extra.get(name)) {
            (None, None) => true,
            (Some(value), Some(kept)) => kept == value,
            _ => false,
        })
    }

    /// Call this before sending an anonymous visitor to the sign-in page.
    ///
    /// # Errors
    ///
    /// [`ErrorReason::LoginRequired`] if the client asked not to show anything (`prompt=none`).
    pub fn sign_in_required(&self) -> Result<(), AuthorizeError> {
        let result = if self.prompt.is_none() { Err(self.reject(ErrorReason::LoginRequired)) } else { Ok(()) };
        ended(Operation::SignIn, result.as_ref().err());
        result.map_err(|error| self.refuse(error))
    }

    /// Tells the operator.
    pub(super) fn refuse(&self, error: AuthorizeError) -> AuthorizeError {
        let client: Option<&ClientId> = Some(self.client.id());
        let (endpoint, reason, source) = (Endpoint::Authorization, error.reason(), error.store_error());
        self.configuration.telemetry.observe(&Event::Refused { endpoint, reason, client, grant: None, source });
        error
    }

    /// Whether a user who consented to this before may be spared the question: not for a public client whose redirect
    /// URI another app could claim (RFC 8252 §8.6), and not if the client wants the user to be asked, signed in or
    /// moved.
    pub(crate) fn may_be_remembered(&self) -> bool {
        let claimed = self.redirect_uri.form() == Form::Https && !self.redirect_uri.names_this_machine();
        (claimed || !self.client.is_public()) && !self.prompt.asks_the_user()
    }

    pub(crate) fn readers(&self) -> Option<Box<Readers>> {
        self.configuration.readers(self.extra(UI_LOCALES))
    }

    pub(crate) fn show(&self, reason: ErrorReason) -> AuthorizeError {
        AuthorizeError::show(reason).for_readers(self.readers())
    }

    pub(crate) fn reject(&self, reason: ErrorReason) -> AuthorizeError {
        self.redirect(Rejection::new(self.target.clone(), self.taken(), reason))
    }

    /// Refuses what a person has decided, who knows by that where the answer goes.
    pub(super) fn reject_decision(&self, reason: ErrorReason) -> AuthorizeError {
        self.redirect(Rejection::new(self.target.clone(), Taken::Everybody, reason))
    }

    /// A store failed over a decision.
    pub(super) fn fail_decision(&self, error: StoreError) -> AuthorizeError {
        self.redirect(Rejection::store(self.target.clone(), Taken::Everybody, error))
    }

    fn taken(&self) -> Taken {
        self.configuration.unvetted_errors.taken(self.client.vetting())
    }

    fn redirect(&self, rejection: Rejection) -> AuthorizeError {
        AuthorizeError::Redirect(Box::new(rejection)).for_readers(self.readers())
    }

    /// A store failed. The redirect URI was checked, so the client may know (RFC 6749 §4.1.2.1).
    pub(crate) fn fail(&self, error: StoreError) -> AuthorizeError {
        self.redirect(Rejection::store(self.target.clone(), self.taken(), error))
    }
}

/// Where an answer may go. Whatever is wrong here must not be redirected (RFC 6749 §4.1.2.1).
fn resolve(configuration: &Configuration, client: &Client, params: &Params<'_>) -> Result<Resolved, ErrorReason> {
    if params.repeats(Parameter::RedirectUri) {
        return Err(ErrorReason::RedirectUriRepeated);
    }
    let accepts = |uri: &RedirectUri| configuration.accepts_redirect(client, uri);
    let (registered, uri, source) = match params.get(Parameter::RedirectUri) {
        Some(requested) => {
            let registered = client.redirect_uris().iter().find(|uri| uri.matches(requested));
            let registered = registered.filter(|uri| accepts(uri)).ok_or(ErrorReason::RedirectUriUnregistered)?;
            let same = registered.as_str() == requested;
            let uri = if same { Arc::clone(registered.shared_text()) } else { Arc::from(requested) };
            (registered, uri, RedirectUriSource::Requested)
        }
        None => match client.redirect_uris() {
            // The only registration stands for a missing parameter, unless the port would be lost with it.
            [registered] if accepts(registered) && !matches!(registered.form(), Form::Loopback(_)) => {
                (registered, Arc::clone(registered.shared_text()), RedirectUriSource::Registered)
            }
            _ => return Err(ErrorReason::RedirectUriMissing),
        },
    };
    if params.get(Parameter::ResponseMode).is_some_and(|mode| mode != "query") {
        return Err(ErrorReason::ResponseModeUnsupported);
    }
    // A state that came twice, or is too long, cannot go back as it was.
    let state = params.get(Parameter::State).filter(|state| state.len() <= MAX_STATE);
    let state = state.filter(|_| !params.repeats(Parameter::State)).map(str::to_owned);
    let target = RedirectTarget::new(uri, state, configuration.issuer.clone());
    Ok(Resolved { target, source, redirect_uri: registered.clone() })
}

/// The parameters of the service's own keep to the rules of the protocol's: once, of bounded length, and plain text.
fn check_declared(configuration: &Configuration, params: &Params<'_>) -> Result<(), ErrorReason> {
    for name in configuration.authorization_parameters.iter() {
        if params.repeats_unknown(name) {
            return Err(ErrorReason::ParameterRepeated);
        }
        let value = params.unknown(name).unwrap_or_default();
        if value.len() > MAX_VALUE {
            return Err(ErrorReason::ParameterTooLong);
        }
        if value.chars().any(char::is_control) {
            return Err(ErrorReason::RequestMalformed);
        }
    }
    Ok(())
}

fn challenge(
    client: &Client,
    server: PkceRequirement,
    params: &Params<'_>,
) -> Result<Option<CodeChallenge>, ErrorReason> {
    let method = params.get(Parameter::CodeChallengeMethod);
    let Some(challenge) = params.get(Parameter::CodeChallenge) else {
        // RFC 9700 §4.8.2: a method without a challenge is what is left when somebody strips the challenge.
        let exempt = is_exempt(client, server) && method.is_none();
        return if exempt { Ok(None) } else { Err(ErrorReason::CodeChallengeMissing) };
    };
    // RFC 7636 §4.3: no method means `plain`, which does not exist here.
    if method != Some("S256") {
        return Err(ErrorReason::CodeChallengeMethodUnsupported);
    }
    challenge.parse().map(Some).map_err(|_| ErrorReason::CodeChallengeMalformed)
}
