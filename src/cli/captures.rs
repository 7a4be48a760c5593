//! Reads and saves captures, the recorded answers of systems.
//!
//! Not for their format (`transport::capture`).

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::ExitStatus;
use super::terminal::screen;
use crate::atomic_file::{AtomicFile, Visibility};
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;
use crate::transport::{capture, fleet};

/// Reads a file with the capture of one system of this kind.
pub fn read_single_capture(path: PathBuf, kind: TargetKind) -> anyhow::Result<Transcript> {
    let mut all = capture::read(&path)?;
    let shown = path.display();
    anyhow::ensure!(all.len() == 1, "{shown} holds {} captures, name one", all.len());
    let one = all.remove(0);
    // A capture of an ESXi host's own API may stand in for one of vCenter.
    let fits = one.kind == kind || (kind == TargetKind::Vcenter && one.kind == TargetKind::Esxi);
    anyhow::ensure!(
        fits,
        "{shown} is a capture of kind {:?}, not {}",
        one.kind.as_str(),
        kind.as_str()
    );
    Ok(one)
}

/// Saves transcripts to a file or standard output, and returns the exit status of collecting them.
pub fn save_captures(transcripts: &[Transcript], out: Option<&Path>) -> anyhow::Result<ExitStatus> {
    let text: String = transcripts.iter().map(capture::to_json).collect();
    match out {
        Some(path) => {
            let out = AtomicFile::open(path, true, Visibility::ByUmask, &[])?;
            out.file()
                .write_all(text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
            out.commit()?;
        }
        None => screen::stdout().write_all(text.as_bytes())?,
    }
    Ok(exit_status(transcripts))
}

/// Returns the exit status of collecting these transcripts.
pub fn exit_status<'t>(transcripts: impl IntoIterator<Item = &'t Transcript>) -> ExitStatus {
    transcripts.into_iter().fold(ExitStatus::Clean, |status, transcript| {
        let failed = transcript.connection.failure.is_some();
        match status {
            _ if fleet::was_interrupted(transcript) => ExitStatus::Interrupted,
            ExitStatus::Clean if failed => ExitStatus::Undecided,
            status => status,
        }
    })
}

/// Returns the path of a system's capture in the directory of `collect site`. A site has one
/// vSphere server, so its name does not matter.
pub fn path_of(directory: &Path, kind: &str, name: &str) -> PathBuf {
    if kind == TargetKind::Vcenter.as_str() {
        directory.join("vcenter.json")
    } else {
        directory.join(format!("{kind}.{name}.json"))
    }
}
