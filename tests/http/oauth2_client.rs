//! The `oauth2` crate as a client that knows nothing of this server but its metadata.

use oauth2::basic::{
    BasicClient, BasicErrorResponse, BasicErrorResponseType as Kind, BasicTokenResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, IntrospectionUrl, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, RevocationUrl, Scope, StandardRevocableToken, TokenIntrospectionResponse as _,
    TokenResponse as _, TokenUrl,
};
use serde_json::Value;

use super::support::{ADA, App, Browser, Example, http_client};

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointSet, EndpointSet, EndpointSet>;

/// Carries the crate's requests. It revokes over https only, so this end plays the proxy that ends TLS before the
/// example.
async fn carry(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let mut request = reqwest::Request::try_from(request)?;
    request.url_mut().set_scheme("http").unwrap();
    let response = http_client().execute(request).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut carried = HttpResponse::new(response.bytes().await?.to_vec());
    *carried.status_mut() = status;
    *carried.headers_mut() = headers;
    Ok(carried)
}

/// A client for a registered app, with the endpoints that the server's metadata names.
async fn client(example: &Example, app: &App, auth_type: AuthType) -> Client {
    let document = http_client().get(example.url("/.well-known/oauth-authorization-server")).send().await.unwrap();
    let document: Value = document.json().await.unwrap();
    let endpoint = |name: &str| document[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
    let revocation = endpoint("revocation_endpoint").replacen("http:", "https:", 1);
    let client = BasicClient::new(ClientId::new(app.id.clone()))
        .set_auth_type(auth_type)
        .set_auth_uri(AuthUrl::new(endpoint("authorization_endpoint")).unwrap())
        .set_token_uri(TokenUrl::new(endpoint("token_endpoint")).unwrap())
        .set_introspection_url(IntrospectionUrl::new(endpoint("introspection_endpoint")).unwrap())
        .set_revocation_url(RevocationUrl::new(revocation).unwrap())
        .set_redirect_uri(RedirectUrl::new(app.redirect_uri.clone()).unwrap());
    match &app.secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.clone())),
        None => client,
    }
}

/// Ada approves what the client asks for; the code, and the verifier that goes with it.
async fn authorize(
    example: &Example,
    app: &App,
    client: &Client,
    scopes: &[&str],
) -> (AuthorizationCode, PkceCodeVerifier) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = scopes.iter().map(|scope| Scope::new((*scope).to_owned()));
    let (url, state) =
        client.authorize_url(CsrfToken::new_random).add_scopes(scopes).set_pkce_challenge(challenge).url();
    let mut browser = Browser::signed_in(example, ADA).await;
    let path = url.as_str().strip_prefix(&example.origin()).unwrap();
    let form = browser.visit(path).await.form("/oauth/authorize").press("decision", "approve");
    let answer = browser.submit(&form).await.answer_to(&app.redirect_uri);
    assert_eq!(answer.get("state"), Some(state.secret().as_str()));
    (AuthorizationCode::new(answer.code().to_owned()), verifier)
}

#[track_caller]
fn kind<RE: std::error::Error + 'static>(error: RequestTokenError<RE, BasicErrorResponse>) -> Kind {
    match error {
        RequestTokenError::ServerResponse(response) => {
            assert!(response.error_description().is_some_and(|text| !text.is_empty()), "{response:?}");
            response.error().clone()
        }
        other => panic!("not an OAuth error: {other:?}"),
    }
}

/// Scope as a set: a client compares it so.
fn scopes(tokens: &BasicTokenResponse) -> Vec<&str> {
    let mut scopes: Vec<&str> = tokens.scopes().into_iter().flatten().map(|scope| scope.as_str()).collect();
    scopes.sort_unstable();
    scopes
}

/// From the code to the last refresh, for any kind of client.
async fn whole_life(app: App, auth_type: AuthType) {
    let example = Example::shared();
    let client = client(&example, &app, auth_type).await;
    let (code, verifier) = authorize(&example, &app, &client, &["links:read", "stats:read"]).await;
    let tokens = client.exchange_code(code).set_pkce_verifier(verifier).request_async(&carry).await.unwrap();
    assert_eq!(*tokens.token_type(), BasicTokenType::Bearer);
    assert_eq!(scopes(&tokens), ["links:read", "stats:read"]);
    assert!(tokens.expires_in().is_some_and(|life| !life.is_zero()));
    app.call("/links", tokens.access_token().secret()).await.expect(200);

    let first = tokens.refresh_token().expect("a refresh token").clone();
    let refreshed = client.exchange_refresh_token(&first).request_async(&carry).await.unwrap();
    assert_eq!(scopes(&refreshed), ["links:read", "stats:read"]);
    app.call("/stats", refreshed.access_token().secret()).await.expect(200);
    let second = refreshed.refresh_token().expect("a refresh token").clone();
    let narrowed = client.exchange_refresh_token(&second).add_scope(Scope::new("links:read".to_owned()));
    let narrowed = narrowed.request_async(&carry).await.unwrap();
    assert_eq!(scopes(&narrowed), ["links:read"]);
    app.call("/stats", narrowed.access_token().secret()).await.expect_error(403, "insufficient_scope");

    let last = narrowed.refresh_token().expect("a refresh token").clone();
    let token = StandardRevocableToken::from(last.clone());
    client.revoke_token(token).unwrap().request_async(&carry).await.unwrap();
    let refused = client.exchange_refresh_token(&last).request_async(&carry).await.unwrap_err();
    assert_eq!(kind(refused), Kind::InvalidGrant);
    app.call("/links", narrowed.access_token().secret()).await.expect_error(401, "invalid_token");
}

#[tokio::test]
async fn a_public_client_gets_refreshes_and_gives_back_its_tokens() {
    let example = Example::shared();
    whole_life(App::public(&example).await, AuthType::RequestBody).await;
}

#[tokio::test]
async fn a_confidential_client_does_so_with_its_secret_in_the_header() {
    let example = Example::shared();
    whole_life(App::confidential(&example).await, AuthType::BasicAuth).await;
}

#[tokio::test]
async fn a_confidential_client_does_so_with_its_secret_in_the_body() {
    let example = Example::shared();
    whole_life(App::confidential(&example).await, AuthType::RequestBody).await;
}

#[tokio::test]
async fn a_client_acts_for_itself_and_looks_at_its_own_tokens() {
    let example = Example::shared();
    let app = App::confidential(&example).await;
    let client = client(&example, &app, AuthType::BasicAuth).await;
    let tokens = client.exchange_client_credentials().add_scope(Scope::new("stats:read".to_owned()));
    let tokens = tokens.request_async(&carry).await.unwrap();
    assert_eq!(scopes(&tokens), ["stats:read"]);
    assert!(tokens.refresh_token().is_none());

    let seen = client.introspect(tokens.access_token()).request_async(&carry).await.unwrap();
    assert!(seen.active());
    assert_eq!(seen.client_id().map(|id| id.as_str()), Some(app.id.as_str()));
    assert_eq!(seen.scopes().map(|scopes| scopes.len()), Some(1));
    assert_eq!(seen.iss(), Some(example.origin().as_str()));
    assert!(seen.exp() > seen.iat());

    let token = StandardRevocableToken::from(tokens.access_token().clone());
    client.revoke_token(token).unwrap().request_async(&carry).await.unwrap();
    let seen = client.introspect(tokens.access_token()).request_async(&carry).await.unwrap();
    assert!(!seen.active());
    assert!(seen.client_id().is_none() && seen.scopes().is_none() && seen.exp().is_none());
}

#[tokio::test]
async fn a_client_learns_nothing_about_the_tokens_of_another() {
    let example = Example::shared();
    let (app, other) = (App::confidential(&example).await, App::confidential(&example).await);
    let other = client(&example, &other, AuthType::BasicAuth).await;
    let client = client(&example, &app, AuthType::BasicAuth).await;
    let tokens = client.exchange_client_credentials().request_async(&carry).await.unwrap();
    assert!(!other.introspect(tokens.access_token()).request_async(&carry).await.unwrap().active());
    let revoked = other.revoke_token(StandardRevocableToken::from(tokens.access_token().clone())).unwrap();
    let _ = revoked.request_async(&carry).await;
    assert!(client.introspect(tokens.access_token()).request_async(&carry).await.unwrap().active());
}

#[tokio::test]
async fn every_error_is_one_that_the_client_knows() {
    let example = Example::shared();
    let app = App::confidential(&example).await;
    let right = client(&example, &app, AuthType::BasicAuth).await;
    let wrong = app.clone().with_secret(Some("wrong"));
    let public = App::public(&example).await;

    let (verifier, garbage) = (PkceCodeChallenge::new_random_sha256().1, AuthorizationCode::new("garbage".to_owned()));
    let refused = right.exchange_code(garbage).set_pkce_verifier(verifier).request_async(&carry).await.unwrap_err();
    assert_eq!(kind(refused), Kind::InvalidGrant);
    let refused = right.exchange_refresh_token(&RefreshToken::new("garbage".to_owned())).request_async(&carry).await;
    assert_eq!(kind(refused.unwrap_err()), Kind::InvalidGrant);
    for auth_type in [AuthType::BasicAuth, AuthType::RequestBody] {
        let wrong = client(&example, &wrong, auth_type).await;
        let refused = wrong.exchange_client_credentials().request_async(&carry).await.unwrap_err();
        assert_eq!(kind(refused), Kind::InvalidClient);
        let token = AccessToken::new("garbage".to_owned());
        assert_eq!(kind(wrong.introspect(&token).request_async(&carry).await.unwrap_err()), Kind::InvalidClient);
    }
    let bogus = right.exchange_client_credentials().add_scope(Scope::new("bogus".to_owned()));
    assert_eq!(kind(bogus.request_async(&carry).await.unwrap_err()), Kind::InvalidScope);
    let public = client(&example, &public, AuthType::RequestBody).await;
    let refused = public.exchange_client_credentials().request_async(&carry).await.unwrap_err();
    assert_eq!(kind(refused), Kind::UnauthorizedClient);
    let (name, password) = (
        oauth2::ResourceOwnerUsername::new(ADA.username.to_owned()),
        oauth2::ResourceOwnerPassword::new(ADA.password.to_owned()),
    );
    let refused = right.exchange_password(&name, &password).request_async(&carry).await.unwrap_err();
    assert_eq!(kind(refused), Kind::UnsupportedGrantType);
}

#[tokio::test]
async fn a_code_that_somebody_tried_with_a_wrong_verifier_still_works_for_its_client_and_once() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let client = client(&example, &app, AuthType::RequestBody).await;
    let (code, verifier) = authorize(&example, &app, &client, &["links:read"]).await;
    let stolen = PkceCodeChallenge::new_random_sha256().1;
    let refused = client.exchange_code(code.clone()).set_pkce_verifier(stolen).request_async(&carry).await;
    assert_eq!(kind(refused.unwrap_err()), Kind::InvalidGrant);
    let again = PkceCodeVerifier::new(verifier.secret().clone());
    let tokens = client.exchange_code(code.clone()).set_pkce_verifier(verifier).request_async(&carry).await.unwrap();
    app.call("/links", tokens.access_token().secret()).await.expect(200);

    let replayed = client.exchange_code(code).set_pkce_verifier(again).request_async(&carry).await;
    assert_eq!(kind(replayed.unwrap_err()), Kind::InvalidGrant);
}
