//! The configurations: each that decides about a member, or might.

use std::time::Duration;

use grantor::client::GrantType;
use grantor::configuration::{
    EndpointPaths, ImportedTokens, Registration, RegistrationAuthentication, RegistrationManagement, RegistrationRules,
    RememberedConsent, ResourceCredentials, TokenRequestBodies, TokenResponseShape,
};
use grantor::jwt::{Algorithm, KeySet, SigningKey};
use grantor::policy::{AccessTokenFormat, ClientPolicies, PkceRequirement, RefreshPolicy, UnknownScope};
use grantor::secret::SecretHash;

use super::plan::Plan;

/// Each of these is a test of its own.
macro_rules! configurations {
    ($($(#[$about:meta])* fn $name:ident($plan:ident) $body:block)*) => {
        $($(#[$about])* pub fn $name($plan: Plan) -> Plan $body)*

        mod says_what_is_wired {
            $(
                #[tokio::test]
                async fn $name() {
                    $crate::metadata_is_what_is_wired::expect_truth(super::$name).await;
                }
            )*
        }
    };
}

const ROTATION: RefreshPolicy = RefreshPolicy::Rotate { grace: Duration::from_secs(10) };

fn open(
    rules: RegistrationRules,
) -> impl FnOnce(grantor::AuthorizationServerBuilder) -> grantor::AuthorizationServerBuilder {
    move |builder| builder.registration(Registration::Open(rules))
}

fn keys(algorithm: Algorithm) -> KeySet {
    KeySet::new(SigningKey::generate(algorithm).unwrap())
}

fn signed(plan: Plan, algorithm: Algorithm) -> Plan {
    plan.api("https://api.test/one")
        .with(move |builder| builder.access_token_format(AccessTokenFormat::Jwt).access_token_keys(keys(algorithm)))
}

fn grants<const N: usize>(plan: Plan, grant_types: [GrantType; N]) -> Plan {
    plan.with(move |builder| builder.grant_types(grant_types))
}

configurations! {
    fn nothing_but_scopes(plan) { plan }

    // Who may register.
    fn open_registration(plan) { plan.with(open(RegistrationRules::new())) }
    fn registration_with_an_initial_token(plan) {
        let initial_tokens = vec![SecretHash::of("initial")];
        let rules = RegistrationRules::new();
        plan.initial_token("initial")
            .with(|builder| builder.registration(Registration::Guarded { initial_tokens, rules }))
    }
    fn registration_without_secrets(plan) {
        plan.with(open(RegistrationRules::new().with_authentication(RegistrationAuthentication::PublicOnly)))
    }
    fn registration_without_management(plan) {
        plan.with(open(RegistrationRules::new().with_management(RegistrationManagement::Disabled)))
    }
    fn registration_for_client_credentials_alone(plan) {
        plan.with(open(RegistrationRules::new().with_grant_types([GrantType::ClientCredentials])))
    }
    fn registration_for_less_scope(plan) {
        plan.with(open(RegistrationRules::new().with_scope("read".parse().unwrap())))
    }

    // Which grants there are.
    fn codes_alone(plan) { grants(plan, [GrantType::AuthorizationCode]) }
    fn codes_and_refresh_tokens(plan) { grants(plan, [GrantType::AuthorizationCode, GrantType::RefreshToken]) }
    fn codes_and_client_credentials(plan) { grants(plan, [GrantType::AuthorizationCode, GrantType::ClientCredentials]) }
    fn client_credentials_alone(plan) { grants(plan, [GrantType::ClientCredentials]) }
    fn client_credentials_and_the_refresh_tokens_of_yesterday(plan) {
        grants(plan.had_codes(), [GrantType::ClientCredentials, GrantType::RefreshToken])
    }
    fn client_credentials_and_registration(plan) {
        let rules = RegistrationRules::new().with_grant_types([GrantType::ClientCredentials]);
        grants(plan, [GrantType::ClientCredentials]).with(open(rules))
    }

    // Who gets refresh tokens.
    fn no_refresh_tokens(plan) { plan.with(|builder| builder.refresh_policy(RefreshPolicy::Never)) }
    fn refresh_tokens_that_stay(plan) { plan.with(|builder| builder.refresh_policy(RefreshPolicy::Reuse)) }
    fn refresh_tokens_for_those_alone_who_register_themselves(plan) {
        let policies = ClientPolicies::new().with_refresh_policy(ROTATION);
        plan.with(open(RegistrationRules::new().with_policies(policies)))
            .with(|builder| builder.refresh_policy(RefreshPolicy::Never))
    }
    fn refresh_tokens_for_those_alone_who_have_a_document(plan) {
        let policies = ClientPolicies::new().with_refresh_policy(ROTATION);
        plan.documents(|documents| documents.with_policies(policies))
            .with(|builder| builder.refresh_policy(RefreshPolicy::Never))
    }
    fn refresh_tokens_for_nobody_who_registers(plan) {
        let policies = ClientPolicies::new().with_refresh_policy(RefreshPolicy::Never);
        plan.with(open(RegistrationRules::new().with_policies(policies)))
    }
    fn a_policy_for_newcomers_who_may_not_refresh(plan) {
        let policies = ClientPolicies::new().with_refresh_policy(ROTATION);
        let rules = RegistrationRules::new().with_grant_types([GrantType::AuthorizationCode]).with_policies(policies);
        plan.with(open(rules)).with(|builder| builder.refresh_policy(RefreshPolicy::Never))
    }

    // PKCE.
    fn pkce_for_public_clients(plan) { plan.with(|builder| builder.pkce(PkceRequirement::Exempt)) }
    fn pkce_for_whoever_wants_it(plan) { plan.with(|builder| builder.pkce(PkceRequirement::Optional)) }

    // Clients that nobody registers.
    fn documents(plan) { plan.documents(|documents| documents) }
    fn documents_for_less_scope(plan) { plan.documents(|documents| documents.with_scope("read".parse().unwrap())) }
    fn documents_and_registration(plan) {
        plan.documents(|documents| documents).with(open(RegistrationRules::new()))
    }

    // Signatures.
    fn tokens_signed_with_rs256(plan) { signed(plan, Algorithm::Rs256) }
    fn tokens_signed_with_es256(plan) { signed(plan, Algorithm::Es256) }
    fn tokens_signed_with_eddsa(plan) { signed(plan, Algorithm::EdDsa) }
    fn tokens_signed_for_nobody_in_particular(plan) {
        plan.with(|builder| {
            builder.access_token_format(AccessTokenFormat::Jwt).access_token_keys(keys(Algorithm::EdDsa))
        })
    }
    fn tokens_signed_for_one_client(plan) {
        plan.web(|client| {
            client.with_policies(ClientPolicies::new().with_access_token_format(AccessTokenFormat::Jwt))
        })
        .with(|builder| builder.access_token_keys(keys(Algorithm::Es256)))
    }
    fn tokens_signed_for_newcomers(plan) {
        let policies = || ClientPolicies::new().with_access_token_format(AccessTokenFormat::Jwt);
        plan.with(open(RegistrationRules::new().with_policies(policies())))
            .documents(move |documents| documents.with_policies(policies()))
            .with(|builder| builder.access_token_keys(keys(Algorithm::Es256)))
    }
    fn keys_that_were_replaced(plan) {
        let old = SigningKey::generate(Algorithm::Rs256).unwrap().verification_key();
        plan.with(|builder| {
            let keys = keys(Algorithm::EdDsa).with_verification_key(old);
            builder.access_token_format(AccessTokenFormat::Jwt).access_token_keys(keys)
        })
    }

    // Scopes.
    fn a_default_scope(plan) { plan.with(|builder| builder.default_scope("read".parse().unwrap())) }
    fn unknown_scopes_are_dropped(plan) { plan.with(|builder| builder.unknown_scope(UnknownScope::Drop)) }
    fn a_scope_for_everything(plan) { plan.wildcard("*") }
    fn a_scope_that_brings_another(plan) {
        plan.scope("admin").with(|builder| builder.scope_implies("admin", ["read", "write"]))
    }
    fn offline_access_is_a_scope(plan) { plan.scope("offline_access").api("https://api.test/one") }
    fn offline_access_is_a_scope_without_refresh_tokens(plan) {
        plan.scope("offline_access").with(|builder| builder.refresh_policy(RefreshPolicy::Never))
    }
    fn offline_access_that_no_api_understands(plan) {
        plan.scope("offline_access").limited_api("https://api.test/one", "read")
    }
    fn offline_access_that_no_api_understands_without_refresh_tokens(plan) {
        plan.scope("offline_access")
            .limited_api("https://api.test/one", "read")
            .with(|builder| builder.refresh_policy(RefreshPolicy::Never))
    }
    fn a_scope_that_no_api_understands(plan) {
        plan.scope("admin").limited_api("https://api.test/one", "read").limited_api("https://api.test/two", "write")
    }
    fn a_scope_for_everything_that_the_apis_understand(plan) {
        plan.scope("admin").wildcard("*").limited_api("https://api.test/one", "read")
    }
    fn a_scope_that_brings_what_alone_is_understood(plan) {
        plan.scope("admin")
            .limited_api("https://api.test/one", "read write")
            .with(|builder| builder.scope_implies("admin", ["read"]))
    }

    // APIs.
    fn one_api(plan) { plan.api("https://api.test/one") }
    fn an_api_with_a_name(plan) { plan.named_api("https://as.test/api", "Notes") }
    fn an_api_that_is_the_whole_host(plan) { plan.api("https://api.test") }
    fn several_apis(plan) {
        plan.api("https://api.test/one").api("https://other.test/two").api("https://as.test/three")
    }
    fn apis_of_different_scopes(plan) {
        plan.scope("admin").limited_api("https://as.test/one", "read").limited_api("https://as.test/two", "read write")
            .api("https://api.test/all")
    }
    fn an_api_that_understands_offline_access(plan) {
        plan.scope("offline_access").limited_api("https://as.test/one", "read offline_access")
    }
    fn tokens_for_both_apis_by_default(plan) {
        plan.api("https://as.test/one").api("https://as.test/two").with(|builder| {
            builder.default_resources(["https://as.test/one", "https://as.test/two"].map(|uri| uri.parse().unwrap()))
        })
    }
    fn signed_tokens_for_several_apis(plan) { signed(plan, Algorithm::EdDsa).api("https://as.test/two") }

    // Where it is.
    fn an_issuer_with_a_path(plan) { plan.issuer("https://as.test/tenant/1").api("https://as.test/tenant/1/api") }
    fn endpoints_below_a_path(plan) { plan.paths(EndpointPaths::under("/oauth")).with(open(RegistrationRules::new())) }
    fn each_endpoint_elsewhere(plan) {
        let paths = EndpointPaths::under("/a")
            .with_authorize("/login/authorize")
            .with_token("/t")
            .with_revoke("/b/end")
            .with_introspect("/c/d/e")
            .with_register("/join")
            .with_jwks("/keys.json");
        signed(plan.paths(paths), Algorithm::EdDsa).with(open(RegistrationRules::new()))
    }

    // What should make no difference.
    fn tokens_for_json(plan) { plan.with(|builder| builder.token_requests(TokenRequestBodies::FormOrJson)) }
    fn tokens_of_another_server(plan) { plan.with(|builder| builder.imported_tokens(ImportedTokens::Accepted)) }
    fn consent_every_time(plan) { plan.with(|builder| builder.remembered_consent(RememberedConsent::Disabled)) }
    fn a_null_where_there_is_no_refresh_token(plan) {
        grants(plan, [GrantType::AuthorizationCode])
            .with(|builder| builder.token_response(TokenResponseShape::new().with_null_refresh_token()))
    }
    fn apis_that_take_secrets(plan) {
        plan.with(|builder| builder.resource_credentials(ResourceCredentials::AccessTokenOrClientSecret))
    }

    fn everything(plan) {
        let plan = plan.issuer("https://as.test/tenant").paths(EndpointPaths::under("/oauth")).scope("admin");
        signed(plan.wildcard("*"), Algorithm::Es256)
            .named_api("https://as.test/two", "Two")
            .limited_api("https://as.test/three", "read")
            .documents(|documents| documents)
            .with(open(RegistrationRules::new().with_grant_types(GrantType::ALL)))
            .with(|builder| builder.default_scope("read".parse().unwrap()).pkce(PkceRequirement::Exempt))
    }
}
