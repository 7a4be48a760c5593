//! Which kernel modules a host could load: `modprobe -n` looks, and loads nothing.

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Fact, Unavailable, file};

const MODULES: ProbeName = ProbeName::new("modules");

/// Whether the running kernel has drivers for the file systems of sources.
pub const PROBES: &[Probe] = &[Probe::new(
    MODULES,
    "command -v modprobe >/dev/null || exit 127\n\
     for module in xfs reiserfs; do\n  \
     if limit 5 modprobe -n $module\n  then echo $module yes\n  else echo $module no $?\n  fi\n\
     done",
)];

/// Which kernel modules a host could load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ModuleFacts {
    /// The driver of XFS.
    pub xfs: Fact<bool>,
    /// The driver of ReiserFS.
    pub reiserfs: Fact<bool>,
}

/// Reads the modules out of a transcript.
pub fn from_transcript(transcript: &Transcript) -> ModuleFacts {
    let text = file::complete_text(transcript, MODULES);
    ModuleFacts {
        xfs: text.clone().and_then(|text| parse(text, "xfs")).into(),
        reiserfs: text.and_then(|text| parse(text, "reiserfs")).into(),
    }
}

/// Reads whether there is a module of this name.
///
/// ```
/// use preflight::facts::guest::modules;
/// let text = "xfs yes\nreiserfs no 1\n";
/// assert_eq!(modules::parse(text, "xfs"), Ok(true));
/// assert_eq!(modules::parse(text, "reiserfs"), Ok(false));
/// ```
pub fn parse(text: &str, module: &str) -> Result<bool, Unavailable> {
    let answer = text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(module)).then(|| (words.next(), words.next()))
    });
    match answer {
        Some((Some("yes"), None)) => Ok(true),
        // Modprobe's own word for "not found"; anything else is trouble of another kind.
        Some((Some("no"), Some("1"))) => Ok(false),
        Some((Some("no"), Some(status))) => {
            Err(format!("modprobe -n {module} exited with status {status}").into())
        }
        _ => Err(format!("the answer does not mention the module {module}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_answer_counts() {
        for (text, known) in [
            ("xfs yes\n", Some(true)),
            ("reiserfs no 1\nxfs no 1\n", Some(false)),
            ("xfs no 124\n", None),
            ("xfs no\n", None),
            ("xfsx yes\n", None),
            ("", None),
        ] {
            assert_eq!(parse(text, "xfs").ok(), known, "{text:?}");
        }
    }
}
