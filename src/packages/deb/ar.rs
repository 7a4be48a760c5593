//! The archive that a `.deb` is: `ar` in its common form (deb(5), ar(5)).
//!
//! Not for what is in its members.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What an archive begins with.
const MAGIC: &[u8] = b"!<arch>\n";
/// Bytes of a member's header.
const HEADER: u64 = 60;
/// The most members that are read; a package has three.
const MOST_MEMBERS: usize = 16;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArMember {
    /// Its name.
    pub name: String,
    /// Its first byte in the file.
    pub at: u64,
    /// Its bytes.
    pub len: u64,
}

/// Reads the members of an archive of `len` bytes. The inner error says what it is instead.
///
/// # Errors
///
/// Fails when the file cannot be read.
pub fn members(file: &File, len: u64) -> io::Result<Result<Vec<ArMember>, &'static str>> {
    let mut magic = [0; 8];
    if len < MAGIC.len() as u64 {
        return Ok(Err(if len == 0 { "an empty file" } else { "something else" }));
    }
    file.read_exact_at(&mut magic, 0)?;
    if magic != MAGIC {
        let is_page = magic.trim_ascii_start().starts_with(b"<");
        return Ok(Err(if is_page { "a web page" } else { "something else" }));
    }
    let mut members = Vec::new();
    let mut at = MAGIC.len() as u64;
    while at < len {
        if members.len() == MOST_MEMBERS {
            return Ok(Err("an archive of many files"));
        }
        if len - at < HEADER {
            return Ok(Err("one that is cut short"));
        }
        let mut header = [0; HEADER as usize];
        file.read_exact_at(&mut header, at)?;
        at += HEADER;
        let text = |range: std::ops::Range<usize>| {
            std::str::from_utf8(&header[range]).ok().map(|text| text.trim_end_matches(' '))
        };
        let size = text(48..58).and_then(|size| size.parse::<u64>().ok());
        let (Some(name), Some(size), b"`\n") = (text(0..16), size, &header[58..60]) else {
            return Ok(Err("a damaged archive"));
        };
        if size > len - at {
            return Ok(Err("one that is cut short"));
        }
        let name = name.strip_suffix('/').unwrap_or(name).to_owned();
        members.push(ArMember { name, at, len: size });
        // Members begin at even bytes.
        at += size + size % 2;
    }
    Ok(Ok(members))
}
