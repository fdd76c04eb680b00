//! Who may create apps, their secrets and personal access tokens on the host's pages, and change apps.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantor::client::{Client, ClientMetadata, SecretMethod};
use grantor::clock::Timestamp;
use grantor::error::{EndpointError, ErrorReason, StoreError};
use grantor::secret::ClientSecret;
use grantor::store::Page;
use grantor::{
    AppChanges, CredentialDecision, CredentialPolicy, CredentialRequest, Developer, NewApp, NewPersonalToken,
    Revocation,
};

use crate::personal_tokens::{ALL, issue, listed, new, reason};
use crate::support::{Form, SECRET, Setup, like_web};

const HOUR: Duration = Duration::from_hours(1);

/// Decides as it is told to, and remembers what it was asked.
#[derive(Debug)]
struct Policy {
    decision: Mutex<Result<CredentialDecision, ()>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl CredentialPolicy for Policy {
    async fn may_create(&self, request: &CredentialRequest<'_>) -> Result<CredentialDecision, StoreError> {
        let kind = match request {
            CredentialRequest::PersonalToken(token) => format!("{} [{}]", token.name(), token.scope()),
            CredentialRequest::App(_) => "app".to_owned(),
            CredentialRequest::Secret { client, .. } => format!("secret of {}", client.id()),
            CredentialRequest::AppChange { client, changed, .. } => {
                let names = [client.display_name(), changed.display_name()].join(" to ");
                format!("{names}{}", if changed.is_public() { ", public" } else { "" })
            }
            other => panic!("{other:?}"),
        };
        let tenant = request.tenant().map_or("-", |tenant| tenant.as_str());
        let proved = request.authenticated_at().map_or(-1, |at| at.unix_seconds());
        self.asked.lock().unwrap().push(format!("{} {kind} {tenant} {proved}", request.subject()));
        self.decision.lock().unwrap().map_err(|()| StoreError::unavailable("the table of members"))
    }
}

impl Policy {
    fn new() -> Arc<Self> {
        Arc::new(Self { decision: Mutex::new(Ok(CredentialDecision::Allow)), asked: Mutex::default() })
    }

    fn answer(&self, decision: Result<CredentialDecision, ()>) {
        *self.decision.lock().unwrap() = decision;
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// How a policy can refuse, and what the user is told.
const REFUSALS: [(Result<CredentialDecision, ()>, ErrorReason); 3] = [
    (Ok(CredentialDecision::Deny), ErrorReason::CredentialNotAllowed),
    (Ok(CredentialDecision::Reauthenticate), ErrorReason::ReauthenticationRequired),
    (Err(()), ErrorReason::StoreUnavailable),
];

fn app(setup: &Setup) -> NewApp {
    let uris = vec!["https://app.example/cb".parse().unwrap()];
    NewApp::new(setup.alice.clone(), ClientMetadata::new(), uris)
}

/// A confidential app of alice's and a public one, both in the tenant red.
async fn apps(setup: &Setup) -> [Client; 2] {
    let red = |client: Client| client.with_owner(setup.alice.clone()).with_tenant("red".parse().unwrap());
    let confidential = red(like_web("mine"));
    let public = Client::public("open".parse().unwrap()).with_redirect_uri("https://app.test/cb".parse().unwrap());
    let public = red(public);
    setup.add(confidential.clone()).await;
    setup.add(public.clone()).await;
    [confidential, public]
}

/// What each call answers that makes a secret for an app of alice's, who proved who she is then.
async fn make_secrets(setup: &Setup, at: Option<Timestamp>) -> [Result<(), EndpointError>; 3] {
    let (alice, server) = (alice(setup, at), &setup.server);
    let mine = "mine".parse().unwrap();
    let noted = |secret: ClientSecret| setup.secrets.note("secret", secret.expose());
    [
        server.rotate_secret(alice, &mine, HOUR).await.map(noted),
        server.reset_secret(alice, &mine).await.map(noted),
        server.make_confidential(alice, &"open".parse().unwrap(), SecretMethod::Post).await.map(|app| {
            setup.secrets.note("secret", app.secret().unwrap().expose());
        }),
    ]
}

/// What each other call answers that changes an app of alice's.
async fn change_apps(setup: &Setup, at: Option<Timestamp>) -> [Result<(), EndpointError>; 2] {
    let (alice, server) = (alice(setup, at), &setup.server);
    let mine = "mine".parse().unwrap();
    let renamed = AppChanges::new().with_metadata(ClientMetadata::new().with_name("Changed").unwrap());
    [server.update_app(alice, &mine, renamed).await.map(drop), server.make_public(alice, &mine).await.map(drop)]
}

fn alice(setup: &Setup, at: Option<Timestamp>) -> Developer<'_> {
    let alice = Developer::new(&setup.alice);
    at.map_or(alice, |at| alice.with_authenticated_at(at))
}

async fn works(setup: &Setup, secret: &str) -> bool {
    let form = Form::of(&[("token", "x"), ("client_id", "mine"), ("client_secret", secret)]);
    setup.post("/oauth/introspect", &form, None).await.status == 200
}

#[tokio::test]
async fn the_policy_of_the_host_decides_on_tokens_resets_and_apps() {
    let policy = Policy::new();
    for setup in Setup::both_with(|builder| builder.credential_policy(policy.clone())).await {
        policy.answer(Ok(CredentialDecision::Allow));
        let blue = new(&setup, "Backup").with_tenant("blue".parse().unwrap()).with_authenticated_at(setup.now());
        let issued = issue(&setup, blue.clone()).await.unwrap();
        for (decision, reason) in REFUSALS {
            policy.answer(decision);
            policy.take();
            assert_eq!(issue(&setup, blue.clone()).await.unwrap_err().reason(), reason);
            let reset = setup.server.reset_personal_token(&setup.alice, &issued.grant_id(), None).await;
            assert_eq!(reset.unwrap_err().reason(), reason);
            let app = setup.server.register_public_app(app(&setup).with_tenant("red".parse().unwrap())).await;
            assert_eq!(app.unwrap_err().reason(), reason);
            let now = setup.now().unix_seconds();
            let asked = [
                format!("alice Backup [read] blue {now}"),
                "alice Backup [read] blue -1".into(),
                "alice app red -1".into(),
            ];
            assert_eq!(policy.take(), asked);
        }
        assert!(setup.is_accepted(issued.token().expose()).await, "a reset that is refused ends nothing");
        assert_eq!(listed(&setup, &setup.alice).await.len(), 1);
        assert!(setup.server.apps(&setup.alice, Page::first(ALL)).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_policy_decides_on_new_secrets_and_on_changes_of_apps() {
    let policy = Policy::new();
    for setup in Setup::both_with(|builder| builder.credential_policy(policy.clone())).await {
        let apps = apps(&setup).await;
        for (decision, reason) in REFUSALS {
            policy.answer(decision);
            policy.take();
            let at = Some(setup.now());
            for refused in make_secrets(&setup, at).await.into_iter().chain(change_apps(&setup, at).await) {
                assert_eq!(refused.unwrap_err().reason(), reason);
            }
            let now = setup.now().unix_seconds();
            let asked =
                ["secret of mine", "secret of mine", "secret of open", "mine to Changed", "mine to mine, public"];
            assert_eq!(policy.take(), asked.map(|asked| format!("alice {asked} red {now}")));
        }
        for app in apps {
            assert_eq!(*setup.server.client(app.id()).await.unwrap().unwrap(), app, "nothing was changed");
        }
        policy.answer(Ok(CredentialDecision::Allow));
        for allowed in make_secrets(&setup, None).await.into_iter().chain(change_apps(&setup, None).await) {
            allowed.unwrap();
        }
        assert!(!works(&setup, SECRET).await);
    }
}

#[tokio::test]
async fn nobody_is_asked_about_what_takes_away_what_the_operator_does_and_what_is_somebody_elses() {
    let policy = Policy::new();
    for setup in Setup::both_with(|builder| builder.credential_policy(policy.clone())).await {
        policy.answer(Ok(CredentialDecision::Allow));
        let id = apps(&setup).await[0].id().clone();
        let issued = issue(&setup, new(&setup, "Backup")).await.unwrap();
        policy.take();
        policy.answer(Ok(CredentialDecision::Deny));
        let bob = "bob".parse().unwrap();
        assert_eq!(
            setup.server.reset_secret(&bob, &id).await.unwrap_err().reason(),
            ErrorReason::ClientUnknown,
            "whose app it is comes first"
        );
        let rotated = setup.server.rotate_client_secret(&id, HOUR).await.unwrap();
        setup.secrets.note("secret", rotated.expose());
        setup.server.end_previous_secret(&setup.alice, &id).await.unwrap();
        let revoked = setup.server.revoke_own_grant(&setup.alice, &issued.grant_id()).await.unwrap();
        assert_eq!(revoked, Revocation::Revoked);
        let _ = setup.server.delete_own_client(&setup.alice, &id).await.unwrap();
        assert!(policy.take().is_empty());
    }
}

// What stands for other tokens must not hide them from whoever decides.
#[tokio::test]
async fn the_policy_is_shown_all_that_a_token_would_allow_and_where() {
    let policy = Policy::new();
    let declared = |builder: grantor::AuthorizationServerBuilder| {
        builder.credential_policy(policy.clone()).wildcard_scope("*").scope_implies("admin", ["write"])
    };
    for setup in Setup::both_with(declared).await {
        setup.change("web", |client| client.with_tenant("blue".parse().unwrap())).await;
        policy.take();
        let scoped =
            |scope: &str| NewPersonalToken::new(setup.alice.clone(), "x".parse().unwrap(), scope.parse().unwrap());
        for (asked, scope, tenant) in [
            (scoped("*"), "read write admin", "-"),
            (scoped("admin"), "admin write", "-"),
            (scoped("*").for_client("svc".parse().unwrap()), "read write", "-"),
            (scoped("read").for_client("web".parse().unwrap()), "read", "blue"),
        ] {
            let issued = issue(&setup, asked).await.unwrap();
            assert_eq!(issued.grant().scope.as_str(), scope);
            assert_eq!(policy.take(), [format!("alice x [{scope}] {tenant} -1")]);
        }
    }
}

#[tokio::test]
async fn whoever_creates_something_must_have_proved_who_they_are_lately() {
    let age = Duration::from_mins(5);
    for setup in Setup::both_with(|builder| builder.reauthentication(age)).await {
        let required = ErrorReason::ReauthenticationRequired;
        let proved = setup.now();
        assert_eq!(reason(issue(&setup, new(&setup, "x")).await), required, "the page did not say");
        let issued = issue(&setup, new(&setup, "x").with_authenticated_at(proved)).await.unwrap();
        setup.clock.advance(age);
        assert!(issue(&setup, new(&setup, "x").with_authenticated_at(proved)).await.is_ok());
        assert!(setup.server.register_public_app(app(&setup).with_authenticated_at(proved)).await.is_ok());
        setup.clock.advance(Duration::from_millis(1));
        assert_eq!(reason(issue(&setup, new(&setup, "x").with_authenticated_at(proved)).await), required);
        let refused = setup.server.register_public_app(app(&setup).with_authenticated_at(proved)).await;
        assert_eq!(refused.unwrap_err().reason(), required);
        let reset = async |at| setup.server.reset_personal_token(&setup.alice, &issued.grant_id(), at).await;
        assert_eq!(reason(reset(None).await), required);
        assert_eq!(reason(reset(Some(proved)).await), required);
        assert!(reset(Some(setup.now())).await.is_ok());
    }
}

#[tokio::test]
async fn a_secret_too_is_made_only_for_whoever_proved_who_they_are_lately() {
    let age = Duration::from_mins(5);
    for setup in Setup::both_with(|builder| builder.reauthentication(age)).await {
        apps(&setup).await;
        let early = setup.now();
        setup.clock.advance(age + Duration::from_millis(1));
        for at in [None, Some(early)] {
            for refused in make_secrets(&setup, at).await {
                assert_eq!(refused.unwrap_err().reason(), ErrorReason::ReauthenticationRequired);
            }
            assert!(works(&setup, SECRET).await);
        }
        for allowed in make_secrets(&setup, Some(setup.now().saturating_sub(age))).await {
            allowed.unwrap();
        }
    }
}

// The page says nothing of a password then; a policy of the host's may ask for one all the same.
#[tokio::test]
async fn a_change_that_makes_no_credential_needs_no_proof_unless_the_policy_wants_one() {
    for setup in Setup::both_with(|builder| builder.reauthentication(Duration::from_mins(5))).await {
        apps(&setup).await;
        for allowed in change_apps(&setup, None).await {
            allowed.unwrap();
        }
    }
}
