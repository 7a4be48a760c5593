//! What vCenter and ESXi hosts say: machines, hosts, datastores, privileges, licences.
//!
//! Not for asking them (`transport::vsphere`).

pub mod datastore;
pub mod described;
pub mod disk_uuid;
pub mod esxi_host;
pub mod esxi_shell;
pub mod inventory;
pub mod licence;
pub mod master_target_side;
pub mod privileges;
pub mod property;
pub mod question;
pub mod service;
pub mod snapshot;
pub mod storage_moves;
pub mod vcenter;
pub mod vm;
pub mod vmx;
