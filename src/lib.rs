//! `preflight` builds the Linux master target appliance for Azure Site Recovery failback and
//! checks everything that must hold before reprotect.
//!
//! Two straight lines meet at the report:
//!
//! ```text
//! BUILD  Recipe + Profile -> Plan -> Kickstart -> Payload -> Image -> Manifest
//! CHECK  Target -> Transcript -> Facts -> Finding* -> Report
//! ```
//!
//! [`facts`] is the narrow waist: typed facts and the pure parsers that make them. [`image`]
//! builds images and reads facts back out of them, [`transport`] asks hosts, [`check`] evaluates facts, [`report`] turns
//! findings into bytes, [`site`] says what stands around a host, and [`cli`] is the only module
//! that talks to a person.
//! `tests/architecture.rs` holds who may import whom.

pub mod agent;
pub mod assets;
pub mod atomic_file;
pub mod boot;
pub mod check;
pub mod cli;
pub mod digest;
pub mod disc_path;
pub mod facts;
pub mod guide;
pub mod hint;
pub mod image;
pub mod installer;
pub mod iso;
pub mod knowledge;
pub mod mask;
pub mod packages;
pub mod random;
pub mod regular_file;
pub mod report;
pub mod secret;
pub mod shell;
pub mod site;
pub mod template;
mod text_schema;
pub mod transport;
pub mod uri;
pub mod vm;
pub mod yaml;
