//! The site: its servers, how they are reached, the answers of people, and waivers. It is the same
//! structure whether it comes from a site file, an Ansible inventory or command line options.
//!
//! Not for collecting from systems (`transport`), nor for evaluating checks (`check`).

mod answer_edit;
mod answers;
pub mod assemble;
mod azure;
pub mod draft;
pub mod draft_diff;
mod error;
mod file;
mod files;
mod from_vault;
pub mod inventory;
pub mod lone_hosts;
mod model;
mod pairings;
mod roots;
mod server_views;
mod site_facts;
mod stages;
pub mod target;
mod topology;
mod validate;
mod value;
mod vault;
mod vault_match;

pub use answer_edit::{AnswerEditError, EMPTY_ANSWERS_FILE, name_answers_file, set_answer};
pub use answers::{AnswerEntry, AnswersKey};
pub use azure::AzureVault;
pub use error::{SiteError, SiteFault};
pub use file::{SiteFile, init_site};
pub use from_vault::{Notes, VaultSite};
pub use model::{
    ConfigurationServer, EsxiHost, MasterTarget, ProcessServer, ProtectedVm, ReplicationGroup,
    Site, SshLogin, Vcenter,
};
pub use value::{
    Address, DATA_PORT, FileSystem, Label, Name, ReturnLocation, SiteValueError, Version, Via,
};
