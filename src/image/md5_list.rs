//! `md5sum.txt`, by which debian-installer's own test compares the files of its disc.
//!
//! Not for the sum that is implanted into a medium (`iso::media_md5`).

use std::io;
use std::sync::Arc;

use super::payload_file::PayloadFile;
use crate::digest::md5_hex;
use crate::iso::bytemap::{ByteMap, ByteOrigin};
use crate::iso::{FileContent, Medium};

/// Where the list is, and the most bytes that are read of it.
pub const MD5_LIST: &str = "md5sum.txt";
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The list of a medium.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Md5List {
    lines: Vec<Md5Line>,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Md5Line {
    /// 32 hex digits; empty for a line that is kept as it is.
    md5: String,
    /// The path without `./`; the whole line where there is no sum.
    path: String,
}

impl Md5List {
    /// Reads the list of a medium; nothing when it has none.
    pub fn from_medium(medium: &Medium) -> Option<Self> {
        let bytes = medium.read_file(MD5_LIST, MAX_BYTES).ok()?;
        Some(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Reads a list.
    ///
    /// ```
    /// use preflight::image::md5_list::Md5List;
    /// let text = "d41d8cd98f00b204e9800998ecf8427e  ./a\n";
    /// let mut list = Md5List::parse(text);
    /// list.set("b", "900150983cd24fb0d6963f7d28e17f72".to_owned());
    /// assert_eq!(list.to_text(), format!("{text}900150983cd24fb0d6963f7d28e17f72  ./b\n"));
    /// ```
    pub fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let parts = line.split_at_checked(32).filter(|(md5, _)| {
                md5.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
            });
            let path = parts.and_then(|(md5, rest)| {
                let path = rest.strip_prefix("  ").or_else(|| rest.strip_prefix(" *"))?;
                Some((md5, path.strip_prefix("./").unwrap_or(path)))
            });
            match path {
                Some((md5, path)) => Md5Line { md5: md5.to_owned(), path: path.to_owned() },
                None => Md5Line { md5: String::new(), path: line.to_owned() },
            }
        };
        Self { lines: text.lines().map(line).collect() }
    }

    /// The files, each with its sum in hex.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let sums = self.lines.iter().filter(|line| !line.md5.is_empty());
        sums.map(|line| (line.path.as_str(), line.md5.as_str()))
    }

    /// Sets the sum of a file that is new or changed.
    pub fn set(&mut self, path: &str, md5: String) {
        match self.lines.iter_mut().find(|line| !line.md5.is_empty() && line.path == path) {
            Some(line) => line.md5 = md5,
            None => self.lines.push(Md5Line { md5, path: path.to_owned() }),
        }
    }

    /// Its text.
    pub fn to_text(&self) -> String {
        let line = |line: &Md5Line| match line.md5.as_str() {
            "" => format!("{}\n", line.path),
            md5 => format!("{md5}  ./{}\n", line.path),
        };
        self.lines.iter().map(line).collect()
    }

    /// Sets the sum of a file of a payload.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read.
    pub fn set_file(&mut self, file: &PayloadFile) -> io::Result<()> {
        let mut map = ByteMap::new();
        match &file.source {
            FileContent::Bytes(bytes) => map.push_bytes(Arc::clone(bytes)),
            FileContent::File { file, len } => {
                map.push(*len, ByteOrigin::File(Arc::clone(file), 0));
            }
        }
        self.set(file.path.as_str(), md5_hex(map.reader())?);
        Ok(())
    }
}
