//! The site: which servers there are, how they are reached, what people answered and waived. One
//! structure, whether a file says it, an Ansible inventory, or options for a single master target.
//!
//! Not for asking anybody (`transport`), nor for what a rule says about it (`check`).

mod error;
mod file;
pub mod inventory;
mod join;
mod model;
pub mod target;
mod value;
mod verify;
pub mod whole;

pub use error::{Fault, SiteError};
pub use file::{SiteFile, init_site};
pub use model::{
    AnswerEntry, ConfigurationServer, EsxiHost, Login, MasterTarget, ProcessServer, ProtectedVm,
    ReplicationGroup, Site, Vcenter,
};
pub use value::{Address, DATA_PORT, FileSystem, Label, Name, ValueError, Version, Via, Way};
