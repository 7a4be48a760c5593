//! Parsing untrusted YAML into typed values, within limits of size, depth and aliases. Errors name the
//! file, the line, the column and the closest known key.
//!
//! Not for what the values mean, nor for writing YAML.
//!
//! The limits are checked before parsing because every libyaml-based parser takes seconds for a
//! quarter megabyte of nested flow maps, and gigabytes for a few aliases of a large anchor.

mod position;
mod tokens;

use serde::de::DeserializeOwned;

use self::tokens::{RefusalReason, RefusedToken};
use crate::hint::hinted;

pub use position::{PathStep, find_position};
pub use tokens::MAX_FLOW_DEPTH;

/// The most bytes of a document.
pub const MAX_BYTES: usize = 256 * 1024;

/// A position in a YAML text; line and column count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Why a YAML text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{at}: {problem}", at = position_suffix(*.place))]
pub struct YamlError {
    /// The file's name for messages.
    pub file: String,
    /// The position; absent when the whole document is meant.
    pub place: Option<Position>,
    /// What is wrong.
    pub problem: YamlProblem,
}

/// What is wrong with a YAML text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlProblem {
    /// More than [`MAX_BYTES`].
    #[error("{0} bytes, at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// More than [`MAX_FLOW_DEPTH`] brackets inside each other.
    #[error("brackets nested deeper than {MAX_FLOW_DEPTH}")]
    TooDeep,
    /// An anchor or an alias.
    #[error("anchors and aliases are not accepted")]
    Alias,
    /// A character that is a line break for YAML and not for most programs.
    #[error("a line ends with {0:?}, which is no line break for most programs")]
    LineBreak(char),
    /// A key that the format does not have.
    #[error("unknown key {key:?}{}", did_you_mean(.nearest))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The closest known key, if any is close.
        nearest: Option<String>,
        /// All keys that are accepted here.
        known: Vec<String>,
    },
    /// Anything else the parser or the type refused.
    #[error("{0}")]
    Invalid(String),
}

impl YamlError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            YamlProblem::UnknownKey { nearest: Some(nearest), .. } => {
                Some(format!("write {nearest} instead"))
            }
            YamlProblem::UnknownKey { known, .. } if !known.is_empty() => {
                Some(format!("the keys here are {}", known.join(", ")))
            }
            YamlProblem::LineBreak(_) => Some("end lines with a line feed".to_owned()),
            YamlProblem::Alias => Some("write the value out at each place".to_owned()),
            _ => None,
        }
    }
}

hinted!(YamlError);

fn position_suffix(place: Option<Position>) -> String {
    place.map_or_else(String::new, |p| format!(", line {}, column {}", p.line, p.column))
}

/// Parses one document of `text` into a type; `file` is the name for messages.
///
/// # Errors
///
/// Refuses a text past the limits, and whatever the type refuses.
///
/// ```
/// let ports: Vec<u16> = preflight::yaml::parse("[443, 9443]", "ports.yaml").unwrap();
/// assert_eq!(ports, [443, 9443]);
/// ```
pub fn parse<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, YamlError> {
    check_limits(text).map_err(|(place, problem)| YamlError {
        file: file.to_owned(),
        place,
        problem,
    })?;
    serde_yaml::from_str(text).map_err(|error| parser_error(&error, file))
}

/// Converts an error of the parser.
pub fn parser_error(error: &serde_yaml::Error, file: &str) -> YamlError {
    let place = error.location().map(|l| Position { line: l.line(), column: l.column() });
    let message = error.to_string();
    let problem = unknown_key(&message)
        .unwrap_or_else(|| YamlProblem::Invalid(without_position(&message).to_owned()));
    YamlError { file: file.to_owned(), place, problem }
}

/// Removes the parser's own " at line 1 column 2", for the position comes first here.
fn without_position(message: &str) -> &str {
    message.rfind(" at line ").map_or(message, |cut| &message[..cut])
}

/// Parses serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(message: &str) -> Option<YamlProblem> {
    let rest = &message[message.find("unknown field `")? + "unknown field `".len()..];
    let (key, rest) = rest.split_once('`')?;
    let known: Vec<String> = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let nearest = closest_match(key, known.iter().map(String::as_str)).map(str::to_owned);
    Some(YamlProblem::UnknownKey { key: key.to_owned(), nearest, known })
}

/// The candidate that is spelled most like `word`, when one is close enough to be meant.
///
/// ```
/// assert_eq!(preflight::yaml::closest_match("gatway", ["gateway", "dns"]), Some("gateway"));
/// assert_eq!(preflight::yaml::closest_match("colour", ["gateway", "dns"]), None);
/// ```
pub fn closest_match<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = word.chars().count();
    let allowed = length.max(6) / 3;
    candidates
        .into_iter()
        // No word is closer than their lengths are; without this, a word of a quarter megabyte
        // costs seconds.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (strsim::levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Returns the end of a message about a wrong word: the word that may be meant, or nothing.
pub fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |word| format!(", did you mean {word:?}?"))
}

/// Checks the limits over the raw text, without parsing it.
fn check_limits(text: &str) -> Result<(), (Option<Position>, YamlProblem)> {
    if text.len() > MAX_BYTES {
        return Err((None, YamlProblem::TooLarge(text.len())));
    }
    if let Some((at, char)) = find_unusual_line_break(text) {
        return Err((Some(position_at(text, at)), YamlProblem::LineBreak(char)));
    }
    tokens::check_tokens(text).map_err(|RefusedToken { line, column, why }| {
        let problem = match why {
            RefusalReason::TooDeep => YamlProblem::TooDeep,
            RefusalReason::Alias => YamlProblem::Alias,
            RefusalReason::Tag => {
                YamlProblem::Invalid("a tag in angle brackets is not accepted".to_owned())
            }
        };
        (Some(Position { line, column }), problem)
    })
}

/// Finds the first character that ends a line for YAML 1.1 and for hardly any editor.
fn find_unusual_line_break(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|(at, char)| match char {
        '\r' => !text[at + 1..].starts_with('\n'),
        other => matches!(other, '\u{85}' | '\u{2028}' | '\u{2029}'),
    })
}

/// Returns the position of the byte at `at`.
fn position_at(text: &str, at: usize) -> Position {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the parse is tested")]
    struct Net {
        gateway: String,
        dns: Option<Vec<String>>,
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_place_and_the_right_one() {
        let error = parse::<Net>("gateway: a\ndsn: []\n", "r.yaml").unwrap_err();
        assert_eq!(
            error.to_string(),
            "r.yaml, line 2, column 1: unknown key \"dsn\", did you mean \"dns\"?"
        );
        assert_eq!(error.hint().unwrap(), "write dns instead");
    }

    #[test]
    fn the_suggestion_is_the_word_that_is_spelled_most_alike() {
        let known = ["gateway", "dns", "dn", "netmask", "caf\u{e9}s"];
        for (word, expected) in [
            ("gateway", Some("gateway")),
            ("gatway", Some("gateway")),
            ("getway", Some("gateway")),
            ("getwey", None),
            ("gtwy", None),
            ("dsn", Some("dn")),
            ("dnss", Some("dns")),
            ("netmsak", Some("netmask")),
            ("cafes", Some("caf\u{e9}s")),
            ("", Some("dn")),
            ("netmask-of-the-host", None),
        ] {
            assert_eq!(closest_match(word, known), expected, "{word:?}");
        }
    }

    #[test]
    fn what_costs_a_parser_too_much_never_reaches_it() {
        let deep = "[".repeat(40);
        let maps = "{a: ".repeat(100_000);
        for (text, problem) in [
            (deep.as_str(), YamlProblem::TooDeep),
            (&maps[..200_000], YamlProblem::TooDeep),
            ("a: &x 1\n", YamlProblem::Alias),
            ("a: [1, *x]\n", YamlProblem::Alias),
            ("- &x {a: 1}\n", YamlProblem::Alias),
            ("a: |\n  text\nb: *x\n", YamlProblem::Alias),
        ] {
            let error = parse::<serde_yaml::Value>(text, "x").unwrap_err();
            assert_eq!(error.problem, problem, "{:?}", &text[..text.len().min(30)]);
        }
        let large = " ".repeat(MAX_BYTES + 1);
        let error = parse::<serde_yaml::Value>(&large, "x").unwrap_err();
        assert_eq!(error.problem, YamlProblem::TooLarge(MAX_BYTES + 1));
    }

    /// What a scanner of its own took for text, and libyaml does not: a bomb behind it.
    #[test]
    fn nothing_hides_brackets_and_aliases_from_the_limits() {
        let (maps, lists) = ("{a: ".repeat(60_000), "[".repeat(246_000));
        let anchor = format!("&x '{}'\nb: [{}]\n", "y".repeat(70_000), ["*x"; 20_000].join(","));
        for before in [
            "t: x-'\na: ",
            "t: x-\"\na: ",
            "t: x:'y\na: ",
            "t: x,'\na: ",
            "t: x ,\"\na: ",
            "t: x -'\na: ",
            "- x-'\n- ",
            "t: x\n  'y\na: ",
            "t: 'x'\n# '\na: ",
            "t: \"x\\\\\"\na: ",
            "t: x#'\na: ",
            "t: |\n x\na: ",
            "t: |2\n  x\na: ",
            "- t: >-\n    x\n  a: ",
            "- - |\n    x\n  - ",
            "? |\n  x\n: ",
            "t: x |\na: ",
            "t: [x, '|', \"'\"]\na: ",
            "t: !x |\n  x\na: ",
            "--- |\n x\n...\n--- \na: ",
            "%YAML 1.1 '\n---\na: ",
            "t: [x:'y', z]\na: ",
            "t: {x: y:'}\na: ",
            "t: !x' y\na: ",
            "t:\n- |\n x\n- ",
            "x'\n: ",
        ] {
            for (bomb, problem) in [
                (&maps, YamlProblem::TooDeep),
                (&lists, YamlProblem::TooDeep),
                (&anchor, YamlProblem::Alias),
            ] {
                let text = format!("{before}{bomb}");
                let began = std::time::Instant::now();
                let error = parse::<serde_yaml::Value>(&text, "x").unwrap_err();
                let took = began.elapsed();
                assert_eq!(error.problem, problem, "{before:?}");
                assert!(took < std::time::Duration::from_secs(2), "{before:?}: {took:?}");
            }
        }
    }

    #[test]
    fn line_breaks_of_one_reader_alone_are_refused() {
        for (text, char, column) in [
            ("a: 1 # x\rb: [[\n", '\r', 9),
            ("a: |\n  x\r  y\n", '\r', 4),
            ("# x\u{85}a: 1\n", '\u{85}', 4),
            ("a: 'x\u{2028}y'\n", '\u{2028}', 6),
            ("a: x\u{2029}b: y\n", '\u{2029}', 5),
            ("a: 1\r", '\r', 5),
        ] {
            let error = parse::<serde_yaml::Value>(text, "x").unwrap_err();
            assert_eq!(error.problem, YamlProblem::LineBreak(char), "{text:?}");
            assert_eq!(error.place.unwrap().column, column, "{text:?}");
        }
        assert!(parse::<serde_yaml::Value>("a: 1\r\nb: |\r\n  x\r\n", "x").is_ok());
    }

    fn pieces() -> impl proptest::strategy::Strategy<Value = String> {
        const SHORT: &[&str] = &[
            "a", "b: ", "k:\n", "- ", "-", ": ", ":", ", ", ",", "'", "\"", "\n", "\n ", "\n  ",
            "\n    ", " ", "#", " # ", "|", " |\n", "|2\n", " >-\n", "? ", "?", "[", "]", "{", "}",
            "!t ", "!", "\\", "\t", "---\n", "--- ", "...\n", "%", "@", "`", "\r\n", "\u{feff}",
            "\u{e9}", "x-'", "'x': ", "''", "\\\"", "- item\n",
        ];
        let long = ["%YAML 1.1\n", "key: value\n"];
        let piece = proptest::sample::select([SHORT, &long].concat());
        proptest::strategy::Strategy::prop_map(proptest::collection::vec(piece, 0..24), |pieces| {
            pieces.concat()
        })
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(10_000))]

        /// The parser itself says whether it takes a word for an alias (there is no anchor of that
        /// name) or brackets for lists (they nest too deeply for it). What it says, the limits
        /// say first; and what they let through, the parser takes or refuses for its own reasons.
        #[test]
        fn the_limits_see_what_the_parser_sees(before in pieces(), after in pieces()) {
            let deep = "[".repeat(140);
            for probe in ["*zz ", deep.as_str()] {
                let text = format!("{before}{probe}{after}");
                let said = serde_yaml::from_str::<serde_yaml::Value>(&text);
                let said = said.map_or_else(|error| error.to_string(), |_| String::new());
                let guarded = check_limits(&text);
                if said.starts_with("unknown anchor") || said.starts_with("recursion limit") {
                    proptest::prop_assert!(guarded.is_err(), "{text:?}: {said}");
                }
                if said.is_empty() {
                    proptest::prop_assert!(guarded.is_ok(), "{text:?}: {guarded:?}");
                }
            }
        }
    }

    #[test]
    fn ampersands_and_stars_in_text_are_no_aliases() {
        for text in [
            "a: x && y\n",
            "a: 'b &c'\n",
            "a: \"q *r\"\n",
            "a: |\n  cd /x &\n  ls *x\n  *y\n",
            "- run: >-\n    *x\n  b: 1\n",
            "a: don't [stop\n# [[[[[[ &x\n",
            "a: x-'\nb: y:\"z\n",
            "a: !!str 5\n",
            "a: 5 * 3\n",
        ] {
            assert_eq!(check_limits(text), Ok(()), "{text:?}");
        }
    }
}
