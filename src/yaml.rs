//! YAML of unknown origin into typed values: size, depth and alias limits first, then errors
//! that name the file, the line, the column and the nearest right key.
//!
//! Not for what the values mean, and not for writing YAML.
//!
//! The limits stand before the parser because every libyaml-based parser takes seconds for a
//! quarter megabyte of nested flow maps and gigabytes for a few aliases of a large anchor.

mod place;

use serde::de::DeserializeOwned;

pub use place::{Step, place_of};

/// The largest document that is parsed, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// The deepest nesting of `[` and `{` that is parsed.
pub const MAX_FLOW_DEPTH: usize = 32;

/// A place in a YAML text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Why a YAML text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{at}: {problem}", at = place_suffix(*.place))]
pub struct YamlError {
    /// The file as the user knows it.
    pub file: String,
    /// Where in it; absent when the whole document is meant.
    pub place: Option<Place>,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a YAML text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// More than [`MAX_BYTES`].
    #[error("{0} bytes, at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// More than [`MAX_FLOW_DEPTH`] brackets inside each other.
    #[error("brackets nested deeper than {MAX_FLOW_DEPTH}")]
    TooDeep,
    /// An anchor or an alias.
    #[error("anchors and aliases are not accepted")]
    Alias,
    /// A key that the format does not have.
    #[error("unknown key {key:?}{}", suggestion(.nearest))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The known key that is spelled most alike, if any is close.
        nearest: Option<String>,
        /// All keys accepted at this place.
        known: Vec<String>,
    },
    /// Anything else the parser or the type refused.
    #[error("{0}")]
    Invalid(String),
}

impl YamlError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::UnknownKey { nearest: Some(nearest), .. } => {
                Some(format!("write {nearest} instead"))
            }
            Problem::UnknownKey { known, .. } if !known.is_empty() => {
                Some(format!("the keys here are {}", known.join(", ")))
            }
            Problem::Alias => Some("write the value out at each place".to_owned()),
            _ => None,
        }
    }
}

fn place_suffix(place: Option<Place>) -> String {
    place.map_or_else(String::new, |p| format!(", line {}, column {}", p.line, p.column))
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |key| format!(", did you mean {key:?}?"))
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
    guard(text).map_err(|(place, problem)| YamlError { file: file.to_owned(), place, problem })?;
    serde_yaml::from_str(text).map_err(|error| explain(&error, file))
}

/// Turns a parser's error into ours.
pub fn explain(error: &serde_yaml::Error, file: &str) -> YamlError {
    let place = error.location().map(|l| Place { line: l.line(), column: l.column() });
    let message = error.to_string();
    let problem = unknown_key(&message)
        .unwrap_or_else(|| Problem::Invalid(without_place(&message).to_owned()));
    YamlError { file: file.to_owned(), place, problem }
}

/// Cuts the parser's own " at line 1 column 2" off, for it is told in front.
fn without_place(message: &str) -> &str {
    message.rfind(" at line ").map_or(message, |cut| &message[..cut])
}

/// Reads serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(message: &str) -> Option<Problem> {
    let rest = &message[message.find("unknown field `")? + "unknown field `".len()..];
    let (key, rest) = rest.split_once('`')?;
    let known: Vec<String> = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let nearest = nearest(key, known.iter().map(String::as_str)).map(str::to_owned);
    Some(Problem::UnknownKey { key: key.to_owned(), nearest, known })
}

/// The candidate that is spelled most like `word`, when one is close enough to be meant.
///
/// ```
/// assert_eq!(preflight::yaml::nearest("gatway", ["gateway", "dns"]), Some("gateway"));
/// assert_eq!(preflight::yaml::nearest("colour", ["gateway", "dns"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let allowed = length.max(6) / 3;
    candidates
        .into_iter()
        // No word is closer than their lengths are; without this, a word of a quarter megabyte
        // costs seconds.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The Levenshtein distance of two short words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Checks the limits over the raw text, without parsing it.
fn guard(text: &str) -> Result<(), (Option<Place>, Problem)> {
    if text.len() > MAX_BYTES {
        return Err((None, Problem::TooLarge(text.len())));
    }
    let mut scan = Scan::default();
    for (number, line) in text.lines().enumerate() {
        scan.line(line).map_err(|(column, problem)| {
            (Some(Place { line: number + 1, column: column + 1 }), problem)
        })?;
    }
    Ok(())
}

/// Where the scan stands between two characters.
#[derive(Default)]
struct Scan {
    depth: usize,
    quote: Option<char>,
    /// The indentation of the line that opened a block scalar (`|` or `>`).
    block: Option<usize>,
}

impl Scan {
    fn line(&mut self, line: &str) -> Result<(), (usize, Problem)> {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some(opened) = self.block {
            if line.trim().is_empty() || indent > opened {
                return Ok(());
            }
            self.block = None;
        }
        let mut before = ' ';
        let mut chars = line.chars().enumerate().peekable();
        while let Some((column, char)) = chars.next() {
            let next = chars.peek().map_or(' ', |(_, next)| *next);
            match self.quote {
                Some('"') if char == '\\' => {
                    chars.next();
                }
                Some('\'') if char == '\'' && next == '\'' => {
                    chars.next();
                }
                Some(quote) if char == quote => self.quote = None,
                Some(_) => {}
                None => match char {
                    '"' | '\'' if starts_token(before) => self.quote = Some(char),
                    '#' if before.is_whitespace() => return Ok(()),
                    '[' | '{' => {
                        self.depth += 1;
                        if self.depth > MAX_FLOW_DEPTH {
                            return Err((column, Problem::TooDeep));
                        }
                    }
                    ']' | '}' => self.depth = self.depth.saturating_sub(1),
                    '&' | '*' if starts_token(before) && names_anchor(next) => {
                        return Err((column, Problem::Alias));
                    }
                    '|' | '>'
                        if self.depth == 0
                            && before.is_whitespace()
                            && opens_block(&line[byte_at(line, column)..]) =>
                    {
                        self.block = Some(block_indent(line, indent));
                        return Ok(());
                    }
                    _ => {}
                },
            }
            before = char;
        }
        Ok(())
    }
}

fn byte_at(line: &str, column: usize) -> usize {
    line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
}

/// Whether a token may begin behind this character.
fn starts_token(before: char) -> bool {
    before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':' | '-')
}

fn names_anchor(next: char) -> bool {
    !next.is_whitespace() && !matches!(next, '&' | '*' | ',' | ']' | '}')
}

/// Whether what stands here is a block scalar's header: `|`, `>-`, `|2`, maybe a comment.
fn opens_block(rest: &str) -> bool {
    let header = rest.split('#').next().unwrap_or("").trim_end();
    header.len() <= 3 && header[1..].chars().all(|c| matches!(c, '+' | '-' | '1'..='9'))
}

/// The indentation that a block scalar's lines must exceed: that of its key, which for an
/// item of a list (`- text: |`) stands behind the dash.
fn block_indent(line: &str, indent: usize) -> usize {
    let mut rest = &line[indent..];
    let mut at = indent;
    while let Some(after) = rest.strip_prefix("- ") {
        let inner = after.trim_start_matches(' ');
        if !inner.contains(": ") && !inner.starts_with("- ") {
            break;
        }
        at += rest.len() - inner.len();
        rest = inner;
    }
    at
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
    fn what_costs_a_parser_too_much_never_reaches_it() {
        let deep = "[".repeat(40);
        let maps = "{a: ".repeat(100_000);
        for (text, problem) in [
            (deep.as_str(), Problem::TooDeep),
            (&maps[..200_000], Problem::TooDeep),
            ("a: &x 1\n", Problem::Alias),
            ("a: [1, *x]\n", Problem::Alias),
            ("- &x {a: 1}\n", Problem::Alias),
            ("a: |\n  text\nb: *x\n", Problem::Alias),
        ] {
            let error = parse::<serde_yaml::Value>(text, "x").unwrap_err();
            assert_eq!(error.problem, problem, "{:?}", &text[..text.len().min(30)]);
        }
        let large = " ".repeat(MAX_BYTES + 1);
        let error = parse::<serde_yaml::Value>(&large, "x").unwrap_err();
        assert_eq!(error.problem, Problem::TooLarge(MAX_BYTES + 1));
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
            "a: 5 * 3\n",
        ] {
            assert_eq!(guard(text), Ok(()), "{text:?}");
        }
    }
}
