//! What one system answered before, as a file has it.
//!
//! Not for hosts: a capture of those may hold many (`transport::capture`).

use std::path::PathBuf;

use crate::check::TargetKind;
use crate::facts::transcript::Transcript;
use crate::transport::capture;

/// What one system answered before.
pub fn one(path: PathBuf, kind: TargetKind) -> anyhow::Result<Transcript> {
    let mut all = capture::read(&path)?;
    let shown = path.display();
    anyhow::ensure!(all.len() == 1, "{shown} holds {} captures, name one", all.len());
    let one = all.remove(0);
    // What an ESXi host's own API answered may stand in for vCenter's.
    let fits = one.kind == kind.as_str()
        || (kind == TargetKind::Vcenter && one.kind == TargetKind::Esxi.as_str());
    anyhow::ensure!(fits, "{shown} is a capture of kind {:?}, not {}", one.kind, kind.as_str());
    Ok(one)
}
