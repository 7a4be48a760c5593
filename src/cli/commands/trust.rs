//! `trust`: a server's certificate shown, and its thumbprint kept once somebody has compared it.
//!
//! Not for checking it: that is `transport::http::tls`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::atomic_file::{AtomicFile, Visibility};
use crate::cli::args::{TlsArgs, TrustArgs};
use crate::cli::terminal::{prompt, screen};
use crate::cli::{ExitStatus, via};
use crate::secret::redact_password;
use crate::transport::http::stream::Deadline;
use crate::transport::http::thumbprint::{Thumbprint, replace_thumbprint, thumbprints_for};
use crate::transport::http::tls::{TlsSession, TlsTrust, fetch_certificate};
use crate::transport::vsphere::address::VsphereAddress;
use crate::transport::vsphere::error::VsphereError;

/// The most that is read of the file of thumbprints, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Whom to trust for a server.
pub fn settings(trusting: &TlsArgs, to: &VsphereAddress) -> anyhow::Result<TlsTrust> {
    let pin = trusting.thumbprint.as_deref().map(str::parse::<Thumbprint>).transpose()?;
    if let Some(Thumbprint::Sha1(_)) = &pin {
        anstream::eprintln!(
            "preflight: a SHA-1 thumbprint can be forged; give the SHA-256 one that \
             preflight trust shows"
        );
    }
    let kept = match file(trusting) {
        Some(path) if pin.is_none() => {
            let kept = thumbprints_for(&read(&path)?, &to.to_string());
            if kept.iter().any(|kept| matches!(kept, Thumbprint::Sha1(_))) {
                let (path, to) = (path.display().to_string(), to.to_string());
                anstream::eprintln!(
                    "preflight: {}: the thumbprint of {to} is a SHA-1 one, which can be forged; \
                     compare the SHA-256 one and keep it: preflight trust vsphere://{to} --replace",
                    screen::printable(&path)
                );
            }
            kept
        }
        _ => Vec::new(),
    };
    if let Some(authorities) = &trusting.ca_file {
        fs::metadata(authorities)
            .with_context(|| format!("--ca-file: cannot read {}", authorities.display()))?;
    }
    Ok(TlsTrust {
        pin,
        stored: kept,
        authorities: trusting.ca_file.clone(),
        legacy: trusting.legacy_tls,
    })
}

/// Shows a server's certificate, and keeps its thumbprint.
pub fn trust(args: &TrustArgs) -> anyhow::Result<ExitStatus> {
    let to: VsphereAddress = args
        .target
        .parse()
        .with_context(|| format!("target {:?}", redact_password(&args.target)))?;
    let path = file(&args.trusting).context("no HOME: say where, with --thumbprints FILE")?;
    let deadline = Deadline::after(Duration::from_secs(args.timeout));
    let credentials = args.through.credentials();
    let route = via::route(via::of_options(&args.through.host, &credentials, args.timeout)?);
    let server = to.authority();
    let session = fetch_certificate(&*route, &server, args.trusting.legacy_tls, deadline)
        .map_err(VsphereError::from)?;
    show(&to, &session);
    let own: Thumbprint = session.sha256.parse()?;
    let sha1: Thumbprint = session.sha1.parse()?;
    if let Some(expected) = &args.trusting.thumbprint {
        let expected: Thumbprint = expected.parse()?;
        if expected != own && expected != sha1 {
            bail!("the thumbprint is not the expected one, {expected}; it is not kept");
        }
    }
    let text = read(&path)?;
    let kept = thumbprints_for(&text, &to.to_string());
    if kept.contains(&own) {
        anstream::println!("It is kept already, in {}.", path.display());
        return Ok(ExitStatus::Clean);
    }
    if let Some(other) = kept.first() {
        anstream::println!("Another one is kept for {to}: {other}");
        if !args.replace {
            bail!(
                "the certificate has changed; when that is right, keep the new one with --replace"
            );
        }
    }
    let sure = args.yes || args.replace || args.trusting.thumbprint.is_some();
    if !sure && !confirm_thumbprint(Duration::from_secs(args.timeout))? {
        anstream::println!("It is not kept.");
        return Ok(ExitStatus::Findings);
    }
    save(&path, &replace_thumbprint(&text, &to.to_string(), &own))?;
    anstream::println!("It is kept in {}.", path.display());
    Ok(ExitStatus::Clean)
}

fn show(to: &VsphereAddress, session: &TlsSession) {
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
        anstream::println!("{name:>15}  {}", screen::printable(&value));
    }
}

/// Asks whether the thumbprint is the right one.
fn confirm_thumbprint(limit: Duration) -> anyhow::Result<bool> {
    let question = "Is this the thumbprint that the server's own console shows? [y/N] ";
    prompt::confirm(question, limit)?
        .context("compare the thumbprint, then keep it with --yes, or give it with --thumbprint")
}

/// The file of thumbprints; none when nobody has a home.
fn file(trusting: &TlsArgs) -> Option<PathBuf> {
    trusting.thumbprints.clone().or_else(default_file)
}

/// Where thumbprints are kept unless somebody says otherwise.
pub fn default_file() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let configuration = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(configuration.join("preflight/thumbprints"))
}

fn read(path: &Path) -> anyhow::Result<String> {
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Ok(meta) if meta.len() > MAX_BYTES => {
            bail!("{} has more than {MAX_BYTES} bytes", path.display())
        }
        _ => {}
    }
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
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
