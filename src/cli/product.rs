//! The files a build leaves: their names, whether there is room for them, the manifest.
//!
//! Not for the image's own bytes.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::atomic_file::{AtomicFile, InputFile, Visibility};
use crate::image::free_space;
use crate::image::manifest::SidecarManifest;

/// Whether a name given with -o means standard output.
pub fn is_stream(out: &Path) -> bool {
    out == Path::new("-")
}

/// The name of the manifest beside an image.
pub fn manifest_beside(out: &Path) -> PathBuf {
    beside(out, ".manifest.json")
}

/// The name of the bill of materials beside an image.
pub fn sbom_beside(out: &Path) -> PathBuf {
    beside(out, ".cdx.json")
}

fn beside(out: &Path, extension: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(extension);
    PathBuf::from(name)
}

/// The directory a file is or will be in.
pub fn directory_of(out: &Path) -> &Path {
    out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses to begin a file that cannot be finished.
pub fn enough_space(out: &Path, needed: u64) -> anyhow::Result<()> {
    // Past this limit the kernel does not answer a write with an error: it ends the process.
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Fsize).current
        && most < needed
    {
        let out = out.display();
        anyhow::bail!("{out} needs {needed} bytes, this process may write {most} (ulimit -f)");
    }
    match free_space::available_bytes(directory_of(out)) {
        Some(free) if free < needed => {
            anyhow::bail!("{} needs {needed} bytes, its file system has {free} free", out.display())
        }
        _ => Ok(()),
    }
}

/// Writes a manifest; it gets its name when it is committed.
pub fn begin_manifest(
    path: &Path,
    beside: &SidecarManifest,
    inputs: &[InputFile],
) -> anyhow::Result<AtomicFile> {
    begin(path, beside.to_json().as_bytes(), inputs)
}

/// Writes a file to disk; it gets its name when it is committed.
pub fn begin(path: &Path, bytes: &[u8], inputs: &[InputFile]) -> anyhow::Result<AtomicFile> {
    let part = AtomicFile::open(path, true, Visibility::ByUmask, inputs)?;
    part.file()
        .write_all(bytes)
        .and_then(|()| part.file().sync_all())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(part)
}
