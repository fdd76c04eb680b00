//! Nobody counts, times or traces.

use crate::observer::Operation;

pub(crate) fn operate<F: Future>(_: Operation, future: F) -> F {
    future
}

pub(crate) const fn ended<T, E>(_: Operation, _: &Result<T, E>) {}
