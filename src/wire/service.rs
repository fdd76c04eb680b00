//! What a service says of a client that RFC 7591 has no name for, as JSON, read strictly.

use serde::Deserialize;
use serde_json::Value;

use crate::client::{Client, Environment};
use crate::identifier::{Subject, Tenant};
use crate::policy::{AccessTokenFormat, ClientPolicies, PkceRequirement, RefreshPolicy, UnknownScope};
use crate::scope::Scope;

/// The member `service` of a client that the operator installs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServiceDocument {
    environment: Environment,
    tenant: Option<Tenant>,
    owner: Option<Subject>,
    policies: PoliciesDocument,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PoliciesDocument {
    pkce: Option<PkceRequirement>,
    refresh_policy: Option<RefreshChoice>,
    access_token_format: Option<AccessTokenFormat>,
    default_scope: Option<Scope>,
    unknown_scope: Option<UnknownScope>,
}

/// [`RefreshPolicy`] without its numbers.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefreshChoice {
    Never,
    Reuse,
    Rotate,
}

impl ServiceDocument {
    /// Reads it; the error says in ASCII, without quotes, what is wrong.
    pub(crate) fn read(value: &Value) -> Result<Self, String> {
        if !value.is_object() {
            return Err("it is not an object".to_owned());
        }
        Self::deserialize(value).map_err(|error| {
            let sayable = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { ' ' };
            error.to_string().chars().map(sayable).collect()
        })
    }

    /// The client, with exactly this.
    pub(crate) fn apply_to(&self, client: Client) -> Client {
        client.in_service(self.environment, self.tenant.clone(), self.owner.clone(), self.policies())
    }

    /// What the client has of its own.
    pub(crate) fn policies(&self) -> ClientPolicies {
        let PoliciesDocument { pkce, refresh_policy, access_token_format, default_scope, unknown_scope } =
            &self.policies;
        let mut policies = ClientPolicies::new();
        if let Some(pkce) = *pkce {
            policies = policies.with_pkce(pkce);
        }
        if let Some(choice) = *refresh_policy {
            policies = policies.with_refresh_policy(match choice {
                RefreshChoice::Never => RefreshPolicy::Never,
                RefreshChoice::Reuse => RefreshPolicy::Reuse,
                RefreshChoice::Rotate => RefreshPolicy::default(),
            });
        }
        if let Some(format) = *access_token_format {
            policies = policies.with_access_token_format(format);
        }
        if let Some(scope) = default_scope {
            policies = policies.with_default_scope(scope.clone());
        }
        if let Some(unknown) = *unknown_scope {
            policies = policies.with_unknown_scope(unknown);
        }
        policies
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_or_not_of_its_kind_is_refused_by_name() {
        for (value, named) in [
            (json!({"enviroment": "production"}), "enviroment"),
            (json!({"environment": "staging"}), "staging"),
            (json!({"tenant": ""}), ""),
            (json!({"owner": 5}), "5"),
            (json!({"policies": {"pcke": "exempt"}}), "pcke"),
            (json!({"policies": {"pkce": "never"}}), "never"),
            (json!({"policies": {"default_scope": "a\"b"}}), "scope"),
            (json!([]), "object"),
            (json!("production"), "object"),
        ] {
            let problem = ServiceDocument::read(&value).unwrap_err();
            assert!(problem.contains(named), "{value}: {problem}");
            assert!(problem.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "{problem:?}");
        }
    }

    #[test]
    fn an_empty_object_takes_everything_away() {
        let client = Client::public("app".parse().unwrap());
        let owned = client.clone().with_owner("u".parse().unwrap()).with_pkce(PkceRequirement::Optional);
        assert_eq!(ServiceDocument::read(&json!({})).unwrap().apply_to(owned), client);
    }
}
