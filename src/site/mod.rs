//! The site: which servers there are, how they are reached, what people answered and waived. One
//! structure, whether a file says it, an Ansible inventory, or options for a single master target.
//!
//! Not for asking anybody (`transport`), nor for what a rule says about it (`check`).

pub mod assemble;
mod error;
mod file;
pub mod inventory;
mod model;
mod site_facts;
pub mod target;
mod validate;
mod value;

pub use error::{SiteError, SiteFault};
pub use file::{SiteFile, init_site};
pub use model::{
    AnswerEntry, ConfigurationServer, EsxiHost, MasterTarget, ProcessServer, ProtectedVm,
    ReplicationGroup, Site, SshLogin, Vcenter,
};
pub use value::{Address, DATA_PORT, FileSystem, Label, Name, TargetUri, ValueError, Version, Via};
