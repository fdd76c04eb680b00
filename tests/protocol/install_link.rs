//! From the service's app store to an app that somebody installs, and back.

use grantor::client::ClientMetadata;
use grantor::{InstallLinkError, InvalidReturnTarget, NewApp, ReturnTarget};
use serde_json::json;

use crate::support::{SECRET, Setup, like_web};

/// The value of each parameter of a link called `redirect`.
fn redirects(link: &str) -> Vec<String> {
    let (_, query) = link.split_once('?').unwrap();
    let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    pairs.filter(|(name, _)| name == "redirect").map(|(_, value)| value).collect()
}

on_both_stores! {
    async fn an_app_that_is_installed_learns_where_to_return(setup) {
        let metadata = ClientMetadata::new().with_initiate_login_uri("https://web.test/install?plan=a%20b&x").unwrap();
        let app = NewApp::new(setup.alice.clone(), metadata, vec!["https://web.test/cb".parse().unwrap()]);
        let app = setup.server.register_public_app(app).await.unwrap();
        let stored = setup.server.client(app.client().id()).await.unwrap().unwrap();
        let link = setup.server.install_link(&stored, "/apps/board?tab=all&done=1").unwrap();
        assert!(link.starts_with("https://web.test/install?plan=a%20b&x&redirect="), "{link}");
        let [redirect] = &redirects(&link)[..] else { panic!("{link}") };
        assert_eq!(redirect, "https://as.test/apps/board?tab=all&done=1");
        // What the app does with it.
        let target = ReturnTarget::parse(setup.server.issuer(), redirect).unwrap();
        assert_eq!(target.path(), "/apps/board?tab=all&done=1");
    }

    async fn an_app_of_the_operator_has_an_install_link_too(setup) {
        let document = json!({
            "client_id": "in",
            "client_secret": SECRET,
            "redirect_uris": ["https://in.test/cb"],
            "initiate_login_uri": "https://in.test",
        });
        let client = setup.server.install_client(document.to_string().as_bytes()).await.unwrap();
        let link = setup.server.install_link(&client, "/").unwrap();
        assert_eq!(link, "https://in.test?redirect=https%3A%2F%2Fas.test%2F");
    }

    // ATK-032
    async fn a_link_never_leads_back_to_anywhere_else(setup) {
        let metadata = ClientMetadata::new().with_initiate_login_uri("https://web.test/install").unwrap();
        let client = like_web("installed").with_metadata(metadata);
        for foreign in [
            "https://evil.test/",
            "//evil.test",
            "/\\evil.test",
            "/\t/evil.test",
            "https:evil.test",
            "/%2Fevil.test",
            "https://as.test@evil.test/",
            "https://as.test.evil.test/",
            "apps",
            "",
        ] {
            let refused = setup.server.install_link(&client, foreign);
            assert_eq!(refused, Err(InstallLinkError::ReturnTarget(InvalidReturnTarget)), "{foreign:?}");
        }
        let smuggled = setup.server.install_link(&client, "/apps?a=1&redirect=https://evil.test/#x").unwrap();
        assert_eq!(redirects(&smuggled), ["https://as.test/apps?a=1&redirect=https://evil.test/#x"]);
        assert!(!smuggled.contains('#'));
    }

    async fn an_app_without_an_address_for_it_has_no_install_link(setup) {
        let refused = setup.server.install_link(&like_web("plain"), "/apps");
        assert_eq!(refused, Err(InstallLinkError::NoInitiateLoginUri));
    }
}
