//! Errors of site files.
//!
//! Not for errors inside a single value: those are in `value`, and the YAML error carries them.

use std::path::PathBuf;

use crate::hint::hinted;
use crate::yaml::{Position, YamlError};

/// Why a site file was refused.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The file is not valid YAML, or has a wrong key or value.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The parts of the file do not fit together.
    #[error("{file}{at}: {fault}", at = place_text(*.place))]
    Fault {
        /// The name of the file for messages.
        file: String,
        /// The position in the file.
        place: Option<Position>,
        /// The fault.
        fault: SiteFault,
    },
}

/// A fault in how the parts of a site file fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteFault {
    /// A reference to a name that does not exist.
    #[error("there is no {kind} named {name:?}{}", suggestion(.nearest))]
    Dangling {
        /// The kind of thing that was looked up.
        kind: &'static str,
        /// The name as written.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
        /// All names of this kind.
        known: Vec<String>,
    },
    /// A name that is used twice.
    #[error("the name {name:?} is taken by {earlier}")]
    Duplicate {
        /// The name.
        name: String,
        /// The entry that uses it already.
        earlier: String,
    },
    /// A check that does not exist.
    #[error("there is no check {0:?}{meant}", meant = suggestion(.1))]
    UnknownIdError(String, Option<String>),
    /// An answer to a check that is not a question.
    #[error("{0} is decided by facts, and not by an answer")]
    NotAQuestion(String),
    /// Two answers to the same question.
    #[error("{0} is answered twice")]
    AnsweredTwice(String),
    /// An answer in the site file and another in its answers file to the same question.
    #[error("{check} is answered in {other}, line {line}, too")]
    AnsweredInBoth {
        /// The check.
        check: String,
        /// The other file.
        other: String,
        /// The line there.
        line: usize,
    },
    /// An answers file that cannot be read.
    #[error("the answers file {0} cannot be read: {1}")]
    AnswersFile(PathBuf, String),
    /// An answer that could be about several targets.
    #[error("the answer to {0} does not say which target it is about")]
    WhichTarget(String, Vec<String>),
    /// A text that must not be blank.
    #[error("{0} is blank")]
    Blank(&'static str),
    /// A URL with the wrong scheme or form.
    #[error("{0:?} is not vsphere://[USER@]HOST[:PORT]")]
    Url(String),
    /// A vault whose address has none of the known forms.
    #[error("{0:?} is not an address of a vault")]
    Vault(String),
    /// A password in an address.
    #[error("a password stands in the address of vCenter")]
    Password,
    /// A gateway (`via:`) that cannot be reached over SSH.
    #[error("nothing is reached through {0}, which has no ssh: with an address")]
    NoWayThrough(String),
    /// Both `jump:` and `via:` for one host.
    #[error("a host is reached by jump: or by via:, and this one has both")]
    TwoWays,
    /// A relative path where an absolute one is needed.
    #[error("{0:?} is not an absolute path")]
    NotAbsolute(String),
    /// A retention volume of a Windows master target that is no drive.
    #[error("{0:?} is not a drive of Windows, nor a path on one")]
    NotADrive(String),
    /// A Linux master target that cannot be asked.
    #[error("the master target {0:?} has no ssh:, and is not said to run Windows")]
    NoSsh(String),
    /// A Windows master target with `ssh:`.
    #[error("a Windows master target is not asked over SSH")]
    WindowsOverSsh,
    /// A Windows process server with `ssh:`.
    #[error("a Windows process server is not asked over SSH")]
    WindowsServerOverSsh,
    /// A Linux master target with `capture:`.
    #[error("only a Windows master target has a capture:")]
    CaptureOfLinux,
}

impl SiteError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Yaml(error) => error.hint(),
            Self::Fault { fault, .. } => fault.hint(),
        }
    }
}

hinted!(SiteError);

impl SiteFault {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Dangling { nearest: Some(nearest), .. } => Some(format!("write {nearest}")),
            Self::Dangling { nearest: None, known, kind, .. } if known.is_empty() => {
                Some(format!("the file names no {kind}, add one"))
            }
            Self::Dangling { known, .. } => Some(format!("choose one of {}", known.join(", "))),
            Self::WhichTarget(_, known) => Some(format!(
                "add target: to it, one of {}; or '*' when it holds for all of them",
                known.join(", ")
            )),
            Self::AnsweredTwice(_) | Self::AnsweredInBoth { .. } => {
                Some("take out the one that does not count".to_owned())
            }
            Self::AnswersFile(..) => {
                Some("preflight answer SITE makes it; or take answers_file: out".to_owned())
            }
            Self::UnknownIdError(..) => Some("see preflight list checks".to_owned()),
            Self::NotAQuestion(_) => {
                Some("take the answer out, or waive a finding under waivers:".to_owned())
            }
            Self::NotADrive(_) => Some("write it as retention: 'R:'".to_owned()),
            Self::NoSsh(_) => {
                Some("add ssh: ssh://root@HOST, or os: windows when it runs Windows".to_owned())
            }
            Self::WindowsOverSsh => {
                Some("take ssh: out, and name what preflight collect script --windows printed: capture: FILE".to_owned())
            }
            Self::WindowsServerOverSsh => Some(
                "take ssh: out: what it reaches is a question then, or what the vault shows".to_owned(),
            ),
            Self::CaptureOfLinux => {
                Some("write ssh: capture:FILE, or os: windows when it runs Windows".to_owned())
            }
            Self::Password => {
                Some("take it out, and name a file with it: password_file: FILE".to_owned())
            }
            Self::Vault(_) => Some(
                "write azure://SUBSCRIPTION/GROUP/VAULT, the vault's resource id, or capture:FILE"
                    .to_owned(),
            ),
            Self::NoWayThrough(name) => {
                Some(format!("give {name} its ssh: ssh://USER@HOST, or name another host"))
            }
            _ => None,
        }
    }
}

fn place_text(place: Option<Position>) -> String {
    place.map_or_else(String::new, |at| format!(", line {}, column {}", at.line, at.column))
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!(", did you mean {name:?}?"))
}
