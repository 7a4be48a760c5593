//! Where a token comes from, and how long it is used.
//!
//! Not for using it (`client`).

pub mod azure_cli;
pub mod error;
mod expiry;
pub mod login;
pub mod managed_identity;
pub mod request;
pub mod source;
pub mod store;
