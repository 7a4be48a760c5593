//! What of a machine's disks Azure Site Recovery does not replicate, by the support matrix for VMware machines
//! (D:vmware-physical-azure-support-matrix, Storage): encrypted ones, those with sectors of 4096 bytes, and those that the
//! guest reaches by several paths.
//!
//! Not for a master target's own disks (`block`), nor for what vSphere knows of a disk.

use schemars::JsonSchema;
use serde::Serialize;

use super::block::{self, BlockDevice};
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Unavailable};

/// The disks of a machine that are not replicated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiskLimitFacts {
    /// Devices that dm-crypt decrypts.
    pub encrypted: Vec<String>,
    /// Disks whose logical sectors are of 4096 bytes or more; not all when a disk does not tell.
    pub large_sectors: Collection<String>,
    /// Multipath devices with more than one path.
    pub multipath: Vec<String>,
}

/// Reads the facts out of a transcript.
///
/// # Errors
///
/// Fails when the devices are not known.
pub fn from_transcript(transcript: &Transcript) -> Result<DiskLimitFacts, Unavailable> {
    let graph = block::block_graph(transcript)?;
    let named = |is_wanted: fn(&BlockDevice) -> bool| {
        let wanted = graph.devices().iter().filter(|device| is_wanted(device));
        wanted.map(|device| device.mapper_name.as_ref().unwrap_or(&device.name).clone()).collect()
    };
    let large =
        graph.disks().filter(|disk| disk.logical_block_size.is_some_and(|size| size >= 4096));
    Ok(DiskLimitFacts {
        encrypted: named(BlockDevice::is_encrypted),
        large_sectors: Collection {
            items: large.map(|disk| disk.name.clone()).collect(),
            complete: graph.disks().all(|disk| disk.logical_block_size.is_some()),
        },
        multipath: named(|device| device.is_multipath() && device.slaves.len() > 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::tests::guest_transcript;

    #[test]
    fn disks_that_are_not_replicated_are_named() {
        let disk = |name: &str, more: &str| {
            format!("device {name}\nkind disk\ndev 8:{}\nsize 2048\nro 0\n{more}", name.len())
        };
        let small = "logical_block_size 512\n";
        let crypt = "device dm-0\nkind virtual\ndev 253:0\nname luks-home\nuuid CRYPT-LUKS2-0a-luks-home\n\
                     slave sda\n";
        let paths = "device dm-1\nkind virtual\ndev 253:1\nname mpatha\nuuid mpath-36000c29\n";
        let none: [&[&str]; 3] = [&[], &[], &[]];
        for (text, expected, complete) in [
            (disk("sda", small), none, true),
            (disk("sda", small) + crypt, [&["luks-home"], &[], &[]], true),
            (disk("sda", "logical_block_size 4096\n"), [&[], &["sda"], &[]], true),
            (disk("sda", small) + &disk("sdbb", ""), none, false),
            (disk("sda", small) + paths + "slave sda\n", none, true),
            (
                disk("sda", small) + &disk("sdbb", small) + paths + "slave sda\nslave sdbb\n",
                [&[], &[], &["mpatha"]],
                true,
            ),
        ] {
            let facts = from_transcript(&guest_transcript(&[("block", 0, &text)])).unwrap();
            assert_eq!(facts.large_sectors.complete, complete, "{text}");
            let found = [facts.encrypted, facts.large_sectors.items, facts.multipath];
            assert_eq!(
                found,
                expected
                    .map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()),
                "{text}"
            );
        }
        assert!(from_transcript(&guest_transcript(&[("block", 1, "")])).is_err());
    }
}
