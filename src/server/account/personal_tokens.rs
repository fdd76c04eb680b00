//! Personal access tokens: what a user issues on a page of the host, to use it without a browser in between.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::CredentialRequest;
use super::new_personal_token::{Expiry, NewPersonalToken};
use crate::client::{Client, ClientId, ClientStatus};
use crate::clock::Timestamp;
use crate::endpoint::Refusal;
use crate::error::{EndpointError, ErrorReason, StoreError};
use crate::grant::{AccessTokenRecord, Grant, IssuedTokens};
use crate::identifier::Subject;
use crate::observer::{Endpoint, Event, Operation};
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{AccessToken, GrantId, Kind, Token};
use crate::server::AuthorizationServer;
use crate::store::{GrantStatus, GrantSummary, Insertion, Page};
use crate::telemetry::operate;

/// The shortest life of a token.
const MIN_LIFETIME: Duration = Duration::from_secs(1);

/// A personal access token that was just issued.
#[derive(Debug)]
#[must_use = "the token is told only once"]
pub struct PersonalToken {
    grant: Arc<Grant>,
    token: AccessToken,
    expires_at: Option<Timestamp>,
}

impl PersonalToken {
    /// The identifier by which it is listed, revoked and reset.
    #[must_use]
    pub fn grant_id(&self) -> GrantId {
        self.grant.id
    }

    /// The token: show it now, it is not known later.
    #[must_use]
    pub const fn token(&self) -> &AccessToken {
        &self.token
    }

    /// What it allows, whose it is, and how it is called.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// When it stops working; `None` is when it is revoked.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

/// A token that may be issued, and is not stored yet.
struct Checked {
    grant: Arc<Grant>,
    expires_at: Option<Timestamp>,
}

impl AuthorizationServer {
    /// Issues a personal access token, or the token of an app that its developer gets without a browser in between.
    ///
    /// The [`CredentialPolicy`](super::CredentialPolicy) is asked first, and shown what the token would be: every scope token that
    /// a wildcard or another token brings along, and the tenant of the client if the token has none of its own.
    ///
    /// ```
    /// use grantor::{AuthorizationServer, NewPersonalToken};
    ///
    /// # async fn issue(server: AuthorizationServer) -> Result<(), Box<dyn std::error::Error>> {
    /// let new = NewPersonalToken::new("user-1842".parse()?, "Backup script".parse()?, "links:read".parse()?)
    ///     .with_tenant("marketing".parse()?);
    /// let issued = server.issue_personal_token(new).await?;
    /// println!("Copy it now, it is not shown again: {}", issued.token().expose());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`EndpointError`] says what is not acceptable, or that a store failed; nothing works then that did not before.
    pub async fn issue_personal_token(&self, new: NewPersonalToken) -> Result<PersonalToken, EndpointError> {
        let issued = async {
            let client = new.client.clone();
            let result = self.issue(new, GrantId::random()).await;
            result.map_err(|refusal| self.refuse_host(Endpoint::Account, client.as_ref(), refusal))
        };
        operate(Operation::IssuePersonalToken, issued).await
    }

    /// Replaces a personal access token of a user that is still good by another one: the old one stops working at once, and
    /// the new one has the same name, client, tenant, scope, resources, extra and end. The
    /// [`CredentialPolicy`](super::CredentialPolicy) is asked as for a new one; `authenticated_at` is when the user last proved
    /// who they are, if the page knows.
    ///
    /// Of any number of calls for the same token one gets the new one.
    ///
    /// # Errors
    ///
    /// [`ErrorReason::PersonalTokenUnknown`], also for somebody else's; [`ErrorReason::PersonalTokenEnded`]; or what
    /// [`issue_personal_token`](Self::issue_personal_token) refuses with. If a store failed, the old one may have ended without a
    /// new one.
    pub async fn reset_personal_token(
        &self,
        subject: &Subject,
        id: &GrantId,
        authenticated_at: Option<Timestamp>,
    ) -> Result<PersonalToken, EndpointError> {
        let reset = async {
            let result = self.reset(subject, id, authenticated_at).await;
            result.map_err(|refusal| self.refuse_host(Endpoint::Account, None, refusal))
        };
        operate(Operation::ResetPersonalToken, reset).await
    }

    /// Lists the tokens that a user issued on a page of the host, ordered by identifier: live, expired and revoked alike
    /// ([`GrantSummary::status`]), until they are purged
    /// ([`retention`](crate::AuthorizationServerBuilder::retention)). Each has a [`name`](Grant::name); those that were issued for
    /// an app have a client.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told.
    pub async fn personal_tokens(
        &self,
        subject: &Subject,
        page: Page<GrantId>,
    ) -> Result<Vec<GrantSummary>, StoreError> {
        self.call(Operation::PersonalTokens, self.list_personal_tokens(subject, page)).await
    }

    /// A page of the listing of all grants holds any number of personal tokens, so it is read on until this one is full.
    async fn list_personal_tokens(
        &self,
        subject: &Subject,
        Page { mut after, limit }: Page<GrantId>,
    ) -> Result<Vec<GrantSummary>, StoreError> {
        let mut personal = Vec::new();
        loop {
            let page = Page { after, limit };
            let grants = self.inner.grants.list_grants(subject, None, page).await?;
            let complete = grants.len() < limit.get() as usize;
            after = grants.last().map(|summary| summary.grant.id);
            personal.extend(grants.into_iter().filter(|summary| summary.grant.name.is_some()));
            if complete || personal.len() >= limit.get() as usize {
                personal.truncate(limit.get() as usize);
                return Ok(personal);
            }
        }
    }

    async fn issue(&self, new: NewPersonalToken, id: GrantId) -> Result<PersonalToken, Refusal> {
        let checked = self.check_personal_token(new, id).await?;
        self.store_personal_token(checked).await
    }

    async fn reset(
        &self,
        subject: &Subject,
        id: &GrantId,
        authenticated_at: Option<Timestamp>,
    ) -> Result<PersonalToken, Refusal> {
        let found = self.inner.grants.find_grant(id).await?;
        let own = found.filter(|summary| summary.grant.subject.as_ref() == Some(subject));
        let old = own.ok_or(ErrorReason::PersonalTokenUnknown)?;
        let name = old.grant.name.clone().ok_or(ErrorReason::PersonalTokenUnknown)?;
        if old.status(self.now()) != GrantStatus::Active {
            return Err(Refusal::from(ErrorReason::PersonalTokenEnded).about(*id));
        }
        let mut new = NewPersonalToken::like(&old.grant, name, subject.clone(), old.expires_at);
        new.authenticated_at = authenticated_at;
        let checked = self.check_personal_token(new, successor(id)).await.map_err(|refusal| refusal.about(*id))?;

        self.revoke_for_user(&old).await?;
        // Every token has one successor: of several resets at once the first one stores it.
        match self.inner.grants.insert_grant(&checked.grant, self.now()).await? {
            Insertion::Inserted => self.store_personal_token(checked).await,
            Insertion::Conflict => Err(Refusal::from(ErrorReason::PersonalTokenEnded).about(*id)),
        }
    }

    async fn check_personal_token(&self, mut new: NewPersonalToken, id: GrantId) -> Result<Checked, Refusal> {
        let now = self.now();
        let expires_at = match new.expiry {
            Expiry::Never => None,
            Expiry::After(lifetime) => Some(now.saturating_add(lifetime)),
            Expiry::At(at) => Some(at),
        };
        if expires_at.is_some_and(|at| at.duration_since(now) < MIN_LIFETIME) {
            return Err(invalid("the token would have expired when it is issued"));
        }
        let client = match &new.client {
            Some(client) => Some(self.usable_client(client).await?),
            None => None,
        };
        new.tenant = match (client.as_ref().and_then(|client| client.tenant()), new.tenant) {
            (Some(own), Some(asked)) if *own != asked => {
                return Err(invalid("the client is confined to another tenant"));
            }
            (own, asked) => asked.or_else(|| own.cloned()),
        };
        new.scope = self.personal_scope(new.scope, client.as_deref())?;
        let resources: Vec<Cow<'_, str>> =
            new.resources.iter().map(|resource| Cow::Borrowed(resource.as_str())).collect();
        let resource: Resources = self.configuration().resources.resolve(&resources)?;
        new.scope = self.configuration().resources.restrict(&resource, new.scope)?;
        // The policy is shown what the token would be, and nothing that only stands for it: a wildcard hides what it grants.
        self.permit(CredentialRequest::PersonalToken(&new)).await?;
        let grant = Grant {
            id,
            client: new.client,
            subject: Some(new.subject),
            scope: new.scope,
            resource,
            tenant: new.tenant,
            name: Some(new.name),
            extra: new.extra,
            created_at: now,
        };
        Ok(Checked { grant: Arc::new(grant), expires_at })
    }

    /// What the user asked for, if the server declares it and the client may have it.
    fn personal_scope(&self, scope: Scope, client: Option<&Client>) -> Result<Scope, ErrorReason> {
        let scopes = &self.configuration().scopes;
        if scope.is_empty() && !scopes.all().is_empty() {
            return Err(ErrorReason::ScopeMissing);
        }
        match client {
            Some(client) if !scope.is_empty() => scopes.resolve(Some(scope.as_str()), client),
            _ if scopes.check_limit(&scope).is_ok() => Ok(scopes.limit_of(Some(&scope)).into_owned()),
            _ => Err(ErrorReason::ScopeNotAllowed),
        }
    }

    async fn usable_client(&self, id: &ClientId) -> Result<Arc<Client>, Refusal> {
        let client = self.inner.clients.find_client(id).await?;
        let enabled = client.filter(|client| client.status() == ClientStatus::Enabled);
        enabled.ok_or_else(|| ErrorReason::ClientUnknown.into())
    }

    async fn store_personal_token(&self, Checked { grant, expires_at }: Checked) -> Result<PersonalToken, Refusal> {
        let token = Token::random(Kind::AccessToken, grant.id);
        let access = AccessTokenRecord {
            key: token.key(),
            scope: grant.scope.clone(),
            resource: grant.resource.clone(),
            issued_at: grant.created_at,
            expires_at,
        };
        let tokens = IssuedTokens { grant: Arc::clone(&grant), access, refresh: None };
        match self.inner.grants.insert_tokens(&tokens).await? {
            Insertion::Inserted => {}
            // A new grant was revoked before it had a token: by its user, or with its client.
            Insertion::Conflict => return Err(Refusal::from(ErrorReason::PersonalTokenEnded).about(grant.id)),
        }
        if let Some(client) = &grant.client {
            // Whoever deleted the client meanwhile may have looked for its grants before there was this one.
            if let Err(refusal) = self.usable_client(client).await {
                self.inner.grants.revoke_grant(&grant.id, self.now()).await?;
                return Err(refusal.about(grant.id));
            }
        }
        if let Some(subject) = &grant.subject {
            self.observe(&Event::PersonalTokenIssued { grant: grant.id, client: grant.client.as_ref(), subject });
        }
        let token = AccessToken::new(&token, self.configuration().prefixes.personal_token());
        Ok(PersonalToken { grant, token, expires_at })
    }
}

fn invalid(problem: &'static str) -> Refusal {
    Refusal::described(ErrorReason::PersonalTokenInvalid, problem)
}

/// The identifier of the grant that takes the place of `id` when it is reset.
fn successor(id: &GrantId) -> GrantId {
    let hash: [u8; 32] = Sha256::new_with_prefix(b"grantor reset").chain_update(id.as_bytes()).finalize().into();
    let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash;
    GrantId::from_bytes(first)
}
