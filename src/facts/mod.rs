//! The narrow waist: typed facts, and the pure parsers that make them. No I/O.
//!
//! A fact is either known or unavailable with a reason; nothing is ever null. Judging facts is
//! `check`'s business, collecting the bytes they are parsed from `transport`'s and `image`'s.
//!
//! Each subject has one file: the probes that ask for it, the parser of their answers, its type.

pub mod access;
pub mod connection;
pub mod datastore;
pub mod disk_uuid;
mod document;
pub mod esxi_host;
pub mod host;
pub mod image;
pub mod inventory;
pub mod licence;
pub mod master_target_side;
pub mod ports;
pub mod privileges;
pub mod probe;
pub mod property;
pub mod script;
pub mod site;
pub mod storage_moves;
pub mod transcript;
pub mod vcenter;
pub mod vm;
pub mod vmx;
pub mod vsphere;

pub use document::{Document, Fact, Looked, Unavailable};
