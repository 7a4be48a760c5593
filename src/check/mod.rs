//! Facts into findings: what must hold, decided purely and totally.
//!
//! Not for collecting facts (`transport`, `image`), nor for showing findings (`report`).

pub mod rule;
pub mod schema;
pub mod source;
mod typing;
pub mod version;
