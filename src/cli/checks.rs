//! Loads the checks that a verb evaluates: the embedded ones, and those of a directory.

use std::path::Path;

use anyhow::Context;

use crate::assets::{Asset, Assets, read_file};
use crate::check::CheckSet;

/// Loads the embedded checks, and those of the site's own directory.
pub fn load_checks(assets: &Assets, own: Option<&Path>) -> anyhow::Result<CheckSet> {
    Ok(match own {
        Some(directory) => CheckSet::load_with(assets, &read_check_files(directory)?)?,
        None => CheckSet::load(assets)?,
    })
}

/// The folder of the guide's steps.
const STEPS: &str = "steps";

/// Reads every `.yaml` below a directory, by name; steps of the guide, which lie in a folder of their own, are no checks.
pub fn read_check_files(directory: &Path) -> anyhow::Result<Vec<Asset>> {
    let unread = || format!("cannot read {}", directory.display());
    let mut paths = Vec::new();
    let is_steps = |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name() == STEPS;
    let walk = walkdir::WalkDir::new(directory).max_depth(4).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(|entry| !is_steps(entry)) {
        let entry = entry.with_context(unread)?;
        if entry.file_type().is_file() && entry.path().extension().is_some_and(|e| e == "yaml") {
            paths.push(entry.into_path());
        }
    }
    anyhow::ensure!(!paths.is_empty(), "{} has no check files", directory.display());
    paths.iter().map(|path| Ok(read_file(path)?)).collect()
}
