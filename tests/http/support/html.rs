//! Pages, read as a browser reads them.

use scraper::{ElementRef, Html, Selector};

/// A form, with what a browser would send for it.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// The controls that count without a button being pressed, in order.
    pub fields: Vec<(String, String)>,
    /// The buttons that have a name.
    pub buttons: Vec<(String, String)>,
    /// The boxes that are not ticked.
    pub boxes: Vec<(String, String)>,
}

impl Form {
    /// The value of a field.
    #[track_caller]
    pub fn value(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no field {name} in {self:?}"))
    }

    /// Every value of the fields with this name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Fills in a field that the form has.
    #[track_caller]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let _ = self.value(name);
        for (_, own) in self.fields.iter_mut().filter(|(own, _)| own == name) {
            value.clone_into(own);
        }
        self
    }

    /// Unticks a box that is ticked.
    #[track_caller]
    pub fn untick(mut self, name: &str, value: &str) -> Self {
        let before = self.fields.len();
        self.fields.retain(|field| (field.0.as_str(), field.1.as_str()) != (name, value));
        assert_eq!(self.fields.len(), before - 1, "{value} is not ticked in {self:?}");
        self
    }

    /// Ticks a box that is not ticked.
    #[track_caller]
    pub fn tick(mut self, name: &str, value: &str) -> Self {
        let ticked = (name.to_owned(), value.to_owned());
        assert!(self.boxes.contains(&ticked), "no such box in {self:?}");
        self.fields.push(ticked);
        self
    }

    /// Adds a field that the form does not have.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes a field out altogether.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(own, _)| own != name);
        self
    }

    /// Presses a button that the form has.
    #[track_caller]
    pub fn press(mut self, name: &str, value: &str) -> Self {
        let button = (name.to_owned(), value.to_owned());
        assert!(self.buttons.contains(&button), "no such button in {self:?}");
        self.fields.push(button);
        self
    }
}

/// The elements that a CSS selector finds.
pub fn select<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

/// The text below an element, with its white space as a browser shows it.
pub fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The forms of a page; all of ours are sent by POST, because GET would put their values into the address bar.
#[track_caller]
pub fn forms(page: &Html) -> Vec<Form> {
    select(page, "form").into_iter().map(form).collect()
}

/// What a list sends: the option that is chosen, or else the first.
fn selected(list: ElementRef<'_>) -> String {
    let options = Selector::parse("option").unwrap();
    let chosen = list.select(&options).find(|option| option.attr("selected").is_some());
    let chosen = chosen.or_else(|| list.select(&options).next()).expect("an option");
    chosen.attr("value").unwrap_or_default().to_owned()
}

#[track_caller]
fn form(element: ElementRef<'_>) -> Form {
    assert_eq!(element.attr("method"), Some("post"), "{}", element.html());
    let action = element.attr("action").expect("an action").to_owned();
    let mut form = Form { action, fields: Vec::new(), buttons: Vec::new(), boxes: Vec::new() };
    let controls = Selector::parse("input, textarea, button, select").unwrap();
    for control in element.select(&controls) {
        let Some(name) = control.attr("name") else { continue };
        let value = control.attr("value").unwrap_or_default().to_owned();
        let kind = control.attr("type").unwrap_or("text");
        match control.value().name() {
            "textarea" => form.fields.push((name.to_owned(), control.text().collect())),
            "select" => form.fields.push((name.to_owned(), selected(control))),
            "button" => form.buttons.push((name.to_owned(), value)),
            _ if kind == "checkbox" && control.attr("checked").is_none() => form.boxes.push((name.to_owned(), value)),
            _ if kind == "radio" && control.attr("checked").is_none() => {}
            _ => form.fields.push((name.to_owned(), value)),
        }
    }
    form
}
