//! Captures that a master target made of itself: what its self-check keeps, and how the newest one
//! is asked for.
//!
//! A kept capture is what the script printed, below a few lines that say of whom and when. Not for
//! making one (`templates/self-check/`), nor for reading files (`transport::capture`).
//!
//! ```text
//! preflight-capture/1
//! target: mt01.example.test
//! asked_at: 2026-11-25T10:00:00Z
//! nonce: 5f0c...
//!
//! ::5f0c... begin preflight-script/1
//! ```

use jiff::Timestamp;

use crate::facts::answer_bound::NEWEST_CAPTURE;
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::script::Nonce;

/// The first line of a kept capture: the format's name and generation.
pub const FORMAT: &str = "preflight-capture/1";

/// The name of the probe that asks for the newest one.
pub const NEWEST: ProbeName = NEWEST_CAPTURE;

/// What a kept capture's file is called: this, a number of eight digits that only grows, and
/// [`SUFFIX`]. The number and not the clock says which is the newest.
pub const PREFIX: &str = "selfcheck-";

/// How a kept capture's file name ends.
pub const SUFFIX: &str = ".capture";

/// Prints the newest capture that a master target keeps of itself; 44 when there is none.
pub const PROBES: &[Probe] = &[Probe::new(
    NEWEST,
    r#"
dir=/var/lib/preflight
[ -e "$dir" ] || exit 44
[ -r "$dir" ] && [ -x "$dir" ] || exit 1
set +f
newest=
for file in "$dir"/selfcheck-[0-9]*.capture; do
  [ -f "$file" ] && newest=$file
done
[ -n "$newest" ] || exit 44
[ -r "$newest" ] || exit 1
limit 10 cat "$newest"
"#,
)];

/// The head of a kept capture; what it does not say is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureHead {
    /// The host's name by its own word.
    pub target: Option<String>,
    /// When it asked itself, by its own clock.
    pub asked_at: Option<Timestamp>,
    /// What marks the frames.
    pub nonce: Option<Nonce>,
}

/// Reads the head of a kept capture; nothing when the text is none.
///
/// A head that was cut short is one, too: what it says nothing about is absent.
///
/// ```
/// use preflight::facts::guest::self_check::parse_head;
/// let head = parse_head("preflight-capture/1\ntarget: mt1\nnonce: 0123456789abcdef\n\nrest").unwrap();
/// assert_eq!(head.target.as_deref(), Some("mt1"));
/// assert!(head.nonce.is_some() && head.asked_at.is_none());
/// ```
pub fn parse_head(text: &str) -> Option<CaptureHead> {
    let mut lines = text.split_inclusive('\n');
    if lines.next()?.trim_end() != FORMAT {
        return None;
    }
    let mut head = CaptureHead::default();
    for line in lines {
        // A line without its end may be half of what it was.
        let Some(line) = line.strip_suffix('\n').filter(|line| !line.is_empty()) else { break };
        let Some((key, value)) = line.split_once(": ") else { continue };
        match key {
            "target" if is_name(value) => head.target = Some(value.to_owned()),
            "asked_at" => head.asked_at = value.parse().ok(),
            "nonce" => head.nonce = Nonce::parse(value),
            _ => {}
        }
    }
    Some(head)
}

fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=255).contains(&text.len()) && text.bytes().all(plain)
}

/// Whether a file is called as a kept capture is; which of two is newer follows from their names.
pub fn is_capture_file(file_name: &str) -> bool {
    let number = file_name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    number.is_some_and(|number| number.len() == 8 && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_what_it_holds_and_no_more() {
        let whole = "preflight-capture/1\ntarget: mt1\nasked_at: 2026-11-25T10:00:00Z\n\
                     nonce: 0123456789abcdef\n\nnonce: ffffffffffffffff\n";
        let read = parse_head(whole).unwrap();
        assert_eq!(read.target.as_deref(), Some("mt1"));
        assert_eq!(read.asked_at, "2026-11-25T10:00:00Z".parse().ok());
        assert_eq!(read.nonce, Nonce::parse("0123456789abcdef"));
        for end in 0..whole.len() {
            if let Some(cut) = parse_head(&whole[..end]) {
                // Never a half of anything.
                assert!(cut.target.is_none() || cut.target == read.target, "{end}");
                assert!(cut.asked_at.is_none() || cut.asked_at == read.asked_at, "{end}");
                assert!(cut.nonce.is_none() || cut.nonce == read.nonce, "{end}");
            }
        }
        for (line, kept) in [
            ("target: a b\n", false),
            ("target: \u{1b}[31m\n", false),
            ("target: \n", false),
            ("nonce: x\n", false),
            ("nonce: 0123456789abcdef begin\n", false),
            ("asked_at: yesterday\n", false),
            ("target: mt-1.example.test\r\n", false),
            ("target: mt-1.example.test\n", true),
        ] {
            let read = parse_head(&format!("{FORMAT}\n{line}")).unwrap();
            assert_eq!(read != CaptureHead::default(), kept, "{line:?}");
        }
        for other in ["", "{}", "motd\npreflight-capture/1\n", "preflight-capture/10\n"] {
            assert_eq!(parse_head(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_kept_capture_is_known_by_its_name() {
        assert!(is_capture_file("selfcheck-00000017.capture"));
        for other in ["selfcheck-17.capture", "selfcheck-0000001x.capture", "status", "x.capture"] {
            assert!(!is_capture_file(other), "{other}");
        }
    }
}
