//! The compressed side of a bundle: counted and hashed as it is read, stopped at a limit as it is
//! decompressed.
//!
//! Not for what the archive holds.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

use super::error::{AgentError, ArchiveLimit};
use crate::digest::{Sha256, Sha256Hasher};

/// What has been read of the file, shared between both ends of the decompressor.
#[derive(Default)]
struct InputState {
    hasher: Sha256Hasher,
    len: u64,
    /// The reader's own failure, as opposed to damage that the decompressor finds.
    failure: Option<io::Error>,
}

/// The file's bytes, hashed and counted on their way.
struct Counted<R> {
    inner: R,
    taken: Rc<RefCell<InputState>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut taken = self.taken.borrow_mut();
        match self.inner.read(buffer) {
            Ok(n) => {
                taken.hasher.update(&buffer[..n]);
                taken.len += n as u64;
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let seen = io::Error::new(error.kind(), error.to_string());
                taken.failure = Some(error);
                Err(seen)
            }
        }
    }
}

/// The decompressed bytes of a gzip file, up to the limits.
pub(super) struct Gunzip<R: Read> {
    decoder: MultiGzDecoder<BufReader<Counted<R>>>,
    taken: Rc<RefCell<InputState>>,
    out: u64,
    most: u64,
    ratio: u64,
    allowance: u64,
}

impl<R: Read> Gunzip<R> {
    /// Starts, once the first bytes are those of gzip. More than `most` bytes, or more than
    /// `ratio` times what was read plus `allowance`, are an error that carries a [`ArchiveLimit`].
    pub(super) fn new(
        reader: R,
        most: u64,
        ratio: u64,
        allowance: u64,
    ) -> Result<Self, AgentError> {
        let taken = Rc::new(RefCell::new(InputState::default()));
        let counted = Counted { inner: reader, taken: Rc::clone(&taken) };
        let mut buffered = BufReader::with_capacity(64 * 1024, counted);
        let start = buffered.fill_buf().map_err(AgentError::Read)?;
        if !start.starts_with(&[0x1f, 0x8b]) {
            return Err(AgentError::NotGzip(describe_format(start)));
        }
        Ok(Self { decoder: MultiGzDecoder::new(buffered), taken, out: 0, most, ratio, allowance })
    }

    /// Reads to the end, so that the checksum is verified and the whole file is hashed.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        while self.read(&mut buffer)? > 0 {}
        Ok(())
    }

    /// The file's digest and length; complete after [`Self::drain`].
    pub(super) fn digest_and_len(&self) -> (Sha256, u64) {
        let taken = self.taken.borrow();
        (taken.hasher.clone().finish(), taken.len)
    }

    /// What kept the file from being read, if it was not its content.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.taken.borrow_mut().failure.take()
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buffer)?;
        self.out += n as u64;
        if self.out > self.most {
            return Err(io::Error::other(ArchiveLimit::UnpackedBytes(self.most)));
        }
        let taken = self.taken.borrow().len;
        if self.out > taken.saturating_mul(self.ratio).saturating_add(self.allowance) {
            return Err(io::Error::other(ArchiveLimit::Ratio(self.ratio)));
        }
        Ok(n)
    }
}

fn describe_format(start: &[u8]) -> &'static str {
    match start {
        [] => "an empty file",
        [b'P', b'K', ..] => "a zip file",
        [0xfd, b'7', b'z', ..] => "an xz file",
        [b'B', b'Z', b'h', ..] => "a bzip2 file",
        [b'<', ..] => "a web page",
        _ if start.get(257..262) == Some(b"ustar") => "a tar archive",
        _ => "something else",
    }
}
