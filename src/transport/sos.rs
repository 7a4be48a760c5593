//! Reads `sos:ARCHIVE`, a sosreport: `.tar`, `.tar.xz`, `.tar.gz`, or the directory that one was unpacked to.
//!
//! Nothing is unpacked, and of the archive's files only those are kept that facts are read from. Not for what they mean
//! (`facts::sos`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use crate::facts::sos::{self, FILES, INTERFACE_FILES, SosFiles};
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{AnswerOverrides, CollectedBy, Connection, SCHEMA, Transcript};
use crate::hint::hinted;

/// The most bytes of one file in a report that are kept; what is longer is left out, and so unknown.
const MAX_FILE: u64 = 1024 * 1024;

/// The most files that are kept.
const MAX_FILES: usize = 200;

/// The most memory that decompressing takes: xz -9 needs 65 MiB of it.
const MAX_MEMORY: u64 = 128 << 20;

/// The most bytes of an archive, unpacked: one of a large server has a tenth of it.
const MAX_UNPACKED: u64 = 4 * 1024 * 1024 * 1024;

/// Why an archive could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SosError {
    /// The system refused, or the archive is damaged.
    #[error("cannot read {0}")]
    Io(PathBuf, #[source] io::Error),
    /// None of the files that every sosreport has.
    #[error(
        "{0} is not a sosreport: it has no sos_commands and no version.txt below its first directory"
    )]
    NotAReport(PathBuf),
    /// It cannot be told of which host it is.
    #[error("{0} does not say which host it is of: neither hostname nor uname is in it")]
    Nameless(PathBuf),
}

impl SosError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Io(..) => {
                    "name the archive as sos report wrote it, or the directory it was unpacked to"
                }
                Self::NotAReport(_) => "make one with sos report on the master target",
                Self::Nameless(_) => "run sos report with the plugins host and kernel",
            }
            .to_owned(),
        )
    }
}

hinted!(SosError);

/// Reads a sosreport as the transcript of its host.
///
/// # Errors
///
/// See [`SosError`].
pub fn read(path: &Path) -> Result<Transcript, SosError> {
    let io = |source| SosError::Io(path.to_owned(), source);
    let files =
        if path.is_dir() { read_directory(path) } else { read_archive(path) }.map_err(io)?;
    if !files.keys().any(|name| name == "version.txt" || name.starts_with("sos_commands/")) {
        return Err(SosError::NotAReport(path.to_owned()));
    }
    let target = sos::host_name(&files).ok_or_else(|| SosError::Nameless(path.to_owned()))?;
    Ok(Transcript {
        schema: SCHEMA.to_owned(),
        target: target.chars().take(255).collect(),
        kind: TargetKind::LinuxMt,
        asked_at: sos::taken_at(&files),
        connection: Connection::new(CollectedBy::Sos),
        answers: sos::answers(&files),
        overrides: AnswerOverrides::default(),
    })
}

/// Reads the files of an unpacked report; a directory that holds nothing but the report's own stands for it.
fn read_directory(path: &Path) -> io::Result<SosFiles> {
    let mut inside = std::fs::read_dir(path)?;
    let only = match (inside.next().transpose()?, inside.next()) {
        (Some(one), None) if one.file_type()?.is_dir() => one.path(),
        _ => path.to_owned(),
    };
    let mut files = SosFiles::new();
    for name in names_below(&only) {
        // A link may lead out of the report.
        let file = only.join(&name);
        let is_inside =
            file.canonicalize().and_then(|file| Ok(file.starts_with(only.canonicalize()?)));
        if !is_inside.unwrap_or(false) || !file.is_file() {
            continue;
        }
        if let Some(text) = read_text(&mut File::open(&file)?)? {
            files.insert(name, text);
        }
    }
    Ok(files)
}

/// The files of an unpacked report that are read, whether they are there or not.
fn names_below(report: &Path) -> Vec<String> {
    let mut names: Vec<String> = FILES.iter().map(|name| (*name).to_owned()).collect();
    let Some((directory, start)) = INTERFACE_FILES.rsplit_once('/') else { return names };
    let entries = std::fs::read_dir(report.join(directory)).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let found = found.filter(|name| name.starts_with(start)).take(MAX_FILES);
    names.extend(found.map(|name| format!("{directory}/{name}")));
    names
}

/// Which paths of an archive are kept, and as which file. sos puts what many look for into the first directory as a link to the
/// place where it belongs, so that a link to follow adds a path.
struct Wanted(BTreeMap<String, String>);

impl Wanted {
    fn name_of(&self, path: &str) -> Option<String> {
        let is_read = FILES.contains(&path) || path.starts_with(INTERFACE_FILES);
        self.0.get(path).cloned().or_else(|| is_read.then(|| path.to_owned()))
    }

    fn follow(&mut self, link: &str, to: &Path, name: String) {
        let mut path: Vec<&str> = link.split('/').collect();
        path.pop();
        for part in to.components() {
            match part {
                Component::Normal(part) => path.extend(part.to_str()),
                Component::ParentDir if !path.is_empty() => {
                    path.pop();
                }
                Component::CurDir => {}
                // It leads out of the report.
                _ => return,
            }
        }
        self.0.insert(path.join("/"), name);
    }
}

fn read_archive(path: &Path) -> io::Result<SosFiles> {
    let mut wanted = Wanted(BTreeMap::new());
    let mut files = read_entries(path, &mut wanted)?;
    // A link may stand behind what it leads to.
    if wanted.0.values().any(|name| !files.contains_key(name)) {
        files.extend(read_entries(path, &mut wanted)?);
    }
    Ok(files)
}

fn read_entries(path: &Path, wanted: &mut Wanted) -> io::Result<SosFiles> {
    let mut file = BufReader::new(File::open(path)?);
    let head = file.fill_buf()?;
    let unpacked: Box<dyn Read> = match head {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            let stream = Stream::new_stream_decoder(MAX_MEMORY, CONCATENATED)?;
            Box::new(XzDecoder::new_stream(file, stream))
        }
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        _ => Box::new(file),
    };
    let mut files = SosFiles::new();
    let mut archive = tar::Archive::new(unpacked.take(MAX_UNPACKED));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let Some(path) = name_in_report(&entry.path()?) else { continue };
        let Some(name) = wanted.name_of(&path).filter(|_| files.len() < MAX_FILES) else {
            continue;
        };
        if let Some(to) = entry.link_name()?.filter(|_| entry.header().entry_type().is_symlink()) {
            wanted.follow(&path, &to, name);
        } else if entry.header().entry_type().is_file()
            && let Some(text) = read_text(&mut entry)?
        {
            files.insert(name, text);
        }
    }
    Ok(files)
}

/// Returns the path of an entry below the archive's first directory.
fn name_in_report(path: &Path) -> Option<String> {
    let mut parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    parts.next()?;
    let parts: Option<Vec<&str>> = parts.map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/"))
}

fn read_text(file: &mut dyn Read) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    let is_whole = bytes.len() as u64 <= MAX_FILE;
    Ok(is_whole.then(|| String::from_utf8_lossy(&bytes).into_owned()))
}
