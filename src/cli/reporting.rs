//! `check image`, `explain` and `test checks`: facts judged and shown.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::Access;

use crate::assets::{Asset, Assets, read_file};
use crate::atomic_file::{AtomicFile, InputFile, Visibility, check_target};
use crate::check::example::run_examples;
use crate::check::{self, CheckSet, Target, TargetKind};
use crate::cli::args::{CheckImageArgs, ExplainArgs, FailOnArg, ReportArgs, TestChecksArgs};
use crate::cli::terminal::screen;
use crate::cli::{ExitStatus, fix, outputs};
use crate::facts::Document;
use crate::facts::image::ImageFacts;
use crate::facts::transcript::Transcript;
use crate::image::inspect::{self, MediaMd5Check};
use crate::image::manifest::VerifiedCheck;
use crate::image::plan::open_input;
use crate::knowledge::SymptomSet;
use crate::report::{self, Format, Report, Style};
use crate::transport::{capture, fleet};

/// Judges a finished image from the file alone.
pub fn image(args: &CheckImageArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let file = open_input(&args.image)?;
    let facts = inspect::inspect_file(&file, MediaMd5Check::Sum)
        .with_context(|| args.image.display().to_string())?;
    let report = evaluate_image(&args.image, &facts, &checks, &reporter);
    reporter.write(&report)
}

/// Judges the facts of one image.
pub fn evaluate_image(
    path: &Path,
    facts: &ImageFacts,
    checks: &CheckSet,
    reporter: &Reporter,
) -> Report {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let document = Document::new("image", facts);
    let targets = [Target { name, kind: TargetKind::Image, document }];
    let now = reporter.now();
    let findings = check::evaluate(checks, &targets, &[], now);
    Report::new(&targets, findings, &[], &[], now, reporter.fail_on)
}

/// What the manifest beside an image says of a report.
pub fn verified_checks(report: &Report) -> Vec<VerifiedCheck> {
    let row = |result: &report::model::CheckResult| VerifiedCheck {
        check: result.check.clone(),
        outcome: result.outcome.as_str().to_owned(),
    };
    report.results.iter().map(row).collect()
}

/// Where reports go and in which formats.
pub struct Reporter {
    screen: &'static Format,
    files: Vec<(&'static Format, PathBuf)>,
    fix_script: Option<PathBuf>,
    /// What makes the exit status 1.
    pub fail_on: check::status::FailOn,
    /// When the evaluation is, where somebody says so.
    pub given_now: Option<jiff::Timestamp>,
}

impl Reporter {
    /// Reads the options; nothing is written yet.
    pub fn from_args(choice: &ReportArgs) -> anyhow::Result<Self> {
        let files = choice
            .files
            .iter()
            .map(|text| {
                let (name, path) = text.split_once('=').with_context(|| {
                    format!("--output {text:?}: expected FORMAT=FILE, such as json=report.json")
                })?;
                Ok((format_named(name)?, PathBuf::from(path)))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let fail_on = match choice.fail_on {
            Some(FailOnArg::Warning) => check::status::FailOn::Warning,
            None => check::status::FailOn::Blocker,
        };
        let fix_script = choice.fix_script.clone();
        for path in files.iter().map(|(_, path)| path).chain(&fix_script) {
            check_writable(Some(path))?;
        }
        let (screen, given_now) = (format_named(&choice.format)?, choice.now);
        Ok(Self { screen, files, fix_script, fail_on, given_now })
    }

    /// When the evaluation is.
    pub fn now(&self) -> jiff::Timestamp {
        self.given_now.unwrap_or_else(jiff::Timestamp::now)
    }

    /// Refuses to write a report over an input or over what else is written, before anything is.
    pub fn check_outputs(
        &self,
        others: &[(&str, &Path)],
        inputs: &[InputFile],
    ) -> anyhow::Result<()> {
        let files = self.files.iter().map(|(_, path)| ("--output", path.as_path()));
        let script = self.fix_script.iter().map(|path| ("--fix-script", path.as_path()));
        let all: Vec<_> = others.iter().copied().chain(files).chain(script).collect();
        outputs::check_outputs(&all, inputs)
    }

    /// Writes every file, then standard output, and tells the exit status.
    pub fn write(&self, report: &Report) -> anyhow::Result<ExitStatus> {
        self.write_to(&mut std::io::stdout(), report)
    }

    /// As [`Reporter::show`], on standard error: standard output is the product.
    pub fn write_to_stderr(&self, report: &Report) -> anyhow::Result<ExitStatus> {
        self.write_to(&mut std::io::stderr(), report)
    }

    fn write_to(
        &self,
        stream: &mut (impl Write + IsTerminal),
        report: &Report,
    ) -> anyhow::Result<ExitStatus> {
        for (format, path) in &self.files {
            let out = AtomicFile::open(path, true, Visibility::ByUmask, &[])?;
            out.file()
                .write_all(&(format.render)(report, &Style::default()))
                .with_context(|| format!("cannot write {}", path.display()))?;
            out.commit()?;
        }
        if let Some(path) = &self.fix_script {
            fix::write_script(report, path)?;
        }
        let style = Style { colour: screen::colour_on(stream), ..Style::default() };
        stream.write_all(&(self.screen.render)(report, &style))?;
        Ok(ExitStatus::from_report(report.summary.exit_code))
    }
}

/// Refuses a file that cannot be written at the end of a long run, at its beginning.
pub fn check_writable(out: Option<&Path>) -> anyhow::Result<()> {
    let Some(out) = out else { return Ok(()) };
    check_target(out, true, &[])?;
    let directory = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let unwritten = || format!("cannot write {}", out.display());
    let meta = directory.metadata().with_context(unwritten)?;
    anyhow::ensure!(meta.is_dir(), "{}: {} is no directory", unwritten(), directory.display());
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(directory, wanted).map_err(std::io::Error::from).with_context(unwritten)
}

fn format_named(name: &str) -> anyhow::Result<&'static Format> {
    report::format(name).with_context(|| {
        let known: Vec<&str> = report::FORMATS.iter().map(|format| format.name).collect();
        format!("no report format named {name:?}: choose one of {}", known.join(", "))
    })
}

/// Prints what a check is about.
pub fn explain(args: &ExplainArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let checks = CheckSet::load(assets)?;
    let symptoms = SymptomSet::load(assets, &checks)?;
    anstream::print!("{}", report::symptoms::explain(&checks, &symptoms, &args.id, 80)?);
    Ok(ExitStatus::Clean)
}

/// Runs the examples of the checks and prints those that do not hold.
pub fn test_checks(args: &TestChecksArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let checks = match &args.directory {
        Some(directory) => CheckSet::read(&check_files(directory)?)?,
        None => CheckSet::load(assets)?,
    };
    if args.directory.is_none() {
        SymptomSet::load(assets, &checks)?;
    }
    let results = run_examples(&checks);
    let failed: Vec<_> = results.iter().filter(|result| result.instead.is_some()).collect();
    for result in &failed {
        let instead = result.instead.as_deref().unwrap_or_default();
        let (check, number) = (&result.check, result.number);
        let (at, expected) = (&result.at, result.expected.as_str());
        let text = format!("{at}: {check}: example {number} should {expected}: {instead}");
        anstream::println!("{}", screen::printable(&text));
    }
    anstream::println!(
        "{} examples of {} checks: {} hold, {} do not",
        results.len(),
        checks.checks().len(),
        results.len() - failed.len(),
        failed.len()
    );
    Ok(if failed.is_empty() { ExitStatus::Clean } else { ExitStatus::Findings })
}

/// Saves what systems answered, and tells the exit status of having asked them.
pub fn save_captures(transcripts: &[Transcript], out: Option<&Path>) -> anyhow::Result<ExitStatus> {
    let text: String = transcripts.iter().map(capture::to_json).collect();
    match out {
        Some(path) => {
            let out = AtomicFile::open(path, true, Visibility::ByUmask, &[])?;
            out.file()
                .write_all(text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
            out.commit()?;
        }
        None => std::io::stdout().write_all(text.as_bytes())?,
    }
    let silent = transcripts.iter().any(|transcript| transcript.connection.failure.is_some());
    Ok(match transcripts.iter().any(fleet::was_interrupted) {
        true => ExitStatus::Interrupted,
        false if silent => ExitStatus::Undecided,
        false => ExitStatus::Clean,
    })
}

/// The checks there are, and those of a directory beside them.
pub fn load_checks(assets: &Assets, own: Option<&Path>) -> anyhow::Result<CheckSet> {
    Ok(match own {
        Some(directory) => CheckSet::load_with(assets, &check_files(directory)?)?,
        None => CheckSet::load(assets)?,
    })
}

/// Reads every `.yaml` below a directory, by name.
fn check_files(directory: &Path) -> anyhow::Result<Vec<Asset>> {
    let unread = || format!("cannot read {}", directory.display());
    let mut paths = Vec::new();
    for entry in walkdir::WalkDir::new(directory).max_depth(4).sort_by_file_name() {
        let entry = entry.with_context(unread)?;
        if entry.file_type().is_file() && entry.path().extension().is_some_and(|e| e == "yaml") {
            paths.push(entry.into_path());
        }
    }
    anyhow::ensure!(!paths.is_empty(), "{} has no check files", directory.display());
    paths.iter().map(|path| Ok(read_file(path)?)).collect()
}
