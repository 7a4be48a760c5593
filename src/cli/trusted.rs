//! Resolves which certificates of a server are trusted: a thumbprint, the file of stored
//! thumbprints, authorities.
//!
//! Not for checking a certificate (`transport::http::tls`), nor for storing a thumbprint (`trust`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::args::TlsArgs;
use super::terminal::screen;
use crate::transport::http::thumbprint::{Thumbprint, thumbprints_for};
use crate::transport::http::tls::TlsTrust;
use crate::uri::vsphere::VsphereAddress;

/// The most bytes of the file of thumbprints.
const MAX_BYTES: u64 = 1024 * 1024;

/// Returns the certificates to trust for a server.
pub fn trusted(tls: &TlsArgs, to: &VsphereAddress) -> anyhow::Result<TlsTrust> {
    let pin = tls.thumbprint.as_deref().map(str::parse::<Thumbprint>).transpose()?;
    if let Some(Thumbprint::Sha1(_)) = &pin {
        anstream::eprintln!(
            "preflight: a SHA-1 thumbprint can be forged; give the SHA-256 one that \
             preflight trust shows"
        );
    }
    let kept = match thumbprint_file(tls) {
        Some(path) if pin.is_none() => {
            let kept = thumbprints_for(&read_thumbprints(&path)?, &to.to_string());
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
    if let Some(authorities) = &tls.ca_file {
        fs::metadata(authorities)
            .with_context(|| format!("--ca-file: cannot read {}", authorities.display()))?;
    }
    Ok(TlsTrust { pin, stored: kept, authorities: tls.ca_file.clone(), legacy: tls.legacy_tls })
}

/// Returns the file of thumbprints; none without a home directory.
pub fn thumbprint_file(tls: &TlsArgs) -> Option<PathBuf> {
    tls.thumbprints.clone().or_else(default_file)
}

/// Returns the default file of thumbprints; none without a home directory.
pub fn default_file() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let configuration = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(configuration.join("preflight/thumbprints"))
}

/// Reads the file of thumbprints; a missing file is empty.
pub fn read_thumbprints(path: &Path) -> anyhow::Result<String> {
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Ok(meta) if meta.len() > MAX_BYTES => {
            bail!("{} has more than {MAX_BYTES} bytes", path.display())
        }
        _ => {}
    }
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
