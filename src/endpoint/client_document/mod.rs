//! Clients that nobody registered: what their documents say, or, without the feature `cimd`, that there are none.

#[cfg(not(feature = "cimd"))]
mod bare;
#[cfg(feature = "cimd")]
mod cache;
#[cfg(feature = "cimd")]
mod described;
#[cfg(feature = "cimd")]
mod flights;
#[cfg(feature = "cimd")]
mod kept;
#[cfg(feature = "cimd")]
mod read;

#[cfg(feature = "cimd")]
pub(crate) use cache::DocumentCache;
