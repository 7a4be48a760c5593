//! `--fix`: shows the one safe change, asks for confirmation and applies it. `--fix-script`: writes
//! the commands for everything else.
//!
//! Not for applying the change (`transport::vsphere::enable_uuid`), nor for the contents of the
//! script (`report::fix_script`).

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::atomic_file::{AtomicFile, Visibility};
use crate::cli::args::FixArgs;
use crate::cli::terminal::{prompt, screen};
use crate::report::{Report, fix_script};
use crate::shell;
use crate::transport::vsphere::enable_uuid::{
    EnableUuidChange, EnableUuidError, EnableUuidRequest, apply, plan,
};

/// How long a person may take to decide. No connection is kept open meanwhile.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Sets disk.EnableUUID on a master target that is powered off, after confirmation. Prints on
/// standard error what was changed and what was not.
pub fn enable_uuid(machine: &EnableUuidRequest<'_>, fix: &FixArgs) -> anyhow::Result<()> {
    let change = match plan(machine) {
        Ok(change) => change,
        Err(why) => {
            let right = matches!(why, EnableUuidError::AlreadyCorrect(..));
            print_reason(if right { "nothing to fix" } else { "nothing was changed" }, &why);
            return Ok(());
        }
    };
    show(&change);
    if !fix.yes {
        let confirmed = prompt::confirm("Set it now? [y/N] ", PROMPT_TIMEOUT)?;
        if confirmed.is_none() {
            print("to apply it without a terminal for the answer, add --yes.");
        }
        if confirmed != Some(true) {
            print("nothing was changed.");
            return Ok(());
        }
    }
    match apply(machine, &change) {
        Ok(after) => {
            print(&format!("{} was changed, and now says {}.", change.machine, after.words));
        }
        Err(why) => {
            let what = match &why {
                EnableUuidError::StillWrong(..) => "not fixed",
                // The server may have applied it before the connection was lost.
                EnableUuidError::Server(_) => "not known to be changed",
                _ => "nothing was changed",
            };
            print_reason(what, &why);
        }
    }
    Ok(())
}

fn print(text: &str) {
    anstream::eprintln!("preflight: {}", screen::printable(text));
}

fn print_reason(what: &str, why: &EnableUuidError) {
    print(&format!("--fix: {what}: {why}"));
    if let Some(hint) = why.hint() {
        anstream::eprintln!("  hint: {}", screen::printable(&hint));
    }
}

/// Prints what will be changed, and how to undo it.
fn show(change: &EnableUuidChange) {
    let EnableUuidChange { machine, object, path, before, key, value, previous, .. } = change;
    // An empty value removes the setting.
    let old = previous.as_deref().unwrap_or_default();
    let undo = format!(
        "govc vm.change -vm {} -e {}",
        shell::quote(machine),
        shell::quote(&format!("{key}={old}"))
    );
    let rows = [
        ("machine", format!("{machine} ({object}), powered off")),
        ("file", path.clone()),
        ("now", before.clone()),
        ("will be", format!("{key} = {value:?}")),
        ("to undo", undo),
    ];
    print("--fix changes one setting of one virtual machine:");
    for (name, text) in rows {
        anstream::eprintln!("{name:>10}  {}", screen::printable(&text));
    }
}

/// Writes the commands that fix the findings of a report; only the owner may read and run them.
pub fn write_script(report: &Report, path: &Path) -> anyhow::Result<()> {
    let out = AtomicFile::open(path, true, Visibility::Owner, &[])?;
    out.file()
        .write_all(&fix_script::render(report))
        .with_context(|| format!("cannot write {}", path.display()))?;
    out.commit()?;
    Ok(())
}
