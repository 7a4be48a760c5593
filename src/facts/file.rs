//! A file of a host as its probe reads it: its text, or the knowledge that there is none.
//!
//! Many facts of a guest stand in small files, and "the file is not there" is an answer where
//! "it could not be read" is none. Not for files that may be long: those are searched by `grep`,
//! and the probe sends what it found.

use super::Unavailable;
use super::probe::ProbeName;
use super::transcript::{ProbeAnswer, Transcript};

/// The exit status by which a probe says that there is no such file.
pub const ABSENT: i32 = 44;

/// The probe that sends a whole file: `file_probe!(HOSTS, "/etc/hosts")`.
macro_rules! file_probe {
    ($name:expr, $path:literal) => {
        $crate::facts::probe::Probe::new(
            $name,
            concat!("[ -e ", $path, " ] || exit 44\nshow ", $path),
        )
    };
}
pub(super) use file_probe;

/// What a probe of lines printed, when it succeeded and its last line has an end.
///
/// Every probe of a guest ends each line it prints, so that a text without that was cut.
pub fn complete_text<'t>(
    transcript: &'t Transcript,
    probe: ProbeName<'_>,
) -> Result<&'t str, Unavailable> {
    require_line_end(transcript.text(probe)?, probe.as_str())
}

fn require_line_end<'t>(text: &'t str, what: &str) -> Result<&'t str, Unavailable> {
    if text.is_empty() || text.ends_with('\n') {
        Ok(text)
    } else {
        Err(format!("the answer about {what} was cut off").into())
    }
}

/// What the probe of a file sent; none when there is no such file.
pub fn contents<'t>(
    transcript: &'t Transcript,
    probe: ProbeName<'_>,
    path: &str,
) -> Result<Option<&'t str>, Unavailable> {
    match transcript.answer(probe)? {
        ProbeAnswer { status: 0, text } => require_line_end(text, path).map(Some),
        ProbeAnswer { status: ABSENT, .. } => Ok(None),
        _ => Err(format!("{path} could not be read").into()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::facts::target_kind::TargetKind;
    use crate::facts::transcript::{CollectedBy, Connection, ProbeAnswers, SCHEMA};

    /// A guest that gave these answers: probe, exit status, text.
    pub(crate) fn guest_transcript(answers: &[(&str, i32, &str)]) -> Transcript {
        let answer = |&(probe, status, text): &(&str, i32, &str)| {
            (probe.to_owned(), ProbeAnswer { status, text: text.to_owned() })
        };
        Transcript {
            schema: SCHEMA.to_owned(),
            target: "mt1".to_owned(),
            kind: TargetKind::LinuxMt,
            asked_at: None,
            connection: Connection::new(CollectedBy::Script),
            overrides: Default::default(),
            answers: ProbeAnswers {
                by_probe: answers.iter().map(answer).collect(),
                ended: true,
                unanswered: None,
            },
        }
    }

    #[test]
    fn a_missing_file_is_an_answer_and_an_unreadable_one_is_none() {
        let transcript = guest_transcript(&[("a", 0, "x\n"), ("b", ABSENT, ""), ("c", 1, "")]);
        assert_eq!(contents(&transcript, ProbeName::new("a"), "/a"), Ok(Some("x\n")));
        assert_eq!(contents(&transcript, ProbeName::new("b"), "/b"), Ok(None));
        assert_eq!(
            contents(&transcript, ProbeName::new("c"), "/c"),
            Err("/c could not be read".into())
        );
        let cut = guest_transcript(&[("a", 0, "x\ny"), ("b", 0, "x\ny\n"), ("c", 0, "")]);
        assert_eq!(
            contents(&cut, ProbeName::new("a"), "/a"),
            Err("the answer about /a was cut off".into())
        );
        assert_eq!(
            complete_text(&cut, ProbeName::new("a")),
            Err("the answer about a was cut off".into())
        );
        assert_eq!(complete_text(&cut, ProbeName::new("b")), Ok("x\ny\n"));
        assert_eq!(complete_text(&cut, ProbeName::new("c")), Ok(""));
        assert_eq!(
            contents(&transcript, ProbeName::new("d"), "/d"),
            Err("it was not asked".into())
        );
    }
}
