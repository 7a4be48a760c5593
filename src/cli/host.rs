//! `check host`, `collect host` and `collect script`: hosts asked, and what they answered judged.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::Exit;
use super::args::{Asking, CheckHost, CollectHost, CollectScript};
use super::check::Reporting;
use crate::assets::Assets;
use crate::check::{self, CheckSet, Target, TargetKind};
use crate::facts::Document;
use crate::facts::host::{self, HostFacts};
use crate::facts::probe::Surroundings;
use crate::facts::script::Nonce;
use crate::facts::transcript::Transcript;
use crate::image::replacement::Replacement;
use crate::report::Report;
use crate::transport::local::Local;
use crate::transport::{self, Transport, capture};

/// What a target's name stands for.
enum Place {
    /// A host that is asked now.
    Live(Box<dyn Transport>),
    /// Hosts that were asked before.
    Captures(Vec<Transcript>),
}

/// Asks every target, and judges what it answered.
pub fn check(args: &CheckHost, assets: &Assets) -> anyhow::Result<Exit> {
    let reporting = Reporting::of(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let places: Vec<(&str, Place)> = args
        .targets
        .iter()
        .map(|name| Ok((name.as_str(), place(name, &args.asking)?)))
        .collect::<anyhow::Result<_>>()?;
    let transcripts = transcripts(places, &args.asking);
    let report = judge(&transcripts, &checks, reporting.fail_on);
    reporting.show(&report)
}

/// Asks one target and saves what it answered.
pub fn collect(args: &CollectHost) -> anyhow::Result<Exit> {
    let place = place(&args.target, &args.asking)?;
    let transcripts = transcripts(vec![(&args.target, place)], &args.asking);
    let text: String = transcripts.iter().map(capture::text).collect();
    match &args.out {
        Some(path) => {
            let out = Replacement::open(path, true, &[])?;
            out.file()
                .write_all(text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
            out.commit()?;
        }
        None => std::io::stdout().write_all(text.as_bytes())?,
    }
    let silent = transcripts.iter().any(|transcript| transcript.connection.failure.is_some());
    Ok(if silent { Exit::Undecided } else { Exit::Clean })
}

/// Prints the script that would be sent.
pub fn script(args: &CollectScript) -> Exit {
    let probes = host::probes();
    let nonce = Nonce::of_the_shell();
    let text = crate::facts::script::script(&probes, &surroundings(&args.asking), &nonce);
    anstream::print!("{text}");
    Exit::Clean
}

fn place(name: &str, asking: &Asking) -> anyhow::Result<Place> {
    let timeout = Duration::from_secs(asking.timeout);
    if name == "local:" {
        return Ok(Place::Live(Box::new(Local { timeout })));
    }
    if let Some(path) = name.strip_prefix("capture:") {
        return Ok(Place::Captures(capture::read(Path::new(path))?));
    }
    anyhow::bail!("target {name:?}: expected ssh://USER@HOST, local: or capture:FILE")
}

fn surroundings(asking: &Asking) -> Surroundings {
    Surroundings {
        retention: asking.retention.clone(),
        configuration_server: asking.cs.clone(),
        ..Surroundings::default()
    }
}

fn transcripts(places: Vec<(&str, Place)>, asking: &Asking) -> Vec<Transcript> {
    let (probes, around) = (host::probes(), surroundings(asking));
    let kind = TargetKind::LinuxMt.word();
    let asked = places.into_iter().flat_map(|(name, place)| match place {
        Place::Live(transport) => {
            vec![transport::record(name, kind, transport.as_ref(), &probes, &around)]
        }
        Place::Captures(transcripts) => transcripts,
    });
    asked.collect()
}

/// What hosts answered, as what is judged.
fn targets(transcripts: &[Transcript]) -> Vec<Target> {
    let target = |transcript: &Transcript| Target {
        name: transcript.target.clone(),
        kind: TargetKind::LinuxMt,
        document: Document::new("mt", &HostFacts::of(transcript)),
    };
    transcripts.iter().map(target).collect()
}

/// Asks hosts that are named as for `check host`, for others to judge.
pub fn asked(names: &[String], asking: &Asking) -> anyhow::Result<Vec<Target>> {
    let places: Vec<(&str, Place)> = names
        .iter()
        .map(|name| Ok((name.as_str(), place(name, asking)?)))
        .collect::<anyhow::Result<_>>()?;
    Ok(targets(&transcripts(places, asking)))
}

fn judge(transcripts: &[Transcript], checks: &CheckSet, fail_on: check::status::FailOn) -> Report {
    let targets = targets(transcripts);
    let now = jiff::Timestamp::now();
    let findings = check::judge(checks, &targets, &[], now);
    let scope = check::scope(checks, &targets);
    Report::new(&targets, &findings, &scope.not_asked, &[], now, fail_on)
}
