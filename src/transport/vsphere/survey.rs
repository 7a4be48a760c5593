//! What is asked of a vCenter server or ESXi host, in which order, and the answers as a transcript.
//!
//! A server that cannot be asked is a transcript, too, and so is one that stops answering half way:
//! what it said counts. Not for what any answer means: that is `facts`.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::client::{Callee, Client, Trouble};
use super::collector::{self, Collected, Managers, Wanted};
use super::failure::VsphereError;
use super::notes::{NotePlace, Notes};
use super::server::{Server, manager, returned};
use super::session::{Credentials, Session};
use super::soap::{Arg, Reference};
use super::stream::Deadline;
use super::xml::Element;
use super::{access, files, json, tls};
use crate::facts::transcript::{Answers, Connection, SCHEMA, Transcript};
use crate::facts::vsphere::inventory::{Inventory, LISTS, Search, is_of};
use crate::facts::vsphere::question::Question;

/// What is listed of everything that the account sees.
const LISTED: &[Wanted<'static>] = &[
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

/// What is read of the machines that are judged, beside what is listed.
const CHOSEN: &[&str] = &[
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

/// How many events a server gives at once; when there are as many, there may be more.
const MAX_EVENTS: usize = 1000;

/// Who is asked, what, and as whom.
pub struct Asked<'a> {
    /// The server's name in reports.
    pub name: &'a str,
    /// What it is: `vcenter` or `esxi`.
    pub kind: &'a str,
    /// The server.
    pub callee: Callee<'a>,
    /// Who logs in.
    pub credentials: &'a Credentials,
    /// What is asked.
    pub question: &'a Question,
    /// How long it may take altogether.
    pub timeout: Duration,
}

/// Asks a server, and notes whatever comes of it.
pub fn record(asked: &Asked<'_>) -> Transcript {
    let mut notes = Notes::default();
    let asked_at = Timestamp::now();
    let question = json!({
        "question": asked.question,
        "user": asked.credentials.user,
        "url": asked.callee.to.authority(),
    });
    notes.known("asked", &question);
    let failure = ask(asked, &mut notes).err().map(|error| error.failure());
    Transcript {
        schema: SCHEMA.to_owned(),
        target: asked.name.to_owned(),
        kind: asked.kind.to_owned(),
        asked_at: Some(asked_at),
        // Each answer is a whole reply of the server, so none of them can be cut short.
        answers: Answers { by_probe: notes.answers(), ended: true, unanswered: None },
        connection: Connection { by: "vsphere".to_owned(), failure, ssh: None },
        reading: Default::default(),
    }
}

fn ask(asked: &Asked<'_>, notes: &mut Notes) -> Result<(), VsphereError> {
    if let Some(host) = asked.callee.route.through() {
        notes.known("way", &json!({ "through": host }));
    }
    let mut client = Client::new(asked.callee, Deadline::after(asked.timeout));
    let agreed = client.connect();
    let agreed = agreed.map_err(|error| with_offer(error, asked, client.deadline(), notes))?;
    let agreed = serde_json::to_value(&agreed).expect("it has only texts");
    notes.known("tls", &agreed);
    let content = service_content(&mut client, notes)?;
    let managers = Managers {
        collector: manager(&content, "propertyCollector")?,
        views: manager(&content, "viewManager")?,
    };
    let sessions = manager(&content, "sessionManager")?;
    let session = Session::open(asked.callee, client, sessions, asked.credentials)?;
    within(asked, session, &Server { content, managers }, notes)
}

/// Says what an old server speaks, where that is why there was no handshake. Some say so by
/// closing the connection.
fn with_offer(
    error: VsphereError,
    asked: &Asked<'_>,
    deadline: Deadline,
    notes: &mut Notes,
) -> VsphereError {
    let older = matches!(error, VsphereError::TlsVersion { .. } | VsphereError::Handshake(_));
    if !older || asked.callee.trust.legacy {
        return error;
    }
    match tls::offered(asked.callee.route, asked.callee.to, deadline) {
        Some(version) if version == "TLSv1" || version == "TLSv1.1" => {
            notes.known("tls-offered", &json!(version));
            VsphereError::TlsVersion { offered: version }
        }
        _ => error,
    }
}

/// What the server says of itself to everybody.
pub(super) fn service_content(
    client: &mut Client<'_>,
    notes: &mut Notes,
) -> Result<Element, VsphereError> {
    let instance = Reference::new("ServiceInstance", "ServiceInstance");
    match client.call("RetrieveServiceContent", &instance, &[]) {
        Ok(answer) => {
            let content = answer.child("returnval").cloned().unwrap_or_default();
            notes.known("service", &json::value(&content));
            Ok(content)
        }
        Err(Trouble::Fault(fault)) => {
            let doing = "asking RetrieveServiceContent".to_owned();
            Err(VsphereError::Fault { doing, fault })
        }
        Err(Trouble::Broken(error)) => Err(error),
    }
}

/// Everything that is asked in a session, which is closed whatever comes of it.
fn within(
    asked: &Asked<'_>,
    mut session: Session<'_>,
    server: &Server,
    notes: &mut Notes,
) -> Result<(), VsphereError> {
    notes.known("session", &json!({ "user": session.user() }));
    let result = questions(asked.question, &mut session, server, notes);
    notes.known("session", &json!({ "user": session.user(), "renewed": session.renewed }));
    let closed = session.close(result.is_err());
    notes.known("logout", &json!({ "closed": closed }));
    result
}

fn questions(
    question: &Question,
    session: &mut Session<'_>,
    server: &Server,
    notes: &mut Notes,
) -> Result<(), VsphereError> {
    time(session, notes)?;
    let inventory = inventory(session, server, notes)?;
    let chosen = machines(question, &inventory, session, server, notes)?;
    moves(question, &inventory, session, server, notes)?;
    licences(session, server, notes)?;
    files::ask(question, &inventory, &chosen, session, notes)?;
    access::ask(question, &inventory, session, server, notes)
}

fn time(session: &mut Session<'_>, notes: &mut Notes) -> Result<(), VsphereError> {
    let instance = Reference::new("ServiceInstance", "ServiceInstance");
    let answer = session.ask(|client, _| client.call("CurrentTime", &instance, &[]));
    if let Some(answer) = notes.take(&["time"], answer)? {
        notes.known("time", &json!(answer.text_of("returnval").unwrap_or_default()));
    }
    Ok(())
}

fn inventory(
    session: &mut Session<'_>,
    server: &Server,
    notes: &mut Notes,
) -> Result<Inventory, VsphereError> {
    let root = manager(&server.content, "rootFolder")?;
    // A lone host knows no datastore clusters, and a type it does not know is a fault.
    let wanted: Vec<Wanted<'_>> = LISTED
        .iter()
        .copied()
        .filter(|(kind, _)| *kind != "StoragePod" || server.is_vcenter())
        .collect();
    let answer =
        session.ask(|client, _| collector::below(client, &server.managers, &root, &wanted));
    let probes: Vec<&str> = LISTS.iter().map(|(probe, _)| *probe).collect();
    if let Some(collected) = notes.take(&probes, answer)? {
        note_lists(&collected, notes);
    }
    Ok(Inventory::of(&notes.so_far()))
}

fn note_lists(collected: &Collected, notes: &mut Notes) {
    for (probe, kind) in LISTS {
        let chosen = collected.answer(|object| {
            let reference = object["object"].as_str().unwrap_or_default();
            is_of(reference, kind)
        });
        notes.known(probe, &chosen);
    }
}

fn machines(
    question: &Question,
    inventory: &Inventory,
    session: &mut Session<'_>,
    server: &Server,
    notes: &mut Notes,
) -> Result<Collected, VsphereError> {
    let found = question.machines().filter_map(|name| match inventory.machine(name) {
        Search::Found(machine) => Reference::read(&machine.object),
        _ => None,
    });
    let chosen: Vec<Reference> = found.collect();
    let wanted = [("VirtualMachine", CHOSEN)];
    let answer =
        session.ask(|client, _| collector::these(client, &server.managers, &chosen, &wanted));
    let collected = notes.take(&["chosen"], answer)?;
    if let Some(collected) = &collected {
        notes.known("chosen", &collected.answer(|_| true));
    }
    Ok(collected.unwrap_or_default())
}

/// When the master target was moved to another datastore.
fn moves(
    question: &Question,
    inventory: &Inventory,
    session: &mut Session<'_>,
    server: &Server,
    notes: &mut Notes,
) -> Result<(), VsphereError> {
    let Some(events) = server.optional("eventManager") else { return Ok(()) };
    for name in question.pairings().into_iter().filter_map(|pair| pair.master_target) {
        let Search::Found(machine) = inventory.machine(&name) else { continue };
        let Some(machine) = Reference::read(&machine.object) else { continue };
        moves_of(&machine, &Notes::place(question, "moves", &name), &events, session, notes)?;
    }
    Ok(())
}

fn moves_of(
    machine: &Reference,
    place: &NotePlace,
    events: &Reference,
    session: &mut Session<'_>,
    notes: &mut Notes,
) -> Result<(), VsphereError> {
    // Not only events of certain types: a server that knew them by other names would give none,
    // and that would look as if there were none.
    let entity = vec![Arg::Object("entity", machine), Arg::Text("recursion", "self")];
    let filter = vec![Arg::Parts("entity", entity), Arg::Text("disableFullMessage", "true")];
    let args = [Arg::Parts("filter", filter)];
    let answer = session.ask(|client, _| client.call("QueryEvents", events, &args));
    if let Some(answer) = notes.take_at(place, answer)? {
        let all = answer.all("returnval").count();
        let moves =
            answer.all("returnval").filter(|event| event.child("sourceDatastore").is_some());
        let moves: Vec<Value> = moves.map(json::value).collect();
        notes.known_at(place, &json!({ "events": moves, "complete": all < MAX_EVENTS }));
    }
    Ok(())
}

fn licences(
    session: &mut Session<'_>,
    server: &Server,
    notes: &mut Notes,
) -> Result<(), VsphereError> {
    let Some(licences) = server.optional("licenseManager") else { return Ok(()) };
    let wanted: [Wanted<'_>; 1] =
        [("LicenseManager", &["licenses", "evaluation", "licenseAssignmentManager"])];
    let managers = [licences];
    let answer =
        session.ask(|client, _| collector::these(client, &server.managers, &managers, &wanted));
    let Some(collected) = notes.take(&["licences", "assigned-licences"], answer)? else {
        return Ok(());
    };
    notes.known("licences", &collected.answer(|_| true));
    let assignments = collected.objects.first().and_then(|object| {
        Reference::read(object["properties"]["licenseAssignmentManager"].as_str()?)
    });
    let Some(assignments) = assignments else { return Ok(()) };
    let answer = session.ask(|client, _| client.call("QueryAssignedLicenses", &assignments, &[]));
    if let Some(answer) = notes.take(&["assigned-licences"], answer)? {
        notes.known("assigned-licences", &returned(&answer));
    }
    Ok(())
}
