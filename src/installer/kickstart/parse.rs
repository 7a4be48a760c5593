//! Any kickstart's text as commands and sections with their lines; total, for strangers' files.
//!
//! Not for whether it is a good one (`lint`), and `%include` is not followed.

use super::command::Command;
use super::words;

/// A parsed kickstart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KickstartDocument {
    /// The commands outside sections, in order.
    pub commands: Vec<PlacedCommand>,
    /// The sections, in order.
    pub sections: Vec<Section>,
    /// Lines with `%include` or `%ksappend` outside scripts.
    pub includes: Vec<usize>,
    /// Lines with `%end` that close nothing.
    pub stray_ends: Vec<usize>,
}

/// A command and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedCommand {
    /// The line, counted from 1.
    pub line: usize,
    /// The command.
    pub command: Command,
    /// Whether a `#` cut the line short.
    pub comment: bool,
    /// Whether a quote is left open.
    pub unbalanced: bool,
}

/// What a section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// `%packages`.
    Packages,
    /// `%pre`.
    Pre,
    /// `%post`.
    Post,
    /// Any other.
    Other,
}

/// A section: its header, and its lines up to `%end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The header's line.
    pub line: usize,
    /// The header; its name begins with `%`.
    pub header: Command,
    /// The lines in between.
    pub body: Vec<String>,
    /// The line of `%end`; absent when there is none.
    pub end: Option<usize>,
}

/// Sections whose lines are a script and reach it unchanged.
const SCRIPTS: &[&str] = &["%pre", "%post", "%pre-install", "%traceback", "%onerror"];
const OTHERS: &[&str] = &["%packages", "%addon", "%anaconda", "%certificate"];

impl Section {
    /// What the section is for.
    pub fn kind(&self) -> SectionKind {
        match self.header.name.as_str() {
            "%packages" => SectionKind::Packages,
            "%pre" => SectionKind::Pre,
            "%post" => SectionKind::Post,
            _ => SectionKind::Other,
        }
    }

    /// Whether the lines are a script.
    pub fn is_script(&self) -> bool {
        SCRIPTS.contains(&self.header.name.as_str())
    }

    /// The script, or the list, with a line feed behind each line.
    pub fn text(&self) -> String {
        self.body.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// The lines with their numbers.
    pub fn numbered_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.body.iter().enumerate().map(|(index, line)| (self.line + 1 + index, line.as_str()))
    }
}

impl KickstartDocument {
    /// All commands of one name.
    pub fn commands_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a PlacedCommand> {
        self.commands.iter().filter(move |placed| placed.command.name == name)
    }

    /// The last command of one name, which is the one that counts.
    pub fn last_command(&self, name: &str) -> Option<&Command> {
        self.commands.iter().rev().map(|placed| &placed.command).find(|c| c.name == name)
    }

    /// All partitions; `partition` is another spelling of `part`.
    pub fn partitions(&self) -> impl Iterator<Item = &PlacedCommand> {
        self.commands.iter().filter(|p| matches!(p.command.name.as_str(), "part" | "partition"))
    }

    /// All sections of one kind.
    pub fn sections_of(&self, kind: SectionKind) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(move |section| section.kind() == kind)
    }

    /// The entries of `%packages`: names, `@groups`, and `-names` that are excluded.
    pub fn packages(&self) -> Vec<&str> {
        self.sections_of(SectionKind::Packages)
            .flat_map(|section| &section.body)
            .map(|line| line.split('#').next().unwrap_or("").trim())
            .filter(|line| !line.is_empty())
            .collect()
    }
}

/// Parses a kickstart; what cannot be understood is kept as it is, for the linter to name.
///
/// ```
/// let text = "text\n%packages\n@core\n%end\n";
/// let document = preflight::installer::kickstart::parse(text);
/// assert_eq!(document.commands[0].command.name, "text");
/// assert_eq!(document.packages(), ["@core"]);
/// ```
pub fn parse(text: &str) -> KickstartDocument {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut document = KickstartDocument::default();
    let mut open: Option<Section> = None;
    for (index, raw) in text.lines().enumerate() {
        let line = index + 1;
        let content = raw.strip_suffix('\r').unwrap_or(raw);
        if let Some(mut section) = open.take() {
            match section_end(content) {
                SectionEnd::End => {
                    section.end = Some(line);
                    document.sections.push(section);
                }
                SectionEnd::Section => {
                    document.sections.push(section);
                    open = Some(open_section(line, content));
                }
                SectionEnd::None => {
                    section.body.push(content.to_owned());
                    open = Some(section);
                }
            }
            continue;
        }
        let trimmed = content.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        match trimmed.split_whitespace().next() {
            Some("%include" | "%ksappend") => document.includes.push(line),
            Some("%end") => document.stray_ends.push(line),
            Some(word) if word.starts_with('%') => open = Some(open_section(line, content)),
            _ => document.commands.extend(parse_command(line, content)),
        }
    }
    document.sections.extend(open);
    document
}

enum SectionEnd {
    None,
    End,
    Section,
}

/// Whether a line inside a section ends it. A line that begins with `%` and another word stays:
/// pykickstart hands it to the script.
fn section_end(line: &str) -> SectionEnd {
    match line.split_whitespace().next() {
        Some("%end") => SectionEnd::End,
        Some(word) if SCRIPTS.contains(&word) || OTHERS.contains(&word) => SectionEnd::Section,
        _ => SectionEnd::None,
    }
}

fn open_section(line: usize, text: &str) -> Section {
    let header = Command::parse_line(text).unwrap_or_else(|| Command::new(text.trim(), [""; 0]));
    Section { line, header, body: Vec::new(), end: None }
}

fn parse_command(line: usize, text: &str) -> Option<PlacedCommand> {
    let split = words::split(text);
    let mut words = split.words.into_iter();
    let name = words.next()?;
    let command = Command { name, words: words.collect() };
    Some(PlacedCommand { line, command, comment: split.comment, unbalanced: split.unbalanced })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_sections_are_found_with_their_lines() {
        let text = "# head\ntext\n\n%packages --nobase\n@core # base\nperl\n%end\n%post\ncat <<X\n%x\nX\n%end\nreboot\n";
        let document = parse(text);
        let names: Vec<_> =
            document.commands.iter().map(|p| (p.line, p.command.name.as_str())).collect();
        assert_eq!(names, [(2, "text"), (13, "reboot")]);
        assert_eq!(document.packages(), ["@core", "perl"]);
        let post = document.sections_of(SectionKind::Post).next().unwrap();
        assert_eq!((post.line, post.end), (8, Some(12)));
        assert_eq!(post.text(), "cat <<X\n%x\nX\n");
        assert!(document.sections[0].header.has("--nobase"));
    }

    #[test]
    fn a_section_without_end_stops_at_the_next_one_or_at_the_end() {
        let document = parse("%pre\necho\n%post\necho 2");
        assert_eq!(document.sections.len(), 2);
        assert!(document.sections.iter().all(|section| section.end.is_none()));
        assert_eq!(parse("%end\n").stray_ends, [1]);
        assert_eq!(parse("%include /tmp/x\n").includes, [1]);
    }

    #[test]
    fn a_byte_order_mark_and_carriage_returns_do_not_hide_commands() {
        let document = parse("\u{feff}text\r\n%pre\r\necho\r\n%end\r\n");
        assert_eq!(document.commands[0].command.name, "text");
        assert_eq!(document.sections[0].text(), "echo\n");
    }
}
