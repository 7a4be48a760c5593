//! How systems are addressed: `ssh://USER@HOST:PORT`, `vsphere://USER@HOST:PORT/VM`, `local:`, `capture:FILE`.
//!
//! Not for reaching them (`transport`), nor for names of a site file.

pub mod authority;
pub mod host;
pub mod percent;
pub mod target;
pub mod vsphere;
