//! A server whose names have other shapes: an issuer with a path, and an API that is a whole host.

use std::sync::Arc;

use bytes::Bytes;
use grantor::configuration::{EndpointPaths, ProtectedResource};
use grantor::store::MemoryStore;
use grantor::testkit::TestServer;
use grantor::testkit::protocol::{Api, ApiCall, Endpoints, Feature, Outcome, Profile, Row, Suite};
use grantor::{AuthorizationServer, Issuer};
use http::{Method, Request};

const ISSUER: &str = "https://as.test/tenant1";

fn server() -> TestServer {
    TestServer::of(Arc::new(MemoryStore::new()), |stores| {
        AuthorizationServer::builder(Issuer::parse(ISSUER).unwrap(), stores)
            .scope("read", "Read your things")
            .scope("write", "Change your things")
            .scope("admin", "Administer everything")
            .default_scope("read".parse().unwrap())
            .resource(ProtectedResource::new("https://mcp.test".parse().unwrap()))
            .paths(EndpointPaths::under("/tenant1/oauth"))
    })
}

fn profile() -> Profile {
    let scopes = TestServer::protocol_profile().scopes;
    let api = Api {
        resource: "https://mcp.test".to_owned(),
        other_resource: None,
        read: "/".to_owned(),
        write: ApiCall { method: Method::POST, path: "/".to_owned(), body: "{}".to_owned() },
    };
    Profile::new(ISSUER, Endpoints::under(ISSUER, "/oauth"), scopes, api).without(Feature::Registration)
}

async fn suite() -> Suite {
    let (server, profile) = (server(), profile());
    for client in profile.clients() {
        server.server().install_client(client.registration().to_string().as_bytes()).await.unwrap();
    }
    let host = server.protocol_host();
    let service = move |request: Request<Bytes>| {
        let server = server.clone();
        async move { server.respond(request).await }
    };
    Suite::new(service, host, profile)
}

#[tokio::test]
async fn every_row_about_names_holds() {
    let about_names =
        |row: &&Row| ["META-", "PRM-", "RI-", "RS-", "MCP-", "CLI-"].iter().any(|area| row.id().starts_with(area));
    let mut passed = Vec::new();
    for row in Row::all().filter(about_names) {
        let report = suite().await.run(row).await;
        assert_ne!(report.outcome(), Outcome::Failed, "\n{report}");
        passed.extend((report.outcome() == Outcome::Passed).then(|| row.id()));
    }
    for shown in
        ["META-002", "META-004", "PRM-001", "PRM-002", "PRM-005", "RI-010", "RI-011", "MCP-003", "MCP-009", "CLI-015"]
    {
        assert!(passed.contains(&shown), "{shown} is not asked");
    }
}
