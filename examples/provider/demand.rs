//! What a handler of the API demands of a token.

/// A demand, as a type: an extractor is given it.
pub trait Demand {
    /// The scope tokens, separated by spaces; none is fine.
    const SCOPE: &'static str;
}

macro_rules! demands {
    ($($(#[$doc:meta])* $name:ident = $scope:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl Demand for $name {
                const SCOPE: &'static str = $scope;
            }
        )*
    };
}

demands! {
    /// Any token.
    AnyScope = "";
    /// A token for reading links.
    LinksRead = "links:read";
    /// A token for making links.
    LinksWrite = "links:write";
    /// A token for deleting links.
    LinksDelete = "links:delete";
    /// A token for reading statistics.
    StatsRead = "stats:read";
}
