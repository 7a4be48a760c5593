//! Writes reports to their destinations and formats, and returns the exit status.
//!
//! Not for making findings (`evaluate`), nor for the formats themselves (`report`).

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anstream::stream::RawStream;
use anyhow::Context;
use rustix::fs::Access;

use super::args::{FailOnArg, ReportArgs};
use super::terminal::screen::{self, Printed};
use super::{ExitStatus, fix, outputs, recorded};
use crate::atomic_file::{AtomicFile, InputFile, Visibility, check_target};
use crate::check::status::FailOn;
use crate::report::comparison::{RecordedReport, ReportDiff};
use crate::report::{self, Format, Report, Style, comparison_text};

/// The destinations and formats of reports.
pub struct Reporter {
    screen: &'static Format,
    files: Vec<(&'static Format, PathBuf)>,
    fix_script: Option<PathBuf>,
    /// The severity from which on findings make the exit status 1.
    pub fail_on: FailOn,
    /// Whether details are left out on the screen.
    is_brief: bool,
    /// The time of the evaluation given with `--now`.
    pub given_now: Option<jiff::Timestamp>,
    /// The earlier report that this run is compared with.
    since: Option<RecordedReport>,
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
            Some(FailOnArg::Warning) => FailOn::Warning,
            None => FailOn::Blocker,
        };
        let fix_script = choice.fix_script.clone();
        for path in files.iter().map(|(_, path)| path).chain(&fix_script) {
            check_writable(Some(path))?;
        }
        let since = choice.since.as_deref().map(recorded::read).transpose()?;
        let (screen, given_now) = (format_named(&choice.format)?, choice.now);
        Ok(Self { screen, files, fix_script, fail_on, is_brief: choice.brief, given_now, since })
    }

    /// Returns the time of the evaluation.
    pub fn now(&self) -> jiff::Timestamp {
        self.given_now.unwrap_or_else(jiff::Timestamp::now)
    }

    /// Refuses to write a report over an input or another output; nothing is written yet.
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

    /// Writes every file, then standard output, and returns the exit status.
    pub fn write(&self, report: &Report) -> anyhow::Result<ExitStatus> {
        self.write_to(&mut std::io::stdout(), report)
    }

    /// As [`Reporter::write`], but to standard error: standard output carries the image.
    pub fn write_to_stderr(&self, report: &Report) -> anyhow::Result<ExitStatus> {
        self.write_to(&mut std::io::stderr(), report)
    }

    fn write_to(&self, stream: &mut impl RawStream, report: &Report) -> anyhow::Result<ExitStatus> {
        let Some(earlier) = &self.since else { return self.write_whole(stream, report) };
        let mut report = report.clone();
        earlier.date_failures(&mut report);
        let compared = ReportDiff::new(earlier, &RecordedReport::from_report(&report)?);
        if self.screen.name == report::FORMATS[0].name {
            self.write_files(&report)?;
            let text = comparison_text::render(&compared, screen::report_width());
            Printed(stream).write_all(text.as_bytes())?;
        } else {
            self.write_whole(stream, &report)?;
        }
        Ok(match (report.run.complete, self.screen.plugin_state(&report)) {
            (_, Some(state)) => ExitStatus::Plugin(state),
            (true, None) => ExitStatus::from_report(compared.exit_code),
            (false, None) => ExitStatus::Interrupted,
        })
    }

    fn write_whole(
        &self,
        stream: &mut impl RawStream,
        report: &Report,
    ) -> anyhow::Result<ExitStatus> {
        self.write_files(report)?;
        let style = Style { is_brief: self.is_brief, ..screen::style(stream) };
        write_whole(self.screen, report, &style, Printed(stream))?;
        let own = ExitStatus::from_report(report.summary.exit_code);
        Ok(self.screen.plugin_state(report).map_or(own, ExitStatus::Plugin))
    }

    /// Writes every file of `--output`, and the fix script.
    pub fn write_files(&self, report: &Report) -> anyhow::Result<()> {
        for (format, path) in &self.files {
            let out = AtomicFile::open(path, true, Visibility::ByUmask, &[])?;
            write_whole(format, report, &Style::default(), out.file())
                .with_context(|| format!("cannot write {}", path.display()))?;
            out.commit()?;
        }
        if let Some(path) = &self.fix_script {
            fix::write_script(report, path)?;
        }
        Ok(())
    }
}

/// Writes a report piece by piece.
fn write_whole(
    format: &Format,
    report: &Report,
    style: &Style,
    out: impl Write,
) -> std::io::Result<()> {
    let mut out = BufWriter::new(out);
    (format.write)(report, style, &mut out)?;
    out.flush()
}

/// Fails early when a file cannot be written at the end of a long run.
pub fn check_writable(out: Option<&Path>) -> anyhow::Result<()> {
    let Some(out) = out else { return Ok(()) };
    check_target(out, true, &[])?;
    let directory = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let unwritten = || format!("cannot write {}", out.display());
    let meta = directory.metadata().with_context(unwritten)?;
    anyhow::ensure!(meta.is_dir(), "{}: {} is not a directory", unwritten(), directory.display());
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(directory, wanted).map_err(std::io::Error::from).with_context(unwritten)
}

fn format_named(name: &str) -> anyhow::Result<&'static Format> {
    report::format(name).with_context(|| {
        let known: Vec<&str> = report::FORMATS.iter().map(|format| format.name).collect();
        format!("no report format named {name:?}: choose one of {}", known.join(", "))
    })
}
