//! What the protocol demands, through `AuthorizationServer` in process, on `MemoryStore` and `SqliteStore` both.

#[macro_use]
mod support;

mod advertised_features;
mod authorization;
mod authorization_errors;
mod authorization_response;
mod back_channel_attacks;
mod bearer;
mod browser;
mod client_authentication;
mod client_credentials;
mod code_exchange;
mod concurrency;
mod consent;
mod cors;
mod dropped_futures;
mod dropped_registrations;
mod introspection;
mod issuer;
mod metadata;
mod native_apps;
mod pkce;
mod protected_resource_metadata;
mod redirect_uris;
mod refresh;
mod refresh_grace;
mod registration;
mod registration_management;
mod registration_metadata;
mod registration_rules;
mod remembered_consent;
mod resources;
mod revocation;
mod scope;
mod secrets;
mod single_decision;
mod smoke;
mod store_failure;
mod store_failure_front;
mod store_trips;
mod token_endpoint;
mod token_response;
