//! The narrow waist: typed facts, and the pure parsers that make them. No I/O.
//!
//! A fact is either known or unavailable with a reason; nothing is ever null. Judging facts is
//! `check`'s business, collecting the bytes they are parsed from `transport`'s and `image`'s.
//!
//! Each subject has one file: the probes that ask for it, the parser of their answers, its type.

pub mod access;
pub mod address;
pub mod age;
pub mod agent;
pub mod answer_bound;
pub mod azure_agent;
pub mod block;
pub mod clock;
pub mod closure;
pub mod connection;
pub mod custom_changes;
pub mod datastore;
pub mod described;
pub mod disk_uuid;
mod document;
pub mod esxi_host;
pub mod esxi_shell;
pub mod file;
pub mod fstab;
pub mod host;
pub mod image;
pub mod interface_files;
pub mod interfaces;
pub mod inventory;
pub mod kernel_updates;
pub mod licence;
pub mod machine;
pub mod master_target_side;
pub mod modules;
pub mod mounts;
pub mod multipath;
pub mod multipath_conf;
pub mod network;
pub mod os;
pub mod packages;
pub mod ports;
pub mod privileges;
pub mod probe;
pub mod processes;
pub mod property;
pub mod query;
pub mod question;
pub mod retention;
pub mod script;
pub mod scsi;
pub mod self_check;
mod service;
pub mod site;
pub mod storage_moves;
pub mod transcript;
pub mod vcenter;
pub mod vm;
pub mod vmx;
pub mod vsphere;

pub use document::{Document, Fact, Looked, MAX_ITEMS, Unavailable};
