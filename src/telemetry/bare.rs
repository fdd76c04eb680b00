//! Nobody counts, times or traces.

use crate::observer::Operation;

pub(crate) fn operate<F: Future>(_: Operation, future: F) -> F {
    future
}

pub(crate) const fn ended<E>(_: Operation, _: Option<&E>) {}
