//! `mask`: takes names, addresses, ids and keys out of a capture or a report, and puts them back.
//!
//! Not for what is replaced by what (`mask`).

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::atomic_file::{AtomicFile, InputFile, Visibility, check_target};
use crate::cli::ExitStatus;
use crate::cli::args::MaskArgs;
use crate::mask::{MaskMap, Masker, unmask};
use crate::regular_file;
use crate::transport::capture;

/// The most bytes of a file: the report of a thousand hosts has a tenth of it.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Masks a file, or undoes it.
pub fn mask(args: &MaskArgs) -> anyhow::Result<ExitStatus> {
    let inputs: Vec<InputFile> = InputFile::from_path(&args.file).into_iter().collect();
    check_target(&args.out, args.overwrite, &inputs)?;
    let text = read_text(&args.file)?;
    let map_path = args.map.clone().unwrap_or_else(|| default_map(&args.out));
    anyhow::ensure!(map_path != args.out, "--map: {} is the output, too", map_path.display());
    if args.undo {
        let map = read_map(&map_path)?;
        write(&args.out, args.overwrite, Visibility::Owner, &inputs, &unmask(&text, &map)?)?;
        return Ok(ExitStatus::Clean);
    }
    check_target(&map_path, true, &inputs)?;
    let map = if map_path.exists() { read_map(&map_path)? } else { MaskMap::default() };
    let mut masker = Masker::new(map);
    let masked = masker.mask(&text)?;
    let map = masker.into_map();
    // The map first: what is masked without it could never be read again.
    write(&map_path, true, Visibility::Owner, &inputs, &map.to_json())?;
    write(&args.out, args.overwrite, Visibility::ByUmask, &inputs, &masked)?;
    let (words, ids, addresses) = map.counts();
    anstream::eprintln!(
        "{}: {words} names, {ids} ids and {addresses} addresses are replaced; {} tells which, keep it to yourself",
        args.out.display(),
        map_path.display(),
    );
    Ok(ExitStatus::Clean)
}

fn default_map(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".map.json");
    name.into()
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let bytes = regular_file::read(path, MAX_BYTES);
    let bytes = bytes.with_context(|| format!("cannot read {shown}"))?;
    let text = capture::decode(&bytes);
    anyhow::ensure!(
        !text.contains(['\0', char::REPLACEMENT_CHARACTER]),
        "{shown} is no text: expected a capture, or a report of preflight"
    );
    anyhow::ensure!(
        !text.trim().is_empty(),
        "{shown} is empty: expected a capture, or a report of preflight"
    );
    Ok(text)
}

fn read_map(path: &Path) -> anyhow::Result<MaskMap> {
    let bytes = regular_file::read(path, MAX_BYTES);
    let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
    MaskMap::parse(&String::from_utf8_lossy(&bytes)).with_context(|| path.display().to_string())
}

fn write(
    path: &Path,
    overwrite: bool,
    readers: Visibility,
    inputs: &[InputFile],
    text: &str,
) -> anyhow::Result<()> {
    let out = AtomicFile::open(path, overwrite, readers, inputs)?;
    let written = out.file().write_all(text.as_bytes());
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(out.commit()?)
}
