//! Random values: session secrets and slugs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 256 random bits as text that fits a URL, a cookie and a form.
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Without vowels, so that no slug reads as a word or as one of the service's own paths, and without look-alikes.
const SLUG_ALPHABET: [char; 27] = [
    'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'z', '2', '3', '4', '5',
    '6', '7', '8', '9',
];

/// A new slug: six letters and digits.
pub fn slug() -> String {
    rand::random::<[u32; 6]>()
        .iter()
        .filter_map(|number| SLUG_ALPHABET.get(*number as usize % SLUG_ALPHABET.len()))
        .collect()
}
