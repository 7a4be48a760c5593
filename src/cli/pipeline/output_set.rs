//! The output files of a build: their names, and the checks that none is an input or another
//! output, that all can be written and that there is enough space.
//!
//! Not for the image's own bytes (`sink`), nor for the outputs of other verbs (`outputs`).

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::sink::ImageContents;
use crate::atomic_file::{AtomicFile, InputFile, Visibility, check_target, parent_directory};
use crate::cli::args::BuildImageArgs;
use crate::cli::evaluate;
use crate::cli::outputs::is_standard_output;
use crate::cli::reporting::Reporter;
use crate::digest::Sha256;
use crate::image::free_space;
use crate::image::manifest::{ImageRecord, SidecarManifest};
use crate::report::Report;

/// The name of an image on standard output in reports and the manifest.
const STANDARD_OUTPUT: &str = "standard output";

/// The destination of the image or the delta.
pub enum ImageTarget {
    /// A file of this name.
    File(PathBuf),
    /// Standard output.
    StandardOutput,
}

/// The outputs of a build.
pub struct OutputSet {
    image: ImageTarget,
    overwrite: bool,
    visibility: Visibility,
    manifest: Option<PathBuf>,
    sbom: Option<PathBuf>,
    inputs: Vec<InputFile>,
}

/// Whether the image goes to standard output.
///
/// # Errors
///
/// Refuses to write an image to a terminal.
pub fn is_streamed(args: &BuildImageArgs) -> anyhow::Result<bool> {
    let is_streamed = args.out.as_deref().is_some_and(is_standard_output) && !args.dry_run;
    anyhow::ensure!(
        !is_streamed || !io::stdout().is_terminal(),
        "standard output is a terminal, which an image would fill with noise; send it to a file or \
         a program"
    );
    Ok(is_streamed)
}

impl OutputSet {
    /// Returns the checked outputs of an image to `out`: with a file come its manifest and its bill
    /// of materials, with standard output the manifest, when it was given a name.
    ///
    /// # Errors
    ///
    /// Refuses an output that is an input or another output, reports included, and a file that
    /// exists and is not to be overwritten.
    pub fn for_image(
        args: &BuildImageArgs,
        out: &Path,
        visibility: Visibility,
        inputs: Vec<InputFile>,
        reporter: &Reporter,
    ) -> anyhow::Result<Self> {
        let (overwrite, manifest) = (args.overwrite, args.manifest.clone());
        let outputs = if is_standard_output(out) {
            let image = ImageTarget::StandardOutput;
            Self { image, overwrite, visibility, manifest, sbom: None, inputs }
        } else {
            let manifest = manifest.unwrap_or_else(|| with_extension(out, ".manifest.json"));
            // What somebody adds of their own is in the manifest alone.
            let sbom = (!args.custom.is_given()).then(|| with_extension(out, ".cdx.json"));
            let manifest = Some(manifest);
            let image = ImageTarget::File(out.to_owned());
            Self { image, overwrite, visibility, manifest, sbom, inputs }
        };
        outputs.check(reporter)?;
        Ok(outputs)
    }

    /// Returns the checked output of a delta. It may contain the hash of a root password, as the
    /// image does.
    ///
    /// # Errors
    ///
    /// Refuses standard output, an output that is an input, and a file that exists and is not to be overwritten.
    pub fn for_delta(out: PathBuf, overwrite: bool, inputs: &[InputFile]) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !is_standard_output(&out),
            "a delta is read back before it is given out, which standard output cannot be: name a file with -o"
        );
        check_target(&out, overwrite, inputs)?;
        let (visibility, inputs) = (Visibility::Owner, inputs.to_vec());
        let image = ImageTarget::File(out);
        Ok(Self { image, overwrite, visibility, manifest: None, sbom: None, inputs })
    }

    fn check(&self, reporter: &Reporter) -> anyhow::Result<()> {
        let mut named: Vec<(&str, &Path)> = Vec::new();
        match &self.image {
            ImageTarget::File(path) => {
                check_target(path, self.overwrite, &self.inputs)?;
                named.push(("--out", path));
            }
            ImageTarget::StandardOutput => {
                let file = std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?);
                let metadata = file.metadata()?;
                if let Some(input) = self.inputs.iter().find(|input| input.has_metadata(&metadata))
                {
                    anyhow::bail!("standard output is also an input, {}", input.path.display());
                }
            }
        }
        named.extend(self.sbom.iter().map(|path| ("its bill of materials", path.as_path())));
        named.extend(self.manifest.iter().map(|path| ("--manifest", path.as_path())));
        reporter.check_outputs(&named, &self.inputs)
    }

    /// Returns the destination of the image.
    pub fn image(&self) -> &ImageTarget {
        &self.image
    }

    /// Returns the name of the image for messages and reports.
    pub fn image_name(&self) -> &Path {
        match &self.image {
            ImageTarget::File(path) => path,
            ImageTarget::StandardOutput => Path::new(STANDARD_OUTPUT),
        }
    }

    /// Returns the files beside the image: its manifest, then its bill of materials.
    pub fn beside(&self) -> impl Iterator<Item = &Path> {
        self.manifest.iter().chain(&self.sbom).map(PathBuf::as_path)
    }

    /// Whether the image may contain the hash of a password.
    pub fn holds_secret(&self) -> bool {
        self.visibility == Visibility::Owner
    }

    /// Opens the part file of the image.
    pub fn open_file(&self) -> anyhow::Result<AtomicFile> {
        let path = self.image_name();
        Ok(AtomicFile::open(path, self.overwrite, self.visibility, &self.inputs)?)
    }

    /// Fails when there is not enough space for the image.
    pub fn check_space(&self, needed: u64) -> anyhow::Result<()> {
        let out = self.image_name();
        // Past this limit a write does not fail: the kernel ends the process.
        if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Fsize).current
            && most < needed
        {
            let out = out.display();
            anyhow::bail!("{out} needs {needed} bytes, this process may write {most} (ulimit -f)");
        }
        match free_space::available_bytes(parent_directory(out)) {
            Some(free) if free < needed => {
                let out = out.display();
                anyhow::bail!("{out} needs {needed} bytes, its file system has {free} free")
            }
            _ => Ok(()),
        }
    }

    /// Writes the files beside the image to disk, in the order in which they get their names: the
    /// bill of materials, then the manifest.
    pub fn begin_beside(
        &self,
        contents: &ImageContents,
        report: &Report,
        size: u64,
        sha256: Sha256,
    ) -> anyhow::Result<Vec<AtomicFile>> {
        let mut files = Vec::new();
        if let (Some(path), Some(sbom)) = (&self.sbom, &contents.sbom) {
            files.push(begin_file(path, true, sbom, &self.inputs)?);
        }
        let Some(path) = &self.manifest else { return Ok(files) };
        match &contents.manifest {
            Ok(manifest) => {
                let name = self.image_name();
                let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let beside = SidecarManifest {
                    inside: manifest.clone(),
                    image: ImageRecord { name, size, sha256 },
                    verified: evaluate::verified_checks(report),
                };
                files.push(begin_file(path, true, beside.to_json().as_bytes(), &self.inputs)?);
            }
            Err(why) => tracing::warn!("no manifest is written: {why}"),
        }
        Ok(files)
    }
}

fn with_extension(out: &Path, extension: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(extension);
    PathBuf::from(name)
}

/// Writes a file to disk; it gets its name when it is committed.
pub fn begin_file(
    path: &Path,
    overwrite: bool,
    bytes: &[u8],
    inputs: &[InputFile],
) -> anyhow::Result<AtomicFile> {
    let part = AtomicFile::open(path, overwrite, Visibility::ByUmask, inputs)?;
    part.file()
        .write_all(bytes)
        .and_then(|()| part.file().sync_all())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(part)
}
