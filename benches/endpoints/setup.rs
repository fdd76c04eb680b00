//! A server on `MemoryStore` with live tokens, and the requests of one public client.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use grantor::store::{ClientRegistry as _, Insertion, MemoryLimits, MemoryStore};
use grantor::{
    Approval, AuthorizationResponse, AuthorizationServer, AuthorizationServerBuilder, Client, ClientRequest, Issuer,
    SessionSecret, Subject,
};
use http::HeaderMap;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const QUERY: &str = "response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback\
    &scope=links%3Aread%20links%3Awrite&state=af0ifjsldkj&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
    &code_challenge_method=S256";

/// Runs a future that never waits: the memory store answers at once.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the memory store never waits"),
    }
}

pub(crate) struct Setup {
    pub(crate) server: AuthorizationServer,
    /// An `Authorization` header for each of some live tokens.
    pub(crate) headers: Vec<HeaderMap>,
    session: SessionSecret,
    /// As many users as a service has, so that no list of one user's grants is longer than a person's.
    users: Vec<Subject>,
    decided: Cell<usize>,
    form_headers: HeaderMap,
}

impl Setup {
    pub(crate) fn with_live_tokens(live: usize) -> Self {
        Self::new(live, |builder| builder)
    }

    pub(crate) fn new(
        live: usize,
        configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        let limits = MemoryLimits::new().with_grants(usize::MAX).with_grants_per_client(usize::MAX);
        let store = Arc::new(MemoryStore::with_limits(limits));
        let app = Client::public("app".parse().expect("an id"));
        let app = app.with_redirect_uri("https://app.example/callback".parse().expect("a URI"));
        assert_eq!(ready(store.insert_client(&app)).expect("memory"), Insertion::Inserted);
        let builder = AuthorizationServer::builder(Issuer::parse("https://as.example").expect("an issuer"), store)
            .scope("links:read", "See your links")
            .scope("links:write", "Create links for you");
        let server = configure(builder).build().expect("a configuration");
        let mut form_headers = HeaderMap::new();
        form_headers.insert("content-type", "application/x-www-form-urlencoded".parse().expect("a header"));
        let mut setup = Self {
            server,
            headers: Vec::new(),
            session: SessionSecret::new([7; 32]).expect("a secret"),
            users: (0..10_000).map(|user| format!("user-{user}").parse().expect("a subject")).collect(),
            decided: Cell::new(0),
            form_headers,
        };
        for at in 0..live {
            let body = setup.token(&setup.exchange_form(&setup.code()));
            // Enough to miss the caches, few enough to keep their text.
            if at % 10 == 0 {
                let mut headers = HeaderMap::new();
                let value = format!("Bearer {}", member(&body, "access_token"));
                headers.insert("authorization", value.parse().expect("a header"));
                setup.headers.push(headers);
            }
        }
        // A stride that is coprime to the number of headers visits them in no order that a cache could guess.
        let count = setup.headers.len();
        setup.headers = (0..count).map(|at| setup.headers[(at * 7_919) % count].clone()).collect();
        setup
    }

    pub(crate) fn query(&self) -> &'static str {
        QUERY
    }

    /// A request, checked, shown, confirmed and approved: the redirect.
    pub(crate) fn decide(&self) -> AuthorizationResponse {
        let user = &self.users[self.decided.replace(self.decided.get() + 1) % self.users.len()];
        let pending = ready(self.server.authorize(QUERY)).expect("a request");
        let token = pending.consent_token(&self.session, user);
        let confirmed = pending.confirm(&self.session, user, &token).expect("a decision");
        ready(self.server.approve(confirmed, Approval::all())).expect("a code")
    }

    /// The code out of a redirect.
    pub(crate) fn code(&self) -> String {
        let response = self.decide();
        let (_, rest) = response.location().split_once("code=").expect("a code");
        rest.split('&').next().unwrap_or_default().to_owned()
    }

    pub(crate) fn exchange_form(&self, code: &str) -> String {
        format!(
            "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&client_id=app\
             &code_verifier={VERIFIER}"
        )
    }

    pub(crate) fn refresh_form(&self, refresh_token: &str) -> String {
        format!("grant_type=refresh_token&refresh_token={refresh_token}&client_id=app")
    }

    pub(crate) fn refresh_token(&self) -> String {
        member(&self.token(&self.exchange_form(&self.code())), "refresh_token").to_owned()
    }

    /// From the body of the request to the body of the response.
    pub(crate) fn token(&self, form: &str) -> String {
        let request = ClientRequest::new(&self.form_headers, form.as_bytes());
        ready(self.server.token(request)).expect("tokens").into_http().into_body()
    }
}

/// A text member of a JSON object, found without parsing it.
pub(crate) fn member<'a>(body: &'a str, name: &str) -> &'a str {
    let (_, rest) = body.split_once(&format!("\"{name}\":\"")).expect("the member");
    rest.split('"').next().unwrap_or_default()
}
