//! Paths of our own, where a visitor may be sent back to.

/// The longest that is carried along, in bytes; an authorization request fits well.
pub const MAX: usize = 12_000;

/// `candidate` if it can only lead to a page of ours: never to another origin, whatever a browser makes of it.
pub fn local_path(candidate: &str) -> Option<&str> {
    let path = candidate.strip_prefix('/')?;
    let local = !path.starts_with('/') && candidate.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (local && candidate.len() <= MAX).then_some(candidate)
}
