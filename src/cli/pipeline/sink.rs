//! The steps of writing an image, and the image file, which is read back before it gets its name.
//!
//! Not for standard output, which cannot be read back (`stream`).

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::source::ImageSource;
use crate::atomic_file::AtomicFile;
use crate::cli::terminal::progress::ByteProgress;
use crate::digest::Sha256;
use crate::facts::image::ImageFacts;
use crate::image::inspect::{self, MediaMd5Check};
use crate::image::manifest::{CUSTOM_MEDIUM, Manifest};
use crate::installer::disc_layout;
use crate::iso::Medium;

/// The most bytes of a bill of materials in an image.
const MOST_SBOM: u64 = 32 << 20;

/// The steps of writing an image, in this order.
pub trait ImageSink {
    /// Writes the image to a temporary file. For a stream it only computes the digest that the
    /// second pass is compared with.
    fn write(&mut self, source: &mut dyn ImageSource) -> anyhow::Result<()>;

    /// Verifies what was written, and reads it as a medium. Returns nothing when it cannot be read
    /// back.
    fn verify(&mut self, source: &dyn ImageSource) -> anyhow::Result<Option<ImageContents>>;

    /// Writes a stream to its destination. Returns the image's digest.
    fn release(&mut self, source: &dyn ImageSource) -> anyhow::Result<Sha256>;

    /// Gives the image its name.
    fn commit(self: Box<Self>) -> anyhow::Result<()>;
}

/// The contents of a finished image.
pub struct ImageContents {
    /// Its facts.
    pub facts: ImageFacts,
    /// Its manifest, or why it has none.
    pub manifest: Result<Manifest, String>,
    /// Its bill of materials. An image of an earlier version has none.
    pub sbom: Option<Vec<u8>>,
}

impl ImageContents {
    /// Reads an image.
    pub fn read(medium: &Medium, md5: MediaMd5Check) -> Self {
        Self {
            facts: inspect::inspect_medium(medium, md5),
            manifest: inspect::read_manifest(medium),
            sbom: medium.read_file(disc_layout::SBOM, MOST_SBOM).ok(),
        }
    }

    /// Checks that the manifest and the bill of materials, which every planned image has, were read
    /// back from it: files beside the image are made of them.
    pub fn check_complete(&self) -> anyhow::Result<()> {
        let manifest = match &self.manifest {
            Ok(manifest) => manifest,
            Err(why) => anyhow::bail!("the manifest inside the image cannot be read back: {why}"),
        };
        anyhow::ensure!(
            self.sbom.is_some() || manifest.kind == CUSTOM_MEDIUM,
            "the bill of materials inside the image cannot be read back: it may have at most {} MiB",
            MOST_SBOM >> 20
        );
        Ok(())
    }
}

/// A file that replaces its target atomically.
pub struct FileSink {
    path: PathBuf,
    part: AtomicFile,
    sha256: Option<Sha256>,
}

impl FileSink {
    /// Returns a sink to the part file of `path`.
    pub fn new(path: &Path, part: AtomicFile) -> Self {
        Self { path: path.to_owned(), part, sha256: None }
    }

    fn write_bytes(&self, source: &mut dyn ImageSource) -> anyhow::Result<()> {
        let file = self.part.file();
        file.set_len(source.size())?;
        let bar = ByteProgress::start("writing", source.size());
        let mut at = 0;
        source.complete(&mut |bytes| {
            file.write_all_at(bytes, at)?;
            at += bytes.len() as u64;
            bar.set_position(at);
            Ok(())
        })?;
        if let Some((at, bytes)) = source.late_bytes() {
            file.write_all_at(bytes, at)?;
        }
        Ok(())
    }

    /// Reads the file back, as bytes and as an image, while it is synced to disk.
    fn read_back(&self, source: &dyn ImageSource) -> anyhow::Result<(Sha256, ImageContents)> {
        let file = Arc::new(self.part.file().try_clone()?);
        let bar = ByteProgress::start("verifying", source.size());
        let md5 = source.media_md5();
        std::thread::scope(|scope| {
            let synced = scope.spawn(|| self.part.file().sync_all());
            let contents = scope.spawn(|| {
                Medium::open(Arc::clone(&file)).map(|medium| ImageContents::read(&medium, md5))
            });
            let sha256 = source.verify(&file, &|at| bar.set_position(at))?;
            synced.join().expect("syncing does not panic")?;
            Ok((sha256, contents.join().expect("inspecting does not panic")?))
        })
    }

    fn context(&self) -> String {
        format!("cannot write {}", self.path.display())
    }
}

impl ImageSink for FileSink {
    fn write(&mut self, source: &mut dyn ImageSource) -> anyhow::Result<()> {
        self.write_bytes(source).with_context(|| self.context())?;
        tracing::info!(bytes = source.size(), "written");
        Ok(())
    }

    fn verify(&mut self, source: &dyn ImageSource) -> anyhow::Result<Option<ImageContents>> {
        let (sha256, contents) = self.read_back(source).with_context(|| self.context())?;
        tracing::info!(%sha256, "read back, byte by byte");
        self.sha256 = Some(sha256);
        Ok(Some(contents))
    }

    fn release(&mut self, _: &dyn ImageSource) -> anyhow::Result<Sha256> {
        Ok(self.sha256.expect("it was verified before"))
    }

    fn commit(self: Box<Self>) -> anyhow::Result<()> {
        Ok(self.part.commit()?)
    }
}
