//! Attacks on codes, tokens and the token endpoint.
//!
//! | row | why it is not here |
//! |---|---|
//! | ATK-049 | consent is withdrawn on a page that every service has of its own |
//! | ATK-062 | timing is no matter of one answer |
//! | ATK-064 | guesses are throttled by source, and everything here has one |
//! | ATK-077 | a store that fails is not seen from outside |
//! | ATK-078 | a clock is not set back by waiting |
//! | ATK-080 | a service gets whole requests; how they are framed is for whoever reads them from the wire |

pub mod clients;
pub mod codes;
pub mod refresh_tokens;
pub mod registration;
pub mod requests;
pub mod tokens;
