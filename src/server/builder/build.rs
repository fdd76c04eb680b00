//! Building a server: whether the settings agree, and what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use super::AuthorizationServerBuilder;
use crate::client::GrantType;
use crate::configuration::{Configuration, ConfigurationError, ImportedTokens, ResourceCatalog, ResourceCredentials};
#[cfg(feature = "cimd")]
use crate::endpoint::DocumentCache;
use crate::endpoint::Documents;
use crate::policy::AccessTokenFormat;
use crate::rate_limit::RateLimits;
use crate::resource_server::ResourceServer;
use crate::secret::Prefix;
use crate::server::{AuthorizationServer, Inner};
use crate::store::TokenStore;
use crate::telemetry::Telemetry;

impl AuthorizationServerBuilder {
    /// Builds the server.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] tells what contradicts itself or would be unsafe.
    pub fn build(self) -> Result<AuthorizationServer, ConfigurationError> {
        self.paths.check()?;
        self.token_response.check()?;
        self.authorization_parameters.check()?;
        for resource in &self.resources {
            resource.check()?;
        }
        let scopes = self.scopes.catalog()?;
        for resource in &self.resources {
            resource.scope.as_ref().map_or(Ok(()), |scope| scopes.check(scope))?;
        }
        if let Some(rules) = self.registration.rules() {
            rules.check(&scopes, &self.grant_types)?;
        }
        #[cfg(feature = "cimd")]
        if let Some(documents) = &self.client_documents {
            documents.rules.check(&scopes, &self.grant_types)?;
        }
        if !self.lifetimes.are_positive() || self.consent_lifetime < Duration::from_secs(1) {
            return Err(ConfigurationError::ZeroLifetime);
        }
        if !self.grant_types.iter().any(|grant_type| *grant_type != GrantType::RefreshToken) {
            return Err(ConfigurationError::NoGrantType);
        }
        let registers = self.registration.rules().is_some();
        #[cfg(feature = "cimd")]
        let registers = registers || self.client_documents.is_some();
        if registers && self.stores.registry.is_none() {
            return Err(ConfigurationError::NoRegistry);
        }

        let signer = self.signer.signer(&self.issuer)?;
        if self.access_token_format == AccessTokenFormat::Jwt {
            signer.as_ref().ok_or(ConfigurationError::NoAccessTokenKeys)?;
            self.lifetimes.access_token().ok_or(ConfigurationError::EndlessJwt)?;
            self.lifetimes.refreshed_access_token().ok_or(ConfigurationError::EndlessJwt)?;
        }

        let configuration = Arc::new(Configuration {
            issuer: self.issuer,
            scopes,
            resources: ResourceCatalog::new(self.resources, &self.default_resources)?,
            redirect_uris: self.redirect_uris,
            lifetimes: self.lifetimes,
            refresh_policy: self.refresh_policy,
            grant_types: self.grant_types,
            pkce: self.pkce,
            access_token_format: self.access_token_format,
            signer,
            prefixes: self.prefixes,
            imported_tokens: self.imported_tokens,
            paths: self.paths,
            registration: self.registration,
            unvetted_errors: self.unvetted_errors,
            #[cfg(feature = "cimd")]
            client_documents: self.client_documents,
            remembered_consent: self.remembered_consent,
            consent_lifetime: self.consent_lifetime.min(Self::MAX_CONSENT),
            body_limit: self.body_limit,
            token_requests: self.token_requests,
            retention: self.retention,
            app_id_prefix: self.app_id_prefix,
            token_response: (!self.token_response.is_plain()).then(|| Arc::new(self.token_response)),
            authorization_parameters: self.authorization_parameters,
            wording: self.wording.catalog()?,
            telemetry: Telemetry::new(self.observer),
            rate_limits: RateLimits::new(self.rate_limiter),
        });
        let tokens: Arc<dyn TokenStore> = Arc::clone(&self.stores.grants) as _;
        let prefix: Prefix = configuration.prefixes.access_token.clone();
        let resource_server = match configuration.resources.iter().next() {
            Some(resource) => ResourceServer::new(tokens, prefix, resource.indicator.clone()),
            None => ResourceServer::for_any_resource(tokens, prefix),
        };
        let resource_server = match configuration.imported_tokens {
            ImportedTokens::Accepted => resource_server.with_imported_tokens(),
            ImportedTokens::Refused => resource_server,
        };
        let mut resource_server = resource_server
            .with_realm(configuration.issuer.authority())
            .with_clock(Arc::clone(&self.clock))
            .with_words(configuration.wording.clone())
            .with_telemetry(configuration.telemetry.clone())
            .with_rate_limits(configuration.rate_limits.clone())
            .with_verifier(configuration.signer.as_ref().map(|signer| signer.verifier().clone()));
        resource_server.personal_token_prefix.clone_from(&configuration.prefixes.personal_token);
        let resource_server = match self.resource_credentials {
            ResourceCredentials::AccessToken => resource_server,
            ResourceCredentials::AccessTokenOrClientSecret => {
                let clients = Arc::clone(&self.stores.clients);
                resource_server.with_clients_of(clients, Arc::clone(&configuration))
            }
        };
        Ok(AuthorizationServer {
            inner: Arc::new(Inner {
                documents: Documents::new(&configuration),
                configuration,
                clients: self.stores.clients,
                registry: self.stores.registry,
                grants: self.stores.grants,
                clock: self.clock,
                resource_server,
                credential_policy: self.credential_policy,
                reauthentication: self.reauthentication,
                #[cfg(feature = "cimd")]
                client_documents: DocumentCache::default(),
            }),
        })
    }
}
