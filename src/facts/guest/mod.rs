//! The operating system of a host: its release, packages, kernel, clock, services and machine type.
//!
//! Not for its disks (`storage`), its network (`network`) or its agents (`agent`).

pub mod access;
pub mod apt_pins;
pub mod clock;
pub mod kernel_updates;
pub mod machine;
pub mod modules;
pub mod os;
pub mod packages;
pub mod processes;
pub mod self_check;
