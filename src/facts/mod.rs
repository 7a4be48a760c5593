//! The narrow waist: typed facts, and the pure parsers that make them. No I/O.
//!
//! A fact is either known or unavailable with a reason; nothing is ever null. Judging facts is
//! `check`'s business, collecting the bytes they are parsed from `transport`'s and `image`'s.

mod document;
pub mod image;

pub use document::{Document, Fact, Looked, Unavailable};
