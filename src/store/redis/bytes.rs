//! How values are written, and read again.
//!
//! The scripts look at the beginning of a value, where everything has its place. What comes behind is fields one after another,
//! each text with its length before it.

use crate::clock::Timestamp;
use crate::error::StoreError;

/// The bytes of an instant, which sort like instants do.
pub(super) const fn instant(at: Timestamp) -> [u8; 8] {
    (at.unix_millis().cast_unsigned() ^ SIGN).to_be_bytes()
}

const SIGN: u64 = 1 << 63;

/// A value as it grows.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn flag(self, flag: bool) -> Self {
        self.bytes(&[u8::from(flag)])
    }

    pub(super) fn instant(self, at: Timestamp) -> Self {
        self.bytes(&instant(at))
    }

    /// An instant that may be missing, in nine bytes either way.
    pub(super) fn optional_instant(self, at: Option<Timestamp>) -> Self {
        self.flag(at.is_some()).bytes(&at.map_or([0; 8], instant))
    }

    /// An expiry that may be never, in nine bytes either way.
    pub(super) fn expiry(self, at: Option<Timestamp>) -> Self {
        self.flag(at.is_none()).bytes(&at.map_or([0; 8], instant))
    }

    /// A number below 128 takes one byte.
    pub(super) fn number(mut self, mut number: usize) -> Self {
        while number >= 0x80 {
            self.0.push((number & 0x7F) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
        self
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.number(text.len()).bytes(text.as_bytes())
    }

    pub(super) fn optional_text(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.number(text.len().saturating_add(1)).bytes(text.as_bytes()),
            None => self.number(0),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// What is left to read of a value.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(value: &'a [u8]) -> Self {
        Self(value)
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| unreadable("it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.take(N)?.try_into().map_err(StoreError::failed)
    }

    pub(super) fn flag(&mut self) -> Result<bool, StoreError> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(unreadable("a flag is neither set nor unset")),
        }
    }

    pub(super) fn instant(&mut self) -> Result<Timestamp, StoreError> {
        let bits = u64::from_be_bytes(self.array()?) ^ SIGN;
        Ok(Timestamp::from_unix_millis(bits.cast_signed()))
    }

    pub(super) fn optional_instant(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let present = self.flag()?;
        let at = self.instant()?;
        Ok(present.then_some(at))
    }

    pub(super) fn expiry(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let never = self.flag()?;
        let at = self.instant()?;
        Ok((!never).then_some(at))
    }

    pub(super) fn number(&mut self) -> Result<usize, StoreError> {
        let mut number = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let [byte] = self.array()?;
            number |= usize::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(unreadable("a length is out of range"))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, StoreError> {
        let length = self.number()?;
        self.text_of(length)
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<&'a str>, StoreError> {
        match self.number()?.checked_sub(1) {
            Some(length) => self.text_of(length).map(Some),
            None => Ok(None),
        }
    }

    fn text_of(&mut self, length: usize) -> Result<&'a str, StoreError> {
        std::str::from_utf8(self.take(length)?).map_err(StoreError::failed)
    }
}

/// Somebody else wrote the value, or a newer release.
pub(super) fn unreadable(why: &'static str) -> StoreError {
    StoreError::failed(format!("a value in Redis cannot be read: {why}"))
}
