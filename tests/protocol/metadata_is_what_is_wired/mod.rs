//! The metadata say exactly what is wired: each member is derived from what the server does, and compared with what it
//! publishes. What is published works, what works is published, and what is not published is refused. A member that
//! [`wiring`] does not derive is wrong wherever it turns up, so that nobody adds one without a way to try it.

mod configurations;
#[path = "../../http/support/html.rs"]
#[expect(dead_code, reason = "the tests of the pages need more of it")]
mod html;
mod lies;
mod plan;
mod refused;
mod wiring;

use plan::Plan;
use wiring::Wiring;

// META-001 to META-004, META-008 to META-028, META-032, META-034, PRM-001, PRM-004, PRM-006, PRM-008 to PRM-013, PRM-015,
// MCP-001, MCP-004, MCP-013, MCP-018, MCP-019, PKCE-018, BCP-003, ISS-003, CLI-016, CLI-025, CLI-059
async fn expect_truth(configure: fn(Plan) -> Plan) {
    let target = configure(Plan::new()).start().await;
    let found = Wiring::of(&target).await.compare(&target).await;
    assert!(found.is_empty(), "{found:#?}");
}
