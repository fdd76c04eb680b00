//! A cheap hasher for keys that are random already.

use std::hash::{BuildHasherDefault, Hasher};

pub(super) type BuildKeyHasher = BuildHasherDefault<KeyHasher>;

/// Hashes grant ids and token keys by one multiplication for every 16 bytes.
///
/// No secret key is needed. Who presents a token chooses the bytes of a *look-up*, but what was *inserted* was made
/// here: grant ids are random, and token hashes are SHA-256 of random secrets. So nobody can pile entries up in one
/// place, and a look-up costs the same whatever it asks for. The multiplication is for ids of a host that are not
/// random in every byte, such as time-ordered UUIDs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, _) = bytes.as_chunks();
        let (pairs, _) = words.as_chunks();
        for [first, second] in pairs {
            self.0 = fold(self.0 ^ u64::from_ne_bytes(*first), u64::from_ne_bytes(*second));
        }
    }

    /// Takes a hash that somebody else made.
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    /// Skips the lengths that slices put before their bytes: all keys of one map are of one length.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Multiplies to 128 bits and folds them, so that every bit of the product counts; the constants are digits of π.
const fn fold(a: u64, b: u64) -> u64 {
    let product = ((a ^ 0x243F_6A88_85A3_08D3) as u128) * ((b ^ 0x1319_8A2E_0370_7344) as u128);
    (product as u64) ^ ((product >> 64) as u64)
}
