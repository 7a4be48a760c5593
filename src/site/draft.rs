//! The text of a site file that a vault, and perhaps vCenter, know: for a person to read and to complete.
//!
//! What is certain is a key; what is a guess, or not known to either, is a comment. Not for what is known (`from_vault`), nor
//! for the commented file without a vault (`file::init_site`).

use serde_json::Value;

use super::azure::AzureVault;
use super::from_vault::{Notes, VaultSite, fabrics_in_use};
use super::model::{MasterTarget, ProcessServer, ProtectedVm, Site};
use super::value::{GuestSystem, Link, MemorySize, ServerRole};
use crate::facts::azure::keep::printable;
use crate::facts::azure::vault::Vault;
use crate::facts::stage::Scenario;
use crate::uri::target::TargetAddress;

/// What a draft is made of.
pub struct DraftRequest<'a> {
    /// The vault.
    pub vault: &'a Vault,
    /// The site that it knows, as far as possible matched with vCenter.
    pub site: &'a VaultSite,
    /// The vault as the file names it, and how it is reached.
    pub azure: &'a AzureVault,
    /// The URL of the vCenter server, when one was named.
    pub vcenter: Option<&'a str>,
    /// The thumbprint of its certificate, when one was named.
    pub thumbprint: Option<&'a str>,
    /// How many machines of the vault belong to another product, and so in a file of their own.
    pub elsewhere: usize,
}

/// Returns the text of a site file.
pub fn draft(request: &DraftRequest<'_>) -> String {
    let VaultSite { site, notes } = request.site;
    let mut out = Lines { text: String::new(), notes };
    head(&mut out, request);
    if site.scenario == Scenario::Hyperv {
        out.line("scenario: hyperv");
    } else {
        servers(&mut out, site);
    }
    if let Some(link) = site.link {
        out.line("");
        let word = match link {
            Link::Vpn => "vpn",
            Link::Expressroute => "expressroute",
        };
        out.line(&format!("link: {word}   # its connection is up"));
    }
    machines(&mut out, site);
    groups(&mut out, site);
    if site.scenario == Scenario::VmwareClassic {
        vcenter(&mut out, request);
    }
    out.line("");
    out.line("# What only a person can say: preflight answer THIS-FILE asks, and keeps it.");
    out.text
}

/// The lines of the file.
struct Lines<'a> {
    text: String,
    notes: &'a Notes,
}

impl Lines<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Adds a comment, whatever its text holds.
    fn comment(&mut self, indent: &str, text: &str) {
        self.line(&format!("{indent}# {}", printable(text)));
    }

    /// Adds the remarks about an entry.
    fn remarks(&mut self, indent: &str, entry: &str) {
        let notes = self.notes;
        notes.remarks(entry).for_each(|remark| self.comment(indent, remark));
    }

    /// Adds a key whose value is a text that may hold anything, with the remark about it.
    fn key(&mut self, indent: &str, entry: &str, key: &str, value: &str) {
        let note = self.notes.about_key(entry, key);
        let note =
            if note.is_empty() { String::new() } else { format!("   # {}", printable(note)) };
        self.line(&format!("{indent}{key}: {}{note}", scalar(value)));
    }
}

/// Writes a text as a YAML scalar: as it is when it can mean nothing else.
fn scalar(value: &str) -> String {
    let value = printable(value);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    let starts = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_word = matches!(
        value.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
    );
    let is_address = value.parse::<std::net::IpAddr>().is_ok() && !value.contains(':');
    if (starts && value.chars().all(allowed) && !is_word) || is_address {
        value
    } else {
        // A text of JSON is one of YAML, too.
        Value::String(value).to_string()
    }
}

fn head(out: &mut Lines<'_>, request: &DraftRequest<'_>) {
    let at = request.vault.asked_at;
    let at = at.map_or_else(String::new, |at| at.strftime(" of %Y-%m-%d %H:%M UTC").to_string());
    out.line("# yaml-language-server: $schema=site.schema.json");
    out.line("# The line above is for editors: preflight schema site > site.schema.json");
    out.line(&format!(
        "# A site as Azure knew it{at}: read it, complete it, keep it. No password belongs in here."
    ));
    out.line("# preflight guide THIS-FILE         where each machine is, and what to do now");
    out.line("# preflight check site THIS-FILE    everything: Azure, vCenter, hosts, machines");
    out.line("");
    azure(out, request.azure);
    out.remarks("", "site");
    if request.elsewhere > 0 {
        out.comment(
            "",
            &format!(
                "{} more machines of this vault are of another product: keep a file for each.",
                request.elsewhere
            ),
        );
    }
    let mut kinds: Vec<&str> =
        fabrics_in_use(request.vault).iter().map(|fabric| fabric.kind()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.len() > 1 {
        out.comment("", &format!("The vault has fabrics of {}.", kinds.join(", ")));
    }
}

/// The vault: its address alone, or with keys where it is not reached like any other.
fn azure(out: &mut Lines<'_>, azure: &AzureVault) {
    if *azure == AzureVault::new(&azure.vault) {
        return out.line(&format!("azure: {}", scalar(&azure.vault)));
    }
    let token_file = azure.token_file.as_ref().map(|path| path.display().to_string());
    out.line("azure:");
    for (key, value) in [
        ("vault", Some(&azure.vault)),
        ("cloud", azure.cloud.as_ref()),
        ("endpoint", azure.endpoint.as_ref()),
        ("login", azure.login.as_ref()),
        ("audience", azure.audience.as_ref()),
        ("token_file", token_file.as_ref()),
    ] {
        if let Some(value) = value {
            out.line(&format!("  {key}: {}", scalar(value)));
        }
    }
    if !azure.groups.is_empty() {
        let groups: Vec<String> = azure.groups.iter().map(|group| scalar(group)).collect();
        out.line(&format!("  groups: [{}]", groups.join(", ")));
    }
}

fn servers(out: &mut Lines<'_>, site: &Site) {
    out.line("");
    match &site.configuration_server {
        Some(server) => {
            out.line("configuration_server:");
            let entry = "configuration_server";
            out.key("  ", entry, "address", server.address.as_str());
            if let Some(version) = &server.version {
                out.line(&format!(
                    "  version: {}   # as Azure rounds it",
                    scalar(version.as_str())
                ));
            }
        }
        None if out.notes.remarks("configuration_server").next().is_some() => {
            out.comment("", "The vault has several configuration servers with machines; which one is meant here?");
            out.line("#: configuration_server: { address: 192.0.2.1 }");
        }
        None => {}
    }
    out.remarks("  ", "configuration_server");
    if !site.process_servers.is_empty() {
        out.line("");
        out.line("process_servers:");
    }
    site.process_servers.iter().for_each(|server| process_server(out, server));
    out.remarks("  ", "process_servers");
    if !site.master_targets.is_empty() {
        out.line("");
        out.line("master_targets:");
        site.master_targets.iter().for_each(|target| master_target(out, target));
    } else if site.configuration_server.is_some() {
        out.line("");
        out.comment("", "Azure knows no master target but the configuration server's own. Once one is registered:");
        out.line("#: master_targets:");
        out.line("#:   - { name: mt1, ssh: ssh://root@192.0.2.20 }");
    }
}

fn process_server(out: &mut Lines<'_>, server: &ProcessServer) {
    let entry = server.name.as_str();
    out.key("  - ", entry, "name", entry);
    out.key("    ", entry, "address", server.address.as_str());
    if let Some(version) = &server.version {
        out.line(&format!("    version: {}   # as Azure rounds it", scalar(version.as_str())));
    }
    match server.role {
        Some(ServerRole::Azure) => out.key("    ", entry, "role", "azure"),
        Some(ServerRole::OnPremises) => out.key("    ", entry, "role", "on-premises"),
        None => {}
    }
    out.remarks("    ", entry);
}

fn master_target(out: &mut Lines<'_>, target: &MasterTarget) {
    let entry = target.name.as_str();
    out.key("  - ", entry, "name", entry);
    if target.os == Some(GuestSystem::Windows) {
        out.line("    os: windows");
    }
    if let Some(TargetAddress::Ssh(host)) = &target.ssh {
        out.key("    ", entry, "ssh", &format!("ssh://{host}"));
    }
    if let Some(retention) = &target.retention {
        out.key("    ", entry, "retention", retention);
    }
    match &target.vm {
        Some(vm) => out.key("    ", entry, "vm", vm),
        None => out.comment("    ", "vm: what vCenter calls its virtual machine"),
    }
    out.remarks("    ", entry);
}

fn machines(out: &mut Lines<'_>, site: &Site) {
    out.line("");
    if site.protected_vms.is_empty() {
        out.comment("", "The vault protects no machine.");
        return out.remarks("", "protected_vms");
    }
    out.line("protected_vms:");
    for vm in &site.protected_vms {
        let entry = vm.name.as_str();
        out.key("  - ", entry, "name", entry);
        machine_keys(out, vm);
        out.remarks("    ", entry);
    }
    out.remarks("  ", "protected_vms");
    if site.scenario == Scenario::VmwareClassic {
        out.comment("  ", "filesystems: [ext4, xfs] of each decides which packages a master target needs; host: where it is to come back");
    }
}

fn machine_keys(out: &mut Lines<'_>, vm: &ProtectedVm) {
    let entry = vm.name.as_str();
    if let Some(name) = &vm.azure_name {
        out.key("    ", entry, "azure_name", name.as_str());
    }
    if let Some(target) = &vm.master_target {
        out.key("    ", entry, "master_target", target.as_str());
    }
    if let Some(host) = &vm.host {
        out.key("    ", entry, "host", host);
    }
    if let Some(datastore) = &vm.datastore {
        out.key("    ", entry, "datastore", datastore);
    }
    if let Some(os) = vm.os {
        out.key("    ", entry, "os", os.family());
    }
    if let Some(sizes) = &vm.disks {
        let sizes: Vec<String> = sizes.iter().map(|size| written_size(*size)).collect();
        out.line(&format!("    disks: [{}]", sizes.join(", ")));
    }
    if let Some(address) = vm.address {
        out.line(&format!(
            "    address: {}   # static, and to be so again",
            scalar(&address.to_string())
        ));
    }
    // Of a machine in Azure the service says so of every one.
    if vm.physical == Some(true) {
        out.line("    physical: true");
    }
}

fn written_size(size: MemorySize) -> String {
    let mib = size.mib();
    if mib % 1024 == 0 { format!("{} GiB", mib / 1024) } else { format!("{mib} MiB") }
}

fn groups(out: &mut Lines<'_>, site: &Site) {
    if site.replication_groups.is_empty() {
        return;
    }
    out.line("");
    out.line("replication_groups:");
    for group in &site.replication_groups {
        out.key("  - ", group.name.as_str(), "name", group.name.as_str());
        let machines: Vec<String> = group.vms.iter().map(|name| scalar(name.as_str())).collect();
        out.line(&format!("    vms: [{}]", machines.join(", ")));
    }
}

fn hosts(out: &mut Lines<'_>, site: &Site) {
    if site.esxi.is_empty() {
        return;
    }
    out.line("esxi:");
    for host in &site.esxi {
        out.key("  - ", host.name.as_str(), "name", host.name.as_str());
    }
    out.line("");
}

fn vcenter(out: &mut Lines<'_>, request: &DraftRequest<'_>) {
    out.line("");
    let known = request.site.site.vcenter.as_ref().map(|vcenter| vcenter.url.as_str());
    hosts(out, &request.site.site);
    let Some(url) = request.vcenter.or(known) else {
        out.comment("", "vCenter is not known to Azure:");
        out.line("#: vcenter: { url: vsphere://vcenter.example.com, discovery_account: asr@vsphere.local }");
        return;
    };
    out.line("vcenter:");
    out.key("  ", "vcenter", "url", url);
    if let Some(thumbprint) = request.thumbprint {
        out.line(&format!("  thumbprint: {}", scalar(thumbprint)));
    }
    out.remarks("  ", "vcenter");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_unless_it_can_mean_nothing_else() {
        for (value, written) in [
            ("app-01", "app-01"),
            ("/mnt/retention", "/mnt/retention"),
            ("192.0.2.1", "192.0.2.1"),
            ("fe80::1", "\"fe80::1\""),
            ("no", "\"no\""),
            ("1.10", "\"1.10\""),
            ("a: b", "\"a: b\""),
            ("a#b", "\"a#b\""),
            ("", "\"\""),
            ("\u{1b}[31mred", "\"[31mred\""),
        ] {
            assert_eq!(scalar(value), written);
        }
    }
}
