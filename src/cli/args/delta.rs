//! The options of `build delta`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// A few MB that rebuild an image from the vendor's medium
///
/// What comes out holds all of the image that the medium does not, a root
/// password's hash too, and is readable by its owner alone. Whoever has the
/// same medium gets the same image from it, byte for byte:
///
///   preflight build image --from-delta DELTA --base ISO -o mt.iso
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct BuildDeltaArgs {
    /// The finished image
    #[arg(value_name = "ISO", value_hint = ValueHint::FilePath)]
    pub image: PathBuf,

    /// The vendor's medium that it was built from
    #[arg(long, value_name = "ISO", value_hint = ValueHint::FilePath)]
    pub base: PathBuf,

    /// Where to write the delta [default: the image's name and .delta]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Replace an existing file
    #[arg(long)]
    pub overwrite: bool,
}
