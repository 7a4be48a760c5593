//! `build image`: makes a plan of the command line, and writes it through the pipeline.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;

use crate::assets::Assets;
use crate::atomic_file::{InputFile, Visibility, parent_directory};
use crate::check::CheckSet;
use crate::cli::args::BuildImageArgs;
use crate::cli::commands::{build_custom, build_delta, check_packages};
use crate::cli::pipeline::{self, OutputSet, PlannedSource};
use crate::cli::terminal::screen;
use crate::cli::{ExitStatus, recipe, reporting};
use crate::image::compose;
use crate::image::plan::{Plan, PlanRequest};
use crate::image::{dry_run, free_space, payload};

/// Builds an image, or prints what would be built.
pub fn image(
    args: &BuildImageArgs,
    assets: &Assets,
    named: &[InputFile],
) -> anyhow::Result<ExitStatus> {
    if let Some(from) = &args.from_delta {
        return build_delta::rebuild(args, from, assets, named);
    }
    if args.custom.is_given() {
        return build_custom::build(args, assets, named, source_date_epoch()?);
    }
    pipeline::is_streamed(args)?;
    let reporter = reporting::Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let chosen = recipe::resolve(&args.recipe, assets)?;
    let out =
        args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.iso", chosen.record.name)));
    if !args.dry_run {
        // A name that cannot be written to is refused before anything is read.
        OutputSet::for_image(args, &out, Visibility::Owner, named.to_vec(), &reporter)?;
    }
    let mut plan = Plan::resolve(PlanRequest {
        recipe: chosen.recipe,
        record: chosen.record,
        profile: chosen.profile,
        base: args.base.clone(),
        agent: args.agent.clone(),
        rpms: args.added.rpms.clone(),
        rpm_keys: args.added.rpm_key.clone(),
        debs: args.added.debs.clone(),
        deb_keys: args.added.deb_key.clone(),
        signing_key: args.sign_key.clone(),
        self_check_binary: args.self_check_binary.clone(),
        allow_unpinned: args.allow_unpinned,
        root: chosen.root,
        epoch: source_date_epoch()?,
    })?;
    plan.incomplete = check_packages::incomplete(&plan, &checks);
    let files = payload::assemble(assets, &plan)?;
    let composition = compose::compose(&plan, &files).with_context(|| match &plan.base {
        Some(base) => base.path.display().to_string(),
        None => "kickstart disc".to_owned(),
    })?;
    if args.dry_run {
        let free = free_space::available_bytes(parent_directory(&out));
        let text = dry_run::render(&plan, &composition, &out, free);
        write!(screen::stdout(), "{}", screen::printable(&text))?;
        check_complete(&plan, args.allow_incomplete)?;
        return Ok(ExitStatus::Clean);
    }
    let visibility = if plan.holds_secret() { Visibility::Owner } else { Visibility::ByUmask };
    let inputs = [plan.inputs()?, named.to_vec()].concat();
    let outputs = OutputSet::for_image(args, &out, visibility, inputs, &reporter)?;
    check_complete(&plan, args.allow_incomplete)?;
    let mut source = PlannedSource::new(Some(&plan), composition);
    let written = pipeline::write_image(&mut source, &outputs, &checks, &reporter)?;
    if let [manifest, sbom] = &outputs.beside().collect::<Vec<_>>()[..] {
        let (manifest, sbom) = (manifest.display(), sbom.display());
        anstream::eprintln!("built {}, {manifest} and {sbom}", out.display());
    }
    if !plan.debs.is_empty() && plan.signing_key.is_none() {
        let note = "the list of the added packages is unsigned and trusted for its digest";
        anstream::eprintln!("note: {note}; --sign-key FILE signs it");
    }
    Ok(written.exit)
}

/// Refuses an image whose packages are not proven to install, unless `allowed`.
fn check_complete(plan: &Plan, allowed: bool) -> Result<(), check_packages::PackagesError> {
    match &plan.base {
        Some(base) if !allowed && !plan.incomplete.is_empty() => {
            let (base, findings) = (base.path.clone(), plan.incomplete.clone());
            Err(check_packages::PackagesError::Incomplete(base, findings))
        }
        _ => Ok(()),
    }
}

fn source_date_epoch() -> anyhow::Result<Option<u64>> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => {
            let seconds = text.parse().with_context(|| {
                format!("SOURCE_DATE_EPOCH is {text:?}, expected seconds since 1970")
            })?;
            Ok(Some(seconds))
        }
        Err(_) => Ok(None),
    }
}
