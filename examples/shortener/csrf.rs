//! Proof that a form was served by us, to this session (RFC 6749 §10.12 for the sign-in form's sake).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The value that the form for `purpose` carries: an HMAC under the session's secret, so that nothing is stored.
pub fn token(session_secret: &[u8; 32], purpose: &str) -> String {
    URL_SAFE_NO_PAD.encode(mac(session_secret, purpose).finalize().into_bytes())
}

/// Whether `submitted` is the value of the form for `purpose`; compared in constant time.
pub fn verify(session_secret: &[u8; 32], purpose: &str, submitted: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(submitted)
        .is_ok_and(|submitted| mac(session_secret, purpose).verify_slice(&submitted).is_ok())
}

fn mac(session_secret: &[u8; 32], purpose: &str) -> Hmac<Sha256> {
    // What RFC 2104 makes of a key that is shorter than a block of the hash: the key, then zeros.
    let mut block = [0; 64];
    block.iter_mut().zip(session_secret).for_each(|(byte, secret)| *byte = *secret);
    Hmac::<Sha256>::new(&block.into()).chain_update("form\0").chain_update(purpose)
}
