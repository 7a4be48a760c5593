//! `guide`: says where each machine of a site is on its way home, and what to do now.
//!
//! Not for what is next (`crate::guide`), nor for how it is shown (`report::guide`).

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::check::waiver::matches_glob;
use crate::cli::args::{GuideArgs, SelectArgs};
use crate::cli::checks::load_checks;
use crate::cli::circumstances::circumstances;
use crate::cli::evaluate::evaluate_systems;
use crate::cli::follow::follow;
use crate::cli::terminal::screen;
use crate::cli::whole_site::{collect_options, select_site};
use crate::cli::{ExitStatus, interrupt, site};
use crate::facts::stage::{Scenario, Stage};
use crate::guide::plan::written;
use crate::guide::{GuideRequest, StepSet, plan};
use crate::report::guide::{FORMATS, GuideReport};

/// Guides the machines of a site, or prints one stage.
pub fn guide(args: &GuideArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let checks = load_checks(assets, args.access.own_checks.as_deref())?;
    let steps = StepSet::load(assets, &checks)?;
    if let Some(stage) = args.step {
        print(&written_stage(args, stage, &steps, &checks)?, &args.format)?;
        return Ok(ExitStatus::Clean);
    }
    let site = args.site.as_deref().context("a site file is needed")?;
    let look = || look(args, site, &steps, &checks);
    let report = if args.follow {
        follow(look, |report| print(report, &args.format), args.watch.map(Duration::from_secs))?
    } else {
        let report = look()?;
        print(&report, &args.format)?;
        report
    };
    Ok(if report.run.complete && !interrupt::is_requested() {
        ExitStatus::from_report(report.guide.exit_code)
    } else {
        ExitStatus::Interrupted
    })
}

/// Returns one stage as it is written.
fn written_stage(
    args: &GuideArgs,
    stage: Stage,
    steps: &StepSet,
    checks: &CheckSet,
) -> anyhow::Result<GuideReport> {
    let of_site = args.site.as_deref().map(|file| site::of_file(file, checks)).transpose()?;
    let scenario = args
        .scenario
        .map(Scenario::from)
        .or(of_site.map(|context| context.site.scenario))
        .unwrap_or_default();
    let entry = steps.stage(scenario, stage).with_context(|| {
        let known: Vec<&str> = scenario.stages().iter().map(|stage| stage.as_str()).collect();
        format!("--step {stage}: the stages of {} are {}", scenario.as_str(), known.join(", "))
    })?;
    let now = args.now.unwrap_or_else(jiff::Timestamp::now);
    Ok(GuideReport::new(written([entry], scenario), now, true))
}

/// Collects, evaluates and plans.
fn look(
    args: &GuideArgs,
    file: &Path,
    steps: &StepSet,
    checks: &CheckSet,
) -> anyhow::Result<GuideReport> {
    let mut selection = select_site(file, args.captures.as_deref(), checks)?;
    selection.choose(&SelectArgs { stage: args.stage, ..SelectArgs::default() }, checks)?;
    selection.ask_of_machines(&args.limit);
    let options = collect_options(&args.access, args.now)?;
    let now = args.now.unwrap_or_else(jiff::Timestamp::now);
    let evaluation = evaluate_systems(&mut selection, checks, &options, now)?;
    let includes = |machine: &str| {
        args.limit.is_empty() || args.limit.iter().any(|glob| matches_glob(glob, machine))
    };
    let guide = plan(&GuideRequest {
        steps,
        checks,
        scenario: selection.site.scenario,
        targets: &evaluation.targets,
        findings: &evaluation.findings,
        circumstances: &|machine| circumstances(&selection.site, &evaluation.targets, machine),
        includes: &includes,
    });
    anyhow::ensure!(
        !guide.sections.is_empty(),
        "--limit {}: the site has no such machine",
        args.limit.join(",")
    );
    Ok(GuideReport::new(guide, evaluation.at, evaluation.is_complete))
}

fn print(report: &GuideReport, format: &str) -> anyhow::Result<()> {
    let format = FORMATS.iter().find(|known| known.name == format);
    let format = format.context("the format was verified with the arguments")?;
    let style = screen::style(&std::io::stdout());
    Ok(screen::stdout().write_all(&(format.render)(report, &style))?)
}
