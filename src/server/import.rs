//! Taking over what users granted before this server was there.

use std::borrow::Cow;
use std::sync::Arc;

use super::AuthorizationServer;
use crate::client::{Client, ClientStatus};
use crate::configuration::ImportedTokens;
use crate::error::StoreError;
use crate::grant::{ImportedGrant, IssuedTokens, Issuing};
use crate::observer::{Event, Operation};
use crate::policy::RefreshPolicy;
use crate::store::Insertion;

/// What became of a grant that was to be imported.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Imported {
    /// At least one of its tokens is new, and works from now on.
    Stored,
    /// It was imported before. Nothing changed: what was revoked since stays revoked, and what was replaced replaced.
    Already,
    /// All of its tokens have expired, so that nothing was stored.
    Expired,
}

/// Why a grant was not imported; nothing of it was stored, except as [`Store`](Self::Store) says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The server is not configured to accept imported tokens.
    #[error("imported tokens would not be found: the server does not accept them")]
    NotAccepted,
    /// There is no token to import.
    #[error("the grant has no token")]
    NoToken,
    /// Its client is not registered, or is disabled: clients come first.
    #[error("the client is not registered, or disabled")]
    UnknownClient,
    /// Its scope names a token that is not declared.
    #[error("the scope names a token that is not declared")]
    UndeclaredScope,
    /// It is for a resource that is not declared.
    #[error("a resource is not declared")]
    UnknownResource,
    /// Its client belongs to another tenant.
    #[error("the client belongs to another tenant")]
    ForeignTenant,
    /// Nobody could use its refresh token: it has no client, or one that may not refresh.
    #[error("the client may not refresh, or there is none")]
    UselessRefreshToken,
    /// Its refresh token could be used once, for tokens that have expired: it was granted longer ago than the absolute
    /// lifetime of refresh tokens. Lengthen that, or leave out when it was granted.
    #[error("it was granted longer ago than the absolute lifetime of refresh tokens")]
    Outlived,
    /// A store failed, and one of two tokens may be stored. Importing the grant again finishes it.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl AuthorizationServer {
    /// Takes over a grant, and its tokens, from another server: its client goes on with them as if nothing had
    /// happened, and its user is not asked again. Needs [`ImportedTokens::Accepted`].
    ///
    /// Importing the same again changes nothing, so that an import that broke off can be started from the beginning. A
    /// revocation is remembered as long as the token would have lived; that of a token which never expires is forgotten
    /// by [`purge`](Self::purge), and importing it again after that brings it back. So take rows out of the old table
    /// that are revoked here, or import them only once.
    ///
    /// # Errors
    ///
    /// [`ImportError`] says what is wrong with the grant, or that a store failed.
    pub async fn import_grant(&self, grant: &ImportedGrant) -> Result<Imported, ImportError> {
        self.call(Operation::ImportGrant, self.import(grant)).await?
    }

    /// Takes over many grants, one after the other, as [`import_grant`](Self::import_grant) does; each has its result
    /// at the same place. One that fails does not hinder the next.
    ///
    /// To be faster, call it for some batches at once; how many the store can bear is for the caller to know.
    pub async fn import_grants(&self, grants: &[ImportedGrant]) -> Vec<Result<Imported, ImportError>> {
        let mut results = Vec::with_capacity(grants.len());
        for grant in grants {
            results.push(self.import_grant(grant).await);
        }
        results
    }

    async fn import(&self, grant: &ImportedGrant) -> Result<Result<Imported, ImportError>, StoreError> {
        let client = match grant.client() {
            Some(id) => self.inner.clients.find_client(id).await?,
            None => None,
        };
        let records = match self.check_import(grant, client.as_deref()) {
            Ok(records) => records,
            Err(error) => return Ok(Err(error)),
        };
        let mut imported = if records.is_empty() { Imported::Expired } else { Imported::Already };
        for tokens in &records {
            if self.insert_imported(tokens).await? == Insertion::Inserted {
                imported = Imported::Stored;
            }
            if let Some(at) = grant.last_used_at() {
                self.inner.grants.touch_grant(&tokens.grant.id, at).await?;
            }
        }
        Ok(Ok(imported))
    }

    async fn insert_imported(&self, tokens: &IssuedTokens) -> Result<Insertion, StoreError> {
        let insertion = self.inner.grants.insert_tokens(tokens).await?;
        if insertion == Insertion::Inserted {
            let grant = &tokens.grant;
            let (client, subject) = (grant.client.as_ref(), grant.subject.as_ref());
            self.observe(&Event::Imported { grant: grant.id, client, subject });
        }
        Ok(insertion)
    }

    fn check_import(&self, grant: &ImportedGrant, client: Option<&Client>) -> Result<Vec<IssuedTokens>, ImportError> {
        let (configuration, now) = (self.configuration(), self.now());
        if configuration.imported_tokens == ImportedTokens::Refused {
            return Err(ImportError::NotAccepted);
        }
        if !grant.has_tokens() {
            return Err(ImportError::NoToken);
        }
        let client = client.filter(|client| client.status() == ClientStatus::Enabled);
        if grant.client().is_some() && client.is_none() {
            return Err(ImportError::UnknownClient);
        }
        let scopes = &configuration.scopes;
        scopes.check_limit(grant.scope()).map_err(|_| ImportError::UndeclaredScope)?;
        let scope = match client {
            // What stood for everything stands for what the client may have.
            Some(client) if scopes.names_wildcard(grant.scope()) => scopes.limit(client),
            _ => scopes.limit_of(Some(grant.scope())),
        };
        let resources: Vec<_> = grant.resources().iter().map(|resource| Cow::Borrowed(resource.as_str())).collect();
        let resource = configuration.resources.resolve(&resources).map_err(|_| ImportError::UnknownResource)?;
        let confined = client.and_then(Client::tenant);
        if let (Some(own), Some(confined)) = (grant.tenant(), confined)
            && own != confined
        {
            return Err(ImportError::ForeignTenant);
        }
        let records = grant.records(&scope, &resource, grant.tenant().or(confined), now);
        if grant.has_refresh_token() {
            let issuing = client.map(|client| Issuing::to(client, configuration, now));
            let issuing = issuing.filter(|issuing| issuing.policy() != RefreshPolicy::Never);
            let issuing = issuing.ok_or(ImportError::UselessRefreshToken)?;
            let outlived = |grant: &Arc<_>| issuing.refresh_expiry(grant).is_some_and(|at| at <= now);
            if records.iter().any(|tokens| tokens.refresh.is_some() && outlived(&tokens.grant)) {
                return Err(ImportError::Outlived);
            }
        }
        Ok(records)
    }
}
