pub mod calls;
pub mod interruption;
pub mod postgres;
pub mod records;
