//! Reads a delta from an untrusted file: verified as a whole when it is opened, then applied piece
//! by piece in bounded memory.
//!
//! Not for creating deltas (`create`).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::error::{DeltaError, DeltaFault};
use super::format::{
    COPY, DEFLATED, END, HEADER, MAGIC, MOST_BYTES, MOST_LITERAL, MOST_OF_BASE, PADDING, STORED,
    TRAILER, VERSION, ZEROS,
};
use super::pack::unpack;
use crate::digest::Sha256;

/// A delta whose pieces are all verified.
#[derive(Debug)]
pub struct Delta {
    file: Arc<File>,
    len: u64,
    /// Bytes of the base.
    pub base_len: u64,
    /// Digest of the base.
    pub base: Sha256,
    /// Bytes of the result.
    pub result_len: u64,
    /// Digest of the result.
    pub result: Sha256,
    /// Bytes of the result that come from the base.
    pub copied: u64,
    /// Bytes of the result that the delta holds.
    pub literal: u64,
    /// The number of pieces.
    pub pieces: u64,
}

/// A piece of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes of the base.
    Copy {
        /// The first.
        offset: u64,
        /// How many.
        len: u64,
    },
    /// Zero bytes.
    Zeros(u64),
    /// These bytes.
    Literal(&'a [u8]),
}

impl Piece<'_> {
    fn len(&self) -> u64 {
        match self {
            Self::Copy { len, .. } | Self::Zeros(len) => *len,
            Self::Literal(bytes) => bytes.len() as u64,
        }
    }
}

impl Delta {
    /// Opens a delta and reads all of it: its checksum first, then every piece. Nothing is
    /// allocated by a length that the file claims.
    ///
    /// # Errors
    ///
    /// Refuses a file that is not a delta, is damaged or of another version, or contradicts itself.
    pub fn open(file: Arc<File>) -> Result<Self, DeltaError> {
        let len = file.metadata()?.len();
        let mut head = [0; HEADER as usize];
        if len < HEADER + 1 + TRAILER {
            return Err(DeltaError::NotADelta);
        }
        file.read_exact_at(&mut head, 0)?;
        if !head.starts_with(MAGIC) {
            return Err(DeltaError::NotADelta);
        }
        match u32::from_le_bytes(header_field(&head, 16)) {
            VERSION => {}
            other => return Err(DeltaError::OtherVersion(other)),
        }
        let mut end = [0; TRAILER as usize];
        file.read_exact_at(&mut end, len - TRAILER)?;
        let (found, _) = Sha256::hash_reader(FileReader::new(&file, 0).take(len - TRAILER))?;
        let stated = Sha256::from(end);
        if stated != found {
            return Err(DeltaError::Damaged { stated, found });
        }
        let mut delta = Self {
            file,
            len,
            base_len: u64::from_le_bytes(header_field(&head, 20)),
            base: Sha256::from(header_field(&head, 28)),
            result_len: u64::from_le_bytes(header_field(&head, 60)),
            result: Sha256::from(header_field(&head, 68)),
            copied: 0,
            literal: 0,
            pieces: 0,
        };
        for len in [delta.base_len, delta.result_len] {
            if len > MOST_BYTES {
                return Err(DeltaError::TooLarge(len));
            }
        }
        let (mut copied, mut literal, mut count) = (0, 0, 0);
        let mut pieces = delta.pieces();
        while let Some(piece) = pieces.next_piece()? {
            count += 1;
            match piece {
                Piece::Copy { len, .. } => copied += len,
                Piece::Literal(bytes) => literal += bytes.len() as u64,
                Piece::Zeros(_) => {}
            }
        }
        // The pieces add up to the result, so what is not literal is copied or zero.
        let (repeated, base) = (delta.result_len - literal, delta.base_len);
        if repeated > base * MOST_OF_BASE + PADDING {
            return Err(DeltaError::Unjustified { repeated, base });
        }
        (delta.copied, delta.literal, delta.pieces) = (copied, literal, count);
        Ok(delta)
    }

    /// Returns the pieces, in the order of the result.
    pub fn pieces(&self) -> Pieces {
        let pieces = FileReader::new(&self.file, HEADER).take(self.len - TRAILER - HEADER);
        Pieces {
            input: BufReader::with_capacity(64 * 1024, pieces),
            at: HEADER,
            left: self.result_len,
            base_len: self.base_len,
            packed: Vec::new(),
            literal: Vec::new(),
        }
    }

    /// Refuses a base that the delta was not made against, by its length and then by its digest.
    ///
    /// # Errors
    ///
    /// [`DeltaError::BaseMismatch`], and errors of reading.
    pub fn verify_base(&self, base: &Arc<File>) -> Result<(), DeltaError> {
        let len = base.metadata()?.len();
        let other = |wanted, found| Err(DeltaError::BaseMismatch { wanted, found });
        if len != self.base_len {
            return other(format!("{} bytes", self.base_len), format!("{len} bytes"));
        }
        let (found, _) = Sha256::hash_reader(FileReader::new(base, 0).take(len))?;
        if found != self.base {
            return other(format!("sha256 {}", self.base), format!("sha256 {found}"));
        }
        Ok(())
    }

    /// Passes every byte of the result in order to `sink`, in pieces of bounded size.
    ///
    /// The base must have been verified. The caller verifies the digest of the result, since a file
    /// can change while it is read.
    ///
    /// # Errors
    ///
    /// Fails when delta or base cannot be read, and with the errors of `sink`.
    pub fn replay(
        &self,
        base: &File,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), DeltaError>,
    ) -> Result<(), DeltaError> {
        let mut pieces = self.pieces();
        let mut buffer = vec![0; MOST_LITERAL];
        while let Some(piece) = pieces.next_piece()? {
            let (mut offset, mut left) = match piece {
                Piece::Literal(bytes) => {
                    sink(bytes)?;
                    continue;
                }
                Piece::Copy { offset, len } => (Some(offset), len),
                Piece::Zeros(len) => {
                    buffer.fill(0);
                    (None, len)
                }
            };
            while left > 0 {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                if let Some(offset) = &mut offset {
                    base.read_exact_at(&mut buffer[..now], *offset)?;
                    *offset += now as u64;
                }
                sink(&buffer[..now])?;
                left -= now as u64;
            }
        }
        Ok(())
    }
}

/// Reads the pieces of a delta.
pub struct Pieces {
    input: BufReader<io::Take<FileReader>>,
    at: u64,
    left: u64,
    base_len: u64,
    packed: Vec<u8>,
    literal: Vec<u8>,
}

impl Pieces {
    /// Returns the next piece; none at the end.
    ///
    /// # Errors
    ///
    /// [`DeltaError::Faulty`], and errors of reading.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, DeltaError> {
        let at = self.at;
        let faulty = |fault| DeltaError::Faulty(at, fault);
        let kind = u8::from_le_bytes(self.read_array()?);
        match kind {
            END if self.left > 0 => return Err(faulty(DeltaFault::Sum)),
            END if self.input.read(&mut [0])? > 0 => return Err(faulty(DeltaFault::AfterTheEnd)),
            END => return Ok(None),
            COPY | ZEROS | STORED | DEFLATED => {}
            other => return Err(faulty(DeltaFault::Kind(other))),
        }
        let piece = match kind {
            COPY => {
                let offset = u64::from_le_bytes(self.read_array()?);
                let len = u64::from_le_bytes(self.read_array()?);
                let end = offset.checked_add(len);
                if end.is_none_or(|end| end > self.base_len) {
                    return Err(faulty(DeltaFault::OutsideBase { offset, len }));
                }
                Piece::Copy { offset, len }
            }
            ZEROS => Piece::Zeros(u64::from_le_bytes(self.read_array()?)),
            kind => {
                let len = self.read_literal_len(at, MOST_LITERAL)?;
                if kind == DEFLATED {
                    let packed = self.read_literal_len(at, len - 1)?;
                    self.packed.resize(packed, 0);
                    self.input.read_exact(&mut self.packed).map_err(|e| read_error(e, at))?;
                    self.at += packed as u64;
                    self.literal.resize(len, 0);
                    if !unpack(&self.packed, &mut self.literal) {
                        return Err(faulty(DeltaFault::Deflate));
                    }
                } else {
                    self.literal.resize(len, 0);
                    self.input.read_exact(&mut self.literal).map_err(|e| read_error(e, at))?;
                    self.at += len as u64;
                }
                Piece::Literal(&self.literal)
            }
        };
        let len = piece.len();
        if len == 0 {
            return Err(faulty(DeltaFault::Length(0)));
        }
        self.left = self.left.checked_sub(len).ok_or(faulty(DeltaFault::Sum))?;
        Ok(Some(piece))
    }

    /// Reads the length of a literal: from 1 to `most`.
    fn read_literal_len(&mut self, piece: u64, most: usize) -> Result<usize, DeltaError> {
        let len = u32::from_le_bytes(self.read_array()?);
        let fault = DeltaFault::Length(u64::from(len));
        let fits = usize::try_from(len).ok().filter(|len| (1..=most).contains(len));
        fits.ok_or(DeltaError::Faulty(piece, fault))
    }

    fn read_array<const N: usize>(&mut self) -> Result<[u8; N], DeltaError> {
        let mut bytes = [0; N];
        let at = self.at;
        self.input.read_exact(&mut bytes).map_err(|error| read_error(error, at))?;
        self.at += N as u64;
        Ok(bytes)
    }
}

fn read_error(error: io::Error, at: u64) -> DeltaError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => DeltaError::Faulty(at, DeltaFault::CutShort),
        _ => DeltaError::Io(error),
    }
}

fn header_field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the header has them")
}

/// Reads a file from an offset on, without its shared position.
struct FileReader {
    file: Arc<File>,
    at: u64,
}

impl FileReader {
    fn new(file: &Arc<File>, at: u64) -> Self {
        Self { file: Arc::clone(file), at }
    }
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
