//! One vSphere server's answers as the facts of everything that is checked by them: the server, the
//! master target's machine, protected machines, and the hosts they run on.
//!
//! Not for how any of it is read: one file per subject does that. What is true of a machine only
//! beside another one is joined in `master_target_side`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::esxi_host::{self, EsxiFacts};
use super::inventory::{Inventory, MachineSearch};
use super::licence::HostLicences;
use super::machine_description::MachineDescription;
use super::property::{self, InventoryObject, json_answer};
use super::query_scope::QueryScope;
use super::questions;
use super::service::{AboutInfo, server_time};
use super::vcenter::{self, VcenterFacts};
use super::vm::{self, VmFacts};
use super::{storage_moves, vmx};
use crate::facts::probe::ProbeName;
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact, Unavailable};

/// What a transcript says it was asked.
#[derive(Clone, Debug, Default, Deserialize)]
struct RecordedQuery {
    question: QueryScope,
    user: String,
}

/// What a server answered by its API, or an ESXi host by its shell. Every subject reads its facts
/// from these, whichever way they came.
pub struct ServerAnswers {
    /// What was asked.
    pub scope: QueryScope,
    /// Who logged in.
    pub user: String,
    /// What the server says of itself.
    pub about: Result<AboutInfo, Unavailable>,
    /// The server's own time.
    pub time: Option<Timestamp>,
    /// Every object that the account sees.
    pub inventory: Inventory,
    /// The machines that were asked about in detail.
    pub chosen: Result<Vec<InventoryObject>, Unavailable>,
    /// The licences of its hosts.
    pub licences: HostLicences,
    /// The rows of each machine's .vmx, by its name; none of a server, which is asked about master
    /// targets alone.
    pub vmx: Option<BTreeMap<String, Result<Collection<String>, Unavailable>>>,
}

impl ServerAnswers {
    fn from_transcript(transcript: &Transcript) -> Self {
        let asked = json_answer(transcript, questions::ASKED).unwrap_or_default();
        let asked: RecordedQuery = serde_json::from_value(asked).unwrap_or_default();
        let chosen = property::object_listing(transcript, questions::CHOSEN);
        let about = AboutInfo::from_transcript(transcript);
        Self {
            scope: asked.question,
            user: asked.user,
            time: server_time(transcript),
            inventory: Inventory::from_transcript(transcript),
            chosen: chosen.map(|listing| listing.items),
            licences: HostLicences::from_transcript(transcript, &about),
            about,
            vmx: None,
        }
    }
}

/// One server's answers, opened.
#[derive(Clone)]
pub struct VsphereSnapshot<'t> {
    pub(super) transcript: Cow<'t, Transcript>,
    /// What was asked.
    pub scope: QueryScope,
    answers: Arc<ServerAnswers>,
    sees_everything: bool,
    /// What people say of machines that are to fail back, by their names.
    descriptions: Arc<BTreeMap<String, MachineDescription>>,
}

impl<'t> VsphereSnapshot<'t> {
    /// Opens a transcript of a vSphere server.
    pub fn from_transcript(transcript: &'t Transcript) -> Self {
        Self::new(Cow::Borrowed(transcript), ServerAnswers::from_transcript(transcript))
    }

    /// The snapshot of these answers. What else a server is asked is read from the transcript.
    pub fn new(transcript: Cow<'t, Transcript>, answers: ServerAnswers) -> Self {
        Self {
            scope: answers.scope.clone(),
            answers: Arc::new(answers),
            sees_everything: super::privileges::sees_everything(&transcript) == Ok(true),
            descriptions: Arc::default(),
            transcript,
        }
    }

    /// The same with what people say of machines.
    pub fn with_descriptions(self, described: &Arc<BTreeMap<String, MachineDescription>>) -> Self {
        Self { descriptions: described.clone(), ..self }
    }

    /// What is known about the server itself. `is_target` tells whether it is what is checked, and
    /// not only who answers for something else.
    pub fn vcenter(&self, is_target: bool) -> VcenterFacts {
        let (transcript, inventory) = (&self.transcript, &self.answers.inventory);
        vcenter::from_answers(&self.answers.about, transcript, &self.scope, inventory, is_target)
    }

    /// What is known about the server that tells of a host.
    pub fn vcenter_of_host(&self, host: &Fact<EsxiFacts>) -> VcenterFacts {
        let mut facts = self.vcenter(false);
        facts.target_version = host.value().and_then(|host| host.version.value().cloned()).into();
        facts
    }

    /// The host that a machine runs on, as it is known.
    pub fn host_of(&self, name: &str) -> Result<EsxiFacts, Unavailable> {
        self.host_object(name).map(|host| self.host(host))
    }

    /// Every host that the account sees.
    pub fn hosts(&self) -> Vec<EsxiFacts> {
        self.answers.inventory.list(questions::HOSTS).map(|host| self.host(host)).collect()
    }

    /// The inventory itself, for joins.
    pub(super) fn inventory(&self) -> &Inventory {
        &self.answers.inventory
    }

    /// The host that a machine runs on.
    pub(super) fn host_object(&self, name: &str) -> Result<&InventoryObject, Unavailable> {
        let host = self.answers.inventory.get(&self.find_machine(name)?.text("runtime.host")?);
        Ok(host
            .ok_or_else(|| format!("the host of {name} is not visible to {}", self.answers.user))?)
    }

    fn host(&self, host: &InventoryObject) -> EsxiFacts {
        let now = self.answers.time.or(self.transcript.asked_at);
        let licence = self.answers.licences.assigned_to(host).map(|licence| licence.facts(now));
        esxi_host::from_inventory(&self.answers.inventory, host, licence)
    }

    /// The machine of this name in the inventory.
    pub(super) fn find_machine(&self, name: &str) -> Result<&InventoryObject, Unavailable> {
        match self.answers.inventory.find_machine(name) {
            MachineSearch::Found(object) => Ok(object),
            MachineSearch::None => {
                Err(format!("no virtual machine named {name} is visible to {}", self.answers.user)
                    .into())
            }
            MachineSearch::Several(found) => {
                Err(format!("{} virtual machines are named {name}", found.len()).into())
            }
            MachineSearch::Unseen(why) => Err(why.into()),
        }
    }

    /// What is known about a machine by itself.
    pub(super) fn machine(&self, name: &str) -> VmFacts {
        let exists = match self.answers.inventory.find_machine(name) {
            MachineSearch::Found(_) | MachineSearch::Several(_) => Ok(true),
            MachineSearch::None => self.absence(name),
            MachineSearch::Unseen(why) => Err(why.into()),
        };
        let mut facts = vm::from_object(
            name,
            exists.into(),
            self.detailed_machine(name),
            &self.answers.inventory,
        );
        if let Some(described) = self.descriptions.get(name) {
            described.apply_to(&mut facts);
        }
        facts
    }

    /// The machines that were asked about in detail.
    pub(super) fn detailed_machines(&self) -> &[InventoryObject] {
        self.answers.chosen.as_ref().map_or(&[], Vec::as_slice)
    }

    /// Every datastore of a name.
    pub(super) fn datastores_named(&self, name: &str) -> Vec<&InventoryObject> {
        let named = |object: &&InventoryObject| self.answers.inventory.name(&object.object) == name;
        self.answers.inventory.list(questions::DATASTORES).filter(named).collect()
    }

    /// The machine of this name as it was asked about in detail.
    pub(super) fn detailed_machine(&self, name: &str) -> Result<&InventoryObject, Unavailable> {
        let found = self.find_machine(name)?;
        let mut chosen = self.answers.chosen.as_ref()?.iter();
        let detailed = chosen.find(|object| object.object == found.object);
        Ok(detailed.ok_or_else(|| format!("{name} was not asked about in detail"))?)
    }

    /// A machine that is not seen is gone only when the account sees everything: what it may not
    /// see is left out of the list without a word.
    fn absence(&self, name: &str) -> Result<bool, Unavailable> {
        // A physical server has no virtual machine, nor has a machine that is made anew.
        if self.descriptions.get(name).is_some_and(|described| described.is_made_anew) {
            return Ok(false);
        }
        self.absence_of("virtual machine", name)
    }

    fn absence_of(&self, what: &str, name: &str) -> Result<bool, Unavailable> {
        if self.sees_everything {
            return Ok(false);
        }
        let who = format!("{}, which may not see all of them", self.answers.user);
        Err(format!("no {what} named {name} is visible to {who}").into())
    }

    /// Whether the inventory has a host (`hosts`) or a datastore (`datastores`) of a name.
    pub fn has_object(&self, list: ProbeName<'_>, name: &str) -> Result<bool, Unavailable> {
        let (what, same): (_, fn(&str, &str) -> bool) = match list {
            questions::HOSTS => ("host", |a, b| a.eq_ignore_ascii_case(b)),
            _ => ("datastore", |a, b| a == b),
        };
        if self
            .answers
            .inventory
            .list(list)
            .any(|row| same(&self.answers.inventory.name(&row.object), name))
        {
            return Ok(true);
        }
        if !self.answers.inventory.complete(list)? {
            return Err(format!("not every {what} could be looked at").into());
        }
        if !self.answers.inventory.all_named(list) {
            return Err(format!("the name of a {what} may not be seen").into());
        }
        self.absence_of(what, name)
    }

    /// The same answers to another question.
    pub fn with_scope(&self, scope: &QueryScope) -> Self {
        Self { scope: scope.clone(), ..self.clone() }
    }

    /// The server's name in reports.
    pub fn target(&self) -> &str {
        &self.transcript.target
    }

    /// What was answered.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The rows of the .vmx of a master target that are checked.
    pub(super) fn vmx_rows(&self, name: &str) -> Result<Collection<String>, Unavailable> {
        let Some(by_name) = &self.answers.vmx else {
            return vmx::rows_from_transcript(&self.transcript, name);
        };
        let missing = || Err("no such machine is on the host".into());
        by_name.get(name).cloned().unwrap_or_else(missing)
    }

    /// Moves of the master target's disks since the last reprotect.
    pub(super) fn storage_moves(&self) -> Result<Collection<String>, Unavailable> {
        if self.answers.vmx.is_some() && self.scope.master_target.is_some() {
            return Err("only a vCenter server knows where the machine was before".into());
        }
        storage_moves::from_transcript(&self.transcript, &self.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::target_kind::TargetKind;
    use crate::facts::transcript::{CollectedBy, Connection, ProbeAnswer, ProbeAnswers, SCHEMA};
    use crate::facts::vsphere::inventory::LISTS;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Values where something else is expected, and objects that refer to each other.
    fn odd() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            Just(json!("")),
            Just(json!(7)),
            Just(json!("true")),
            Just(json!("9223372036854775807")),
            Just(json!("-9223372036854775808")),
            Just(json!("[a] b/c.vmx")),
            Just(json!("VirtualMachine:mt")),
            Just(json!("Datastore:mt")),
            Just(json!("HostSystem:mt")),
            "[ -~\u{e9}\u{1f600}]{0,8}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let key = prop_oneof![
                Just("objects".to_owned()),
                Just("complete".to_owned()),
                Just("key".to_owned()),
                Just("value".to_owned()),
                Just("backing".to_owned()),
                Just("host".to_owned()),
                Just("rootSnapshotList".to_owned()),
                Just("podConfig".to_owned()),
                "[a-z]{1,4}",
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map(key, inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_a_capture_says_is_read_without_a_panic(
            values in prop::collection::vec(odd(), 24),
            whole in prop::collection::vec(any::<bool>(), 12),
        ) {
            const PATHS: &[&str] = &[
                "name", "parent", "host", "datastore", "snapshot", "config.extraConfig",
                "config.hardware.device", "runtime.host", "summary.type", "podStorageDrsEntry",
                "summary.hardware.memorySize", "summary.quickStats.overallMemoryUsage",
                "summary.freeSpace", "config.uuid", "licenses",
            ];
            let mut next = values.iter().cycle().cloned();
            let mut answers = std::collections::BTreeMap::new();
            let lists = LISTS.iter().map(|(probe, kind)| (probe.as_str(), *kind));
            let others = ["chosen", "licences"].map(|probe| (probe, "VirtualMachine"));
            for ((probe, kind), whole) in lists.chain(others).zip(whole.iter().cycle()) {
                let properties: serde_json::Map<String, Value> = PATHS
                    .iter()
                    .filter_map(|path| Some(((*path).to_owned(), next.next()?)))
                    .collect();
                let object = json!({ "object": format!("{kind}:mt"), "properties": properties });
                let mut named = object.clone();
                named["properties"]["name"] = json!("mt");
                let text = if *whole { json!({ "objects": [named, object], "complete": true }).to_string() } else { next.next().unwrap_or_default().to_string() };
                answers.insert(probe.to_owned(), ProbeAnswer { status: 0, text });
            }
            for probe in ["tls", "service", "time", "assigned-licences", "privileges", "moves",
                          "permissions", "own-privileges", "vmx", "leftovers", "session"] {
                let text = next.next().unwrap_or_default().to_string();
                answers.insert(probe.to_owned(), ProbeAnswer { status: 0, text });
            }
            let scope = json!({ "question": {
                "discovery_account": "a@b", "master_target": "mt", "protected": ["mt", "x"] },
                "user": "u" });
            answers.insert("asked".to_owned(), ProbeAnswer { status: 0, text: scope.to_string() });
            let transcript = Transcript {
                schema: SCHEMA.to_owned(),
                target: "vc".to_owned(),
                kind: TargetKind::Vcenter,
                asked_at: None,
                connection: Connection::new(CollectedBy::Vsphere),
                overrides: Default::default(),
                answers: ProbeAnswers { by_probe: answers, ended: true, unanswered: None },
            };
            let snapshot = VsphereSnapshot::from_transcript(&transcript);
            let document = |facts: &dyn Fn() -> crate::facts::Document| facts().absent.len();
            document(&|| crate::facts::Document::new("vcenter", &snapshot.vcenter(true)));
            document(&|| crate::facts::Document::new("vm", &snapshot.master_target("mt")));
            document(&|| crate::facts::Document::new("vm", &snapshot.protected("x")));
            document(&|| crate::facts::Document::new("host", &snapshot.hosts()));
        }
    }
}
