//! Collecting from a vCenter server or ESXi host: which calls, in which order, and the transcript.
//!
//! A server that cannot be reached or stops answering half way gives a transcript, too, with what was
//! collected until then. Not for what any answer means: that is `facts`.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::client::{CallError, Endpoint, SoapClient};
use super::error::VsphereError;
use super::properties::{self, Managers, ObjectList, PropertySpec};
use super::recorder::{AnswerKey, AnswerRecorder};
use super::server::{VsphereServer, required_manager, return_values};
use super::session::{Credentials, VsphereSession};
use super::soap::{ObjectRef, SoapArg};
use super::xml::XmlElement;
use super::{access, files, json};
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{CollectedBy, Connection, ProbeAnswers, SCHEMA, Transcript};
use crate::facts::vsphere::inventory::{Inventory, LISTS, MachineSearch, is_kind};
use crate::facts::vsphere::query_scope::QueryScope;
use crate::facts::vsphere::questions;
use crate::transport::http::error::ConnectError;
use crate::transport::http::stream::Deadline;
use crate::transport::http::tls;

/// The properties of every object that the account sees.
const INVENTORY_PROPERTIES: &[PropertySpec<'static>] = &[
    ("Datacenter", &["name", "parent"]),
    ("Folder", &["name", "parent"]),
    ("StoragePod", &["name", "parent", "podStorageDrsEntry"]),
    ("ComputeResource", &["name", "parent", "resourcePool"]),
    ("ResourcePool", &["name", "parent"]),
    (
        "HostSystem",
        &[
            "name",
            "parent",
            "runtime.connectionState",
            "runtime.inMaintenanceMode",
            "summary.config.product",
            "summary.hardware.memorySize",
            "summary.quickStats.overallMemoryUsage",
            "datastore",
            "network",
        ],
    ),
    (
        "Datastore",
        &[
            "name",
            "parent",
            "summary.type",
            "summary.url",
            "summary.accessible",
            "summary.capacity",
            "summary.freeSpace",
            "summary.maintenanceMode",
            "host",
        ],
    ),
    ("Network", &["name", "parent"]),
    (
        "VirtualMachine",
        &[
            "name",
            "parent",
            "config.uuid",
            "config.instanceUuid",
            "config.template",
            "config.extraConfig",
            "runtime.host",
            "runtime.powerState",
            "resourcePool",
            "datastore",
            "summary.config.vmPathName",
        ],
    ),
];

/// The further properties of all machines where it is to be found out which of them is which.
const IDENTITY_PROPERTIES: &[&str] = &["config.hardware.device", "guest.net", "guest.hostName"];

/// The further properties of the machines that are evaluated.
const MACHINE_PROPERTIES: &[&str] = &[
    "name",
    "config.uuid",
    "config.instanceUuid",
    "config.guestId",
    "config.firmware",
    "config.extraConfig",
    "config.flags.diskUuidEnabled",
    "config.hardware.device",
    "config.hardware.memoryMB",
    "runtime.host",
    "runtime.powerState",
    "runtime.connectionState",
    "runtime.consolidationNeeded",
    "snapshot",
    "datastore",
    "summary.config.vmPathName",
    "guest.toolsRunningStatus",
    "guest.toolsVersionStatus2",
];

/// The most events in one answer; with as many, there may be more.
const MAX_EVENTS: usize = 1000;

/// What to collect, where, and as whom.
pub struct CollectRequest<'a> {
    /// The server's name in reports.
    pub name: &'a str,
    /// The kind of target: `vcenter` or `esxi`.
    pub kind: TargetKind,
    /// The server.
    pub endpoint: Endpoint<'a>,
    /// The account that logs in.
    pub credentials: &'a Credentials,
    /// The scope of the query.
    pub question: &'a QueryScope,
    /// The time limit of all of it.
    pub timeout: Duration,
}

/// Collects the answers of a server. A failure is part of the transcript.
pub fn collect(request: &CollectRequest<'_>) -> Transcript {
    let mut recorder = AnswerRecorder::default();
    let asked_at = Timestamp::now();
    let question = json!({
        "question": request.question,
        "user": request.credentials.user,
        "url": request.endpoint.address.to_string(),
    });
    recorder.record(questions::ASKED, &question);
    let failure = collect_answers(request, &mut recorder).err().map(|error| error.to_failure());
    Transcript {
        schema: SCHEMA.to_owned(),
        target: request.name.to_owned(),
        kind: request.kind,
        asked_at: Some(asked_at),
        // Each answer is a complete reply, so none can be cut short.
        answers: ProbeAnswers { by_probe: recorder.into_answers(), ended: true, unanswered: None },
        connection: Connection { failure, ..Connection::new(CollectedBy::Vsphere) },
        overrides: Default::default(),
    }
}

fn collect_answers(
    request: &CollectRequest<'_>,
    recorder: &mut AnswerRecorder,
) -> Result<(), VsphereError> {
    if let Some(host) = request.endpoint.connector.jump_host() {
        recorder.record(questions::WAY, &json!({ "through": host }));
    }
    let mut client = SoapClient::new(request.endpoint, Deadline::after(request.timeout));
    let agreed = client.connect();
    let agreed =
        agreed.map_err(|error| explain_tls_version(error, request, client.deadline(), recorder))?;
    let agreed = serde_json::to_value(&agreed).expect("it has only texts");
    recorder.record(questions::TLS, &agreed);
    let content = fetch_service_content(&mut client, recorder)?;
    let managers = Managers {
        collector: required_manager(&content, "propertyCollector")?,
        views: required_manager(&content, "viewManager")?,
    };
    let sessions = required_manager(&content, "sessionManager")?;
    let session = VsphereSession::open(request.endpoint, client, sessions, request.credentials)?;
    collect_in_session(request, session, &VsphereServer { content, managers }, recorder)
}

/// Finds out whether a handshake failed because the server has only old versions of TLS. Some servers
/// just close the connection then.
fn explain_tls_version(
    error: VsphereError,
    request: &CollectRequest<'_>,
    deadline: Deadline,
    recorder: &mut AnswerRecorder,
) -> VsphereError {
    let is_older = matches!(
        error,
        VsphereError::Connect(ConnectError::TlsVersion(..) | ConnectError::Handshake(_))
    );
    if !is_older || request.endpoint.trust.legacy {
        return error;
    }
    let server = request.endpoint.address.authority();
    match tls::newest_version(request.endpoint.connector, &server, deadline) {
        Some(offered) if offered == "TLSv1" || offered == "TLSv1.1" => {
            recorder.record(questions::TLS_OFFERED, &json!(offered));
            ConnectError::TlsVersion(offered).into()
        }
        _ => error,
    }
}

/// Fetches what the server tells without a login.
pub(super) fn fetch_service_content(
    client: &mut SoapClient<'_>,
    recorder: &mut AnswerRecorder,
) -> Result<XmlElement, VsphereError> {
    let instance = ObjectRef::new("ServiceInstance", "ServiceInstance");
    match client.call("RetrieveServiceContent", &instance, &[]) {
        Ok(answer) => {
            let content = answer.child("returnval").cloned().unwrap_or_default();
            recorder.record(questions::SERVICE, &json::from_element(&content));
            Ok(content)
        }
        Err(CallError::Fault(fault)) => {
            let doing = "asking RetrieveServiceContent".to_owned();
            Err(VsphereError::Fault(doing, fault))
        }
        Err(CallError::Fatal(error)) => Err(error),
    }
}

/// Collects everything in a session, which is closed in any case.
fn collect_in_session(
    request: &CollectRequest<'_>,
    mut session: VsphereSession<'_>,
    server: &VsphereServer,
    recorder: &mut AnswerRecorder,
) -> Result<(), VsphereError> {
    recorder.record(questions::SESSION, &json!({ "user": session.user_name() }));
    let result = collect_all(request.question, &mut session, server, recorder);
    recorder.record(
        questions::SESSION,
        &json!({ "user": session.user_name(), "renewed": session.renewed }),
    );
    let closed = session.close(result.is_err());
    recorder.record(questions::LOGOUT, &json!({ "closed": closed }));
    result
}

fn collect_all(
    question: &QueryScope,
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
    recorder: &mut AnswerRecorder,
) -> Result<(), VsphereError> {
    collect_time(session, recorder)?;
    let inventory = collect_inventory(question, session, server, recorder)?;
    let chosen = collect_machines(question, &inventory, session, server, recorder)?;
    collect_moves(question, &inventory, session, server, recorder)?;
    collect_licences(session, server, recorder)?;
    files::collect(question, &inventory, &chosen, session, recorder)?;
    access::collect(question, &inventory, session, server, recorder)
}

fn collect_time(
    session: &mut VsphereSession<'_>,
    recorder: &mut AnswerRecorder,
) -> Result<(), VsphereError> {
    let instance = ObjectRef::new("ServiceInstance", "ServiceInstance");
    let answer = session.run(|client, _| client.call("CurrentTime", &instance, &[]));
    if let Some(answer) = recorder.record_fault(&[questions::TIME], answer)? {
        recorder
            .record(questions::TIME, &json!(answer.child_text("returnval").unwrap_or_default()));
    }
    Ok(())
}

fn collect_inventory(
    question: &QueryScope,
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
    recorder: &mut AnswerRecorder,
) -> Result<Inventory, VsphereError> {
    let root = required_manager(&server.content, "rootFolder")?;
    // A single host has no datastore clusters, and an unknown type is a fault.
    let kinds = INVENTORY_PROPERTIES
        .iter()
        .filter(|(kind, _)| *kind != "StoragePod" || server.is_vcenter());
    let more = |kind: &str| match kind {
        "VirtualMachine" if question.identities => IDENTITY_PROPERTIES,
        _ => &[],
    };
    let paths: Vec<(&str, Vec<&str>)> =
        kinds.map(|(kind, paths)| (*kind, [paths, more(kind)].concat())).collect();
    let wanted: Vec<PropertySpec<'_>> =
        paths.iter().map(|(kind, paths)| (*kind, paths.as_slice())).collect();
    let answer = session
        .run(|client, _| properties::collect_below(client, &server.managers, &root, &wanted));
    let probes: Vec<_> = LISTS.iter().map(|(probe, _)| *probe).collect();
    if let Some(collected) = recorder.record_fault(&probes, answer)? {
        record_lists(&collected, recorder);
    }
    Ok(Inventory::from_transcript(&recorder.to_transcript()))
}

fn record_lists(collected: &ObjectList, recorder: &mut AnswerRecorder) {
    for (probe, kind) in LISTS {
        let chosen = collected.to_answer(|object| {
            let reference = object["object"].as_str().unwrap_or_default();
            is_kind(reference, kind)
        });
        recorder.record(*probe, &chosen);
    }
}

fn collect_machines(
    question: &QueryScope,
    inventory: &Inventory,
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
    recorder: &mut AnswerRecorder,
) -> Result<ObjectList, VsphereError> {
    let found = question.machines().filter_map(|name| match inventory.find_machine(name) {
        MachineSearch::Found(machine) => ObjectRef::parse(&machine.object),
        _ => None,
    });
    let chosen: Vec<ObjectRef> = found.collect();
    let wanted = [("VirtualMachine", MACHINE_PROPERTIES)];
    let answer = session
        .run(|client, _| properties::collect_objects(client, &server.managers, &chosen, &wanted));
    let collected = recorder.record_fault(&[questions::CHOSEN], answer)?;
    if let Some(collected) = &collected {
        recorder.record(questions::CHOSEN, &collected.to_answer(|_| true));
    }
    Ok(collected.unwrap_or_default())
}

/// Collects when the master targets were moved to other datastores.
fn collect_moves(
    question: &QueryScope,
    inventory: &Inventory,
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
    recorder: &mut AnswerRecorder,
) -> Result<(), VsphereError> {
    let Some(events) = server.optional_manager("eventManager") else { return Ok(()) };
    for name in question.pairings().into_iter().filter_map(|pair| pair.master_target) {
        let MachineSearch::Found(machine) = inventory.find_machine(&name) else { continue };
        let Some(machine) = ObjectRef::parse(&machine.object) else { continue };
        collect_moves_of(
            &machine,
            &AnswerRecorder::key_for(question, questions::MOVES, &name),
            &events,
            session,
            recorder,
        )?;
    }
    Ok(())
}

fn collect_moves_of(
    machine: &ObjectRef,
    place: &AnswerKey,
    events: &ObjectRef,
    session: &mut VsphereSession<'_>,
    recorder: &mut AnswerRecorder,
) -> Result<(), VsphereError> {
    // All types of events: a server that has other names for some would return none of them, as if
    // there were none.
    let entity = vec![SoapArg::Object("entity", machine), SoapArg::Text("recursion", "self")];
    let filter =
        vec![SoapArg::Parts("entity", entity), SoapArg::Text("disableFullMessage", "true")];
    let args = [SoapArg::Parts("filter", filter)];
    let answer = session.run(|client, _| client.call("QueryEvents", events, &args));
    if let Some(answer) = recorder.record_fault_at(place, answer)? {
        let all = answer.children_named("returnval").count();
        let moves = answer
            .children_named("returnval")
            .filter(|event| event.child("sourceDatastore").is_some());
        let moves: Vec<Value> = moves.map(json::from_element).collect();
        recorder.record_at(place, &json!({ "events": moves, "complete": all < MAX_EVENTS }));
    }
    Ok(())
}

fn collect_licences(
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
    recorder: &mut AnswerRecorder,
) -> Result<(), VsphereError> {
    let Some(licences) = server.optional_manager("licenseManager") else { return Ok(()) };
    let wanted: [PropertySpec<'_>; 1] =
        [("LicenseManager", &["licenses", "evaluation", "licenseAssignmentManager"])];
    let managers = [licences];
    let answer = session
        .run(|client, _| properties::collect_objects(client, &server.managers, &managers, &wanted));
    let Some(collected) =
        recorder.record_fault(&[questions::LICENCES, questions::ASSIGNED_LICENCES], answer)?
    else {
        return Ok(());
    };
    recorder.record(questions::LICENCES, &collected.to_answer(|_| true));
    let assignments = collected.objects.first().and_then(|object| {
        ObjectRef::parse(object["properties"]["licenseAssignmentManager"].as_str()?)
    });
    let Some(assignments) = assignments else { return Ok(()) };
    let answer = session.run(|client, _| client.call("QueryAssignedLicenses", &assignments, &[]));
    if let Some(answer) = recorder.record_fault(&[questions::ASSIGNED_LICENCES], answer)? {
        recorder.record(questions::ASSIGNED_LICENCES, &return_values(&answer));
    }
    Ok(())
}
