//! The selection of a verb: a site, the systems to collect from, and how much of the site to
//! evaluate.
//!
//! Not for how a system is reached (`sources`), nor for collecting from it (`collect`).

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;

use super::args::{InventoryArgs, SelectArgs, SiteArgs};
use super::azure;
use super::collect::{Answers, CollectOptions, Role, Source};
use super::hosts::{self, Host};
use super::site::{self, SiteContext};
use super::sources;
use crate::check::scope::{Scope, ScopeChoice};
use crate::check::waiver::matches_glob;
use crate::check::{CheckSet, Provider, Target};
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;
use crate::facts::vsphere::query_scope::QueryScope;
use crate::site::assemble::{Coverage, Responses};
use crate::site::{MasterTarget, ProtectedVm, Site};
use crate::yaml::did_you_mean;

/// The selection of a verb.
pub struct Selection {
    /// The site; empty when none is given.
    pub site: Site,
    /// How much of it is evaluated.
    pub coverage: Coverage,
    /// The master targets and process servers to collect from.
    pub hosts: Vec<Host>,
    /// Whether to collect from the site's vSphere server.
    pub asks_vcenter: bool,
    /// Whether to collect from the site's vault.
    pub asks_azure: bool,
    /// The indices of the site's ESXi hosts whose shells to collect from.
    pub esxi: Vec<usize>,
    /// The capture of the site's vSphere server, when the site names one.
    captured_vcenter: Option<Transcript>,
    /// Servers that were named without a site.
    named: Vec<Source>,
    /// The machines to evaluate by named servers.
    question: QueryScope,
    /// The machines that are asked about, as globs; all of them when none is named.
    machines: Vec<String>,
    /// Which checks and targets are evaluated.
    pub choice: ScopeChoice,
}

impl Selection {
    /// Selects all of a site.
    pub fn everything(context: SiteContext) -> anyhow::Result<Self> {
        let hosts = hosts::all(&context.site)?;
        Ok(Self::of_site(context, hosts, Coverage::Everything))
    }

    /// Selects the named hosts or those of the inventory, and the systems that they depend on.
    pub fn hosts(
        site: &SiteArgs,
        names: &[String],
        inventory: &InventoryArgs,
        checks: &CheckSet,
    ) -> anyhow::Result<Self> {
        let context = site::choose(site, names, checks)?;
        let hosts = hosts::chosen(names, inventory, &context.site)?;
        let hosts = hosts::with_process_servers(hosts, &context.site);
        Ok(Self::of_site(context, hosts, Coverage::Hosts))
    }

    /// Selects the targets, or all hosts of the site, and those vSphere servers that provide facts that are needed.
    pub fn suspected(
        site: &SiteArgs,
        targets: &[String],
        needed: &BTreeSet<Provider>,
        checks: &CheckSet,
    ) -> anyhow::Result<Self> {
        let context = site::choose(site, targets, checks)?;
        let hosts = if targets.is_empty() {
            hosts::all(&context.site)?
        } else {
            let hosts = hosts::chosen(targets, &InventoryArgs::default(), &context.site)?;
            hosts::with_process_servers(hosts, &context.site)
        };
        let mut selection = Self::of_site(context, hosts, Coverage::HostsAndAnswers);
        selection.asks_vcenter &= needed.contains(&Provider::Vsphere);
        if !selection.asks_vcenter && !needed.contains(&Provider::EsxiShell) {
            let asks_shells = needed.contains(&Provider::Vsphere);
            selection.esxi.retain(|_| asks_shells);
        }
        Ok(selection)
    }

    /// Selects one host alone.
    pub fn host(site: &SiteArgs, name: &str, checks: &CheckSet) -> anyhow::Result<Self> {
        let context = site::choose(site, &[name.to_owned()], checks)?;
        let host = hosts::named(name, &context.site)?;
        let selection = Self::of_site(context, vec![host], Coverage::Hosts);
        Ok(Self { asks_vcenter: false, asks_azure: false, esxi: Vec::new(), ..selection })
    }

    /// Selects hosts of a site, and the site's vSphere server and ESXi hosts.
    pub fn of_site(context: SiteContext, hosts: Vec<Host>, coverage: Coverage) -> Self {
        let SiteContext { site, is_known, vcenter } = context;
        let coverage = if is_known { coverage } else { Coverage::HostsAlone };
        Self {
            coverage,
            hosts,
            asks_vcenter: site.vcenter.is_some(),
            asks_azure: site.azure.is_some(),
            esxi: (0..site.esxi.len()).collect(),
            captured_vcenter: vcenter,
            named: Vec::new(),
            question: QueryScope::default(),
            machines: Vec::new(),
            choice: ScopeChoice::default(),
            site,
        }
    }

    /// Selects the vSphere server of a site file; `name` may be its address.
    pub fn vcenter_of_site(
        file: &Path,
        name: Option<&str>,
        checks: &CheckSet,
    ) -> anyhow::Result<Self> {
        let context = site::of_file(file, checks)?;
        let (address, _) = context
            .site
            .vcenter
            .as_ref()
            .and_then(|vcenter| vcenter.address())
            .with_context(|| {
                format!(
                    "{}: the site names no vCenter server, as vcenter: {{ url: vsphere://vc1 }}",
                    file.display()
                )
            })?;
        if let Some(name) = name {
            anyhow::ensure!(
                name == address || name == "vcenter",
                "target {name:?}: the vCenter server of the site is {address}"
            );
        }
        let selection = Self::of_site(context, Vec::new(), Coverage::Servers);
        Ok(Self { esxi: Vec::new(), asks_azure: false, ..selection })
    }

    /// Selects the named ESXi host of a site file, or all of them, over their shells.
    pub fn esxi_of_site(
        file: &Path,
        name: Option<&str>,
        checks: &CheckSet,
    ) -> anyhow::Result<Self> {
        let context = site::of_file(file, checks)?;
        let selection = Self::of_site(context, Vec::new(), Coverage::Servers);
        let all = &selection.site.esxi;
        let mut esxi: Vec<usize> =
            (0..all.len()).filter(|&index| all[index].ssh.is_some()).collect();
        anyhow::ensure!(
            !esxi.is_empty(),
            "{}: the site names no ESXi host with ssh:, as esxi: [{{ name: esx1, ssh: ssh://root@esx1 }}]",
            file.display()
        );
        if let Some(name) = name {
            let index = all.iter().position(|host| host.name.as_str() == name);
            let index = index.with_context(|| {
                let known: Vec<&str> = all.iter().map(|host| host.name.as_str()).collect();
                format!("target {name:?}: the site's ESXi hosts are: {}", known.join(", "))
            })?;
            anyhow::ensure!(
                all[index].ssh.is_some(),
                "ESXi host {name}: the site gives it no ssh:"
            );
            esxi = vec![index];
        }
        Ok(Self { asks_vcenter: false, asks_azure: false, esxi, ..selection })
    }

    /// Selects a server that was named without a site, and the machines to evaluate by it.
    pub fn server(source: Source, question: QueryScope) -> Self {
        let context = SiteContext { site: Site::default(), is_known: false, vcenter: None };
        let selection = Self::of_site(context, Vec::new(), Coverage::HostsAlone);
        let (named, coverage) = (vec![source], Coverage::NamedServers);
        Self { named, question, coverage, ..selection }
    }

    /// Restricts the selection to what the options name.
    ///
    /// # Errors
    ///
    /// Fails for a check or a stage that does not exist.
    pub fn choose(&mut self, options: &SelectArgs, checks: &CheckSet) -> anyhow::Result<()> {
        for (option, ids) in [("--only", &options.only), ("--skip", &options.skip)] {
            for id in ids {
                let matches = checks.checks().iter().any(|check| matches_glob(id, &check.id));
                anyhow::ensure!(
                    matches,
                    "{option}: there is no check {id:?}{}",
                    did_you_mean(&checks.nearest_id(id).map(str::to_owned))
                );
            }
        }
        let scenario = self.site.scenario;
        if let Some(stage) = options.stage {
            let words: Vec<&str> = scenario.stages().iter().map(|stage| stage.as_str()).collect();
            anyhow::ensure!(
                scenario.has(stage),
                "--stage {stage}: the stages of this site are {}",
                words.join(", ")
            );
        }
        self.site.given_stage = options.stage;
        self.choice = ScopeChoice {
            only: options.only.clone(),
            skip: options.skip.clone(),
            targets: options.limit.clone(),
        };
        // Who is not evaluated is not asked, unless only a machine or a server without a login is.
        if self.hosts.iter().any(|host| self.choice.includes_target(&host.name)) {
            self.hosts.retain(|host| self.choice.includes_target(&host.name));
        }
        Ok(())
    }

    /// Asks, of machines, about those alone that are named; servers are evaluated as they would be without it.
    pub fn ask_of_machines(&mut self, globs: &[String]) {
        self.machines = globs.to_vec();
        let hosts = std::mem::take(&mut self.hosts);
        self.hosts = hosts
            .into_iter()
            .filter(|host| host.kind != TargetKind::ProtectedVm || self.asks_of_machine(&host.name))
            .collect();
    }

    fn asks_of_machine(&self, name: &str) -> bool {
        let is_named = || self.machines.iter().any(|glob| matches_glob(glob, name));
        self.choice.includes_target(name) && (self.machines.is_empty() || is_named())
    }

    /// Returns notes on what the options left out of the evaluation.
    pub fn left_out(&self, checks: &CheckSet, targets: &[Target]) -> Vec<String> {
        let scope = Scope::new(checks, targets);
        let all = scope.planned.len();
        let left = all - scope.selected(checks, targets, &self.choice).planned.len();
        self.left_out_notes(left, all, targets)
    }

    /// Returns notes on how many of all checks the options left out, and on what they name in vain.
    pub fn left_out_notes(&self, left: usize, all: usize, targets: &[Target]) -> Vec<String> {
        if self.choice.is_everything() {
            return Vec::new();
        }
        let mut notes = vec![format!(
            "--only, --skip or --limit left out {left} of {all} checks: this is not the whole answer"
        )];
        let unmatched = self
            .choice
            .targets
            .iter()
            .filter(|&glob| targets.iter().all(|target| !matches_glob(glob, &target.name)));
        notes.extend(unmatched.map(|glob| format!("--limit {glob}: there is no such target")));
        notes
    }

    /// Returns the source of every selected system.
    pub fn sources(
        &mut self,
        checks: &CheckSet,
        options: &CollectOptions<'_>,
    ) -> anyhow::Result<Vec<Source>> {
        let (site, coverage) = (&self.site, self.coverage);
        let is_chosen = |target: &&MasterTarget| {
            coverage == Coverage::Servers
                || self.hosts.iter().any(|host| host.name == target.name.as_str())
        };
        let chosen: Vec<_> = site.master_targets.iter().filter(is_chosen).cloned().collect();
        let mut sources = std::mem::take(&mut self.named);
        for host in std::mem::take(&mut self.hosts) {
            let name = host.name.clone();
            let source = sources::host(host, checks, options);
            sources.push(source.with_context(|| format!("target {name}"))?);
        }
        let question = site.shell_question(&chosen, coverage);
        for index in &self.esxi {
            let entry = &site.esxi[*index];
            let source = sources::site_esxi(*index, entry, site, &question, options);
            sources.extend(source.with_context(|| format!("ESXi host {}", entry.name))?);
        }
        if let Some(entry) = site.vcenter.as_ref().filter(|_| self.asks_vcenter) {
            sources.push(match self.captured_vcenter.take() {
                Some(captured) => sources::recorded_vcenter(captured),
                None => {
                    let question = site.vsphere_question(&chosen, coverage);
                    sources::site_vcenter(entry, site, question, options).context("vcenter")?
                }
            });
        }
        if let Some(entry) = site.azure.as_ref().filter(|_| self.asks_azure) {
            let vault = azure::of_site(entry, options.tls).context("azure")?;
            let vault = vault.limited_to(&self.machines_in_azure());
            sources.push(Source { role: Role::Azure, answers: Answers::Vault(vault) });
        }
        Ok(sources)
    }

    /// Returns what Azure calls the machines that are evaluated: those of the site, or those of them that options name.
    fn machines_in_azure(&self) -> Vec<String> {
        let all = self.site.protected_vms.iter();
        let (chosen, others): (Vec<_>, Vec<_>) =
            all.partition(|vm| self.asks_of_machine(vm.name.as_str()));
        // Where options name servers alone, what is to be known of these follows from all machines.
        let asked = if chosen.is_empty() { others } else { chosen };
        let name = |vm: &&ProtectedVm| vm.azure_name.as_ref().unwrap_or(&vm.name).to_string();
        asked.iter().map(name).collect()
    }

    /// Returns the targets of the collected transcripts.
    pub fn assemble(
        &self,
        responses: &Responses,
        checks: &CheckSet,
    ) -> anyhow::Result<Vec<Target>> {
        Ok(self.site.assemble(responses, checks, self.coverage, &self.question)?)
    }
}
