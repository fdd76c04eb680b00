//! The forms of a page.

use html5gum::{StartTag, Token, Tokenizer};

use super::Submission;
use crate::testkit::Form;

/// A form as it stands on a page, before anybody has touched it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "what hosts read")]
pub struct PageForm {
    /// Where it goes; empty if that is the page itself.
    pub action: String,
    /// What it sends unless it is changed: hidden and text fields, boxes that are ticked.
    pub fields: Form,
    /// Its buttons that have a name, each with its value.
    pub buttons: Vec<(String, String)>,
}

impl PageForm {
    /// The form as one of its buttons sends it.
    #[must_use]
    pub fn press(self, name: &str, value: &str) -> Submission {
        Submission { action: self.action, fields: self.fields.and(name, value) }
    }

    /// The form as it stands.
    #[must_use]
    pub fn submit(self) -> Submission {
        Submission { action: self.action, fields: self.fields }
    }
}

/// An element of a page: its name and attributes, in lower case.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "what rows read")]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Its attributes, each with its value.
    pub attributes: Vec<(String, String)>,
}

impl Element {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Every element of a page, in order.
pub(super) fn elements(html: &str) -> Vec<Element> {
    let starts = Tokenizer::new(html).filter_map(|Ok(token)| match token {
        Token::StartTag(tag) => Some(tag),
        _ => None,
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    starts
        .map(|tag| Element {
            name: text(&tag.name),
            attributes: tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect(),
        })
        .collect()
}

/// What a page says: its text without its elements, and with single spaces.
pub(super) fn words(html: &str) -> String {
    let mut said = String::new();
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::String(text) => said.push_str(&String::from_utf8_lossy(&text)),
            Token::StartTag(_) | Token::EndTag(_) => said.push(' '),
            _ => {}
        }
    }
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The forms of a page, in order. Fields outside of a form, and fields of other kinds than `input` and `button`, are
/// not read.
pub(super) fn forms(html: &str) -> Vec<PageForm> {
    let mut forms = Vec::new();
    let mut open: Option<PageForm> = None;
    for token in Tokenizer::new(html) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) if tag.name.as_slice() == b"form" => {
                let action = attribute(&tag, "action").unwrap_or_default();
                open = Some(PageForm { action, ..PageForm::default() });
            }
            Token::EndTag(tag) if tag.name.as_slice() == b"form" => forms.extend(open.take()),
            Token::StartTag(tag) => {
                if let Some(form) = &mut open {
                    read_field(form, &tag);
                }
            }
            _ => {}
        }
    }
    forms
}

fn read_field(form: &mut PageForm, tag: &StartTag<()>) {
    let Some(name) = attribute(tag, "name") else { return };
    let kind = attribute(tag, "type").unwrap_or_default().to_ascii_lowercase();
    let value = attribute(tag, "value");
    match (tag.name.as_slice(), kind.as_str()) {
        (b"button", _) | (b"input", "submit") => form.buttons.push((name, value.unwrap_or_default())),
        (b"input", "checkbox" | "radio") if attribute(tag, "checked").is_none() => {}
        (b"input", "checkbox" | "radio") => {
            form.fields = std::mem::take(&mut form.fields).and(&name, value.as_deref().unwrap_or("on"));
        }
        (b"input", _) => form.fields = std::mem::take(&mut form.fields).and(&name, &value.unwrap_or_default()),
        _ => {}
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    tag.attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_is_between_its_elements() {
        let page = "<h1 CLASS=a>Red &amp; <b>blue</b></h1>\n<p>at <code>a.test</code></p>";
        assert_eq!(words(page), "Red & blue at a.test");
        let names: Vec<_> = elements(page).into_iter().map(|element| element.name).collect();
        assert_eq!(names, ["h1", "b", "p", "code"]);
        assert_eq!(elements(page)[0].attribute("class"), Some("a"));
    }

    #[test]
    fn a_form_is_read_as_a_browser_would_send_it() {
        let page = r#"
            <form action="/other"><input name="q"></form>
            <FORM METHOD=post ACTION='/authorize?a=1&amp;b=2'>
              <input type=hidden name=token value="a&quot;b">
              <input type="checkbox" name="scope" value="read" checked>
              <input type="checkbox" name="scope" value="write">
              <input type="checkbox" name="remember" checked=checked>
              <button name="decision" value="deny">No</button><button>Nothing</button>
            </FORM>"#;
        let forms = forms(page);
        assert_eq!(forms.len(), 2);
        assert_eq!(forms[1].action, "/authorize?a=1&b=2");
        assert_eq!(forms[1].fields, Form::of([("token", "a\"b"), ("scope", "read"), ("remember", "on")]));
        assert_eq!(forms[1].buttons, [("decision".to_owned(), "deny".to_owned())]);
    }
}
