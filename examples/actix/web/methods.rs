//! Which handler answers which method of an address. The others are refused, with a list of these.

use std::future::ready;
use std::panic::AssertUnwindSafe;

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::guard::{self, Guard};
use actix_web::http::header::ALLOW;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, web};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt as _, TryFutureExt as _};

use crate::shortener::api::Refusal;
use crate::shortener::problem::Problem;

/// An address with its methods.
pub struct Methods {
    resource: Resource,
    allow: Vec<&'static str>,
    refuse: fn() -> HttpResponse,
}

/// A page at a path that is sent as it is written here: the router would also match it with letters percent-encoded.
pub fn page(path: &str) -> Methods {
    let mut page = any_page(path);
    page.resource = page.resource.guard(guard::fn_guard(|context| !context.head().uri.path().contains('%')));
    page
}

/// A page at any path of a pattern.
pub fn any_page(pattern: &str) -> Methods {
    let refuse = || HttpResponse::from_error(Problem::method_not_allowed());
    Methods { resource: web::resource(pattern), allow: Vec::new(), refuse }
}

/// A resource of the API.
pub fn resource(path: &str) -> Methods {
    Methods { refuse: || HttpResponse::from_error(Refusal::METHOD_NOT_ALLOWED), ..page(path) }
}

impl Methods {
    /// Answers GET, and HEAD unless that has a handler of its own already.
    pub fn get<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args, Output: Responder, Future: 'static>,
        Args: FromRequest + 'static,
    {
        self.method(&["GET", "HEAD"], guard::Any(guard::Get()).or(guard::Head()), handler)
    }

    /// Answers GET, and refuses HEAD: for what GET changes.
    pub fn get_without_head<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args, Output: Responder, Future: 'static>,
        Args: FromRequest + 'static,
    {
        self.method(&["GET"], guard::Get(), handler)
    }

    /// Answers HEAD.
    pub fn head<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args, Output: Responder, Future: 'static>,
        Args: FromRequest + 'static,
    {
        self.method(&[], guard::Head(), handler)
    }

    /// Answers POST.
    pub fn post<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args, Output: Responder, Future: 'static>,
        Args: FromRequest + 'static,
    {
        self.method(&["POST"], guard::Post(), handler)
    }

    /// Answers DELETE.
    pub fn delete<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args, Output: Responder, Future: 'static>,
        Args: FromRequest + 'static,
    {
        self.method(&["DELETE"], guard::Delete(), handler)
    }

    fn method<H, Args>(mut self, names: &[&'static str], guard: impl Guard + 'static, handler: H) -> Self
    where
        H: Handler<Args, Output: Responder, Future: 'static>,
        Args: FromRequest + 'static,
    {
        self.allow.extend(names);
        self.resource = self.resource.route(web::route().guard(guard).to(CatchPanic(handler)));
        self
    }
}

/// A handler that may panic: the connection would just break off, and the log would say nothing of the request.
#[derive(Clone)]
struct CatchPanic<H>(H);

impl<H, Args> Handler<Args> for CatchPanic<H>
where
    H: Handler<Args, Future: 'static>,
{
    type Output = Result<H::Output, Problem>;
    type Future = LocalBoxFuture<'static, Self::Output>;

    fn call(&self, arguments: Args) -> Self::Future {
        AssertUnwindSafe(self.0.call(arguments)).catch_unwind().map_err(|_| Problem::internal()).boxed_local()
    }
}

impl HttpServiceFactory for Methods {
    fn register(self, config: &mut AppService) {
        let (allow, refuse) = (self.allow.join(", "), self.refuse);
        let refused = move || ready(refuse().customize().insert_header((ALLOW, allow.clone())));
        self.resource.default_service(web::to(refused)).register(config);
    }
}
