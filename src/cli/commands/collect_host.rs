//! `collect host`: saves the answers of one host as a capture.

use crate::assets::Assets;
use crate::cli::ExitStatus;
use crate::cli::args::{CollectHostArgs, TlsArgs};
use crate::cli::checks::load_checks;
use crate::cli::collect::{AnswerSource, CollectOptions};
use crate::cli::evaluate::collect_systems;
use crate::cli::login::SshDefaults;
use crate::cli::reporting::check_writable;
use crate::cli::selection::Selection;

/// Collects from one host.
pub fn collect_host(args: &CollectHostArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    check_writable(args.out.as_deref())?;
    let checks = load_checks(assets, args.own_checks.as_deref())?;
    let selection = Selection::host(&args.site, &args.target, &checks)?;
    let ssh = SshDefaults::from_args(&args.credentials, &args.host_timeout)?;
    let tls = TlsArgs::default();
    let options = CollectOptions {
        answers: AnswerSource::new(args.newest_capture),
        ..CollectOptions::new(ssh, &tls)
    };
    collect_systems(selection, &checks, &options, args.out.as_deref())
}
