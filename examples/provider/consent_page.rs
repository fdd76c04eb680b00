//! The authorization endpoint without its framework: who decides, what the page shows, and who is told of an error.

use grantor::client::{Client, Vetting};
use grantor::error::AuthorizeError;
use grantor::grant::ClientWarning;
use grantor::redirect_uri::Form as UriForm;
use grantor::{
    Approval, AuthorizationResponse, AuthorizeAnswer, ErrorPage, PendingAuthorization, Recall, Scope, SessionSecret,
    Subject, Tenant,
};
use http::StatusCode;

use super::app::App;
use super::services::Workspaces;
use super::{scopes, subject};
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::{ConsentPage, Destination, Publisher, Section, WorkspaceChoice};
use crate::shortener::visitor::{SIGN_OUT, Visitor};
use crate::shortener::workspaces::{self, Workspace};

/// Who decides.
#[derive(Debug)]
pub struct Person {
    user: User,
    /// What the authorization server calls the person.
    pub subject: Subject,
    /// What only the session knows in which they decide.
    pub session: SessionSecret,
}

impl Person {
    /// Whoever is signed in.
    pub fn of(visitor: &Visitor) -> Result<Option<Self>, Problem> {
        let (Some(user), Some(session)) = (visitor.user(), visitor.session()) else { return Ok(None) };
        let session = SessionSecret::new(session.secret()).map_err(|_| Problem::internal())?;
        Ok(Some(Self { user: user.clone(), subject: subject(user)?, session }))
    }
}

/// The workspaces among which the person may choose for an app: theirs, or the one that the app is confined to.
async fn choices(app: &App, person: &Person, client: &Client) -> Result<Vec<Workspace>, Problem> {
    if client.tenant().is_none() && app.service.workspaces == Workspaces::Unknown {
        return Ok(Vec::new());
    }
    let mut workspaces = workspaces::of(&app.site.database, person.user.id).await?;
    if let Some(tenant) = client.tenant() {
        workspaces.retain(|workspace| workspace.id == tenant.as_str());
        if workspaces.is_empty() {
            let text = "It works in a workspace that you are not a member of.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "This app is not for your account", text));
        }
    }
    Ok(workspaces)
}

/// What the form of the consent page approves. The workspace is looked up anew: a form can be sent with any.
pub async fn approval(app: &App, person: &Person, client: &Client, fields: &Fields) -> Result<Approval, Problem> {
    let approval = Approval::of(ticked(fields)?);
    let chosen = match (client.tenant(), fields.text("workspace")) {
        (Some(tenant), "") => tenant.as_str(),
        (None, "") => return Ok(approval),
        (_, chosen) => chosen,
    };
    let workspaces = choices(app, person, client).await?;
    let chosen = workspaces.iter().find(|own| own.id == chosen).ok_or_else(Problem::bad_request)?;
    Ok(approval.with_tenant(Tenant::parse(&chosen.id).map_err(|_| Problem::internal())?))
}

/// The page that asks about `pending`; `action` is its own path and query.
pub async fn page(
    app: &App,
    visitor: &Visitor,
    person: &Person,
    pending: &PendingAuthorization,
    action: &str,
) -> Result<ConsentPage, Problem> {
    let client = pending.client();
    let workspaces = choices(app, person, client).await?;
    let chosen = client.tenant().map(Tenant::as_str).or(visitor.workspace());
    let workspaces = WorkspaceChoice::of(&workspaces, chosen);
    let destination = pending.redirect_uri().display_host();
    Ok(ConsentPage {
        layout: visitor.layout("Allow access?", Section::Elsewhere),
        action: action.to_owned(),
        consent_token: pending.consent_token(&person.session, &person.subject),
        app_name: client.display_name().to_owned(),
        unverified: client.vetting() == Vetting::SelfRegistered,
        publisher: pending.client_id_host().map(|host| Publisher { host, address: client.id().to_string() }),
        warnings: pending.warnings().map(words).collect(),
        destination: match pending.redirect_uri().form() {
            UriForm::Loopback(_) => Destination::ThisComputer(destination),
            UriForm::PrivateUse => Destination::App(destination),
            _ => Destination::Site(destination),
        },
        scopes: scopes::choices(app, pending.scope().tokens(), |_| true),
        facts: facts(app, pending),
        all_chosen: !workspaces.iter().any(|workspace| workspace.chosen),
        may_choose_all: client.tenant().is_none(),
        workspaces,
        user_name: person.user.name.clone(),
        username: person.user.username.clone(),
        sign_out_token: visitor.form_token(SIGN_OUT),
        problem: None,
    })
}

const fn words(warning: ClientWarning) -> &'static str {
    match warning {
        ClientWarning::LoopbackOnly => {
            "Any program on this computer can pass for this app. Go on only if you have just started it yourself."
        }
        ClientWarning::OtherHost => {
            "Your answer is sent to another place than the one that publishes this app. Go on only if you know both."
        }
        _ => "Something about this app is unusual. Go on only if you started this yourself.",
    }
}

/// The page once more, if `fields` approve a scope and not what comes with it: nothing is carried out that the person did
/// not see.
pub async fn page_again(
    app: &App,
    visitor: &Visitor,
    person: &Person,
    pending: &PendingAuthorization,
    action: &str,
    fields: &Fields,
) -> Result<Option<ConsentPage>, Problem> {
    let ticked = ticked(fields)?;
    let contradiction = scopes::contradiction(app, pending.scope(), &ticked);
    let Some(problem) = contradiction.filter(|_| fields.text("decision") == "approve") else { return Ok(None) };
    let mut page = page(app, visitor, person, pending, action).await?;
    page.scopes = scopes::choices(app, pending.scope().tokens(), |token| ticked.contains(token));
    for workspace in &mut page.workspaces {
        workspace.chosen = workspace.id == fields.text("workspace");
    }
    page.all_chosen = fields.text("workspace").is_empty();
    page.problem = Some(problem);
    Ok(Some(page))
}

fn ticked(fields: &Fields) -> Result<Scope, Problem> {
    let ticked = fields.all("scope").collect::<Vec<_>>().join(" ");
    Scope::parse(&ticked).map_err(|_| Problem::bad_request())
}

/// Whether the person has to be asked. What they decided for a workspace counts for as long as it is theirs.
pub async fn recall(app: &App, person: &Person, pending: PendingAuthorization) -> Result<Recall, Failure> {
    match app.server.recall(pending, &person.subject).await? {
        Recall::Remembered(confirmed) if !may_use(app, person, confirmed.tenant()).await? => {
            Ok(Recall::Ask(confirmed.ask_again()?))
        }
        recall => Ok(recall),
    }
}

async fn may_use(app: &App, person: &Person, tenant: Option<&Tenant>) -> Result<bool, Problem> {
    let Some(tenant) = tenant else { return Ok(true) };
    Ok(workspaces::find(&app.site.database, person.user.id, tenant.as_str()).await?.is_some())
}

/// What the app said of itself in parameters of the service's own.
fn facts(app: &App, pending: &PendingAuthorization) -> Vec<(String, String)> {
    let told = |(name, words): &(&str, &str)| Some(((*words).to_owned(), pending.extra(name)?.to_owned()));
    app.service.parameters.iter().filter_map(told).collect()
}

/// Why there is no page and no decision.
#[derive(Debug)]
pub enum Failure {
    /// The authorization server refused the request.
    Refused(AuthorizeError),
    /// Something of the shortener's own.
    Problem(Problem),
}

impl From<AuthorizeError> for Failure {
    fn from(error: AuthorizeError) -> Self {
        Self::Refused(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Failure {
    /// Tells the client where that is safe, and the person otherwise.
    pub fn answer(self, visitor: &Visitor) -> Result<AuthorizationResponse, Problem> {
        let error = match self {
            Self::Refused(error) => error,
            Self::Problem(problem) => return Err(problem),
        };
        let who = if visitor.user().is_some() { grantor::Visitor::SignedIn } else { grantor::Visitor::Anonymous };
        match error.answer(who) {
            AuthorizeAnswer::Redirect(response) => Ok(response),
            AuthorizeAnswer::Page(page) => Err(explain(&page)),
        }
    }
}

fn explain(page: &ErrorPage) -> Problem {
    let heading = match page.status() {
        StatusCode::FORBIDDEN => "Please start again",
        StatusCode::CONFLICT => "You decided already",
        StatusCode::TOO_MANY_REQUESTS => "Slow down",
        status if status.is_server_error() => return Problem::unavailable(),
        _ => "This app sent a request that cannot be answered",
    };
    let problem = Problem::new(page.status(), heading, page.text());
    let problem = page.retry_after().into_iter().fold(problem, Problem::with_retry_after);
    match page.continue_to() {
        Some(target) => {
            let destination = page.destination().unwrap_or("the app");
            problem.with_way_out(target, format!("Continue to {destination}"))
        }
        None => problem,
    }
}
