//! Names of options, the kinds of their values and the number of arguments, by the tables of the
//! installer's generation.
//!
//! Not for what other rules report better: see `CHECKED_ELSEWHERE`.

use super::{Findings, LintSubject};
use crate::installer::kickstart::command::Command;
use crate::installer::kickstart::options::{CommandUsage, OptionError, ValueKind, table};
use crate::yaml::closest_match;

/// Options and commands whose values another rule checks with better words.
const CHECKED_ELSEWHERE: &[(&str, &str)] = &[
    ("part", "--size"),
    ("partition", "--size"),
    ("bootloader", "--location"),
    ("network", "--bootproto"),
    ("network", ""),
    ("zerombr", ""),
    ("rootpw", ""),
];

/// Commands that need one of several options (pykickstart 3.78).
const ONE_OF: &[(&str, &[&str])] = &[
    ("harddrive", &["--biospart", "--partition"]),
    ("ignoredisk", &["--drives", "--only-use", "--interactive"]),
    ("services", &["--disabled", "--enabled"]),
    ("url", &["--url", "--mirrorlist", "--metalink"]),
];

/// The same of el6 alone; el7 knows repositories by their name.
const ONE_OF_EL6: &[(&str, &[&str])] = &[("repo", &["--baseurl", "--mirrorlist"])];

/// Options of which a command takes only one (pykickstart 3.78).
const NOT_BOTH: &[(&str, &[&str])] = &[
    ("repo", &["--baseurl", "--mirrorlist", "--metalink"]),
    ("url", &["--url", "--mirrorlist", "--metalink"]),
    ("timezone", &["--nontp", "--ntpservers"]),
    ("logvol", &["--thin", "--thinpool"]),
    ("logvol", &["--size", "--percent"]),
    ("part", &["--mkfsoptions", "--noformat"]),
    ("part", &["--mkfsoptions", "--fsprofile"]),
    ("logvol", &["--mkfsoptions", "--noformat"]),
    ("logvol", &["--mkfsoptions", "--fsprofile"]),
    ("raid", &["--mkfsoptions", "--noformat"]),
    ("raid", &["--mkfsoptions", "--fsprofile"]),
];

/// Options that need another one of the same command (pykickstart 3.78).
const TOGETHER: &[(&str, &str, &[&str])] = &[
    ("part", "--resize", &["--onpart", "--usepart"]),
    ("part", "--resize", &["--size"]),
    ("logvol", "--resize", &["--useexisting"]),
    ("logvol", "--resize", &["--size"]),
    ("logvol", "--thin", &["--poolname"]),
    ("network", "--bridgeopts", &["--bridgeslaves"]),
];

/// Values of options that pykickstart compares by itself.
const VALUES: &[(&str, &str, &[&str])] = &[
    ("autopart", "--type", &["lvm", "btrfs", "plain", "partition", "thinp"]),
    (
        "raid",
        "--level",
        &["0", "1", "4", "5", "6", "10", "raid0", "raid1", "raid4", "raid5", "raid6", "raid10"],
    ),
];

pub(super) fn check(subject: &LintSubject<'_>, findings: &mut Findings) {
    let table = table(subject.generation);
    for placed in &subject.document.commands {
        if let Some(usage) = table.usage(&placed.command.name).filter(|_| !placed.unbalanced) {
            check_usage(subject.is_el6(), placed.line, &placed.command, usage, findings);
        }
    }
    for section in &subject.document.sections {
        if let Some(usage) = table.usage(&section.header.name) {
            check_usage(subject.is_el6(), section.line, &section.header, usage, findings);
        }
    }
}

fn is_checked_elsewhere(command: &Command, option: &str) -> bool {
    CHECKED_ELSEWHERE.contains(&(command.name.as_str(), option))
}

fn check_usage(
    is_el6: bool,
    line: usize,
    command: &Command,
    usage: &CommandUsage,
    findings: &mut Findings,
) {
    let Some(arguments) = usage.arguments else { return };
    let mut words = command.words.iter().peekable();
    let (mut named, mut seen) = (0, Vec::new());
    let mut stray = None;
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word.len() == 1 || word.parse::<i64>().is_ok() {
            named += 1;
            if named > arguments.max {
                stray.get_or_insert(word);
            }
            continue;
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.as_str(), None),
        };
        let option = match usage.find(name) {
            Ok(option) => option,
            Err(why) => {
                report_unknown(line, command, usage, name, why, findings);
                // What stands behind it may be its value.
                continue;
            }
        };
        seen.push(option.name);
        let value = match (&option.value, value) {
            (ValueKind::Nothing, None) => continue,
            (ValueKind::Nothing, Some(_)) => {
                let message = format!("{name} takes no value");
                findings.error(line, "bad-value", message).at_word(word);
                continue;
            }
            (_, Some(value)) => Some(value),
            (_, None) => words
                .next_if(|next| !next.starts_with('-') || next.parse::<i64>().is_ok())
                .map(String::as_str),
        };
        let wanted = match (&option.value, value) {
            (_, None) => Some("a value behind it".to_owned()),
            (ValueKind::Number, Some(text)) if !is_number(text) => {
                Some("a whole number".to_owned())
            }
            (ValueKind::YesOrNo, Some(text)) if !is_yes_or_no(text) => Some("yes or no".to_owned()),
            (ValueKind::OneOf(choices), Some(text)) if !choices.contains(&text) => {
                Some(format!("one of {}", choices.join(", ")))
            }
            _ => None,
        };
        if let Some(wanted) = wanted.filter(|_| !is_checked_elsewhere(command, option.name)) {
            let message = match value {
                Some(value) => format!("{name}: {value:?}, where {wanted} is expected"),
                None => format!("{name} needs {wanted}"),
            };
            findings.error(line, "bad-value", message).at_word(word);
        }
    }
    check_required(line, command, usage, &seen, findings);
    check_combinations(line, command, &seen, findings);
    let of_el6 = if is_el6 { ONE_OF_EL6 } else { &[] };
    for (name, options) in ONE_OF.iter().chain(of_el6).filter(|(name, _)| *name == command.name) {
        let known: Vec<&str> =
            options.iter().copied().filter(|option| usage.find(option).is_ok()).collect();
        if known.len() > 1 && !known.iter().any(|option| seen.contains(option)) {
            let message = format!("{name} needs one of {}", known.join(", "));
            findings.error(line, "missing-option", message);
        }
    }
    if let Some(word) = stray.filter(|_| !is_checked_elsewhere(command, "")) {
        let message = format!("{word:?} is one word more than {} takes", command.name);
        findings.error(line, "extra-word", message).at_word(word);
    }
    if named < arguments.min && !is_checked_elsewhere(command, "") {
        findings.error(line, "missing-word", format!("{} needs a value", command.name));
    }
}

/// Checks for options that exclude one another, and for those that need another.
fn check_combinations(line: usize, command: &Command, seen: &[&str], findings: &mut Findings) {
    let name = if command.name == "partition" { "part" } else { command.name.as_str() };
    for (_, options) in NOT_BOTH.iter().filter(|(of, _)| *of == name) {
        let both: Vec<&str> =
            options.iter().copied().filter(|option| seen.contains(option)).collect();
        if both.len() > 1 {
            let message = format!("{} exclude one another", both.join(" and "));
            findings.error(line, "options-exclude", message).at_word(both[1]);
        }
    }
    for (_, option, others) in
        TOGETHER.iter().filter(|(of, option, _)| *of == name && seen.contains(option))
    {
        if !others.iter().any(|other| seen.contains(other)) {
            let message = format!("{option} needs {} beside it", others.join(" or "));
            findings.error(line, "missing-option", message).at_word(option);
        }
    }
    for (_, option, values) in VALUES.iter().filter(|(of, ..)| *of == name) {
        let value = command.option(option).unwrap_or_default();
        if !value.is_empty() && !values.contains(&value.to_ascii_lowercase().as_str()) {
            let message =
                format!("{option}: {value:?}, where one of {} is expected", values.join(", "));
            findings.error(line, "bad-value", message).at_word(value);
        }
    }
    let url = command.option("--url").unwrap_or_default();
    let known = ["file:", "http:", "https:"].iter().any(|scheme| url.starts_with(scheme));
    if name == "ostreesetup" && !url.is_empty() && !known {
        let message = format!("{url:?} is neither a file:, http: nor https: address");
        findings.error(line, "bad-value", message).at_word(url);
    }
    let arguments = command.arguments();
    let words = match name {
        "volgroup"
            if arguments.len() < 2
                && !command.has("--useexisting")
                && !command.has("--noformat") =>
        {
            Some("a name and a list of partitions")
        }
        "volgroup" if arguments.is_empty() => Some("a name"),
        "raid"
            if arguments.len() < 2
                && !command.has("--useexisting")
                && !command.has("--noformat") =>
        {
            Some("a mount point and its members")
        }
        "keyboard"
            if arguments.len() != 1
                && !(arguments.is_empty()
                    && (command.has("--vckeymap") || command.has("--xlayouts"))) =>
        {
            Some("one keyboard")
        }
        "sshpw" | "driverdisk"
            if arguments.is_empty() && !command.has("--source") && !command.has("--biospart") =>
        {
            Some("a word behind it")
        }
        "timezone" if arguments.len() > 1 => Some("one time zone"),
        _ => None,
    };
    if let Some(words) = words {
        findings.error(line, "missing-word", format!("{name} needs {words}"));
    }
}

fn report_unknown(
    line: usize,
    command: &Command,
    usage: &CommandUsage,
    name: &str,
    why: OptionError,
    findings: &mut Findings,
) {
    let worth_it = findings.has_room("unknown-option");
    let message = match why {
        OptionError::Unknown => {
            format!("{} has no option {name}, and the installer stops", command.name)
        }
        OptionError::Ambiguous => format!("{name} is the beginning of several options"),
    };
    let finding = findings.error(line, "unknown-option", message).at_word(name);
    let names = usage.options().iter().map(|option| option.name);
    if let Some(near) = worth_it.then(|| closest_match(name, names)).flatten() {
        finding.hint(format!("write {near}"));
    }
}

fn check_required(
    line: usize,
    command: &Command,
    usage: &CommandUsage,
    seen: &[&str],
    findings: &mut Findings,
) {
    let required: Vec<&str> =
        usage.options().iter().filter(|option| option.required).map(|option| option.name).collect();
    for name in required.iter().filter(|name| !seen.contains(name)) {
        findings
            .error(line, "missing-option", format!("{} needs {name}", command.name))
            .hint(format!("add {name}=..."));
    }
}

/// A whole number as Python reads one.
fn is_number(text: &str) -> bool {
    let digits = text.trim().trim_start_matches(['+', '-']);
    !digits.is_empty()
        && digits
            .split('_')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// What pykickstart takes for a yes or a no.
fn is_yes_or_no(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["on", "yes", "true", "1", "off", "no", "false", "0"].contains(&text.as_str())
}
