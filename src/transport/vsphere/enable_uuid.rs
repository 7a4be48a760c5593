//! The one setting that is ever changed: `disk.EnableUUID` of a virtual machine that is off. One
//! session plans the change and another applies it, so that a person can decide in between.
//!
//! Not for asking that person (`cli`), nor for evaluating the setting (`facts::vsphere::disk_uuid`).

use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::{CallError, Endpoint, SoapClient};
use super::error::VsphereError;
use super::properties::{self, Managers, ObjectList};
use super::recorder::AnswerRecorder;
use super::server::{VsphereServer, required_manager};
use super::session::{Credentials, VsphereSession};
use super::soap::{ObjectRef, SoapArg, SoapFault};
use super::{access, collect};
use crate::facts::vsphere::disk_uuid::{self, DiskUuidFacts, SettingSpelling};
use crate::facts::vsphere::inventory::{Inventory, MachineSearch};
use crate::facts::vsphere::property::{InventoryObject, elements, optional_text};
use crate::facts::vsphere::questions;
use crate::hint::hinted;
use crate::transport::http::stream::Deadline;

/// The row, as documents spell it (S001, Prerequisites).
const KEY: &str = "disk.EnableUUID";

/// What it is set to.
const VALUE: &str = "TRUE";

/// The privilege that the change needs.
const PRIVILEGE: &str = "VirtualMachine.Config.AdvancedConfig";

/// The properties that are read before and after the change.
const READ_PROPERTIES: &[&str] = &[
    "name",
    "runtime.powerState",
    "runtime.connectionState",
    "config.template",
    "config.changeVersion",
    "config.extraConfig",
    "config.flags.diskUuidEnabled",
    "summary.config.vmPathName",
];

/// How often the state of a task is read.
const POLL: Duration = Duration::from_millis(250);

/// The machine to change, and how to reach its server.
pub struct EnableUuidRequest<'a> {
    /// The server.
    pub endpoint: Endpoint<'a>,
    /// The account that logs in.
    pub credentials: &'a Credentials,
    /// The machine's name in the inventory.
    pub name: &'a str,
    /// The time limit of each of the two sessions.
    pub timeout: Duration,
}

/// A planned change, and the state it starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnableUuidChange {
    /// The machine's name.
    pub machine: String,
    /// The machine's reference, such as `VirtualMachine:vm-12`.
    pub object: String,
    /// The path of the machine's .vmx.
    pub path: String,
    /// The present setting, in words.
    pub before: String,
    /// The key of the row, spelled as it is there.
    pub key: String,
    /// The new value.
    pub value: &'static str,
    /// The old value; none when there is no such row.
    pub previous: Option<String>,
    /// The version of the configuration that the plan is for.
    version: Option<String>,
}

/// Why nothing was changed, or it is not known whether something was.
#[derive(Debug, thiserror::Error)]
pub enum EnableUuidError {
    /// A call to the server failed.
    #[error(transparent)]
    Server(#[from] VsphereError),
    /// There is no such machine, or the account does not see it.
    #[error("the account sees no virtual machine named {0:?}")]
    NoMachine(String),
    /// Several machines have the name.
    #[error("{1} virtual machines are named {0:?}")]
    Ambiguous(String, usize),
    /// The machine's state cannot be read.
    #[error("{0}: {1}")]
    Unreadable(String, String),
    /// The machine is not powered off.
    #[error("{name} is {state}, and the setting is read when a machine is powered on")]
    NotOff {
        /// The machine.
        name: String,
        /// The power state, in the API's words.
        state: String,
    },
    /// The machine is a template.
    #[error("{0} is a template")]
    Template(String),
    /// There are two rows of the setting, and only one of them can be set.
    #[error("{0} has the setting more than once: {1}")]
    Repeated(String, String),
    /// There is nothing to fix.
    #[error("{0} has it already: {1}")]
    AlreadyCorrect(String, String),
    /// The account lacks the privilege.
    #[error("{user} lacks {PRIVILEGE} on {name}")]
    NotAllowed {
        /// Who logged in.
        user: String,
        /// The machine.
        name: String,
    },
    /// The machine was changed by somebody else in between.
    #[error("{0} was changed by somebody else since it was looked at")]
    ChangedMeanwhile(String),
    /// The server accepted the change, and its task failed.
    #[error("{0}: the server could not change it: {1}")]
    Task(String, String),
    /// The setting was changed, and is still not correct.
    #[error("{0} was changed, and now says {1}")]
    StillWrong(String, String),
}

impl EnableUuidError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Server(VsphereError::Fault(_, fault)) if fault.kind == "RestrictedVersion" => {
                "the licence of this host allows no changes by the API: edit the .vmx on the host \
                 while the machine is off, or assign a paid licence"
            }
            Self::Server(error) => return error.hint(),
            Self::NoMachine(_) => "give its name as vCenter shows it, capitals and all: --vm NAME",
            Self::Ambiguous(..) => "rename all but one of them; nobody can tell which is meant",
            Self::NotOff { .. } => "shut the guest down, then try again",
            Self::Template(_) => "give the machine that was made of it",
            Self::Repeated(..) => "take all but one row out of the .vmx by hand, and reload it",
            Self::NotAllowed { .. } => "log in as an account that may: --user ACCOUNT",
            Self::ChangedMeanwhile(_) => "try again",
            Self::StillWrong(..) => "set it by hand: VM Options, Advanced, Edit Configuration",
            Self::Unreadable(..) | Self::AlreadyCorrect(..) | Self::Task(..) => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}

hinted!(EnableUuidError);

/// Plans the change. Changes nothing.
///
/// # Errors
///
/// Fails when the change is impossible or not needed.
pub fn plan(machine: &EnableUuidRequest<'_>) -> Result<EnableUuidChange, EnableUuidError> {
    with_session(machine, |session, server| plan_in_session(machine, session, server))
}

/// Applies a planned change, and reads the setting back.
///
/// # Errors
///
/// [`EnableUuidError::StillWrong`] means that the setting was changed, [`EnableUuidError::Server`]
/// that it may have been, any other error that it was not.
pub fn apply(
    machine: &EnableUuidRequest<'_>,
    change: &EnableUuidChange,
) -> Result<DiskUuidFacts, EnableUuidError> {
    with_session(machine, |session, server| {
        // The machine may have changed since the plan was made.
        if plan_in_session(machine, session, server)? != *change {
            return Err(EnableUuidError::ChangedMeanwhile(change.machine.clone()));
        }
        reconfigure(change, session, server)?;
        let (_, after) = read_machine(&change.object, &change.machine, session, server)?;
        match (after.spelling, after.flag.as_str()) {
            (SettingSpelling::True, "true" | "unset") if !after.repeated => Ok(after),
            _ => {
                let (name, words) = (change.machine.clone(), after.words);
                Err(EnableUuidError::StillWrong(name, words))
            }
        }
    })
}

/// Runs work in a session of its own, which is closed in any case.
fn with_session<T>(
    machine: &EnableUuidRequest<'_>,
    work: impl FnOnce(&mut VsphereSession<'_>, &VsphereServer) -> Result<T, EnableUuidError>,
) -> Result<T, EnableUuidError> {
    let mut client = SoapClient::new(machine.endpoint, Deadline::after(machine.timeout));
    let content = collect::fetch_service_content(&mut client, &mut AnswerRecorder::default())?;
    let managers = Managers {
        collector: required_manager(&content, "propertyCollector")?,
        views: required_manager(&content, "viewManager")?,
    };
    let sessions = required_manager(&content, "sessionManager")?;
    let mut session =
        VsphereSession::open(machine.endpoint, client, sessions, machine.credentials)?;
    let result = work(&mut session, &VsphereServer { content, managers });
    session.close(matches!(result, Err(EnableUuidError::Server(_))));
    result
}

fn plan_in_session(
    machine: &EnableUuidRequest<'_>,
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
) -> Result<EnableUuidChange, EnableUuidError> {
    let reference = find_machine(machine.name, session, server)?;
    let (object, facts) = read_machine(&reference, machine.name, session, server)?;
    let change = evaluate(machine.name, &object, &facts)?;
    let id = ObjectRef::parse(&object.object).unwrap_or_else(|| ObjectRef::new("", ""));
    let answer =
        session.run(|client, key| access::has_privilege(client, server, key, &id, PRIVILEGE));
    match answer {
        Ok(Some(false)) => {
            let (user, name) = (session.user_name().to_owned(), machine.name.to_owned());
            Err(EnableUuidError::NotAllowed { user, name })
        }
        // Where the server does not tell, it will refuse the change itself.
        Ok(Some(true) | None) | Err(CallError::Fault(_)) => Ok(change),
        Err(CallError::Fatal(error)) => Err(error.into()),
    }
}

/// Finds the machine of this name.
fn find_machine(
    name: &str,
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
) -> Result<String, EnableUuidError> {
    let root = required_manager(&server.content, "rootFolder")?;
    let wanted = [("VirtualMachine", &["name"][..])];
    let collected = query("looking for the machine", session, |client| {
        properties::collect_below(client, &server.managers, &root, &wanted)
    })?;
    let mut recorder = AnswerRecorder::default();
    recorder.record(questions::MACHINES, &collected.to_answer(|_| true));
    match Inventory::from_transcript(&recorder.to_transcript()).find_machine(name) {
        MachineSearch::Found(machine) => Ok(machine.object.clone()),
        MachineSearch::None => Err(EnableUuidError::NoMachine(name.to_owned())),
        MachineSearch::Several(all) => Err(EnableUuidError::Ambiguous(name.to_owned(), all.len())),
        MachineSearch::Unseen(why) => Err(EnableUuidError::Unreadable(name.to_owned(), why)),
    }
}

/// Reads the machine's present state.
fn read_machine(
    reference: &str,
    name: &str,
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
) -> Result<(InventoryObject, DiskUuidFacts), EnableUuidError> {
    let unread = |why: &str| EnableUuidError::Unreadable(name.to_owned(), why.to_owned());
    let objects: Vec<ObjectRef> = ObjectRef::parse(reference).into_iter().collect();
    let wanted = [("VirtualMachine", READ_PROPERTIES)];
    let collected: ObjectList = query("reading the machine", session, |client| {
        properties::collect_objects(client, &server.managers, &objects, &wanted)
    })?;
    let object = collected.objects.into_iter().next();
    let object = object.and_then(|object| serde_json::from_value::<InventoryObject>(object).ok());
    let object = object.ok_or_else(|| unread("the server says nothing of it"))?;
    match disk_uuid::from_object(&object) {
        Ok(facts) => Ok((object, facts)),
        Err(why) => Err(unread(&why.reason)),
    }
}

/// Decides whether the machine can be changed, and which row to set.
fn evaluate(
    name: &str,
    object: &InventoryObject,
    facts: &DiskUuidFacts,
) -> Result<EnableUuidChange, EnableUuidError> {
    let text = |path: &str| object.text(path).ok();
    let owned = || name.to_owned();
    if text("runtime.connectionState").as_deref() != Some("connected") {
        let state = text("runtime.connectionState").unwrap_or_else(|| "unknown".to_owned());
        let why = format!("its connection state is {state}");
        return Err(EnableUuidError::Unreadable(owned(), why));
    }
    if object.bool("config.template") == Ok(true) {
        return Err(EnableUuidError::Template(owned()));
    }
    let right = facts.spelling == SettingSpelling::True && facts.flag != "false";
    if facts.repeated {
        return Err(EnableUuidError::Repeated(owned(), facts.words.clone()));
    }
    if right {
        return Err(EnableUuidError::AlreadyCorrect(owned(), facts.words.clone()));
    }
    let state = text("runtime.powerState").unwrap_or_else(|| "in an unknown state".to_owned());
    if state != "poweredOff" {
        return Err(EnableUuidError::NotOff { name: owned(), state });
    }
    let rows = object.optional("config.extraConfig");
    let rows = rows.ok().flatten().map(elements).unwrap_or_default();
    let row = rows.iter().find(|row| {
        optional_text(row, "key").is_some_and(|key| key.trim().eq_ignore_ascii_case(KEY))
    });
    Ok(EnableUuidChange {
        machine: owned(),
        object: object.object.clone(),
        path: text("summary.config.vmPathName").unwrap_or_else(|| "unknown".to_owned()),
        before: facts.words.clone(),
        // Another spelling of the key might become a second row.
        key: row.and_then(|row| optional_text(row, "key")).unwrap_or(KEY).to_owned(),
        value: VALUE,
        previous: row.map(|row| optional_text(row, "value").unwrap_or_default().to_owned()),
        version: text("config.changeVersion"),
    })
}

fn reconfigure(
    change: &EnableUuidChange,
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
) -> Result<(), EnableUuidError> {
    let machine = ObjectRef::parse(&change.object).unwrap_or_else(|| ObjectRef::new("", ""));
    let answer = session.run(|client, _| {
        let mut spec: Vec<SoapArg<'_>> = Vec::new();
        // The server refuses the change when the machine has another version by now.
        spec.extend(
            change.version.as_deref().map(|version| SoapArg::Text("changeVersion", version)),
        );
        spec.push(SoapArg::Parts(
            "extraConfig",
            vec![SoapArg::Text("key", &change.key), SoapArg::String("value", change.value)],
        ));
        client.call("ReconfigVM_Task", &machine, &[SoapArg::Parts("spec", spec)])
    });
    let answer = answer.map_err(|error| change_error(change, session.user_name(), error))?;
    let task = answer.child("returnval").and_then(ObjectRef::from_element);
    let task = task.ok_or_else(|| {
        VsphereError::NotVsphere("it took a change and named no task of it".to_owned())
    })?;
    wait_for_task(change, &task, session, server)
}

/// Waits for a task, as long as there is time.
fn wait_for_task(
    change: &EnableUuidChange,
    task: &ObjectRef,
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
) -> Result<(), EnableUuidError> {
    let began = Instant::now();
    loop {
        let tasks = [task.clone()];
        let wanted = [("Task", &["info.state", "info.error"][..])];
        let collected = query("waiting for the change", session, |client| {
            properties::collect_objects(client, &server.managers, &tasks, &wanted)
        })?;
        let info = collected.objects.first().map_or(&Value::Null, |object| &object["properties"]);
        match info["info.state"].as_str() {
            Some("success") => return Ok(()),
            Some("error") => {
                let error = &info["info.error"];
                let message = error["localizedMessage"].as_str().or_else(|| error.as_str());
                let why = message.unwrap_or("it does not say why").chars().take(300).collect();
                return Err(EnableUuidError::Task(change.machine.clone(), why));
            }
            _ => {
                tracing::debug!(task = %task, "not ended after {:?}", began.elapsed());
                std::thread::sleep(POLL);
            }
        }
    }
}

fn query<T>(
    doing: &str,
    session: &mut VsphereSession<'_>,
    mut ask: impl FnMut(&mut SoapClient<'_>) -> Result<T, CallError>,
) -> Result<T, EnableUuidError> {
    session
        .run(|client, _| ask(client))
        .map_err(|error| EnableUuidError::Server(server_error(doing, error)))
}

fn server_error(doing: &str, error: CallError) -> VsphereError {
    match error {
        CallError::Fault(fault) => VsphereError::Fault(doing.to_owned(), fault),
        CallError::Fatal(error) => error,
    }
}

fn change_error(change: &EnableUuidChange, user: &str, error: CallError) -> EnableUuidError {
    let name = change.machine.clone();
    match error {
        CallError::Fault(SoapFault { kind, .. }) if kind == "ConcurrentAccess" => {
            EnableUuidError::ChangedMeanwhile(name)
        }
        CallError::Fault(SoapFault { kind, privilege, .. })
            if kind == "NoPermission"
                && privilege.as_deref().is_none_or(|privilege| privilege == PRIVILEGE) =>
        {
            EnableUuidError::NotAllowed { user: user.to_owned(), name }
        }
        error => EnableUuidError::Server(server_error("changing the machine", error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(change: &[(&str, Value)]) -> InventoryObject {
        let mut properties = json!({
            "name": "mt",
            "runtime.powerState": "poweredOff",
            "runtime.connectionState": "connected",
            "config.template": "false",
            "config.changeVersion": "v1",
            "config.extraConfig": [],
            "config.flags.diskUuidEnabled": "false",
        });
        for (path, value) in change {
            properties[*path] = value.clone();
        }
        let object = json!({ "object": "VirtualMachine:vm-1", "properties": properties });
        serde_json::from_value(object).unwrap()
    }

    fn decided(change: &[(&str, Value)]) -> Result<EnableUuidChange, EnableUuidError> {
        let object = object(change);
        evaluate("mt", &object, &disk_uuid::from_object(&object).unwrap())
    }

    fn row(key: &str, value: &str) -> Value {
        json!({ "key": key, "value": value })
    }

    #[test]
    fn a_row_is_made_or_the_one_that_is_there_is_set() {
        for (rows, key, previous) in [
            (json!([]), "disk.EnableUUID", None),
            (json!([row("disk.enableuuid", "FALSE")]), "disk.enableuuid", Some("FALSE")),
            (json!([row("disk.EnableUUID", "\"True\"")]), "disk.EnableUUID", Some("\"True\"")),
            (json!([row("disk.locking", "x")]), "disk.EnableUUID", None),
        ] {
            let change = decided(&[("config.extraConfig", rows)]).unwrap();
            assert_eq!((change.key.as_str(), change.previous.as_deref()), (key, previous));
            assert_eq!((change.value, change.version.as_deref()), ("TRUE", Some("v1")));
        }
    }

    #[test]
    fn what_is_not_safe_or_not_needed_is_refused() {
        let both = json!([row("disk.EnableUUID", "FALSE"), row("disk.enableUUID", "TRUE")]);
        for (change, says) in [
            (vec![("runtime.powerState", json!("poweredOn"))], "is poweredOn"),
            (vec![("runtime.powerState", json!("suspended"))], "is suspended"),
            (vec![("runtime.connectionState", json!("disconnected"))], "is disconnected"),
            (vec![("config.template", json!("true"))], "is a template"),
            (vec![("config.extraConfig", both)], "more than once"),
            (
                vec![
                    ("config.extraConfig", json!([row("disk.enableUUID", "true")])),
                    ("config.flags.diskUuidEnabled", json!("true")),
                    ("runtime.powerState", json!("poweredOn")),
                ],
                "has it already",
            ),
        ] {
            let error = decided(&change).unwrap_err();
            assert!(error.to_string().contains(says), "{says}: {error}");
        }
    }
}
