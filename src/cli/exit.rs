//! The exit statuses, as the manual page documents them.

use std::process::ExitCode;

/// The exit status of a command; the numbers are documented in the manual page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done, and nothing failed.
    Clean = 0,
    /// Done, and a check failed.
    Findings = 1,
    /// Could not run, for example because of bad input; nothing was written.
    CannotRun = 2,
    /// Nothing failed, but a check could not be decided.
    Undecided = 3,
    /// Interrupted by a signal; what was collected by then was reported.
    Interrupted = 130,
}

impl ExitStatus {
    /// Returns the exit status for that of a report.
    pub fn from_report(status: u8) -> Self {
        match status {
            0 => Self::Clean,
            1 => Self::Findings,
            3 => Self::Undecided,
            130 => Self::Interrupted,
            _ => Self::CannotRun,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(exit: ExitStatus) -> Self {
        Self::from(exit as u8)
    }
}
