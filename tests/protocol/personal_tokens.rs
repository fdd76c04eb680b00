//! Personal access tokens: issued, listed, ended and reset on a page of the host.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use grantor::client::ClientStatus;
use grantor::configuration::Prefixes;
use grantor::error::{EndpointError, ErrorReason};
use grantor::identifier::{Extra, Name};
use grantor::secret::GrantId;
use grantor::store::{Deletion, GrantStatus, GrantSummary, Page};
use grantor::{NewPersonalToken, PersonalToken, ResourceServer, Revocation, Subject};

use crate::support::{Recorder, Setup, bearer};

pub const ALL: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

pub fn new(setup: &Setup, name: &str) -> NewPersonalToken {
    NewPersonalToken::new(setup.alice.clone(), name.parse().unwrap(), "read".parse().unwrap())
}

pub async fn issue(setup: &Setup, new: NewPersonalToken) -> Result<PersonalToken, EndpointError> {
    let issued = setup.server.issue_personal_token(new).await?;
    setup.secrets.note("personal token", issued.token().expose());
    Ok(issued)
}

#[track_caller]
pub fn reason(result: Result<PersonalToken, EndpointError>) -> ErrorReason {
    result.unwrap_err().reason()
}

pub async fn listed(setup: &Setup, subject: &Subject) -> Vec<GrantSummary> {
    setup.server.personal_tokens(subject, Page::first(ALL)).await.unwrap()
}

async fn status(setup: &Setup, id: GrantId) -> GrantStatus {
    let all = listed(setup, &setup.alice).await;
    all.iter().find(|summary| summary.grant.id == id).expect("it is listed").status(setup.now())
}

on_both_stores! {
    async fn a_token_is_checked_like_any_access_token_and_has_no_client(setup) {
        let mut extra = serde_json::Map::new();
        extra.insert("plan".to_owned(), "bulk".into());
        let new = new(&setup, "Backup").with_tenant("blue".parse().unwrap()).with_extra(Extra::new(extra).unwrap());
        let issued = issue(&setup, new).await.unwrap();
        assert!(issued.token().expose().starts_with("gr_at_"));
        let access = setup.server.resource_server().verify_scope(&bearer(issued.token().expose()), "read").await.unwrap();
        assert_eq!((access.subject(), access.client_id()), (Some(&setup.alice), None));
        assert_eq!(access.tenant().unwrap().as_str(), "blue");
        assert_eq!(access.extra().get("plan").unwrap(), "bulk");
        assert_eq!((access.expires_at(), access.grant_id()), (None, Some(issued.grant_id())));
        assert_eq!(access.require("write").unwrap_err().reason(), ErrorReason::ScopeInsufficient);
        setup.clock.advance(Duration::from_hours(24 * 365 * 50));
        assert!(setup.is_accepted(issued.token().expose()).await, "it lives until it is revoked");
    }

    async fn a_token_with_an_end_stops_there_and_is_listed_as_expired(setup) {
        let at = setup.now().saturating_add(Duration::from_mins(90));
        for new in [new(&setup, "a").with_lifetime(Some(Duration::from_mins(90))), new(&setup, "b").with_expiry(at)] {
            let issued = issue(&setup, new).await.unwrap();
            assert_eq!(issued.expires_at(), Some(at));
        }
        let tokens = listed(&setup, &setup.alice).await;
        assert_eq!(tokens.iter().map(|token| token.expires_at).collect::<Vec<_>>(), [Some(at), Some(at)]);
        let last = issue(&setup, new(&setup, "c").with_lifetime(Some(Duration::from_mins(90)))).await.unwrap();
        setup.clock.advance(Duration::from_mins(90) - Duration::from_millis(1));
        assert!(setup.is_accepted(last.token().expose()).await);
        assert_eq!(status(&setup, last.grant_id()).await, GrantStatus::Active);
        setup.clock.advance(Duration::from_millis(1));
        assert!(!setup.is_accepted(last.token().expose()).await);
        assert_eq!(status(&setup, last.grant_id()).await, GrantStatus::Expired);
    }

    async fn a_token_that_would_be_dead_or_allow_what_there_is_not_is_not_issued(setup) {
        let second = Duration::from_secs(1);
        for dead in [
            new(&setup, "x").with_lifetime(Some(Duration::ZERO)),
            new(&setup, "x").with_lifetime(Some(second - Duration::from_millis(1))),
            new(&setup, "x").with_expiry(setup.now()),
            new(&setup, "x").with_expiry(setup.now().saturating_sub(second)),
        ] {
            assert_eq!(reason(issue(&setup, dead).await), ErrorReason::PersonalTokenInvalid);
        }
        let scoped = |scope: &str| NewPersonalToken::new(setup.alice.clone(), "x".parse().unwrap(), scope.parse().unwrap());
        assert_eq!(reason(issue(&setup, scoped("read nothing")).await), ErrorReason::ScopeNotAllowed);
        assert_eq!(reason(issue(&setup, scoped("")).await), ErrorReason::ScopeMissing);
        let elsewhere = new(&setup, "x").with_resource("https://elsewhere.test".parse().unwrap());
        assert_eq!(reason(issue(&setup, elsewhere).await), ErrorReason::ResourceUnknown);
        assert!(listed(&setup, &setup.alice).await.is_empty());
        assert!(issue(&setup, new(&setup, "x").with_lifetime(Some(second))).await.is_ok());
    }

    async fn a_token_is_for_the_resources_that_were_asked_for(setup) {
        let two = new(&setup, "two").with_resource("https://api.test/two".parse().unwrap());
        let (one, two) = (issue(&setup, new(&setup, "one")).await.unwrap(), issue(&setup, two).await.unwrap());
        assert!(setup.is_accepted(one.token().expose()).await);
        assert!(!setup.is_accepted(two.token().expose()).await);
        let other = setup.server.resource_server().clone().with_resource("https://api.test/two".parse().unwrap());
        assert!(other.verify(&bearer(two.token().expose())).await.is_ok());
    }

    async fn a_page_of_personal_tokens_is_full_however_many_other_grants_lie_between(setup) {
        let bob: Subject = "bob".parse().unwrap();
        let mut expected = Vec::new();
        for at in 0..7 {
            expected.push(issue(&setup, new(&setup, &format!("token {at}"))).await.unwrap().grant_id());
            for _ in 0..3 {
                setup.code("web").await;
            }
        }
        expected.sort_unstable();
        let of_bob = NewPersonalToken::new(bob.clone(), "bob's".parse().unwrap(), "read".parse().unwrap());
        drop(issue(&setup, of_bob).await.unwrap());
        for limit in [1, 2, 3, 7, 8, 1_000] {
            let limit = NonZeroU32::new(limit).unwrap();
            let (mut found, mut page) = (Vec::new(), Page::first(limit));
            loop {
                let tokens = setup.server.personal_tokens(&setup.alice, page).await.unwrap();
                let Some(last) = tokens.last() else { break };
                let full = tokens.len() == limit.get() as usize;
                assert!(full || found.len() + tokens.len() == expected.len(), "only the last page is short");
                page = Page::after(last.grant.id, limit);
                found.extend(tokens.iter().map(|token| token.grant.id));
            }
            assert_eq!(found, expected, "{limit}");
        }
        assert_eq!(listed(&setup, &bob).await.len(), 1);
    }

    async fn a_token_for_an_app_is_the_apps_and_dies_with_it(setup) {
        let issued = issue(&setup, new(&setup, "For the app").for_client("web".parse().unwrap())).await.unwrap();
        let token = issued.token().expose();
        let access = setup.server.resource_server().verify(&bearer(token)).await.unwrap();
        assert_eq!(access.client_id().unwrap().as_str(), "web");
        assert_eq!(setup.introspect("web", token).await.json["active"], true);
        assert_eq!(setup.introspect("other", token).await.json["active"], false);
        assert_eq!(listed(&setup, &setup.alice).await.len(), 1, "it is listed with the user's own");
        assert_eq!(setup.server.delete_client(&"web".parse().unwrap()).await.unwrap(), Deletion::Deleted);
        assert!(!setup.is_accepted(token).await);
        assert_eq!(status(&setup, issued.grant_id()).await, GrantStatus::Revoked);
    }

    // RFC 7009 §2.1
    async fn an_app_that_revokes_its_issued_token_ends_the_grant(setup) {
        let issued = issue(&setup, new(&setup, "For the app").for_client("web".parse().unwrap())).await.unwrap();
        setup.revoke("web", issued.token().expose()).await.expect_ok();
        assert!(!setup.is_accepted(issued.token().expose()).await);
        assert_eq!(status(&setup, issued.grant_id()).await, GrantStatus::Revoked);
    }

    async fn an_app_that_cannot_be_used_or_may_not_have_it_gets_no_token(setup) {
        let for_client = |id: &str, scope: &str| {
            NewPersonalToken::new(setup.alice.clone(), "x".parse().unwrap(), scope.parse().unwrap())
                .for_client(id.parse().unwrap())
        };
        setup.change("other", |client| client.with_status(ClientStatus::Disabled)).await;
        setup.change("web", |client| client.with_tenant("blue".parse().unwrap())).await;
        for id in ["nobody", "other"] {
            assert_eq!(reason(issue(&setup, for_client(id, "read")).await), ErrorReason::ClientUnknown);
        }
        assert_eq!(reason(issue(&setup, for_client("svc", "read admin")).await), ErrorReason::ScopeNotAllowed);
        let red = for_client("web", "read").with_tenant("red".parse().unwrap());
        assert_eq!(reason(issue(&setup, red).await), ErrorReason::PersonalTokenInvalid);
        for new in [for_client("web", "read"), for_client("web", "read").with_tenant("blue".parse().unwrap())] {
            let issued = issue(&setup, new).await.unwrap();
            assert_eq!(issued.grant().tenant.as_ref().unwrap().as_str(), "blue");
        }
    }

    async fn a_user_ends_their_own_grants_and_nobody_elses(setup) {
        let bob: Subject = "bob".parse().unwrap();
        let issued = issue(&setup, new(&setup, "Backup")).await.unwrap();
        let tokens = setup.tokens("web").await;
        let app = setup.granted().await.iter().find(|grant| grant.grant.client.is_some()).unwrap().grant.id;
        for id in [issued.grant_id(), app, GrantId::random()] {
            assert_eq!(setup.server.revoke_own_grant(&bob, &id).await.unwrap(), Revocation::Unknown);
        }
        assert!(setup.is_accepted(issued.token().expose()).await);
        for _ in 0..2 {
            for id in [issued.grant_id(), app] {
                assert_eq!(setup.server.revoke_own_grant(&setup.alice, &id).await.unwrap(), Revocation::Revoked);
            }
        }
        assert!(!setup.is_accepted(issued.token().expose()).await);
        assert!(!setup.is_accepted(tokens.text("access_token")).await);
        assert!(!setup.can_refresh("web", tokens.text("refresh_token")).await);
        assert_eq!(status(&setup, issued.grant_id()).await, GrantStatus::Revoked);
    }

    async fn the_grant_of_a_client_that_acts_for_itself_is_nobodys_to_end(setup) {
        let own = setup.own_token("svc").await;
        let headers = bearer(own.text("access_token"));
        let grant = setup.server.resource_server().verify(&headers).await.unwrap().grant_id().unwrap();
        assert_eq!(setup.server.revoke_own_grant(&setup.alice, &grant).await.unwrap(), Revocation::Unknown);
        assert!(setup.is_accepted(own.text("access_token")).await);
    }

    async fn a_reset_ends_the_old_token_and_yields_the_same_again(setup) {
        let mut extra = serde_json::Map::new();
        extra.insert("plan".to_owned(), "bulk".into());
        let new = new(&setup, "Backup")
            .for_client("web".parse().unwrap())
            .with_tenant("blue".parse().unwrap())
            .with_resource("https://api.test/one".parse().unwrap())
            .with_resource("https://api.test/two".parse().unwrap())
            .with_lifetime(Some(Duration::from_hours(10)))
            .with_extra(Extra::new(extra).unwrap());
        let old = issue(&setup, new).await.unwrap();
        setup.clock.advance(Duration::from_hours(1));
        let new = setup.server.reset_personal_token(&setup.alice, &old.grant_id(), None).await.unwrap();
        setup.secrets.note("personal token", new.token().expose());
        assert!(!setup.is_accepted(old.token().expose()).await);
        assert!(setup.is_accepted(new.token().expose()).await);
        assert_ne!(new.grant_id(), old.grant_id());
        assert_eq!(new.expires_at(), old.expires_at());
        let expected = grantor::grant::Grant {
            id: new.grant_id(),
            created_at: setup.now(),
            ..old.grant().clone()
        };
        assert_eq!(new.grant(), &expected);
        assert_eq!(status(&setup, old.grant_id()).await, GrantStatus::Revoked);
        assert_eq!(status(&setup, new.grant_id()).await, GrantStatus::Active);
        let listed = listed(&setup, &setup.alice).await;
        let listed = listed.iter().find(|token| token.grant.id == new.grant_id()).unwrap();
        assert_eq!((&*listed.grant, listed.expires_at), (&expected, old.expires_at()));
        setup.clock.advance(Duration::from_hours(9));
        assert!(!setup.is_accepted(new.token().expose()).await);
    }

    async fn a_token_without_end_has_none_after_a_reset(setup) {
        let old = issue(&setup, new(&setup, "Backup")).await.unwrap();
        let new = setup.server.reset_personal_token(&setup.alice, &old.grant_id(), None).await.unwrap();
        setup.clock.advance(Duration::from_hours(24 * 365));
        assert!(setup.is_accepted(new.token().expose()).await);
        assert_eq!(status(&setup, new.grant_id()).await, GrantStatus::Active);
        let again = setup.server.reset_personal_token(&setup.alice, &new.grant_id(), None).await.unwrap();
        assert!(setup.is_accepted(again.token().expose()).await && !setup.is_accepted(new.token().expose()).await);
    }

    async fn only_ones_own_token_that_is_still_good_can_be_reset(setup) {
        let (gone, ended) = (new(&setup, "gone").with_lifetime(Some(Duration::from_secs(60))), new(&setup, "ended"));
        let (gone, ended) = (issue(&setup, gone).await.unwrap(), issue(&setup, ended).await.unwrap());
        let good = issue(&setup, new(&setup, "good")).await.unwrap();
        setup.code("web").await;
        let app = setup.granted().await.iter().find(|grant| grant.grant.client.is_some()).unwrap().grant.id;
        let reset = async |subject: &Subject, id: GrantId| {
            reason(setup.server.reset_personal_token(subject, &id, None).await)
        };
        assert_eq!(setup.server.revoke_own_grant(&setup.alice, &ended.grant_id()).await.unwrap(), Revocation::Revoked);
        setup.clock.advance(Duration::from_secs(60));
        for id in [gone.grant_id(), ended.grant_id()] {
            assert_eq!(reset(&setup.alice, id).await, ErrorReason::PersonalTokenEnded);
        }
        for id in [app, GrantId::random()] {
            assert_eq!(reset(&setup.alice, id).await, ErrorReason::PersonalTokenUnknown);
        }
        assert_eq!(reset(&"bob".parse().unwrap(), good.grant_id()).await, ErrorReason::PersonalTokenUnknown);
        assert!(setup.is_accepted(good.token().expose()).await);
    }

    async fn of_several_resets_at_once_one_gets_the_token(setup) {
        let old = issue(&setup, new(&setup, "Backup")).await.unwrap();
        let resets = (0..8).map(|_| {
            let (server, alice, id) = (setup.server.clone(), setup.alice.clone(), old.grant_id());
            tokio::spawn(async move { server.reset_personal_token(&alice, &id, None).await })
        });
        let mut tokens = Vec::new();
        for reset in resets.collect::<Vec<_>>() {
            match reset.await.unwrap() {
                Ok(token) => tokens.push(token),
                Err(error) => assert_eq!(error.reason(), ErrorReason::PersonalTokenEnded),
            }
        }
        assert_eq!(tokens.len(), 1);
        assert!(setup.is_accepted(tokens[0].token().expose()).await && !setup.is_accepted(old.token().expose()).await);
        assert_eq!(listed(&setup, &setup.alice).await.len(), 2);
    }

    async fn everything_of_a_user_or_a_tenant_ends_with_it_personal_tokens_too(setup) {
        let blue = issue(&setup, new(&setup, "blue").with_tenant("blue".parse().unwrap())).await.unwrap();
        let free = issue(&setup, new(&setup, "free")).await.unwrap();
        assert_eq!(setup.server.revoke_tenant(&"blue".parse().unwrap()).await.unwrap(), 1);
        assert!(!setup.is_accepted(blue.token().expose()).await && setup.is_accepted(free.token().expose()).await);
        assert_eq!(setup.server.revoke_subject(&setup.alice).await.unwrap(), 1);
        assert!(!setup.is_accepted(free.token().expose()).await);
    }
}

#[tokio::test]
async fn personal_tokens_may_have_a_prefix_of_their_own_beside_that_of_access_tokens() {
    let prefixes = Prefixes::default().with_personal_token("gr_pat_".parse().unwrap());
    for setup in Setup::both_with(|builder| builder.prefixes(prefixes.clone())).await {
        let issued = issue(&setup, new(&setup, "Backup").for_client("web".parse().unwrap())).await.unwrap();
        let token = issued.token().expose();
        let access = setup.tokens("web").await;
        assert!(token.starts_with("gr_pat_"));
        assert!(setup.is_accepted(token).await && setup.is_accepted(access.text("access_token")).await);
        assert_eq!(setup.introspect("web", token).await.json["active"], true);
        // The prefix belongs to the token: its checksum covers it.
        let forged = token.replacen("gr_pat_", "gr_at_", 1);
        assert!(!setup.is_accepted(&forged).await);
        let elsewhere = ResourceServer::for_any_resource(setup.grants.clone(), "gr_at_".parse().unwrap())
            .with_clock(setup.clock.clone());
        assert!(elsewhere.verify(&bearer(token)).await.is_err());
        let elsewhere = elsewhere.with_personal_token_prefix("gr_pat_".parse().unwrap());
        assert!(elsewhere.verify(&bearer(token)).await.is_ok());
        setup.revoke("web", token).await.expect_ok();
        assert!(!setup.is_accepted(token).await);
    }
}

#[tokio::test]
async fn ended_tokens_stay_listed_for_as_long_as_they_are_retained() {
    let day = Duration::from_hours(24);
    for (retention, kept) in [(Duration::ZERO, Duration::from_hours(1)), (day, day)] {
        for setup in Setup::both_with(|builder| builder.retention(retention)).await {
            let expiring = new(&setup, "a").with_lifetime(Some(Duration::from_secs(60)));
            let expired = issue(&setup, expiring).await.unwrap().grant_id();
            let revoked = issue(&setup, new(&setup, "b")).await.unwrap().grant_id();
            setup.clock.advance(Duration::from_secs(60));
            assert_eq!(setup.server.revoke_own_grant(&setup.alice, &revoked).await.unwrap(), Revocation::Revoked);
            setup.clock.advance(kept);
            setup.server.purge(ALL).await.unwrap();
            assert_eq!(status(&setup, expired).await, GrantStatus::Expired);
            assert_eq!(status(&setup, revoked).await, GrantStatus::Revoked);
            setup.clock.advance(Duration::from_millis(1));
            setup.server.purge(ALL).await.unwrap();
            assert!(listed(&setup, &setup.alice).await.is_empty());
        }
    }
}

#[tokio::test]
async fn the_operator_is_told_who_issued_ended_and_reset_what() {
    let recorder = Arc::new(Recorder::default());
    for setup in Setup::both_with(|builder| builder.observer(recorder.clone())).await {
        let told = || {
            recorder.take().iter().map(|event| event.split([' ', '{']).next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let issued = issue(&setup, new(&setup, "Backup").for_client("web".parse().unwrap())).await.unwrap();
        let events = recorder.take();
        assert!(events.len() == 1 && events[0].starts_with("PersonalTokenIssued"), "{events:?}");
        assert!(["web", "alice", &issued.grant_id().to_string()].iter().all(|word| events[0].contains(word)));
        let reset = setup.server.reset_personal_token(&setup.alice, &issued.grant_id(), None).await.unwrap();
        assert_eq!(told(), ["Revoked", "PersonalTokenIssued"]);
        for _ in 0..2 {
            assert_eq!(
                setup.server.revoke_own_grant(&setup.alice, &reset.grant_id()).await.unwrap(),
                Revocation::Revoked
            );
        }
        assert_eq!(told(), ["Revoked"], "once");
        drop(setup.server.reset_personal_token(&setup.alice, &reset.grant_id(), None).await.unwrap_err());
        assert_eq!(told(), ["Refused"]);
        assert_eq!(setup.server.revoke_tenant(&"blue".parse().unwrap()).await.unwrap(), 0);
        assert_eq!(told(), ["TenantRevoked"]);
    }
}

#[tokio::test]
async fn a_name_is_a_line_of_text() {
    for text in ["", "two\nlines", &"x".repeat(256)] {
        assert!(Name::parse(text).is_err(), "{text:?}");
    }
    let setup = Setup::memory().await;
    let issued = issue(&setup, new(&setup, "Sicherung „täglich“ ✓")).await.unwrap();
    assert_eq!(issued.grant().name.as_ref().unwrap().as_str(), "Sicherung „täglich“ ✓");
    assert!(!format!("{issued:?}").contains(&issued.token().expose()[10..]), "it is not printed");
}
