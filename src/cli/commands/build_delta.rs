//! `build delta`, and `build image --from-delta`: an image in a few MB, and back.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::assets::Assets;
use crate::atomic_file::{AtomicFile, InputFile, Visibility, check_target};
use crate::check::CheckSet;
use crate::cli::args::{BuildDeltaArgs, BuildImageArgs};
use crate::cli::product::{self, directory_of, enough_space, manifest_beside, sbom_beside};
use crate::cli::terminal::{progress, screen};
use crate::cli::{ExitStatus, reporting, stream};
use crate::digest::Sha256;
use crate::facts::image::ImageFacts;
use crate::image::delta::{self, Delta, DeltaError};
use crate::image::free_space;
use crate::image::inspect::{self, MediaMd5Check};
use crate::image::manifest::{ImageRecord, Manifest, SidecarManifest};
use crate::image::plan::{open_input, open_medium};
use crate::installer::disc_layout;
use crate::iso::Medium;
use crate::iso::bytemap::{ByteMap, ByteOrigin};

/// Bytes of a bill of materials that is taken out of a rebuilt image.
const MOST_SBOM: u64 = 32 << 20;

/// Writes the delta of an image, and proves that it rebuilds it.
pub fn build(args: &BuildDeltaArgs, named: &[InputFile]) -> anyhow::Result<ExitStatus> {
    let (image, medium) = open_medium(&args.image)?;
    let (base, _) = open_medium(&args.base)?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => named_after(&args.image),
    };
    // It holds what the image holds, so a root password's hash too.
    let part = AtomicFile::open(&out, args.overwrite, Visibility::Owner, named)?;
    let bar = progress::ByteProgress::start("comparing", medium.file_len());
    let made = delta::create(&image, &base, part.file(), &|at| bar.set_position(at))
        .with_context(|| out.display().to_string())?;
    drop(bar);
    let len = part.file().metadata()?.len();
    part.commit()?;
    let text = format!(
        "{}: {len} bytes rebuild {} ({} bytes, sha256 {}) from {} (sha256 {})\n",
        out.display(),
        args.image.display(),
        made.result_len,
        made.result,
        args.base.display(),
        made.base,
    );
    anstream::print!("{}", screen::printable(&text));
    Ok(ExitStatus::Clean)
}

/// The name of an image's delta, in the current directory.
fn named_after(image: &Path) -> PathBuf {
    let mut name = image.file_name().unwrap_or_default().to_owned();
    name.push(".delta");
    PathBuf::from(name)
}

/// Rebuilds an image from its delta and the vendor's medium.
pub fn rebuild(
    args: &BuildImageArgs,
    from: &Path,
    assets: &Assets,
    named: &[InputFile],
) -> anyhow::Result<ExitStatus> {
    let streams = args.out.as_deref().is_some_and(product::is_stream) && !args.dry_run;
    if streams {
        stream::refuse_terminal()?;
        anyhow::ensure!(
            args.report.files.is_empty() && args.manifest.is_none(),
            "what is rebuilt to standard output is not judged and its manifest is not read: name \
             the image with -o for --output and --manifest"
        );
    }
    let reporter = reporting::Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let file = open_input(from)?;
    let delta = Delta::open(Arc::clone(&file)).with_context(|| from.display().to_string())?;
    let base_path = args.base.as_deref().expect("clap demands a base");
    let base = open_input(base_path)?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => name_inside(from)?,
    };
    let manifest = args.manifest.clone().unwrap_or_else(|| manifest_beside(&out));
    delta.verify_base(&base).with_context(|| base_path.display().to_string())?;
    if args.dry_run {
        anstream::print!("{}", screen::printable(&described(&delta, base_path, &out)));
        return Ok(ExitStatus::Clean);
    }
    if streams {
        return stream::rebuilt(&delta, &base, named);
    }
    check_target(&out, args.overwrite, named)?;
    let sbom = sbom_beside(&out);
    let others = [("--out", &*out), ("its bill of materials", &*sbom), ("--manifest", &*manifest)];
    reporter.check_outputs(&others, named)?;
    enough_space(&out, delta.result_len)?;
    let failed = || format!("cannot rebuild {}", out.display());
    let part = AtomicFile::open(&out, args.overwrite, Visibility::Owner, named)?;
    fill(&delta, &base, &part).with_context(failed)?;
    let (facts, inside, bill) = read_back(&delta, &part).with_context(failed)?;
    let report = reporting::evaluate_image(&out, &facts, &checks, &reporter);
    let beside = inside.map(|inside| SidecarManifest {
        inside,
        image: ImageRecord {
            name: out.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            size: delta.result_len,
            sha256: delta.result,
        },
        verified: reporting::verified_checks(&report),
    });
    let beside = match &beside {
        Ok(beside) => Some(product::begin_manifest(&manifest, beside, named)?),
        Err(why) => {
            tracing::warn!("no manifest is written: {why}");
            None
        }
    };
    // An image of an earlier version has none.
    let bill = bill.map(|bill| product::begin(&sbom, &bill, named)).transpose()?;
    part.commit()?;
    bill.map_or(Ok(()), AtomicFile::commit)?;
    beside.map_or(Ok(()), AtomicFile::commit)?;
    let exit = reporter.write(&report)?;
    anstream::eprintln!("rebuilt {}, sha256 {}", out.display(), delta.result);
    Ok(exit)
}

/// The name of the image in a delta's name, in the current directory.
fn name_inside(delta: &Path) -> anyhow::Result<PathBuf> {
    let name = delta.file_name().and_then(|name| name.to_str());
    let image = name.and_then(|name| name.strip_suffix(".delta")).filter(|name| !name.is_empty());
    image.map(PathBuf::from).with_context(|| {
        format!("{} does not end in .delta: name the image with -o", delta.display())
    })
}

fn described(delta: &Delta, base: &Path, out: &Path) -> String {
    let free = free_space::available_bytes(directory_of(out));
    let free = free.map_or_else(|| "unknown".to_owned(), |bytes| format!("{bytes} bytes"));
    let Delta { result, result_len, copied, literal, .. } = delta;
    format!(
        "image       {}\nsha256      {result}\nbase        {}, verified, sha256 {}\n\
         size        {result_len} bytes, free there: {free}\n\
         made of     {copied} bytes of the base, {literal} bytes of the delta, the rest is zero\n",
        out.display(),
        base.display(),
        delta.base,
    )
}

/// Writes what the delta rebuilds.
fn fill(delta: &Delta, base: &File, part: &AtomicFile) -> anyhow::Result<()> {
    part.file().set_len(delta.result_len)?;
    let bar = progress::ByteProgress::start("writing", delta.result_len);
    let mut at = 0;
    delta.replay(base, &mut |bytes| {
        part.file().write_all_at(bytes, at)?;
        at += bytes.len() as u64;
        bar.set_position(at);
        Ok(())
    })?;
    Ok(())
}

/// What a rebuilt image holds: its facts, its manifest, its bill of materials.
type ReadBack = (ImageFacts, Result<Manifest, String>, Option<Vec<u8>>);

/// Reads the part file back, as bytes and as an image, while it goes to disk.
fn read_back(delta: &Delta, part: &AtomicFile) -> anyhow::Result<ReadBack> {
    let file = Arc::new(part.file().try_clone()?);
    std::thread::scope(|scope| {
        let synced = scope.spawn(|| part.file().sync_all());
        let facts = scope.spawn(|| inspect::inspect_file(&file, MediaMd5Check::Sum));
        let mut whole = ByteMap::new();
        whole.push(file.metadata()?.len(), ByteOrigin::File(Arc::clone(&file), 0));
        let (found, _) = Sha256::hash_reader(whole.reader())?;
        if found != delta.result {
            return Err(DeltaError::OtherResult { wanted: delta.result, found }.into());
        }
        synced.join().expect("syncing does not panic")?;
        let facts = facts.join().expect("inspecting does not panic")?;
        let medium = Medium::open(Arc::clone(&file))?;
        let bill = medium.read_file(disc_layout::SBOM, MOST_SBOM).ok();
        Ok((facts, inspect::read_manifest(&medium), bill))
    })
}
