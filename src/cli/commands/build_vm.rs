//! `build vm`: writes the descriptors of the appliance's virtual machine, both or none.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::assets::Assets;
use crate::atomic_file::InputFile;
use crate::cli::ExitStatus;
use crate::cli::args::BuildVmArgs;
use crate::cli::pipeline::begin_file;
use crate::cli::terminal::screen;
use crate::image::recipe::Recipe;
use crate::image::setting::Setting;
use crate::vm::{self, VmOptions};

/// Writes the descriptors of a recipe's machine.
pub fn build(
    args: &BuildVmArgs,
    assets: &Assets,
    named: &[InputFile],
) -> anyhow::Result<ExitStatus> {
    let settings: Vec<Setting> = args
        .recipe
        .settings
        .iter()
        .map(|text| text.parse().context("--set"))
        .collect::<anyhow::Result<_>>()?;
    let file = Recipe::read(assets, &args.recipe.recipe, &settings)?;
    let profile = file.read_profile(assets)?;
    let name = file.name();
    let image = args.image.clone().unwrap_or_else(|| format!("{name}.iso"));
    let options = VmOptions { image: &image, network: &args.network };
    let descriptors = vm::describe(assets, &file.recipe, &profile, &options)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(&name));
    let parts = [("vmx", &descriptors.vmx), ("ovf", &descriptors.ovf)]
        .map(|(ending, text)| (ended(&out, ending), text));
    // Both are on disk before either gets its name.
    let mut written = Vec::new();
    for (path, text) in &parts {
        written.push(begin_file(path, args.overwrite, text.as_bytes(), named)?);
    }
    for part in written {
        part.commit()?;
    }
    let [(vmx, _), (ovf, _)] = &parts;
    for note in &descriptors.notes {
        writeln!(screen::stdout(), "{}", screen::printable(note))?;
    }
    writeln!(
        screen::stdout(),
        "to deploy: {} in the client or with govc import.ovf; or, on the host:",
        screen::printable(&ovf.display().to_string())
    )?;
    for command in &descriptors.commands {
        writeln!(screen::stdout(), "  $ {}", screen::printable(command))?;
    }
    writeln!(
        screen::stdout(),
        "  $ vim-cmd solo/registervm /vmfs/volumes/DATASTORE/DIRECTORY/FILE.vmx"
    )?;
    anstream::eprintln!("wrote {} and {}", vmx.display(), ovf.display());
    Ok(ExitStatus::Clean)
}

/// Returns the path with an ending appended; an ending that it has already is kept.
fn ended(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}
