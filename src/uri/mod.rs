//! How systems are addressed: `ssh://USER@HOST:PORT`, `local:`, `capture:FILE`.
//!
//! Not for reaching them (`transport`), nor for names of a site file.

pub mod percent;
pub mod target;
