pub mod postgres;
pub mod records;
