//! What the host keeps with a grant.

use std::io;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A JSON object of the host's own, kept with a grant and given back with every access; no secrets belong here.
///
/// Its members are read one by one ([`get`](Self::get)), or all of them as a type of the host's
/// ([`of`](Self::of), [`read`](Self::read)). Cloning shares the object.
///
/// It is at most [`Extra::MAX_BYTES`] long as JSON: it is read with every token. What a store gives back is not
/// measured again.
///
/// ```
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Kept {
///     plan: String,
/// }
///
/// let extra = grantor::identifier::Extra::of(&Kept { plan: "bulk".to_owned() })?;
/// assert_eq!(extra.read::<Kept>()?.plan, "bulk");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Extra(Option<Arc<Map<String, Value>>>);

/// Why something cannot be kept with a grant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidExtra {
    /// It is no JSON object.
    #[error("what is kept with a grant must be a JSON object")]
    NotAnObject,
    /// It is longer than [`Extra::MAX_BYTES`].
    #[error("what is kept with a grant is longer than 16 KiB as JSON")]
    TooLarge,
    /// It cannot be written as JSON.
    #[error("what is kept with a grant cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
}

impl Extra {
    /// The longest object that is kept, in bytes of JSON without spaces.
    pub const MAX_BYTES: usize = 16 * 1024;

    pub(crate) const EMPTY: Self = Self(None);

    /// Takes an object.
    ///
    /// # Errors
    ///
    /// [`InvalidExtra::TooLarge`].
    pub fn new(object: Map<String, Value>) -> Result<Self, InvalidExtra> {
        let mut room = Room(Self::MAX_BYTES);
        serde_json::to_writer(&mut room, &object).map_err(|_| InvalidExtra::TooLarge)?;
        Ok(Self::unmeasured(object))
    }

    /// Writes a value of the host's own type, which must become a JSON object.
    ///
    /// # Errors
    ///
    /// [`InvalidExtra`] if it becomes something else, is too large, or cannot be written.
    pub fn of(value: &impl Serialize) -> Result<Self, InvalidExtra> {
        match serde_json::to_value(value).map_err(InvalidExtra::Unwritable)? {
            Value::Object(object) => Self::new(object),
            _ => Err(InvalidExtra::NotAnObject),
        }
    }

    /// Reads all of it as a type of the host's own; nothing is an empty object.
    ///
    /// # Errors
    ///
    /// [`serde_json::Error`] if the object does not fit the type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match &self.0 {
            Some(object) => T::deserialize(&**object),
            None => T::deserialize(Map::new()),
        }
    }

    /// Adds a member, in place of one that has this name.
    ///
    /// # Errors
    ///
    /// [`InvalidExtra::TooLarge`].
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Result<Self, InvalidExtra> {
        let mut object = self.0.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        object.insert(name.to_owned(), value.into());
        Self::new(object)
    }

    /// The member called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.get(name)
    }

    /// The members, each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().flat_map(|object| object.iter()).map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are no members.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// With these texts beneath: what is here already stays. They are bounded elsewhere, and come on top.
    pub(crate) fn above<'a>(self, texts: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut missing = texts.filter(|(name, _)| self.get(name).is_none()).peekable();
        if missing.peek().is_none() {
            drop(missing);
            return self;
        }
        let mut object = self.0.as_deref().cloned().unwrap_or_default();
        object.extend(missing.map(|(name, text)| (name.to_owned(), Value::from(text))));
        Self::unmeasured(object)
    }

    fn unmeasured(object: Map<String, Value>) -> Self {
        if object.is_empty() { Self(None) } else { Self(Some(Arc::new(object))) }
    }
}

/// Writes nothing, and fails as soon as it would have written more than there is room for.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Kept {
        plan: String,
        #[serde(default)]
        folders: Vec<String>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    struct Optional {
        plan: Option<String>,
    }

    #[test]
    fn a_type_of_the_hosts_own_comes_back_as_it_was() {
        let kept = Kept { plan: "bulk".to_owned(), folders: vec!["inbox".to_owned()] };
        let extra = Extra::of(&kept).unwrap();
        assert_eq!(extra.read::<Kept>().unwrap(), kept);
        assert_eq!(extra.get("plan"), Some(&json!("bulk")));
        let stored: Extra = serde_json::from_str(&serde_json::to_string(&extra).unwrap()).unwrap();
        assert_eq!(stored, extra);
    }

    #[test]
    fn nothing_is_an_empty_object() {
        assert_eq!(Extra::default().read::<Optional>().unwrap(), Optional::default());
        assert!(Extra::default().read::<Kept>().is_err());
        assert!(Extra::of(&json!({})).unwrap().is_empty());
        assert_eq!(Extra::default().iter().count(), 0);
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_not_a_guess() {
        let extra = Extra::of(&json!({ "plan": 5 })).unwrap();
        assert!(extra.read::<Kept>().is_err() && extra.read::<Optional>().is_err());
    }

    #[test]
    fn only_objects_are_kept() {
        for value in [json!(null), json!(5), json!("plan"), json!(["plan"]), json!(true)] {
            assert!(matches!(Extra::of(&value), Err(InvalidExtra::NotAnObject)), "{value}");
        }
        let unwritable = BTreeMap::from([(vec![1], 1)]);
        assert!(matches!(Extra::of(&unwritable), Err(InvalidExtra::Unwritable(_))));
    }

    #[test]
    fn members_are_added_and_replaced_without_changing_who_shares_them() {
        let one = Extra::default().with("plan", "free").unwrap();
        let two = one.clone().with("plan", "bulk").unwrap().with("seats", 3).unwrap();
        assert_eq!(one.get("plan"), Some(&json!("free")));
        assert_eq!(two.iter().collect::<Vec<_>>(), [("plan", &json!("bulk")), ("seats", &json!(3))]);
    }

    #[test]
    fn the_size_is_bounded_in_bytes_of_json() {
        // {"a":"…"}
        let fits = "x".repeat(Extra::MAX_BYTES - 8);
        let extra = Extra::of(&json!({ "a": fits })).unwrap();
        assert_eq!(serde_json::to_string(&extra).unwrap().len(), Extra::MAX_BYTES);
        assert!(matches!(Extra::of(&json!({ "a": format!("{fits}x") })), Err(InvalidExtra::TooLarge)));
        assert!(matches!(extra.with("b", 1), Err(InvalidExtra::TooLarge)));
        // An escape is as long as it is written.
        assert!(Extra::default().with("a", "\u{1}".repeat(Extra::MAX_BYTES / 4)).is_err());
    }

    #[test]
    fn texts_beneath_replace_nothing() {
        let extra = Extra::of(&json!({ "plan": "bulk", "nothing": null })).unwrap();
        let above = extra.clone().above([("plan", "free"), ("nothing", "x"), ("tenant_name", "acme")].into_iter());
        assert_eq!(above, extra.clone().with("tenant_name", "acme").unwrap());
        assert_eq!(extra.clone().above([("plan", "free")].into_iter()), extra);
        assert!(Extra::default().above(std::iter::empty()).is_empty());
    }
}
