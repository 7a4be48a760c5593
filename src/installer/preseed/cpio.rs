//! The archive that the kernel unpacks over its initial RAM disk: cpio, format "newc"
//! (Linux, Documentation/driver-api/early-userspace/buffer-format.rst), not compressed.
//!
//! Not for archives of any size: all of it is in memory.

/// The format's magic number, which each header begins with.
const MAGIC: &[u8] = b"070701";
/// Bytes of a header.
const HEADER: usize = 110;
/// The name of the entry that ends an archive.
const TRAILER: &str = "TRAILER!!!";
/// An archive is filled up to a multiple of this.
const BLOCK: usize = 512;

/// One entry of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpioEntry {
    /// Its path, without a leading slash.
    pub path: String,
    /// Its type and permission bits.
    pub mode: u32,
    /// Its bytes; none for a directory.
    pub bytes: Vec<u8>,
}

impl CpioEntry {
    /// A directory that everybody may read.
    pub fn directory(path: &str) -> Self {
        Self { path: path.to_owned(), mode: 0o040_755, bytes: Vec::new() }
    }

    /// A program.
    pub fn program(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), mode: 0o100_755, bytes: text.as_bytes().to_vec() }
    }

    /// A file that only root may read.
    pub fn file(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), mode: 0o100_600, bytes: text.as_bytes().to_vec() }
    }
}

/// Why an archive cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpioError {
    /// A header that is not one.
    #[error("byte {0} begins no entry of a cpio archive")]
    Header(usize),
    /// An entry that goes past the end.
    #[error("the entry at byte {0} goes past the end of the archive")]
    Short(usize),
}

/// Writes an archive; `time` is the date of every entry, in seconds since 1970. The same entries
/// make the same bytes.
pub fn write(entries: &[CpioEntry], time: u32) -> Vec<u8> {
    let mut archive = Vec::new();
    let trailer = CpioEntry { path: TRAILER.to_owned(), mode: 0, bytes: Vec::new() };
    for (number, entry) in (1_u32..).zip(entries) {
        append(&mut archive, entry, number, time);
    }
    append(&mut archive, &trailer, 0, 0);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    archive
}

fn append(archive: &mut Vec<u8>, entry: &CpioEntry, number: u32, time: u32) {
    let links: u32 = if entry.mode & 0o040_000 != 0 { 2 } else { 1 };
    let len = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    // Number, mode, owner, group, links, date, length, device twice, length of the name, sum.
    let fields = [
        number,
        entry.mode,
        0,
        0,
        links,
        time,
        len(entry.bytes.len()),
        0,
        0,
        0,
        0,
        len(entry.path.len() + 1),
        0,
    ];
    archive.extend(MAGIC);
    for field in fields {
        archive.extend(format!("{field:08X}").into_bytes());
    }
    archive.extend(entry.path.as_bytes());
    archive.push(0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend(&entry.bytes);
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// Reads the entries of one archive, until the one that ends it.
///
/// # Errors
///
/// Refuses what is no such archive, or one that is cut short.
///
/// ```
/// use preflight::installer::preseed::cpio::{self, CpioEntry};
/// let entries = [CpioEntry::directory("a"), CpioEntry::file("a/b", "text")];
/// let archive = cpio::write(&entries, 0);
/// assert_eq!(archive.len() % 512, 0);
/// assert_eq!(cpio::read(&archive).unwrap(), entries);
/// ```
pub fn read(archive: &[u8]) -> Result<Vec<CpioEntry>, CpioError> {
    let mut entries = Vec::new();
    let mut at = 0_usize;
    loop {
        let header = archive.get(at..at + HEADER).ok_or(CpioError::Short(at))?;
        let field = |index: usize| -> Option<usize> {
            let text = header.get(6 + 8 * index..14 + 8 * index)?;
            let text = std::str::from_utf8(text).ok()?;
            usize::from_str_radix(text, 16).ok()
        };
        let fields = (field(1), field(6), field(11));
        let (Some(mode), Some(size), Some(name_len)) = fields else {
            return Err(CpioError::Header(at));
        };
        if !header.starts_with(MAGIC) || name_len == 0 {
            return Err(CpioError::Header(at));
        }
        let name_at = at + HEADER;
        let bytes_at = name_at.saturating_add(name_len).next_multiple_of(4);
        let end = bytes_at.saturating_add(size);
        let name = archive.get(name_at..name_at + name_len - 1).ok_or(CpioError::Short(at))?;
        let bytes = archive.get(bytes_at..end).ok_or(CpioError::Short(at))?;
        let path = String::from_utf8_lossy(name).into_owned();
        if path == TRAILER {
            return Ok(entries);
        }
        let mode = u32::try_from(mode).map_err(|_| CpioError::Header(at))?;
        entries.push(CpioEntry { path, mode, bytes: bytes.to_vec() });
        at = end.next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_short_or_is_something_else_is_refused() {
        let archive = write(&[CpioEntry::file("preseed.cfg", "d-i a/b string c\n")], 1);
        for len in 0..250 {
            assert!(read(&archive[..len]).is_err(), "{len}");
        }
        let mut other = archive.clone();
        other[0] = b'1';
        assert_eq!(read(&other), Err(CpioError::Header(0)));
        let huge = archive.iter().copied().enumerate();
        let huge: Vec<u8> =
            huge.map(|(at, byte)| if (54..62).contains(&at) { b'F' } else { byte }).collect();
        assert_eq!(read(&huge), Err(CpioError::Short(0)));
    }
}
