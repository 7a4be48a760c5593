//! The options of `mask`.
//!
//! Not for what is masked (`mask`).

use std::path::PathBuf;

use clap::{Args, ValueHint};

#[derive(Debug, Args)]
pub struct MaskArgs {
    /// A capture, a report of any format, or another text
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Where the masked text goes
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,

    /// What was replaced by what, for its owner alone; a map that is there is
    /// continued, so files that share it fit together [default: OUT.map.json]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub map: Option<PathBuf>,

    /// Put back what stood there: for the report of a masked capture
    #[arg(long, requires = "map")]
    pub undo: bool,

    /// Replace the output when it is there
    #[arg(long)]
    pub overwrite: bool,
}
