//! The free space of a directory's file system, checked before anything is written.
//!
//! Not a promise: the file system may fill up while the image is written.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sysinfo::{DiskRefreshKind, Disks};

/// Bytes available to this user on the file system that holds `directory`; none when the
/// system does not know.
pub fn available_bytes(directory: &Path) -> Option<u64> {
    let directory = directory.canonicalize().ok()?;
    let device = |path: &Path| path.metadata().ok().map(|meta| meta.dev());
    let wanted = device(&directory)?;
    let kind = DiskRefreshKind::nothing().with_storage();
    let disks = Disks::new_with_refreshed_list_specifics(kind).ok()?;
    // The list leaves out what it does not take for a disk (tmpfs, say): its parent's numbers
    // would be another file system's.
    disks
        .iter()
        .find(|disk| device(disk.mount_point()) == Some(wanted))
        .map(sysinfo::Disk::available_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_directory_that_is_there_has_room() {
        let here = available_bytes(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert!(here.is_none_or(|bytes| bytes > 0));
        assert_eq!(available_bytes(Path::new("/no/such/directory")), None);
    }
}
