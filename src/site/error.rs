//! Why a site file was refused.
//!
//! Not for what is wrong inside a value: `value` says that, and the YAML error carries it.

use crate::yaml::{Position, YamlError};

/// Why a site file was refused.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// It is not a site file at all.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Its parts do not fit together.
    #[error("{file}{at}: {fault}", at = place_text(*.place))]
    Fault {
        /// The file as the user knows it.
        file: String,
        /// Where in it.
        place: Option<Position>,
        /// What is wrong there.
        fault: SiteFault,
    },
}

/// What does not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteFault {
    /// A name that nothing bears.
    #[error("there is no {kind} named {name:?}{}", suggestion(.nearest))]
    Dangling {
        /// What was looked for.
        kind: &'static str,
        /// The name as written.
        name: String,
        /// The name that is spelled most alike.
        nearest: Option<String>,
        /// The names there are.
        known: Vec<String>,
    },
    /// A name that two things bear.
    #[error("the name {name:?} is taken by {earlier}")]
    Duplicate {
        /// The name.
        name: String,
        /// What bears it already.
        earlier: String,
    },
    /// A check that does not exist.
    #[error("there is no check {id:?}{}", suggestion(.nearest))]
    UnknownIdError {
        /// The id as written.
        id: String,
        /// The id that is spelled most alike.
        nearest: Option<String>,
    },
    /// An answer to a check that asks nobody.
    #[error("{0} is decided by facts, and not by an answer")]
    NotAQuestion(String),
    /// Two answers to one question.
    #[error("{0} is answered twice")]
    AnsweredTwice(String),
    /// A text that must say something.
    #[error("{0} is blank")]
    Blank(&'static str),
    /// A URL of the wrong kind.
    #[error("{0:?} is no vsphere://[USER@]HOST[:PORT]")]
    Url(String),
    /// A password where everybody can read it.
    #[error("a password stands in the address of vCenter")]
    Password,
    /// A host that nobody can go through.
    #[error("nothing is reached through {0}, which has no ssh: with an address")]
    NoWayThrough(String),
    /// Two ways to one host.
    #[error("a host is reached by jump: or by via:, and this one has both")]
    TwoWays,
    /// A path that must be absolute.
    #[error("{0:?} is no absolute path")]
    NotAbsolute(String),
}

impl SiteError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Yaml(error) => error.hint(),
            Self::Fault { fault, .. } => fault.hint(),
        }
    }
}

impl SiteFault {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Dangling { nearest: Some(nearest), .. } => Some(format!("write {nearest}")),
            Self::Dangling { nearest: None, known, kind, .. } if known.is_empty() => {
                Some(format!("the file names no {kind}, add one"))
            }
            Self::Dangling { known, .. } => Some(format!("choose one of {}", known.join(", "))),
            Self::UnknownIdError { .. } => Some("see preflight list checks".to_owned()),
            Self::NotAQuestion(_) => {
                Some("take the answer out, or waive a finding under waivers:".to_owned())
            }
            Self::Password => {
                Some("take it out, and name a file with it: password_file: FILE".to_owned())
            }
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
