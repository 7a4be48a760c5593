//! `check image`: checks a finished image from the file alone.

use anyhow::Context;

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::CheckImageArgs;
use crate::cli::evaluate::evaluate_image;
use crate::cli::reporting::Reporter;
use crate::image::inspect::{self, MediaMd5Check};
use crate::image::plan::open_input;

/// Checks a finished image.
pub fn check(args: &CheckImageArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let file = open_input(&args.image)?;
    let facts = inspect::inspect_file(&file, MediaMd5Check::Sum)
        .with_context(|| args.image.display().to_string())?;
    reporter.write(&evaluate_image(&args.image, &facts, &checks, &reporter))
}
