//! What is installed: RPM repositories read and written, signatures, dependency solving, and the
//! bill of materials.
//!
//! Not for putting packages into an image (`image`).

pub mod add_ons;
pub mod compression;
pub mod deb;
pub mod depsolve;
pub mod generation;
pub mod repository;
pub mod sbom;
