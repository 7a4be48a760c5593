//! grub.cfg: the menu of GRUB 2 on installation media: assignments, `search`, and `menuentry`
//! blocks, some of them in a `submenu`.
//!
//! Not for the shell around them: conditions and functions are not evaluated.

use std::time::Duration;

use super::entry::{
    BootConfigError, KernelLine, MenuEntry, NewMenuEntry, ParsedMenu, UndecidedLine,
    keeps_argument, with_arguments,
};
use super::lines::{Line, line_ending, split_lines};
use super::volume_label;

/// A word of a line, as written and without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word<'t> {
    raw: &'t str,
    plain: String,
}

/// Splits a line into words as GRUB's shell does. Backslashes stay, since a blank in a volume label
/// is written with one; an open quote ends with the line.
fn split_words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut chars = line.char_indices().peekable();
    while let Some(&(start, first)) = chars.peek() {
        if first.is_whitespace() {
            chars.next();
            continue;
        }
        if first == '#' {
            break;
        }
        if first == ';' {
            chars.next();
            words.push(Word { raw: ";", plain: ";".to_owned() });
            continue;
        }
        let (mut plain, mut quote, mut end) = (String::new(), None, line.len());
        while let Some(&(at, c)) = chars.peek() {
            match quote {
                None if c.is_whitespace() || c == ';' => {
                    end = at;
                    break;
                }
                None if c == '\'' || c == '"' => quote = Some(c),
                Some(open) if open == c => quote = None,
                _ => plain.push(c),
            }
            chars.next();
            if c == '\\'
                && quote != Some('\'')
                && let Some((_, escaped)) = chars.next()
            {
                plain.push(escaped);
            }
        }
        words.push(Word { raw: &line[start..end], plain });
    }
    words
}

/// A line, and the blocks it is in.
struct ParsedLine<'t> {
    line: Line<'t>,
    words: Vec<Word<'t>>,
    /// The blocks that are open before the line.
    open: Vec<Block>,
    /// The indices of the words that are commands, and whether each is in a condition or a loop.
    commands: Vec<(usize, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// A `menuentry`, by its number.
    Entry(usize),
    Submenu,
    Function,
}

/// The most levels of nested blocks; deeper ones are ignored.
const DEPTH_LIMIT: usize = 16;

fn parse_lines(text: &str) -> Vec<ParsedLine<'_>> {
    let mut open: Vec<Block> = Vec::new();
    let (mut entries, mut conditions) = (0, 0_usize);
    let mut all = Vec::new();
    for line in split_lines(text) {
        let words = split_words(line.text);
        let commands = find_commands(&words, &mut conditions);
        let before = open.clone();
        let mut next = Block::Function;
        match words.first().map(|word| word.raw) {
            Some("menuentry") => {
                next = Block::Entry(entries);
                entries += 1;
            }
            Some("submenu") => next = Block::Submenu,
            _ => {}
        }
        for word in &words {
            match word.raw {
                "{" if open.len() < DEPTH_LIMIT => open.push(next),
                "}" => drop(open.pop()),
                _ => {}
            }
        }
        all.push(ParsedLine { line, words, open: before, commands });
    }
    all
}

/// Finds the commands among the words of a line, and counts the conditions around them.
fn find_commands(words: &[Word<'_>], conditions: &mut usize) -> Vec<(usize, bool)> {
    let mut commands = Vec::new();
    let mut is_command = true;
    for (index, word) in words.iter().enumerate() {
        match word.raw {
            "if" | "while" | "until" | "for" if is_command => {
                *conditions += 1;
                is_command = word.raw != "for";
            }
            "fi" | "done" if is_command => {
                *conditions = conditions.saturating_sub(1);
                is_command = false;
            }
            "then" | "else" | "elif" | "do" | "{" | "}" | ";" => is_command = true,
            _ if is_command => {
                commands.push((index, *conditions > 0));
                is_command = false;
            }
            _ => {}
        }
    }
    commands
}

/// Commands that read the menu, or a part of it, from another file.
const OTHER_FILE: &[&str] = &[
    "source",
    ".",
    "configfile",
    "normal",
    "eval",
    "legacy_source",
    "legacy_configfile",
    "syslinux_source",
    "syslinux_configfile",
    "extract_entries_source",
    "extract_entries_configfile",
];

/// Commands that start something, or end the menu, when they are outside of an entry.
const STARTERS: &[&str] =
    &["boot", "exit", "halt", "reboot", "chainloader", "linux", "linuxefi", "linux16"];

const OTHER_FILE_WHY: &str = "the file that it reads is not followed";
const STARTER_WHY: &str = "it acts before the menu is shown";

impl ParsedLine<'_> {
    fn command(&self) -> &str {
        self.words.first().map_or("", |word| word.raw)
    }

    /// Returns the entry that the line is in.
    fn enclosing_entry(&self) -> Option<usize> {
        self.open.iter().rev().find_map(|block| match block {
            Block::Entry(number) => Some(*number),
            _ => None,
        })
    }

    /// Returns why the effect of one of its commands on the menu is unknown.
    fn undecided_reason(&self) -> Option<&'static str> {
        let in_function = self.open.contains(&Block::Function);
        let in_entry = self.enclosing_entry().is_some();
        self.commands.iter().find_map(|&(at, is_conditional)| {
            let sets = ["default=", "timeout="].iter().any(|name| {
                let mut words = self.words[at..].iter().take(2);
                words.any(|word| word.plain.starts_with(name))
            });
            match self.words[at].raw {
                "menuentry" | "submenu" if is_conditional => Some("a condition decides about it"),
                "menuentry" | "submenu" if in_function || at > 0 => {
                    Some("it stands inside of something that is no menu")
                }
                name if !in_entry && OTHER_FILE.contains(&name) => Some(OTHER_FILE_WHY),
                name if !in_entry && !in_function && STARTERS.contains(&name) => Some(STARTER_WHY),
                _ if sets && !in_entry && (in_function || at > 0) => {
                    Some("a function or a condition decides about it")
                }
                _ => None,
            }
        })
    }

    /// Returns the word that assigns to `name`, if the line does so outside of every block.
    fn assignment(&self, name: &str) -> Option<&Word<'_>> {
        let word = match self.command() {
            "set" => self.words.get(1)?,
            _ => self.words.first()?,
        };
        let is_name = word.plain.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
        (self.open.is_empty() && is_name).then_some(word)
    }

    /// Returns the label that a `search` line looks for.
    fn search_label(&self) -> Option<&str> {
        let words = self.words.iter().map(|word| word.plain.as_str());
        let words = words.take_while(|word| *word != ";").collect::<Vec<_>>();
        // Options have their values after `=`, so the last bare word is the label.
        let operand = words.iter().skip(1).rfind(|word| !word.starts_with('-')).copied();
        match self.command() {
            "search.fs_label" => words.get(1).copied(),
            "search" if words.iter().any(|word| matches!(*word, "-l" | "--label")) => operand,
            _ => None,
        }
    }
}

fn is_kernel(command: &str) -> bool {
    matches!(command, "linux" | "linuxefi" | "linux16")
}

fn is_initrd(command: &str) -> bool {
    matches!(command, "initrd" | "initrdefi" | "initrd16")
}

pub(super) fn parse(text: &str) -> ParsedMenu {
    let mut parsed = ParsedMenu::default();
    let mut default = None;
    // The position of each entry in the root menu, where a sub-menu counts as one.
    let mut positions = Vec::new();
    let mut position = 0;
    let lines = parse_lines(text);
    for (number, placed) in lines.iter().enumerate() {
        if let Some(why) = placed.undecided_reason() {
            let undecided = UndecidedLine::new(number, placed.line.text, why);
            let leads_elsewhere = why == OTHER_FILE_WHY || why == STARTER_WHY;
            parsed.undecided.push(UndecidedLine { leads_elsewhere, ..undecided });
        }
        if placed.open.is_empty() && placed.command() == "submenu" {
            position += 1;
        }
        if placed.command() == "menuentry" {
            let title = placed.words.get(1).map(|word| word.plain.clone()).unwrap_or_default();
            let (id, lines) = (title.clone(), number..number + 1);
            parsed.entries.push(MenuEntry { id, title, lines, ..MenuEntry::default() });
            positions.push(placed.open.is_empty().then_some(position));
            position += usize::from(placed.open.is_empty());
            continue;
        }
        if let Some(value) = placed.assignment("default") {
            default = Some(value.plain["default=".len()..].to_owned());
        }
        if let Some(value) = placed.assignment("timeout") {
            let seconds = value.plain["timeout=".len()..].parse::<u64>().ok();
            parsed.timeout = seconds.map(Duration::from_secs);
        }
        parsed.labels.extend(placed.search_label().map(volume_label::unescape));
        // A variable may hold a whole kernel line, whose arguments end at blanks.
        let is_set = placed.command() == "set";
        let arguments = placed.words.iter().flat_map(|word| {
            if is_set {
                word.plain.split_whitespace().collect::<Vec<_>>()
            } else {
                vec![word.plain.as_str()]
            }
        });
        parsed.labels.extend(arguments.filter_map(volume_label::from_argument));
        let Some(entry) = placed.enclosing_entry().and_then(|entry| parsed.entries.get_mut(entry))
        else {
            continue;
        };
        entry.lines.end = number + 1;
        let mut rest =
            placed.words[1.min(placed.words.len())..].iter().map(|word| word.plain.clone());
        if is_kernel(placed.command()) {
            entry.kernel = rest.next();
            entry.args = rest.collect();
        } else if is_initrd(placed.command()) {
            entry.initrd = Some(rest.collect::<Vec<_>>().join(" ")).filter(|path| !path.is_empty());
        }
    }
    parsed.undecided.extend(undecided_assignments(&lines));
    let default = default.unwrap_or_else(|| "0".to_owned());
    let chosen = match default.parse::<usize>() {
        Ok(wanted) => positions.iter().position(|at| *at == Some(wanted)),
        Err(_) => parsed.entries.iter().position(|entry| entry.title == default),
    };
    if let Some(entry) = chosen.and_then(|chosen| parsed.entries.get_mut(chosen)) {
        entry.is_default = true;
    }
    parsed
}

/// Returns assignments to the default or the timeout whose value is only known while GRUB runs.
fn undecided_assignments(lines: &[ParsedLine<'_>]) -> Vec<UndecidedLine> {
    let mut found = Vec::new();
    for name in ["default", "timeout"] {
        let assigned = lines.iter().enumerate().filter_map(|(number, placed)| {
            Some((number, placed, placed.assignment(name)?.plain.as_str()))
        });
        let assigned: Vec<_> = assigned.collect();
        let is_alone = assigned.len() == 1;
        let differ = assigned.iter().any(|(_, _, value)| *value != assigned[0].2);
        for (number, placed, value) in assigned {
            let is_conditional =
                placed.commands.first().is_some_and(|(_, conditional)| *conditional);
            let why = if value.contains('$') {
                "its value is a variable's"
            } else if is_conditional && (differ || is_alone) {
                "a condition decides about it"
            } else {
                continue;
            };
            let undecided = UndecidedLine::new(number, placed.line.text, why);
            found.push(UndecidedLine { is_rewritten: true, ..undecided });
        }
    }
    found
}

/// Returns the kernel lines of entries.
pub(super) fn kernel_lines(text: &str) -> Vec<KernelLine> {
    let mut lines = Vec::new();
    for (index, placed) in parse_lines(text).iter().enumerate() {
        if let (true, Some(entry)) = (is_kernel(placed.command()), placed.enclosing_entry())
            && let Some(path) = placed.words.get(1)
        {
            let head = format!("{}{} {}", placed.line.indent(), placed.words[0].raw, path.raw);
            let args = placed.words[2..].iter().map(|word| word.raw.to_owned()).collect();
            lines.push(KernelLine { index, entry, head, args });
        }
    }
    lines
}

/// Returns a `search` line that looks for the volume `old` with `new` in its place.
pub(super) fn with_search_label(line: &str, old: &str, new: &str) -> Option<String> {
    let placed = parse_lines(line).pop()?;
    let label = placed.search_label().filter(|label| volume_label::unescape(label) == old)?;
    let word = placed.words.iter().rfind(|word| word.plain == label)?;
    Some(line.replacen(word.raw, &format!("'{new}'"), 1))
}

/// Returns the file that a menu without entries goes on with: it loads modules, and reads that file.
pub(super) fn forwards_to(text: &str) -> Option<String> {
    let mut target = None;
    for placed in parse_lines(text).iter().filter(|placed| !placed.words.is_empty()) {
        let plain = placed.words.get(1).map(|word| word.plain.as_str());
        match (placed.command(), plain) {
            ("insmod", Some(_)) if placed.words.len() == 2 => {}
            ("source" | "configfile", Some(path)) if placed.words.len() == 2 => {
                let is_first = target.replace(path.to_owned()).is_none();
                if !is_first || path.contains('$') {
                    return None;
                }
            }
            _ => return None,
        }
    }
    target
}

pub(super) fn with_entry(
    text: &str,
    base: &MenuEntry,
    new: &NewMenuEntry,
) -> Result<String, BootConfigError> {
    let end = line_ending(text);
    let placed = parse_lines(text);
    let is_first = |placed: &ParsedLine<'_>| {
        placed.open.is_empty() && matches!(placed.command(), "menuentry" | "submenu")
    };
    let first = placed.iter().position(is_first).unwrap_or(placed.len());
    if first == placed.len() {
        let text = placed[base.lines.start].line.text.to_owned();
        let (line, why) = (base.lines.start + 1, "it is inside of a block that is no menu");
        return Err(BootConfigError::Uncopyable { line, text, why });
    }
    let block = copy_block(&placed[base.lines.clone()], base, new, end)?;
    let values = [("default", "0".to_owned()), ("timeout", new.timeout_s.to_string())];

    let mut output = String::with_capacity(text.len() + 512);
    for (number, placed_line) in placed.iter().enumerate() {
        if number == first {
            for (name, value) in &values {
                if !placed.iter().any(|placed| placed.assignment(name).is_some()) {
                    output += &format!("set {name}={value}{end}");
                }
            }
            output += &block;
        }
        let line = placed_line.line;
        let assigned = values
            .iter()
            .find_map(|(name, value)| Some((name, value, placed_line.assignment(name)?)));
        match assigned {
            Some((name, value, word)) => {
                let quote = if word.raw.contains('"') { "\"" } else { "" };
                let set = format!("{name}={quote}{value}{quote}");
                output += &line.whole.replacen(word.raw, &set, 1);
            }
            None => output += line.whole,
        }
    }
    Ok(output)
}

/// Returns the new entry: the vendor's block with another title and other arguments.
fn copy_block(
    vendor: &[ParsedLine<'_>],
    base: &MenuEntry,
    new: &NewMenuEntry,
    end: &str,
) -> Result<String, BootConfigError> {
    let outer = vendor[0].line.indent();
    let inside = vendor[0].open.len() + 1;
    let mut block = String::new();
    for (index, placed) in vendor.iter().enumerate() {
        let text = placed.line.text;
        let refuse = |why| {
            let line = base.lines.start + index + 1;
            Err(BootConfigError::Uncopyable { line, text: text.to_owned(), why })
        };
        let inner = text.strip_prefix(outer).unwrap_or(text);
        if index > 0 && matches!(placed.command(), "menuentry" | "submenu" | "function") {
            return refuse("it is inside of an entry");
        }
        let is_last = index + 1 == vendor.len();
        if is_last && (placed.open.len() != inside || placed.command() != "}") {
            return refuse("its entry does not end with it");
        }
        if index == 0 {
            let Some(title) = placed.words.get(1) else { return refuse("it has no title") };
            if placed.words.last().is_none_or(|word| word.raw != "{") {
                return refuse("its block does not open at the end of the line");
            }
            // The words after the title, less an identity and a key, which have to be unique.
            let mut options = placed.words[2..].iter().map(|word| word.raw);
            let mut kept = Vec::new();
            while let Some(option) = options.next() {
                match option {
                    "--id" | "--hotkey" => drop(options.next()),
                    option if option.starts_with("--id=") || option.starts_with("--hotkey=") => {}
                    option => kept.push(option),
                }
            }
            let quote = if title.raw.starts_with('"') { '"' } else { '\'' };
            block += &format!("menuentry {quote}{}{quote} {}{end}", new.title, kept.join(" "));
        } else if is_kernel(placed.command()) {
            if text.trim_end().ends_with('\\') {
                return refuse("it goes on in the next line");
            }
            let words = placed.words.iter();
            let vendor = words.filter(|word| keeps_argument(&word.plain)).map(|word| word.raw);
            let all = with_arguments(vendor, &new.args);
            let indent = &inner[..inner.len() - inner.trim_start().len()];
            block += &format!("{indent}{}{end}", all.join(" "));
        } else if is_initrd(placed.command()) && !new.initrds.is_empty() {
            block += &format!("{} {}{end}", inner.trim_end(), new.initrds.join(" "));
        } else {
            block += &format!("{inner}{end}");
        }
    }
    Ok(block)
}

#[cfg(test)]
mod tests;
