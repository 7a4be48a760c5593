//! Two things that only the files on a datastore tell: whether the row that somebody wrote into a
//! .vmx by hand is the one the server has read, and whether a machine that is gone has left its
//! folder behind.
//!
//! Files are read over the server's own HTTPS, which makes no task. Of a .vmx only the rows of
//! `disk.EnableUUID` are kept, for guests are handed passwords in others.

use serde_json::{Map, Value, json};

use super::client::Trouble;
use super::collector::Collected;
use super::failure::VsphereError;
use super::notes::Notes;
use super::session::Session;
use super::soap::Fault;
use crate::facts::inventory::{Inventory, Search};
use crate::facts::property::Object;
use crate::facts::question::Question;
use crate::facts::vmx;

/// Asks for the files.
pub fn ask(
    question: &Question,
    inventory: &Inventory,
    chosen: &Collected,
    session: &mut Session<'_>,
    notes: &mut Notes,
) -> Result<(), VsphereError> {
    let Some(name) = &question.master_target else { return Ok(()) };
    let Search::Found(master_target) = inventory.machine(name) else { return Ok(()) };
    let Some(datacenter) = inventory.path_of_datacenter(master_target) else { return Ok(()) };
    let own =
        chosen.objects.iter().find(|object| object["object"] == master_target.object.as_str());
    let file = own.and_then(|own| own["properties"]["summary.config.vmPathName"].as_str());
    if let Some((datastore, path)) = file.and_then(vmx::parted) {
        let answer = read(session, &folder(path, &datacenter, datastore));
        if let Some(Read { status: 200, text }) = notes.take(&["vmx"], answer)? {
            notes.known("vmx", &json!({ "rows": vmx::rows(&text) }));
        } else {
            notes.refused("vmx", "the server does not hand the .vmx out");
        }
    }
    leftovers(question, inventory, master_target, &datacenter, session, notes)
}

/// Whether the folders of machines that are gone are left on the master target's datastores.
fn leftovers(
    question: &Question,
    inventory: &Inventory,
    master_target: &Object,
    datacenter: &str,
    session: &mut Session<'_>,
    notes: &mut Notes,
) -> Result<(), VsphereError> {
    let gone = question.protected.iter().filter(|name| inventory.machine(name) == Search::None);
    let datastores = master_target.references("datastore").known().cloned().unwrap_or_default();
    let mut found = Map::new();
    for name in gone {
        let mut places = Map::new();
        for reference in &datastores {
            let datastore = inventory.name(reference);
            let answer = read(session, &folder(&format!("{name}/"), datacenter, &datastore));
            match notes.take(&["leftovers"], answer)? {
                Some(Read { status: 200, .. }) => places.insert(datastore, Value::Bool(true)),
                Some(Read { status: 404, .. }) => places.insert(datastore, Value::Bool(false)),
                // Whoever may not look has seen nothing.
                _ => places.insert(datastore, Value::Null),
            };
        }
        found.insert(name.clone(), Value::Object(places));
    }
    notes.known("leftovers", &Value::Object(found));
    Ok(())
}

struct Read {
    status: u16,
    text: String,
}

fn read(session: &mut Session<'_>, path: &str) -> Result<Read, Trouble> {
    session.ask(|client, _| {
        let response = client.file(path)?;
        if response.status == 401 {
            return Err(Trouble::Fault(Fault {
                kind: "NotAuthenticated".to_owned(),
                message: "the server hands files out to nobody it does not know".to_owned(),
                privilege: None,
                object: None,
            }));
        }
        let text = String::from_utf8_lossy(&response.body).into_owned();
        Ok(Read { status: response.status, text })
    })
}

/// The path of a file on a datastore, as the server's file service has it.
fn folder(path: &str, datacenter: &str, datastore: &str) -> String {
    format!(
        "/folder/{}?dcPath={}&dsName={}",
        encoded(path, true),
        encoded(datacenter, false),
        encoded(datastore, false)
    )
}

/// A text with percent encoding; a path keeps its slashes.
fn encoded(text: &str, path: bool) -> String {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (path && byte == b'/')
    };
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_nothing_that_ends_it_early() {
        assert_eq!(
            folder("a b/c?d#e.vmx", "Sites/DC 0&1", "ds%2f1\r\n"),
            "/folder/a%20b/c%3Fd%23e.vmx?dcPath=Sites%2FDC%200%261&dsName=ds%252f1%0D%0A"
        );
    }
}
