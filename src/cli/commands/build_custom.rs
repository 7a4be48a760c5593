//! `build image --kickstart`: puts somebody's own kickstart, files and kernel arguments on a medium.
//!
//! Not for recipes (`build_image`).

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;

use crate::assets::Assets;
use crate::atomic_file::{InputFile, Visibility, parent_directory};
use crate::check::CheckSet;
use crate::cli::args::BuildImageArgs;
use crate::cli::pipeline::{self, OutputSet, PlannedSource};
use crate::cli::terminal::screen;
use crate::cli::{ExitStatus, reporting};
use crate::image::custom_medium::{CustomMedium, CustomRequest};
use crate::image::{dry_run, free_space};

/// Customises a medium, or prints what would be changed; `epoch` is SOURCE_DATE_EPOCH.
pub fn build(
    args: &BuildImageArgs,
    assets: &Assets,
    named: &[InputFile],
    epoch: Option<u64>,
) -> anyhow::Result<ExitStatus> {
    pipeline::is_streamed(args)?;
    let reporter = reporting::Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let base = args.base.clone().context("--base is missing")?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("custom.iso"));
    if !args.dry_run {
        // A name that cannot be written to is refused before anything is read.
        OutputSet::for_image(args, &out, Visibility::Owner, named.to_vec(), &reporter)?;
    }
    let custom = &args.custom;
    let medium = CustomMedium::plan(&CustomRequest {
        base,
        kickstart: custom.kickstart.clone(),
        add: custom.add.clone(),
        add_arguments: custom.kernel_arg.clone(),
        remove_arguments: custom.remove_kernel_arg.clone(),
        volume_id: custom.volume_id.clone(),
        allow_lint_errors: custom.allow_lint_errors,
        epoch,
    })?;
    anstream::eprintln!("the medium installs release {}", screen::printable(&medium.installs));
    for finding in &medium.findings {
        let text = format!("{}: {finding}", finding.severity.as_str());
        anstream::eprintln!("ks.cfg: {}", screen::printable(&text));
    }
    if args.dry_run {
        let free = free_space::available_bytes(parent_directory(&out));
        let text = dry_run::render_custom(&medium, &out, free);
        write!(screen::stdout(), "{}", screen::printable(&text))?;
        return Ok(ExitStatus::Clean);
    }
    let visibility = if medium.holds_secret { Visibility::Owner } else { Visibility::ByUmask };
    let inputs = [medium.inputs(), named].concat();
    let outputs = OutputSet::for_image(args, &out, visibility, inputs, &reporter)?;
    let mut source = PlannedSource::new(None, medium.composition);
    let written = pipeline::write_image(&mut source, &outputs, &checks, &reporter)?;
    if let Some(manifest) = outputs.beside().next() {
        anstream::eprintln!("built {} and {}", out.display(), manifest.display());
    }
    Ok(written.exit)
}
