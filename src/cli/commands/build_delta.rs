//! `build delta`, and `build image --from-delta`: stores an image in a few MB, and rebuilds it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::assets::Assets;
use crate::atomic_file::{InputFile, Visibility, parent_directory};
use crate::check::CheckSet;
use crate::cli::args::{BuildDeltaArgs, BuildImageArgs};
use crate::cli::pipeline::{self, DeltaSource, OutputSet};
use crate::cli::terminal::screen;
use crate::cli::{ExitStatus, reporting};
use crate::image::delta::Delta;
use crate::image::free_space;
use crate::image::plan::{open_input, open_medium};

/// Writes the delta of an image, and verifies that it rebuilds the image.
pub fn build(args: &BuildDeltaArgs, named: &[InputFile]) -> anyhow::Result<ExitStatus> {
    let out = args.out.clone().unwrap_or_else(|| delta_name(&args.image));
    let outputs = OutputSet::for_delta(out, args.overwrite, named)?;
    let (image, _) = open_medium(&args.image)?;
    let (base, _) = open_medium(&args.base)?;
    let (made, len) = pipeline::write_delta(&image, &base, &outputs)?;
    let text = format!(
        "{}: {len} bytes rebuild {} ({} bytes, sha256 {}) from {} (sha256 {})\n",
        outputs.image_name().display(),
        args.image.display(),
        made.result_len,
        made.result,
        args.base.display(),
        made.base,
    );
    write!(screen::stdout(), "{}", screen::printable(&text))?;
    Ok(ExitStatus::Clean)
}

/// Returns the default name of an image's delta, in the current directory.
fn delta_name(image: &Path) -> PathBuf {
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
    let is_streamed = pipeline::is_streamed(args)?;
    anyhow::ensure!(
        !is_streamed || args.report.files.is_empty() && args.manifest.is_none(),
        "what is rebuilt to standard output is not checked, and its manifest is not read: name \
         the image with -o for --output and --manifest"
    );
    let reporter = reporting::Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let file = open_input(from)?;
    let delta = Delta::open(Arc::clone(&file)).with_context(|| from.display().to_string())?;
    let base_path = args.base.as_deref().expect("clap demands a base");
    let base = open_input(base_path)?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => image_name(from)?,
    };
    let verify_base = || delta.verify_base(&base).with_context(|| base_path.display().to_string());
    if args.dry_run {
        verify_base()?;
        write!(screen::stdout(), "{}", screen::printable(&described(&delta, base_path, &out)))?;
        return Ok(ExitStatus::Clean);
    }
    let inputs = named.to_vec();
    let outputs = OutputSet::for_image(args, &out, Visibility::Owner, inputs, &reporter)?;
    verify_base()?;
    let mut source = DeltaSource::new(&delta, &base);
    let written = pipeline::write_image(&mut source, &outputs, &checks, &reporter)?;
    if !is_streamed {
        anstream::eprintln!("rebuilt {}, sha256 {}", out.display(), written.sha256);
    }
    Ok(written.exit)
}

/// Returns the image's name from the delta's name, in the current directory.
fn image_name(delta: &Path) -> anyhow::Result<PathBuf> {
    let name = delta.file_name().and_then(|name| name.to_str());
    let image = name.and_then(|name| name.strip_suffix(".delta")).filter(|name| !name.is_empty());
    image.map(PathBuf::from).with_context(|| {
        format!("{} does not end in .delta: name the image with -o", delta.display())
    })
}

fn described(delta: &Delta, base: &Path, out: &Path) -> String {
    let free = free_space::available_bytes(parent_directory(out));
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
