//! Textual encoding of keys (RFC 7468).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What follows `BEGIN` in a file that holds a private key, and the bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    pub(super) der: Vec<u8>,
}

/// The first block that holds a private key; OpenSSL writes the parameters of a curve before it.
pub(super) fn private_key(text: &str) -> Option<Block<'_>> {
    let mut rest = text;
    loop {
        let (_, after) = rest.split_once("-----BEGIN ")?;
        let (label, after) = after.split_once("-----")?;
        let (body, after) = after.split_once("-----END ")?;
        if label.ends_with("PRIVATE KEY") {
            after.strip_prefix(label)?.strip_prefix("-----")?;
            let body: String = body.split_ascii_whitespace().collect();
            return Some(Block { label, der: STANDARD.decode(body).ok()? });
        }
        rest = after;
    }
}

/// Writes a private key in PKCS#8.
pub(super) fn write_private_key(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN PRIVATE KEY-----\n");
    let body = STANDARD.encode(der);
    let mut rest = body.as_str();
    while let Some((line, after)) = rest.split_at_checked(64) {
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    if !rest.is_empty() {
        text.push_str(rest);
        text.push('\n');
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for length in [0, 1, 47, 48, 49, 96, 1_000] {
            let der = vec![7; length];
            let text = write_private_key(&der);
            assert!(text.lines().all(|line| line.len() <= 64));
            assert_eq!(private_key(&text), Some(Block { label: "PRIVATE KEY", der }));
        }
    }

    #[test]
    fn other_blocks_are_passed_over_and_broken_ones_refused() {
        let text = "-----BEGIN EC PARAMETERS-----\nAA==\n-----END EC PARAMETERS-----\n\
                    -----BEGIN EC PRIVATE KEY-----\r\nAQI=\r\n-----END EC PRIVATE KEY-----\r\n";
        assert_eq!(private_key(text), Some(Block { label: "EC PRIVATE KEY", der: vec![1, 2] }));
        for text in [
            "",
            "AQI=",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAQI=",
            "-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAQI=\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PUBLIC KEY-----\nAQI=\n-----END PUBLIC KEY-----",
        ] {
            assert_eq!(private_key(text), None, "{text}");
        }
    }
}
