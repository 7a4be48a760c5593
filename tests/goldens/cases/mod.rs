//! All cases.

mod help;
mod hosts;
mod images;
mod sites;
mod texts;
mod wrong;

use preflight::report::FORMATS;

use super::case::{Case, case};
use super::inputs::{AGENT, FULL, Inputs};

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
    let every = FORMATS.iter().map(|format| (format.name, ""));
    every
        .chain([("text", " -v")])
        .map(|(format, more)| {
            let ending = if more.is_empty() { "" } else { "-verbose" };
            case(format!("{name}-{format}{ending}"))
                .with(inputs)
                .run(&format!("{line} --format {format} NOW{more}"))
        })
        .collect()
}
