//! Validates that the parts of a site fit together: names are unique, references and checks exist.
//!
//! Not for single values, which are validated when they are parsed (`value`).

use std::collections::BTreeMap;

use super::answers::AnswerEntry;
use super::error::SiteFault;
use super::model::{MasterTarget, ProcessServer, Site};
use super::value::{GuestSystem, Via};
use crate::check::CheckSet;
use crate::facts::target_kind::TargetKind;
use crate::facts::windows::capture::drive_of;
use crate::yaml::closest_match;

/// A path in a site file: a section such as `master_targets`, an entry of it, a key of that, and an
/// element of the key's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SitePath {
    /// The key at the top level.
    pub section: &'static str,
    /// The index in its list.
    pub item: Option<usize>,
    /// The key in that entry.
    pub key: Option<&'static str>,
    /// The index in the list of that key.
    pub inner: Option<usize>,
}

impl SitePath {
    fn key(section: &'static str, key: &'static str) -> Self {
        Self { section, item: None, key: Some(key), inner: None }
    }

    fn item(section: &'static str, item: usize, key: &'static str) -> Self {
        Self { section, item: Some(item), key: Some(key), inner: None }
    }
}

impl SitePath {
    /// Returns the path of a key of an answer.
    pub(super) fn answer(item: usize, key: &'static str) -> Self {
        Self::item("answers", item, key)
    }
}

type LocatedFault = (SitePath, SiteFault);

/// Returns the first fault of a site.
pub fn validate(site: &Site, checks: &CheckSet) -> Result<(), LocatedFault> {
    check_names_unique(site)?;
    check_references(site)?;
    if let Some(vcenter) = &site.vcenter {
        vcenter.verify().map_err(|fault| (SitePath::key("vcenter", "url"), fault))?;
    }
    if let Some(azure) = &site.azure {
        azure.verify().map_err(|fault| (SitePath::key("azure", "vault"), fault))?;
    }
    for (index, target) in site.master_targets.iter().enumerate() {
        check_master_target(target)
            .map_err(|(key, fault)| (SitePath::item("master_targets", index, key), fault))?;
    }
    let is_windows = |server: &ProcessServer| server.os == Some(GuestSystem::Windows);
    for (index, server) in site.process_servers.iter().enumerate() {
        if is_windows(server) && server.ssh.is_some() {
            let at = SitePath::item("process_servers", index, "ssh");
            return Err((at, SiteFault::WindowsServerOverSsh));
        }
    }
    check_answers(site, checks)?;
    for (index, waiver) in site.waivers.iter().enumerate() {
        check_exists(&waiver.check, checks, SitePath::item("waivers", index, "check"))?;
    }
    Ok(())
}

/// Checks that a master target has what its system needs; a fault comes with its key.
fn check_master_target(target: &MasterTarget) -> Result<(), (&'static str, SiteFault)> {
    let is_windows = target.kind() == TargetKind::WindowsMt;
    match &target.retention {
        Some(path) if is_windows && drive_of(path).is_none() => {
            return Err(("retention", SiteFault::NotADrive(path.clone())));
        }
        Some(path) if !is_windows && !path.starts_with('/') => {
            return Err(("retention", SiteFault::NotAbsolute(path.clone())));
        }
        _ => {}
    }
    if is_windows && target.ssh.is_some() {
        return Err(("ssh", SiteFault::WindowsOverSsh));
    }
    if !is_windows && target.capture.is_some() {
        return Err(("capture", SiteFault::CaptureOfLinux));
    }
    if !is_windows && target.ssh.is_none() {
        return Err(("name", SiteFault::NoSsh(target.name.to_string())));
    }
    Ok(())
}

/// Checks that no two targets share a name.
fn check_names_unique(site: &Site) -> Result<(), LocatedFault> {
    let mut seen_names: BTreeMap<&str, (&'static str, usize)> = BTreeMap::new();
    let servers =
        site.process_servers.iter().map(|server| ("process_servers", server.name.as_str()));
    let esxi = site.esxi.iter().map(|host| ("esxi", host.name.as_str()));
    let targets = site.master_targets.iter().map(|target| ("master_targets", target.name.as_str()));
    let vms = site.protected_vms.iter().map(|vm| ("protected_vms", vm.name.as_str()));
    let mut section_before = "";
    let mut index = 0;
    for (section, name) in servers.chain(esxi).chain(targets).chain(vms) {
        index = if section == section_before { index + 1 } else { 0 };
        section_before = section;
        if let Some((earlier, number)) = seen_names.insert(name, (section, index)) {
            let earlier = format!("{earlier} {}", number + 1);
            let at = SitePath::item(section, index, "name");
            return Err((at, SiteFault::Duplicate { name: name.to_owned(), earlier }));
        }
    }
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, group) in site.replication_groups.iter().enumerate() {
        if let Some(number) = groups.insert(group.name.as_str(), index) {
            let earlier = format!("replication_groups {}", number + 1);
            let at = SitePath::item("replication_groups", index, "name");
            return Err((at, SiteFault::Duplicate { name: group.name.to_string(), earlier }));
        }
    }
    Ok(())
}

/// Checks that names refer to entries of the file.
fn check_references(site: &Site) -> Result<(), LocatedFault> {
    let targets: Vec<&str> =
        site.master_targets.iter().map(|target| target.name.as_str()).collect();
    let vms: Vec<&str> = site.protected_vms.iter().map(|vm| vm.name.as_str()).collect();
    if let Some(via) = site.vcenter.as_ref().and_then(|vcenter| vcenter.via.as_ref()) {
        check_via(via, site, SitePath::key("vcenter", "via"))?;
    }
    for (index, host) in site.esxi.iter().enumerate() {
        if let Some(via) = &host.via {
            let at = SitePath::item("esxi", index, "via");
            check_via(via, site, at)?;
            if host.login.jump.is_some() {
                return Err((at, SiteFault::TwoWays));
            }
        }
    }
    for (index, vm) in site.protected_vms.iter().enumerate() {
        if let Some(target) = &vm.master_target {
            let at = SitePath::item("protected_vms", index, "master_target");
            check_name_exists(target.as_str(), "master target", &targets, at)?;
        }
    }
    for (index, group) in site.replication_groups.iter().enumerate() {
        for (inner, vm) in group.vms.iter().enumerate() {
            let at = SitePath::item("replication_groups", index, "vms");
            check_name_exists(
                vm.as_str(),
                "protected machine",
                &vms,
                SitePath { inner: Some(inner), ..at },
            )?;
        }
    }
    Ok(())
}

/// Checks that a gateway exists and can be reached over SSH.
fn check_via(via: &Via, site: &Site, at: SitePath) -> Result<(), LocatedFault> {
    if let Some(name) = via.name() {
        let targets = site.master_targets.iter().map(|target| target.name.as_str());
        let servers = site.process_servers.iter().map(|server| server.name.as_str());
        let known: Vec<&str> = targets.chain(servers).collect();
        check_name_exists(name, "master target or process server", &known, at)?;
    }
    match site.via_host(via) {
        Some(_) => Ok(()),
        None => Err((at, SiteFault::NoWayThrough(via.to_string()))),
    }
}

fn check_name_exists(
    name: &str,
    kind: &'static str,
    known: &[&str],
    at: SitePath,
) -> Result<(), LocatedFault> {
    if known.contains(&name) {
        return Ok(());
    }
    let fault = SiteFault::Dangling {
        kind,
        name: name.to_owned(),
        nearest: closest_match(name, known.iter().copied()).map(str::to_owned),
        known: known.iter().map(|&name| name.to_owned()).collect(),
    };
    Err((at, fault))
}

/// Returns the first fault of the answers of a site.
pub(super) fn check_answers(site: &Site, checks: &CheckSet) -> Result<(), LocatedFault> {
    let answers = site.answers.as_deref().unwrap_or_default();
    for (index, answer) in answers.iter().enumerate() {
        let at = SitePath::item("answers", index, "check");
        check_exists(&answer.check, checks, at)?;
        let is_question =
            checks.find(&answer.check).is_some_and(|check| check.question().is_some());
        if !is_question {
            return Err((at, SiteFault::NotAQuestion(answer.check.clone())));
        }
        if answers[..index].iter().any(|earlier| earlier.is_same_question(answer)) {
            return Err((at, SiteFault::AnsweredTwice(answer.check.clone())));
        }
        check_answer_target(answer, site, checks, index)?;
        if answer.by.trim().is_empty() {
            return Err((SitePath::item("answers", index, "by"), SiteFault::Blank("by")));
        }
    }
    Ok(())
}

/// Checks that an answer says which target it is about, where several could be meant, and that there is such a target.
fn check_answer_target(
    answer: &AnswerEntry,
    site: &Site,
    checks: &CheckSet,
    index: usize,
) -> Result<(), LocatedFault> {
    let Some(check) = checks.find(&answer.check) else { return Ok(()) };
    let named = site.answer_targets(check.scope);
    match answer.target.as_deref() {
        Some("*") => Ok(()),
        Some(_) if named.is_empty() => Ok(()),
        Some(target) => {
            let mut known = named;
            known.push("site");
            known.extend(site.configuration_server.as_ref().map(|server| server.address.as_str()));
            let at = SitePath::item("answers", index, "target");
            check_name_exists(target, "target of this question", &known, at)
        }
        None if named.len() > 1 => {
            let known = named.iter().map(|&name| name.to_owned()).collect();
            let fault = SiteFault::WhichTarget(answer.check.clone(), known);
            Err((SitePath::item("answers", index, "check"), fault))
        }
        None => Ok(()),
    }
}

fn check_exists(id: &str, checks: &CheckSet, at: SitePath) -> Result<(), LocatedFault> {
    if checks.find(id).is_some() {
        return Ok(());
    }
    let nearest = checks.nearest_id(id).map(str::to_owned);
    Err((at, SiteFault::UnknownIdError(id.to_owned(), nearest)))
}
