#![doc = include_str!("habits.md")]
#![doc = include_str!("services.md")]
#![doc = include_str!("migrating.md")]
#![doc = ""]
// Where to find what a feature brings: here if the features are on, so that the links are checked, else on docs.rs.
#![cfg_attr(
    all(feature = "cimd", feature = "jwt", feature = "rate-limit", feature = "redis", feature = "testkit"),
    doc = include_str!("links.md")
)]
#![cfg_attr(
    not(all(feature = "cimd", feature = "jwt", feature = "rate-limit", feature = "redis", feature = "testkit")),
    doc = include_str!("links_elsewhere.md")
)]
