//! The authorization endpoint: methods, and what must be shown to the person (RFC 6749 §3.1, §4.1.2.1).

use crate::testkit::protocol::random;

rows! {
    $ __protocol_rows_authorization;

    /// GET is supported.
    ["AUTHZ-001", Must, "RFC 6749 §3.1; OAuth 2.1 §3.1"]
    async fn authz_001_get_is_supported(run) {
        let request = run.request(&run.profile().public);
        run.authorize(&request).await?.expect_ui()?;
        run.approve(&request).await?.expect_code(&request)?;
    }

    /// Missing `client_id`: no redirect.
    ["AUTHZ-010", Must, "RFC 6749 §4.1.2.1; OAuth 2.1 §4.1.2.1"]
    async fn authz_010_a_missing_client_id_is_shown(run) {
        let request = run.request(&run.profile().public);
        run.authorize(&request.clone().without("client_id")).await?.expect_page(400)?;
        run.authorize(&request.with("client_id", "")).await?.expect_page(400)?;
    }

    /// Unknown `client_id`: no redirect, even when the `redirect_uri` belongs to some other client.
    ["AUTHZ-011", Must, "RFC 6749 §4.1.2.1; OAuth 2.1 §4.1.2.1"]
    async fn authz_011_an_unknown_client_is_shown(run) {
        let request = run.request(&run.profile().public);
        run.authorize(&request.with("client_id", &random())).await?.expect_page(400)?;
    }
}
