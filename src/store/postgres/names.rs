//! What the tables are called.

/// Names the store's tables begin with, unless the host says otherwise.
const DEFAULT_PREFIX: &str = "grantor_";
/// PostgreSQL cuts off names behind this length.
const MAX_NAME: usize = 63;
/// Leaves room for the longest name that an index has behind the prefix.
const MAX_PREFIX: usize = 32;

/// The text is no name for a schema, or no beginning for the names of tables.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a schema is 1 to 63 and a table prefix at most 32 ASCII letters, digits, underscores and hyphens")]
pub struct InvalidPostgresName;

/// Where the tables are, and what they begin with.
#[derive(Clone, Debug)]
pub(super) struct Names {
    schema: Option<String>,
    prefix: String,
}

impl Default for Names {
    fn default() -> Self {
        Self { schema: None, prefix: DEFAULT_PREFIX.to_owned() }
    }
}

impl Names {
    pub(super) fn with_schema(mut self, schema: &str) -> Result<Self, InvalidPostgresName> {
        if schema.is_empty() || schema.len() > MAX_NAME || !is_plain(schema) {
            return Err(InvalidPostgresName);
        }
        self.schema = Some(schema.to_owned());
        Ok(self)
    }

    pub(super) fn with_prefix(mut self, prefix: &str) -> Result<Self, InvalidPostgresName> {
        if prefix.len() > MAX_PREFIX || !is_plain(prefix) {
            return Err(InvalidPostgresName);
        }
        prefix.clone_into(&mut self.prefix);
        Ok(self)
    }

    pub(super) fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// `sql` with the names of this store in place of those that begin with `grantor_`.
    pub(super) fn apply(&self, sql: &str) -> String {
        let mut pieces = sql.split(DEFAULT_PREFIX);
        let mut named = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(piece.len());
            let (name, rest) = piece.split_at(end);
            // An index always lies in the schema of its table, and CREATE INDEX takes none.
            let is_new_index = named.ends_with("INDEX ") || named.ends_with("IF NOT EXISTS ");
            if let Some(schema) = self.schema().filter(|_| !is_new_index) {
                named.extend(["\"", schema, "\"."]);
            }
            named.extend(["\"", &self.prefix, name, "\"", rest]);
        }
        named
    }
}

/// Whether the text can stand between double quotes, wherever it comes from.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "CREATE INDEX grantor_codes_hash ON grantor_codes (hash); SELECT 1 FROM grantor_grants AS g";

    #[test]
    fn every_name_is_quoted() {
        let default =
            "CREATE INDEX \"grantor_codes_hash\" ON \"grantor_codes\" (hash); SELECT 1 FROM \"grantor_grants\" AS g";
        assert_eq!(Names::default().apply(SQL), default);
        let own = Names::default().with_schema("Auth-2").unwrap().with_prefix("").unwrap();
        assert_eq!(
            own.apply(SQL),
            "CREATE INDEX \"codes_hash\" ON \"Auth-2\".\"codes\" (hash); SELECT 1 FROM \"Auth-2\".\"grants\" AS g"
        );
    }

    #[test]
    fn an_index_has_its_schema_where_it_is_dropped_and_not_where_it_is_made() {
        let own = Names::default().with_schema("auth").unwrap();
        for made in ["INDEX", "INDEX IF NOT EXISTS", "INDEX CONCURRENTLY IF NOT EXISTS"] {
            assert_eq!(own.apply(&format!("CREATE {made} grantor_x")), format!("CREATE {made} \"grantor_x\""));
        }
        assert_eq!(
            own.apply("DROP INDEX CONCURRENTLY IF EXISTS grantor_x"),
            "DROP INDEX CONCURRENTLY IF EXISTS \"auth\".\"grantor_x\""
        );
    }

    #[test]
    fn what_could_end_a_quoted_name_is_refused() {
        for text in ["a\"b", "a.b", "a;b", "a b", "a\0", "ä"] {
            assert_eq!(Names::default().with_schema(text).unwrap_err(), InvalidPostgresName, "{text}");
            assert_eq!(Names::default().with_prefix(text).unwrap_err(), InvalidPostgresName, "{text}");
        }
        assert_eq!(Names::default().with_schema("").unwrap_err(), InvalidPostgresName);
        assert_eq!(Names::default().with_schema(&"x".repeat(64)).unwrap_err(), InvalidPostgresName);
        assert_eq!(Names::default().with_prefix(&"x".repeat(33)).unwrap_err(), InvalidPostgresName);
    }

    #[test]
    fn no_name_is_too_long_with_the_longest_prefix() {
        let names = Names::default().with_prefix(&"x".repeat(MAX_PREFIX)).unwrap();
        let sql = names.apply(&super::super::FILES.concat());
        for name in sql.split('"').skip(1).step_by(2) {
            assert!(name.len() <= MAX_NAME, "{name}");
        }
    }
}
