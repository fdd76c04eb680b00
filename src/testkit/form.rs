//! Parameters of a request, changed one at a time.

use url::form_urlencoded::{self, byte_serialize};

/// The parameters of a query or a form, in order; a name may occur more than once.
///
/// ```
/// use grantor::testkit::Form;
///
/// let request = Form::of([("response_type", "code"), ("client_id", "board")]);
/// assert_eq!(request.clone().with("client_id", "other").encode(), "response_type=code&client_id=other");
/// let twice = request.clone().and("client_id", "other");
/// assert_eq!(twice.encode(), "response_type=code&client_id=board&client_id=other");
/// assert_eq!(request.without("client_id").encode(), "response_type=code");
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// No parameter.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// These parameters.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        pairs.into_iter().fold(Self::new(), |form, (name, value)| form.and(name, value))
    }

    /// Reads the form-encoded text of a query or a body, replacing what is not UTF-8.
    #[must_use]
    pub fn parse(encoded: &str) -> Self {
        Self(form_urlencoded::parse(encoded.as_bytes()).into_owned().collect())
    }

    /// Sets a parameter: it takes the place of the first with its name, and the others go. A new one comes last.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.0.iter().position(|(own, _)| own == name) {
            Some(at) => {
                let kept = self.0.drain(..).enumerate().filter(|(index, (own, _))| *index == at || own != name);
                let kept = kept.map(|(index, pair)| if index == at { (pair.0, value.to_owned()) } else { pair });
                Self(kept.collect())
            }
            None => self.and(name, value),
        }
    }

    /// Adds a parameter, beside those that have its name.
    #[must_use]
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Drops a parameter, as often as it occurs.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(own, _)| own != name);
        self
    }

    /// The first value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// The parameters, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The form-encoded text (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn encode(&self) -> String {
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pairs: Vec<_> = self.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        pairs.join("&")
    }
}
