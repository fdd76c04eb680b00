#![doc = include_str!("habits.md")]
#![doc = include_str!("services.md")]
#![doc = include_str!("migrating.md")]
