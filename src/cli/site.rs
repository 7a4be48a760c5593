//! Reads `--site` or the options that stand for a site file.
//!
//! Not for the meaning of a site file (`crate::site`).

use std::error::Error;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::assets::read_file;
use crate::check::CheckSet;
use crate::cli::args::SiteArgs;
use crate::cli::captures;
use crate::facts::address;
use crate::facts::failure_kind::FailureKind;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{Failure, Transcript};
use crate::facts::vsphere::property;
use crate::facts::vsphere::questions;
use crate::site::{
    Address, ConfigurationServer, EsxiHost, MasterTarget, Name, ProcessServer, ProtectedVm, Site,
    SiteFile, Vcenter,
};
use crate::uri::authority::parse_port;
use crate::uri::target::TargetAddress;

/// A site and the capture of its vSphere server.
pub struct SiteContext {
    /// The site.
    pub site: Site,
    /// Whether a site was given: otherwise no check of a site is in scope.
    pub is_known: bool,
    /// The capture of the vSphere server, when the site names one.
    pub vcenter: Option<Transcript>,
}

/// Reads a site file.
pub fn of_file(path: &Path, checks: &CheckSet) -> anyhow::Result<SiteContext> {
    of_file_with(path, checks, |_| Ok(()))
}

/// Reads a site file and applies `change` to the site before its captures are opened.
pub fn of_file_with(
    path: &Path,
    checks: &CheckSet,
    change: impl FnOnce(&mut Site) -> anyhow::Result<()>,
) -> anyhow::Result<SiteContext> {
    let mut site =
        read_site_file(path, checks)?.site.resolve_paths(path.parent().unwrap_or(Path::new("")));
    let named = site.vcenter.clone();
    change(&mut site)?;
    let vcenter = captured_vcenter(&mut site).context("vcenter")?;
    let vcenter = match named.filter(|named| named.capture().is_none()) {
        Some(named) => vcenter.map(|captured| checked_server(captured, &mut site, named)),
        None => vcenter,
    };
    Ok(SiteContext { site, is_known: true, vcenter })
}

/// Reads a site file, and the answers file that it names.
pub fn read_site_file(path: &Path, checks: &CheckSet) -> anyhow::Result<SiteFile> {
    let asset = read_file(path)?;
    let file = SiteFile::parse(&asset.text, &asset.path, checks)?;
    let Some(answers) = answers_path(&file.site, path) else { return Ok(file) };
    match read_file(&answers) {
        Ok(answers) => Ok(file.with_answers(&answers.text, &answers.path, checks)?),
        Err(error) => {
            let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            Err(file.answers_file_fault(why).into())
        }
    }
}

/// Returns where the answers file of a site is, if it names one; `path` is that of the site file.
pub fn answers_path(site: &Site, path: &Path) -> Option<PathBuf> {
    Some(path.with_file_name(site.answers_file.as_ref()?))
}

/// Opens the capture of the vSphere server. The site then gets the address in the capture, as it
/// was at the time of collecting.
fn captured_vcenter(site: &mut Site) -> anyhow::Result<Option<Transcript>> {
    let Some(vcenter) = &mut site.vcenter else { return Ok(None) };
    let Some(path) = vcenter.capture() else { return Ok(None) };
    let captured = captures::read_single_capture(path.to_owned(), TargetKind::Vcenter)?;
    let asked = property::json_answer(&captured, questions::ASKED).ok();
    let url = asked.as_ref().and_then(|asked| property::optional_text(asked, "url"));
    let address = url.unwrap_or(&captured.target);
    vcenter.url = format!("vsphere://{address}");
    Ok(Some(captured))
}

/// Returns the capture when it is of the server that the site names, otherwise a failure.
fn checked_server(captured: Transcript, site: &mut Site, named: Vcenter) -> Transcript {
    let asked = site.vcenter.as_ref().and_then(Vcenter::address);
    let (Some(wanted), Some(asked)) = (named.address(), asked) else { return captured };
    if address::is_same_server(&asked, &wanted) {
        return captured;
    }
    site.vcenter = Some(named);
    let list = |server| address::join_servers(std::slice::from_ref(server));
    let reason = format!("the capture is of {}, not of {}", list(&asked), list(&wanted));
    let hint = Some("collect its answers with preflight collect site".to_owned());
    let failure = Failure { kind: FailureKind::NoCapture, reason, hint };
    Transcript::from_failure(&wanted.0, captured.kind, captured.connection.by, failure)
}

/// Reads the site file, or makes a site of the options.
pub fn choose(
    choice: &SiteArgs,
    targets: &[String],
    checks: &CheckSet,
) -> anyhow::Result<SiteContext> {
    if let Some(path) = &choice.file {
        return of_file(path, checks);
    }
    let is_known = choice.cs.is_some()
        || !choice.ps.is_empty()
        || choice.vcenter.is_some()
        || !choice.esxi.is_empty()
        || !choice.protected.is_empty()
        || choice.vm.is_some();
    let mut site = of_options(choice, targets)?;
    let vcenter = captured_vcenter(&mut site).context("--vcenter")?;
    Ok(SiteContext { site, is_known, vcenter })
}

fn of_options(choice: &SiteArgs, targets: &[String]) -> anyhow::Result<Site> {
    anyhow::ensure!(
        choice.vm.is_none() || targets.len() == 1,
        "--vm names the machine of one master target, and there are {}: name them in --site",
        targets.len()
    );
    let configuration_server = match &choice.cs {
        None => None,
        Some(address) => Some(ConfigurationServer {
            address: address.parse().context("--cs")?,
            version: choice
                .cs_version
                .as_ref()
                .map(|version| version.parse())
                .transpose()
                .context("--cs-version")?,
        }),
    };
    let process_servers = choice
        .ps
        .iter()
        .map(|text| process_server(text).with_context(|| format!("--ps {text:?}")))
        .collect::<anyhow::Result<Vec<ProcessServer>>>()?;
    for (index, server) in process_servers.iter().enumerate() {
        let earlier = process_servers[..index].iter().any(|other| other.name == server.name);
        anyhow::ensure!(!earlier, "--ps: {} is named twice", server.name);
    }
    let master_target = |given: &String| {
        anyhow::Ok(MasterTarget {
            ssh: Some(given.parse()?),
            vm: choice.vm.clone(),
            retention: choice.retention.clone(),
            ..MasterTarget::new(Name::as_given(given))
        })
    };
    let vcenter = choice.vcenter.as_ref().map(|url| Vcenter::new(url)).transpose();
    let vcenter = vcenter
        .context("--vcenter")?
        .map(|vcenter| Vcenter { discovery_account: choice.discovery_account.clone(), ..vcenter });
    let protected = choice
        .protected
        .iter()
        .map(|name| Ok(ProtectedVm::new(name.parse().context("--protected-vm")?)));
    Ok(Site {
        vcenter,
        protected_vms: protected.collect::<anyhow::Result<_>>()?,
        configuration_server,
        process_servers,
        esxi: choice
            .esxi
            .iter()
            .enumerate()
            .map(|(index, uri)| esxi(index, uri).context("--esxi"))
            .collect::<anyhow::Result<_>>()?,
        master_targets: targets.iter().map(master_target).collect::<anyhow::Result<_>>()?,
        ..Site::default()
    })
}

/// Parses `NAME=ADDRESS[:PORT][,VERSION]`.
fn process_server(text: &str) -> anyhow::Result<ProcessServer> {
    let (name, rest) = text.split_once('=').context("expected NAME=ADDRESS[:PORT][,VERSION]")?;
    let (place, version) = match rest.split_once(',') {
        Some((place, version)) => (place, Some(version.parse()?)),
        None => (rest, None),
    };
    let mut server = ProcessServer::new(name.parse::<Name>()?, address(place)?.0);
    server.version = version;
    if let Some(port) = address(place)?.1 {
        server.data_port = port;
    }
    Ok(server)
}

/// Parses `ADDRESS[:PORT]`; an IPv6 address with a port is in brackets.
fn address(text: &str) -> anyhow::Result<(Address, Option<u16>)> {
    if let Ok(address) = text.parse::<Address>() {
        return Ok((address, None));
    }
    let (address, port) =
        text.rsplit_once(':').with_context(|| format!("{text:?} is not an address"))?;
    let address = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    let port = parse_port(port)
        .with_context(|| format!("{port:?} is not a port, give one from 1 to 65535"))?;
    Ok((address.parse()?, Some(port)))
}

fn esxi(index: usize, uri: &str) -> anyhow::Result<EsxiHost> {
    let name = format!("esxi{}", index + 1);
    Ok(EsxiHost::new(name.parse::<Name>()?, uri.parse::<TargetAddress>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_server_is_written_in_one_word() {
        for (text, expected) in [
            ("ps1=ps01", Some(("ps01", 9443, None))),
            ("ps1=ps01:4443", Some(("ps01", 4443, None))),
            ("ps1=10.0.0.5:4443,9.8.9.0", Some(("10.0.0.5", 4443, Some("9.8.9.0")))),
            ("ps1=fe80::1", Some(("fe80::1", 9443, None))),
            ("ps1=[fe80::1]:443,9.8", Some(("fe80::1", 443, Some("9.8")))),
            ("ps1", None),
            ("ps1=", None),
            ("ps1=a b", None),
            ("ps1=a:0", None),
            ("ps1=a:70000", None),
            ("ps1=a,latest", None),
        ] {
            let server = process_server(text).ok();
            let seen = server.as_ref().map(|server| {
                let version = server.version.as_ref().map(|version| version.as_str());
                (server.address.as_str(), server.data_port, version)
            });
            assert_eq!(seen, expected, "{text}");
        }
    }
}
