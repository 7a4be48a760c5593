//! Collects the answers about one vault: the vault, its lists, each fabric, item and job, and the Azure side of its
//! machines as far as the gateway that leads home.
//!
//! What is refused leaves its own answers out and no others; without the vault itself nothing else is asked. Not for
//! how a request is made (`client`), nor for which follow from which (`plan`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::Value;

use super::address::VaultAddress;
use super::client::{ArmClient, AzureEndpoint, Get, INTERRUPTED};
use super::plan::{self, AzureSide};
use super::resource::ResourceId;
use crate::facts::azure::answers::{AnswerOutcome, AzureAnswer, AzureFailure, VaultAnswers};

/// How often the stop flag is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A vault with everything that collecting its answers takes.
pub struct AzureQuery {
    /// The vault.
    pub vault: VaultAddress,
    /// Resource groups of machines in Azure, beside those that items name.
    pub groups: Vec<String>,
    /// The names of the machines whose items are asked for; all of them when this is empty, or names what no item is called.
    pub machines: Vec<String>,
    /// Resource Manager, and how to reach it.
    pub endpoint: AzureEndpoint,
}

/// What was collected of a vault.
#[derive(Debug)]
pub struct CollectedVault {
    /// The answers.
    pub answers: VaultAnswers,
    /// Whether somebody stopped the run before everything was asked.
    pub was_interrupted: bool,
}

/// The answers as they come, by the place of their request.
#[derive(Default)]
struct Recorded {
    answers: Mutex<BTreeMap<usize, Arc<AzureAnswer>>>,
    vault: Mutex<Option<String>>,
    next: AtomicUsize,
}

impl Recorded {
    fn add(&self, place: usize, answer: &Arc<AzureAnswer>) {
        let mut answers = self.answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        answers.insert(place, Arc::clone(answer));
    }

    fn name_vault(&self, id: String) {
        *self.vault.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(id);
    }

    fn take(&self) -> VaultAnswers {
        let mut answers = self.answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut vault = self.vault.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut taken = VaultAnswers::new(vault.take());
        taken.answers =
            std::mem::take(&mut *answers).into_values().map(Arc::unwrap_or_clone).collect();
        taken
    }
}

impl AzureQuery {
    /// Collects the answers. `progress` gets the number of answers that have come. When `stop` becomes true, nothing
    /// more is asked, and what has come is returned at once.
    pub fn collect(
        self,
        stop: &Arc<AtomicBool>,
        mut progress: impl FnMut(usize),
    ) -> CollectedVault {
        let recorded = Arc::new(Recorded::default());
        let (send, receive) = mpsc::channel::<()>();
        let (thread_recorded, thread_stop) = (Arc::clone(&recorded), Arc::clone(stop));
        // The thread is not joined: one that waits for an answer must not keep an interrupted run waiting.
        std::thread::spawn(move || {
            Run::new(&self, &thread_stop, &thread_recorded, &send).collect();
        });
        let mut count = 0;
        let was_interrupted = loop {
            if stop.load(Ordering::Relaxed) {
                break true;
            }
            match receive.recv_timeout(POLL_INTERVAL) {
                Ok(()) => {
                    count += 1;
                    progress(count);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break false,
            }
        };
        let mut answers = recorded.take();
        if was_interrupted {
            answers.answers.retain(|answer| {
                answer.failure().is_none_or(|failure| failure.reason != INTERRUPTED)
            });
        }
        CollectedVault { answers, was_interrupted }
    }
}

/// One run.
struct Run<'a> {
    query: &'a AzureQuery,
    client: ArmClient<'a>,
    recorded: &'a Recorded,
    send: &'a mpsc::Sender<()>,
}

type Answers = Vec<Arc<AzureAnswer>>;

fn objects(answers: &Answers) -> Vec<&Value> {
    answers.iter().flat_map(|answer| answer.objects()).collect()
}

fn is_refused(answer: &AzureAnswer) -> bool {
    answer.failure().is_some_and(|failure| failure.status == Some(403))
}

impl<'a> Run<'a> {
    fn new(
        query: &'a AzureQuery,
        stop: &'a AtomicBool,
        recorded: &'a Recorded,
        send: &'a mpsc::Sender<()>,
    ) -> Self {
        let client = ArmClient::new(&query.endpoint, &query.vault.subscription, stop);
        Self { query, client, recorded, send }
    }

    /// Makes requests and notes their answers.
    fn ask(&self, gets: &[Get]) -> Answers {
        let first = self.recorded.next.fetch_add(gets.len(), Ordering::Relaxed);
        self.ask_each(gets, |place, answer| self.recorded.add(first + place, answer))
    }

    /// Makes requests, and returns their answers in order; `note` gets each as it comes, with its place.
    fn ask_each(&self, gets: &[Get], note: impl Fn(usize, &Arc<AzureAnswer>) + Sync) -> Answers {
        let answers = Mutex::new(BTreeMap::new());
        self.client.get_all(gets, &|place, answer| {
            let answer = Arc::new(answer);
            note(place, &answer);
            answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(place, answer);
            self.send.send(()).ok();
        });
        let answers = answers.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        answers.into_values().collect()
    }

    fn collect(&self) {
        let Some(vault) = self.vault() else { return };
        self.recorded.name_vault(vault.to_path());
        let names = plan::LISTS.iter().map(|name| plan::list(&vault, name));
        let states = plan::machine_states(&vault.subscription);
        let gets: Vec<Get> = names.chain([states]).collect();
        let first = self.recorded.next.load(Ordering::Relaxed);
        let mut lists = self.ask(&gets);
        self.replace_refused_lists(&vault, first, &mut lists);
        let by_name: BTreeMap<&str, &Arc<AzureAnswer>> =
            plan::LISTS.iter().copied().zip(&lists).collect();
        let list = |name: &str| by_name.get(name).map_or(&[][..], |answer| answer.objects());
        let fabrics = self.ask(&plan::fabric_gets(&vault, list("replicationFabrics")));
        let wanted = plan::items_of(list(plan::ITEMS), &self.query.machines);
        let items = self.ask(&plan::item_gets(&vault, &wanted));
        self.ask(&plan::job_gets(&vault, list("replicationJobs")));
        let servers = server_names(&objects(&fabrics));
        let states = lists.last().map_or(&[][..], |answer| answer.objects());
        // A GET of an item has more than the list, and the list has items whose GET failed.
        let details: Vec<&Value> = list(plan::ITEMS).iter().chain(objects(&items)).collect();
        let mut side = AzureSide::from_items(&details, &servers, states);
        for group in &self.query.groups {
            side.add_group(&format!(
                "/subscriptions/{}/resourceGroups/{group}",
                vault.subscription
            ));
        }
        self.azure_side(side, states);
    }

    /// Asks for the vault; none when it cannot be read.
    fn vault(&self) -> Option<ResourceId> {
        if let Some(id) = self.query.vault.resource() {
            self.recorded.name_vault(id.to_path());
            let answers = self.ask(&[plan::vault(&id)]);
            return answers.iter().all(|answer| answer.failure().is_none()).then_some(id);
        }
        let get = plan::vaults(&self.query.vault.subscription);
        let place = self.recorded.next.fetch_add(1, Ordering::Relaxed);
        let answer = self.client.get(&get);
        let name = &self.query.vault.vault;
        let is_meant = |object: &&Value| {
            object["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name))
        };
        let found: Vec<&Value> = answer.objects().iter().filter(is_meant).collect();
        let id = match found.as_slice() {
            [one] => one["id"].as_str().and_then(ResourceId::parse),
            _ => None,
        };
        let outcome = match (&id, answer.failure()) {
            (Some(_), _) => AnswerOutcome::Objects(found.into_iter().cloned().collect()),
            (None, Some(failure)) => AnswerOutcome::Failed(failure.clone()),
            (None, None) => {
                let count = found.len();
                let reason = format!(
                    "the subscription has {count} vaults named {name} that this account can read"
                );
                let failure = AzureFailure { status: None, code: None, reason, lacking: None };
                AnswerOutcome::Failed(failure)
            }
        };
        self.recorded.add(place, &Arc::new(AzureAnswer { outcome, ..answer }));
        self.send.send(()).ok();
        id
    }

    /// Asks for what a vault-wide list refuses fabric by fabric or container by container: readers of Site Recovery
    /// may do that. The answer then is that of the list.
    fn replace_refused_lists(&self, vault: &ResourceId, first: usize, lists: &mut Answers) {
        let place = |name: &str| plan::LISTS.iter().position(|known| *known == name);
        let refused: Vec<(usize, &str)> =
            [plan::ITEMS, plan::MAPPINGS, plan::VCENTERS, plan::PROVIDERS]
                .into_iter()
                .filter_map(|name| Some((place(name)?, name)))
                .filter(|(place, _)| lists.get(*place).is_some_and(|answer| is_refused(answer)))
                .collect();
        if refused.is_empty() {
            return;
        }
        let fabrics = lists.first().map_or(&[][..], |answer| answer.objects());
        let fabrics = plan::fabrics(vault, fabrics);
        let below = |ids: &[ResourceId], name: &str| -> Vec<Get> {
            ids.iter().map(|id| plan::list_below(id, name)).collect()
        };
        let by_container =
            refused.iter().any(|(_, name)| matches!(*name, plan::ITEMS | plan::MAPPINGS));
        let found =
            if by_container { self.ask(&below(&fabrics, plan::CONTAINERS)) } else { Vec::new() };
        let missing = found.iter().find_map(|answer| answer.failure().cloned());
        let found: Vec<Value> = objects(&found).into_iter().cloned().collect();
        let containers = plan::containers(vault, &found);
        for (place, name) in refused {
            let is_in_containers = matches!(name, plan::ITEMS | plan::MAPPINGS);
            let ids = if is_in_containers { &containers } else { &fabrics };
            let missing = missing.clone().filter(|_| is_in_containers);
            let answers = self.ask_each(&below(ids, name), |_, _| {});
            if let Some(joined) = join(&lists[place], &answers, missing) {
                let joined = Arc::new(joined);
                self.recorded.add(first + place, &joined);
                lists[place] = joined;
            }
        }
    }

    /// Asks for the machines in Azure, their networks and the gateways that lead home.
    fn azure_side(&self, mut side: AzureSide, states: &[Value]) {
        let in_groups = self.ask(&side.group_gets());
        self.ask(&side.state_gets(states));
        let is_ours = |card: &&&Value| {
            let machine = card["properties"]["virtualMachine"]["id"].as_str();
            let machine = machine.and_then(ResourceId::parse);
            machine.is_some_and(|id| side.machines.contains_key(&id.key()))
        };
        let in_groups = objects(&in_groups);
        let cards: Vec<&Value> = in_groups.iter().filter(is_ours).copied().collect();
        side.add_networks_of(&cards);
        let networks = self.ask(&plan::network_gets(side.networks.values()));
        let hubs = plan::hub_networks(&objects(&networks));
        let others = hubs.iter().filter(|(key, _)| !side.networks.contains_key(*key));
        let hubs = self.ask(&plan::network_gets(others.map(|(_, id)| id)));
        let networks = [objects(&networks), objects(&hubs)].concat();
        let gateways = self.ask(&plan::gateway_gets(&networks));
        let is_connection = |answer: &&Arc<AzureAnswer>| {
            answer.path.as_ref().is_some_and(|path| path.ends_with("/connections"))
        };
        let connections: Answers = gateways.iter().filter(is_connection).cloned().collect();
        self.ask(&plan::circuit_gets(&objects(&connections)));
    }
}

/// Joins the answers of the parts of a list to one; none when every part failed as the list did.
fn join(list: &AzureAnswer, parts: &Answers, missing: Option<AzureFailure>) -> Option<AzureAnswer> {
    let failure = parts.iter().find_map(|part| part.failure().cloned()).or(missing);
    if parts.iter().all(|part| part.failure().is_some()) {
        return None;
    }
    let at = parts.iter().filter_map(|part| part.at).max();
    let objects = objects(parts).into_iter().cloned().collect();
    let outcome = match failure {
        None => AnswerOutcome::Objects(objects),
        Some(failure) => AnswerOutcome::Partial { objects, failure },
    };
    Some(AzureAnswer { path: list.path.clone(), at, outcome })
}

/// Returns the names of process servers.
fn server_names(fabrics: &[&Value]) -> Vec<String> {
    let servers = fabrics
        .iter()
        .filter_map(|fabric| fabric["properties"]["customDetails"]["processServers"].as_array())
        .flatten();
    let names = servers.flat_map(|server| {
        ["friendlyName", "name"].map(|key| server[key].as_str().map(str::to_owned))
    });
    names.flatten().collect()
}
