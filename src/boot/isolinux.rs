//! isolinux.cfg: label blocks, and the directives that decide which of them starts automatically
//! (syslinux 4.04 to 6, com32/menu/readconfig.c).
//!
//! Not for included files, nor for the look of the menu.

use std::time::Duration;

use super::entry::{
    KernelLine, MenuEntry, NewMenuEntry, ParsedMenu, UndecidedLine, keeps_argument, with_arguments,
};
use super::lines::{Line, line_ending, split_lines};
use super::volume_label;

/// The directive of a line.
enum Directive<'t> {
    Label(&'t str),
    MenuBegin,
    MenuEnd,
    MenuSeparator,
    MenuLabel(&'t str),
    MenuDefault,
    Kernel(&'t str),
    Append(&'t str),
    Initrd(&'t str),
    Default(&'t str),
    OnTimeout(&'t str),
    Timeout(&'t str),
    Include(&'t str),
    Ui(&'t str),
    Prompt(&'t str),
    LocalBoot,
    /// A menu directive, a comment or an empty line, which a copy leaves out.
    Nothing,
    /// Anything else.
    Other,
}

/// A line with its directive, the number of sub-menus around it, and whether a label is open.
struct ParsedLine<'t> {
    line: Line<'t>,
    directive: Directive<'t>,
    depth: usize,
    is_in_label: bool,
}

fn parse_lines(text: &str) -> Vec<ParsedLine<'_>> {
    let (mut depth, mut is_in_label, mut is_help) = (0_usize, false, false);
    let mut all = Vec::new();
    for line in split_lines(text) {
        let (first, rest) = split_word(line.text);
        let mut directive = parse_directive(line.text);
        if is_help {
            is_help = !first.eq_ignore_ascii_case("endtext");
            directive = Directive::Nothing;
        } else if first.eq_ignore_ascii_case("text")
            && split_word(rest).0.eq_ignore_ascii_case("help")
        {
            is_help = true;
            directive = Directive::Nothing;
        }
        match directive {
            Directive::Label(_) => is_in_label = true,
            Directive::MenuBegin => (depth, is_in_label) = (depth + 1, false),
            Directive::MenuEnd => (depth, is_in_label) = (depth.saturating_sub(1), false),
            Directive::MenuSeparator => is_in_label = false,
            _ => {}
        }
        all.push(ParsedLine { line, directive, depth, is_in_label });
    }
    all
}

fn parse_directive(line: &str) -> Directive<'_> {
    let (first, rest) = split_word(line);
    match first.to_ascii_lowercase().as_str() {
        "label" => Directive::Label(rest),
        "kernel" | "linux" => Directive::Kernel(rest),
        "append" => Directive::Append(rest),
        "initrd" => Directive::Initrd(rest),
        "default" => Directive::Default(rest),
        "ontimeout" => Directive::OnTimeout(rest),
        "timeout" => Directive::Timeout(rest),
        "include" => Directive::Include(rest),
        "ui" => Directive::Ui(rest),
        "prompt" => Directive::Prompt(rest),
        "localboot" => Directive::LocalBoot,
        "menu" => {
            let (what, rest) = split_word(rest);
            match what.to_ascii_lowercase().as_str() {
                "begin" => Directive::MenuBegin,
                "end" => Directive::MenuEnd,
                "separator" => Directive::MenuSeparator,
                "label" => Directive::MenuLabel(rest),
                "default" => Directive::MenuDefault,
                "include" => Directive::Include(rest),
                _ => Directive::Nothing,
            }
        }
        first if first.is_empty() || first.starts_with('#') => Directive::Nothing,
        _ => Directive::Other,
    }
}

/// Splits a text into its first word and the rest.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.find(char::is_whitespace) {
        Some(end) => (&text[..end], text[end..].trim_start()),
        None => (text, ""),
    }
}

/// Returns the arguments of an `append` line, and the path of the `initrd=` among them.
fn split_append(append: &str) -> (Vec<String>, Option<String>) {
    let (mut args, mut initrd) = (Vec::new(), None);
    for arg in append.split_whitespace().filter(|_| append != "-") {
        match arg.strip_prefix("initrd=") {
            Some(path) => initrd = Some(path.to_owned()),
            None => args.push(arg.to_owned()),
        }
    }
    (args, initrd)
}

pub(super) fn parse(text: &str) -> ParsedMenu {
    let mut parsed = ParsedMenu::default();
    let mut everywhere = None;
    let (mut marked, mut named) = (None, None);
    let (mut has_menu, mut has_prompt) = (false, false);
    // The arguments of the `kernel` line, and those of the last `append`, which is the one that
    // counts.
    let (mut own, mut appended): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let placed = parse_lines(text);
    for (number, placed) in placed.iter().enumerate() {
        let mut open = parsed.entries.last_mut().filter(|_| placed.is_in_label);
        match (&placed.directive, &mut open) {
            (Directive::Label(id), _) => {
                let id = split_word(id).0.to_owned();
                let (title, lines) = (id.clone(), number..number + 1);
                parsed.entries.push(MenuEntry { id, title, lines, ..MenuEntry::default() });
                (own, appended) = (Vec::new(), Vec::new());
                continue;
            }
            (Directive::MenuLabel(title), Some(entry)) => entry.title = title.replace('^', ""),
            (Directive::Kernel(kernel), Some(entry)) => {
                let (path, more) = split_word(kernel);
                entry.kernel = Some(path.to_owned()).filter(|path| !path.is_empty());
                own = split_append(more).0;
                entry.args = own.iter().chain(&appended).cloned().collect();
            }
            (Directive::Append(append), Some(entry)) => {
                let (args, initrd) = split_append(append);
                appended = args;
                entry.args = own.iter().chain(&appended).cloned().collect();
                entry.initrd = initrd.or(entry.initrd.take());
            }
            (Directive::Append(append), None) => everywhere = Some(split_append(append)),
            (Directive::Initrd(path), Some(entry)) => entry.initrd = Some((*path).to_owned()),
            (Directive::MenuDefault, Some(entry)) if placed.depth == 0 => {
                marked = Some(entry.id.clone());
            }
            (Directive::LocalBoot, Some(entry)) => entry.kernel = None,
            (Directive::Prompt(value), _) => has_prompt = split_word(value).0 != "0",
            (Directive::Ui(command), _) => {
                has_menu = true;
                parsed.undecided.extend(undecided_menu_file(number, placed.line.text, command));
            }
            // `ontimeout` outranks `default`, which outranks `menu default` when it is a label.
            (Directive::OnTimeout(command), _) => named = Some((2, split_word(command).0)),
            (Directive::Default(command), _) => {
                if is_module(command) {
                    has_menu = true;
                    parsed.undecided.extend(undecided_menu_file(number, placed.line.text, command));
                }
                if named.is_none_or(|(rank, _)| rank < 2) {
                    named = Some((1, split_word(command).0));
                }
            }
            (Directive::Timeout(tenths), _) => {
                let tenths = tenths.parse::<u32>().ok().filter(|tenths| *tenths > 0);
                parsed.timeout = tenths.map(|n| Duration::from_millis(u64::from(n) * 100));
            }
            (Directive::Include(path), _) => {
                parsed.includes.push(split_word(path).0.to_owned());
                let why = "the file that it includes is not followed";
                parsed.undecided.push(UndecidedLine::elsewhere(number, placed.line.text, why));
            }
            _ => {}
        }
        if let Some(entry) = open {
            entry.lines.end = number + 1;
        }
    }
    for entry in &mut parsed.entries {
        let has_append = placed[entry.lines.clone()]
            .iter()
            .any(|placed| matches!(placed.directive, Directive::Append(_)));
        if let (false, Some((args, initrd))) = (has_append, &everywhere)
            && entry.kernel.is_some()
        {
            entry.args.extend(args.iter().cloned());
            entry.initrd = entry.initrd.take().or_else(|| initrd.clone());
        }
    }
    let is_label = |id: &str| parsed.entries.iter().position(|entry| entry.id == id);
    let chosen = named.and_then(|(_, id)| is_label(id));
    parsed.is_immediate = chosen.is_some() && !has_menu && !has_prompt;
    // Without a menu, only `default` and `ontimeout` count (syslinux.txt, DEFAULT).
    let chosen =
        chosen.or_else(|| has_menu.then(|| marked.as_deref().and_then(is_label).unwrap_or(0)));
    if let Some(entry) = chosen.and_then(|chosen| parsed.entries.get_mut(chosen)) {
        entry.is_default = true;
    }
    let words = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = words.flat_map(str::split_whitespace);
    parsed.labels = words.filter_map(volume_label::from_argument).collect();
    parsed
}

/// Returns the lines with the kernel's arguments of entries: the last `append` of each, which is
/// the one that counts.
pub(super) fn kernel_lines(text: &str) -> Vec<KernelLine> {
    let mut lines: Vec<KernelLine> = Vec::new();
    let mut entries = 0;
    for (index, placed) in parse_lines(text).iter().enumerate() {
        match placed.directive {
            Directive::Label(_) => entries += 1,
            Directive::Append(append) if placed.is_in_label => {
                let head = format!("{}{}", placed.line.indent(), split_word(placed.line.text).0);
                let args = append.split_whitespace().map(str::to_owned).collect();
                lines.retain(|line| line.entry != entries - 1);
                lines.push(KernelLine { index, entry: entries - 1, head, args });
            }
            _ => {}
        }
    }
    lines
}

/// Returns the line as undecided when a menu module gets a file: it reads its entries there.
fn undecided_menu_file(index: usize, line: &str, command: &str) -> Option<UndecidedLine> {
    let more = !split_word(command).1.is_empty();
    more.then(|| {
        UndecidedLine::elsewhere(index, line, "the menu reads a file that is not followed")
    })
}

/// Whether a `default` starts a menu module instead of an entry.
fn is_module(command: &str) -> bool {
    split_word(command).0.to_ascii_lowercase().ends_with(".c32")
}

/// The label of the entry that shows the vendor's own menu.
const VENDOR_LABEL: &str = "vendor";

/// Writes a menu of two entries: the new one, which starts by itself, and one that goes on with the
/// vendor's own menu, in the file `vendor`, byte for byte. For a menu that is spread over several
/// files, or that a program shows which reads none of this. `whole` is the text of all its files,
/// `base` an entry of it; `has_menu` says whether `vesamenu.c32` is beside it.
pub(super) fn in_front(
    whole: &str,
    base: &MenuEntry,
    new: &NewMenuEntry,
    label: &str,
    vendor: &str,
    has_menu: bool,
) -> String {
    let end = line_ending(whole);
    let placed = parse_lines(whole);
    let tenths = u64::from(new.timeout_s).saturating_mul(10).max(1);
    let mut output = String::new();
    // Where syslinux 6 looks for the libraries of its modules.
    let is_path = |placed: &&ParsedLine<'_>| split_word(placed.line.text).0 == "path";
    if let Some(path) = placed.iter().find(is_path) {
        output += &format!("{}{end}", path.line.text);
    }
    output += &if has_menu {
        format!("ui vesamenu.c32{end}prompt 0{end}")
    } else {
        format!("default {label}{end}prompt 1{end}")
    };
    output += &format!("timeout {tenths}{end}{end}");
    output += &copy_block(&placed[base.lines.clone()], base, new, label, end);
    output += &format!("label {VENDOR_LABEL}{end}");
    output += &format!("  menu label The vendor's menu{end}  config {vendor}{end}");
    output
}

pub(super) fn with_entry(text: &str, base: &MenuEntry, new: &NewMenuEntry, label: &str) -> String {
    let end = line_ending(text);
    let placed = parse_lines(text);
    // Zero tenths would mean to wait for ever.
    let tenths = u64::from(new.timeout_s).saturating_mul(10).max(1);
    let has = |wanted: fn(&Directive<'_>) -> bool| placed.iter().any(|p| wanted(&p.directive));
    let first = placed
        .iter()
        .position(|p| matches!(p.directive, Directive::Label(_) | Directive::MenuBegin))
        .unwrap_or(placed.len());
    // With neither a menu nor a prompt the default starts at once (syslinux.txt, PROMPT). What an included file shows is unknown.
    let shows_menu = placed.iter().any(|p| match p.directive {
        Directive::Ui(_) | Directive::Include(_) => true,
        Directive::Default(command) => is_module(command),
        _ => false,
    });

    let mut output = String::with_capacity(text.len() + 512);
    for (number, placed_line) in placed.iter().enumerate() {
        let ParsedLine { line, directive, depth, is_in_label } = placed_line;
        if number == first {
            if !has(|d| matches!(d, Directive::Timeout(_))) {
                output += &format!("timeout {tenths}{end}");
            }
            if !has(|d| matches!(d, Directive::Default(_) | Directive::Ui(_))) {
                output += &format!("default {label}{end}");
            }
            if !shows_menu && !has(|d| matches!(d, Directive::Prompt(_))) {
                output += &format!("prompt 1{end}");
            }
            output += &copy_block(&placed[base.lines.clone()], base, new, label, end);
        }
        let keyword = split_word(line.text).0;
        let set =
            |value: &str| format!("{}{keyword} {value}{}", line.indent(), ending_of_line(line));
        match directive {
            Directive::Timeout(_) => output += &set(&tenths.to_string()),
            Directive::OnTimeout(_) => output += &set(label),
            Directive::Prompt(_) if !shows_menu => output += &set("1"),
            Directive::Default(command) if !is_module(command) => output += &set(label),
            // `menu default` of another entry, or of a sub-menu, would outrank that of the new one.
            Directive::MenuDefault if *depth == 0 || (*depth == 1 && !is_in_label) => {}
            _ => output += line.whole,
        }
    }
    output
}

fn ending_of_line<'t>(line: &Line<'t>) -> &'t str {
    &line.whole[line.text.len()..]
}

/// Returns the new entry: the vendor's block without the directives of its place in the menu.
fn copy_block(
    vendor: &[ParsedLine<'_>],
    base: &MenuEntry,
    new: &NewMenuEntry,
    label: &str,
    end: &str,
) -> String {
    let is_kernel = |placed: &&ParsedLine<'_>| matches!(placed.directive, Directive::Kernel(_));
    let indent = vendor.iter().find(is_kernel).map_or("  ", |placed| placed.line.indent());
    let mut block = format!("label {label}{end}");
    for directive in [format!("menu label {}", new.title), "menu default".to_owned()] {
        block += &format!("{indent}{directive}{end}");
    }
    for placed in vendor {
        match placed.directive {
            Directive::Kernel(kernel) => {
                let keyword = split_word(placed.line.text).0;
                block += &format!("{indent}{keyword} {}{end}", split_word(kernel).0);
            }
            Directive::Initrd(_) if !new.initrds.is_empty() => {
                let (vendor, more) = (placed.line.text.trim_end(), new.initrds.join(","));
                block += &format!("{vendor},{more}{end}");
            }
            Directive::Initrd(_) | Directive::Other => {
                block += &format!("{}{end}", placed.line.text);
            }
            _ => {}
        }
    }
    let is_initrd_line =
        vendor.iter().any(|placed| matches!(placed.directive, Directive::Initrd(_)));
    let mut initrds: Vec<&str> = base.initrd.iter().map(String::as_str).collect();
    initrds.extend(new.initrds.iter().map(String::as_str));
    let initrd = (!is_initrd_line).then(|| format!("initrd={}", initrds.join(",")));
    let vendor = base.args.iter().filter(|arg| keeps_argument(arg)).map(String::as_str);
    let args = with_arguments(vendor, &new.args);
    let words = initrd.filter(|_| !initrds.is_empty()).into_iter();
    let append = words.chain(args.into_iter().map(str::to_owned)).collect::<Vec<_>>().join(" ");
    block += &format!("{indent}append {append}{end}{end}");
    block
}

#[cfg(test)]
mod tests;
