//! The stand-in: a bundle in the agent's place that only prints that it is none.
//!
//! Not an agent, and not to be taken for one: its scripts fail, and nothing it prints reads like
//! success.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

use super::{CUSTOM_CHANGES, INSTALLER};

/// The stand-in bundle's file name.
pub const STANDIN_FILE_NAME: &str = "preflight-standin-agent.tar.gz";
/// The member that marks an archive as a stand-in.
pub const STANDIN_MARKER: &str = "PREFLIGHT-STAND-IN";

const README: &str = "\
THIS IS A STAND-IN, NOT A REPLICATION AGENT.

preflight put it where Microsoft's Unified Agent belongs, so that an image can be built and tried
without one. It installs nothing and changes nothing. A machine installed with it is not a master
target and never becomes one: build the image again with --agent.
";

/// Exits 1: an installer that did nothing has failed.
const INSTALL: &str = "\
#!/bin/sh
echo 'THIS IS A STAND-IN, NOT A REPLICATION AGENT: nothing was installed.'
echo 'Build the image again with --agent and the bundle from your process server.'
exit 1
";

/// Neither asks, nor writes /etc/.appliedmtcustomchanges, nor says COMPLETED: nobody shall believe
/// that it was applied.
const APPLY: &str = "\
#!/bin/sh
echo 'THIS IS A STAND-IN, NOT ApplyCustomChanges.sh: nothing was changed.'
echo 'Build the image again with --agent and the bundle from your process server.'
exit 1
";

/// Makes the stand-in bundle; the same `epoch` gives the same bytes.
///
/// # Panics
///
/// Never: writing to memory does not fail and the names fit a header.
pub fn standin_bundle(epoch: u64) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let members = [
        (STANDIN_MARKER, 0o644, "stand-in\n"),
        ("README", 0o644, README),
        (INSTALLER, 0o755, INSTALL),
        (CUSTOM_CHANGES, 0o755, APPLY),
    ];
    for (name, mode, text) in members {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(epoch);
        header.set_size(text.len() as u64);
        archive.append_data(&mut header, name, text.as_bytes()).expect("memory takes all");
    }
    let tar = archive.into_inner().expect("memory takes all");
    let time = u32::try_from(epoch).unwrap_or(u32::MAX);
    // Operating system 255 is "unknown": the bytes do not depend on where they are made.
    let mut gzip =
        GzBuilder::new().mtime(time).operating_system(255).write(Vec::new(), Compression::best());
    gzip.write_all(&tar).expect("memory takes all");
    gzip.finish().expect("memory takes all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_epoch_gives_the_same_bytes() {
        assert_eq!(standin_bundle(1_414_159_991), standin_bundle(1_414_159_991));
        assert_ne!(standin_bundle(0), standin_bundle(1));
    }

    #[test]
    fn no_script_of_it_reads_like_success() {
        for script in [INSTALL, APPLY] {
            assert!(script.contains("STAND-IN") && script.ends_with("exit 1\n"));
            assert!(!script.contains("COMPLETED") && !script.contains("appliedmtcustomchanges"));
        }
    }
}
