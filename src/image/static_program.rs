//! Whether a file is a program that can be included in an image: a complete, static preflight for
//! x86-64.
//!
//! Not an ELF library: it reads the file header and the program headers, which is what a kernel
//! reads, and the dynamic section as far as it names libraries. Nothing is run.

use std::fs::File;
use std::io;

use crate::digest::{Sha256, Sha256Hasher};
use crate::facts::transcript::SCHEMA;
use crate::hint::hinted;
use crate::iso::read_at::ReadAt;

/// The largest program that is carried, in bytes.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Program headers that are read at most; programs have about a dozen.
const MAX_HEADERS: u64 = 128;

/// Bytes of a file's header.
const FILE_HEADER: u64 = 64;
/// Bytes of a loader's name that are read.
const MAX_LOADER_NAME: u64 = 4096;
/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERPRETER: u32 = 3;
const NEEDED: u64 = 1;
const X86_64: u16 = 62;

/// A program that was inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticProgram {
    /// Its bytes.
    pub len: u64,
    /// Their digest.
    pub sha256: Sha256,
}

/// Why a program cannot be included.
#[derive(Debug, thiserror::Error)]
pub enum StaticProgramError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// More than is carried.
    #[error("it has {0} bytes, at most {MAX_BYTES} are carried")]
    TooLarge(u64),
    /// Another kind of file.
    #[error("it is not an ELF program")]
    NotElf,
    /// For other processors.
    #[error("it is for another machine than x86-64 (class {0}, machine {1})")]
    OtherMachine(u8, u16),
    /// It ends before what its headers say.
    #[error("it is cut short or damaged: {0}")]
    Damaged(&'static str),
    /// It needs a loader and libraries of the machine it runs on.
    #[error("it is not static: it needs {0}, which CentOS 6 lacks or has in an older version")]
    NotStatic(String),
    /// A program, but another.
    #[error("it is not preflight")]
    NotPreflight,
}

impl StaticProgramError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read(_) => None,
            Self::TooLarge(_) => Some("give a release build, stripped".to_owned()),
            _ => Some(
                "build it with cargo build --release --target x86_64-unknown-linux-musl, or leave \
                 it out with --self-check-binary none"
                    .to_owned(),
            ),
        }
    }
}

hinted!(StaticProgramError);

/// Inspects a program: its headers, and one pass for its digest, in bounded memory.
///
/// # Errors
///
/// Says why it cannot be included.
pub fn inspect(file: &File) -> Result<StaticProgram, StaticProgramError> {
    let len = file.metadata()?.len();
    if len > MAX_BYTES {
        return Err(StaticProgramError::TooLarge(len));
    }
    validate(file, len)
}

/// Validates a program of `len` bytes.
///
/// # Errors
///
/// As [`inspect`].
pub fn validate(
    program: &(impl ReadAt + ?Sized),
    len: u64,
) -> Result<StaticProgram, StaticProgramError> {
    let whole = |offset: u64, size: u64| offset.checked_add(size).is_some_and(|end| end <= len);
    let take = |at: u64, size: u64| -> Result<Vec<u8>, StaticProgramError> {
        let mut bytes = vec![0; usize::try_from(size).expect("a few KiB")];
        program.read_exact_at(at, &mut bytes)?;
        Ok(bytes)
    };
    let start = take(0, len.min(FILE_HEADER))?;
    let start = start.as_slice();
    if start.get(..4) != Some(b"\x7fELF") {
        return Err(StaticProgramError::NotElf);
    }
    let class = *start.get(4).ok_or(StaticProgramError::Damaged("the header is not whole"))?;
    let machine = half(start, 18).ok_or(StaticProgramError::Damaged("the header is not whole"))?;
    // The second is the order of bytes: 1, the least significant first.
    if class != 2 || start.get(5) != Some(&1) || machine != X86_64 {
        return Err(StaticProgramError::OtherMachine(class, machine));
    }
    // 2: at a fixed place; 3: anywhere, as static-pie is.
    if !matches!(half(start, 16), Some(2 | 3)) {
        return Err(StaticProgramError::NotElf);
    }
    let header =
        |at: usize| long(start, at).ok_or(StaticProgramError::Damaged("the header is not whole"));
    let (entry, headers, sections) = (header(24)?, header(32)?, header(40)?);
    let short = |at: usize| half(start, at).map_or(0, u64::from);
    let (header_size, count) = (short(54), short(56));
    if header_size != 56 || count == 0 || count > MAX_HEADERS || !whole(headers, 56 * count) {
        return Err(StaticProgramError::Damaged("the program headers are not there"));
    }
    // They stand at the very end, so that they are what a copy that stopped early lacks.
    if sections != 0 && !whole(sections, short(58) * short(60)) {
        return Err(StaticProgramError::Damaged("the section headers behind it are missing"));
    }
    let mut starts = false;
    let mut dynamic = None;
    for segment in take(headers, 56 * count)?.chunks_exact(56) {
        let field = |offset: usize| long(segment, offset).expect("the headers are whole");
        let (offset, address, in_file, in_memory) = (field(8), field(16), field(32), field(40));
        if !whole(offset, in_file) {
            return Err(StaticProgramError::Damaged("a segment reaches past its end"));
        }
        let kind = field(0) as u32;
        let executable = (field(0) >> 32) & 1 == 1;
        match kind {
            LOAD if in_file > in_memory => {
                return Err(StaticProgramError::Damaged(
                    "a segment is larger in the file than in memory",
                ));
            }
            LOAD => {
                let inside = entry.checked_sub(address).is_some_and(|at| at < in_file);
                starts |= executable && inside;
            }
            INTERPRETER => {
                let name = take(offset, in_file.min(MAX_LOADER_NAME))?;
                let name = String::from_utf8_lossy(&name);
                return Err(StaticProgramError::NotStatic(name.trim_end_matches('\0').to_owned()));
            }
            DYNAMIC => dynamic = Some((offset, in_file)),
            _ => {}
        }
    }
    if !starts {
        return Err(StaticProgramError::Damaged("no segment holds its first instruction"));
    }
    // static-pie has such a section, to move itself; it names no library.
    if let Some((offset, size)) = dynamic {
        let mut at = 0;
        while at < size {
            let piece = take(offset + at, (size - at).min(CHUNK_BYTES as u64))?;
            if piece.chunks_exact(16).any(|entry| long(entry, 0) == Some(NEEDED)) {
                return Err(StaticProgramError::NotStatic("shared libraries".to_owned()));
            }
            at += piece.len() as u64;
        }
    }
    let (sha256, ours) = digest(program, len)?;
    if ours { Ok(StaticProgram { len, sha256 }) } else { Err(StaticProgramError::NotPreflight) }
}

/// Returns the digest of a program, and whether it contains the name of our captures' format.
fn digest(program: &(impl ReadAt + ?Sized), len: u64) -> io::Result<(Sha256, bool)> {
    let marker = SCHEMA.as_bytes();
    let mut whole = Sha256Hasher::default();
    let mut found = false;
    // The end of each piece is looked at again with the next: the name may lie across both.
    let mut buffer = vec![0; marker.len() - 1 + CHUNK_BYTES];
    let (mut at, mut kept) = (0, 0);
    while at < len {
        let size = usize::try_from((len - at).min(CHUNK_BYTES as u64)).expect("a piece");
        program.read_exact_at(at, &mut buffer[kept..kept + size])?;
        whole.update(&buffer[kept..kept + size]);
        let seen = &buffer[..kept + size];
        found = found || seen.windows(marker.len()).any(|window| window == marker);
        let end = kept + size;
        let keep = end.min(marker.len() - 1);
        buffer.copy_within(end - keep..end, 0);
        kept = keep;
        at += size as u64;
    }
    Ok((whole.finish(), found))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of one segment; what it does is nobody's concern.
    fn program(change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 2 * 56];
        bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(16, &3u16.to_le_bytes());
        put(18, &X86_64.to_le_bytes());
        put(24, &0x1000u64.to_le_bytes());
        put(32, &64u64.to_le_bytes());
        put(54, &56u16.to_le_bytes());
        put(56, &2u16.to_le_bytes());
        put(58, &64u16.to_le_bytes());
        put(60, &1u16.to_le_bytes());
        put(40, &300u64.to_le_bytes());
        // A segment that is loaded and may be executed, over what follows the headers.
        put(64, &LOAD.to_le_bytes());
        put(68, &5u32.to_le_bytes());
        put(72, &176u64.to_le_bytes());
        put(80, &0x1000u64.to_le_bytes());
        put(96, &100u64.to_le_bytes());
        put(104, &100u64.to_le_bytes());
        // A second, whose kind the cases change.
        put(120, &6u32.to_le_bytes());
        put(128, &176u64.to_le_bytes());
        put(152, &32u64.to_le_bytes());
        put(160, &32u64.to_le_bytes());
        bytes.resize(300 + 64, 0);
        bytes[240..240 + SCHEMA.len()].copy_from_slice(SCHEMA.as_bytes());
        change(&mut bytes);
        bytes
    }

    #[test]
    fn a_whole_static_program_rides_along() {
        let bytes = program(|_| {});
        let seen = validate(&bytes, bytes.len() as u64).unwrap();
        assert_eq!(seen.sha256, Sha256::hash(&bytes));
    }

    #[test]
    fn its_name_is_found_wherever_it_lies_and_all_of_it_is_digested() {
        for at in [
            CHUNK_BYTES - 1,
            CHUNK_BYTES - SCHEMA.len() + 1,
            CHUNK_BYTES,
            2 * CHUNK_BYTES - 5,
            3 * CHUNK_BYTES + 70,
        ] {
            let mut bytes = program(|b| b[240] = b'P');
            bytes.resize(3 * CHUNK_BYTES + 100, 0);
            assert!(matches!(
                validate(&bytes, bytes.len() as u64),
                Err(StaticProgramError::NotPreflight)
            ));
            bytes[at..at + SCHEMA.len()].copy_from_slice(SCHEMA.as_bytes());
            let seen = validate(&bytes, bytes.len() as u64).unwrap();
            assert_eq!(seen.sha256, Sha256::hash(&bytes), "{at}");
        }
    }

    #[test]
    fn cut_short_anywhere_it_does_not() {
        let whole = program(|_| {});
        for end in 0..whole.len() {
            assert!(validate(&whole[..end], end as u64).is_err(), "{end}");
        }
    }

    #[test]
    fn what_would_not_run_there_is_told() {
        type Change = fn(&mut Vec<u8>);
        let cases: [(Change, &str); 12] = [
            (|b| b[0] = b'M', "it is not an ELF program"),
            (|b| b[4] = 1, "(class 1, machine 62)"),
            (|b| b[5] = 2, "another machine"),
            (|b| b[18] = 183, "(class 2, machine 183)"),
            (|b| b[16] = 1, "not an ELF program"),
            (|b| b[120] = 3, "it is not static: it needs ,"),
            (
                |b| {
                    b[120] = 2;
                    b[176] = 1
                },
                "it needs shared libraries",
            ),
            (|b| b[24] = 0xff, "no segment holds its first instruction"),
            (|b| b[68] = 4, "no segment holds its first instruction"),
            (|b| b[104] = 1, "larger in the file than in memory"),
            (|b| b[56] = 200, "the program headers are not there"),
            (|b| b[240] = b'P', "it is not preflight"),
        ];
        for (change, reason) in cases {
            let bytes = program(change);
            let error = validate(&bytes, bytes.len() as u64).unwrap_err();
            assert!(error.to_string().contains(reason), "{reason}: {error}");
        }
    }

    #[test]
    fn numbers_that_overflow_are_no_panic() {
        for at in (16..176).step_by(8) {
            let bytes = program(|b| b[at..at + 8].copy_from_slice(&[0xff; 8]));
            validate(&bytes, bytes.len() as u64).ok();
        }
    }

    #[test]
    fn this_test_is_no_static_program_unless_it_is_built_so() {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        match inspect(&file) {
            Ok(_) | Err(StaticProgramError::TooLarge(_)) => {}
            Err(StaticProgramError::NotStatic(loader)) => {
                assert!(loader.contains("ld-"), "{loader}")
            }
            Err(other) => panic!("{other}"),
        }
    }
}
