//! The style sheet and the icon.

/// A file that pages refer to.
#[derive(Debug)]
pub struct Asset {
    /// Its media type.
    pub content_type: &'static str,
    /// What is in it.
    pub body: &'static str,
}

/// The file called `name`.
pub fn find(name: &str) -> Option<Asset> {
    match name {
        "snip.css" => Some(Asset { content_type: "text/css; charset=utf-8", body: include_str!("assets/snip.css") }),
        "icon.svg" => Some(Asset { content_type: "image/svg+xml", body: include_str!("assets/icon.svg") }),
        _ => None,
    }
}
