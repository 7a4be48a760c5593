//! The text of a site file that a vault, and perhaps vCenter, know: for a person to read and to complete.
//!
//! What is certain is a key; what is a guess, or not known to either, is a comment. Not for what is known (`from_vault`), nor
//! for the commented file without a vault (`file::init_site`).

use serde_json::Value;

use super::azure::AzureVault;
use super::from_vault::{Notes, VaultSite, fabrics_in_use};
use super::model::{MasterTarget, ProcessServer, ProtectedVm, Site};
use super::value::{GuestSystem, Link, MemorySize, Name, ServerRole, Version};
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
        let word = match link {
            Link::Vpn => "vpn",
            Link::Expressroute => "expressroute",
        };
        out.line(&format!("\nlink: {word}   # its connection is up"));
    }
    machines(&mut out, site);
    groups(&mut out, site);
    if site.scenario == Scenario::VmwareClassic {
        vcenter(&mut out, request);
    }
    out.line("\n# What only a person can say: preflight answer THIS-FILE asks, and keeps it.");
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
        self.noted(indent, key, &scalar(value), note);
    }

    /// Adds a key with its value as it is, and a note.
    fn noted(&mut self, indent: &str, key: &str, value: &str, note: &str) {
        let note =
            if note.is_empty() { String::new() } else { format!("   # {}", printable(note)) };
        self.line(&format!("{indent}{key}: {value}{note}"));
    }

    /// Adds those keys of an entry that have a value, the first behind a dash.
    fn entry(&mut self, entry: &str, keys: &[(&str, Option<&str>)]) {
        let mut indent = "  - ";
        for (key, value) in keys {
            if let Some(value) = value {
                self.key(indent, entry, key, value);
                indent = "    ";
            }
        }
    }

    /// Adds a version, which Azure knows in part.
    fn version(&mut self, indent: &str, version: Option<&Version>) {
        if let Some(version) = version {
            self.noted(indent, "version", &scalar(version.as_str()), "as Azure rounds it");
        }
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
    let entry = "configuration_server";
    match &site.configuration_server {
        Some(server) => {
            out.line("configuration_server:");
            out.key("  ", entry, "address", server.address.as_str());
            out.version("  ", server.version.as_ref());
        }
        None if out.notes.remarks(entry).next().is_some() => {
            out.comment("", "The vault has several configuration servers with machines; which one is meant here?");
            out.line("#: configuration_server: { address: 192.0.2.1 }");
        }
        None => {}
    }
    out.remarks("  ", entry);
    if !site.process_servers.is_empty() {
        out.line("\nprocess_servers:");
    }
    site.process_servers.iter().for_each(|server| process_server(out, server));
    out.remarks("  ", "process_servers");
    if !site.master_targets.is_empty() {
        out.line("\nmaster_targets:");
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
    out.entry(entry, &[("name", Some(entry)), ("address", Some(server.address.as_str()))]);
    out.version("    ", server.version.as_ref());
    match server.role {
        Some(ServerRole::Azure) => out.key("    ", entry, "role", "azure"),
        Some(ServerRole::OnPremises) => out.key("    ", entry, "role", "on-premises"),
        None => {}
    }
    out.remarks("    ", entry);
}

fn master_target(out: &mut Lines<'_>, target: &MasterTarget) {
    let entry = target.name.as_str();
    let ssh = target.ssh.as_ref().and_then(|ssh| match ssh {
        TargetAddress::Ssh(host) => Some(format!("ssh://{host}")),
        _ => None,
    });
    let is_windows = target.os == Some(GuestSystem::Windows);
    out.entry(
        entry,
        &[
            ("name", Some(entry)),
            ("os", is_windows.then_some("windows")),
            ("ssh", ssh.as_deref()),
            ("retention", target.retention.as_deref()),
            ("vm", target.vm.as_deref()),
        ],
    );
    if target.vm.is_none() {
        out.comment("    ", "vm: what vCenter calls its virtual machine");
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
    site.protected_vms.iter().for_each(|vm| machine(out, vm));
    out.remarks("  ", "protected_vms");
    if site.scenario == Scenario::VmwareClassic {
        out.comment("  ", "filesystems: [ext4, xfs] of each decides which packages a master target needs; host: where it is to come back");
    }
}

fn machine(out: &mut Lines<'_>, vm: &ProtectedVm) {
    let entry = vm.name.as_str();
    out.entry(
        entry,
        &[
            ("name", Some(entry)),
            ("azure_name", vm.azure_name.as_ref().map(|name| name.as_str())),
            ("master_target", vm.master_target.as_ref().map(Name::as_str)),
            ("host", vm.host.as_deref()),
            ("datastore", vm.datastore.as_deref()),
            ("os", vm.os.map(|os| os.family())),
        ],
    );
    if let Some(sizes) = &vm.disks {
        let sizes: Vec<String> = sizes.iter().map(|size| written_size(*size)).collect();
        out.line(&format!("    disks: [{}]", sizes.join(", ")));
    }
    if let Some(address) = vm.address {
        out.noted("    ", "address", &scalar(&address.to_string()), "static, and to be so again");
    }
    // Of a machine in Azure the service says so of every one.
    if vm.physical == Some(true) {
        out.line("    physical: true");
    }
    out.remarks("    ", entry);
}

fn written_size(size: MemorySize) -> String {
    let mib = size.mib();
    if mib % 1024 == 0 { format!("{} GiB", mib / 1024) } else { format!("{mib} MiB") }
}

fn groups(out: &mut Lines<'_>, site: &Site) {
    if !site.replication_groups.is_empty() {
        out.line("\nreplication_groups:");
    }
    for group in &site.replication_groups {
        out.key("  - ", group.name.as_str(), "name", group.name.as_str());
        let machines: Vec<String> = group.vms.iter().map(|name| scalar(name.as_str())).collect();
        out.line(&format!("    vms: [{}]", machines.join(", ")));
    }
}

fn vcenter(out: &mut Lines<'_>, request: &DraftRequest<'_>) {
    let site = &request.site.site;
    if !site.esxi.is_empty() {
        out.line("\nesxi:");
    }
    for host in &site.esxi {
        out.entry(host.name.as_str(), &[("name", Some(host.name.as_str()))]);
    }
    out.line("");
    let known = site.vcenter.as_ref().map(|vcenter| vcenter.url.as_str());
    let Some(url) = request.vcenter.or(known) else {
        out.comment("", "vCenter is not known to Azure:");
        return out.line("#: vcenter: { url: vsphere://vcenter.example.com, discovery_account: asr@vsphere.local }");
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
