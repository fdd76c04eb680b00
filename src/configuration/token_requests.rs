//! In which form clients may send what they ask for.

/// Which bodies the endpoints read that clients call with parameters: token, revocation and introspection.
///
/// RFC 6749 §3.2 knows forms only, and that is the default. Some services have clients that send JSON instead; those
/// are served without being changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum TokenRequestBodies {
    /// Forms only (`application/x-www-form-urlencoded`); anything else is answered with 415.
    #[default]
    Form,
    /// Forms, and JSON (`application/json`) as well: one object whose members are the parameters.
    ///
    /// A value is a string; `null` and the empty string count as not sent. `resource` may be an array of strings, too.
    /// Members that mean nothing here are ignored whatever they hold. A secret in the object is `client_secret_post`.
    /// The bounds are those of forms: the body limit, and 200 parameters; nesting may be 127 levels deep.
    FormOrJson,
}
