//! `check host`, `collect host` and `collect script`: hosts asked, and what they answered judged.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;

use super::Exit;
use super::args::{Asking, CheckHost, CollectHost, CollectScript};
use super::check::Reporting;
use super::login::Login;
use crate::assets::Assets;
use crate::check::{self, CheckSet, Target, TargetKind};
use crate::facts::Document;
use crate::facts::host::{self, HostFacts};
use crate::facts::probe::Surroundings;
use crate::facts::script::Nonce;
use crate::facts::transcript::Transcript;
use crate::image::replacement::{Readers, Replacement};
use crate::report::Report;
use crate::transport::local::Local;
use crate::transport::{self, Transport, capture, target};

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
    let timeout = args.asking.timeout;
    let login = Login::of(&args.credentials, Duration::from_secs(timeout))?;
    let places: Vec<(&str, Place)> = args
        .targets
        .iter()
        .map(|name| Ok((name.as_str(), place(name, &login, timeout)?)))
        .collect::<anyhow::Result<_>>()?;
    let transcripts = transcripts(places, &args.asking);
    let report = judge(&transcripts, &checks, reporting.fail_on);
    reporting.show(&report)
}

/// Asks one target and saves what it answered.
pub fn collect(args: &CollectHost) -> anyhow::Result<Exit> {
    let timeout = args.asking.timeout;
    let login = Login::of(&args.credentials, Duration::from_secs(timeout))?;
    let place = place(&args.target, &login, timeout)?;
    let transcripts = transcripts(vec![(&args.target, place)], &args.asking);
    let text: String = transcripts.iter().map(capture::text).collect();
    match &args.out {
        Some(path) => {
            let out = Replacement::open(path, true, Readers::ByUmask, &[])?;
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

/// What a name stands for.
fn place(name: &str, login: &Login, timeout: u64) -> anyhow::Result<Place> {
    Ok(match name.parse::<target::Target>()? {
        target::Target::Local => {
            Place::Live(Box::new(Local { timeout: Duration::from_secs(timeout) }))
        }
        target::Target::Captures(path) => Place::Captures(capture::read(&path)?),
        target::Target::Ssh(host) => Place::Live(Box::new(login.to(host))),
    })
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

fn judge(transcripts: &[Transcript], checks: &CheckSet, fail_on: check::status::FailOn) -> Report {
    let target = |transcript: &Transcript| Target {
        name: transcript.target.clone(),
        kind: TargetKind::LinuxMt,
        document: Document::new("mt", &HostFacts::of(transcript)),
    };
    let targets: Vec<Target> = transcripts.iter().map(target).collect();
    let now = jiff::Timestamp::now();
    let findings = check::judge(checks, &targets, &[], now);
    let scope = check::scope::Scope::of(checks, &targets);
    Report::new(&targets, &findings, &scope.not_asked, &[], now, fail_on)
}
