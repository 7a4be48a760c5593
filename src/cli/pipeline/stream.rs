//! Writes an image to standard output, which cannot be taken back or read again.
//!
//! Everything that depends on the whole image is computed in a first pass before any byte is
//! written: the base's digest, the media md5, and a digest of the output. The second pass writes,
//! computes the digest again, and fails when it differs.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use anyhow::Context;

use super::sink::{ImageContents, ImageSink};
use super::source::ImageSource;
use crate::cli::terminal::progress::ByteProgress;
use crate::digest::{Sha256, Sha256Hasher};
use crate::image::delta::DeltaError;
use crate::iso::Medium;
use crate::iso::media_md5::{FIELD_AT, FIELD_END};

/// An image on its way to standard output.
pub struct StreamSink {
    out: StandardOutput,
    /// The digest of the first pass: of all bytes when the image's digest is known, otherwise of
    /// all but the media md5.
    first_pass: Option<Sha256>,
}

impl StreamSink {
    /// Opens standard output. Warns when it is a file that others may read and the image may
    /// contain a secret.
    pub fn open(holds_secret: bool) -> anyhow::Result<Self> {
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let metadata = file.metadata()?;
        if holds_secret && metadata.is_file() && metadata.mode() & 0o077 != 0 {
            let mode = metadata.mode() & 0o777;
            tracing::warn!(
                "others may read standard output (mode {mode:o}), and the image may hold a \
                 password's hash: umask 077 before it is made"
            );
        }
        Ok(Self { out: StandardOutput { file, written: 0 }, first_pass: None })
    }
}

impl ImageSink for StreamSink {
    fn write(&mut self, source: &mut dyn ImageSource) -> anyhow::Result<()> {
        let bar = ByteProgress::start("reading", source.size());
        let mut digest = PassDigest::new(source);
        source.complete(&mut |bytes| {
            digest.update(bytes);
            bar.set_position(digest.at);
            Ok(())
        })?;
        let found = digest.finish();
        if let Some(wanted) = source.sha256().filter(|wanted| *wanted != found) {
            return Err(DeltaError::OtherResult { wanted, found }.into());
        }
        self.first_pass = Some(found);
        Ok(())
    }

    fn verify(&mut self, source: &dyn ImageSource) -> anyhow::Result<Option<ImageContents>> {
        let Some(image) = source.planned() else { return Ok(None) };
        let medium = Medium::from_map(image.clone()).context("the planned image is none")?;
        Ok(Some(ImageContents::read(&medium, source.media_md5())))
    }

    fn release(&mut self, source: &dyn ImageSource) -> anyhow::Result<Sha256> {
        let bar = ByteProgress::start("writing", source.size());
        let out = &mut self.out;
        let mut whole = Sha256Hasher::default();
        let mut stable = source.sha256().is_none().then(|| PassDigest::new(source));
        let mut sink = |bytes: &[u8]| {
            out.write_all(bytes)?;
            if let Some(stable) = &mut stable {
                stable.update(bytes);
            }
            bar.set_position(out.written);
            Ok(())
        };
        let replayed = source.replay(&mut |bytes| whole.update(bytes), &mut sink);
        let written = replayed.and_then(|()| out.flush());
        drop(bar);
        written.map_err(|error| out.write_error(error, source.size()))?;
        let whole = whole.finish();
        if stable.map_or(whole, PassDigest::finish) == self.first_pass.expect("it was passed") {
            return Ok(whole);
        }
        let written = self.out.written;
        anyhow::bail!(
            "an input changed while it was read: the {written} bytes that were written are no \
             image; discard them"
        )
    }

    fn commit(self: Box<Self>) -> anyhow::Result<()> {
        Ok(())
    }
}

/// The digest of one pass over an image. It leaves out the field of the media md5 when the image's
/// digest is not known, because that field is only known after the rest.
struct PassDigest {
    hasher: Sha256Hasher,
    at: u64,
    /// The start and end offsets of the bytes that are left out.
    skipped: (u64, u64),
}

impl PassDigest {
    fn new(source: &dyn ImageSource) -> Self {
        let skipped = if source.sha256().is_some() { (0, 0) } else { (FIELD_AT, FIELD_END) };
        Self::skipping(skipped)
    }

    fn skipping(skipped: (u64, u64)) -> Self {
        Self { hasher: Sha256Hasher::default(), at: 0, skipped }
    }

    fn update(&mut self, bytes: &[u8]) {
        let len = bytes.len() as u64;
        let inside = |at: u64| {
            let offset = at.clamp(self.at, self.at + len) - self.at;
            usize::try_from(offset).expect("inside a chunk")
        };
        let (start, end) = (inside(self.skipped.0), inside(self.skipped.1));
        self.hasher.update(&bytes[..start]);
        self.hasher.update(&bytes[end..]);
        self.at += len;
    }

    fn finish(self) -> Sha256 {
        self.hasher.finish()
    }
}

/// Standard output without a buffer, so that errors are not delayed, and the number of bytes
/// written.
struct StandardOutput {
    file: File,
    written: u64,
}

impl StandardOutput {
    /// Returns the error for an image that was written in part.
    fn write_error(&self, error: io::Error, len: u64) -> anyhow::Error {
        let written = self.written;
        let error = match error.kind() {
            io::ErrorKind::BrokenPipe => anyhow::anyhow!("whoever read the image stopped reading"),
            _ => anyhow::Error::from(error),
        };
        error.context(format!("only {written} of {len} bytes were written; discard them"))
    }
}

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.written += n as u64;
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
        let digest_in_chunks = |bytes: &[u8], chunk: usize| {
            let mut digest = PassDigest::skipping((FIELD_AT, FIELD_END));
            bytes.chunks(chunk).for_each(|chunk| digest.update(chunk));
            digest.finish()
        };
        let mut bytes = vec![b'x'; 40_000];
        let before = digest_in_chunks(&bytes, 40_000);
        let (first, last) = (FIELD_AT as usize, FIELD_END as usize - 1);
        for at in [first, first + 7, last] {
            bytes[at] = b'y';
        }
        assert_eq!(before, Sha256::hash(vec![b'x'; 40_000 - 512]));
        for chunk in [1, 7, 512, 4096, 40_000] {
            assert_eq!(digest_in_chunks(&bytes, chunk), before, "chunks of {chunk}");
        }
        for at in [first - 1, last + 1, 0, 39_999] {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_ne!(digest_in_chunks(&other, 4096), before, "byte {at}");
        }
    }

    #[test]
    fn nothing_may_change_where_the_digest_is_known() {
        let mut digest = PassDigest::skipping((0, 0));
        [b'x'; 40_000].chunks(4096).for_each(|chunk| digest.update(chunk));
        assert_eq!(digest.finish(), Sha256::hash([b'x'; 40_000]));
    }
}
