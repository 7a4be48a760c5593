//! The files a build leaves: their names, and whether there is room for them.
//!
//! Not for writing them (`image::replacement`).

use std::path::{Path, PathBuf};

use crate::image::free_space;

/// The name of the manifest beside an image.
pub fn manifest_beside(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".manifest.json");
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
    match free_space::available(directory_of(out)) {
        Some(free) if free < needed => {
            anyhow::bail!("{} needs {needed} bytes, its file system has {free} free", out.display())
        }
        _ => Ok(()),
    }
}
