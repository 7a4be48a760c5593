//! What vCenter and ESXi hosts say: machines, hosts, datastores, privileges, licences.
//!
//! Not for asking them (`transport::vsphere`).

pub mod datastore;
pub mod disk_uuid;
pub mod esxi_host;
pub mod esxi_shell;
pub mod identity;
pub mod inventory;
pub mod licence;
pub mod machine_description;
pub mod master_target_side;
pub mod privileges;
pub mod property;
pub mod query_scope;
pub(crate) mod questions;
pub mod service;
pub mod snapshot;
pub mod storage_moves;
pub mod vcenter;
pub mod vm;
pub mod vmx;
