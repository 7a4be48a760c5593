//! The options of `--fix`.
//!
//! Not for what they do (`cli::fix`).

use clap::Args;

/// The one setting that can be fixed.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Fixing")]
pub struct FixArgs {
    /// Set disk.EnableUUID = TRUE on the master target, which must be powered
    /// off; shows the change and asks first
    #[arg(long)]
    pub fix: bool,

    /// Apply the fix without asking
    #[arg(long, requires = "fix")]
    pub yes: bool,
}
