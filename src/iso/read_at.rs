//! Reading at an offset, whatever holds the bytes: a file, a planned image, or memory.
//!
//! Not for reading a whole image in order: that is [`ByteMap::reader`].

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::bytemap::ByteMap;

/// Bytes that can be read from any offset.
pub trait ReadAt {
    /// Fills `buffer` with the bytes from `at` on.
    ///
    /// # Errors
    ///
    /// Fails when fewer bytes are there, or they cannot be read.
    fn read_exact_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for ByteMap {
    fn read_exact_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        Self::read_exact_at(self, at, buffer)
    }
}

impl ReadAt for File {
    fn read_exact_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, at)
    }
}

impl ReadAt for [u8] {
    fn read_exact_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(at).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(self.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn read_exact_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_exact_at(at, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_ends_where_it_ends() {
        let bytes = vec![1u8, 2, 3];
        for (at, len, fits) in [(0, 3, true), (3, 0, true), (1, 3, false), (u64::MAX, 1, false)] {
            let read = ReadAt::read_exact_at(&bytes, at, &mut vec![0; len]);
            assert_eq!(read.is_ok(), fits, "{len} bytes at {at}");
        }
    }
}
