//! The options of `--fix`.
//!
//! Not for what they do (`cli::fix`).

use clap::Args;

/// The one setting that can be fixed.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Mending")]
pub struct FixArgs {
    /// Set disk.EnableUUID = TRUE on the master target, which must be off;
    /// says what it will do, and asks
    #[arg(long)]
    pub fix: bool,

    /// Do it without asking
    #[arg(long, requires = "fix")]
    pub yes: bool,
}
