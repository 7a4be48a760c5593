//! The objects of a vault, put together from all answers about it: each object once, and for each list whether it is whole.
//!
//! A list leaves out much of what a GET of the same object has (an item's disks, an appliance's parts), so a GET counts before a
//! list, and what is empty in a list alone says nothing. Not for what objects say (the files beside this one).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::answers::{AnswerOutcome, AzureAnswer, AzureFailure, VaultAnswers};
use super::keep::keep;
use super::object::{ObjectKind, id_key, id_up_to, last_name};
use super::read::{AzureTime, member, minute, text, time};
use super::words::word;
use crate::facts::Unavailable;

/// One object of the vault.
#[derive(Clone, Debug, PartialEq)]
pub struct VaultObject {
    /// What is known of it.
    pub body: Value,
    /// Whether it was asked for itself, and not seen in a list alone.
    pub is_whole: bool,
}

impl VaultObject {
    /// Returns its id as it is written.
    pub fn id(&self) -> &str {
        text(&self.body, "id").unwrap_or_default()
    }

    /// Returns its properties; null where it has none.
    pub fn properties(&self) -> &Value {
        member(&self.body, "properties").unwrap_or(&Value::Null)
    }
}

/// Minutes that an export of all bodies may take (own limit).
const EXPORT_TAKES: i64 = 60;

/// How one list came.
#[derive(Clone, Debug, PartialEq)]
struct ListState {
    kind: ObjectKind,
    /// Its path in lower case; none for an exported body.
    path: Option<String>,
    /// What its objects lie in: resource groups, items, containers or fabrics. An exported list says nothing else of what it is of.
    covers: BTreeSet<String>,
    failure: Option<AzureFailure>,
}

/// Everything that is known of a vault.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vault {
    /// Its resource id.
    pub id: Option<String>,
    /// When the service was asked, by its own clock.
    pub asked_at: Option<Timestamp>,
    /// The newest moment that the bodies themselves prove to be past.
    proved_at: Option<Timestamp>,
    objects: BTreeMap<ObjectKind, BTreeMap<String, VaultObject>>,
    lists: Vec<ListState>,
}

impl Vault {
    /// Puts the objects of all answers together.
    pub fn from_answers(answers: &VaultAnswers) -> Self {
        let mut vault =
            Self { id: answers.vault.clone(), asked_at: answers.asked_at(), ..Self::default() };
        for answer in &answers.answers {
            vault.add(answer);
        }
        vault.proved_at = vault.newest_proof();
        vault
    }

    fn add(&mut self, answer: &AzureAnswer) {
        let path = answer.path.as_deref().map(path_key);
        let bodies: Vec<&Value> = answer.objects().iter().flat_map(unwrapped).collect();
        let kinds: Vec<ObjectKind> =
            bodies.iter().filter_map(|body| ObjectKind::from_object(body)).collect();
        for body in &bodies {
            let Some(kind) = ObjectKind::from_object(body) else { continue };
            let kept = keep(body);
            let key = text(&kept, "id").map(id_key).unwrap_or_else(|| unnamed_key(&kept));
            let is_whole = path.as_deref() == Some(key.as_str());
            let object = VaultObject { body: kept, is_whole };
            let known = self.objects.entry(kind).or_default();
            let merged = match known.remove(&key) {
                Some(other) => merge(object, other),
                None => object,
            };
            known.insert(key, merged);
        }
        let listed = path.as_deref().and_then(ObjectKind::of_list).or_else(|| {
            // An exported list names no path.
            let first = *kinds.first().filter(|_| path.is_none())?;
            kinds.iter().all(|kind| *kind == first).then_some(first)
        });
        let is_failed_get = listed.is_none() && matches!(answer.outcome, AnswerOutcome::Failed(_));
        let kind = listed
            .or_else(|| path.as_deref().filter(|_| is_failed_get).and_then(ObjectKind::of_id));
        if let Some(kind) = kind {
            let covers = bodies.iter().filter_map(|body| parent_of(kind, text(body, "id")?));
            let covers = covers.collect();
            self.lists.push(ListState { kind, path, covers, failure: answer.failure().cloned() });
        }
    }

    /// Returns its name: that of its id, or of the vault that its objects lie in.
    pub fn name(&self) -> Option<&str> {
        let mut all = self.objects.values().flat_map(BTreeMap::values);
        let id = self.id.as_deref();
        let id = id.or_else(|| all.find_map(|object| id_up_to(object.id(), "vaults")))?;
        Some(last_name(id))
    }

    /// Returns the objects of a kind, in the order of their ids.
    pub fn objects(&self, kind: ObjectKind) -> impl Iterator<Item = &VaultObject> {
        self.objects.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// Returns the object with an id.
    pub fn object(&self, id: &str) -> Option<&VaultObject> {
        self.objects.get(&ObjectKind::of_id(id)?)?.get(&id_key(id))
    }

    /// Returns the objects of a kind whose id begins with that of another.
    pub fn objects_below(&self, kind: ObjectKind, id: &str) -> impl Iterator<Item = &VaultObject> {
        let begin = format!("{}/", id_key(id));
        let known = self.objects.get(&kind).into_iter().flatten();
        known.filter(move |(key, _)| key.starts_with(&begin)).map(|(_, object)| object)
    }

    /// Whether every object of a kind in the vault is known.
    ///
    /// # Errors
    ///
    /// Fails with the right that is lacking, or why else they are not all known.
    pub fn all_of(&self, kind: ObjectKind) -> Result<(), Unavailable> {
        self.all_below(kind, None)
    }

    /// Whether every object of a kind below another one is known, such as the machines of a resource group.
    ///
    /// # Errors
    ///
    /// As [`Vault::all_of`].
    pub fn all_below(&self, kind: ObjectKind, id: Option<&str>) -> Result<(), Unavailable> {
        let wanted = id.map(id_key);
        let is_below = |list: &ListState, wanted: &str| match list.path.as_deref() {
            Some(path) => path.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/')),
            None => list.covers.contains(wanted),
        };
        let fits = |list: &&ListState| {
            list.kind == kind && wanted.as_deref().is_none_or(|wanted| is_below(list, wanted))
        };
        let lists: Vec<&ListState> = self.lists.iter().filter(fits).collect();
        // Where the list of the whole vault is refused, the lists of its parts stand for it.
        let is_of_vault = |list: &&&ListState| match list.path.as_deref() {
            Some(path) => !path.contains("/replicationfabrics/"),
            None => list.covers.len() > 1 && part_of_vault(kind).is_some(),
        };
        if lists.iter().filter(is_of_vault).any(|list| list.failure.is_none()) {
            return Ok(());
        }
        let mut parts = lists.iter().filter(|list| !is_of_vault(list)).peekable();
        let has_parts = parts.peek().is_some();
        let failed = parts.find_map(|list| Some((*list, list.failure.as_ref()?)));
        match failed {
            None if has_parts && wanted.is_none() => self.are_all_parts(kind, &lists),
            None if has_parts => Ok(()),
            Some((list, failure)) => Err(refusal(list, failure)),
            None => match lists.iter().find_map(|list| Some((*list, list.failure.as_ref()?))) {
                Some((list, failure)) => Err(refusal(list, failure)),
                None => {
                    Err(Unavailable::from(format!("nothing says which {} there are", plural(kind))))
                }
            },
        }
    }

    /// Whether lists of containers or fabrics are those of all that the vault has.
    fn are_all_parts(&self, kind: ObjectKind, lists: &[&ListState]) -> Result<(), Unavailable> {
        let Some(part) = part_of_vault(kind) else { return Ok(()) };
        let paths = lists.iter().filter_map(|list| list.path.as_deref());
        let named = paths.filter_map(|path| id_up_to(path, part)).map(str::to_owned);
        let parts: BTreeSet<String> =
            named.chain(lists.iter().flat_map(|list| list.covers.clone())).collect();
        let lacks = |what: &str| {
            let known: Vec<&str> = parts.iter().map(|part| last_name(part)).collect();
            let (kind, known) = (plural(kind), known.join(", "));
            Unavailable::from(format!(
                "the {kind} of {known} alone are known, and not those of {what}"
            ))
        };
        self.all_of(ObjectKind::Fabric).map_err(|_| lacks("other fabrics, if there are any"))?;
        for fabric in self.objects(ObjectKind::Fabric) {
            let key = id_key(fabric.id());
            let below = format!("{key}/");
            let is_whole = match word(fabric.properties(), "customDetails.instanceType") {
                Some("Azure") => true,
                Some(other) if kind == ObjectKind::Vcenter && other != "VMware" => true,
                // A server of VMM has several clouds, and all others have one container.
                Some("VMM") if part == CONTAINERS => {
                    self.all_below(ObjectKind::Container, Some(&key)).is_ok()
                        && self
                            .objects_below(ObjectKind::Container, &key)
                            .all(|container| parts.contains(&id_key(container.id())))
                }
                _ => parts.iter().any(|part| *part == key || part.starts_with(&below)),
            };
            if !is_whole {
                return Err(lacks(last_name(fabric.id())));
            }
        }
        Ok(())
    }

    /// Returns why an object could not be read, when it was asked for.
    pub fn refused(&self, id: &str) -> Option<(Option<u16>, Unavailable)> {
        let key = id_key(id);
        let list = self.lists.iter().find(|list| list.path.as_deref() == Some(key.as_str()))?;
        let failure = list.failure.as_ref()?;
        Some((failure.status, refusal(list, failure)))
    }

    /// Returns the minutes since a moment, by the service's clock. Exported bodies do not say when they were asked for: then a
    /// moment is known to be as old as the newest one in the bodies shows, and whether it is older is not known.
    ///
    /// # Errors
    ///
    /// Fails where the moment may be of any age.
    pub fn minutes_since(&self, moment: Timestamp, enough: i64) -> Result<i64, Unavailable> {
        let since = |now: Timestamp| now.duration_since(moment).as_secs().max(0) / 60;
        if let Some(now) = self.asked_at {
            return Ok(since(now));
        }
        // The bodies were exported one after the other, so an hour between two of them proves nothing.
        let proves = enough.max(EXPORT_TAKES);
        let known = self.proved_at.map(since).filter(|minutes| *minutes >= proves);
        known.ok_or_else(|| {
            Unavailable::from(format!(
                "it is of {}, and nothing says when the vault was asked",
                minute(moment)
            ))
        })
    }

    /// Returns what "now" is for whatever is evaluated by days: when the service was asked, or at least the newest moment in the bodies.
    pub fn now(&self) -> Option<Timestamp> {
        self.asked_at.or(self.proved_at)
    }

    /// Returns the newest heartbeat, end of a job or last update in the bodies.
    fn newest_proof(&self) -> Option<Timestamp> {
        let all = self.objects.values().flat_map(BTreeMap::values);
        all.filter_map(|object| newest_moment(&object.body)).max()
    }
}

/// Returns the newest moment in a body that was past when it was written.
fn newest_moment(value: &Value) -> Option<Timestamp> {
    const PAST: &[&str] = &[
        "lastHeartbeat",
        "lastHeartbeatUtc",
        "lastUpdateReceivedTime",
        "lastRpoCalculatedTime",
        "lastDiscoveryTimeInUtc",
        "lastSuccessfulFailoverTime",
        "creationTimeUtc",
        "endTime",
        "recoveryPointTime",
    ];
    match value {
        Value::Object(map) => {
            let own = PAST.iter().filter_map(|name| match time(value, name) {
                Ok(AzureTime::At(moment)) => Some(moment),
                _ => None,
            });
            own.chain(map.values().filter_map(newest_moment)).max()
        }
        Value::Array(all) => all.iter().filter_map(newest_moment).max(),
        _ => None,
    }
}

/// What an object of an exported list shows its list to be whole for: its resource group, its container, the item of a recovery point.
fn parent_of(kind: ObjectKind, id: &str) -> Option<String> {
    let parent = match kind {
        ObjectKind::VirtualMachine | ObjectKind::NetworkInterface => "resourceGroups",
        ObjectKind::RecoveryPoint => "replicationProtectedItems",
        _ => part_of_vault(kind)?,
    };
    id_up_to(id, parent).map(id_key)
}

const CONTAINERS: &str = "replicationProtectionContainers";

/// The parts of a vault of which objects of a kind can be listed, beside all of the vault.
fn part_of_vault(kind: ObjectKind) -> Option<&'static str> {
    match kind {
        ObjectKind::Item | ObjectKind::ContainerMapping | ObjectKind::ProtectableItem => {
            Some(CONTAINERS)
        }
        ObjectKind::Vcenter | ObjectKind::Provider | ObjectKind::Container => {
            Some("replicationFabrics")
        }
        _ => None,
    }
}

/// The path of a request as it is compared.
fn path_key(path: &str) -> String {
    id_key(path.split('?').next().unwrap_or(path))
}

fn unnamed_key(body: &Value) -> String {
    let part = |name| text(body, name).unwrap_or_default().to_ascii_lowercase();
    format!("{}/{}", part("type"), part("name"))
}

/// Returns the objects of an exported body: a published example has them in `responses.200.body`, a list in `value`.
fn unwrapped(body: &Value) -> Vec<&Value> {
    let body = body.pointer("/responses/200/body").unwrap_or(body);
    match body.get("value").and_then(Value::as_array).filter(|_| body.get("id").is_none()) {
        Some(list) => list.iter().collect(),
        None => vec![body],
    }
}

/// Puts two answers about one object together: a GET counts before a list, otherwise the newer one, or else the one that says more;
/// what it lacks comes from the other.
fn merge(one: VaultObject, other: VaultObject) -> VaultObject {
    let rank =
        |object: &VaultObject| (object.is_whole, newest_moment(&object.body), weight(&object.body));
    let (mut best, rest) = if rank(&one) >= rank(&other) { (one, other) } else { (other, one) };
    fill(&mut best.body, rest.body, best.is_whole);
    best
}

/// How many values a body has.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::String(text) => usize::from(!text.is_empty()),
        Value::Array(all) => all.iter().map(weight).sum(),
        Value::Object(map) => map.values().map(weight).sum(),
        _ => 1,
    }
}

/// Fills in what is missing; of a body that is not whole what is empty, too.
fn fill(value: &mut Value, other: Value, is_whole: bool) {
    match (value, other) {
        (Value::Object(map), Value::Object(others)) => {
            for (name, theirs) in others {
                fill(map.entry(name).or_insert(Value::Null), theirs, is_whole);
            }
        }
        (value @ Value::Null, theirs) => *value = theirs,
        (value, theirs) if !is_whole && weight(value) == 0 => *value = theirs,
        _ => {}
    }
}

/// Why what was asked for is not known, with the right that is lacking and the role that has it.
fn refusal(list: &ListState, failure: &AzureFailure) -> Unavailable {
    if failure.status != Some(403) {
        return Unavailable::from(&failure.reason);
    }
    let action = failure
        .lacking
        .clone()
        .unwrap_or_else(|| format!("the right to read {}", plural(list.kind)));
    let role = match list.kind {
        ObjectKind::Fabric
        | ObjectKind::Policy
        | ObjectKind::Plan
        | ObjectKind::Job
        | ObjectKind::Event
        | ObjectKind::RecoveryPoint
        | ObjectKind::Vault => "Site Recovery Reader",
        _ if list.path.as_deref().is_some_and(|path| path.contains("/replicationfabrics/")) => {
            "Site Recovery Reader"
        }
        _ => "Reader",
    };
    Unavailable::from(format!("access was refused: it takes {action}, which the role {role} has"))
}

fn plural(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Vault => "vaults",
        ObjectKind::Fabric => "fabrics",
        ObjectKind::Container => "protection containers",
        ObjectKind::ContainerMapping => "associated policies",
        ObjectKind::Item => "replicated items",
        ObjectKind::ProtectableItem => "machines that can be protected",
        ObjectKind::RecoveryPoint => "recovery points",
        ObjectKind::Policy => "policies",
        ObjectKind::Plan => "recovery plans",
        ObjectKind::Vcenter => "vCenter servers",
        ObjectKind::Provider => "providers",
        ObjectKind::Job => "jobs",
        ObjectKind::Event => "events",
        ObjectKind::VaultHealth => "issues of the vault",
        ObjectKind::VirtualMachine => "virtual machines in Azure",
        ObjectKind::NetworkInterface => "network interfaces",
        ObjectKind::Network => "virtual networks",
        ObjectKind::Gateway => "gateways",
        ObjectKind::Connection => "connections",
        ObjectKind::Circuit => "ExpressRoute circuits",
        ObjectKind::DiscoveredMachine => "discovered machines",
    }
}
