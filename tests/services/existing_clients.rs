//! Clients as the services have them, at work while people and developers change their minds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::json;
use tokio::sync::Mutex;

use super::driver::browse_at;
use super::harness::dashboard::{app_action, make_token, press, register_app, revoke_app, secret};
use super::harness::{Callers, Known, Place, Service, Site};
use super::support::{ADA, Browser};
use super::tab::Tab;

/// How many programs call at the same time, and how often each has to come around before something happens.
const CALLERS: usize = 6;
const ROUNDS: usize = 3;

const REDIRECT_URI: &str = "https://made.example/cb";

scenarios! {
    web_apps_notice_nothing_while_their_secret_is_replaced
    web_apps_get_no_answer_once_access_was_taken_back
    web_apps_get_no_answer_once_they_are_deleted
    a_script_gets_no_answer_with_a_token_that_was_reset_or_revoked
    a_page_in_a_real_browser_works_from_another_origin_until_access_is_taken_back
}

/// A service whose apps are confidential web apps: where it has what they call.
#[derive(Clone, Copy, Debug)]
struct Habits {
    service: &'static str,
    token: &'static str,
    api: &'static str,
    scope: &'static str,
}

const LINKKIT: Habits = Habits { service: "linkkit", token: "/oauth/token", api: "/v1/links", scope: "links:read" };
const TRIMLINK: Habits = Habits {
    service: "trimlink",
    token: "/api/oauth/token",
    api: "/api/1.0/short-urls/list-all-short-urls",
    scope: "*",
};
const KIT: Habits = Habits { service: "kit", token: "/v4/oauth/token", api: "/v4/links", scope: "public" };

/// A web app of Ada's that runs on several machines: each has a grant of its own.
#[derive(Debug)]
struct WebApp {
    service: Service,
    habits: Habits,
    client_id: String,
    /// The secret, and the tokens, that each machine has.
    machines: Vec<Mutex<Machine>>,
}

#[derive(Clone, Debug)]
struct Machine {
    secret: String,
    access_token: String,
    refresh_token: String,
}

impl WebApp {
    async fn start(place: Place, habits: Habits) -> (Arc<Self>, Browser) {
        let service = Service::start(place, habits.service, &json!([]), &[("LIMITS", "off")]);
        let mut ada = Browser::signed_in(&service.example, ADA).await;
        let mut fields = vec![("name", "Web App"), ("redirect_uris", REDIRECT_URI), ("type", "confidential")];
        if habits.service == TRIMLINK.service {
            fields.push(("password", ADA.password));
        }
        let app = register_app(&mut ada, &fields).await;
        let mut web_app = Self { service, habits, client_id: app.client_id, machines: Vec::new() };
        for _ in 0..CALLERS {
            let machine = web_app.connect(&mut ada, app.secret.as_ref().unwrap()).await;
            web_app.machines.push(Mutex::new(machine));
        }
        (Arc::new(web_app), ada)
    }

    async fn connect(&self, ada: &mut Browser, secret: &str) -> Machine {
        let request = [
            ("response_type", "code"),
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("scope", self.habits.scope),
            ("state", "s"),
            ("prompt", "consent"),
        ];
        let answer = self.service.approve(ada, &request).await.answer_to(REDIRECT_URI);
        let grant = [("grant_type", "authorization_code"), ("code", answer.code()), ("redirect_uri", REDIRECT_URI)];
        self.ask(secret, &grant).await
    }

    /// A token request, as the programs of the service send it.
    async fn ask(&self, secret: &str, grant: &[(&str, &str)]) -> Machine {
        let client = [("client_id", self.client_id.as_str()), ("client_secret", secret)];
        let fields = [grant, &client].concat();
        let reply = if self.habits.service == TRIMLINK.service {
            let body = fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            self.service.json(self.habits.token, &[], &body).await
        } else {
            self.service.form(self.habits.token, &[], &fields).await
        };
        let reply = reply.expect(200);
        let refresh_token = reply.json()["refresh_token"].as_str().map(ToOwned::to_owned);
        Machine {
            secret: secret.to_owned(),
            access_token: reply.text("access_token"),
            // Linkkit's stays the same.
            refresh_token: refresh_token
                .or_else(|| grant.iter().find(|(name, _)| *name == "refresh_token").map(|(_, own)| (*own).to_owned()))
                .unwrap(),
        }
    }

    /// One machine gets another token, and calls the API with it.
    async fn work(&self, number: usize) {
        let mut machine = self.machines[number].lock().await;
        let grant = [("grant_type", "refresh_token"), ("refresh_token", machine.refresh_token.as_str())];
        *machine = self.ask(&machine.secret, &grant).await;
        self.service.call(self.habits.api, &machine.access_token).await.expect(200);
    }

    async fn give(&self, number: usize, secret: &str) {
        secret.clone_into(&mut self.machines[number].lock().await.secret);
    }
}

async fn web_apps_notice_nothing_while_their_secret_is_replaced(place: Place) {
    for habits in [LINKKIT, TRIMLINK, KIT] {
        let (app, mut ada) = WebApp::start(place, habits).await;
        let old = app.machines[0].lock().await.secret.clone();
        let working = Arc::clone(&app);
        let mut callers = Callers::start(CALLERS, move |number| {
            let app = Arc::clone(&working);
            async move { app.work(number).await }
        });
        callers.come_around(ROUNDS).await;
        let page = app_action(&mut ada, &app.client_id, "/developers/rotate-secret").await;
        let new = secret(&page).expect("the new secret");
        // The machines learn of it one by one.
        for number in 0..CALLERS {
            callers.come_around(1).await;
            app.give(number, &new).await;
        }
        callers.come_around(ROUNDS).await;
        app_action(&mut ada, &app.client_id, "/developers/end-secret").await;
        callers.come_around(ROUNDS).await;
        callers.stop().await;

        let machine = app.machines[0].lock().await.clone();
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", machine.refresh_token.as_str()),
            ("client_id", &app.client_id),
            ("client_secret", &old),
        ];
        app.service.form(habits.token, &[], &fields).await.expect_error(401, "invalid_client");
    }
}

/// What the callers know of an end, which comes at some time between two instants.
#[derive(Clone, Debug, Default)]
struct End(Arc<AtomicU8>);

impl End {
    const NOT_ASKED_FOR: u8 = 0;
    const ASKED_FOR: u8 = 1;
    const ANSWERED: u8 = 2;

    /// Calls, and holds the answer against what was known before and after.
    async fn hold(&self, service: &Service, path: &str, token: &str) {
        let before = self.0.load(Ordering::SeqCst);
        let reply = service.call(path, token).await;
        let after = self.0.load(Ordering::SeqCst);
        match (before, after) {
            (_, Self::NOT_ASKED_FOR) => assert_eq!(reply.status, 200, "nobody ended it: {reply:?}"),
            (Self::ANSWERED, _) => {
                reply.expect_error(401, "invalid_token");
            }
            _ => assert!([200, 401].contains(&reply.status.as_u16()), "{reply:?}"),
        }
    }

    fn is(&self, known: u8) {
        self.0.store(known, Ordering::SeqCst);
    }
}

/// Lets every machine of a web app call until access ends by `end`, and some time longer.
async fn until_the_end(
    place: Place,
    habits: Habits,
    end: impl AsyncFnOnce(&mut Browser, &WebApp),
) -> (Arc<WebApp>, Browser) {
    let (app, mut ada) = WebApp::start(place, habits).await;
    let known = End::default();
    let (working, told) = (Arc::clone(&app), known.clone());
    let mut callers = Callers::start(CALLERS, move |number| {
        let (app, known) = (Arc::clone(&working), told.clone());
        async move {
            let token = app.machines[number].lock().await.access_token.clone();
            known.hold(&app.service, app.habits.api, &token).await;
        }
    });
    callers.come_around(ROUNDS).await;
    known.is(End::ASKED_FOR);
    end(&mut ada, &app).await;
    known.is(End::ANSWERED);
    callers.come_around(ROUNDS).await;
    callers.stop().await;
    (app, ada)
}

/// The status and the error of the token endpoint's answer to a machine that wants to go on.
async fn refused(app: &WebApp) -> (u16, String) {
    let machine = app.machines[0].lock().await.clone();
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", machine.refresh_token.as_str()),
        ("client_id", &app.client_id),
        ("client_secret", &machine.secret),
    ];
    let reply = app.service.form(app.habits.token, &[], &fields).await;
    (reply.status.as_u16(), reply.text("error"))
}

async fn web_apps_get_no_answer_once_access_was_taken_back(place: Place) {
    for habits in [LINKKIT, TRIMLINK, KIT] {
        let (app, _) = until_the_end(place, habits, async |ada, _| revoke_app(ada, "Web App").await).await;
        assert_eq!(refused(&app).await, (400, "invalid_grant".to_owned()));
    }
}

async fn web_apps_get_no_answer_once_they_are_deleted(place: Place) {
    for habits in [LINKKIT, TRIMLINK, KIT] {
        let delete = async |ada: &mut Browser, app: &WebApp| {
            app_action(ada, &app.client_id, "/developers/delete").await;
        };
        let (app, _) = until_the_end(place, habits, delete).await;
        assert_eq!(refused(&app).await, (401, "invalid_client".to_owned()));
    }
}

async fn a_script_gets_no_answer_with_a_token_that_was_reset_or_revoked(place: Place) {
    let trimlink = [("scope", "domains:read"), ("password", ADA.password)];
    for (name, path, fields) in [
        ("clyk", "/api/v1/me", &[("scope", "links:read")][..]),
        ("trimlink", "/api/1.0/domains/list-all-domains", &trimlink),
        ("klink", "/api/v1/contacts", &[("scope", "contacts:read"), ("workspace", "ada-personal")]),
    ] {
        let service = Arc::new(Service::start(place, name, &json!([]), &[("LIMITS", "off")]));
        let mut ada = Browser::signed_in(&service.example, ADA).await;
        let mut token = make_token(&mut ada, &[&[("name", "Nightly export")], fields].concat()).await;
        let other = make_token(&mut ada, &[&[("name", "Another script")], fields].concat()).await;
        for action in ["/tokens/reset", "/tokens/revoke"] {
            let known = End::default();
            let (working, told, held) = (Arc::clone(&service), known.clone(), token.clone());
            let mut callers = Callers::start(CALLERS, move |_| {
                let (service, known, token) = (Arc::clone(&working), told.clone(), held.clone());
                async move { known.hold(&service, path, &token).await }
            });
            callers.come_around(ROUNDS).await;
            known.is(End::ASKED_FOR);
            let page = press(&mut ada, "/tokens", "Nightly export", action).await;
            known.is(End::ANSWERED);
            callers.come_around(ROUNDS).await;
            callers.stop().await;
            if let Some(another) = secret(&page) {
                token = another;
                service.call(path, &token).await.expect(200);
            }
        }
        service.call(path, &token).await.expect_error(401, "invalid_token");
        service.call(path, &other).await.expect(200);
    }
}

async fn a_page_in_a_real_browser_works_from_another_origin_until_access_is_taken_back(place: Place) {
    let site = Site::new();
    let home = site.url();
    let page = Known { id: "kit-page", secret: None, redirect_uris: &[] };
    let document = page.document_with(json!({ "client_name": "Page App", "redirect_uris": [home] }));
    let kit = Service::start(place, "kit", &json!([document]), &[("LIMITS", "off")]);
    site.show(include_str!("page.html").replace("{{service}}", &kit.example.origin()));
    let example = Arc::clone(&kit.example);
    browse_at(|| example, json!({}), |tab| visit(tab, kit, home)).await;
}

async fn visit(tab: Tab, kit: Service, home: String) {
    tab.client.goto(&home).await.unwrap();
    tab.press("Connect").await;
    tab.sign_in(ADA.username, ADA.password).await;
    tab.see("Page App").await;
    tab.see("Acme Inc.").await;
    tab.press("Deny").await;
    tab.see("Refused: access_denied").await;

    tab.press("Connect").await;
    tab.see("Acme Inc.").await;
    tab.press("Approve").await;
    // The page could read the whole answer, and the API's.
    tab.see("Connected as Ada Lovelace").await;
    let members = "access_token:string created_at:number expires_in:number refresh_token:string scope:string \
                   token_type:string 172800";
    tab.see(members).await;
    assert_eq!(tab.url().await, home);

    // It goes on calling, also with the token of a refresh.
    tab.press("Refresh").await;
    tab.see("Refreshed: ").await;
    tab.see("refresh_token:string scope:string token_type:string 7200").await;

    // Until access is taken back elsewhere; and it can read why.
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    revoke_app(&mut ada, "Page App").await;
    tab.see("access ended: Bearer ").await;
    assert!(tab.text().await.contains("invalid_token"));
    tab.press("Refresh").await;
    tab.see("token endpoint: 400 invalid_grant").await;
}
