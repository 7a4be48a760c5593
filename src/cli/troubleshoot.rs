//! `troubleshoot`: from what people see to what it comes from, and, with a target, which of it.
//!
//! Not for how symptoms are recognised (`check::matching`) nor for how hosts are asked (`host`).

use std::io::{IsTerminal, Read, Write};

use anyhow::Context;

use super::args::{TextOrJson, Troubleshoot};
use super::{Exit, host, screen, site};
use crate::assets::Assets;
use crate::check::matching::{MAX_BYTES, Matches};
use crate::check::scope::Scope;
use crate::check::{CheckSet, SymptomSet, Target, Waiver, engine};
use crate::report::candidates::{self, Troubleshooting};
use crate::report::{Style, candidates_text};

/// Says what a text speaks of, and asks the targets about it.
pub fn troubleshoot(args: &Troubleshoot, assets: &Assets) -> anyhow::Result<Exit> {
    let text = text(&args.words)?;
    let checks = super::check::set(assets, None)?;
    let symptoms = SymptomSet::load(assets, &checks)?;
    let matches = symptoms.matches(&text);
    let told = args.site.file.is_some() || !args.targets.is_empty();
    let (said, interrupted) = match told && !matches.candidates.is_empty() {
        false => (Troubleshooting::asked_nobody(&matches, &checks), false),
        true => {
            let around = site::choose(&args.site, &args.targets, &checks)?;
            let asked = host::asked(args, &checks, &around)?;
            (judged(&matches, &checks, &asked.targets, &around.site.waivers), asked.interrupted)
        }
    };
    let shown = match args.format {
        TextOrJson::Json => candidates::json(&said),
        TextOrJson::Text => {
            let colour = screen::colour_on(&std::io::stdout());
            candidates_text::render(&said, &Style { colour, ..Style::default() })
        }
    };
    std::io::stdout().write_all(shown.as_bytes())?;
    Ok(if interrupted { Exit::Interrupted } else { Exit::of_report(said.exit_code) })
}

/// Judges the checks that the symptoms point to, and no others.
fn judged(
    matches: &Matches<'_>,
    checks: &CheckSet,
    targets: &[Target],
    waivers: &[Waiver],
) -> Troubleshooting {
    let suspected: Vec<&str> = matches.candidates.iter().flat_map(|c| c.symptom.checks()).collect();
    let scope = Scope::of(checks, targets).only(checks, &suspected);
    let findings = engine::judge_scope(checks, targets, &scope, waivers, jiff::Timestamp::now());
    Troubleshooting::asked(matches, checks, targets, &findings)
}

/// The words of the command line, or what is pasted on standard input.
fn text(words: &[String]) -> anyhow::Result<String> {
    let pasted = match words {
        [] => true,
        [word] => word == "-",
        _ => false,
    };
    let text = if pasted { standard_input(words.is_empty())? } else { words.join(" ") };
    anyhow::ensure!(
        text.len() <= MAX_BYTES,
        "the text has more than {} KiB: paste the lines around the error, or pipe in tail -c 200000",
        MAX_BYTES / 1024
    );
    Ok(text)
}

fn standard_input(unasked: bool) -> anyhow::Result<String> {
    let input = std::io::stdin();
    anyhow::ensure!(
        !(unasked && input.is_terminal()),
        "what do you see? Give it in words, as an error code, or paste a log with - and end it with Ctrl-D"
    );
    let mut bytes = Vec::new();
    let most = MAX_BYTES as u64 + 1;
    input.lock().take(most).read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(decoded(&bytes))
}

/// Logs of Windows servers are often UTF-16; whatever else is no UTF-8 loses only those bytes.
fn decoded(bytes: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect()
    };
    match bytes {
        [0xff, 0xfe, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_windows_are_read_too() {
        for (bytes, text) in [
            (&b"abc"[..], "abc"),
            (b"\xff\xfea\0b\0", "ab"),
            (b"\xfe\xff\0a\0b", "ab"),
            (b"\xff\xfe", ""),
            (b"a\xffb", "a\u{fffd}b"),
        ] {
            assert_eq!(decoded(bytes), text);
        }
    }
}
