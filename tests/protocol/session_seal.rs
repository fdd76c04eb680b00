//! Sessions of an API beside its tokens.

use grantor::{Access, Approval, ForeignSession, NewPersonalToken, SessionSeal};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::support::{Setup, bearer};

async fn access(setup: &Setup, token: &str) -> Access {
    setup.server.resource_server().verify(&bearer(token)).await.unwrap()
}

/// What this client and its user get, confined to a tenant.
async fn confined(setup: &Setup, client: &str, tenant: &str) -> Access {
    let approval = Approval::all().with_tenant(tenant.parse().unwrap());
    let answer = setup.approve_with(&setup.request(client), approval).await;
    let location = answer.expect_redirect(crate::support::redirect_uri(client));
    let (_, code) = location.iter().find(|(name, _)| name == "code").unwrap();
    let tokens = setup.token(&setup.exchange(client, code)).await.expect_ok();
    access(setup, tokens.text("access_token")).await
}

async fn personal(setup: &Setup) -> Access {
    let new = NewPersonalToken::new(setup.alice.clone(), "Backup".parse().unwrap(), "read".parse().unwrap());
    access(setup, setup.server.issue_personal_token(new).await.unwrap().token().expose()).await
}

on_both_stores! {
    async fn a_session_goes_on_with_the_next_token_and_the_next_grant_of_its_owner(setup) {
        let seal = SessionSeal::random();
        let first = setup.tokens("pub").await;
        let sealed = seal.seal("session.1", &access(&setup, first.text("access_token")).await);
        let refreshed = setup.refreshed("pub", first.text("refresh_token")).await;
        let more = setup.tokens_for("pub", "read write", &[]).await;
        for tokens in [&first, &refreshed, &more] {
            let access = access(&setup, tokens.text("access_token")).await;
            assert_eq!(seal.open(&sealed, &access), Some("session.1"));
        }
    }

    async fn a_session_is_closed_to_everybody_else(setup) {
        let seal = SessionSeal::random();
        let own = setup.own_token("svc").await;
        let callers = [
            access(&setup, setup.tokens("pub").await.text("access_token")).await,
            access(&setup, setup.tokens("web").await.text("access_token")).await,
            access(&setup, own.text("access_token")).await,
            confined(&setup, "pub", "acme").await,
            confined(&setup, "pub", "other").await,
            personal(&setup).await,
            personal(&setup).await,
        ];
        for (at, owner) in callers.iter().enumerate() {
            let sealed = seal.seal("session", owner);
            for (other, caller) in callers.iter().enumerate() {
                assert_eq!(seal.open(&sealed, caller).is_some(), at == other, "{at} at {other}");
            }
        }
    }

    async fn what_was_not_sealed_so_is_no_session(setup) {
        let (seal, other) = (SessionSeal::random(), SessionSeal::random());
        let access = access(&setup, setup.tokens("pub").await.text("access_token")).await;
        let sealed = seal.seal("session", &access);
        let (_, tag) = sealed.split_once('.').unwrap();
        let (renamed, cut, padded) = (format!("sessions.{tag}"), &sealed[..sealed.len() - 1], format!("{sealed}="));
        for wrong in ["", ".", "session", "session.", &renamed, cut, &padded, tag, &other.seal("session", &access)] {
            assert_eq!(seal.open(wrong, &access), None, "{wrong}");
        }
        assert_eq!(SessionSeal::new([7; 32]).open(&SessionSeal::new([7; 32]).seal("", &access), &access), Some(""));
        assert_eq!(format!("{seal:?}"), "SessionSeal(..)");
    }

    async fn a_header_is_sealed_on_the_way_out_and_opened_on_the_way_in(setup) {
        const NAME: HeaderName = HeaderName::from_static("session");
        let seal = SessionSeal::random();
        let owner = access(&setup, setup.tokens("pub").await.text("access_token")).await;
        let other = access(&setup, setup.tokens("web").await.text("access_token")).await;
        let mut headers = HeaderMap::from_iter([(NAME, HeaderValue::from_static("session-1"))]);
        seal.seal_header(&mut headers, &NAME, &owner);
        assert_eq!(seal.open(headers[&NAME].to_str().unwrap(), &owner), Some("session-1"));

        let mut opened = headers.clone();
        opened.append(NAME, HeaderValue::from_static("another"));
        assert_eq!(seal.open_header(&mut opened, &NAME, &owner), Ok(()));
        assert_eq!(opened.get_all(&NAME).iter().collect::<Vec<_>>(), ["session-1"], "one, and the one that was checked");
        assert_eq!(seal.open_header(&mut headers, &NAME, &other), Err(ForeignSession));
        assert!(headers.is_empty());
        // Whoever names no session is in none.
        assert_eq!(seal.open_header(&mut headers, &NAME, &other), Ok(()));
        seal.seal_header(&mut headers, &NAME, &other);
        assert!(headers.is_empty());
    }
}
