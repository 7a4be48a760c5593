//! How a distribution installs: its profile, the settings of the machine, the kickstart, and the
//! services that the installed system brings.
//!
//! Not for reading recipes nor for writing images (`image`).

pub mod anaconda;
pub mod answers;
pub mod answers_error;
pub mod disc_layout;
pub mod first_boot;
pub mod kickstart;
pub mod layout;
pub mod machine;
pub mod preseed;
pub mod profile;
pub mod registration;
pub mod retention;
pub mod root_password;
pub mod self_check;
pub mod service;
pub mod system;
pub mod target_scripts;
pub mod value;
