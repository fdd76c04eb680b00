//! What real clients check of an answer, and do themselves (15.3): each row does what the client does.
//!
//! | row | why it is not here |
//! |---|---|
//! | CLI-005, CLI-037, CLI-038 | no OpenID Connect |
//! | CLI-008 | no DPoP |
//! | CLI-032 | no device grant |
//! | CLI-042, CLI-053 | the client demands nothing |
//! | CLI-049 | a status is told truly by every row about errors |
//! | CLI-055 | client identifier metadata documents are not among the suite's features; NAT-003 says the rest |
//! | CLI-062 | about another server |

pub mod libraries;
pub mod mcp_applications;
pub mod mcp_sdks;
pub mod strict_libraries;

use serde_json::{Map, Value};

use crate::testkit::protocol::{Failure, KnownClient, Reply, Run};

/// The answer to an exchange of a fresh code.
pub(super) async fn exchanged(run: &Run<'_>, client: &KnownClient) -> Result<Reply, Failure> {
    run.token(&run.exchange(client, &run.code(client).await?)).await
}

/// A member that is text and not empty.
pub(super) fn text<'a>(members: &'a Map<String, Value>, member: &str) -> Result<&'a str, Failure> {
    let text = members.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| Failure::new(format!("{member} is {:?}", members.get(member))))
}
