//! Writes images and deltas to files or standard output: `write -> verify -> evaluate -> commit`,
//! to a set of outputs that was checked before.
//!
//! Not for planning (`image`): the bytes come from an [`ImageSource`].

mod output_set;
mod sink;
mod source;
mod stream;

use std::fs::File;
use std::sync::Arc;

use anyhow::Context;

pub use output_set::{OutputSet, begin_file, is_streamed};
pub use source::{DeltaSource, PlannedSource};

use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::evaluate;
use crate::cli::reporting::Reporter;
use crate::cli::terminal::progress::ByteProgress;
use crate::digest::Sha256;
use crate::image::delta::{self, Delta};
use output_set::ImageTarget;
use sink::{FileSink, ImageSink};
use source::ImageSource;
use stream::StreamSink;

/// An image that was written.
pub struct WrittenImage {
    /// The digest of all its bytes.
    pub sha256: Sha256,
    /// The exit status of its report; clean when it was not evaluated.
    pub exit: ExitStatus,
}

/// Writes an image, verifies and evaluates it, and only then gives it and the files beside it
/// their names. Prints the report.
pub fn write_image(
    source: &mut dyn ImageSource,
    outputs: &OutputSet,
    checks: &CheckSet,
    reporter: &Reporter,
) -> anyhow::Result<WrittenImage> {
    let mut sink = open(outputs, source.size())?;
    sink.write(source)?;
    let contents = sink.verify(source)?;
    if let (Some(contents), Some(_)) = (&contents, source.planned()) {
        contents.check_complete()?;
    }
    let report = contents.as_ref().map(|contents| {
        evaluate::evaluate_image(outputs.image_name(), &contents.facts, checks, reporter)
    });
    let sha256 = sink.release(source)?;
    let beside = match (&contents, &report) {
        (Some(contents), Some(report)) => {
            outputs.begin_beside(contents, report, source.size(), sha256)?
        }
        _ => Vec::new(),
    };
    // Everything is on disk before the first file gets its name; the manifest, which names the
    // others, gets its name last.
    sink.commit()?;
    for file in beside {
        file.commit()?;
    }
    let exit = match (&report, outputs.image()) {
        (None, _) => ExitStatus::Clean,
        (Some(report), ImageTarget::File(_)) => reporter.write(report)?,
        (Some(report), ImageTarget::StandardOutput) => reporter.write_to_stderr(report)?,
    };
    if let ImageTarget::StandardOutput = outputs.image() {
        let remark = if report.is_some() { "" } else { ", not checked" };
        anstream::eprintln!("wrote {} bytes, sha256 {sha256}{remark}", source.size());
        if report.is_none() {
            anstream::eprintln!("  hint: run check image on the file it becomes");
        }
    }
    Ok(WrittenImage { sha256, exit })
}

fn open(outputs: &OutputSet, size: u64) -> anyhow::Result<Box<dyn ImageSink>> {
    Ok(match outputs.image() {
        ImageTarget::File(path) => {
            outputs.check_space(size)?;
            Box::new(FileSink::new(path, outputs.open_file()?))
        }
        ImageTarget::StandardOutput => Box::new(StreamSink::open(outputs.holds_secret())?),
    })
}

/// Writes the delta of an image and verifies that it rebuilds the image. Returns the delta and its
/// length in bytes.
pub fn write_delta(
    image: &Arc<File>,
    base: &Arc<File>,
    outputs: &OutputSet,
) -> anyhow::Result<(Delta, u64)> {
    let part = outputs.open_file()?;
    let bar = ByteProgress::start("comparing", image.metadata()?.len());
    let delta = delta::create(image, base, part.file(), &|at| bar.set_position(at))
        .with_context(|| outputs.image_name().display().to_string())?;
    drop(bar);
    let len = part.file().metadata()?.len();
    part.commit()?;
    Ok((delta, len))
}
