//! `build image`: plan, compose, write, read back, judge, rename.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::assets::Assets;
use crate::atomic_file::{AtomicFile, InputFile, Visibility, check_target};
use crate::check::CheckSet;
use crate::cli::args::BuildImageArgs;
use crate::cli::commands::{build_delta, check_packages};
use crate::cli::finalize::finalize;
use crate::cli::product::{self, directory_of, enough_space, manifest_beside, sbom_beside};
use crate::cli::terminal::{progress, screen};
use crate::cli::{ExitStatus, recipe, reporting, stream};
use crate::digest::Sha256;
use crate::facts::image::ImageFacts;
use crate::image::compose::{self, Composition};
use crate::image::inspect::{self, MediaMd5Check};
use crate::image::manifest::{ImageRecord, Manifest, SidecarManifest};
use crate::image::payload_file::PayloadFile;
use crate::image::plan::{Plan, PlanRequest};
use crate::image::{dry_run, free_space, payload, writing};
use crate::installer::disc_layout;
use crate::iso::FileContent;
use crate::iso::bytemap::ByteMap;
use crate::report::Report;

/// Builds an image, or says what would be built.
pub fn image(
    args: &BuildImageArgs,
    assets: &Assets,
    named: &[InputFile],
) -> anyhow::Result<ExitStatus> {
    if let Some(from) = &args.from_delta {
        return build_delta::rebuild(args, from, assets, named);
    }
    let streams = args.out.as_deref().is_some_and(product::is_stream) && !args.dry_run;
    if streams {
        stream::refuse_terminal()?;
    }
    let reporter = reporting::Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let chosen = recipe::resolve(&args.recipe, assets)?;
    let out =
        args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.iso", chosen.record.name)));
    let mut plan = Plan::resolve(PlanRequest {
        recipe: chosen.recipe,
        record: chosen.record,
        profile: chosen.profile,
        base: args.base.clone(),
        agent: args.agent.clone(),
        rpms: args.rpms.clone(),
        rpm_keys: args.rpm_key.clone(),
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
        let free = free_space::available_bytes(directory_of(&out));
        let text = dry_run::render(&plan, &composition, &out, free);
        anstream::print!("{}", screen::printable(&text));
        check_complete(&plan, args.allow_incomplete)?;
        return Ok(ExitStatus::Clean);
    }
    let inputs = [plan.inputs()?, named.to_vec()].concat();
    if streams {
        check_complete(&plan, args.allow_incomplete)?;
        let manifest = args.manifest.as_deref();
        return stream::image(&plan, composition, manifest, &checks, &reporter, &inputs);
    }
    let manifest = args.manifest.clone().unwrap_or_else(|| manifest_beside(&out));
    check_target(&out, args.overwrite, &inputs)?;
    let sbom = sbom_beside(&out);
    let others = [("--out", &*out), ("its bill of materials", &*sbom), ("--manifest", &*manifest)];
    reporter.check_outputs(&others, &inputs)?;
    check_complete(&plan, args.allow_incomplete)?;
    enough_space(&out, composition.image.len())?;
    let overwrite = args.overwrite;
    let to =
        OutputPaths { out: &out, manifest: &manifest, sbom: &sbom, overwrite, inputs: &inputs };
    let report = write(&plan, &files, composition, &to, &checks, &reporter)?;
    let exit = reporter.write(&report)?;
    let (manifest, sbom) = (manifest.display(), sbom.display());
    anstream::eprintln!("built {}, {manifest} and {sbom}", out.display());
    Ok(exit)
}

/// Refuses an image whose packages are not proven to install, unless somebody wants it.
fn check_complete(plan: &Plan, allowed: bool) -> Result<(), check_packages::PackagesError> {
    match &plan.base {
        Some(base) if !allowed && !plan.incomplete.is_empty() => {
            let (base, findings) = (base.path.clone(), plan.incomplete.clone());
            Err(check_packages::PackagesError::Incomplete { base, findings })
        }
        _ => Ok(()),
    }
}

/// Where an image and what is told about it go.
struct OutputPaths<'a> {
    out: &'a Path,
    manifest: &'a Path,
    sbom: &'a Path,
    overwrite: bool,
    inputs: &'a [InputFile],
}

/// Writes the image beside its name, judges it, and gives it, its bill of materials and its
/// manifest their names.
fn write(
    plan: &Plan,
    files: &[PayloadFile],
    composition: Composition,
    places: &OutputPaths<'_>,
    checks: &CheckSet,
    reporter: &reporting::Reporter,
) -> anyhow::Result<Report> {
    let &OutputPaths { out, overwrite, inputs, .. } = places;
    let failed = || format!("cannot write {}", out.display());
    let readers = if plan.holds_secret() { Visibility::Owner } else { Visibility::ByUmask };
    let part = AtomicFile::open(out, overwrite, readers, inputs)?;
    let (image, manifest) = fill(plan, composition, &part).with_context(failed)?;
    tracing::info!(bytes = image.len(), "written");
    let (sha256, facts) = read_back(&image, &part).with_context(failed)?;
    tracing::info!(%sha256, "read back, byte by byte");
    let report = reporting::evaluate_image(out, &facts, checks, reporter);
    let bill = files.iter().find(|file| file.path.as_str() == disc_layout::SBOM);
    let Some(FileContent::Bytes(bill)) = bill.map(|file| &file.source) else {
        unreachable!("every payload has a bill of materials, made in memory")
    };
    let sbom = product::begin(places.sbom, bill, inputs)?;
    let beside = SidecarManifest {
        inside: manifest,
        image: ImageRecord {
            name: out.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            size: image.len(),
            sha256,
        },
        verified: reporting::verified_checks(&report),
    };
    let manifest = product::begin_manifest(places.manifest, &beside, inputs)?;
    // Everything is on disk before the first name is given; the manifest, which names the others,
    // gets its own last.
    part.commit()?;
    sbom.commit()?;
    manifest.commit()?;
    Ok(report)
}

/// Fills the part file: one pass over the plan, then the sum that was taken on the way.
fn fill(
    plan: &Plan,
    mut composition: Composition,
    part: &AtomicFile,
) -> anyhow::Result<(ByteMap, Manifest)> {
    let mut image = std::mem::take(&mut composition.image);
    let bar = progress::ByteProgress::start("writing", image.len());
    let (manifest, implant) =
        finalize(plan, &composition, &mut image, |image, base, tap, late| {
            writing::write(image, part.file(), base, Some(tap), late, &|at| bar.set_position(at))
        })?;
    writing::implant(&mut image, part.file(), &implant)?;
    Ok((image, manifest))
}

/// Reads the part file back, byte by byte and as an image, while it goes to disk. It gets its
/// name only when all three are done.
fn read_back(image: &ByteMap, part: &AtomicFile) -> anyhow::Result<(Sha256, ImageFacts)> {
    let file = Arc::new(part.file().try_clone()?);
    let bar = progress::ByteProgress::start("verifying", image.len());
    std::thread::scope(|scope| {
        let synced = scope.spawn(|| part.file().sync_all());
        let facts = scope.spawn(|| inspect::inspect_file(&file, MediaMd5Check::Implanted));
        let sha256 = writing::verify(image, part.file(), &|at| bar.set_position(at))?;
        synced.join().expect("syncing does not panic")?;
        Ok((sha256, facts.join().expect("inspecting does not panic")?))
    })
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
