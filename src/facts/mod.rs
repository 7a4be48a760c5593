//! The narrow waist: typed facts, and the pure parsers that make them. No I/O.
//!
//! A fact is either known or unavailable with a reason; nothing is ever null. Evaluating facts is
//! `check`'s business, collecting the bytes they are parsed from `transport`'s and `image`'s.
//!
//! Each subject has one file: the probes that ask for it, the parser of their answers, its type.

pub mod address;
pub mod age;
pub mod agent;
pub mod answer_bound;
pub mod azure;
pub mod connection;
mod document;
pub mod failure_kind;
pub mod file;
pub mod guest;
pub mod host;
pub mod image;
pub mod network;
pub mod probe;
pub mod query;
pub mod returned;
pub mod script;
pub mod site;
pub mod sos;
pub mod stage;
pub mod storage;
pub mod target_kind;
pub mod topology;
pub mod transcript;
pub mod vsphere;
pub mod windows;

pub use document::{Collection, Document, Fact, MAX_ITEMS, Unavailable};
