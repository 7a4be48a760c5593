//! The options of `diff`.
//!
//! Not for comparing (`commands::diff`).

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::TextOrJson;

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The earlier report (--output json=FILE), or a capture or a directory of
    /// captures, which is evaluated as of when it was taken
    #[arg(value_hint = ValueHint::AnyPath)]
    pub old: PathBuf,

    /// The later one
    #[arg(value_hint = ValueHint::AnyPath)]
    pub new: PathBuf,

    /// text or json
    #[arg(long, default_value = "text", value_enum)]
    pub format: TextOrJson,
}
