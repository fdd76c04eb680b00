//! The services that the shortener can be run as (`--service`): everything in which they differ, one file each.

mod clyk;
mod kit;
mod klink;
mod linkkit;
mod mcp;
mod snip;
mod trimlink;

use std::fmt;

use grantor::configuration::EndpointPaths;
use grantor::jwt::Algorithm;
use grantor::{AuthorizationServerBuilder, Scope};

pub use mcp::{Mcp, Tool};

/// A service, as those who integrate with it know it.
#[derive(Debug)]
pub struct Service {
    /// What `--service` calls it.
    pub name: &'static str,
    /// What people and metadata call its API.
    pub title: &'static str,
    /// Where the OAuth endpoints are.
    pub paths: EndpointPaths,
    /// Where people sign in whom an app sent.
    pub sign_in_path: &'static str,
    /// What apps may ask for, with the words that people read before they decide.
    pub scopes: &'static [(&'static str, &'static str)],
    /// What the demo client asks for.
    pub demo_scope: &'static str,
    /// Below which path everything is the API's.
    pub api_prefix: &'static str,
    /// The API.
    pub api: Vec<Route>,
    /// The MCP server beside it, for agents, if there is one. Tokens that were asked for neither are good at both.
    pub mcp: Option<Mcp>,
    /// Whether people choose a workspace when they let an app in.
    pub workspaces: Workspaces,
    /// Whether clients may come that nobody registered, and that say who they are in a document of their own.
    pub documents: ClientDocuments,
    /// Who may make apps and API tokens.
    pub developers: Developers,
    /// Whether an app can have a secret.
    pub secrets: Secrets,
    /// What a person proves before they make one.
    pub credentials: Credentials,
    /// Whether apps say what they are for.
    pub environments: Environments,
    /// Whether people find apps in the service.
    pub app_store: AppStore,
    /// Whether how often users may call the API depends on what they pay.
    pub plans: Plans,
    /// For whom an app acts that comes without a user.
    pub unattended: Unattended,
    /// What the service has of its own in authorization requests: the parameter, and what people read before its value.
    pub parameters: &'static [(&'static str, &'static str)],
    /// What signs its access tokens, if they are signed.
    pub signed_by: Option<Algorithm>,
    /// How the authorization server behaves.
    pub configure: fn(AuthorizationServerBuilder) -> Result<AuthorizationServerBuilder, Invalid>,
}

/// One method of one path of an API.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The whole path.
    pub path: &'static str,
    /// What it does.
    pub operation: Operation,
    /// What a token needs for it; nothing is any token.
    pub scope: &'static str,
}

/// The methods that APIs use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes something of a JSON body.
    Post,
    /// Deletes.
    Delete,
}

/// What can be done with the shortener's data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Whom the token acts for.
    Me,
    /// The links.
    ListLinks,
    /// A new link; what is wrong with the body is a 400.
    CreateLink,
    /// Deletes the links.
    DeleteLinks,
    /// The links in numbers.
    Stats,
    /// Whom the token acts for, and where.
    Account,
    /// The people in the workspaces.
    ListUsers,
    /// The links, below `data`.
    ListShortUrls,
    /// A new link; an address that cannot be shortened is a 422.
    CreateShortUrl,
    /// The hosts that short links are on.
    ListDomains,
    /// The people in the workspaces, as contacts.
    ListContacts,
}

/// Whether people choose a workspace when they let an app in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Workspaces {
    /// They do: one, or all of theirs.
    Chosen,
    /// The service has no such thing; what it grants is for all.
    Unknown,
}

/// Whether clients may come that nobody registered, and that say who they are in a document of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientDocuments {
    /// They may, and ask for whatever there is.
    Read,
    /// They may, and ask for no more than this.
    ReadFor(&'static str),
    /// They may not: the address of a document is an identifier like any other, and nobody's.
    Ignored,
}

/// Who may make apps and API tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Developers {
    /// Every user.
    Everybody,
    /// Who owns a workspace.
    Owners,
}

/// Whether an app can have a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Secrets {
    /// One that says it can keep one.
    Offered,
    /// None that people register: the service issues none.
    Never,
}

/// What a person proves before they make an app or an API token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Credentials {
    /// That they are signed in.
    SignedIn,
    /// That they know the password of the account, typed again.
    PasswordAgain,
}

/// Whether apps say what they are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Environments {
    /// They do: development or production.
    Chosen,
    /// They need not, since all of them are for production.
    Production,
    /// The service has no such thing.
    Unknown,
}

/// Whether people find apps in the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AppStore {
    /// There is a page from which they install them.
    Shown,
    /// The apps find the people.
    Absent,
}

/// Whether how often users may call the API depends on what they pay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Plans {
    /// It does.
    Sold,
    /// The service has no such thing: only what strangers do is limited.
    Unknown,
}

/// For whom an app acts that comes without a user: by a token of its own, or by its secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unattended {
    /// For whoever registered it, and within the workspace that it is confined to.
    ForItsOwner,
    /// For nobody: it has no data of its own.
    ForNobody,
}

/// What is wrong with a service's configuration: a mistake in its file.
#[derive(Debug)]
pub struct Invalid(String);

impl Service {
    /// The services, in the order in which they are offered.
    pub const NAMES: [&'static str; 6] = ["snip", "linkkit", "clyk", "trimlink", "kit", "klink"];

    /// The service that is called `name`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "snip" => Some(snip::service()),
            "linkkit" => Some(linkkit::service()),
            "clyk" => Some(clyk::service()),
            "trimlink" => Some(trimlink::service()),
            "kit" => Some(kit::service()),
            "klink" => Some(klink::service()),
            _ => None,
        }
    }

    /// What a call of the API is; HEAD is a GET without its body.
    pub fn route(&self, method: &str, path: &str) -> Option<&Route> {
        let method = match method {
            "GET" | "HEAD" => Method::Get,
            "POST" => Method::Post,
            "DELETE" => Method::Delete,
            _ => return None,
        };
        self.api.iter().find(|route| route.method == method && route.path == path)
    }
}

const fn get(path: &'static str, operation: Operation, scope: &'static str) -> Route {
    Route { method: Method::Get, path, operation, scope }
}

const fn post(path: &'static str, operation: Operation, scope: &'static str) -> Route {
    Route { method: Method::Post, path, operation, scope }
}

const fn delete(path: &'static str, operation: Operation, scope: &'static str) -> Route {
    Route { method: Method::Delete, path, operation, scope }
}

fn scope(text: &str) -> Result<Scope, Invalid> {
    Ok(Scope::parse(text)?)
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Invalid {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}
