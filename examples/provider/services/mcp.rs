//! What agents can do with a service by its MCP server, and what they need for it.

use grantor::Scope;

use super::{Invalid, Operation};
use crate::provider::mcp::gate::ToolScopes;

/// An MCP server (Model Context Protocol).
#[derive(Clone, Copy, Debug)]
pub struct Mcp {
    /// What a token needs for anything at all; nothing is any token.
    pub scope: &'static str,
    /// What an agent is told to ask for besides that has no token yet.
    pub first_scope: &'static str,
    /// What agents can do.
    pub tools: &'static [Tool],
}

/// Something that agents can do.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// What agents call it.
    pub name: &'static str,
    /// What they are told about it.
    pub description: &'static str,
    /// What it does; the body is what the agent says.
    pub operation: Operation,
    /// What a token needs for it besides.
    pub scope: &'static str,
}

/// What services have for agents whose scopes are called so.
pub(super) const LINK_TOOLS: &[Tool] = &[
    Tool {
        name: "create_short_link",
        description: "Makes a short link in the user's name, and tells its address.",
        operation: Operation::CreateLink,
        scope: "links:write",
    },
    Tool {
        name: "list_links",
        description: "Lists the user's short links: where they lead, and how often they were followed.",
        operation: Operation::ListLinks,
        scope: "links:read",
    },
    Tool {
        name: "read_stats",
        description: "Tells how many short links the user has, and how often they were followed altogether.",
        operation: Operation::Stats,
        scope: "stats:read",
    },
];

impl Mcp {
    /// The scopes, as the gate in front of the tools wants them.
    pub fn tool_scopes(&self) -> Result<ToolScopes, Invalid> {
        let connection = Scope::parse(self.scope)?;
        let tools = self.tools.iter().map(|tool| Ok((tool.name, connection.union(&Scope::parse(tool.scope)?)?)));
        let tools = tools.collect::<Result<_, Invalid>>()?;
        Ok(ToolScopes { connection, tools })
    }

    /// What an agent without a token is told to ask for, whatever it calls.
    pub fn initial_scope(&self) -> Result<Scope, Invalid> {
        Ok(Scope::parse(self.first_scope)?)
    }

    /// Everything that a token may be good for here.
    pub fn scopes(&self) -> Result<Scope, Invalid> {
        let own = [self.scope, self.first_scope].into_iter().chain(self.tools.iter().map(|tool| tool.scope));
        Ok(Scope::parse(&own.collect::<Vec<_>>().join(" "))?)
    }
}
