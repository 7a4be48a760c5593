//! Debian packages: the fields of their control files, versions compared as dpkg compares them, and
//! the lists of an archive.
//!
//! Not for which of them are installed together.

pub mod control;
pub mod list;
pub mod version;
