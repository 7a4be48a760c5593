//! The storage of a host: block devices, mounts, multipath, and the retention volume on them.

pub mod block;
pub mod disk_limits;
pub mod fstab;
pub mod mounts;
pub mod multipath;
pub mod multipath_conf;
pub mod retention;
pub mod scsi;
