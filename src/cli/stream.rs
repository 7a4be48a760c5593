//! `build image -o -`: the image on standard output, which nobody can take back or read again.
//!
//! So all that depends on the whole image is taken in a pass of its own before the first byte
//! leaves: the base's digest, the media md5, a digest of what will be written. The second pass
//! writes, takes the digest again, and ends with an error when it is another one.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;

use crate::atomic_file::InputFile;
use crate::check::CheckSet;
use crate::cli::finalize::finalize;
use crate::cli::terminal::progress;
use crate::cli::{ExitStatus, product, reporting};
use crate::digest::{Sha256, Sha256Hasher};
use crate::image::compose::Composition;
use crate::image::delta::{Delta, DeltaError};
use crate::image::inspect::{self, MediaMd5Check};
use crate::image::manifest::{ImageRecord, Manifest, SidecarManifest};
use crate::image::plan::Plan;
use crate::image::writing;
use crate::iso::Medium;
use crate::iso::bytemap::ByteMap;
use crate::iso::media_md5::{FIELD_AT, FIELD_END};

/// What reports and the manifest call an image that has no name.
const NAME: &str = "standard output";

/// Refuses to write an image to a terminal.
pub fn refuse_terminal() -> anyhow::Result<()> {
    anyhow::ensure!(
        !io::stdout().is_terminal(),
        "standard output is a terminal, which an image would fill with noise; send it to a file or \
         a program"
    );
    Ok(())
}

/// Writes an image to standard output, once everything about it is known.
pub fn image(
    plan: &Plan,
    mut composition: Composition,
    manifest_at: Option<&Path>,
    checks: &CheckSet,
    reporter: &reporting::Reporter,
    inputs: &[InputFile],
) -> anyhow::Result<ExitStatus> {
    let out = Out::open(inputs, plan.holds_secret())?;
    let others: Vec<_> = manifest_at.into_iter().map(|path| ("--manifest", path)).collect();
    reporter.check_outputs(&others, inputs)?;
    let mut image = std::mem::take(&mut composition.image);
    let (manifest, digest) = precompute(plan, &composition, &mut image)?;
    let medium = Medium::from_map(image.clone()).context("the planned image is none")?;
    let facts = inspect::inspect_medium(&medium, MediaMd5Check::Implanted);
    let report = reporting::evaluate_image(Path::new(NAME), &facts, checks, reporter);
    let sha256 = write_stream(&image, digest, out)?;
    if let Some(path) = manifest_at {
        let beside = SidecarManifest {
            inside: manifest,
            image: ImageRecord { name: NAME.to_owned(), size: image.len(), sha256 },
            verified: reporting::verified_checks(&report),
        };
        product::begin_manifest(path, &beside, inputs)?.commit()?;
    }
    let exit = reporter.write_to_stderr(&report)?;
    anstream::eprintln!("wrote {} bytes, sha256 {sha256}", image.len());
    Ok(exit)
}

/// The pass in which nothing is written: completes the plan, and gives the manifest and a digest
/// of all bytes but the media md5's.
fn precompute(
    plan: &Plan,
    composition: &Composition,
    image: &mut ByteMap,
) -> anyhow::Result<(Manifest, Sha256)> {
    let mut digest = DigestWithoutMd5::default();
    let bar = progress::ByteProgress::start("reading", image.len());
    let (manifest, implant) = finalize(plan, composition, image, |image, base, tap, late| {
        let mut each = |bytes: &[u8]| digest.update(bytes);
        writing::precompute(image, base, tap, late, &mut each, &|at| bar.set_position(at))
    })?;
    image.patch(FIELD_AT, &implant.to_field());
    Ok((manifest, digest.finish()))
}

/// The pass that writes, and its digest.
fn write_stream(image: &ByteMap, precomputed: Sha256, mut out: Out) -> anyhow::Result<Sha256> {
    let bar = progress::ByteProgress::start("writing", image.len());
    let mut whole = Sha256Hasher::default();
    let mut digest = DigestWithoutMd5::default();
    let mut tap = |bytes: &[u8]| whole.update(bytes);
    let mut each = |bytes: &[u8]| digest.update(bytes);
    let written = writing::stream(image, &mut out, &mut tap, &mut each, &|at| bar.set_position(at));
    written.map_err(|error| out.write_error(error, image.len()))?;
    if digest.finish() != precomputed {
        return Err(out.discard_error("an input changed while it was read"));
    }
    Ok(whole.finish())
}

/// Writes what a delta rebuilds to standard output, once it has been rebuilt to nowhere.
pub fn rebuilt(delta: &Delta, base: &File, inputs: &[InputFile]) -> anyhow::Result<ExitStatus> {
    let mut out = Out::open(inputs, true)?;
    let wanted = delta.result;
    let mut whole = Sha256Hasher::default();
    delta.replay(base, &mut |bytes| {
        whole.update(bytes);
        Ok(())
    })?;
    let found = whole.finish();
    if found != wanted {
        return Err(DeltaError::OtherResult { wanted, found }.into());
    }
    let bar = progress::ByteProgress::start("writing", delta.result_len);
    let mut whole = Sha256Hasher::default();
    let written = delta.replay(base, &mut |bytes| {
        whole.update(bytes);
        out.write_all(bytes)?;
        bar.set_position(out.written.get());
        Ok(())
    });
    let written = written.and_then(|()| Ok(out.flush()?));
    drop(bar);
    match written {
        Ok(()) => {}
        Err(DeltaError::Io(error)) => return Err(out.write_error(error, delta.result_len)),
        Err(_) => return Err(out.discard_error("the delta changed while it was read")),
    }
    if whole.finish() != wanted {
        return Err(out.discard_error("an input changed while it was read"));
    }
    anstream::eprintln!("wrote {} bytes, sha256 {wanted}, not judged", delta.result_len);
    anstream::eprintln!("  hint: judge the file it became with check image");
    Ok(ExitStatus::Clean)
}

/// A digest of an image without the media md5's field, which is known only after the rest.
#[derive(Default)]
struct DigestWithoutMd5 {
    hasher: Sha256Hasher,
    at: u64,
}

impl DigestWithoutMd5 {
    fn update(&mut self, bytes: &[u8]) {
        let len = bytes.len() as u64;
        let inside = |at: u64| {
            let offset = at.clamp(self.at, self.at + len) - self.at;
            usize::try_from(offset).expect("inside a chunk")
        };
        let (start, end) = (inside(FIELD_AT), inside(FIELD_END));
        self.hasher.update(&bytes[..start]);
        self.hasher.update(&bytes[end..]);
        self.at += len;
    }

    fn finish(self) -> Sha256 {
        self.hasher.finish()
    }
}

/// Standard output, without a buffer that would hold back an error, and how much it took.
struct Out {
    file: File,
    written: Cell<u64>,
}

impl Out {
    /// Refuses standard output that is an input, by whatever name.
    fn open(inputs: &[InputFile], secret: bool) -> anyhow::Result<Self> {
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let there = file.metadata()?;
        if let Some(input) = inputs.iter().find(|input| input.has_metadata(&there)) {
            anyhow::bail!("standard output is also an input, {}", input.path.display());
        }
        if secret && there.is_file() && there.mode() & 0o077 != 0 {
            let mode = there.mode() & 0o777;
            tracing::warn!(
                "others may read standard output (mode {mode:o}), and the image may hold a \
                 password's hash: umask 077 before it is made"
            );
        }
        Ok(Self { file, written: Cell::new(0) })
    }

    /// Why the image is not complete, and that what was written is none.
    fn write_error(&self, error: io::Error, len: u64) -> anyhow::Error {
        let written = self.written.get();
        let error = match error.kind() {
            io::ErrorKind::BrokenPipe => anyhow::anyhow!("whoever read the image stopped reading"),
            _ => anyhow::Error::from(error),
        };
        error.context(format!("only {written} of {len} bytes were written; discard them"))
    }

    /// Why what was written is not to be used.
    fn discard_error(&self, why: &str) -> anyhow::Error {
        let written = self.written.get();
        anyhow::anyhow!("{why}: the {written} bytes that were written are no image; discard them")
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.written.set(self.written.get() + n as u64);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_media_md5_may_change() {
        let of = |bytes: &[u8], chunk: usize| {
            let mut digest = DigestWithoutMd5::default();
            bytes.chunks(chunk).for_each(|chunk| digest.update(chunk));
            digest.finish()
        };
        let mut bytes = vec![b'x'; 40_000];
        let before = of(&bytes, 40_000);
        let (first, last) = (FIELD_AT as usize, FIELD_END as usize - 1);
        for at in [first, first + 7, last] {
            bytes[at] = b'y';
        }
        assert_eq!(before, Sha256::hash(vec![b'x'; 40_000 - 512]));
        for chunk in [1, 7, 512, 4096, 40_000] {
            assert_eq!(of(&bytes, chunk), before, "chunks of {chunk}");
        }
        for at in [first - 1, last + 1, 0, 39_999] {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_ne!(of(&other, 4096), before, "byte {at}");
        }
    }
}
