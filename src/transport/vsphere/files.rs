//! Collecting from files on datastores: whether a row that was written into a .vmx by hand is the
//! one the server has read, and whether a removed machine has left its folder behind.
//!
//! Files are read over the server's own HTTPS, which makes no task. Of a .vmx only the rows of
//! `disk.EnableUUID` are kept: others may hold passwords for guests.

use serde_json::{Map, Value, json};

use super::client::CallError;
use super::error::VsphereError;
use super::properties::ObjectList;
use super::recorder::AnswerRecorder;
use super::session::VsphereSession;
use super::soap::SoapFault;
use crate::facts::vsphere::inventory::{Inventory, MachineSearch};
use crate::facts::vsphere::property::InventoryObject;
use crate::facts::vsphere::query_scope::QueryScope;
use crate::facts::vsphere::questions;
use crate::facts::vsphere::vmx;
use crate::uri::percent;

/// A session, and the inventory that was collected before.
struct FileQueries<'a, 's> {
    question: &'a QueryScope,
    inventory: &'a Inventory,
    chosen: &'a ObjectList,
    session: &'a mut VsphereSession<'s>,
    recorder: &'a mut AnswerRecorder,
}

/// Collects from the files.
pub fn collect(
    question: &QueryScope,
    inventory: &Inventory,
    chosen: &ObjectList,
    session: &mut VsphereSession<'_>,
    recorder: &mut AnswerRecorder,
) -> Result<(), VsphereError> {
    let mut files = FileQueries { question, inventory, chosen, session, recorder };
    let mut left = None;
    for pair in question.pairings() {
        let Some(name) = &pair.master_target else { continue };
        let MachineSearch::Found(machine) = inventory.find_machine(name) else { continue };
        let Some(datacenter) = inventory.datacenter_path(machine) else { continue };
        files.collect_vmx_rows(name, machine, &datacenter)?;
        let left: &mut Map<String, Value> = left.get_or_insert_default();
        files.collect_leftovers(&pair.protected, machine, &datacenter, left)?;
    }
    if let Some(left) = left {
        recorder.record(questions::LEFTOVERS, &Value::Object(left));
    }
    Ok(())
}

impl FileQueries<'_, '_> {
    /// Collects the rows of a master target's .vmx.
    fn collect_vmx_rows(
        &mut self,
        name: &str,
        machine: &InventoryObject,
        datacenter: &str,
    ) -> Result<(), VsphereError> {
        let objects = &self.chosen.objects;
        let own = objects.iter().find(|object| object["object"] == machine.object.as_str());
        let file = own.and_then(|own| own["properties"]["summary.config.vmPathName"].as_str());
        let Some((datastore, path)) = file.and_then(vmx::split_datastore_path) else {
            return Ok(());
        };
        let place = AnswerRecorder::key_for(self.question, questions::VMX, name);
        let answer = read_file(self.session, &folder_path(path, datacenter, datastore));
        if let Some(FileResponse { status: 200, text }) =
            self.recorder.record_fault_at(&place, answer)?
        {
            self.recorder.record_at(&place, &json!({ "rows": vmx::parse_rows(&text) }));
        } else {
            self.recorder.record_refusal(&place, "the server does not hand the .vmx out");
        }
        Ok(())
    }

    /// Collects whether folders of removed machines are left on the master target's datastores.
    fn collect_leftovers(
        &mut self,
        protected: &[String],
        machine: &InventoryObject,
        datacenter: &str,
        left: &mut Map<String, Value>,
    ) -> Result<(), VsphereError> {
        let inventory = self.inventory;
        let gone =
            protected.iter().filter(|name| inventory.find_machine(name) == MachineSearch::None);
        let datastores = machine.references("datastore").unwrap_or_default();
        for name in gone {
            let mut places = Map::new();
            for reference in &datastores {
                let datastore = inventory.name(reference);
                let path = folder_path(&format!("{name}/"), datacenter, &datastore);
                let answer = read_file(self.session, &path);
                match self.recorder.record_fault(&[questions::LEFTOVERS], answer)? {
                    Some(FileResponse { status: 200, .. }) => {
                        places.insert(datastore, Value::Bool(true))
                    }
                    Some(FileResponse { status: 404, .. }) => {
                        places.insert(datastore, Value::Bool(false))
                    }
                    // Without permission it stays unknown.
                    _ => places.insert(datastore, Value::Null),
                };
            }
            left.insert(name.clone(), Value::Object(places));
        }
        Ok(())
    }
}

struct FileResponse {
    status: u16,
    text: String,
}

fn read_file(session: &mut VsphereSession<'_>, path: &str) -> Result<FileResponse, CallError> {
    session.run(|client, _| {
        let response = client.file(path)?;
        if response.status == 401 {
            return Err(CallError::Fault(SoapFault {
                kind: "NotAuthenticated".to_owned(),
                message: "the server hands files out to nobody it does not know".to_owned(),
                privilege: None,
                object: None,
            }));
        }
        let text = String::from_utf8_lossy(&response.body).into_owned();
        Ok(FileResponse { status: response.status, text })
    })
}

/// Returns the path and query of a file on a datastore.
fn folder_path(path: &str, datacenter: &str, datastore: &str) -> String {
    format!(
        "/folder/{}?dcPath={}&dsName={}",
        percent::encode(path, b"/"),
        percent::encode(datacenter, b""),
        percent::encode(datastore, b"")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_nothing_that_ends_it_early() {
        assert_eq!(
            folder_path("a b/c?d#e.vmx", "Sites/DC 0&1", "ds%2f1\r\n"),
            "/folder/a%20b/c%3Fd%23e.vmx?dcPath=Sites%2FDC%200%261&dsName=ds%252f1%0D%0A"
        );
    }
}
