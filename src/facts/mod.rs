//! The narrow waist: typed facts, and the pure parsers that make them. No I/O.
//!
//! A fact is either known or unavailable with a reason; nothing is ever null. Judging facts is
//! `check`'s business, collecting the bytes they are parsed from `transport`'s and `image`'s.
//!
//! Each subject has one file: the probes that ask for it, the parser of their answers, its type.

pub mod access;
pub mod connection;
mod document;
pub mod host;
pub mod image;
pub mod ports;
pub mod probe;
pub mod script;
pub mod site;
pub mod transcript;

pub use document::{Document, Fact, Looked, Unavailable};
