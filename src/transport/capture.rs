//! Reading saved transcripts: `capture:FILE` and `capture:DIR`, written by `collect host`, by a
//! master target's self-check, or by the script of `collect script`.
//!
//! Not for writing files: `cli` writes captures as it writes reports.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::describe_exit;
use crate::facts::failure_kind::FailureKind;
use crate::facts::guest::self_check;
use crate::facts::script::parse_output;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{
    AnswerOverrides, CollectedBy, Connection, Failure, ProbeAnswer, ProbeAnswers, SCHEMA,
    Transcript,
};
use crate::facts::windows::capture::{WINDOWS, parse_header};
use crate::hint::hinted;

/// The most bytes of a capture.
pub const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The most bytes of a target's name in a capture: the name stands in every finding.
const MAX_NAME_BYTES: usize = 1024;

/// Why a capture could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The system refused.
    #[error("cannot read {0}")]
    Io(PathBuf, #[source] io::Error),
    /// More than [`MAX_BYTES`].
    #[error("{0} has more than {MAX_BYTES} bytes")]
    TooLarge(PathBuf),
    /// Neither a capture nor what the script prints.
    #[error("{0} is not a capture: {1}")]
    NotACapture(PathBuf, String),
    /// A directory without captures.
    #[error("{0} holds no captures")]
    Empty(PathBuf),
    /// A directory with other files among its captures.
    #[error("{0} holds files that are not captures: {1}")]
    Mixed(PathBuf, String),
    /// Two captures of one target.
    #[error("{first} and {second} are both captures of {target}")]
    Duplicate {
        /// The one file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// The target.
        target: String,
    },
}

impl CaptureError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotACapture(..) | Self::Empty(_) => Some(
                "make one with preflight collect host TARGET -o FILE, or keep what the script of \
                 preflight collect script prints"
                    .to_owned(),
            ),
            Self::Mixed(..) => Some(
                "put the captures into a directory of their own, or name each as capture:FILE"
                    .to_owned(),
            ),
            Self::Duplicate { .. } => {
                Some("keep the newer, or name the one that is meant as capture:FILE".to_owned())
            }
            Self::Io(..) | Self::TooLarge(..) => None,
        }
    }
}

hinted!(CaptureError);

/// A capture that was found: the file, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureFile {
    /// The file.
    pub path: PathBuf,
    /// The target; of a self-check's capture whose head was cut off, the only target there is.
    pub target: String,
    /// Its kind.
    pub kind: TargetKind,
}

impl CaptureFile {
    /// Reads the capture.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read, or is no capture any more.
    pub fn read(&self) -> Result<Transcript, CaptureError> {
        Ok(Transcript { target: self.target.clone(), ..read_file(&self.path)? })
    }
}

/// Reads one capture, or every capture of a directory in the order of the names. Of the captures
/// that a self-check keeps, only the newest of each target is read.
///
/// # Errors
///
/// Fails when a file cannot be read or is no capture, and when two are of one target. Other files of
/// a self-check's directory are skipped.
pub fn read(path: &Path) -> Result<Vec<Transcript>, CaptureError> {
    let named = |(file, transcript): (CaptureFile, Transcript)| Transcript {
        target: file.target,
        ..transcript
    };
    Ok(search(path, |transcript| transcript)?.into_iter().map(named).collect())
}

/// Finds the captures that [`read`] reads, without keeping what is in them: there may be thousands.
///
/// # Errors
///
/// As [`read`].
pub fn find(path: &Path) -> Result<Vec<CaptureFile>, CaptureError> {
    Ok(search(path, drop)?.into_iter().map(|(file, ())| file).collect())
}

/// Reads captures one by one and keeps of each what `keep` returns.
fn search<T>(
    path: &Path,
    keep: impl Fn(Transcript) -> T,
) -> Result<Vec<(CaptureFile, T)>, CaptureError> {
    let read = |file: &Path| -> Result<(CaptureFile, T), CaptureError> {
        let transcript = read_file(file)?;
        let (target, kind) = (transcript.target.clone(), transcript.kind);
        Ok((CaptureFile { path: file.to_owned(), target, kind }, keep(transcript)))
    };
    if !path.is_dir() {
        return Ok(vec![read(path)?]);
    }
    let io = |source| CaptureError::Io(path.to_owned(), source);
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
    let (kept, others): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(|file| {
        file.file_name().is_some_and(|name| self_check::is_capture_file(&name.to_string_lossy()))
    });
    let mut found = newest_per_system(&kept, read)?;
    let mut foreign = Vec::new();
    for file in others {
        match read(&file) {
            Ok(one) => found.push(one),
            Err(CaptureError::NotACapture(..) | CaptureError::TooLarge(..))
                if !kept.is_empty() && !has_capture_extension(&file) => {}
            Err(CaptureError::NotACapture(..)) => foreign.push(file),
            Err(error) => return Err(error),
        }
    }
    match (foreign.as_slice(), found.is_empty()) {
        ([], _) => {}
        // A single file's own error says most.
        ([one], true) => {
            return Err(read_file(one).err().unwrap_or(CaptureError::Empty(path.into())));
        }
        (_, _) => return Err(mixed_error(path, &foreign)),
    }
    let mut seen: HashMap<(&str, TargetKind), &Path> = HashMap::new();
    for (file, _) in &found {
        if let Some(first) = seen.insert((&file.target, file.kind), &file.path) {
            let (first, second) = (first.to_owned(), file.path.clone());
            return Err(CaptureError::Duplicate { first, second, target: file.target.clone() });
        }
    }
    Ok(found)
}

/// Reads the newest of the captures that self-checks keep, for each target; `files` are in the order
/// of their numbers. A capture without a head belongs to the only target there is.
fn newest_per_system<T>(
    files: &[PathBuf],
    read: impl Fn(&Path) -> Result<(CaptureFile, T), CaptureError>,
) -> Result<Vec<(CaptureFile, T)>, CaptureError> {
    let mut newest: Vec<(CaptureFile, T)> = Vec::new();
    let mut nameless: Option<(CaptureFile, T)> = None;
    for path in files.iter().rev() {
        let (file, kept) = read(path)?;
        if target_name(path) == file.target {
            nameless.get_or_insert((file, kept));
        } else if !newest.iter().any(|(other, _)| other.target == file.target) {
            newest.push((file, kept));
        }
    }
    match (nameless, newest.as_slice()) {
        (Some((file, kept)), [(whole, _)]) if file.path > whole.path => {
            newest = vec![(CaptureFile { target: whole.target.clone(), ..file }, kept)];
        }
        (Some(_), [_]) | (None, _) => {}
        (Some(one), _) => newest.push(one),
    }
    newest.reverse();
    Ok(newest)
}

/// Returns the target that a file is named for. What follows the last dot belongs to the name of a host, unless it is an
/// extension of captures: pdsh and parallel-ssh call a file as the host is called.
fn target_name(file: &Path) -> String {
    let name = if has_capture_extension(file) { file.file_stem() } else { file.file_name() };
    name.unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// Whether a file's extension is one of captures.
fn has_capture_extension(file: &Path) -> bool {
    let extension = file.extension().map(|extension| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| {
        ["json", "txt", "capture", "out"].iter().any(|known| extension == *known)
    })
}

fn mixed_error(directory: &Path, foreign: &[PathBuf]) -> CaptureError {
    const SHOWN: usize = 3;
    let names = foreign.iter().take(SHOWN).filter_map(|file| file.file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    if foreign.len() > SHOWN {
        names.push(format!("and {} more", foreign.len() - SHOWN));
    }
    CaptureError::Mixed(directory.to_owned(), names.join(", "))
}

fn read_file(path: &Path) -> Result<Transcript, CaptureError> {
    let io = |source| CaptureError::Io(path.to_owned(), source);
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(CaptureError::TooLarge(path.to_owned()));
    }
    parse(&decode(&bytes), &target_name(path))
        .map_err(|reason| CaptureError::NotACapture(path.to_owned(), reason))
}

/// Returns the text of a file. PowerShell 5 redirects as UTF-16 with a byte order mark, and editors on
/// Windows put one before UTF-8.
pub fn decode(bytes: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> String {
        let units: Vec<u16> =
            bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Parses the text of a capture; `name` is the target's name where the text has none.
///
/// # Errors
///
/// Returns why the text is no capture.
pub fn parse(text: &str, name: &str) -> Result<Transcript, String> {
    let transcript = parse_any(text, name)?;
    match transcript.target.len() {
        0..=MAX_NAME_BYTES => Ok(transcript),
        bytes => {
            Err(format!("its target's name has {bytes} bytes, at most {MAX_NAME_BYTES} are read"))
        }
    }
}

fn parse_any(text: &str, name: &str) -> Result<Transcript, String> {
    if text.trim_start().starts_with('{') {
        if let Some(head) = parse_header(text) {
            let mut answers = ProbeAnswers { ended: true, ..ProbeAnswers::default() };
            let answer = ProbeAnswer { status: 0, text: text.to_owned() };
            answers.by_probe.insert(WINDOWS.to_string(), answer);
            let target = if head.host_name.is_empty() { name } else { &head.host_name };
            return Ok(Transcript {
                kind: TargetKind::WindowsMt,
                asked_at: head.time,
                ..transcript_from_script(target, answers)
            });
        }
        let transcript: Transcript = serde_json::from_str(text).map_err(|e| e.to_string())?;
        return match transcript.schema.as_str() {
            SCHEMA => Ok(transcript),
            other => Err(format!("its schema is {other:?}, this version reads {SCHEMA}")),
        };
    }
    if let Some(head) = self_check::parse_head(text) {
        // A capture that was cut short is still one; its answers are unknown.
        let answers = head.nonce.as_ref().map(|nonce| parse_output(text, Some(nonce)));
        return Ok(Transcript {
            asked_at: head.asked_at,
            ..transcript_from_script(
                &head.target.unwrap_or_else(|| name.to_owned()),
                answers.unwrap_or_default(),
            )
        });
    }
    let answers = parse_output(text, None);
    if answers.by_probe.is_empty() {
        return Err("no frame of the script is in it".to_owned());
    }
    Ok(transcript_from_script(name, answers))
}

fn transcript_from_script(target: &str, answers: ProbeAnswers) -> Transcript {
    Transcript {
        schema: SCHEMA.to_owned(),
        target: target.to_owned(),
        kind: TargetKind::LinuxMt,
        asked_at: None,
        connection: Connection::new(CollectedBy::Script),
        answers,
        overrides: AnswerOverrides::default(),
    }
}

/// Returns the self-check's newest capture out of a transcript that fetched it, under the name of
/// that transcript's target. A host without one gives a transcript with a failure.
pub fn latest_self_check(asked: Transcript) -> Transcript {
    if asked.connection.failure.is_some() {
        return asked;
    }
    let kept = match asked.answer(self_check::NEWEST) {
        Ok(ProbeAnswer { status: 0, text }) => parse(text, &asked.target),
        Ok(ProbeAnswer { status: 44, .. }) => Err("it keeps no capture of itself".to_owned()),
        Ok(ProbeAnswer { status, .. }) => {
            let how = describe_exit(*status, None);
            Err(format!("its newest capture cannot be read (exit {how})"))
        }
        Err(_) => Err("the answers were cut short".to_owned()),
    };
    match kept {
        Ok(kept) => Transcript { target: asked.target, ..kept },
        Err(reason) => {
            let hint = Some(
                "log in as root; the self-check runs at each boot of an appliance and on service \
                 preflight-selfcheck start"
                    .to_owned(),
            );
            let failure = Failure { kind: FailureKind::NoCapture, reason, hint };
            Transcript {
                connection: Connection { failure: Some(failure), ..asked.connection },
                answers: ProbeAnswers::default(),
                ..asked
            }
        }
    }
}

/// Returns the text of a capture file.
pub fn to_json(transcript: &Transcript) -> String {
    serde_json::to_string_pretty(transcript).expect("a transcript has only plain values") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::probe::ProbeName;
    use crate::facts::script::Nonce;

    const WHOLE: &str = "preflight-capture/1\ntarget: mt1\nasked_at: 2026-11-25T10:00:00Z\n\
                         nonce: 0123456789abcdef\n\n\n::0123456789abcdef begin \
                         preflight-script/1\n::0123456789abcdef probe user\n0\n\n\
                         ::0123456789abcdef status 0\n::0123456789abcdef end\n";

    #[test]
    fn a_kept_capture_is_a_transcript_that_says_of_whom_and_when() {
        let read = parse(WHOLE, "file").unwrap();
        assert_eq!((read.target.as_str(), read.kind.as_str()), ("mt1", "linux-mt"));
        assert_eq!(read.asked_at, "2026-11-25T10:00:00Z".parse().ok());
        assert_eq!(read.connection.by, CollectedBy::Script);
        assert_eq!(read.text(ProbeName::new("user")).unwrap(), "0\n");
    }

    #[test]
    fn cut_short_anywhere_it_answers_nothing() {
        for end in 0..WHOLE.len() {
            match parse(&WHOLE[..end], "file") {
                // Without its first line it is anybody's text.
                Err(_) => assert!(end < self_check::FORMAT.len(), "{end}"),
                Ok(cut) => assert!(cut.answer(ProbeName::new("user")).is_err(), "{end}"),
            }
        }
    }

    #[test]
    fn frames_of_another_nonce_are_text() {
        let text = WHOLE.replace("::0123456789abcdef probe", "::0123456789abcdee probe");
        assert!(parse(&text, "file").unwrap().answer(ProbeName::new("user")).is_err());
    }

    #[test]
    fn of_a_directory_that_a_self_check_fills_the_newest_of_each_system_is_read() {
        let dir = tempfile::tempdir().unwrap();
        for (name, target) in [("00000009", "old"), ("00000010", "new")] {
            let text = WHOLE.replace("mt1", target);
            std::fs::write(dir.path().join(format!("selfcheck-{name}.capture")), text).unwrap();
        }
        for other in ["status", "selfcheck.lock", "selfcheck.selfcheck-new.7"] {
            std::fs::write(dir.path().join(other), "x").unwrap();
        }
        let targets = |dir: &Path| -> Result<Vec<String>, String> {
            let read = read(dir).map_err(|error| error.to_string())?;
            Ok(read.into_iter().map(|transcript| transcript.target).collect())
        };
        assert_eq!(targets(dir.path()).unwrap(), ["old", "new"]);
        let add = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        add("selfcheck-00000011.capture", &WHOLE.replace("mt1", "new").replace("10:00", "11:00"));
        let found = read(dir.path()).unwrap();
        assert_eq!(found[1].asked_at, "2026-11-25T11:00:00Z".parse().ok());
        // What others brought is read as well, and what they broke is not passed over.
        add("mt2.json", &to_json(&parse(&WHOLE.replace("mt1", "mt2"), "x").unwrap()));
        assert_eq!(targets(dir.path()).unwrap(), ["old", "new", "mt2"]);
        add("mt3.txt", "");
        assert!(
            targets(dir.path())
                .unwrap_err()
                .ends_with("holds files that are not captures: mt3.txt")
        );
        std::fs::remove_file(dir.path().join("mt3.txt")).unwrap();
        add("again.json", &to_json(&parse(&WHOLE.replace("mt1", "mt2"), "x").unwrap()));
        assert!(targets(dir.path()).unwrap_err().ends_with("are both captures of mt2"));
    }

    #[test]
    fn a_capture_whose_head_was_cut_off_is_of_the_only_system_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let add = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        add("selfcheck-00000001.capture", WHOLE);
        add("selfcheck-00000002.capture", &WHOLE[..24]);
        let found = read(dir.path()).unwrap();
        assert_eq!((found.len(), found[0].target.as_str()), (1, "mt1"));
        assert!(found[0].answer(ProbeName::new("user")).is_err());
        add("selfcheck-00000003.capture", WHOLE);
        assert!(read(dir.path()).unwrap()[0].answer(ProbeName::new("user")).is_ok());
    }

    #[test]
    fn of_a_directory_with_foreign_files_all_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let add = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        add("a.txt", "notes");
        assert!(read(dir.path()).unwrap_err().to_string().contains("a.txt is not a capture: "));
        for name in ["b", "c", "d", "e"] {
            add(name, "x");
        }
        let error = read(dir.path()).unwrap_err();
        assert!(error.to_string().ends_with("not captures: a.txt, b, c, and 2 more"), "{error}");
        assert!(error.hint().unwrap().contains("capture:FILE"));
    }

    #[test]
    fn what_a_host_keeps_is_unwrapped_or_it_says_why_not() {
        let asked = |status: i32, text: &str, ended| {
            let answer = ProbeAnswer { status, text: text.to_owned() };
            let by_probe = [(self_check::NEWEST.to_string(), answer)].into();
            let answers = ProbeAnswers { by_probe, ended, unanswered: None };
            Transcript {
                connection: Connection::new(CollectedBy::Ssh),
                ..transcript_from_script("ssh://root@mt1", answers)
            }
        };
        let kept = latest_self_check(asked(0, WHOLE, true));
        assert_eq!(
            (kept.target.as_str(), kept.connection.by.as_str()),
            ("ssh://root@mt1", "script")
        );
        assert!(kept.text(ProbeName::new("user")).is_ok());
        for (status, text, ended, reason) in [
            (44, "", true, "it keeps no capture of itself"),
            (1, "", true, "its newest capture cannot be read (exit status 1)"),
            (124, &WHOLE[..90], true, "its newest capture cannot be read (exit status 124)"),
            (0, WHOLE, false, "the answers were cut short"),
            (0, "garbage", true, "no frame of the script is in it"),
        ] {
            let failed = latest_self_check(asked(status, text, ended));
            let failure = failed.connection.failure.as_ref().unwrap();
            assert_eq!((failure.kind.as_str(), failure.reason.as_str()), ("no-capture", reason));
            assert!(failed.answer(ProbeName::new("user")).is_err());
        }
    }

    #[test]
    fn the_script_takes_the_nonce_of_its_environment() {
        use crate::facts::probe::{Probe, ProbeEnv};
        use crate::facts::script::assemble;
        let probes = [Probe::new(ProbeName::new("one"), "echo a")];
        let text = assemble(&probes, &ProbeEnv::default(), &Nonce::shell_default());
        for (nonce, begin) in
            [(Some("0123456789abcdef"), "::0123456789abcdef begin"), (None, "::@")]
        {
            let mut command = std::process::Command::new("sh");
            command.arg("-c").arg(&text).env_remove("PREFLIGHT_NONCE");
            command.envs(nonce.map(|nonce| ("PREFLIGHT_NONCE", nonce)));
            let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
            assert!(said.trim_start().starts_with(begin), "{said}");
            assert!(parse_output(&said, None).by_probe.contains_key("one"));
        }
    }
}
