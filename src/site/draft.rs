//! A site file made of what Azure, and perhaps vCenter, know of a site: for a person to read and to complete.
//!
//! What is certain is a key; what is a guess, or not known to either, is a comment. Not for collecting the answers
//! (`cli`), nor for the commented file without a vault (`file::init_site`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::value::{Address, Label, Name, Version};
use crate::facts::azure::answers::VaultAnswers;
use crate::facts::azure::keep::printable;
use crate::facts::azure::object::{ObjectKind, id_key, id_up_to};
use crate::facts::vsphere::inventory::{Inventory, MachineSearch};

/// The volume that a classic master target keeps its retention data on, when Azure names none.
const DEFAULT_RETENTION: &str = "/mnt/retention";

/// What a draft is made of.
pub struct DraftRequest<'a> {
    /// The answers about the vault.
    pub answers: &'a VaultAnswers,
    /// How the vault is named in the file.
    pub azure: &'a str,
    /// The URL of the vCenter server, when one was named.
    pub vcenter: Option<&'a str>,
    /// What that server listed.
    pub inventory: Option<&'a Inventory>,
}

/// Returns the text of a site file.
pub fn draft(request: &DraftRequest<'_>) -> String {
    let objects = Objects::new(request.answers);
    let fabrics = objects.fabrics_in_use();
    let kinds: BTreeSet<&str> = fabrics.iter().map(|fabric| fabric_kind(fabric)).collect();
    let mut out = Lines::default();
    head(&mut out, request, &kinds);
    if kinds.iter().any(|kind| matches!(*kind, "HyperVSite" | "VMM")) && !kinds.contains("VMware") {
        out.line("scenario: hyperv");
    } else {
        classic_servers(&mut out, &objects, &fabrics, request.inventory);
    }
    way_home(&mut out, &objects);
    machines(&mut out, &objects, request.inventory);
    groups(&mut out, &objects);
    vcenter(&mut out, &objects, request);
    out.line("");
    out.line("# What only a person can say: preflight answer THIS-FILE asks, and keeps it.");
    out.text
}

/// The objects of the answers, each by its id; the last one of an id is the whole one.
struct Objects<'a>(BTreeMap<String, &'a Value>);

impl<'a> Objects<'a> {
    fn new(answers: &'a VaultAnswers) -> Self {
        let objects = answers.answers.iter().flat_map(|answer| answer.objects());
        let by_id = objects.filter_map(|object| Some((id_key(object["id"].as_str()?), object)));
        Self(by_id.collect())
    }

    fn of_kind(&self, kind: ObjectKind) -> impl Iterator<Item = &'a Value> {
        let is_kind =
            move |object: &&&Value| object["id"].as_str().and_then(ObjectKind::of_id) == Some(kind);
        self.0.values().filter(is_kind).copied()
    }

    /// Returns the fabrics that have items; all of them when none has.
    fn fabrics_in_use(&self) -> Vec<&'a Value> {
        let items = self.of_kind(ObjectKind::Item);
        let ids = items.filter_map(|item| id_up_to(item["id"].as_str()?, "replicationFabrics"));
        let used: BTreeSet<String> = ids.map(id_key).collect();
        let fabrics =
            self.of_kind(ObjectKind::Fabric).filter(|fabric| fabric_kind(fabric) != "Azure");
        let (in_use, others): (Vec<&Value>, Vec<&Value>) = fabrics
            .partition(|fabric| fabric["id"].as_str().is_some_and(|id| used.contains(&id_key(id))));
        if in_use.is_empty() { others } else { in_use }
    }

    /// Whether a network card in Azure has this address.
    fn is_in_azure(&self, address: &str) -> bool {
        self.of_kind(ObjectKind::NetworkInterface).any(|card| {
            list(&card["properties"]["ipConfigurations"]).iter().any(|configuration| {
                configuration["properties"]["privateIPAddress"].as_str() == Some(address)
            })
        })
    }
}

fn fabric_kind(fabric: &Value) -> &str {
    text(&fabric["properties"]["customDetails"]["instanceType"])
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The lines of the file, and the names that stand in it: each may stand once.
#[derive(Default)]
struct Lines {
    text: String,
    names: BTreeSet<String>,
    /// The master targets that are written, by their id in Azure.
    master_targets: BTreeMap<String, String>,
}

impl Lines {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Takes a name for an entry; false when another entry has it.
    fn take_name(&mut self, name: &str) -> bool {
        self.names.insert(name.to_lowercase())
    }

    /// Adds a comment, whatever its text holds.
    fn comment(&mut self, indent: &str, text: &str) {
        self.line(&format!("{indent}# {}", printable(text)));
    }

    /// Adds a key whose value is a text that may hold anything.
    fn text(&mut self, indent: &str, key: &str, value: &str, note: &str) {
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

fn head(out: &mut Lines, request: &DraftRequest<'_>, kinds: &BTreeSet<&str>) {
    let at = request.answers.asked_at();
    let at = at.map_or_else(String::new, |at| at.strftime(" of %Y-%m-%d %H:%M UTC").to_string());
    out.line(&format!(
        "# A site as Azure knew it{at}: read it, complete it, keep it. No password belongs in here."
    ));
    out.line("# preflight guide THIS-FILE         where each machine is, and what to do now");
    out.line("# preflight check site THIS-FILE    everything: Azure, vCenter, hosts, machines");
    out.line("");
    out.line(&format!("azure: {}", scalar(request.azure)));
    if kinds.contains("InMageRcm") {
        out.comment("", "A vault of the modernised experience: its appliance has no master target and no process server to name here.");
    }
    if kinds.len() > 1 {
        let all: Vec<&str> = kinds.iter().copied().collect();
        out.comment(
            "",
            &format!(
                "Machines of more than one kind are in this vault ({}): keep a file for each.",
                all.join(", ")
            ),
        );
    }
}

fn classic_servers(
    out: &mut Lines,
    objects: &Objects<'_>,
    fabrics: &[&Value],
    inventory: Option<&Inventory>,
) {
    let classic: Vec<&Value> =
        fabrics.iter().copied().filter(|fabric| fabric_kind(fabric) == "VMware").collect();
    if let [_, _, ..] = classic.as_slice() {
        out.comment("", "The vault has several configuration servers; this is the first of them.");
    }
    let Some(details) = classic.first().map(|fabric| &fabric["properties"]["customDetails"]) else {
        return;
    };
    let address = text(&details["ipAddress"]);
    out.line("");
    if address.parse::<Address>().is_ok() {
        out.line("configuration_server:");
        out.text("  ", "address", address, text(&details["hostName"]));
        version(out, "  ", &details["agentVersion"]);
    }
    let servers = list(&details["processServers"]);
    process_servers(out, objects, servers, address);
    let built_in: BTreeSet<&str> = servers
        .iter()
        .filter(|server| text(&server["ipAddress"]) == address)
        .map(|server| text(&server["id"]))
        .collect();
    let targets = list(&details["masterTargetServers"]).iter();
    let targets: Vec<&Value> =
        targets.filter(|target| !built_in.contains(text(&target["id"]))).collect();
    master_targets(out, &targets, inventory);
}

fn version(out: &mut Lines, indent: &str, value: &Value) {
    if text(value).parse::<Version>().is_ok() {
        out.text(indent, "version", text(value), "as Azure rounds it");
    }
}

fn process_servers(out: &mut Lines, objects: &Objects<'_>, servers: &[Value], home: &str) {
    let is_good = |server: &&Value| {
        text(&server["friendlyName"]).parse::<Name>().is_ok()
            && text(&server["ipAddress"]).parse::<Address>().is_ok()
    };
    let mut good = servers.iter().filter(is_good).peekable();
    if good.peek().is_some() {
        out.line("");
        out.line("process_servers:");
    }
    for server in good {
        let (name, address) = (text(&server["friendlyName"]), text(&server["ipAddress"]));
        if !out.take_name(name) {
            out.comment("  ", &format!("left out, for its name stands twice: {name}, {address}"));
            continue;
        }
        out.text("  - ", "name", name, "");
        out.text("    ", "address", address, "");
        version(out, "    ", &server["agentVersion"]);
        if objects.is_in_azure(address) {
            out.text("    ", "role", "azure", "a network card in Azure has its address");
        } else if address == home {
            out.text("    ", "role", "on-premises", "the configuration server's own");
        } else {
            out.comment(
                "    ",
                "role: azure, or on-premises? No network card in Azure was found with its address",
            );
        }
    }
}

fn master_targets(out: &mut Lines, targets: &[&Value], inventory: Option<&Inventory>) {
    out.line("");
    if targets.is_empty() {
        out.comment("", "Azure knows no master target but the configuration server's own. Once one is registered:");
        out.line("#: master_targets:");
        out.line("#:   - { name: mt1, ssh: ssh://root@192.0.2.20 }");
        return;
    }
    out.line("master_targets:");
    for target in targets {
        let (own, address) = (text(&target["name"]), text(&target["ipAddress"]));
        let is_windows = text(&target["osType"]).eq_ignore_ascii_case("windows");
        // A process server with a master target on it is there under one name.
        let with_suffix = format!("{own}-mt");
        let name = if out.take_name(own) { own } else { &with_suffix };
        let is_named = name.parse::<Name>().is_ok() && (name == own || out.take_name(name));
        if !is_named || !is_windows && address.parse::<Address>().is_err() {
            out.comment(
                "  ",
                &format!(
                    "left out, for its name or address is none or stands twice: {own}, {address}"
                ),
            );
            continue;
        }
        out.text("  - ", "name", name, "as it calls itself");
        out.master_targets.insert(text(&target["id"]).to_owned(), name.to_owned());
        let volumes: Vec<&str> = list(&target["retentionVolumes"])
            .iter()
            .map(|volume| text(&volume["volumeName"]))
            .collect();
        if is_windows {
            out.line("    os: windows");
        } else {
            out.text("    ", "ssh", &format!("ssh://root@{address}"), "which account logs in?");
            let retention = volumes
                .iter()
                .find(|path| path.starts_with("/mnt") || path.starts_with("/retention"));
            match retention {
                Some(path) => out.text("    ", "retention", path, ""),
                None => out.text("    ", "retention", DEFAULT_RETENTION, "Azure does not list it"),
            }
        }
        if volumes.len() > 1 {
            out.comment("    ", &format!("volumes that Azure lists: {}", volumes.join(", ")));
        }
        if name == own {
            vm_of_target(out, own, inventory);
        } else {
            out.text("    ", "vm", own, "a process server, too");
        }
    }
}

/// Adds the name of a master target's machine in vCenter, when there is exactly one of its own name.
fn vm_of_target(out: &mut Lines, name: &str, inventory: Option<&Inventory>) {
    let found = inventory.map(|inventory| inventory.find_machine(name));
    match found {
        Some(MachineSearch::Found(_)) => {
            out.text("    ", "vm", name, "by its name alone: is it this one?")
        }
        Some(MachineSearch::Several(_)) => {
            out.comment("    ", "vm: vCenter has several machines of this name");
        }
        _ => out.comment("    ", "vm: what vCenter calls its virtual machine"),
    }
}

fn way_home(out: &mut Lines, objects: &Objects<'_>) {
    let connected: BTreeSet<&str> = objects
        .of_kind(ObjectKind::Connection)
        .filter(|connection| text(&connection["properties"]["connectionStatus"]) == "Connected")
        .map(|connection| text(&connection["properties"]["connectionType"]))
        .collect();
    let link = match (connected.contains("IPsec"), connected.contains("ExpressRoute")) {
        (true, false) => "vpn",
        (false, true) => "expressroute",
        _ => return,
    };
    out.line("");
    out.text("", "link", link, "its connection is up");
}

fn machines(out: &mut Lines, objects: &Objects<'_>, inventory: Option<&Inventory>) {
    let mut items: Vec<&Value> = objects.of_kind(ObjectKind::Item).collect();
    items.sort_by_key(|item| text(&item["properties"]["friendlyName"]));
    out.line("");
    if items.is_empty() {
        out.comment("", "The vault protects no machine.");
        return;
    }
    out.line("protected_vms:");
    for item in &items {
        let name = text(&item["properties"]["friendlyName"]);
        if name.parse::<Label>().is_err() || !out.take_name(name) {
            out.comment("  ", &format!("left out, for its name is none or stands twice: {name:?}"));
            continue;
        }
        let details = &item["properties"]["providerSpecificDetails"];
        let state = text(&item["properties"]["protectionStateDescription"]);
        out.text("  - ", "name", name, &format!("{}: {state}", text(&details["instanceType"])));
        machine_keys(out, details);
        let search = inventory.map(|inventory| inventory.find_machine(name));
        match search {
            Some(MachineSearch::None) => out.comment(
                "    ",
                "vCenter has no machine of this name: it returns to the alternate location",
            ),
            Some(MachineSearch::Several(_)) => {
                out.comment("    ", "vCenter has several machines of this name")
            }
            _ => {}
        }
    }
    out.comment("  ", "filesystems: [ext4, xfs] of each decides which packages a master target needs; host: where it is to come back");
}

fn machine_keys(out: &mut Lines, details: &Value) {
    let provider = text(&details["instanceType"]);
    // Of a machine that replicates to Azure this is the way there, not the way home.
    let target = text(&details["masterTargetId"]);
    let written = out.master_targets.get(target).filter(|_| provider == "InMage").cloned();
    match written {
        Some(name) => out.text("    ", "master_target", &name, ""),
        None if provider == "InMage" && !target.is_empty() => {
            out.comment("    ", "master_target: it replicates to the configuration server's own, which is not named here");
        }
        None => {}
    }
    let datastore = match provider {
        "InMageRcmFailback" => text(&details["targetDataStoreName"]),
        _ => details["datastores"].as_array().and_then(|all| all.first()).map_or("", text),
    };
    if !datastore.is_empty() {
        let note = if provider == "InMageAzureV2" { "where it was" } else { "" };
        out.text("    ", "datastore", datastore, note);
    }
    let system = details["osDetails"]["osType"].as_str().or(details["osType"].as_str());
    let system = system.map(str::to_ascii_lowercase);
    if let Some(system @ ("linux" | "windows")) = system.as_deref() {
        out.text("    ", "os", system, "");
    }
    let disks = list(&details["protectedDisks"]);
    let sizes: Option<Vec<String>> = disks.iter().map(size).collect();
    if let Some(sizes) = sizes.filter(|sizes| !sizes.is_empty()) {
        out.line(&format!("    disks: [{}]", sizes.join(", ")));
    }
    // Of a machine in Azure the service says so of every one.
    if provider == "InMageAzureV2" && text(&details["discoveryType"]) == "Physical" {
        out.line("    physical: true");
    }
}

/// Returns the size of a disk in whole mebibytes; none when it is not told.
fn size(disk: &Value) -> Option<String> {
    let number = |key: &str| {
        let value = &disk[key];
        value.as_u64().or_else(|| value.as_str()?.parse().ok()).filter(|bytes| *bytes > 0)
    };
    let mib = number("diskCapacityInBytes").or(number("capacityInBytes"))?.div_ceil(1024 * 1024);
    Some(if mib.is_multiple_of(1024) {
        format!("{} GiB", mib / 1024)
    } else {
        format!("{mib} MiB")
    })
}

fn groups(out: &mut Lines, objects: &Objects<'_>) {
    let mut groups: BTreeMap<&str, (&str, BTreeSet<&str>)> = BTreeMap::new();
    for item in objects.of_kind(ObjectKind::Item) {
        let details = &item["properties"]["providerSpecificDetails"];
        let name = text(&details["multiVmGroupName"]);
        let id = details["multiVmGroupId"].as_str().unwrap_or(name);
        let machine = text(&item["properties"]["friendlyName"]);
        if !id.is_empty() && out.names.contains(&machine.to_lowercase()) {
            groups.entry(id).or_insert((name, BTreeSet::new())).1.insert(machine);
        }
    }
    // The service makes groups of single machines.
    let shared = groups.values().filter(|(_, machines)| machines.len() > 1);
    for (number, (name, machines)) in shared.enumerate() {
        if number == 0 {
            out.line("");
            out.line("replication_groups:");
        }
        let is_guid = name.len() == 36 && name.matches('-').count() == 4;
        let own = format!("group-{}", number + 1);
        let name = if is_guid || name.parse::<Name>().is_err() { &own } else { *name };
        out.text("  - ", "name", name, "");
        let machines: Vec<String> = machines.iter().map(|machine| scalar(machine)).collect();
        out.line(&format!("    vms: [{}]", machines.join(", ")));
    }
}

fn vcenter(out: &mut Lines, objects: &Objects<'_>, request: &DraftRequest<'_>) {
    out.line("");
    let accounts: BTreeMap<&str, &str> = objects
        .of_kind(ObjectKind::Fabric)
        .flat_map(|fabric| list(&fabric["properties"]["customDetails"]["runAsAccounts"]))
        .map(|account| (text(&account["accountId"]), text(&account["accountName"])))
        .collect();
    let known: Vec<&Value> = objects.of_kind(ObjectKind::Vcenter).collect();
    let url = |server: &Value| {
        let (address, port) =
            (text(&server["properties"]["ipAddress"]), text(&server["properties"]["port"]));
        let port = if matches!(port, "" | "443") { String::new() } else { format!(":{port}") };
        address.parse::<Address>().is_ok().then(|| format!("vsphere://{address}{port}"))
    };
    let chosen = known.first().and_then(|server| url(server));
    let Some(chosen) = request.vcenter.map(str::to_owned).or(chosen) else {
        out.comment("", "vCenter is not known to Azure:");
        out.line("#: vcenter: { url: vsphere://vcenter.example.com, discovery_account: asr@vsphere.local }");
        return;
    };
    out.line("vcenter:");
    out.text("  ", "url", &chosen, "");
    let account = known
        .first()
        .and_then(|server| accounts.get(text(&server["properties"]["runAsAccountId"])));
    match account {
        Some(label) => out.comment(
            "  ",
            &format!(
                "discovery_account: the configuration server calls it {label:?}; what is its login?"
            ),
        ),
        None => out.comment(
            "  ",
            "discovery_account: the account that the configuration server discovers with",
        ),
    }
    for other in known.iter().skip(1).filter_map(|server| url(server)) {
        out.comment("  ", &format!("also registered: {other}"));
    }
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
