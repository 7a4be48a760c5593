//! Writes the pieces of a delta: adjacent ones are joined, literals packed, all of it digested.
//!
//! Not for finding the pieces (`compare`).

use std::fs::File;
use std::io::{self, Write};

use super::format::{COPY, DEFLATED, END, MAGIC, MOST_LITERAL, STORED, VERSION, ZEROS};
use super::pack::pack;
use crate::digest::{Sha256, Sha256Hasher};

/// A piece that may still grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PendingPiece {
    None,
    Copy { offset: u64, len: u64 },
    Zeros(u64),
    Literal,
}

/// Writes a delta to a file, from its first byte on.
pub struct DeltaWriter<'a> {
    out: DigestingFile<'a>,
    open: PendingPiece,
    literal: Vec<u8>,
}

impl<'a> DeltaWriter<'a> {
    /// Writes the header.
    pub fn start(
        out: &'a File,
        base: (u64, Sha256),
        result: (u64, Sha256),
    ) -> io::Result<DeltaWriter<'a>> {
        let mut writer = Self {
            out: DigestingFile {
                file: io::BufWriter::with_capacity(MOST_LITERAL, out),
                hasher: Sha256Hasher::default(),
            },
            open: PendingPiece::None,
            literal: Vec::with_capacity(MOST_LITERAL),
        };
        writer.out.put(MAGIC)?;
        writer.out.put(&VERSION.to_le_bytes())?;
        for (len, digest) in [base, result] {
            writer.out.put(&len.to_le_bytes())?;
            writer.out.put(digest.as_bytes())?;
        }
        Ok(writer)
    }

    /// Adds bytes of the base.
    pub fn copy(&mut self, offset: u64, len: u64) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        if let PendingPiece::Copy { offset: first, len: so_far } = &mut self.open
            && *first + *so_far == offset
        {
            *so_far += len;
            return Ok(());
        }
        self.close()?;
        self.open = PendingPiece::Copy { offset, len };
        Ok(())
    }

    /// Adds zero bytes.
    pub fn zeros(&mut self, len: u64) -> io::Result<()> {
        if let PendingPiece::Zeros(so_far) = &mut self.open {
            *so_far += len;
            return Ok(());
        }
        self.close()?;
        self.open = PendingPiece::Zeros(len);
        Ok(())
    }

    /// Adds bytes that are not in the base.
    pub fn literal(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.open != PendingPiece::Literal || self.literal.len() == MOST_LITERAL {
                self.close()?;
                self.open = PendingPiece::Literal;
            }
            let room = MOST_LITERAL - self.literal.len();
            let (now, rest) = bytes.split_at(bytes.len().min(room));
            self.literal.extend_from_slice(now);
            bytes = rest;
        }
        Ok(())
    }

    /// Writes the end and the digest.
    pub fn finish(mut self) -> io::Result<()> {
        self.close()?;
        self.out.put(&[END])?;
        let digest = std::mem::take(&mut self.out.hasher).finish();
        self.out.file.write_all(digest.as_bytes())?;
        self.out.file.flush()
    }

    fn close(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.open, PendingPiece::None) {
            PendingPiece::None => return Ok(()),
            PendingPiece::Copy { offset, len } => {
                self.out.put(&[COPY])?;
                self.out.put(&offset.to_le_bytes())?;
                self.out.put(&len.to_le_bytes())?;
            }
            PendingPiece::Zeros(len) => {
                self.out.put(&[ZEROS])?;
                self.out.put(&len.to_le_bytes())?;
            }
            PendingPiece::Literal => self.close_literal()?,
        }
        Ok(())
    }

    fn close_literal(&mut self) -> io::Result<()> {
        let short = |len: usize| u32::try_from(len).expect("a literal is short").to_le_bytes();
        match pack(&self.literal) {
            Some(packed) => {
                self.out.put(&[DEFLATED])?;
                self.out.put(&short(self.literal.len()))?;
                self.out.put(&short(packed.len()))?;
                self.out.put(&packed)?;
            }
            None => {
                self.out.put(&[STORED])?;
                self.out.put(&short(self.literal.len()))?;
                self.out.put(&self.literal)?;
            }
        }
        self.literal.clear();
        Ok(())
    }
}

/// A file, and a digest of all that was written to it.
struct DigestingFile<'a> {
    file: io::BufWriter<&'a File>,
    hasher: Sha256Hasher,
}

impl DigestingFile<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.file.write_all(bytes)
    }
}
