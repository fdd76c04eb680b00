//! What the metadata could only be wrong about cannot be configured.

use std::sync::Arc;

use grantor::cimd::ClientIdMetadataDocuments;
use grantor::client::GrantType;
use grantor::configuration::{ConfigurationError, Registration, RegistrationAuthentication, RegistrationRules};
use grantor::store::MemoryStore;
use grantor::{AuthorizationServer, AuthorizationServerBuilder, Issuer};

use crate::client_documents::site::Site;

fn refusal(
    change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
) -> Option<ConfigurationError> {
    let issuer = Issuer::parse("https://as.test").unwrap();
    let builder = AuthorizationServer::builder(issuer, Arc::new(MemoryStore::new())).scope("read", "Read");
    change(builder).build().err()
}

// META-016, META-019: an endpoint that could answer no 201, and documents that could describe nobody, are not advertised.
#[test]
fn whoever_lets_newcomers_in_has_a_grant_that_they_can_use() {
    use GrantType::{AuthorizationCode, ClientCredentials, RefreshToken};
    use RegistrationAuthentication::{AsAsked, PublicOnly};
    let registers = |own: &'static [GrantType], theirs: &'static [GrantType], authentication| {
        let rules =
            RegistrationRules::new().with_grant_types(theirs.iter().copied()).with_authentication(authentication);
        let open = rules.clone();
        let guarded = Registration::Guarded { initial_tokens: Vec::new(), rules };
        let refused = [Registration::Open(open), guarded]
            .map(|registration| refusal(|builder| builder.grant_types(own.iter().copied()).registration(registration)));
        assert_eq!(refused[0], refused[1]);
        assert!(matches!(refused[0], None | Some(ConfigurationError::NoGrantType)), "{refused:?}");
        refused[0].is_none()
    };
    assert!(registers(&GrantType::ALL, &[AuthorizationCode], PublicOnly));
    assert!(registers(&GrantType::ALL, &[ClientCredentials], AsAsked));
    assert!(registers(&[ClientCredentials], &GrantType::ALL, AsAsked));
    assert!(!registers(&GrantType::ALL, &[RefreshToken], AsAsked));
    assert!(!registers(&GrantType::ALL, &[], AsAsked));
    assert!(!registers(&[ClientCredentials], &[AuthorizationCode, RefreshToken], AsAsked));
    assert!(!registers(&[AuthorizationCode], &[ClientCredentials], AsAsked));
    assert!(!registers(&GrantType::ALL, &[ClientCredentials, RefreshToken], PublicOnly));

    let reads = |own: &'static [GrantType]| {
        let documents = ClientIdMetadataDocuments::new(Arc::new(Site::default()));
        refusal(|builder| builder.grant_types(own.iter().copied()).client_id_metadata_documents(documents))
    };
    assert_eq!(reads(&[AuthorizationCode]), None);
    assert_eq!(reads(&[ClientCredentials]), Some(ConfigurationError::NoGrantType));
    assert_eq!(reads(&[ClientCredentials, RefreshToken]), Some(ConfigurationError::NoGrantType));
}
