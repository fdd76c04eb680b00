//! Client secrets: rotated with an overlap, reset without, and when each was used.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantor::client::{Client, ClientAuthentication, ClientId, ClientSecretSummary, SecretMethod};
use grantor::error::ErrorReason;
use grantor::observer::{Event, Observer};
use grantor::secret::{ClientSecret, SecretId};

use crate::support::{Form, Recorder, SECRET, Setup, like_web};

const HOUR: Duration = Duration::from_hours(1);

/// A confidential app of alice.
async fn own(setup: &Setup) -> ClientId {
    setup.add(like_web("mine").with_owner(setup.alice.clone())).await;
    "mine".parse().unwrap()
}

fn noted(setup: &Setup, secret: ClientSecret) -> String {
    setup.secrets.note("secret of a client", secret.expose());
    secret.expose().to_owned()
}

async fn rotate(setup: &Setup, overlap: Duration) -> String {
    noted(setup, setup.server.rotate_secret(&setup.alice, &"mine".parse().unwrap(), overlap).await.unwrap())
}

/// Whether the app gets past authentication with this secret.
async fn works(setup: &Setup, secret: &str) -> bool {
    let form = Form::of(&[("token", "x"), ("client_id", "mine"), ("client_secret", secret)]);
    setup.post("/oauth/introspect", &form, None).await.status == 200
}

async fn secrets(setup: &Setup) -> Vec<ClientSecretSummary> {
    let client = setup.server.client(&"mine".parse().unwrap()).await.unwrap().unwrap();
    match client.authentication() {
        ClientAuthentication::Secret(secrets) => secrets.secrets().collect(),
        _ => Vec::new(),
    }
}

on_both_stores! {
    async fn a_rotated_secret_works_until_its_overlap_is_over(setup) {
        own(&setup).await;
        setup.clock.advance(HOUR);
        let new = rotate(&setup, HOUR).await;
        assert!(new.starts_with("gr_cs_"));
        assert!(works(&setup, SECRET).await && works(&setup, &new).await);
        let end = setup.now().saturating_add(HOUR);
        let listed = secrets(&setup).await;
        assert_eq!(listed.iter().map(|secret| secret.expires_at).collect::<Vec<_>>(), [None, Some(end)]);
        assert_eq!(listed.iter().map(|secret| secret.created_at).collect::<Vec<_>>(), [Some(setup.now()), None]);
        assert_ne!(listed[0].id, listed[1].id);
        setup.clock.advance(HOUR - Duration::from_millis(1));
        assert!(works(&setup, SECRET).await && listed[1].is_live(setup.now()));
        setup.clock.advance(Duration::from_millis(1));
        assert!(!works(&setup, SECRET).await && !listed[1].is_live(setup.now()));
        assert!(works(&setup, &new).await && listed[0].is_live(setup.now()));
    }

    async fn there_are_never_three_secrets_that_work(setup) {
        own(&setup).await;
        let second = rotate(&setup, HOUR).await;
        let third = rotate(&setup, HOUR).await;
        assert!(!works(&setup, SECRET).await, "the oldest ended");
        assert!(works(&setup, &second).await && works(&setup, &third).await);
        assert_eq!(secrets(&setup).await.len(), 2);
    }

    async fn a_reset_ends_every_secret_at_once(setup) {
        let id = own(&setup).await;
        let second = rotate(&setup, HOUR).await;
        let third = noted(&setup, setup.server.reset_secret(&setup.alice, &id).await.unwrap());
        assert!(!works(&setup, SECRET).await && !works(&setup, &second).await);
        assert!(works(&setup, &third).await);
        let listed = secrets(&setup).await;
        assert_eq!((listed.len(), listed[0].created_at), (1, Some(setup.now())));
    }

    async fn the_previous_secret_can_be_ended_before_its_time(setup) {
        let id = own(&setup).await;
        let second = rotate(&setup, HOUR).await;
        for _ in 0..2 {
            setup.server.end_previous_secret(&setup.alice, &id).await.unwrap();
            assert!(!works(&setup, SECRET).await && works(&setup, &second).await);
        }
    }

    async fn a_rotation_without_overlap_ends_the_old_secret_at_once(setup) {
        own(&setup).await;
        let second = rotate(&setup, Duration::ZERO).await;
        assert!(!works(&setup, SECRET).await && works(&setup, &second).await);
    }

    async fn how_the_app_sends_its_secret_stays(setup) {
        let id = own(&setup).await;
        setup.change("mine", |client| {
            let ClientAuthentication::Secret(secrets) = client.authentication().clone() else { panic!("confidential") };
            client.with_authentication(ClientAuthentication::Secret(secrets.with_method(SecretMethod::Post)))
        }).await;
        let method = async || match setup.server.client(&id).await.unwrap().unwrap().authentication() {
            ClientAuthentication::Secret(secrets) => secrets.method(),
            _ => panic!("confidential"),
        };
        rotate(&setup, HOUR).await;
        assert_eq!(method().await, SecretMethod::Post);
        noted(&setup, setup.server.reset_secret(&setup.alice, &id).await.unwrap());
        assert_eq!(method().await, SecretMethod::Post);
    }

    async fn only_the_owner_and_the_operator_can_replace_a_secret(setup) {
        let id = own(&setup).await;
        let bob = "bob".parse().unwrap();
        for result in [
            setup.server.rotate_secret(&bob, &id, HOUR).await.map(drop),
            setup.server.reset_secret(&bob, &id).await.map(drop),
            setup.server.end_previous_secret(&bob, &id).await,
            setup.server.rotate_secret(&setup.alice, &"web".parse().unwrap(), HOUR).await.map(drop),
            setup.server.rotate_secret(&setup.alice, &"nobody".parse().unwrap(), HOUR).await.map(drop),
        ] {
            assert_eq!(result.unwrap_err().reason(), ErrorReason::ClientUnknown);
        }
        assert!(works(&setup, SECRET).await);
        let second = noted(&setup, setup.server.rotate_client_secret(&id, HOUR).await.unwrap());
        assert!(works(&setup, SECRET).await && works(&setup, &second).await);
        let third = noted(&setup, setup.server.reset_client_secret(&id).await.unwrap());
        assert!(!works(&setup, &second).await && works(&setup, &third).await);
    }

    async fn a_public_app_has_no_secret_to_replace(setup) {
        let public = Client::public("mine".parse().unwrap()).with_owner(setup.alice.clone());
        setup.add(public.with_redirect_uri("https://app.test/cb".parse().unwrap())).await;
        let id = "mine".parse().unwrap();
        let rotated = setup.server.rotate_secret(&setup.alice, &id, HOUR).await.unwrap_err();
        assert_eq!(rotated.reason(), ErrorReason::MetadataInvalid);
        assert_eq!(setup.server.reset_client_secret(&id).await.unwrap_err().reason(), ErrorReason::MetadataInvalid);
    }

    async fn the_use_of_a_secret_is_noted_and_changes_nothing_else(setup) {
        let id = own(&setup).await;
        rotate(&setup, HOUR).await;
        let before = secrets(&setup).await;
        setup.clock.advance(HOUR);
        let (used, earlier) = (setup.now(), setup.now().saturating_sub(HOUR));
        for at in [used, earlier] {
            setup.server.touch_secret(&id, before[1].id, at).await.unwrap();
        }
        let after = secrets(&setup).await;
        assert_eq!((after[0], after[1].last_used_at), (before[0], Some(used)));
        assert_eq!((after[1].id, after[1].expires_at), (before[1].id, before[1].expires_at));
        setup.server.touch_secret(&id, "AAAAAAAA".parse().unwrap(), used).await.unwrap();
        setup.server.touch_secret(&"nobody".parse().unwrap(), before[1].id, used).await.unwrap();
        setup.server.touch_secret(&"pub".parse().unwrap(), before[1].id, used).await.unwrap();
        assert_eq!(secrets(&setup).await, after);
    }

    async fn rotations_at_once_follow_one_another(setup) {
        let id = own(&setup).await;
        let rotations: Vec<_> = (0..4)
            .map(|_| {
                let (server, alice, id) = (setup.server.clone(), setup.alice.clone(), id.clone());
                tokio::spawn(async move { server.rotate_secret(&alice, &id, HOUR).await })
            })
            .collect();
        let mut made = Vec::new();
        for rotation in rotations {
            made.push(noted(&setup, rotation.await.unwrap().unwrap()));
        }
        let mut working = 0;
        for secret in made {
            working += usize::from(works(&setup, &secret).await);
        }
        assert_eq!(working, 2, "the last two of them");
        assert!(!works(&setup, SECRET).await);
    }
}

/// Keeps which secret was used last.
#[derive(Debug, Default)]
struct Used(Mutex<Option<(ClientId, SecretId)>>);

impl Observer for Used {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Authenticated { client, secret_id: Some(id), .. } = event {
            *self.0.lock().unwrap() = Some(((*client).clone(), *id));
        }
    }
}

#[tokio::test]
async fn an_authentication_tells_which_secret_was_used() {
    let used = Arc::new(Used::default());
    for setup in Setup::both_with(|builder| builder.observer(used.clone())).await {
        let id = own(&setup).await;
        let new = rotate(&setup, HOUR).await;
        let listed = secrets(&setup).await;
        for (secret, listed) in [(new.as_str(), &listed[0]), (SECRET, &listed[1])] {
            assert!(works(&setup, secret).await);
            assert_eq!(used.0.lock().unwrap().take(), Some((id.clone(), listed.id)));
        }
        assert!(!works(&setup, "wrong secret of mine").await);
        assert_eq!(used.0.lock().unwrap().take(), None);
        setup.tokens("pub").await;
        assert_eq!(used.0.lock().unwrap().take(), None, "a public client has none");
    }
}

#[tokio::test]
async fn the_operator_is_told_of_secrets_that_are_made_and_that_end() {
    let recorder = Arc::new(Recorder::default());
    for setup in Setup::both_with(|builder| builder.observer(recorder.clone())).await {
        let id = own(&setup).await;
        let told = || {
            recorder.take().iter().map(|event| event.split([' ', '{']).next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        rotate(&setup, HOUR).await;
        assert_eq!(told(), ["SecretMade"]);
        setup.server.end_previous_secret(&setup.alice, &id).await.unwrap();
        assert_eq!(told(), ["SecretsEnded"]);
        setup.server.end_previous_secret(&setup.alice, &id).await.unwrap();
        assert!(told().is_empty());
        noted(&setup, setup.server.reset_secret(&setup.alice, &id).await.unwrap());
        assert_eq!(told(), ["SecretsEnded", "SecretMade"]);
        drop(setup.server.reset_secret(&"bob".parse().unwrap(), &id).await.unwrap_err());
        assert_eq!(told(), ["Refused"]);
    }
}

#[tokio::test]
async fn installing_a_client_again_keeps_what_is_known_of_its_secret() {
    for setup in Setup::both_with(|builder| builder).await {
        let document = serde_json::json!({
            "client_id": "mine", "client_secret": SECRET, "redirect_uris": ["https://web.test/cb"],
        });
        let document = document.to_string();
        let installed = setup.server.install_client(document.as_bytes()).await.unwrap();
        let before = secrets(&setup).await;
        assert_eq!(before[0].created_at, Some(setup.now()));
        setup.clock.advance(HOUR);
        let again = setup.server.install_client(document.as_bytes()).await.unwrap();
        assert_eq!(secrets(&setup).await, before);
        assert_eq!(again, installed, "nothing was changed");
    }
}

// What the operator's file says was true when it was written: a secret that was replaced since does not come back.
#[tokio::test]
async fn installing_a_client_again_brings_no_secret_back_that_was_rotated_and_ends_none() {
    for setup in Setup::both_with(|builder| builder).await {
        let document = serde_json::json!({
            "client_id": "mine", "client_secret": SECRET, "redirect_uris": ["https://web.test/cb"],
        });
        let document = document.to_string();
        setup.server.install_client(document.as_bytes()).await.unwrap();
        let id = "mine".parse().unwrap();
        let new = noted(&setup, setup.server.rotate_client_secret(&id, HOUR).await.unwrap());
        let rotated = secrets(&setup).await;
        setup.server.install_client(document.as_bytes()).await.unwrap();
        assert_eq!(secrets(&setup).await, rotated);
        assert!(works(&setup, SECRET).await && works(&setup, &new).await);
        setup.clock.advance(HOUR);
        setup.server.install_client(document.as_bytes()).await.unwrap();
        assert!(!works(&setup, SECRET).await && works(&setup, &new).await);

        // A secret that the server never knew is the operator's word.
        let other = document.replace(SECRET, "another-secret-of-the-file");
        setup.server.install_client(other.as_bytes()).await.unwrap();
        assert!(works(&setup, "another-secret-of-the-file").await && !works(&setup, &new).await);
    }
}
