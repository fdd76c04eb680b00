//! Texts that several pages write alike.

use time::OffsetDateTime;
use url::Url;

/// A day, as people write it: `3 March 2026`. The argument is in seconds since the Unix epoch.
pub fn date(unix_seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix_seconds)
        .map_or_else(|_| String::new(), |at| format!("{} {} {}", at.day(), at.month(), at.year()))
}

/// An instant, as people write it: `3 March 2026, 09:05 UTC`. The argument is in seconds since the Unix epoch.
pub fn date_and_time(unix_seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(unix_seconds)
        .map_or_else(|_| String::new(), |at| format!(", {:02}:{:02} UTC", at.hour(), at.minute()));
    date(unix_seconds) + &time
}

/// A day as forms write it: `2026-03-03`. The argument is in seconds since the Unix epoch.
pub fn iso_date(unix_seconds: i64) -> String {
    timestamp(unix_seconds).split('T').next().unwrap_or_default().to_owned()
}

/// The host of a web address, in its ASCII form.
pub fn host_of(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// The instant as RFC 3339 writes it, in UTC. The argument is in seconds since the Unix epoch.
pub fn timestamp(unix_seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix_seconds).map_or_else(
        |_| String::new(),
        |at| {
            let (month, day) = (u8::from(at.month()), at.day());
            format!("{:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", at.year(), at.hour(), at.minute(), at.second())
        },
    )
}
