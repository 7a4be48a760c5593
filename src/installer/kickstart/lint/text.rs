//! Bytes and lines: what the loader cannot read, whatever it says.

use super::{Findings, LintSubject};
use crate::installer::kickstart::parse::{KickstartDocument, Section};

/// The el6 loader reads the file onto its stack (loader/kickstart.c); 64 KiB is our limit.
const MAX_BYTES: usize = 64 * 1024;

pub(super) fn check(subject: &LintSubject<'_>, findings: &mut Findings) {
    let text = subject.text;
    if text.len() > MAX_BYTES {
        findings
            .error(0, "too-large", format!("{} bytes, expected at most {MAX_BYTES}", text.len()))
            .hint("put the payload on the disc, and copy it in %post --nochroot");
    }
    if text.starts_with('\u{feff}') {
        findings
            .error(1, "byte-order-mark", "a byte order mark hides the first command")
            .hint("save the file as plain ASCII");
    }
    if let Some(first) = text.split('\n').position(|line| line.ends_with('\r')) {
        findings
            .error(first + 1, "carriage-return", "lines end with CR LF, which breaks every script")
            .hint("convert it: sed -i 's/\\r$//'");
    }
    let lines: Vec<&str> =
        text.lines().map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let mut scripts = ScriptLines::new(subject.document);
    for (index, line) in lines.iter().enumerate() {
        let line_number = index + 1;
        let line = line.trim_start_matches('\u{feff}');
        check_characters(line, line_number, findings);
        let comment = line.trim_start().starts_with('#');
        if line.ends_with('\\') && !comment && !scripts.contains(line_number) {
            findings
                .error(
                    line_number,
                    "backslash-at-line-end",
                    "a command cannot go on in the next line, and the loader skips this one",
                )
                .hint("write the command on one line");
        }
    }
    for placed in &subject.document.commands {
        if placed.unbalanced && !lines[placed.line - 1].ends_with('\\') {
            findings.error(placed.line, "unbalanced-quotes", "a quote is not closed");
        }
        if placed.comment {
            findings
                .warning(
                    placed.line,
                    "cut-short-by-hash",
                    "the # makes a comment of the rest of the line",
                )
                .hint("quote it, or put the comment on a line of its own");
        }
    }
}

fn check_characters(line: &str, number: usize, findings: &mut Findings) {
    if let Some(odd) = line.chars().find(|c| c.is_ascii_control() && *c != '\t') {
        let code = u32::from(odd);
        findings.error(number, "control-character", format!("the character \\x{code:02x}"));
    }
    let Some(odd) = line.chars().find(|c| !c.is_ascii()) else { return };
    let message = format!("the character {:?} is not ASCII", odd.escape_unicode().to_string());
    let finding = if line.trim_start().starts_with('#') {
        findings.warning(number, "non-ascii", message)
    } else {
        findings.error(number, "non-ascii", message)
    };
    match odd {
        '\u{2010}'..='\u{2015}' => finding.hint("write -- or - with the ASCII hyphen"),
        '\u{2018}'..='\u{201f}' => finding.hint("write ASCII quotes"),
        '\u{a0}' => finding.hint("write an ASCII blank"),
        _ => {}
    }
}

/// The lines of the scripts, to be queried in order: a search of all sections for every line
/// would take a hostile file's lines times its sections.
struct ScriptLines(std::iter::Peekable<std::vec::IntoIter<(usize, usize)>>);

impl ScriptLines {
    fn new(document: &KickstartDocument) -> Self {
        let scripts = document.sections.iter().filter(|section| section.is_script());
        let range = |section: &Section| {
            (section.line, section.end.unwrap_or(section.line + section.body.len() + 1))
        };
        Self(scripts.map(range).collect::<Vec<_>>().into_iter().peekable())
    }

    /// Whether a line is part of a script; lines must be queried in order.
    fn contains(&mut self, line: usize) -> bool {
        while self.0.next_if(|(_, end)| *end <= line).is_some() {}
        self.0.peek().is_some_and(|(start, _)| *start < line)
    }
}
