//! Which privileges an account holds where, as a server tells: of whoever is logged in, and of the
//! account that the configuration server discovers with.
//!
//! Not for which privileges are needed, nor for judging what is lacking: that is `facts`.

use serde_json::{Value, json};

use super::client::{Client, Trouble};
use super::collector::{self, Collected, Wanted};
use super::failure::VsphereError;
use super::json;
use super::notes::Notes;
use super::server::{Server, returned};
use super::session::Session;
use super::soap::{Arg, Reference};
use crate::facts::vsphere::inventory::Inventory;
use crate::facts::vsphere::privileges;
use crate::facts::vsphere::question::Question;
use crate::secret::Secret;

/// Who may do what on the objects that matter.
pub fn ask(
    question: &Question,
    inventory: &Inventory,
    session: &mut Session<'_>,
    server: &Server,
    notes: &mut Notes,
) -> Result<(), VsphereError> {
    let Some(manager) = server.optional("authorizationManager") else { return Ok(()) };
    let wanted: [Wanted<'_>; 1] = [("AuthorizationManager", &["privilegeList"])];
    let managers = [manager.clone()];
    let answer =
        session.ask(|client, _| collector::these(client, &server.managers, &managers, &wanted));
    let mut known = Vec::new();
    if let Some(collected) = notes.take(&["authorization"], answer)? {
        known = privilege_ids(&collected);
        notes.known("authorization", &json!({ "privileges": known }));
    }
    let root = [root_of(server)];
    let own = privileges::SEES_EVERYTHING;
    let answer =
        session.ask(|client, key| held(client, &manager, &Asker::Session(key), &root, own));
    if let Some(value) = notes.take(&["own-privileges"], answer)? {
        notes.known("own-privileges", &value);
    }
    let Some(account) = question.discovery_account.as_deref() else { return Ok(()) };
    let play = inventory.in_play(question);
    let complete = play.complete && play.all_folders;
    let play = play.objects;
    let play: Vec<Reference> = play.iter().filter_map(|text| Reference::read(text)).collect();
    let wanted = privileges::to_ask(&known);
    let same = privileges::is_same_account(account, session.user(), session.typed());
    let answer = session.ask(|client, key| {
        let asker = if same { Asker::Session(key) } else { Asker::Account(account) };
        held(client, &manager, &asker, &play, &wanted)
    });
    if let Some(mut value) = notes.take(&["privileges"], answer)? {
        value["complete"] = json!(complete);
        value["by"] = json!(if same { "session" } else { "name" });
        notes.known("privileges", &value);
    }
    permissions(session, &manager, &play, notes)
}

/// Whether whoever is logged in holds a privilege on an object; none when the server does not tell.
pub(super) fn holds(
    client: &mut Client<'_>,
    server: &Server,
    session: &Secret,
    object: &Reference,
    id: &str,
) -> Result<Option<bool>, Trouble> {
    let Some(manager) = server.optional("authorizationManager") else { return Ok(None) };
    let objects = std::slice::from_ref(object);
    let rows = held_at_once(client, &manager, &Asker::Session(session), objects, &[id])?;
    let granted = rows.first().and_then(|row| row["granted"].as_array());
    Ok(granted.map(|granted| granted.iter().any(|one| one == id)))
}

fn root_of(server: &Server) -> Reference {
    server.optional("rootFolder").unwrap_or(Reference::new("Folder", ""))
}

fn privilege_ids(collected: &Collected) -> Vec<String> {
    let list = collected.objects.first().map(|object| &object["properties"]["privilegeList"]);
    let ids = list.and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(|privilege| privilege["privId"].as_str().map(str::to_owned)).collect()
}

/// On whose behalf privileges are asked about.
enum Asker<'a> {
    /// Whoever is logged in, by the session's key.
    Session(&'a Secret),
    /// Another account.
    Account(&'a str),
}

/// Which of these privileges an account holds on each of these objects.
fn held(
    client: &mut Client<'_>,
    manager: &Reference,
    asker: &Asker<'_>,
    objects: &[Reference],
    ids: &[&str],
) -> Result<Value, Trouble> {
    let mut rows = Vec::new();
    match held_at_once(client, manager, asker, objects, ids) {
        Ok(all) => rows = all,
        // One object that may not be seen spoils the answer for all: each by itself, then.
        Err(Trouble::Fault(fault)) if objects.len() > 1 && fault.kind == "NoPermission" => {
            for object in objects {
                let one = std::slice::from_ref(object);
                match held_at_once(client, manager, asker, one, ids) {
                    Ok(row) => rows.extend(row),
                    Err(Trouble::Fault(fault)) if !fault.is_not_authenticated() => rows.push(
                        json!({ "object": object.to_string(), "refused": json::fault(&fault) }),
                    ),
                    Err(trouble) => return Err(trouble),
                }
            }
        }
        Err(trouble) => return Err(trouble),
    }
    Ok(json!({ "asked": ids, "objects": rows }))
}

fn held_at_once(
    client: &mut Client<'_>,
    manager: &Reference,
    asker: &Asker<'_>,
    objects: &[Reference],
    ids: &[&str],
) -> Result<Vec<Value>, Trouble> {
    let ids = || ids.iter().map(|id| Arg::Text("privId", id));
    let answer = match asker {
        Asker::Session(key) => {
            let mut args: Vec<Arg<'_>> =
                objects.iter().map(|object| Arg::Object("entity", object)).collect();
            args.push(Arg::Secret("sessionId", key));
            args.extend(ids());
            client.call("HasPrivilegeOnEntities", manager, &args)?
        }
        Asker::Account(account) => {
            let mut args: Vec<Arg<'_>> =
                objects.iter().map(|object| Arg::Object("entities", object)).collect();
            args.push(Arg::Text("userName", account));
            args.extend(ids());
            // This one came with 6.5, and calls are otherwise made as to a server of 5.5.
            let version = client.version().to_owned();
            client.speak("6.5");
            let answer = client.call("HasUserPrivilegeOnEntities", manager, &args);
            client.speak(&version);
            answer?
        }
    };
    let rows = answer.all("returnval").map(|row| {
        let granted = row
            .all("privAvailability")
            .filter(|one| matches!(one.text_of("isGranted"), Some("true" | "1")))
            .filter_map(|one| one.text_of("privId"));
        json!({
            "object": row.child("entity").and_then(Reference::of).map(|object| object.to_string()),
            "granted": granted.collect::<Vec<_>>(),
        })
    });
    Ok(rows.collect())
}

/// Which permissions are set on the datacenters, and above them.
fn permissions(
    session: &mut Session<'_>,
    manager: &Reference,
    play: &[Reference],
    notes: &mut Notes,
) -> Result<(), VsphereError> {
    let mut rows = Vec::new();
    for datacenter in play.iter().filter(|object| object.kind == "Datacenter") {
        let args = [Arg::Object("entity", datacenter), Arg::Text("inherited", "true")];
        let answer =
            session.ask(|client, _| client.call("RetrieveEntityPermissions", manager, &args));
        let Some(answer) = notes.take(&["permissions"], answer)? else { return Ok(()) };
        rows.push(json!({ "object": datacenter.to_string(), "permissions": returned(&answer) }));
    }
    notes.known("permissions", &Value::Array(rows));
    Ok(())
}
