//! The forms that a client sends.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::changes::{Change, changes};
use super::{Decide, Reply, Sending, TestClient, Tokens, fail, header, request};
use crate::testkit::Form;

/// What a [`Step`] gives if it goes well.
pub trait Outcome: Sized + Send + 'static {
    /// Reads the answer.
    ///
    /// # Errors
    ///
    /// What is wrong with it, beyond what it says itself.
    fn read(reply: &Reply, client: &TestClient) -> Result<Self, &'static str>;
}

/// A form that a client sends to an endpoint, with all that it needs to be accepted, until it is changed.
#[must_use = "nothing is sent until this is awaited"]
pub struct Step<T> {
    name: &'static str,
    client: TestClient,
    path: String,
    form: Form,
    changes: Vec<Change>,
    headers: Vec<(HeaderName, Option<HeaderValue>)>,
    /// What yields the code.
    decide: Option<Box<Decide>>,
    outcome: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Step<T> {
    /// Its name and its sender; the form carries secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("name", &self.name).field("client", &self.client.id()).finish_non_exhaustive()
    }
}

impl Step<Tokens> {
    pub(super) fn token(name: &'static str, client: &TestClient, form: Form) -> Self {
        let path = client.server.server().configuration().paths.token();
        Self::new(name, client, path, form)
    }

    /// An exchange of the code that `decide` will have brought.
    pub(super) fn after(decide: Decide) -> Self {
        let mut step = Self::token("the exchange", decide.client(), Form::new());
        step.decide = Some(Box::new(decide));
        step
    }

    /// Asks for less of the scope, where that is possible.
    pub fn scope(self, scope: &str) -> Self {
        self.with("scope", scope)
    }

    /// Asks for one resource more.
    pub fn resource(self, resource: &str) -> Self {
        self.and("resource", resource)
    }
}

impl<T> Step<T> {
    pub(super) fn new(name: &'static str, client: &TestClient, path: &str, form: Form) -> Self {
        Self {
            name,
            client: client.clone(),
            path: path.to_owned(),
            form,
            changes: Vec::new(),
            headers: Vec::new(),
            decide: None,
            outcome: PhantomData,
        }
    }

    changes!();

    /// Lets another client send this.
    pub fn sent_by(mut self, client: &TestClient) -> Self {
        self.client = client.clone();
        self
    }

    /// Sets a header, in place of one that has its name.
    ///
    /// # Panics
    ///
    /// If it cannot be one.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (name, value) = header(name, value);
        self.headers.push((name, Some(value)));
        self
    }

    /// Drops a header: `authorization`, with which a confidential client says who it is, or `content-type`.
    #[track_caller]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.push((header(name, "").0, None));
        self
    }

    /// Sends it, and gives what comes back.
    ///
    /// # Panics
    ///
    /// If a step before this one did not go well.
    #[must_use = "nothing is sent until this is awaited"]
    #[track_caller]
    pub fn send(self) -> Sending<Reply>
    where
        T: 'static,
    {
        let place = Location::caller();
        Box::pin(self.carry_out(place))
    }

    async fn carry_out(self, place: &Location<'_>) -> Reply {
        let form = match self.decide {
            Some(decide) => {
                let callback = decide.callback(place).await;
                assert!(callback.parameter("code").is_some(), "at {place}: there is no code, since the user denied it");
                callback.form()
            }
            None => self.form,
        };
        self.client.register().await;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let (form, credentials) = self.client.identify(form);
        headers.extend(credentials.map(|credentials| (AUTHORIZATION, credentials)));
        for (name, value) in self.headers {
            match value {
                Some(value) => headers.insert(name, value),
                None => headers.remove(name),
            };
        }
        let request = request(Method::POST, &self.path, headers, Change::all(&self.changes, form).encode());
        Reply::new(self.name, self.client.server.respond(request).await)
    }
}

impl<T: Outcome> IntoFuture for Step<T> {
    type Output = T;
    type IntoFuture = Sending<T>;

    #[track_caller]
    fn into_future(self) -> Sending<T> {
        let place = Location::caller();
        Box::pin(async move {
            let client = self.client.clone();
            let reply = self.carry_out(place).await;
            T::read(&reply, &client).unwrap_or_else(|why| fail(place, &reply, why))
        })
    }
}

impl Outcome for () {
    fn read(reply: &Reply, _: &TestClient) -> Result<Self, &'static str> {
        if reply.status() == 200 { Ok(()) } else { Err("") }
    }
}

impl Outcome for serde_json::Value {
    fn read(reply: &Reply, _: &TestClient) -> Result<Self, &'static str> {
        match reply.json() {
            Self::Null => Err("it is no JSON"),
            json if reply.status() == 200 => Ok(json.clone()),
            _ => Err(""),
        }
    }
}
