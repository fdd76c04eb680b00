//! What people and tools are told of a client (RFC 7591 §2).

use serde::{Deserialize, Serialize};
use url::{Host, Url, form_urlencoded};

/// The longest text member, in bytes.
const MAX_TEXT: usize = 200;
/// The longest description, in bytes.
const MAX_DESCRIPTION: usize = 1_000;
/// The longest URL member, in bytes.
const MAX_URL: usize = 2_000;
/// The most contacts.
const MAX_CONTACTS: usize = 10;

/// Which member of the metadata is not acceptable, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{member}: {problem}")]
pub struct InvalidMetadata {
    member: &'static str,
    problem: &'static str,
}

/// What a client says about itself (RFC 7591 §2, OpenID Connect Registration §2).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ApplicationType {
    /// `native`
    Native,
    /// `web`
    Web,
}

/// What people and tools are told of a client. Nothing here is verified; pages must show it escaped.
///
/// ```
/// use grantor::client::ClientMetadata;
///
/// let metadata = ClientMetadata::new().with_name("Link Board")?.with_client_uri("https://board.example")?;
/// assert!(ClientMetadata::new().with_client_uri("javascript:alert(1)").is_err());
/// # Ok::<(), grantor::client::InvalidMetadata>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ClientMetadata {
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    client_uri: Option<String>,
    logo_uri: Option<String>,
    tos_uri: Option<String>,
    policy_uri: Option<String>,
    initiate_login_uri: Option<String>,
    contacts: Vec<String>,
    software_id: Option<String>,
    software_version: Option<String>,
    application_type: Option<ApplicationType>,
}

macro_rules! members {
    ($($(#[$doc:meta])* $member:ident, $with:ident, $wire:literal, $check:ident;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $member(&self) -> Option<&str> {
                self.$member.as_deref()
            }

            #[doc = concat!("Sets `", $wire, "`.")]
            ///
            /// # Errors
            ///
            /// [`InvalidMetadata`] if a bound of the member is passed.
            pub fn $with(mut self, value: &str) -> Result<Self, InvalidMetadata> {
                self.$member = Some($check($wire, value)?);
                Ok(self)
            }
        )*
    };
}

impl ClientMetadata {
    /// Says nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            name: None,
            description: None,
            client_uri: None,
            logo_uri: None,
            tos_uri: None,
            policy_uri: None,
            initiate_login_uri: None,
            contacts: Vec::new(),
            software_id: None,
            software_version: None,
            application_type: None,
        }
    }

    members! {
        /// `client_name`: at most 200 bytes, without control and formatting characters and those that are not seen.
        name, with_name, "client_name", text;
        /// `client_uri`: the client's home page.
        client_uri, with_client_uri, "client_uri", web_url;
        /// `logo_uri`: a picture; showing it tells its host who looks.
        logo_uri, with_logo_uri, "logo_uri", web_url;
        /// `tos_uri`: terms of service.
        tos_uri, with_tos_uri, "tos_uri", web_url;
        /// `policy_uri`: the privacy policy.
        policy_uri, with_policy_uri, "policy_uri", web_url;
        /// `initiate_login_uri`: where a user goes to begin with the client (OpenID Connect Registration §2); `https`, or
        /// `http` on a loopback host, without a fragment, and without a parameter `redirect`, which
        /// [`install_link`](crate::AuthorizationServer::install_link) adds.
        initiate_login_uri, with_initiate_login_uri, "initiate_login_uri", start_url;
        /// `software_id`: which software this is an instance of.
        software_id, with_software_id, "software_id", text;
        /// `software_version`: which version of it.
        software_version, with_software_version, "software_version", text;
    }

    /// What a developer says of the app on a page of the host: at most 1,000 bytes, without control and formatting characters
    /// and those that are not seen. RFC 7591 has no member for it, so a client that registers itself has none.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Sets what a developer says of the app.
    ///
    /// # Errors
    ///
    /// [`InvalidMetadata`] if a bound is passed.
    pub fn with_description(mut self, description: &str) -> Result<Self, InvalidMetadata> {
        self.description = Some(text_of("description", description, MAX_DESCRIPTION, "at most 1,000 bytes are kept")?);
        Ok(self)
    }

    /// `contacts`: how to reach those responsible.
    #[must_use]
    pub fn contacts(&self) -> &[String] {
        &self.contacts
    }

    /// Adds to `contacts`.
    ///
    /// # Errors
    ///
    /// [`InvalidMetadata`] beyond ten contacts, or for text that is not acceptable.
    pub fn with_contact(mut self, contact: &str) -> Result<Self, InvalidMetadata> {
        if self.contacts.len() >= MAX_CONTACTS {
            return Err(InvalidMetadata { member: "contacts", problem: "at most 10 are kept" });
        }
        self.contacts.push(text("contacts", contact)?);
        Ok(self)
    }

    /// `application_type`: whether the client says it runs on a device or on the web.
    #[must_use]
    pub const fn application_type(&self) -> Option<ApplicationType> {
        self.application_type
    }

    /// Sets `application_type`.
    #[must_use]
    pub const fn with_application_type(mut self, application_type: ApplicationType) -> Self {
        self.application_type = Some(application_type);
        self
    }
}

fn text(member: &'static str, value: &str) -> Result<String, InvalidMetadata> {
    text_of(member, value, MAX_TEXT, "at most 200 bytes are kept")
}

fn text_of(member: &'static str, value: &str, most: usize, too_long: &'static str) -> Result<String, InvalidMetadata> {
    // Emoji come with these; alone they are nothing.
    let unseen = |c: char| c.is_whitespace() || matches!(c, '\u{FE00}'..='\u{FE0F}');
    if value.len() > most {
        return Err(InvalidMetadata { member, problem: too_long });
    }
    if value.chars().all(unseen) || value.contains(is_misleading) {
        return Err(InvalidMetadata { member, problem: "blank, or with control or formatting characters" });
    }
    Ok(value.to_owned())
}

/// Whether a character could make one name look like another, or like none, or the page like something else: controls,
/// formatting (UAX #9), and what is not seen (`Default_Ignorable_Code_Point` of the Unicode Character Database, but for U+FE00
/// to U+FE0F, which come with emoji; and the blank pattern of Braille).
fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
                | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D159}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
        )
}

pub(crate) fn web_url(member: &'static str, value: &str) -> Result<String, InvalidMetadata> {
    let refused = Err(InvalidMetadata { member, problem: "not an https URL of at most 2,000 printable characters" });
    if value.len() > MAX_URL
        || !value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\'))
    {
        return refused;
    }
    let Ok(url) = Url::parse(value) else { return refused };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let accepted = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    if accepted && url.username().is_empty() && url.password().is_none() { Ok(value.to_owned()) } else { refused }
}

fn start_url(member: &'static str, value: &str) -> Result<String, InvalidMetadata> {
    let url = web_url(member, value)?;
    let (_, query) = url.split_once('?').unwrap_or_default();
    if url.contains('#') || form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "redirect") {
        return Err(InvalidMetadata { member, problem: "with a fragment, or a parameter redirect of its own" });
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misleading_names_are_refused() {
        for name in ["", "  ", "Goo\u{202E}gle", "a\nb", "a\u{200B}b", &"x".repeat(201)] {
            assert!(ClientMetadata::new().with_name(name).is_err(), "{name:?}");
        }
        for name in ["Grüße ✓ <b>", "☎\u{FE0F} Telefon", "\u{FF1C}", "क\u{94D}ष", "e\u{301}"] {
            assert_eq!(ClientMetadata::new().with_name(name).unwrap().name(), Some(name));
        }
    }

    // ATK-036, DCR-032
    #[test]
    fn a_name_that_nobody_sees_is_none_and_nothing_unseen_is_in_one() {
        for unseen in [
            '\u{AD}',
            '\u{34F}',
            '\u{115F}',
            '\u{1160}',
            '\u{17B4}',
            '\u{180E}',
            '\u{2060}',
            '\u{2800}',
            '\u{3164}',
            '\u{FFA0}',
            '\u{1D159}',
            '\u{E0041}',
            '\u{E0100}',
        ] {
            for name in [format!("{unseen}"), format!("Snip{unseen}")] {
                assert!(ClientMetadata::new().with_name(&name).is_err(), "{name:?}");
            }
        }
        for blank in ["\u{FE0F}", "\u{A0}", "\u{3000}\u{FE00} "] {
            assert!(ClientMetadata::new().with_name(blank).is_err(), "{blank:?}");
        }
    }

    #[test]
    fn a_description_may_be_longer_than_a_name_and_has_its_bound() {
        let of = |text: &str| ClientMetadata::new().with_description(text);
        assert_eq!(of(&"x".repeat(1_000)).unwrap().description().map(str::len), Some(1_000));
        for refused in [&*"x".repeat(1_001), "", "a\u{202E}b", "a\nb"] {
            assert!(of(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn only_web_urls_are_kept() {
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "http://evil.test",
            "https://u:p@x.test",
            "x",
            "https://x.test/\"><img>",
        ] {
            assert!(ClientMetadata::new().with_logo_uri(url).is_err(), "{url}");
        }
        assert!(ClientMetadata::new().with_logo_uri("http://127.0.0.1:3000/logo.png").is_ok());
    }

    #[test]
    fn where_a_user_begins_is_a_web_page_that_can_be_told_where_to_return() {
        let read = |uri| ClientMetadata::new().with_initiate_login_uri(uri);
        for uri in [
            "javascript:alert(1)",
            "http://board.test/install",
            "https://board.test/install#x",
            "https://board.test/install?redirect=x",
            "https://board.test/install?a=b&redirect",
            "https://board.test/install?r%65direct=https://evil.test",
        ] {
            assert!(read(uri).is_err(), "{uri}");
        }
        for uri in ["https://board.test", "https://board.test/install?plan=pro&redirected=1", "http://localhost:3000/x"]
        {
            assert_eq!(read(uri).unwrap().initiate_login_uri(), Some(uri));
        }
    }
}
