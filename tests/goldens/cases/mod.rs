//! All cases.

mod help;
mod hosts;
mod images;
mod sites;
mod texts;
mod wrong;

use super::case::{Case, case};
use super::inputs::{AGENT, FULL, Inputs};

/// The formats of reports, each with the ending of its golden file's name.
const FORMATS: &[(&str, &str)] = &[
    ("text", ""),
    ("text", " -v"),
    ("json", ""),
    ("markdown", ""),
    ("html", ""),
    ("junit", ""),
    ("sarif", ""),
    ("prometheus", ""),
    ("nagios", ""),
    ("github", ""),
];

/// Every case there is.
pub fn all(inputs: &Inputs) -> Vec<Case> {
    let mut cases = help::cases(inputs);
    cases.extend(images::cases());
    cases.extend(hosts::cases());
    cases.extend(sites::cases());
    cases.extend(texts::cases());
    cases.extend(wrong::cases());
    cases
}

/// One case for each format of a report of a command.
fn in_every_format(name: &str, line: &str, inputs: &[&'static str]) -> Vec<Case> {
    FORMATS
        .iter()
        .map(|(format, more)| {
            let ending = if more.is_empty() { "" } else { "-verbose" };
            case(format!("{name}-{format}{ending}"))
                .with(inputs)
                .run(&format!("{line} --format {format} NOW{more}"))
        })
        .collect()
}
