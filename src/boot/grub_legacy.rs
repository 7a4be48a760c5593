//! BOOTX64.conf: the menu of GRUB 0.97, which el6 boots under UEFI.
//!
//! Not for other commands: what is not a title, a kernel, an initrd, `default` or `timeout` is
//! copied unchanged.

use std::time::Duration;

use super::entry::{
    KernelLine, MenuEntry, NewMenuEntry, ParsedMenu, UndecidedLine, keeps_argument,
};
use super::lines::{Line, line_ending, split_lines};
use super::volume_label;

/// Splits a line into its first word and the rest; GRUB takes `=` for a blank here.
fn split_word(line: &str) -> (&str, &str) {
    let line = line.trim();
    let end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
    (&line[..end], line[end..].trim_start_matches(|c: char| c.is_whitespace() || c == '='))
}

/// Splits a `kernel` line into its own options, the path and the kernel's arguments.
fn split_kernel_line(rest: &str) -> (Vec<&str>, Option<&str>, Vec<&str>) {
    let mut words = rest.split_whitespace().peekable();
    let mut options = Vec::new();
    while let Some(option) = words.next_if(|word| word.starts_with("--")) {
        options.push(option);
    }
    let path = words.next();
    (options, path, words.collect())
}

pub(super) fn parse(text: &str) -> ParsedMenu {
    let mut parsed = ParsedMenu::default();
    let mut default = 0;
    for (number, line) in split_lines(text).into_iter().enumerate() {
        let (first, rest) = split_word(line.text);
        let open = parsed.entries.last_mut();
        match (first, open) {
            ("title", _) => {
                let (id, title) = (rest.trim_end().to_owned(), rest.trim_end().to_owned());
                let lines = number..number + 1;
                parsed.entries.push(MenuEntry { id, title, lines, ..MenuEntry::default() });
                continue;
            }
            ("default", _) => {
                default = rest.parse().unwrap_or(0);
                if rest.trim().parse::<usize>().is_err() {
                    let why = "the default is kept elsewhere";
                    let undecided = UndecidedLine::new(number, line.text, why);
                    parsed.undecided.push(UndecidedLine { is_rewritten: true, ..undecided });
                }
            }
            ("configfile", None) => {
                let why = "the file that it reads is not followed";
                parsed.undecided.push(UndecidedLine::elsewhere(number, line.text, why));
            }
            ("timeout", _) => parsed.timeout = rest.parse().ok().map(Duration::from_secs),
            ("kernel", Some(entry)) => {
                let (_, path, args) = split_kernel_line(rest);
                entry.kernel = path.map(str::to_owned);
                entry.args = args.into_iter().map(str::to_owned).collect();
                parsed
                    .labels
                    .extend(entry.args.iter().filter_map(|arg| volume_label::from_argument(arg)));
            }
            ("initrd", Some(entry)) => {
                entry.initrd = Some(rest.trim_end().to_owned()).filter(|path| !path.is_empty());
            }
            _ => {}
        }
        if let Some(entry) = parsed.entries.last_mut()
            && !first.is_empty()
            && !first.starts_with('#')
        {
            entry.lines.end = number + 1;
        }
    }
    if let Some(entry) = parsed.entries.get_mut(default) {
        entry.is_default = true;
    }
    parsed
}

/// Returns the kernel lines of entries.
pub(super) fn kernel_lines(text: &str) -> Vec<KernelLine> {
    let (mut lines, mut entries) = (Vec::new(), 0_usize);
    for (index, line) in split_lines(text).into_iter().enumerate() {
        let (first, rest) = split_word(line.text);
        entries += usize::from(first == "title");
        if let ("kernel", Some(entry)) = (first, entries.checked_sub(1)) {
            let (options, path, args) = split_kernel_line(rest);
            let words = [&options[..], path.as_slice()].concat().join(" ");
            let head = format!("{}kernel {words}", line.indent());
            let args = args.into_iter().map(str::to_owned).collect();
            lines.push(KernelLine { index, entry, head, args });
        }
    }
    lines
}

pub(super) fn with_entry(text: &str, base: &MenuEntry, new: &NewMenuEntry) -> String {
    let end = line_ending(text);
    let all = split_lines(text);
    let has = |key: &str| all.iter().any(|line| split_word(line.text).0 == key);
    let (has_default, has_timeout) = (has("default"), has("timeout"));
    let first = all.iter().position(|line| split_word(line.text).0 == "title").unwrap_or(all.len());

    let mut output = String::with_capacity(text.len() + 512);
    for (number, line) in all.iter().enumerate() {
        if number == first {
            if !has_default {
                output += &format!("default=0{end}");
            }
            if !has_timeout {
                output += &format!("timeout={}{end}", new.timeout_s);
            }
            output += &copy_block(&all[base.lines.clone()], base, new, end);
        }
        match split_word(line.text) {
            ("default", value) => output += &with_value(line, value, "0"),
            ("timeout", value) => output += &with_value(line, value, &new.timeout_s.to_string()),
            ("fallback", value) => output += &with_value(line, value, &shift_entry_numbers(value)),
            _ => output += line.whole,
        }
    }
    output
}

/// Returns `line` with another value; everything around the value stays.
fn with_value(line: &Line<'_>, value: &str, new: &str) -> String {
    let text = line.text.trim_end();
    let head = &text[..text.len() - value.len()];
    let head = if value.is_empty() { format!("{head} ") } else { head.to_owned() };
    format!("{head}{new}{}", &line.whole[line.text.len()..])
}

/// Returns the numbers of entries, each increased by one.
fn shift_entry_numbers(numbers: &str) -> String {
    let shift = |word: &str| match word.parse::<u32>() {
        Ok(number) => number.saturating_add(1).to_string(),
        Err(_) => word.to_owned(),
    };
    numbers.split_whitespace().map(shift).collect::<Vec<_>>().join(" ")
}

/// Returns the new entry: the vendor's block with another title and other arguments.
fn copy_block(vendor: &[Line<'_>], base: &MenuEntry, new: &NewMenuEntry, end: &str) -> String {
    let mut block = format!("title {}{end}", new.title);
    for line in &vendor[1..] {
        match split_word(line.text) {
            ("kernel", rest) => {
                let (options, path, _) = split_kernel_line(rest);
                let args = base.args.iter().filter(|arg| keeps_argument(arg)).chain(&new.args);
                let words = ["kernel"].into_iter().chain(options).chain(path);
                let words = words.chain(args.map(String::as_str)).collect::<Vec<_>>().join(" ");
                block += &format!("{}{words}{end}", line.indent());
            }
            ("savedefault" | "", _) => {}
            (comment, _) if comment.starts_with('#') => {}
            _ => block += &format!("{}{end}", line.text),
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::super::{BootConfig, BootConfigError, MenuFormat};
    use super::*;

    /// The shape of EFI/BOOT/BOOTX64.conf on CentOS 6 media.
    const EL6: &str = "#debug --graphics
default=0
splashimage=/EFI/BOOT/splash.xpm.gz
timeout 5
hiddenmenu
title CentOS 6.6
\tkernel /images/pxeboot/vmlinuz
\tinitrd /images/pxeboot/initrd.img
title Install system with basic video driver
\tkernel /images/pxeboot/vmlinuz xdriver=vesa nomodeset askmethod
\tinitrd /images/pxeboot/initrd.img
title rescue
\tkernel /images/pxeboot/vmlinuz rescue askmethod
\tinitrd /images/pxeboot/initrd.img
";

    fn new() -> NewMenuEntry {
        NewMenuEntry::unattended("ks=cdrom:/ks.cfg", 1)
    }

    fn config(text: &str) -> BootConfig {
        BootConfig::parse(MenuFormat::GrubLegacy, text).unwrap()
    }

    #[test]
    fn the_menu_of_el6_is_read() {
        let config = config(EL6);
        let seen: Vec<_> = config
            .entries()
            .iter()
            .map(|e| (e.title.as_str(), e.args.len(), e.is_default))
            .collect();
        let expected = [
            ("CentOS 6.6", 0, true),
            ("Install system with basic video driver", 3, false),
            ("rescue", 2, false),
        ];
        assert_eq!(seen, expected);
        assert_eq!(config.start(), crate::boot::MenuStart::After(Duration::from_secs(5)));
        assert_eq!(
            config.kernel_lines()[2],
            "rescue: /images/pxeboot/vmlinuz rescue askmethod initrd=/images/pxeboot/initrd.img"
        );
    }

    #[test]
    fn an_unattended_entry_comes_first_and_the_rest_stays() {
        let added = "title Install unattended\n\tkernel /images/pxeboot/vmlinuz ks=cdrom:/ks.cfg\n\tinitrd /images/pxeboot/initrd.img\n";
        let expected = EL6
            .replace("timeout 5", "timeout 1")
            .replace("title CentOS", &format!("{added}title CentOS"));
        assert_eq!(config(EL6).with_unattended_entry(&new()).unwrap(), expected);
        let windows = EL6.replace('\n', "\r\n");
        let grown = config(&windows).with_unattended_entry(&new()).unwrap();
        assert_eq!(grown, expected.replace('\n', "\r\n"));
        assert!(config(&grown).entries()[0].is_default);
        assert!(matches!(
            config(&grown).with_unattended_entry(&new()),
            Err(BootConfigError::Exists(..))
        ));
    }

    #[test]
    fn both_spellings_of_a_setting_are_kept_and_missing_ones_are_added() {
        let entry = "title a\n kernel --no-mem-option /k ks=nfs:x root=live:CDLABEL=X\n root (cd)\n initrd /i\n";
        let added = "title Install unattended\n kernel --no-mem-option /k root=live:CDLABEL=X ks=cdrom:/ks.cfg\n root (cd)\n initrd /i\n";
        for (head, expected) in [
            ("", "default=0\ntimeout=1\n"),
            ("default 2\ntimeout=10\n", "default 0\ntimeout=1\n"),
            ("default = 2\nfallback 1 2\n", "default = 0\nfallback 2 3\ntimeout=1\n"),
            ("default saved\ntimeout\n", "default 0\ntimeout 1\n"),
        ] {
            let text = format!("{head}{entry}");
            let grown = config(&text).with_unattended_entry(&new()).unwrap();
            assert_eq!(grown, format!("{expected}{added}{entry}"));
        }
        assert_eq!(config(entry).volume_labels(), ["X"]);
    }

    #[test]
    fn odd_lines_do_not_panic() {
        for text in
            ["", "title", "kernel", "title\nkernel --x\ninitrd", "default", "=", "default=9"]
        {
            assert!(config(text).with_unattended_entry(&new()).is_err(), "{text:?}");
        }
    }
}
