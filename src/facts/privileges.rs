//! The account that the configuration server discovers with, and what it may do where.
//!
//! The account that counts is that one, whoever is logged in to ask. Not for who it is: a person
//! says that, for no server knows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inventory::Inventory;
use super::property::{Refusal, answer, list, part};
use super::question::Question;
use super::transcript::Transcript;
use super::{Fact, Looked};

/// Privileges that replication, failover and failback need (D:vmware-azure-tutorial-prepare-on-premises),
/// by the id of the API, and under the name that the vSphere client shows. The documents have the
/// client's words; that these ids are what they mean is our reading.
pub const NEEDED: &[(&str, &str)] = &[
    ("Datastore.AllocateSpace", "Datastore > Allocate space"),
    ("Datastore.Browse", "Datastore > Browse datastore"),
    ("Datastore.DeleteFile", "Datastore > Remove file"),
    ("Datastore.FileManagement", "Datastore > Low level file operations"),
    ("Datastore.UpdateVirtualMachineFiles", "Datastore > Update virtual machine files"),
    ("Network.Assign", "Network > Assign network"),
    ("Resource.AssignVMToPool", "Resource > Assign virtual machine to resource pool"),
    ("Resource.ColdMigrate", "Resource > Migrate powered off virtual machine"),
    ("Resource.HotMigrate", "Resource > Migrate powered on virtual machine"),
    ("Task.Create", "Tasks > Create task"),
    ("Task.Update", "Tasks > Update task"),
    (
        "VirtualMachine.Config.AddExistingDisk",
        "Virtual machine > Configuration > Add existing disk",
    ),
    ("VirtualMachine.Config.AddNewDisk", "Virtual machine > Configuration > Add new disk"),
    (
        "VirtualMachine.Config.AddRemoveDevice",
        "Virtual machine > Configuration > Add or remove device",
    ),
    ("VirtualMachine.Config.AdvancedConfig", "Virtual machine > Configuration > Advanced"),
    ("VirtualMachine.Config.Annotation", "Virtual machine > Configuration > Set annotation"),
    ("VirtualMachine.Config.CPUCount", "Virtual machine > Configuration > Change CPU count"),
    (
        "VirtualMachine.Config.ChangeTracking",
        "Virtual machine > Configuration > Disk change tracking",
    ),
    ("VirtualMachine.Config.DiskExtend", "Virtual machine > Configuration > Extend virtual disk"),
    ("VirtualMachine.Config.DiskLease", "Virtual machine > Configuration > Disk lease"),
    (
        "VirtualMachine.Config.EditDevice",
        "Virtual machine > Configuration > Modify device settings",
    ),
    ("VirtualMachine.Config.HostUSBDevice", "Virtual machine > Configuration > Host USB device"),
    ("VirtualMachine.Config.ManagedBy", "Virtual machine > Configuration > Configure managedBy"),
    ("VirtualMachine.Config.Memory", "Virtual machine > Configuration > Memory"),
    (
        "VirtualMachine.Config.MksControl",
        "Virtual machine > Configuration > Display connection settings",
    ),
    (
        "VirtualMachine.Config.QueryFTCompatibility",
        "Virtual machine > Configuration > Query Fault Tolerance compatibility",
    ),
    (
        "VirtualMachine.Config.QueryUnownedFiles",
        "Virtual machine > Configuration > Query unowned files",
    ),
    ("VirtualMachine.Config.RawDevice", "Virtual machine > Configuration > Raw device"),
    ("VirtualMachine.Config.ReloadFromPath", "Virtual machine > Configuration > Reload from path"),
    ("VirtualMachine.Config.RemoveDisk", "Virtual machine > Configuration > Remove disk"),
    ("VirtualMachine.Config.Rename", "Virtual machine > Configuration > Rename"),
    (
        "VirtualMachine.Config.ResetGuestInfo",
        "Virtual machine > Configuration > Reset guest information",
    ),
    ("VirtualMachine.Config.Resource", "Virtual machine > Configuration > Change resource"),
    ("VirtualMachine.Config.Settings", "Virtual machine > Configuration > Settings"),
    ("VirtualMachine.Config.SwapPlacement", "Virtual machine > Configuration > Swapfile placement"),
    (
        "VirtualMachine.Config.ToggleForkParent",
        "Virtual machine > Configuration > Toggle fork parent",
    ),
    (
        "VirtualMachine.Config.UpgradeVirtualHardware",
        "Virtual machine > Configuration > Upgrade virtual machine compatibility",
    ),
    ("VirtualMachine.Interact.AnswerQuestion", "Virtual machine > Interaction > Answer question"),
    (
        "VirtualMachine.Interact.DeviceConnection",
        "Virtual machine > Interaction > Device connection",
    ),
    ("VirtualMachine.Interact.PowerOff", "Virtual machine > Interaction > Power off"),
    ("VirtualMachine.Interact.PowerOn", "Virtual machine > Interaction > Power on"),
    ("VirtualMachine.Interact.SetCDMedia", "Virtual machine > Interaction > Configure CD media"),
    (
        "VirtualMachine.Interact.SetFloppyMedia",
        "Virtual machine > Interaction > Configure floppy media",
    ),
    (
        "VirtualMachine.Interact.ToolsInstall",
        "Virtual machine > Interaction > VMware Tools install",
    ),
    ("VirtualMachine.Inventory.Create", "Virtual machine > Inventory > Create new"),
    ("VirtualMachine.Inventory.Register", "Virtual machine > Inventory > Register"),
    ("VirtualMachine.Inventory.Unregister", "Virtual machine > Inventory > Unregister"),
    (
        "VirtualMachine.Provisioning.GetVmFiles",
        "Virtual machine > Provisioning > Allow virtual machine download",
    ),
    (
        "VirtualMachine.Provisioning.PutVmFiles",
        "Virtual machine > Provisioning > Allow virtual machine files upload",
    ),
    (
        "VirtualMachine.State.RemoveSnapshot",
        "Virtual machine > Snapshot management > Remove snapshot",
    ),
];

/// What every role but "No access" has.
const SYSTEM: &[&str] = &["System.View", "System.Read"];

/// What whoever holds it on the root folder is taken for one who sees everything: who may hand
/// out permissions.
pub const SEES_EVERYTHING: &[&str] = &["System.View", "Authorization.ModifyPermissions"];

/// The privileges to ask about on a server that knows these; one that does not list what it knows
/// is asked about all. A server answers an id that it does not know with a fault.
pub fn to_ask(known: &[String]) -> Vec<&'static str> {
    let needed = NEEDED.iter().map(|(id, _)| *id);
    SYSTEM
        .iter()
        .copied()
        .chain(needed.filter(|id| known.is_empty() || known.iter().any(|known| known == id)))
        .collect()
}

/// Whether an account is the one that is logged in, which the server calls by one name and a
/// person has typed by another.
///
/// ```
/// use preflight::facts::privileges::is_same_account;
/// assert!(is_same_account("asr@vsphere.local", "VSPHERE.LOCAL\\asr", "asr@vsphere.local"));
/// assert!(!is_same_account("asr@vsphere.local", "VSPHERE.LOCAL\\Administrator", "administrator"));
/// ```
pub fn is_same_account(account: &str, logged_in: &str, typed: &str) -> bool {
    let account = parted(account);
    account == parted(logged_in) || account == parted(typed)
}

/// Name and domain of an account, in lower case.
fn parted(account: &str) -> (String, String) {
    let account = account.trim().to_lowercase();
    if let Some((domain, name)) = account.split_once('\\') {
        return (name.to_owned(), domain.to_owned());
    }
    match account.rsplit_once('@') {
        Some((name, domain)) => (name.to_owned(), domain.to_owned()),
        None => (account, String::new()),
    }
}

/// A privilege that is lacking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MissingPrivilege {
    /// Its id in the API.
    pub id: String,
    /// Its name in the vSphere client.
    pub client_name: String,
    /// The objects it is lacking on.
    pub on: String,
    /// Id, name and objects in one text.
    pub words: String,
}

/// What the discovery account may do.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AccountFacts {
    /// The account that is judged.
    pub name: String,
    /// Objects on which it may look and do nothing.
    pub read_only: Looked<String>,
    /// Objects on which it may not even look.
    pub no_access: Looked<String>,
    /// Needed privileges that it lacks somewhere, where it may do something.
    pub missing: Looked<MissingPrivilege>,
    /// Whether its permission goes on to what is inside the datacenter.
    pub propagates: Fact<bool>,
}

/// What a transcript keeps of who may do what.
#[derive(Deserialize)]
struct Matrix {
    asked: Vec<String>,
    objects: Vec<Row>,
    complete: bool,
    by: String,
}

#[derive(Deserialize)]
struct Row {
    object: String,
    #[serde(default)]
    granted: Vec<String>,
    #[serde(default)]
    refused: Option<Refusal>,
}

/// Whether whoever was logged in is one who sees everything.
pub fn sees_everything(transcript: &Transcript) -> Fact<bool> {
    let own = answer(transcript, "own-privileges");
    own.map(|own| {
        let granted = own["objects"].get(0).map(|row| list(&row["granted"])).unwrap_or_default();
        SEES_EVERYTHING.iter().all(|id| granted.iter().any(|one| one == id))
    })
}

/// Reads what the discovery account may do.
pub fn of(
    transcript: &Transcript,
    question: &Question,
    inventory: &Inventory,
) -> Fact<AccountFacts> {
    let Some(account) = &question.discovery_account else {
        return Fact::unavailable(
            "nobody said which account the configuration server discovers with: add \
             --discovery-account NAME",
        );
    };
    let asked = answer(transcript, "asked");
    let asked = asked.known().map(|asked| &asked["question"]["discovery_account"]);
    if let Some(other) = asked.and_then(|asked| asked.as_str()).filter(|asked| asked != account) {
        return Fact::unavailable(format!("the server was asked about {other}, not {account}"));
    }
    let matrix = match answer(transcript, "privileges") {
        Fact::Known(value) => serde_json::from_value::<Matrix>(value),
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    match matrix {
        Ok(mut matrix) => {
            // Whoever captured the answers may have had fewer machines in mind.
            let (play, _) = inventory.in_play(question);
            let asked = |it: &String| matrix.objects.iter().any(|row| row.object == *it);
            matrix.complete &= play.iter().all(asked);
            judged(account, &matrix, transcript, inventory)
        }
        Err(error) => Fact::unavailable(format!("the answer privileges is not read: {error}")),
    }
}

fn judged(
    account: &str,
    matrix: &Matrix,
    transcript: &Transcript,
    inventory: &Inventory,
) -> Fact<AccountFacts> {
    if !matrix.objects.iter().any(|row| kind(&row.object) == "Datacenter") {
        return Fact::unavailable(
            "no datacenter is visible: the permission of whoever is logged in stands elsewhere, \
             or nowhere",
        );
    }
    let by_name = matrix.by == "name";
    if by_name && matrix.objects.iter().all(|row| row.granted.is_empty()) {
        return Fact::unavailable(format!(
            "the server grants {account} nothing anywhere: is that how the server spells it?"
        ));
    }
    let mut complete = matrix.complete;
    for probe in ["datacenters", "hosts", "datastores", "machines"] {
        complete &= inventory.complete(probe) == Fact::Known(true);
    }
    let (mut read_only, mut no_access) = (Vec::new(), Vec::new());
    let mut missing: Vec<(&str, &str, Vec<String>)> =
        NEEDED.iter().map(|(id, name)| (*id, *name, Vec::new())).collect();
    for row in &matrix.objects {
        let name = named(inventory, &row.object);
        match (&row.refused, by_name) {
            // Whoever is logged in may not ask about another account here.
            (Some(_), true) => {
                complete = false;
                continue;
            }
            (Some(_), false) => {
                no_access.push(name);
                continue;
            }
            (None, _) => {}
        }
        let holds = |id: &str| row.granted.iter().any(|granted| granted == id);
        if !SYSTEM.iter().any(|id| holds(id)) {
            no_access.push(name);
            continue;
        }
        if row.granted.iter().all(|id| id.starts_with("System.")) {
            read_only.push(name);
            continue;
        }
        for (id, _, on) in &mut missing {
            let asked = matrix.asked.iter().any(|asked| asked == id);
            if asked && counts_on(id, &row.object) && !holds(id) {
                on.push(name.clone());
            }
        }
    }
    let missing = missing.into_iter().filter(|(.., on)| !on.is_empty()).map(|(id, name, on)| {
        let on = few(&on);
        let words = format!("{id} ({name}) on {on}");
        MissingPrivilege { id: id.to_owned(), client_name: name.to_owned(), on, words }
    });
    let missing = missing.collect();
    Fact::Known(AccountFacts {
        name: account.to_owned(),
        propagates: propagates(account, matrix, transcript),
        read_only: Looked { items: read_only, complete },
        no_access: Looked { items: no_access, complete },
        missing: Looked { items: missing, complete },
    })
}

/// Whether a privilege matters on this kind of object. A role of its own on a datastore need not
/// hold what only machines are asked for.
fn counts_on(id: &str, object: &str) -> bool {
    match kind(object) {
        "Datacenter" => true,
        "Datastore" => id.starts_with("Datastore."),
        "ResourcePool" | "VirtualApp" => id.starts_with("Resource."),
        "VirtualMachine" => id.starts_with("VirtualMachine."),
        "HostSystem" => false,
        _ => id.starts_with("Network."),
    }
}

/// Whether the account's permission goes on below the datacenter: its own entry says so, or, when
/// it has its permission through a group, the fact that it holds something further down.
fn propagates(account: &str, matrix: &Matrix, transcript: &Transcript) -> Fact<bool> {
    let rows = match answer(transcript, "permissions") {
        Fact::Known(rows) => rows,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let mut entries = Vec::new();
    for row in list(&rows) {
        let own = list(&row["permissions"]).iter().filter(|permission| {
            part(permission, "principal").is_some_and(|name| parted(name) == parted(account))
        });
        // What is set on the datacenter itself counts before what is set above it.
        let datacenter = part(row, "object");
        let nearest = own.max_by_key(|permission| part(permission, "entity") == datacenter);
        entries.extend(nearest.map(|permission| part(permission, "propagate") == Some("true")));
    }
    let below = matrix.objects.iter().filter(|row| kind(&row.object) != "Datacenter");
    match entries.iter().all(|propagate| *propagate) {
        false => Fact::Known(false),
        true if !entries.is_empty() => Fact::Known(true),
        true if below.into_iter().any(|row| !row.granted.is_empty()) => Fact::Known(true),
        true => Fact::unavailable(format!(
            "no permission on the datacenter names {account}, and nothing inside it is visible"
        )),
    }
}

fn kind(reference: &str) -> &str {
    reference.split(':').next().unwrap_or_default()
}

/// An object as people speak of it.
fn named(inventory: &Inventory, reference: &str) -> String {
    let word = match kind(reference) {
        "Datacenter" => "datacenter",
        "Datastore" => "datastore",
        "ResourcePool" | "VirtualApp" => "resource pool",
        "VirtualMachine" => "virtual machine",
        "HostSystem" => "host",
        _ => "network",
    };
    let name = inventory.name(reference);
    // What may not be seen has only the name that the server has for it.
    let name =
        if name == reference { name.split_once(':').map_or("", |(_, id)| id) } else { &name };
    format!("{word} {name}")
}

/// The first few of a list, and how many more there are.
fn few(names: &[String]) -> String {
    match names {
        [.., _] if names.len() > 3 => {
            format!("{} and {} more", names[..3].join(", "), names.len() - 3)
        }
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::facts::transcript::{self, Answers, Connection};
    use serde_json::{Value, json};

    /// A transcript with these answers and a small inventory that was seen to its end.
    fn transcript(mut answers: BTreeMap<&str, Value>) -> Transcript {
        let object = |reference: &str, name: &str| json!({ "object": reference, "properties": { "name": name } });
        let list = |objects: Value| json!({ "objects": objects, "complete": true });
        answers.insert("datacenters", list(json!([object("Datacenter:dc", "DC0")])));
        answers.insert("datastores", list(json!([object("Datastore:d", "ds1")])));
        answers.insert("hosts", list(json!([])));
        answers.insert("machines", list(json!([object("VirtualMachine:v", "mt")])));
        let answer = |(probe, value): (&str, Value)| {
            (probe.to_owned(), transcript::Answer { status: 0, text: value.to_string() })
        };
        Transcript {
            schema: transcript::SCHEMA.to_owned(),
            target: "vc".to_owned(),
            kind: "vcenter".to_owned(),
            asked_at: None,
            connection: Connection::default(),
            reading: Default::default(),
            answers: Answers {
                by_probe: answers.into_iter().map(answer).collect(),
                ended: true,
                unanswered: None,
            },
        }
    }

    fn row(object: &str, granted: &[&str]) -> Value {
        json!({ "object": object, "granted": granted })
    }

    fn facts(by: &str, rows: Value, permissions: Value) -> Fact<AccountFacts> {
        let asked: Vec<&str> = to_ask(&[]);
        let matrix = json!({ "asked": asked, "objects": rows, "complete": true, "by": by });
        let transcript = transcript(BTreeMap::from([
            ("privileges", matrix),
            ("permissions", json!([{ "object": "Datacenter:dc", "permissions": permissions }])),
        ]));
        let question =
            Question { discovery_account: Some("asr@v.local".to_owned()), ..Question::default() };
        of(&transcript, &question, &Inventory::of(&transcript))
    }

    fn permission(entity: &str, principal: &str, propagate: bool) -> Value {
        json!({ "entity": entity, "principal": principal, "propagate": propagate.to_string() })
    }

    #[test]
    fn what_counts_on_an_object_is_what_is_asked_of_it() {
        let all = to_ask(&[]);
        let datastore: Vec<&str> =
            all.iter().copied().filter(|id| !id.starts_with("VirtualMachine.")).collect();
        let less: Vec<&str> = all.iter().copied().filter(|id| *id != "Network.Assign").collect();
        let rows = json!([row("Datacenter:dc", &less), row("Datastore:d", &datastore)]);
        let facts = facts("session", rows, json!([]));
        let facts = facts.known().unwrap();
        let words: Vec<&str> = facts.missing.items.iter().map(|m| m.words.as_str()).collect();
        assert_eq!(words, ["Network.Assign (Network > Assign network) on datacenter DC0"]);
        assert!(facts.missing.complete && facts.read_only.items.is_empty());
    }

    #[test]
    fn looking_alone_is_read_only_and_nothing_is_no_access() {
        let rows = json!([
            row("Datacenter:dc", &["System.View", "System.Read", "System.Anonymous"]),
            row("Datastore:d", &[]),
            { "object": "VirtualMachine:v", "refused": { "fault": "NoPermission" } },
        ]);
        let of = |by| facts(by, rows.clone(), json!([]));
        let own = of("session");
        let own = own.known().unwrap();
        assert_eq!(own.read_only.items, ["datacenter DC0"]);
        assert_eq!(own.no_access.items, ["datastore ds1", "virtual machine mt"]);
        // Whoever may not ask about another account has not learned that it has no access.
        let other = of("name");
        let other = other.known().unwrap();
        assert_eq!(other.no_access.items, ["datastore ds1"]);
        assert!(!other.no_access.complete);
    }

    #[test]
    fn an_account_that_is_granted_nothing_is_one_that_was_spelled_wrongly() {
        let rows = json!([row("Datacenter:dc", &[]), row("Datastore:d", &[])]);
        assert!(facts("name", rows.clone(), json!([])).known().is_none());
        assert!(facts("session", rows, json!([])).known().is_some());
        assert!(
            facts("session", json!([row("Datastore:d", &["System.View"])]), json!([]))
                .known()
                .is_none()
        );
    }

    #[test]
    fn a_permission_propagates_by_its_own_word_or_by_what_it_leads_to() {
        let below =
            json!([row("Datacenter:dc", &["System.View"]), row("Datastore:d", &["System.View"])]);
        let alone = json!([row("Datacenter:dc", &["System.View"])]);
        for (rows, permissions, expected) in [
            (&below, json!([permission("Datacenter:dc", "V.LOCAL\\asr", true)]), Some(true)),
            (&below, json!([permission("Datacenter:dc", "V.LOCAL\\asr", false)]), Some(false)),
            // The datacenter's own entry counts before the one above it.
            (
                &below,
                json!([
                    permission("Folder:root", "asr@v.local", true),
                    permission("Datacenter:dc", "asr@v.local", false)
                ]),
                Some(false),
            ),
            // Through a group.
            (&below, json!([permission("Datacenter:dc", "V.LOCAL\\admins", true)]), Some(true)),
            (&alone, json!([permission("Datacenter:dc", "V.LOCAL\\admins", false)]), None),
        ] {
            let facts = facts("session", rows.clone(), permissions.clone());
            let propagates = facts.known().unwrap().propagates.known().copied();
            assert_eq!(propagates, expected, "{permissions}");
        }
    }

    #[test]
    fn a_server_is_asked_only_about_what_it_knows() {
        let known = ["System.View", "System.Read", "Datastore.Browse", "Other"].map(str::to_owned);
        assert_eq!(to_ask(&known), ["System.View", "System.Read", "Datastore.Browse"]);
        assert_eq!(to_ask(&[]).len(), NEEDED.len() + SYSTEM.len());
    }

    #[test]
    fn one_account_has_many_spellings() {
        for (account, logged_in, typed, same) in [
            ("asr@v.local", "V.LOCAL\\asr", "x", true),
            ("V.LOCAL\\ASR", "V.LOCAL\\asr", "x", true),
            ("asr@v.local", "V.LOCAL\\other", "ASR@V.LOCAL", true),
            ("root", "root", "root", true),
            ("asr@v.local", "CORP\\asr", "asr", false),
            ("asr", "V.LOCAL\\asr", "other", false),
        ] {
            assert_eq!(is_same_account(account, logged_in, typed), same, "{account} {logged_in}");
        }
    }

    #[test]
    fn every_privilege_has_the_name_of_its_group() {
        for (id, name) in NEEDED {
            let group = id.split('.').next().unwrap();
            let words = name.split(" > ").next().unwrap().replace(' ', "").to_lowercase();
            assert!(words.starts_with(&group.to_lowercase()), "{id} {name}");
        }
    }
}
