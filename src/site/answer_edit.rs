//! Writes an answer into the text of a site file or of an answers file, and leaves every other byte as it is: comments, order, line breaks.
//!
//! An edit is made by positions in the text and then proved: the new text is parsed, and must differ from the old one in that answer alone.
//! Where that cannot be had, the edit is refused. Not for files (`cli`), nor for which answer is given.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_yaml::Value;

use super::answers::AnswerEntry;
use crate::facts::site::AnswerValue;
use crate::hint::hinted;
use crate::yaml::{self, PathStep, Position, YamlError, find_position};

/// The key of the answers at the top level.
const ANSWERS: &str = "answers";
/// The key of the answers file.
const ANSWERS_FILE: &str = "answers_file";

/// The text of an answers file without answers.
pub const EMPTY_ANSWERS_FILE: &str = "\
# yaml-language-server: $schema=site.schema.json
# What people answered to the questions of preflight. preflight answer SITE writes here; comments stay.
answers:
";

/// Why a text is not edited.
#[derive(Debug, thiserror::Error)]
pub enum AnswerEditError {
    /// The text cannot be read, before the edit or after it.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The text is written in a way that is not edited.
    #[error("{file} is not edited: {why}")]
    NotEditable {
        /// The file.
        file: String,
        /// What is in the way.
        why: &'static str,
        /// What a person has to write.
        line: String,
    },
}

impl AnswerEditError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Yaml(error) => error.hint(),
            Self::NotEditable { line, .. } => Some(format!("write it yourself: {line}")),
        }
    }
}

hinted!(AnswerEditError);

/// Returns an answer as it is written in a list.
fn entry_line(entry: &AnswerEntry) -> String {
    let mut keys = vec![format!("check: {}", scalar(&entry.check))];
    keys.extend(entry.target.iter().map(|target| format!("target: {}", scalar(target))));
    keys.push(format!("value: {}", value_word(entry.value)));
    keys.push(format!("by: {}", scalar(&entry.by)));
    keys.push(format!("at: {}", entry.at));
    keys.extend(entry.stage.iter().map(|stage| format!("stage: {stage}")));
    format!("{{ {} }}", keys.join(", "))
}

/// Returns the text with an answer: in place of the one at an index, or behind the last one.
///
/// # Errors
///
/// [`AnswerEditError::NotEditable`] when the text cannot be changed in that answer alone.
pub fn set_answer(
    text: &str,
    file: &str,
    entry: &AnswerEntry,
    replaced: Option<usize>,
) -> Result<String, AnswerEditError> {
    let refuse = |why| AnswerEditError::NotEditable {
        file: file.to_owned(),
        why,
        line: format!("- {} under answers:", entry_line(entry)),
    };
    let (rest, answers) = parse(text, file)?;
    let mut expected = answers.clone().unwrap_or_default();
    let source = Source::new(text);
    let edits = match (replaced, &answers) {
        (Some(index), Some(answers)) => {
            let before = answers.get(index).ok_or_else(|| refuse("it has no such answer"))?;
            expected[index] = entry.clone();
            source.replace(index, before, entry)
        }
        (_, Some(answers)) => {
            expected.push(entry.clone());
            source.append(answers.len(), entry)
        }
        (_, None) => {
            expected.push(entry.clone());
            source.begin_list(rest.contains_key(ANSWERS), entry)
        }
    };
    let edits = edits.ok_or_else(|| refuse("its answers are written in an unusual way"))?;
    let edited = apply(text, edits);
    let is_right = match parse(&edited, file) {
        Ok((others, found)) => {
            without_answers(others) == without_answers(rest) && found == Some(expected)
        }
        Err(error @ AnswerEditError::Yaml(_)) if edited.len() > yaml::MAX_BYTES => {
            return Err(error);
        }
        Err(_) => false,
    };
    if is_right { Ok(edited) } else { Err(refuse("its answers are written in an unusual way")) }
}

/// Returns the text of a site file that names its answers file, in a line of its own at the end.
///
/// # Errors
///
/// [`AnswerEditError::NotEditable`] when the text cannot be changed in that key alone.
pub fn name_answers_file(text: &str, file: &str, name: &str) -> Result<String, AnswerEditError> {
    let line = format!("{ANSWERS_FILE}: {}", scalar(name));
    let (mut expected, answers) = parse(text, file)?;
    let edited = apply(text, vec![Source::new(text).at_end(&line)]);
    let earlier = expected.insert(ANSWERS_FILE.to_owned(), Value::String(name.to_owned()));
    match parse(&edited, file) {
        Ok((found, same)) if earlier.is_none() && found == expected && same == answers => {
            Ok(edited)
        }
        _ => Err(AnswerEditError::NotEditable {
            file: file.to_owned(),
            why: "a line at its end would not be a key of the site",
            line,
        }),
    }
}

type Keys = BTreeMap<String, Value>;

/// Parses the keys of a file, and its answers.
fn parse(text: &str, file: &str) -> Result<(Keys, Option<Vec<AnswerEntry>>), AnswerEditError> {
    let keys: Option<Keys> = yaml::parse(text, file)?;
    let keys = keys.unwrap_or_default();
    let answers = match keys.get(ANSWERS) {
        None | Some(Value::Null) => None,
        Some(answers) => {
            let answers = serde_yaml::from_value(answers.clone());
            Some(answers.map_err(|error| yaml::parser_error(&error, file))?)
        }
    };
    Ok((keys, answers))
}

fn without_answers(mut keys: Keys) -> Keys {
    keys.remove(ANSWERS);
    keys
}

fn value_word(value: AnswerValue) -> &'static str {
    match value {
        AnswerValue::Yes => "yes",
        AnswerValue::No => "no",
        AnswerValue::NotApplicable => "not-applicable",
    }
}

/// Returns a text as a scalar of one line, quoted unless it can only be read as a text.
fn scalar(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_word)
        && !reserved.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// One change of a text.
struct Edit {
    place: Range<usize>,
    text: String,
}

/// Makes changes that do not overlap.
fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    // The later one in the list stands behind, where two insert at one place.
    edits.sort_by_key(|edit| (edit.place.start, edit.place.end));
    let mut edited = String::with_capacity(text.len() + 200);
    let mut from = 0;
    for Edit { place, text: new } in edits {
        edited.push_str(text.get(from..place.start).unwrap_or_default());
        edited.push_str(&new);
        from = place.end;
    }
    edited.push_str(text.get(from..).unwrap_or_default());
    edited
}

/// A text, and how its lines end.
struct Source<'t> {
    text: &'t str,
    line_end: &'static str,
}

impl<'t> Source<'t> {
    fn new(text: &'t str) -> Self {
        let is_crlf = text.find('\n').is_some_and(|at| text[..at].ends_with('\r'));
        Self { text, line_end: if is_crlf { "\r\n" } else { "\n" } }
    }

    /// Returns the edit for a line at the end of the text.
    fn at_end(&self, line: &str) -> Edit {
        let is_whole = self.text.is_empty() || self.text.ends_with('\n');
        let before = if is_whole { "" } else { self.line_end };
        let end = self.text.len();
        Edit { place: end..end, text: format!("{before}{line}{}", self.line_end) }
    }

    /// Returns the edits for the first answer of a file; `has_key` says that the key is there without a value.
    fn begin_list(&self, has_key: bool, entry: &AnswerEntry) -> Option<Vec<Edit>> {
        let item = format!("  - {}", entry_line(entry));
        if !has_key {
            return Some(vec![self.at_end(&format!("{ANSWERS}:{}{item}", self.line_end))]);
        }
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            if line.starts_with("answers:") {
                return Some(vec![self.after_line(start, &item)]);
            }
            start += line.len();
        }
        None
    }

    /// Returns the edit for a line behind the line of a place.
    fn after_line(&self, at: usize, line: &str) -> Edit {
        match self.text[at..].find('\n') {
            Some(end) => {
                let next = at + end + 1;
                Edit { place: next..next, text: format!("{line}{}", self.line_end) }
            }
            None => {
                let end = self.text.len();
                Edit { place: end..end, text: format!("{}{line}", self.line_end) }
            }
        }
    }

    /// Returns the edits for an answer behind the last of `count`.
    fn append(&self, count: usize, entry: &AnswerEntry) -> Option<Vec<Edit>> {
        let list = self.offset(&[PathStep::Key(ANSWERS)])?;
        let new = entry_line(entry);
        let last = match count {
            0 => None,
            _ => Some(self.offset(&[PathStep::Key(ANSWERS), PathStep::Item(count - 1)])?),
        };
        if self.text[list..].starts_with('[') {
            self.append_in_brackets(list, last, &new)
        } else {
            self.append_line(list, last?, &new)
        }
    }

    fn append_line(&self, list: usize, last: usize, new: &str) -> Option<Vec<Edit>> {
        let indent = self.indentation(list)?;
        if !self.text[list..].starts_with('-') {
            return None;
        }
        let mut end = if self.text[last..].starts_with('{') { self.flow_end(last)? } else { last };
        let mut line_start = self.text[end..].find('\n').map_or(self.text.len(), |at| end + at + 1);
        for line in self.text[line_start..].split_inclusive('\n') {
            let content = line.trim_start_matches(' ');
            let is_empty = content.trim().is_empty() || content.starts_with('#');
            if !is_empty && line.len() - content.len() <= indent.len() {
                break;
            }
            if !is_empty {
                end = line_start;
            }
            line_start += line.len();
        }
        if self.text[list..end].contains('\t') {
            return None;
        }
        Some(vec![self.after_line(end, &format!("{indent}- {new}"))])
    }

    fn append_in_brackets(&self, list: usize, last: Option<usize>, new: &str) -> Option<Vec<Edit>> {
        let close = self.flow_end(list)? - 1;
        if self.text[list..close].contains('\t') {
            return None;
        }
        let Some(last) = last else {
            let between = &self.text[list + 1..close];
            let text = if between.is_empty() { format!(" {new} ") } else { format!("{new} ") };
            return Some(vec![Edit { place: close..close, text }]);
        };
        let end = self.flow_end(last)?;
        let rest = &self.text[end..close];
        let comma = rest.len() - rest.trim_start().len();
        let has_comma = rest[comma..].starts_with(',');
        let begins_its_line = self.indentation(last);
        match (begins_its_line, rest.find('\n')) {
            (Some(indent), Some(line_end)) => {
                let mut edits = Vec::new();
                if !has_comma {
                    edits.push(Edit { place: end..end, text: ",".to_owned() });
                }
                let at = end + line_end;
                edits.push(self.after_line(at, &format!("{indent}{new}")));
                Some(edits)
            }
            _ if has_comma => {
                let at = end + comma + 1;
                Some(vec![Edit { place: at..at, text: format!(" {new}") }])
            }
            _ => Some(vec![Edit { place: end..end, text: format!(", {new}") }]),
        }
    }

    /// Returns the edits that turn the answer at an index into another.
    fn replace(
        &self,
        index: usize,
        before: &AnswerEntry,
        after: &AnswerEntry,
    ) -> Option<Vec<Edit>> {
        let item = self.offset(&[PathStep::Key(ANSWERS), PathStep::Item(index)])?;
        let in_flow = self.text[item..].starts_with('{');
        let value = |key| {
            let path = [PathStep::Key(ANSWERS), PathStep::Item(index), PathStep::Key(key)];
            let start = self.offset(&path)?;
            Some(start..self.scalar_end(start, in_flow)?)
        };
        let day = value("at")?;
        let mut edits = Vec::new();
        let stage = |entry: &AnswerEntry| entry.stage.map(|stage| stage.to_string());
        let target = |entry: &AnswerEntry| entry.target.as_deref().map(scalar);
        for (key, old, new) in [
            ("target", target(before), target(after)),
            (
                "value",
                Some(value_word(before.value).to_owned()),
                Some(value_word(after.value).to_owned()),
            ),
            ("by", Some(scalar(&before.by)), Some(scalar(&after.by))),
            ("at", Some(before.at.to_string()), Some(after.at.to_string())),
            ("stage", stage(before), stage(after)),
        ] {
            match (old, new) {
                (Some(old), Some(new)) if old != new => {
                    edits.push(Edit { place: value(key)?, text: new });
                }
                (None, Some(new)) if in_flow => {
                    edits.push(Edit { place: day.end..day.end, text: format!(", {key}: {new}") });
                }
                (None, Some(new)) => {
                    let indent = " ".repeat(self.column(item));
                    edits.push(self.after_line(day.end, &format!("{indent}{key}: {new}")));
                }
                (Some(_), None) => edits.push(self.remove_key(key, value(key)?, in_flow)?),
                _ => {}
            }
        }
        Some(edits)
    }

    /// Returns the edit that takes out a key with its value.
    fn remove_key(&self, key: &str, value: Range<usize>, in_flow: bool) -> Option<Edit> {
        let before = self.text[..value.start].trim_end_matches(' ');
        let before = before.strip_suffix(':')?.trim_end_matches(' ').strip_suffix(key)?;
        let trimmed = before.trim_end_matches(' ');
        if in_flow {
            let comma = trimmed.strip_suffix(',')?;
            return Some(Edit { place: comma.len()..value.end, text: String::new() });
        }
        if !trimmed.is_empty() && !trimmed.ends_with('\n') {
            return None;
        }
        let line_end =
            self.text[value.end..].find('\n').map_or(self.text.len(), |at| value.end + at + 1);
        let has_comment = !self.text[value.end..line_end].trim().is_empty();
        let place = if has_comment { before.len()..value.end } else { trimmed.len()..line_end };
        Some(Edit { place, text: String::new() })
    }

    /// Returns the place of the value at a path.
    fn offset(&self, path: &[PathStep<'_>]) -> Option<usize> {
        let Position { line, column } = find_position(self.text, path)?;
        let start = match line {
            1 => 0,
            _ => self.text.match_indices('\n').nth(line - 2)?.0 + 1,
        };
        let (inside, _) = self.text[start..].char_indices().nth(column - 1)?;
        Some(start + inside)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The characters before a place in its line.
    fn column(&self, at: usize) -> usize {
        self.text[self.line_start(at)..at].chars().count()
    }

    /// Returns the blanks before a place, when nothing else stands before it in its line.
    fn indentation(&self, at: usize) -> Option<&'t str> {
        let before = &self.text[self.line_start(at)..at];
        before.chars().all(|c| c == ' ').then_some(before)
    }

    /// Returns the end of a scalar of one line.
    fn scalar_end(&self, start: usize, in_flow: bool) -> Option<usize> {
        let rest = &self.text[start..];
        let first = rest.chars().next()?;
        match first {
            '\'' | '"' => self.quoted_end(start),
            '|' | '>' | '!' | '[' | '{' | '\n' | '\r' | '#' => None,
            _ => {
                let line = rest.split(['\n', '\r']).next()?;
                let ends = |(at, c): &(usize, char)| match c {
                    '#' => line[..*at].ends_with([' ', '\t']),
                    ',' | '}' | ']' => in_flow,
                    _ => false,
                };
                let length = line.char_indices().find(ends).map_or(line.len(), |(at, _)| at);
                Some(start + line[..length].trim_end().len())
            }
        }
    }

    /// Returns the end of a quoted scalar.
    fn quoted_end(&self, start: usize) -> Option<usize> {
        let quote = self.text[start..].chars().next()?;
        let mut chars = self.text[start + 1..].char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' if quote == '"' => {
                    chars.next();
                }
                '\'' if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                    chars.next();
                }
                c if c == quote => return Some(start + 1 + at + 1),
                _ => {}
            }
        }
        None
    }

    /// Returns the end of a collection in brackets.
    fn flow_end(&self, start: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut at = start;
        // The last character that is no blank; a quote behind a word belongs to the word.
        let mut last = ',';
        while let Some(c) = self.text.get(at..)?.chars().next() {
            match c {
                '[' | '{' => depth += 1,
                ']' | '}' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                '\'' | '"' if matches!(last, '[' | '{' | ',' | ':') => {
                    at = self.quoted_end(at)?;
                    last = c;
                    continue;
                }
                '#' if self.text[..at].ends_with([' ', '\t', '\n']) => {
                    at += self.text[at..].find('\n')?;
                    continue;
                }
                _ => {}
            }
            if !c.is_whitespace() {
                last = c;
            }
            at += c.len_utf8();
        }
        None
    }
}

#[cfg(test)]
mod tests;
