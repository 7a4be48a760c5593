//! The account that the configuration server discovers with, and what it may do where.
//!
//! The account that counts is that one, whoever is logged in to ask. Not for who it is: a person
//! says that, for no server knows.

mod required;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inventory::Inventory;
use super::property::{
    PropertyFault, as_bool, elements, json_answer, object_rows, optional_text, required_text,
};
use super::query_scope::QueryScope;
use super::questions;
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact, Unavailable};

use required::SYSTEM;
pub use required::{IN_SOME_EDITIONS, OF_NEWER_SERVERS, REQUIRED, privileges_to_query};

/// What whoever holds it on the root folder is taken for one who sees everything: who may hand
/// out permissions.
pub const SEES_EVERYTHING: &[&str] = &["System.View", "Authorization.ModifyPermissions"];

/// Needed privileges that the program's first release did not ask about. A capture without one says
/// nothing of it, and all that it does say still counts.
const ASKED_LATER: &[&str] = &["VirtualMachine.State.CreateSnapshot"];

/// Whether an account is the one that is logged in, which the server calls by one name and a
/// person has typed by another.
///
/// ```
/// use preflight::facts::vsphere::privileges::is_same_account;
/// assert!(is_same_account("asr@vsphere.local", "VSPHERE.LOCAL\\asr", "asr@vsphere.local"));
/// assert!(!is_same_account("asr@vsphere.local", "VSPHERE.LOCAL\\Administrator", "administrator"));
/// ```
pub fn is_same_account(account: &str, logged_in: &str, typed: &str) -> bool {
    let account = split_account(account);
    account == split_account(logged_in) || account == split_account(typed)
}

/// Name and domain of an account, in lower case.
fn split_account(account: &str) -> (String, String) {
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
    /// The account that is checked.
    pub name: String,
    /// Objects on which it may look and do nothing.
    pub read_only: Collection<String>,
    /// Objects on which it may not even look.
    pub no_access: Collection<String>,
    /// Needed privileges that it lacks somewhere, where it may do something.
    pub missing: Collection<MissingPrivilege>,
    /// Privileges that it lacks and that some editions of the documents do not ask for.
    pub missing_in_some_editions: Collection<MissingPrivilege>,
    /// True when the folders around the machines were asked about, too; captures of the program's
    /// first release were not.
    pub folders_asked: Fact<bool>,
    /// True when every privilege that is needed was asked about; captures of the program's first
    /// release lack one.
    pub privileges_asked: Fact<bool>,
    /// Whether its permission goes on to what is inside the datacenter.
    pub propagates: Fact<bool>,
}

/// What a transcript keeps of who may do what.
#[derive(Deserialize)]
struct PrivilegeMatrix {
    asked: Vec<String>,
    objects: Vec<ObjectRow>,
    complete: bool,
    by: String,
}

#[derive(Deserialize)]
struct ObjectRow {
    object: String,
    granted: Option<Vec<String>>,
    refused: Option<PropertyFault>,
}

/// Whether whoever was logged in is one who sees everything.
pub fn sees_everything(transcript: &Transcript) -> Result<bool, Unavailable> {
    let own = json_answer(transcript, questions::OWN_PRIVILEGES);
    own.map(|own| {
        let granted =
            own["objects"].get(0).map(|row| elements(&row["granted"])).unwrap_or_default();
        SEES_EVERYTHING.iter().all(|id| granted.iter().any(|one| one == id))
    })
}

/// Reads what the discovery account may do.
pub fn from_transcript(
    transcript: &Transcript,
    scope: &QueryScope,
    inventory: &Inventory,
) -> Result<AccountFacts, Unavailable> {
    let account = scope.discovery_account.as_ref().ok_or(
        "no discovery account of the configuration server is given: add \
         --discovery-account NAME",
    )?;
    let asked = json_answer(transcript, questions::ASKED);
    let asked = asked.as_ref().ok().map(|asked| &asked["question"]["discovery_account"]);
    match asked.map(|asked| asked.as_str()) {
        Some(Some(other)) if split_account(other) != split_account(account) => {
            return Err(format!("the server was asked about {other}, not {account}").into());
        }
        Some(None) => {
            return Err(format!("the server was not asked about {account}").into());
        }
        _ => {}
    }
    let matrix = serde_json::from_value(json_answer(transcript, questions::PRIVILEGES)?);
    let mut matrix: PrivilegeMatrix =
        matrix.map_err(|error| format!("the answer privileges is not read: {error}"))?;
    // Whoever captured the answers may have had fewer machines in mind.
    let play = inventory.objects_in_scope(scope);
    let asked = |object: &String| matrix.objects.iter().any(|row| row.object == *object);
    let (folders, others): (Vec<_>, Vec<_>) =
        play.objects.into_iter().partition(|object| kind(object) == "Folder");
    let all_folders = play.all_folders && folders.iter().all(asked);
    matrix.complete &= play.complete && others.iter().all(asked);
    evaluate_matrix(account, &matrix, all_folders, transcript, inventory)
}

fn evaluate_matrix(
    account: &str,
    matrix: &PrivilegeMatrix,
    all_folders: bool,
    transcript: &Transcript,
    inventory: &Inventory,
) -> Result<AccountFacts, Unavailable> {
    if !matrix.objects.iter().any(|row| kind(&row.object) == "Datacenter") {
        let reason = "no datacenter is visible: the permission of whoever is logged in stands \
                      elsewhere, or nowhere";
        return Err(reason.into());
    }
    let by_name = matrix.by == "name";
    let granted = |row: &ObjectRow| row.granted.as_ref().is_some_and(|granted| !granted.is_empty());
    if by_name && !matrix.objects.iter().any(granted) {
        return Err(format!(
            "the server grants {account} nothing anywhere: is that how the server spells it?"
        )
        .into());
    }
    let mut complete = matrix.complete;
    for probe in
        [questions::DATACENTERS, questions::HOSTS, questions::DATASTORES, questions::MACHINES]
    {
        complete &= inventory.complete(probe) == Ok(true);
    }
    let known = server_privileges(transcript).ok();
    // What nobody asked about proves nothing, unless the server does not know it.
    let asked = |id: &str| matrix.asked.iter().any(|asked| asked == id);
    let left_out = |id: &str| {
        !asked(id)
            && known.as_ref().is_none_or(|known| known.is_empty() || known.iter().any(|k| k == id))
    };
    let (mut read_only, mut no_access) = (Vec::new(), Vec::new());
    let mut missing = MissingPrivileges::new(REQUIRED.iter().chain(OF_NEWER_SERVERS));
    let mut in_some = MissingPrivileges::new(IN_SOME_EDITIONS.iter());
    for row in &matrix.objects {
        let name = describe_object(inventory, &row.object);
        let granted = match (&row.refused, &row.granted, by_name) {
            // Whoever is logged in may not ask about another account here.
            (Some(_), _, true) | (None, None, _) => {
                complete = false;
                continue;
            }
            (Some(_), _, false) => {
                no_access.push(name);
                continue;
            }
            (None, Some(granted), _) => granted,
        };
        let holds = |id: &str| granted.iter().any(|granted| granted == id);
        if !SYSTEM.iter().any(|id| holds(id)) {
            no_access.push(name);
            continue;
        }
        if granted.iter().all(|id| id.starts_with("System.")) {
            read_only.push(name);
            continue;
        }
        for lacking in [&mut missing, &mut in_some] {
            lacking.record(&name, |id| asked(id) && applies_to(id, &row.object) && !holds(id));
        }
    }
    let (later, all_asked): (Vec<&str>, bool) = {
        let left_out: Vec<&str> =
            REQUIRED.iter().map(|(id, _)| *id).filter(|id| left_out(id)).collect();
        let all_asked = left_out.iter().all(|id| ASKED_LATER.contains(id));
        (left_out, all_asked)
    };
    let some_asked = !IN_SOME_EDITIONS.iter().any(|(id, _)| left_out(id));
    Ok(AccountFacts {
        name: account.to_owned(),
        propagates: propagates(account, matrix, transcript).into(),
        folders_asked: if all_folders {
            Fact::Known(true)
        } else {
            Fact::unavailable("not every folder around the machines was asked about")
        },
        privileges_asked: match later.first() {
            None => Fact::Known(true),
            Some(id) => Fact::unavailable(format!("the server was not asked about {id}")),
        },
        read_only: Collection { items: read_only, complete },
        no_access: Collection { items: no_access, complete },
        missing: Collection { items: missing.into_facts(), complete: complete && all_asked },
        missing_in_some_editions: Collection {
            items: in_some.into_facts(),
            complete: complete && some_asked,
        },
    })
}

/// The privileges that the server lists as those it knows.
fn server_privileges(transcript: &Transcript) -> Result<Vec<String>, Unavailable> {
    let mut answer = json_answer(transcript, questions::AUTHORIZATION)?;
    Ok(serde_json::from_value(answer["privileges"].take())?)
}

/// Privileges, each with the objects it is lacking on.
struct MissingPrivileges<'p>(Vec<(&'p str, &'p str, Vec<String>)>);

impl<'p> MissingPrivileges<'p> {
    fn new(privileges: impl Iterator<Item = &'p (&'p str, &'p str)>) -> Self {
        Self(privileges.map(|(id, name)| (*id, *name, Vec::new())).collect())
    }

    fn record(&mut self, object: &str, lacks: impl Fn(&str) -> bool) {
        for (_, _, on) in self.0.iter_mut().filter(|(id, ..)| lacks(id)) {
            on.push(object.to_owned());
        }
    }

    fn into_facts(self) -> Vec<MissingPrivilege> {
        let lacking = self.0.into_iter().filter(|(.., on)| !on.is_empty());
        let told = lacking.map(|(id, name, on)| {
            let on = join_first(&on);
            let words = format!("{id} ({name}) on {on}");
            MissingPrivilege { id: id.to_owned(), client_name: name.to_owned(), on, words }
        });
        told.collect()
    }
}

/// Whether a privilege matters on this kind of object. A role of its own on a datastore need not
/// hold what only machines are asked for.
fn applies_to(id: &str, object: &str) -> bool {
    match kind(object) {
        "Datacenter" => true,
        "Datastore" => id.starts_with("Datastore."),
        "ResourcePool" | "VirtualApp" => id.starts_with("Resource."),
        "VirtualMachine" => id.starts_with("VirtualMachine."),
        // Machines are made, registered and taken out of the inventory in a folder.
        "Folder" => id.starts_with("VirtualMachine.Inventory."),
        "HostSystem" => false,
        _ => id.starts_with("Network."),
    }
}

/// Whether the account's permission goes on below the datacenter: its own entry says so, or, when
/// it has its permission through a group, the fact that it holds something further down.
fn propagates(
    account: &str,
    matrix: &PrivilegeMatrix,
    transcript: &Transcript,
) -> Result<bool, Unavailable> {
    let rows = json_answer(transcript, questions::PERMISSIONS)?;
    let mut entries = Vec::new();
    let datacenters = matrix.objects.iter().filter(|row| kind(&row.object) == "Datacenter");
    for datacenter in datacenters.map(|row| row.object.as_str()) {
        let own =
            elements(&rows).iter().find(|row| optional_text(row, "object") == Some(datacenter));
        let Some(permissions) = own.and_then(|row| row.get("permissions")) else {
            return Err(format!("the permissions on {datacenter} were not collected").into());
        };
        entries.extend(own_entry(account, datacenter, permissions)?);
    }
    let granted = |row: &ObjectRow| row.granted.as_ref().is_some_and(|granted| !granted.is_empty());
    let below = matrix.objects.iter().filter(|row| kind(&row.object) != "Datacenter");
    if !entries.iter().all(|propagate| *propagate) {
        Ok(false)
    } else if !entries.is_empty() || below.into_iter().any(granted) {
        Ok(true)
    } else {
        Err(format!(
            "no permission on the datacenter names {account}, and nothing inside it is visible"
        )
        .into())
    }
}

/// Whether the account's own entry among the permissions on a datacenter goes on below it; none when
/// no entry is the account's own. What is set on the datacenter itself counts before what is set
/// above it.
fn own_entry(
    account: &str,
    datacenter: &str,
    permissions: &Value,
) -> Result<Option<bool>, Unavailable> {
    let permissions = object_rows(permissions, "permissions")?;
    let mut nearest = None;
    for permission in permissions {
        let read = (
            required_text(permission, "principal"),
            required_text(permission, "entity"),
            permission.get("propagate").and_then(as_bool),
        );
        let (Ok(principal), Ok(entity), Some(propagate)) = read else {
            return Err("a permission on the datacenter is not understood".into());
        };
        if split_account(principal) != split_account(account) {
            continue;
        }
        if nearest.is_none() || entity == datacenter {
            nearest = Some(propagate);
        }
    }
    Ok(nearest)
}

fn kind(reference: &str) -> &str {
    reference.split(':').next().unwrap_or_default()
}

/// An object as people speak of it.
fn describe_object(inventory: &Inventory, reference: &str) -> String {
    let word = match kind(reference) {
        "Datacenter" => "datacenter",
        "Datastore" => "datastore",
        "ResourcePool" | "VirtualApp" => "resource pool",
        "VirtualMachine" => "virtual machine",
        "Folder" => "folder",
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
fn join_first(names: &[String]) -> String {
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
    use crate::facts::target_kind::TargetKind;
    use crate::facts::transcript::{self, CollectedBy, Connection, ProbeAnswers};
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
            (probe.to_owned(), transcript::ProbeAnswer { status: 0, text: value.to_string() })
        };
        Transcript {
            schema: transcript::SCHEMA.to_owned(),
            target: "vc".to_owned(),
            kind: TargetKind::Vcenter,
            asked_at: None,
            connection: Connection::new(CollectedBy::Vsphere),
            overrides: Default::default(),
            answers: ProbeAnswers {
                by_probe: answers.into_iter().map(answer).collect(),
                ended: true,
                unanswered: None,
            },
        }
    }

    fn row(object: &str, granted: &[&str]) -> Value {
        json!({ "object": object, "granted": granted })
    }

    fn facts(by: &str, rows: Value, permissions: Value) -> Result<AccountFacts, Unavailable> {
        let asked: Vec<&str> = privileges_to_query(&[]);
        let matrix = json!({ "asked": asked, "objects": rows, "complete": true, "by": by });
        let transcript = transcript(BTreeMap::from([
            ("privileges", matrix),
            ("permissions", json!([{ "object": "Datacenter:dc", "permissions": permissions }])),
        ]));
        let scope = QueryScope {
            discovery_account: Some("asr@v.local".to_owned()),
            ..QueryScope::default()
        };
        from_transcript(&transcript, &scope, &Inventory::from_transcript(&transcript))
    }

    fn permission(entity: &str, principal: &str, propagate: bool) -> Value {
        json!({ "entity": entity, "principal": principal, "propagate": propagate.to_string() })
    }

    #[test]
    fn what_counts_on_an_object_is_what_is_asked_of_it() {
        let all = privileges_to_query(&[]);
        let datastore: Vec<&str> =
            all.iter().copied().filter(|id| !id.starts_with("VirtualMachine.")).collect();
        let less: Vec<&str> = all.iter().copied().filter(|id| *id != "Network.Assign").collect();
        let rows = json!([row("Datacenter:dc", &less), row("Datastore:d", &datastore)]);
        let facts = facts("session", rows, json!([]));
        let facts = facts.unwrap();
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
        let own = own.unwrap();
        assert_eq!(own.read_only.items, ["datacenter DC0"]);
        assert_eq!(own.no_access.items, ["datastore ds1", "virtual machine mt"]);
        // Whoever may not ask about another account has not learned that it has no access.
        let other = of("name");
        let other = other.unwrap();
        assert_eq!(other.no_access.items, ["datastore ds1"]);
        assert!(!other.no_access.complete);
    }

    #[test]
    fn what_was_not_asked_about_is_not_held() {
        let read = |asked: &[&str], known: Value, rows: Value| {
            let matrix =
                json!({ "asked": asked, "objects": rows, "complete": true, "by": "session" });
            let transcript = transcript(BTreeMap::from([
                ("privileges", matrix),
                ("authorization", json!({ "privileges": known })),
                ("permissions", json!([{ "object": "Datacenter:dc", "permissions": [] }])),
            ]));
            let scope = QueryScope {
                discovery_account: Some("asr@v.local".to_owned()),
                ..QueryScope::default()
            };
            let facts =
                from_transcript(&transcript, &scope, &Inventory::from_transcript(&transcript));
            let facts = facts.unwrap();
            let told = facts.privileges_asked == Fact::Known(true);
            (facts.missing.items.len(), facts.missing.complete && told)
        };
        let all = privileges_to_query(&[]);
        let whole = json!([row("Datacenter:dc", &all), row("Datastore:d", &all)]);
        assert_eq!(read(&all, json!([]), whole.clone()), (0, true));
        for id in REQUIRED.iter().map(|(id, _)| *id) {
            let less: Vec<&str> = all.iter().copied().filter(|asked| *asked != id).collect();
            let rows = json!([row("Datacenter:dc", &less), row("Datastore:d", &less)]);
            assert_eq!(
                read(&less, json!([]), rows.clone()),
                (0, false),
                "{id} was not asked about"
            );
            assert_eq!(read(&all, json!([]), rows.clone()), (1, true), "{id} is lacking");
            // A server that does not know it cannot be asked.
            assert_eq!(read(&less, json!(less), rows), (0, true), "{id} is not known");
        }
        // An object of which nothing is told.
        assert_eq!(
            read(&all, json!([]), json!([row("Datacenter:dc", &all), { "object": "Datastore:d" }])),
            (0, false)
        );
    }

    #[test]
    fn a_folder_is_where_machines_are_made() {
        let all = privileges_to_query(&[]);
        let less: Vec<&str> =
            all.iter().copied().filter(|id| *id != "VirtualMachine.Inventory.Create").collect();
        let words = |folder: &[&str]| {
            let facts = facts(
                "session",
                json!([row("Datacenter:dc", &all), row("Folder:f", folder)]),
                json!([]),
            );
            let facts = facts.unwrap();
            let missing = facts.missing.items.iter().map(|missing| missing.id.as_str());
            (missing.collect::<Vec<_>>().join(" "), facts.read_only.items.join(" "))
        };
        assert_eq!(words(&all), (String::new(), String::new()));
        assert_eq!(words(&less), ("VirtualMachine.Inventory.Create".to_owned(), String::new()));
        assert_eq!(words(&["System.View", "System.Read"]), (String::new(), "folder f".to_owned()));
    }

    #[test]
    fn an_account_that_is_granted_nothing_is_one_that_was_spelled_wrongly() {
        let rows = json!([row("Datacenter:dc", &[]), row("Datastore:d", &[])]);
        assert!(facts("name", rows.clone(), json!([])).is_err());
        assert!(facts("session", rows, json!([])).is_ok());
        assert!(
            facts("session", json!([row("Datastore:d", &["System.View"])]), json!([])).is_err()
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
            // An entry that cannot be read may be the account's own.
            (&below, json!([{ "entity": "Datacenter:dc", "propagate": "true" }]), None),
            (&below, json!([{ "entity": "Datacenter:dc", "principal": "V.LOCAL\\asr" }]), None),
            (&below, json!([{ "principal": "V.LOCAL\\asr", "propagate": "true" }]), None),
            (&below, json!(null), None),
            // Through a group.
            (&below, json!([permission("Datacenter:dc", "V.LOCAL\\admins", true)]), Some(true)),
            (&alone, json!([permission("Datacenter:dc", "V.LOCAL\\admins", false)]), None),
        ] {
            let facts = facts("session", rows.clone(), permissions.clone());
            let propagates = facts.unwrap().propagates.known().copied();
            assert_eq!(propagates, expected, "{permissions}");
        }
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
}
