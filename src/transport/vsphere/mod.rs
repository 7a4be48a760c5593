//! The vSphere API of a vCenter server or ESXi host, from 5.5 to 8, over SOAP and TLS.
//!
//! One session per server: verify the certificate, log in, collect, log out; the answers are a
//! transcript. Only `enable_uuid` changes anything. Not for what the answers mean: that is `facts`.

mod access;
pub mod client;
mod collect;
pub mod enable_uuid;
pub mod error;
mod files;
mod json;
mod properties;
mod query;
mod recorder;
mod server;
pub mod session;
mod soap;
pub mod xml;

pub use collect::{CollectRequest, collect};
pub use query::VsphereQuery;
