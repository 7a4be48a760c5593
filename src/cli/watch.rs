//! `--watch`: checks again and again, and prints what changed.
//!
//! Not for what differs between two reports (`report::comparison`).

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::reporting::Reporter;
use super::terminal::{failure, screen};
use super::{ExitStatus, interrupt};
use crate::report::comparison::{RecordedReport, ReportDiff};
use crate::report::{Report, comparison_text};

/// How soon Ctrl-C is noticed.
const TICK: Duration = Duration::from_millis(100);

/// Reports what `look` returns, then what changes each time it looks again, until Ctrl-C.
///
/// # Errors
///
/// Fails when the first look does; later ones that fail are printed, for what is watched may be away for a while.
pub fn watch(
    look: impl Fn() -> anyhow::Result<Report>,
    every: Duration,
    reporter: &Reporter,
) -> anyhow::Result<ExitStatus> {
    // From here on Ctrl-C ends the waiting, and not the program in the middle of a file.
    interrupt::stop_flag()?;
    let first = look()?;
    reporter.write(&first)?;
    let mut known = RecordedReport::from_report(&first)?;
    while !interrupt::is_requested() && waited(every) {
        let mut seen = match look() {
            Ok(seen) => seen,
            Err(error) => {
                let text = format!("cannot look: {error:#}");
                anstream::eprintln!("preflight: {}", failure::message(&text));
                continue;
            }
        };
        if !seen.run.complete {
            break;
        }
        known.date_failures(&mut seen);
        reporter.write_files(&seen)?;
        let now = RecordedReport::from_report(&seen)?;
        match print_changes(&ReportDiff::new(&known, &now)) {
            // Nobody reads what would come.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            printed => printed?,
        }
        known = now;
    }
    Ok(ExitStatus::Interrupted)
}

/// Waits; false when Ctrl-C was pressed.
fn waited(time: Duration) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until && !interrupt::is_requested() {
        std::thread::sleep(TICK.min(until.saturating_duration_since(Instant::now())));
    }
    !interrupt::is_requested()
}

fn print_changes(compared: &ReportDiff) -> io::Result<()> {
    if compared.is_unchanged() {
        return Ok(());
    }
    let changes = ReportDiff { still: Vec::new(), ..compared.clone() };
    let text = comparison_text::render(&changes, screen::report_width());
    let mut out = io::stdout();
    out.write_all(format!("\n{text}").as_bytes())?;
    out.flush()
}
