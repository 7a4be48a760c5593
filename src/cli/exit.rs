//! The exit statuses, which are those of the manual page.

use std::process::ExitCode;

/// What a command ended with; the numbers are those of the manual page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done, and nothing is wrong.
    Clean = 0,
    /// Done, and something is wrong with what was looked at.
    Findings = 1,
    /// Could not run: bad input; nothing was written.
    CannotRun = 2,
    /// Nothing is wrong, but something could not be decided.
    Undecided = 3,
    /// Somebody stopped it; what was learned by then was reported.
    Interrupted = 130,
}

impl ExitStatus {
    /// The exit status that a report asks for.
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
