//! The exit statuses, as the manual page documents them.

use std::process::ExitCode;

use crate::report::PluginState;

/// The exit status of a command; the numbers are documented in the manual page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done, and nothing failed.
    Clean,
    /// Done, and a check failed.
    Findings,
    /// Could not run, for example because of bad input; nothing was written.
    CannotRun,
    /// Nothing failed, but a check could not be decided.
    Undecided,
    /// Interrupted by a signal; what was collected by then was reported.
    Interrupted,
    /// What a plugin of Nagios has to say.
    Plugin(PluginState),
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

    /// Returns the number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::CannotRun => 2,
            Self::Undecided => 3,
            Self::Interrupted => 130,
            Self::Plugin(state) => state as u8,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(exit: ExitStatus) -> Self {
        Self::from(exit.code())
    }
}
