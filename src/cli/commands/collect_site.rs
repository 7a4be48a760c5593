//! `collect site`: saves the answers of all systems of a site, one file each.

use std::io::Write;
use std::path::Path;
use std::slice;

use anyhow::Context;

use crate::assets::Assets;
use crate::atomic_file::InputFile;
use crate::cli::args::CollectSiteArgs;
use crate::cli::captures::{self, save_captures};
use crate::cli::checks::load_checks;
use crate::cli::collect::collect;
use crate::cli::terminal::screen;
use crate::cli::whole_site::{collect_options, select_site};
use crate::cli::{ExitStatus, outputs, vault};
use crate::facts::target_kind::TargetKind;

/// Collects from a whole site.
pub fn collect_site(
    args: &CollectSiteArgs,
    assets: &Assets,
    named: &[InputFile],
) -> anyhow::Result<ExitStatus> {
    let checks = load_checks(assets, args.site_file.access.own_checks.as_deref())?;
    let mut selection = select_site(&args.site_file.site, None, &checks)?;
    let directory = &args.out;
    let inputs = [named.to_vec(), outputs::site_inputs(&selection.site)].concat();
    check_directory(directory, &inputs)?;
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let options = collect_options(&args.site_file.access, None)?;
    let responses = collect(selection.sources(&checks, &options)?, &options)?;
    for transcript in responses.all() {
        let path = captures::path_of(directory, transcript.kind.as_str(), &transcript.target);
        save_captures(slice::from_ref(transcript), Some(&path))?;
        writeln!(screen::stdout(), "{}", screen::printable(&path.display().to_string()))?;
    }
    let of_systems = captures::exit_status(responses.all());
    let Some(vault) = &responses.azure else { return Ok(of_systems) };
    let path = directory.join(vault::CAPTURE);
    vault::save(vault, Some(&path))?;
    writeln!(screen::stdout(), "{}", screen::printable(&path.display().to_string()))?;
    let of_vault = vault::exit_status(vault, responses.azure_was_interrupted);
    Ok(match of_systems {
        ExitStatus::Clean => of_vault,
        status => status,
    })
}

/// Refuses a directory in which an input file has the name of a capture that will be written.
fn check_directory(directory: &Path, inputs: &[InputFile]) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.with_context(|| format!("cannot read {}", directory.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kinds = [
            TargetKind::LinuxMt,
            TargetKind::WindowsMt,
            TargetKind::ProcessServer,
            TargetKind::Esxi,
        ];
        let ours = name == "vcenter.json"
            || name == vault::CAPTURE
            || kinds.iter().any(|kind| name.starts_with(&format!("{}.", kind.as_str())));
        if ours {
            outputs::check_outputs(&[("--out", &path)], inputs)?;
        }
    }
    Ok(())
}
