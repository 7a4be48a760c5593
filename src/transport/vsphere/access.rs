//! Collecting privileges: those of the account that is logged in, and those of the account with which
//! the configuration server discovers.
//!
//! Not for which privileges are needed or missing: that is `facts`.

use serde_json::{Value, json};

use super::client::{CallError, SoapClient};
use super::error::VsphereError;
use super::json;
use super::properties::{self, ObjectList, PropertySpec};
use super::recorder::AnswerRecorder;
use super::server::{VsphereServer, return_values};
use super::session::VsphereSession;
use super::soap::{ObjectRef, SoapArg};
use crate::facts::vsphere::inventory::Inventory;
use crate::facts::vsphere::privileges;
use crate::facts::vsphere::query_scope::QueryScope;
use crate::facts::vsphere::questions;
use crate::secret::Secret;

/// Collects the privileges on the objects that matter.
pub fn collect(
    question: &QueryScope,
    inventory: &Inventory,
    session: &mut VsphereSession<'_>,
    server: &VsphereServer,
    recorder: &mut AnswerRecorder,
) -> Result<(), VsphereError> {
    let Some(manager) = server.optional_manager("authorizationManager") else { return Ok(()) };
    let wanted: [PropertySpec<'_>; 1] = [("AuthorizationManager", &["privilegeList"])];
    let managers = [manager.clone()];
    let answer = session
        .run(|client, _| properties::collect_objects(client, &server.managers, &managers, &wanted));
    let mut known = Vec::new();
    if let Some(collected) = recorder.record_fault(&[questions::AUTHORIZATION], answer)? {
        known = privilege_ids(&collected);
        recorder.record(questions::AUTHORIZATION, &json!({ "privileges": known }));
    }
    let root = [root_folder(server)];
    let own = privileges::SEES_EVERYTHING;
    let answer = session.run(|client, key| {
        granted_privileges(client, &manager, &Principal::Session(key), &root, own)
    });
    if let Some(value) = recorder.record_fault(&[questions::OWN_PRIVILEGES], answer)? {
        recorder.record(questions::OWN_PRIVILEGES, &value);
    }
    let Some(account) = question.discovery_account.as_deref() else { return Ok(()) };
    let play = inventory.objects_in_scope(question);
    let complete = play.complete && play.all_folders;
    let play = play.objects;
    let play: Vec<ObjectRef> = play.iter().filter_map(|text| ObjectRef::parse(text)).collect();
    let wanted = privileges::privileges_to_query(&known);
    let same = privileges::is_same_account(account, session.user_name(), session.login_name());
    let answer = session.run(|client, key| {
        let principal = if same { Principal::Session(key) } else { Principal::Account(account) };
        granted_privileges(client, &manager, &principal, &play, &wanted)
    });
    if let Some(mut value) = recorder.record_fault(&[questions::PRIVILEGES], answer)? {
        value["complete"] = json!(complete);
        value["by"] = json!(if same { "session" } else { "name" });
        recorder.record(questions::PRIVILEGES, &value);
    }
    collect_permissions(session, &manager, &play, recorder)
}

/// Whether the account that is logged in has a privilege on an object; none when the server does not
/// tell.
pub(super) fn has_privilege(
    client: &mut SoapClient<'_>,
    server: &VsphereServer,
    session: &Secret,
    object: &ObjectRef,
    id: &str,
) -> Result<Option<bool>, CallError> {
    let Some(manager) = server.optional_manager("authorizationManager") else { return Ok(None) };
    let objects = std::slice::from_ref(object);
    let rows = query_privileges(client, &manager, &Principal::Session(session), objects, &[id])?;
    let granted = rows.first().and_then(|row| row["granted"].as_array());
    Ok(granted.map(|granted| granted.iter().any(|one| one == id)))
}

fn root_folder(server: &VsphereServer) -> ObjectRef {
    server.optional_manager("rootFolder").unwrap_or(ObjectRef::new("Folder", ""))
}

fn privilege_ids(collected: &ObjectList) -> Vec<String> {
    let list = collected.objects.first().map(|object| &object["properties"]["privilegeList"]);
    let ids = list.and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(|privilege| privilege["privId"].as_str().map(str::to_owned)).collect()
}

/// The account whose privileges are queried.
enum Principal<'a> {
    /// The account that is logged in, by the session's key.
    Session(&'a Secret),
    /// Another account.
    Account(&'a str),
}

/// Returns which of these privileges an account has on each of these objects.
fn granted_privileges(
    client: &mut SoapClient<'_>,
    manager: &ObjectRef,
    principal: &Principal<'_>,
    objects: &[ObjectRef],
    ids: &[&str],
) -> Result<Value, CallError> {
    let mut rows = Vec::new();
    match query_privileges(client, manager, principal, objects, ids) {
        Ok(all) => rows = all,
        // One object that the account may not see fails the whole call: query each by itself.
        Err(CallError::Fault(fault)) if objects.len() > 1 && fault.kind == "NoPermission" => {
            for object in objects {
                let one = std::slice::from_ref(object);
                match query_privileges(client, manager, principal, one, ids) {
                    Ok(row) => rows.extend(row),
                    Err(CallError::Fault(fault)) if !fault.is_not_authenticated() => rows.push(
                        json!({ "object": object.to_string(), "refused": json::from_fault(&fault) }),
                    ),
                    Err(error) => return Err(error),
                }
            }
        }
        Err(error) => return Err(error),
    }
    Ok(json!({ "asked": ids, "objects": rows }))
}

fn query_privileges(
    client: &mut SoapClient<'_>,
    manager: &ObjectRef,
    principal: &Principal<'_>,
    objects: &[ObjectRef],
    ids: &[&str],
) -> Result<Vec<Value>, CallError> {
    let ids = || ids.iter().map(|id| SoapArg::Text("privId", id));
    let answer = match principal {
        Principal::Session(key) => {
            let mut args: Vec<SoapArg<'_>> =
                objects.iter().map(|object| SoapArg::Object("entity", object)).collect();
            args.push(SoapArg::Secret("sessionId", key));
            args.extend(ids());
            client.call("HasPrivilegeOnEntities", manager, &args)?
        }
        Principal::Account(account) => {
            let mut args: Vec<SoapArg<'_>> =
                objects.iter().map(|object| SoapArg::Object("entities", object)).collect();
            args.push(SoapArg::Text("userName", account));
            args.extend(ids());
            // This method came with 6.5; all other calls use version 5.5.
            let version = client.version().to_owned();
            client.set_version("6.5");
            let answer = client.call("HasUserPrivilegeOnEntities", manager, &args);
            client.set_version(&version);
            answer?
        }
    };
    let rows = answer.children_named("returnval").map(|row| {
        let granted = row
            .children_named("privAvailability")
            .filter(|one| matches!(one.child_text("isGranted"), Some("true" | "1")))
            .filter_map(|one| one.child_text("privId"));
        json!({
            "object": row.child("entity").and_then(ObjectRef::from_element).map(|object| object.to_string()),
            "granted": granted.collect::<Vec<_>>(),
        })
    });
    Ok(rows.collect())
}

/// Collects the permissions on the datacenters, inherited ones included.
fn collect_permissions(
    session: &mut VsphereSession<'_>,
    manager: &ObjectRef,
    play: &[ObjectRef],
    recorder: &mut AnswerRecorder,
) -> Result<(), VsphereError> {
    let mut rows = Vec::new();
    for datacenter in play.iter().filter(|object| object.kind == "Datacenter") {
        let args = [SoapArg::Object("entity", datacenter), SoapArg::Text("inherited", "true")];
        let answer =
            session.run(|client, _| client.call("RetrieveEntityPermissions", manager, &args));
        let Some(answer) = recorder.record_fault(&[questions::PERMISSIONS], answer)? else {
            return Ok(());
        };
        rows.push(
            json!({ "object": datacenter.to_string(), "permissions": return_values(&answer) }),
        );
    }
    recorder.record(questions::PERMISSIONS, &Value::Array(rows));
    Ok(())
}
