//! HTTPS to one server: a connection from here or through an SSH host, TLS with pinned
//! thumbprints, and one bounded request and answer at a time.
//!
//! Not for what is asked of a server: that is `vsphere`.

pub mod error;
pub mod message;
pub mod proxy;
pub mod ssh_tunnel;
pub mod stream;
pub mod thumbprint;
pub mod tls;
