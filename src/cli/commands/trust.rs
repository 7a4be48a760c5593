//! `trust`: shows a server's certificate, and stores its thumbprint after confirmation.
//!
//! Not for checking it (`transport::http::tls`).

use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::atomic_file::{AtomicFile, Visibility};
use crate::cli::args::TrustArgs;
use crate::cli::terminal::{prompt, screen};
use crate::cli::trusted::{read_thumbprints, thumbprint_file};
use crate::cli::{ExitStatus, via};
use crate::secret::redact_password;
use crate::transport::http::stream::Deadline;
use crate::transport::http::thumbprint::{Thumbprint, replace_thumbprint, thumbprints_for};
use crate::transport::http::tls::{TlsSession, fetch_certificate};
use crate::transport::vsphere::error::VsphereError;
use crate::uri::vsphere::VsphereAddress;

/// Shows a server's certificate, and stores its thumbprint after confirmation.
pub fn trust(args: &TrustArgs) -> anyhow::Result<ExitStatus> {
    let to: VsphereAddress = args
        .target
        .parse()
        .with_context(|| format!("target {:?}", redact_password(&args.target)))?;
    let path = thumbprint_file(&args.tls).context("no HOME: say where, with --thumbprints FILE")?;
    let deadline = Deadline::after(Duration::from_secs(args.timeout));
    let through = &args.through;
    let route = via::route(via::of_options(&through.host, &through.client, args.timeout)?);
    let server = to.authority();
    let session = fetch_certificate(&*route, &server, args.tls.legacy_tls, deadline)
        .map_err(VsphereError::from)?;
    show(&to, &session)?;
    let own: Thumbprint = session.sha256.parse()?;
    let sha1: Thumbprint = session.sha1.parse()?;
    if let Some(expected) = &args.tls.thumbprint {
        let expected: Thumbprint = expected.parse()?;
        if expected != own && expected != sha1 {
            bail!("the thumbprint is not the expected one, {expected}; it is not kept");
        }
    }
    let text = read_thumbprints(&path)?;
    let kept = thumbprints_for(&text, &to.to_string());
    if kept.contains(&own) {
        writeln!(screen::stdout(), "It is kept already, in {}.", path.display())?;
        return Ok(ExitStatus::Clean);
    }
    if let Some(other) = kept.first() {
        writeln!(screen::stdout(), "Another one is kept for {to}: {other}")?;
        if !args.replace {
            bail!(
                "the certificate has changed; when that is right, keep the new one with --replace"
            );
        }
    }
    let sure = args.yes || args.replace || args.tls.thumbprint.is_some();
    let confirmed = || {
        prompt::confirm(
            "Is this the thumbprint that the server's own console shows? [y/N] ",
            Duration::from_secs(args.timeout),
        )?
        .context("compare the thumbprint, then keep it with --yes, or give it with --thumbprint")
    };
    if !sure && !confirmed()? {
        writeln!(screen::stdout(), "It is not kept.")?;
        return Ok(ExitStatus::Findings);
    }
    save(&path, &replace_thumbprint(&text, &to.to_string(), &own))?;
    writeln!(screen::stdout(), "It is kept in {}.", path.display())?;
    Ok(ExitStatus::Clean)
}

fn show(to: &VsphereAddress, session: &TlsSession) -> std::io::Result<()> {
    let rows = [
        ("server", to.to_string()),
        ("certificate of", session.subject.clone()),
        ("made by", session.issuer.clone()),
        ("good until", session.not_after.clone()),
        ("TLS", format!("{}, {}", session.version, session.cipher)),
        ("SHA-256", session.sha256.clone()),
        ("SHA-1", session.sha1.clone()),
    ];
    for (name, value) in rows {
        writeln!(screen::stdout(), "{name:>15}  {}", screen::printable(&value))?;
    }
    Ok(())
}

fn save(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
    }
    let out = AtomicFile::open(path, true, Visibility::ByUmask, &[])?;
    out.file()
        .write_all(text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    out.commit()?;
    Ok(())
}
