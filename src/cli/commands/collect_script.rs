//! `collect script`: prints the script that would be sent to hosts.

use crate::assets::Assets;
use crate::cli::args::CollectScriptArgs;
use crate::cli::checks::load_checks;
use crate::cli::terminal::screen;
use crate::cli::{ExitStatus, site};
use crate::facts::script::{self, Nonce};
use crate::facts::{host, windows};
use std::io::Write;

/// Prints the script.
pub fn print_script(args: &CollectScriptArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    if args.windows {
        write!(screen::stdout(), "{}", windows::SCRIPT)?;
        return Ok(ExitStatus::Clean);
    }
    let checks = load_checks(assets, args.own_checks.as_deref())?;
    let site = site::choose(&args.site, &["local:".to_owned()], &checks)?.site;
    let env = site.surroundings(site.master_targets.first());
    let probes = [host::master_target_probes(), checks.probes()].concat();
    write!(screen::stdout(), "{}", script::assemble(&probes, &env, &Nonce::shell_default()))?;
    Ok(ExitStatus::Clean)
}
