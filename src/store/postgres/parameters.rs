//! Records to parameters.

use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments as _, Encode, Postgres, Type};

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
    Retirement,
};
use crate::secret::{GrantId, TokenKey};
use crate::store::sql::{extra_text, resources_text};

/// What a statement is run with, kept so that it can be run again.
pub(super) struct Parameters(Result<PgArguments, BoxDynError>);

impl Parameters {
    pub(super) fn new() -> Self {
        Self(Ok(PgArguments::default()))
    }

    /// Begins with the grant as `$1`.
    pub(super) fn of_grant(id: &GrantId) -> Self {
        Self::new().bind(id.as_bytes().as_slice())
    }

    /// Begins with the grant of a code or token as `$1` and its hash as `$2`.
    pub(super) fn of_key(key: &TokenKey) -> Self {
        Self::of_grant(&key.grant).bind(key.hash.as_bytes().as_slice())
    }

    /// Begins with the grant as `$1`, the last expiry of the tokens as `$2` and the tokens as `$3` to `$16`.
    pub(super) fn of_tokens(grant: &GrantId, tokens: &IssuedTokens) -> Result<Self, StoreError> {
        Self::of_grant(grant)
            .bind_instant_or_null(tokens.expires_at())
            .bind_access_token(&tokens.access)?
            .bind_refresh_token(tokens.refresh.as_ref())
    }

    pub(super) fn bind<'q, T: Encode<'q, Postgres> + Type<Postgres>>(self, value: T) -> Self {
        Self(self.0.and_then(|mut arguments| arguments.add(value).map(|()| arguments)))
    }

    pub(super) fn bind_instant(self, instant: Timestamp) -> Self {
        self.bind(instant.unix_millis())
    }

    pub(super) fn bind_instant_or_null(self, instant: Option<Timestamp>) -> Self {
        self.bind(instant.map(Timestamp::unix_millis))
    }

    /// Binds eight columns: all but the identifier and the expiry.
    pub(super) fn bind_grant(self, grant: &Grant) -> Result<Self, StoreError> {
        Ok(self
            .bind(grant.client.as_ref().map(|client| client.as_str()))
            .bind(grant.subject.as_ref().map(|subject| subject.as_str()))
            .bind(grant.scope.as_str())
            .bind(resources_text(&grant.resource)?)
            .bind(grant.tenant.as_ref().map(|tenant| tenant.as_str()))
            .bind(extra_text(&grant.extra)?)
            .bind_instant(grant.created_at)
            .bind(grant.name.as_ref().map(|name| name.as_str())))
    }

    /// Binds six columns: all but the key.
    pub(super) fn bind_code(self, code: &CodeRecord) -> Self {
        self.bind(code.challenge.as_ref().map(|challenge| challenge.as_bytes().as_slice()))
            .bind(&*code.redirect_uri)
            .bind(match code.redirect_uri_source {
                RedirectUriSource::Requested => true,
                RedirectUriSource::Registered => false,
            })
            .bind_instant(code.expires_at)
            .bind(i64::from(code.failures))
            .bind_instant_or_null(code.redeemed_at)
    }

    /// Binds five columns: all but the grant.
    pub(super) fn bind_access_token(self, token: &AccessTokenRecord) -> Result<Self, StoreError> {
        Ok(self
            .bind(token.key.hash.as_bytes().as_slice())
            .bind(token.scope.as_str())
            .bind(resources_text(&token.resource)?)
            .bind_instant(token.issued_at)
            .bind_instant_or_null(token.expires_at))
    }

    /// Binds six columns.
    pub(super) fn bind_retirement(self, retirement: Option<&Retirement>) -> Result<Self, StoreError> {
        let resource = retirement.map(|retirement| resources_text(&retirement.resource)).transpose()?.flatten();
        Ok(self
            .bind_instant_or_null(retirement.map(|retirement| retirement.at))
            .bind(retirement.map(|retirement| retirement.nonce.as_slice()))
            .bind(retirement.map(|retirement| retirement.successor.as_bytes().as_slice()))
            .bind(retirement.map(|retirement| retirement.scope.as_str()))
            .bind(resource)
            .bind_instant_or_null(retirement.and_then(|retirement| retirement.access_expires_at)))
    }

    /// Binds nine columns: all but the grant.
    fn bind_refresh_token(self, token: Option<&RefreshTokenRecord>) -> Result<Self, StoreError> {
        let retirement = token.and_then(|token| match &token.state {
            RefreshTokenState::Active => None,
            RefreshTokenState::Retired(retirement) => Some(retirement),
        });
        self.bind(token.map(|token| token.key.hash.as_bytes().as_slice()))
            .bind_instant_or_null(token.map(|token| token.issued_at))
            .bind_instant_or_null(token.and_then(|token| token.expires_at))
            .bind_retirement(retirement)
    }

    pub(super) fn into_arguments(self) -> Result<PgArguments, BoxDynError> {
        self.0
    }
}
