//! What is installed: RPM repositories read and written, signatures, and dependency solving.
//!
//! Not for putting packages into an image (`image`).

pub mod depsolve;
pub mod generation;
pub mod repository;
