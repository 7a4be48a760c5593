//! An ESXi host by its own shell: what it is asked there, and its answers in the words of the API,
//! so that the same code reads both and the same checks evaluate both.
//!
//! Not for evaluating. What only a vCenter server knows (permissions, events, other hosts) is absent
//! here, and so is nothing made up for it.

pub mod dump;
pub mod licence_text;
pub mod machines;
pub mod probes;
pub mod volumes;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::query_scope::QueryScope;
use super::vmx;
use crate::facts::connection::{self, ConnectionFacts};
use crate::facts::transcript::{ProbeAnswer, ProbeAnswers, Transcript};
use crate::facts::{Fact, Unavailable};
use machines::MachineRow;
use volumes::EsxiVolume;

pub use probes::probes;

/// What a host calls itself in references.
const HOST: &str = "HostSystem:ha-host";

/// What is known of an ESXi host's shell alone; rules know it as `shell`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EsxiShellFacts {
    /// How it was reached.
    pub connection: ConnectionFacts,
    /// Whether the commands of ESXi are there: something else answers by SSH, too.
    pub is_esxi: Fact<bool>,
}

/// Reads what is known of the shell itself.
pub fn from_transcript(transcript: &Transcript) -> EsxiShellFacts {
    let is_esxi = Fact::from(transcript.answer("esxi-version")).and_then(|answer| {
        match (answer.status, parse_version(&answer.text)) {
            (0, Some(_)) => Fact::Known(true),
            // Something else answers by SSH: it has no such command, or one of its own.
            (127, _) => Fact::Known(false),
            (0, None) if !answer.text.trim().is_empty() => Fact::Known(false),
            _ => Fact::unavailable("vmware -v did not answer"),
        }
    });
    EsxiShellFacts { connection: connection::from_transcript(transcript), is_esxi }
}

/// The answers of a host's shell as the API's answers would be. Machines that are named now stand
/// before those that were named when the host was asked.
pub fn in_words_of_the_api(shell: &Transcript, now: &QueryScope) -> Transcript {
    let mut api = Api(BTreeMap::new());
    let asked = json_of(shell, "asked").known().cloned().unwrap_or_default();
    let part = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let before: QueryScope = serde_json::from_value(part("question")).unwrap_or_default();
    let question = now.or_recorded(&before);
    let user = part("user").as_str().unwrap_or("root").to_owned();
    api.known("asked", &json!({ "question": question, "user": user }));
    if let Fact::Known(time) = Fact::from(shell.text("esxi-time")) {
        api.known("time", &Value::String(time.trim().to_owned()));
    }
    let product = product(shell);
    match &product {
        Fact::Known(about) => api.known("service", &json!({ "about": about })),
        Fact::Unavailable(why) => {
            api.refused("service", why);
            // Where it is not known to be a host, its licence would be looked for as a vCenter's.
            api.refused("assigned-licences", why);
        }
    }
    match read(shell, "esxi-licence", licence_text::parse) {
        Fact::Known(licences) => {
            let manager = json!({ "object": "LicenseManager:ha-license-manager", "properties": { "licenses": licences } });
            api.known("licences", &json!({ "objects": [manager], "complete": true }));
        }
        Fact::Unavailable(why) => api.refused("licences", &why),
    }
    let reason = "only a vCenter server knows where the machine was before".to_owned();
    api.refused("moves", &Unavailable { reason });
    let list = read(shell, "esxi-machines", machines::parse);
    let complete = list.known().is_some_and(|list| list.complete);
    let rows = list.map(|list| list.rows);
    let volumes = read(shell, "esxi-volumes", volumes::parse);
    let datastores = datastores(shell, &volumes, &rows);
    api.known(
        "hosts",
        &json!({ "objects": [host(shell, &product, &datastores)], "complete": true }),
    );
    match &datastores {
        Fact::Known(all) => {
            let complete = extents(shell).known().is_some();
            api.known("datastores", &json!({ "objects": all, "complete": complete }));
        }
        Fact::Unavailable(why) => api.refused("datastores", why),
    }
    match &rows {
        Fact::Known(rows) => {
            let name = question.master_target.as_deref();
            match file(shell, rows, name) {
                Fact::Known(rows) => api.known("vmx", &json!({ "rows": rows })),
                Fact::Unavailable(why) => api.refused("vmx", &why),
            }
            let listed: Vec<Value> = rows.iter().map(|row| listed(row, &datastores)).collect();
            api.known("machines", &json!({ "objects": listed, "complete": complete }));
            let chosen = rows.iter().filter(|row| was_asked(shell, row));
            let chosen: Vec<Value> = chosen.map(|row| chosen_of(shell, row, &datastores)).collect();
            api.known("chosen", &json!({ "objects": chosen, "complete": true }));
        }
        Fact::Unavailable(why) => {
            api.refused("machines", why);
            api.refused("chosen", why);
        }
    }
    Transcript {
        // What was cut short on its way is refused above, one by one.
        answers: ProbeAnswers { by_probe: api.0, ended: true, unanswered: None },
        ..shell.clone()
    }
}

struct Api(BTreeMap<String, ProbeAnswer>);

impl Api {
    fn known(&mut self, probe: &str, value: &Value) {
        self.0.insert(probe.to_owned(), ProbeAnswer { status: 0, text: value.to_string() });
    }

    fn refused(&mut self, probe: &str, why: &Unavailable) {
        self.0.insert(probe.to_owned(), ProbeAnswer { status: 1, text: refusal(why).to_string() });
    }
}

/// A reason as the API's captures have faults; it has no type, for no server gave it.
fn refusal(why: &Unavailable) -> Value {
    json!({ "fault": "", "message": why.reason })
}

/// The answer to a probe. It counts only with exit status 0; otherwise what was printed, a fault of
/// `vim-cmd` as a rule, says why there is none.
fn read<T, E: std::fmt::Display>(
    shell: &Transcript,
    probe: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Fact<T> {
    match Fact::from(shell.answer(probe)) {
        Fact::Known(answer) => match parse(&answer.text) {
            Ok(value) if answer.status == 0 => Fact::Known(value),
            Ok(_) => match (dump::parse(&answer.text), Fact::from(shell.text(probe))) {
                (Err(fault @ dump::DumpError::Fault { .. }), _) => {
                    Fact::unavailable(fault.to_string())
                }
                (_, Fact::Unavailable(why)) => Fact::Unavailable(why),
                (_, Fact::Known(_)) => Fact::unavailable(format!("{probe} failed")),
            },
            // Nothing was printed: then the exit status says more.
            Err(_) if answer.text.trim().is_empty() => match Fact::from(shell.text(probe)) {
                Fact::Unavailable(why) => Fact::Unavailable(why),
                Fact::Known(_) => Fact::unavailable(format!("{probe} printed nothing")),
            },
            Err(error) => match dump::parse(&answer.text) {
                Err(fault @ dump::DumpError::Fault { .. }) => Fact::unavailable(fault.to_string()),
                _ => Fact::unavailable(error.to_string()),
            },
        },
        Fact::Unavailable(why) => Fact::Unavailable(why),
    }
}

fn json_of(shell: &Transcript, probe: &str) -> Fact<Value> {
    read(shell, probe, |text| serde_json::from_str(text))
}

/// What the host says of itself, as the API's `about` has it.
fn product(shell: &Transcript) -> Fact<Value> {
    let words = match Fact::from(shell.text("esxi-version")) {
        Fact::Known(text) => text,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    match parse_version(words) {
        Some((full_name, version)) => Fact::Known(json!({
            "apiType": "HostAgent", "fullName": full_name, "version": version
        })),
        None => Fact::unavailable(format!("vmware -v printed {:?}", words.trim())),
    }
}

/// Reads `VMware ESXi 6.7.0 build-14320388`, among other lines as may be.
///
/// ```
/// use preflight::facts::vsphere::esxi_shell::parse_version;
/// let text = "VMware ESXi 7.0.3 build-20000000\nVMware ESXi 7.0 Update 3\n";
/// assert_eq!(parse_version(text), Some(("VMware ESXi 7.0.3 build-20000000", "7.0.3")));
/// assert_eq!(parse_version("sh: vmware: not found"), None);
/// ```
pub fn parse_version(text: &str) -> Option<(&str, &str)> {
    text.lines().map(str::trim).find_map(|line| {
        let build = line.find(" build-")?;
        let version = line[..build].rsplit(' ').next()?;
        let is_version = line.contains("ESX") && version.starts_with(|c: char| c.is_ascii_digit());
        is_version.then_some((line, version))
    })
}

fn host(shell: &Transcript, product: &Fact<Value>, datastores: &Fact<Vec<Value>>) -> Value {
    let summary = read(shell, "esxi-host", dump::parse);
    let mut of = Properties::default();
    match &summary {
        Fact::Known(summary) => {
            of.set("runtime.connectionState", at(summary, "runtime.connectionState"));
            of.set("runtime.inMaintenanceMode", at(summary, "runtime.inMaintenanceMode"));
            of.set("summary.hardware.memorySize", at(summary, "hardware.memorySize"));
            let used = at(summary, "quickStats.overallMemoryUsage");
            of.set("summary.quickStats.overallMemoryUsage", used);
        }
        Fact::Unavailable(why) => {
            of.refuse("runtime", why);
            of.refuse("summary.hardware", why);
            of.refuse("summary.quickStats", why);
        }
    }
    let named = summary.known().and_then(|summary| at(summary, "config.name"));
    let own = Fact::from(shell.text("esxi-hostname"));
    let own = own.known().map(|text| Value::String(text.trim().to_owned()));
    of.set("name", own.filter(|name| name != "").as_ref().or(named));
    match product {
        Fact::Known(about) => of.set("summary.config.product", Some(about)),
        Fact::Unavailable(why) => of.refuse("summary.config.product", why),
    }
    match datastores {
        Fact::Known(all) => {
            let mounted =
                all.iter().filter(|datastore| datastore["properties"]["host"] != json!([]));
            let references: Vec<&Value> = mounted.map(|datastore| &datastore["object"]).collect();
            of.set("datastore", Some(&json!(references)));
        }
        Fact::Unavailable(why) => of.refuse("datastore", why),
    }
    of.object(HOST)
}

/// The datastores of a host, and those that its machines name and it does not have.
fn datastores(
    shell: &Transcript,
    volumes: &Fact<Vec<EsxiVolume>>,
    rows: &Fact<Vec<MachineRow>>,
) -> Fact<Vec<Value>> {
    let volumes = match volumes {
        Fact::Known(volumes) => volumes,
        Fact::Unavailable(why) => return Fact::Unavailable(why.clone()),
    };
    let modes = access_modes(shell);
    let mut all: Vec<Value> = Vec::new();
    for volume in volumes {
        let Some(kind) = kind(&volume.kind) else { continue };
        let name = if volume.name.is_empty() { &volume.uuid } else { &volume.name };
        let mode = modes.iter().find(|(known, _)| known == name || *known == volume.uuid);
        let mode = mode.map_or("not told by the shell", |(_, mode)| mode);
        let mount = json!({ "key": HOST, "mountInfo": {
            "accessMode": mode,
            "mounted": volume.mounted.to_string(),
            "accessible": volume.mounted.to_string(),
        }});
        all.push(datastore(
            name,
            &json!({
                "summary.type": kind,
                "summary.accessible": volume.mounted.to_string(),
                "summary.freeSpace": volume.free.to_string(),
                // Maintenance mode of datastores is vCenter's: a host by itself has none.
                "summary.maintenanceMode": "normal",
                "host": [mount],
            }),
        ));
    }
    // A volume that was not mounted again after a loss of its paths is in no list of file systems.
    for (name, uuid) in extents(shell).known().cloned().unwrap_or_default() {
        let name = if name.is_empty() { uuid.clone() } else { name };
        let listed = volumes.iter().any(|volume| volume.uuid == uuid);
        if !listed && !known(&all, &name) {
            let mount = json!({ "key": HOST, "mountInfo": { "accessMode": "", "mounted": "false", "accessible": "false" } });
            all.push(datastore(&name, &json!({ "summary.type": "VMFS", "host": [mount] })));
        }
    }
    for row in rows.known().into_iter().flatten() {
        if !row.datastore.is_empty() && !known(&all, &row.datastore) {
            all.push(datastore(&row.datastore, &json!({ "host": [] })));
        }
    }
    Fact::Known(all)
}

/// The volumes of which the host sees a part on some disk. Where they cannot be read, the datastores
/// are not all.
fn extents(shell: &Transcript) -> Fact<Vec<(String, String)>> {
    read(shell, "esxi-extents", volumes::parse_extents)
}

fn known(all: &[Value], name: &str) -> bool {
    let reference = reference(name);
    all.iter().any(|datastore| datastore["object"] == *reference)
}

fn reference(name: &str) -> String {
    format!("Datastore:{name}")
}

fn datastore(name: &str, properties: &Value) -> Value {
    let mut properties = properties.clone();
    properties["name"] = Value::String(name.to_owned());
    json!({ "object": reference(name), "properties": properties })
}

/// What the API calls a type of volume; none for the host's own partitions.
fn kind(printed: &str) -> Option<&'static str> {
    let kind = printed.to_ascii_lowercase();
    match kind.as_str() {
        "nfs" => Some("NFS"),
        "nfs41" => Some("NFS41"),
        "vsan" => Some("vsan"),
        "vvol" => Some("VVOL"),
        // VMFS-L and VMFSOS are of the host itself.
        "vmfs-l" => None,
        _ => {
            kind.strip_prefix("vmfs").filter(|n| n.is_empty() || n.starts_with('-')).map(|_| "VMFS")
        }
    }
}

/// How volumes are mounted, by name or UUID, in the API's words.
fn access_modes(shell: &Transcript) -> Vec<(String, String)> {
    let mut modes = Vec::new();
    for probe in ["esxi-nfs", "esxi-nfs41"] {
        let shares =
            Fact::from(shell.text(probe)).known().map(|text| volumes::parse_nfs_modes(text));
        modes.extend(shares.into_iter().flatten().map(|(name, read_only)| {
            (name, if read_only { "readOnly" } else { "readWrite" }.to_owned())
        }));
    }
    let mounts = read(shell, "esxi-mounts", dump::parse);
    let mounts = mounts.known().and_then(|mounts| mounts.get("mountInfo"));
    for mount in mounts.and_then(Value::as_array).into_iter().flatten() {
        let text = |path| at(mount, path).and_then(Value::as_str).map(str::to_owned);
        let Some(mode) = text("mountInfo.accessMode") else { continue };
        let names = [text("volume.name"), text("volume.uuid")].into_iter().flatten();
        modes.extend(names.filter(|name| !name.is_empty()).map(|name| (name, mode.clone())));
    }
    modes
}

fn listed(row: &MachineRow, datastores: &Fact<Vec<Value>>) -> Value {
    let mut of = Properties::default();
    named(&mut of, row);
    stands_on(&mut of, row, datastores, &[]);
    of.object(&format!("VirtualMachine:{}", row.id))
}

fn named(of: &mut Properties, row: &MachineRow) {
    of.set("name", Some(&json!(row.name)));
    of.set("runtime.host", Some(&json!(HOST)));
    of.set("summary.config.vmPathName", Some(&json!(row.path)));
}

/// The datastores of a machine: of its settings, and of every disk.
fn stands_on(
    of: &mut Properties,
    row: &MachineRow,
    datastores: &Fact<Vec<Value>>,
    devices: &[Value],
) {
    if let Fact::Unavailable(why) = datastores {
        return of.refuse("datastore", why);
    }
    let files = devices.iter().filter_map(|device| at(device, "backing.fileName")?.as_str());
    let of_disks = files.filter_map(|file| Some(file.strip_prefix('[')?.split_once(']')?.0));
    let mut names: Vec<&str> = std::iter::once(row.datastore.as_str()).chain(of_disks).collect();
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        let reason = format!("the host knows no datastore by the path {}", row.path);
        return of.refuse("datastore", &Unavailable { reason });
    }
    let references: Vec<String> = names.into_iter().map(reference).collect();
    of.set("datastore", Some(&json!(references)));
}

/// The rows of the master target's own file that are checked.
fn file(shell: &Transcript, rows: &[MachineRow], name: Option<&str>) -> Fact<Vec<String>> {
    let own = rows.iter().find(|row| Some(row.name.as_str()) == name);
    let Some(row) = own else { return Fact::unavailable("no such machine is on the host") };
    match Fact::from(shell.answer(&format!("esxi-vmx-{}", row.id))) {
        // It was read to its end, and either has such a row or has not; every line is one.
        Fact::Known(ProbeAnswer { status: 0, text })
            if vmx::parse_rows(text).len() == lines(text) =>
        {
            Fact::Known(vmx::parse_rows(text))
        }
        Fact::Known(ProbeAnswer { status: 1, text }) if text.trim().is_empty() => {
            Fact::Known(Vec::new())
        }
        Fact::Known(_) => Fact::unavailable(format!("{} cannot be read", row.path)),
        Fact::Unavailable(why) => Fact::Unavailable(why),
    }
}

fn lines(text: &str) -> usize {
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

fn was_asked(shell: &Transcript, row: &MachineRow) -> bool {
    shell.answers.by_probe.contains_key(&format!("esxi-config-{}", row.id))
}

/// A machine with its settings, its state and its snapshots.
fn chosen_of(shell: &Transcript, row: &MachineRow, datastores: &Fact<Vec<Value>>) -> Value {
    let mut of = Properties::default();
    named(&mut of, row);
    let config = read(shell, &format!("esxi-config-{}", row.id), dump::parse);
    let mut devices: &[Value] = &[];
    match &config {
        Fact::Known(config) => {
            for path in [
                "uuid",
                "instanceUuid",
                "guestId",
                "firmware",
                "hardware.device",
                "hardware.memoryMB",
                "flags.diskUuidEnabled",
            ] {
                of.set(&format!("config.{path}"), at(config, path));
            }
            devices =
                at(config, "hardware.device").and_then(Value::as_array).map_or(&[], Vec::as_slice);
            of.set("config.extraConfig", at(config, "extraConfig"));
        }
        Fact::Unavailable(why) => of.refuse("config", why),
    }
    stands_on(&mut of, row, datastores, devices);
    match read(shell, &format!("esxi-summary-{}", row.id), dump::parse) {
        Fact::Known(summary) => {
            for path in [
                "runtime.powerState",
                "runtime.connectionState",
                "runtime.consolidationNeeded",
                "guest.toolsRunningStatus",
            ] {
                of.set(path, at(&summary, path));
            }
        }
        Fact::Unavailable(why) => {
            of.refuse("runtime", &why);
            of.refuse("guest", &why);
        }
    }
    match read(shell, &format!("esxi-snapshots-{}", row.id), machines::parse_snapshots) {
        Fact::Known(names) if names.is_empty() => {}
        Fact::Known(names) => {
            let roots: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
            of.set("snapshot", Some(&json!({ "rootSnapshotList": roots })));
        }
        Fact::Unavailable(why) => of.refuse("snapshot", &why),
    }
    of.object(&format!("VirtualMachine:{}", row.id))
}

/// The value at a path of names.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |here, name| here.get(name))
}

/// The properties of one object, as captures of the API have them.
#[derive(Default)]
struct Properties {
    known: Map<String, Value>,
    missing: Map<String, Value>,
}

impl Properties {
    fn set(&mut self, path: &str, value: Option<&Value>) {
        if let Some(value) = value {
            self.known.insert(path.to_owned(), value.clone());
        }
    }

    fn refuse(&mut self, path: &str, why: &Unavailable) {
        self.missing.insert(path.to_owned(), refusal(why));
    }

    fn object(self, reference: &str) -> Value {
        json!({ "object": reference, "properties": self.known, "missing": self.missing })
    }
}

#[cfg(test)]
mod tests;
