//! An ESXi host by its own shell: what it is asked there, and its answers in the types that the
//! answers of the API are read into, so that the same checks evaluate both.
//!
//! Not for evaluating. What only a vCenter server knows (permissions, events, other hosts) is absent
//! here, and so is nothing made up for it.

pub mod dump;
pub mod licence_text;
pub mod machines;
pub mod probes;
pub mod volumes;

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::inventory::Inventory;
use super::licence::{self, HostLicences};
use super::property::{InventoryObject, PropertyFault, object_listing};
use super::query_scope::QueryScope;
use super::questions;
use super::service::AboutInfo;
use super::snapshot::{ServerAnswers, VsphereSnapshot};
use super::vmx;
use crate::facts::connection::{self, ConnectionFacts};
use crate::facts::probe::ProbeName;
use crate::facts::transcript::{ProbeAnswer, ProbeAnswers, Transcript};
use crate::facts::{Collection, Fact, Unavailable};
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
    let connection = connection::from_transcript(transcript);
    EsxiShellFacts { connection, is_esxi: is_esxi(transcript).into() }
}

fn is_esxi(transcript: &Transcript) -> Result<bool, Unavailable> {
    let answer = transcript.answer(probes::VERSION)?;
    match (answer.status, parse_version(&answer.text)) {
        (0, Some(_)) => Ok(true),
        // Something else answers by SSH: it has no such command, or one of its own.
        (127, _) => Ok(false),
        (0, None) if !answer.text.trim().is_empty() => Ok(false),
        _ => Err("vmware -v did not answer".into()),
    }
}

/// What a host's shell told of the host and its machines. Machines that are named now stand before
/// those that were named when the host was asked.
pub fn snapshot(shell: &Transcript, now: &QueryScope) -> VsphereSnapshot<'static> {
    let asked =
        read(shell, probes::ASKED, |text| serde_json::from_str::<Value>(text)).unwrap_or_default();
    let part = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let before: QueryScope = serde_json::from_value(part("question")).unwrap_or_default();
    let about = about(shell);
    let list = read(shell, probes::MACHINES, machines::parse);
    let volumes = read(shell, probes::VOLUMES, volumes::parse);
    let rows = list.as_ref().map_or(&[][..], |list| &list.rows);
    let datastores = volumes.map(|volumes| datastores(shell, &volumes, rows));
    let stale = shell.overrides.stale.as_deref();
    let listing = |objects: Vec<InventoryObject>, complete: bool| {
        let aged = |object: InventoryObject| match stale {
            Some(stale) => object.without_quick(stale),
            None => object,
        };
        Collection { items: objects.into_iter().map(aged).collect(), complete }
    };
    // What is not known to be a host has no licence of one.
    let licence = about.clone().and_then(|_| {
        licence::require_one(&read(shell, probes::LICENCE, licence_text::parse)?).cloned()
    });
    let answers = ProbeAnswers { ended: true, ..ProbeAnswers::default() };
    let unasked = Transcript { answers, ..shell.clone() };
    let inventory = Inventory::from_lists(|probe| match probe {
        questions::HOSTS => Ok(listing(vec![host(shell, &about, &datastores)], true)),
        questions::DATASTORES => Ok(listing(datastores.clone()?, extents(shell).is_ok())),
        questions::MACHINES => {
            let list = list.as_ref()?;
            let objects = list.rows.iter().map(|row| listed(row, &datastores)).collect();
            Ok(listing(objects, list.complete))
        }
        other => object_listing(&unasked, other),
    });
    let chosen = list.as_ref().map_err(Unavailable::from).map(|list| {
        let chosen = list.rows.iter().filter(|row| was_asked(shell, row));
        listing(chosen.map(|row| chosen_of(shell, row, &datastores)).collect(), true).items
    });
    let mut vmx = BTreeMap::new();
    for row in rows {
        vmx.entry(row.name.clone()).or_insert_with(|| vmx_rows(shell, row));
    }
    let time = shell.text(probes::TIME).ok().and_then(|time| time.trim().parse().ok());
    let answers = ServerAnswers {
        scope: now.or_recorded(&before),
        user: part("user").as_str().unwrap_or("root").to_owned(),
        about,
        time,
        inventory,
        chosen,
        licences: HostLicences::Lone(licence),
        vmx: Some(vmx),
    };
    VsphereSnapshot::new(Cow::Owned(unasked), answers)
}

/// The answer to a probe. It counts only with exit status 0; otherwise what was printed, a fault of
/// `vim-cmd` as a rule, says why there is none.
fn read<T, E: Into<Unavailable>>(
    shell: &Transcript,
    probe: ProbeName<'_>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Unavailable> {
    let answer = shell.answer(probe)?;
    let fault = || match dump::parse(&answer.text) {
        Err(fault @ dump::DumpError::Fault { .. }) => Some(fault),
        _ => None,
    };
    match parse(&answer.text) {
        Ok(value) if answer.status == 0 => Ok(value),
        Ok(_) => {
            fault().map_or(Ok(()), Err)?;
            shell.text(probe)?;
            Err(format!("{probe} failed").into())
        }
        // Nothing was printed: then the exit status says more.
        Err(_) if answer.text.trim().is_empty() => {
            shell.text(probe)?;
            Err(format!("{probe} printed nothing").into())
        }
        Err(error) => Err(fault().map_or_else(|| error.into(), Unavailable::from)),
    }
}

/// What the host says of itself.
fn about(shell: &Transcript) -> Result<AboutInfo, Unavailable> {
    let text = shell.text(probes::VERSION)?;
    let parsed = parse_version(text);
    let (full_name, version) =
        parsed.ok_or_else(|| format!("vmware -v printed {:?}", text.trim()))?;
    let (full_name, version) = (Ok(full_name.to_owned()), Ok(version.to_owned()));
    Ok(AboutInfo { api_type: Ok("HostAgent".to_owned()), full_name, version })
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

fn host(
    shell: &Transcript,
    about: &Result<AboutInfo, Unavailable>,
    datastores: &Result<Vec<InventoryObject>, Unavailable>,
) -> InventoryObject {
    let summary = read(shell, probes::HOST, dump::parse);
    let mut of = Properties::default();
    match &summary {
        Ok(summary) => {
            of.set("runtime.connectionState", at(summary, "runtime.connectionState"));
            of.set("runtime.inMaintenanceMode", at(summary, "runtime.inMaintenanceMode"));
            of.set("summary.hardware.memorySize", at(summary, "hardware.memorySize"));
            let used = at(summary, "quickStats.overallMemoryUsage");
            of.set("summary.quickStats.overallMemoryUsage", used);
        }
        Err(why) => {
            of.refuse("runtime", why);
            of.refuse("summary.hardware", why);
            of.refuse("summary.quickStats", why);
        }
    }
    let named = summary.as_ref().ok().and_then(|summary| at(summary, "config.name"));
    let own = shell.text(probes::HOSTNAME).map_or("", str::trim);
    of.set("name", Some(&json!(own)).filter(|_| !own.is_empty()).or(named));
    match about.as_ref().and_then(|about| about.version.as_ref()) {
        Ok(version) => of.set("summary.config.product", Some(&json!({ "version": version }))),
        Err(why) => of.refuse("summary.config.product", why),
    }
    match datastores {
        Ok(all) => {
            let is_mounted = |store: &&InventoryObject| store.properties["host"] != json!([]);
            let mounted: Vec<&str> =
                all.iter().filter(is_mounted).map(|store| store.object.as_str()).collect();
            of.set("datastore", Some(&json!(mounted)));
        }
        Err(why) => of.refuse("datastore", why),
    }
    of.object(HOST)
}

/// The datastores of a host, and those that its machines name and it does not have.
fn datastores(
    shell: &Transcript,
    volumes: &[EsxiVolume],
    rows: &[MachineRow],
) -> Vec<InventoryObject> {
    let modes = access_modes(shell);
    let mut all: Vec<InventoryObject> = Vec::new();
    for volume in volumes {
        let Some(kind) = kind(&volume.kind) else { continue };
        let name = if volume.name.is_empty() { &volume.uuid } else { &volume.name };
        let mode = modes.iter().find(|(known, _)| known == name || *known == volume.uuid);
        let mode = mode.map_or("not told by the shell", |(_, mode)| mode);
        let mut of = Properties::default();
        of.set("summary.type", Some(&json!(kind)));
        of.set("summary.url", Some(&json!(format!("ds:///vmfs/volumes/{}/", volume.uuid))));
        of.set("summary.accessible", Some(&json!(volume.mounted.to_string())));
        of.set("summary.freeSpace", Some(&json!(volume.free.to_string())));
        // Maintenance mode of datastores is vCenter's: a host by itself has none.
        of.set("summary.maintenanceMode", Some(&json!("normal")));
        all.push(of.datastore(name, &[mount(mode, volume.mounted)]));
    }
    // A volume that was not mounted again after a loss of its paths is in no list of file systems.
    for (name, uuid) in extents(shell).unwrap_or_default() {
        let name = if name.is_empty() { uuid.clone() } else { name };
        let listed = volumes.iter().any(|volume| volume.uuid == uuid);
        if !listed && !has_datastore(&all, &name) {
            let mut of = Properties::default();
            of.set("summary.type", Some(&json!("VMFS")));
            all.push(of.datastore(&name, &[mount("", false)]));
        }
    }
    for row in rows {
        if !row.datastore.is_empty() && !has_datastore(&all, &row.datastore) {
            all.push(Properties::default().datastore(&row.datastore, &[]));
        }
    }
    all
}

/// How the host mounts a datastore, by the members of the API's `DatastoreHostMount`.
fn mount(mode: &str, mounted: bool) -> Value {
    let mounted = mounted.to_string();
    json!({ "key": HOST, "mountInfo": { "accessMode": mode, "mounted": mounted, "accessible": mounted } })
}

/// The volumes of which the host sees a part on some disk. Where they cannot be read, the datastores
/// are not all.
fn extents(shell: &Transcript) -> Result<Vec<(String, String)>, Unavailable> {
    read(shell, probes::EXTENTS, volumes::parse_extents)
}

fn has_datastore(all: &[InventoryObject], name: &str) -> bool {
    let reference = reference(name);
    all.iter().any(|datastore| datastore.object == reference)
}

fn reference(name: &str) -> String {
    format!("Datastore:{name}")
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
    for probe in [probes::NFS, probes::NFS41] {
        let shares = shell.text(probe).map(volumes::parse_nfs_modes).unwrap_or_default();
        modes.extend(shares.into_iter().map(|(name, read_only)| {
            (name, if read_only { "readOnly" } else { "readWrite" }.to_owned())
        }));
    }
    let mounts = read(shell, probes::MOUNTS, dump::parse).ok();
    let mounts = mounts.as_ref().and_then(|mounts| mounts.get("mountInfo"));
    for mount in mounts.and_then(Value::as_array).into_iter().flatten() {
        let text = |path| at(mount, path).and_then(Value::as_str).map(str::to_owned);
        let Some(mode) = text("mountInfo.accessMode") else { continue };
        let names = [text("volume.name"), text("volume.uuid")].into_iter().flatten();
        modes.extend(names.filter(|name| !name.is_empty()).map(|name| (name, mode.clone())));
    }
    modes
}

fn listed(
    row: &MachineRow,
    datastores: &Result<Vec<InventoryObject>, Unavailable>,
) -> InventoryObject {
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
    datastores: &Result<Vec<InventoryObject>, Unavailable>,
    devices: &[Value],
) {
    if let Err(why) = datastores {
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
        return of.refuse("datastore", &reason.into());
    }
    let references: Vec<String> = names.into_iter().map(reference).collect();
    of.set("datastore", Some(&json!(references)));
}

/// The rows of a machine's own file that are checked.
fn vmx_rows(shell: &Transcript, row: &MachineRow) -> Result<Collection<String>, Unavailable> {
    let ProbeAnswer { status, text } = shell.answer(ProbeName::new(&probes::VMX.name(&row.id)))?;
    let rows = vmx::parse_rows(text);
    // It was read to its end, and either has such a row or has not; every line is one.
    let is_read = match status {
        0 => rows.len() == lines(text),
        1 => text.trim().is_empty(),
        _ => false,
    };
    if is_read {
        return Ok(Collection::complete(rows));
    }
    Err(format!("{} cannot be read", row.path).into())
}

fn lines(text: &str) -> usize {
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

fn was_asked(shell: &Transcript, row: &MachineRow) -> bool {
    shell.was_asked(ProbeName::new(&probes::CONFIG.name(&row.id)))
}

/// A machine with its settings, its state and its snapshots.
fn chosen_of(
    shell: &Transcript,
    row: &MachineRow,
    datastores: &Result<Vec<InventoryObject>, Unavailable>,
) -> InventoryObject {
    let mut of = Properties::default();
    named(&mut of, row);
    let config = read(shell, ProbeName::new(&probes::CONFIG.name(&row.id)), dump::parse);
    let mut devices: &[Value] = &[];
    match &config {
        Ok(config) => {
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
        Err(why) => of.refuse("config", why),
    }
    stands_on(&mut of, row, datastores, devices);
    match read(shell, ProbeName::new(&probes::SUMMARY.name(&row.id)), dump::parse) {
        Ok(summary) => {
            for path in [
                "runtime.powerState",
                "runtime.connectionState",
                "runtime.consolidationNeeded",
                "guest.toolsRunningStatus",
            ] {
                of.set(path, at(&summary, path));
            }
        }
        Err(why) => {
            of.refuse("runtime", &why);
            of.refuse("guest", &why);
        }
    }
    match read(shell, ProbeName::new(&probes::SNAPSHOTS.name(&row.id)), machines::parse_snapshots) {
        Ok(names) if names.is_empty() => {}
        Ok(names) => {
            let roots: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
            of.set("snapshot", Some(&json!({ "rootSnapshotList": roots })));
        }
        Err(why) => of.refuse("snapshot", &why),
    }
    of.object(&format!("VirtualMachine:{}", row.id))
}

/// The value at a path of names.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |here, name| here.get(name))
}

/// The properties of one object.
#[derive(Default)]
struct Properties {
    known: BTreeMap<String, Value>,
    missing: BTreeMap<String, PropertyFault>,
}

impl Properties {
    fn set(&mut self, path: &str, value: Option<&Value>) {
        if let Some(value) = value {
            self.known.insert(path.to_owned(), value.clone());
        }
    }

    fn refuse(&mut self, path: &str, why: &Unavailable) {
        self.missing.insert(path.to_owned(), PropertyFault::without_server(&why.reason));
    }

    fn object(self, reference: &str) -> InventoryObject {
        let Self { known: properties, missing } = self;
        InventoryObject { object: reference.to_owned(), properties, missing }
    }

    fn datastore(mut self, name: &str, mounts: &[Value]) -> InventoryObject {
        self.set("name", Some(&json!(name)));
        self.set("host", Some(&json!(mounts)));
        self.object(&reference(name))
    }
}

#[cfg(test)]
mod tests;
