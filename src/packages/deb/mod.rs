//! Debian packages: the fields of their control files, and the lists of an archive.
//!
//! Not for their versions, nor for which of them are installed together.

pub mod control;
pub mod list;
