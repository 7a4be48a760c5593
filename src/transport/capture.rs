//! Saved transcripts: `capture:FILE` and `capture:DIR`, written by `collect host`, or by anybody
//! who ran the script of `collect script` and kept what it printed.
//!
//! Not for replacing a file: `cli` writes captures as it writes reports.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::facts::script::answers;
use crate::facts::transcript::{Connection, SCHEMA, Transcript};

/// The largest capture that is read, in bytes.
pub const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Why a capture could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The system refused.
    #[error("cannot read {path}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// More than [`MAX_BYTES`].
    #[error("{path} has more than {MAX_BYTES} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Neither a capture nor what the script prints.
    #[error("{path} is no capture: {reason}")]
    NotACapture {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A directory without captures.
    #[error("{0} holds no captures")]
    Empty(PathBuf),
}

impl CaptureError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotACapture { .. } | Self::Empty(_) => Some(
                "make one with preflight collect host TARGET -o FILE, or keep what the script of \
                 preflight collect script prints"
                    .to_owned(),
            ),
            Self::Io { .. } | Self::TooLarge { .. } => None,
        }
    }
}

/// Reads one capture, or every file of a directory by name.
///
/// # Errors
///
/// Fails at the first file that cannot be read or is no capture.
pub fn read(path: &Path) -> Result<Vec<Transcript>, CaptureError> {
    if !path.is_dir() {
        return Ok(vec![read_file(path)?]);
    }
    let io = |source| CaptureError::Io { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if file.is_file() && !hidden {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(CaptureError::Empty(path.to_owned()));
    }
    files.iter().map(|file| read_file(file)).collect()
}

fn read_file(path: &Path) -> Result<Transcript, CaptureError> {
    let io = |source| CaptureError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(CaptureError::TooLarge { path: path.to_owned() });
    }
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    parse(&String::from_utf8_lossy(&bytes), &name)
        .map_err(|reason| CaptureError::NotACapture { path: path.to_owned(), reason })
}

/// Reads the text of a capture; `name` is the target's when the text does not say.
///
/// # Errors
///
/// Says why it is no capture.
pub fn parse(text: &str, name: &str) -> Result<Transcript, String> {
    if text.trim_start().starts_with('{') {
        let transcript: Transcript = serde_json::from_str(text).map_err(|e| e.to_string())?;
        return match transcript.schema.as_str() {
            SCHEMA => Ok(transcript),
            other => Err(format!("its schema is {other:?}, this version reads {SCHEMA}")),
        };
    }
    let answers = answers(text, None);
    if answers.by_probe.is_empty() {
        return Err("no frame of the script is in it".to_owned());
    }
    Ok(Transcript {
        schema: SCHEMA.to_owned(),
        target: name.to_owned(),
        kind: "linux-mt".to_owned(),
        asked_at: None,
        connection: Connection { by: "script".to_owned(), ..Connection::default() },
        answers,
    })
}

/// The text of a capture file.
pub fn text(transcript: &Transcript) -> String {
    serde_json::to_string_pretty(transcript).expect("a transcript has only plain values") + "\n"
}
