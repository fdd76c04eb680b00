pub mod calls;
pub mod interruption;
pub mod postgres;
pub mod private_servers;
pub mod records;
