//! Replies as JSON, as captures keep them, without what is secret.
//!
//! An object that the server names is `TYPE:ID`; an array is an array; a value with parts is an
//! object with its type under `_type`, and parts of one name that come more than once are an
//! array. Everything else is text: what a number means is for `facts` to say.

use serde_json::{Map, Value, json};

use super::soap::{ObjectRef, SoapFault};
use super::xml::XmlElement;

/// The prefixes of the rows of an extra configuration that are kept. Others are not evaluated, and may
/// hold passwords for guests (`guestinfo.*`).
const KEPT_ROWS: &[&str] = &["disk.", "snapshot."];

/// Converts an element.
pub fn from_element(element: &XmlElement) -> Value {
    if element.xsi_type.as_deref().is_some_and(|kind| kind.starts_with("ArrayOf")) {
        return Value::Array(
            element.children.iter().filter(|row| is_kept(row)).map(from_element).collect(),
        );
    }
    if let Some(reference) = ObjectRef::from_element(element) {
        return Value::String(reference.to_string());
    }
    if element.children.is_empty() {
        return Value::String(element.text.clone());
    }
    let mut parts = Map::new();
    if let Some(kind) = &element.xsi_type {
        parts.insert("_type".to_owned(), Value::String(kind.clone()));
    }
    for child in &element.children {
        let value = match child.name.as_str() {
            "licenseKey" => Value::String(redact_serial(&child.text)),
            _ => from_element(child),
        };
        match parts.get_mut(&child.name) {
            None => {
                parts.insert(child.name.clone(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(parts)
}

/// Whether a row of an array is kept: of settings, only those of [`KEPT_ROWS`].
fn is_kept(row: &XmlElement) -> bool {
    if row.name != "OptionValue" {
        return true;
    }
    let key = row.child_text("key").unwrap_or_default().to_ascii_lowercase();
    KEPT_ROWS.iter().any(|start| key.starts_with(start))
}

/// Hides all but the last five characters of a serial number.
pub fn redact_serial(serial: &str) -> String {
    let shown = serial.chars().count().saturating_sub(5);
    let hide = |(at, c): (usize, char)| if at < shown && c != '-' { '*' } else { c };
    serial.chars().enumerate().map(hide).collect()
}

/// Converts a fault.
pub fn from_fault(fault: &SoapFault) -> Value {
    let mut parts = Map::new();
    parts.insert("fault".to_owned(), Value::String(fault.kind.clone()));
    parts.insert("message".to_owned(), Value::String(fault.message.clone()));
    if let Some(privilege) = &fault.privilege {
        parts.insert("privilege".to_owned(), Value::String(privilege.clone()));
    }
    if let Some(object) = &fault.object {
        parts.insert("object".to_owned(), Value::String(object.to_string()));
    }
    Value::Object(parts)
}

/// Converts an object with the properties that were read, and why others are missing.
pub fn from_object_content(content: &XmlElement) -> Option<Value> {
    let reference = ObjectRef::from_element(content.child("obj")?)?;
    let mut properties = Map::new();
    for property in content.children_named("propSet") {
        if let (Some(name), Some(val)) = (property.child_text("name"), property.child("val")) {
            properties.insert(name.to_owned(), from_element(val));
        }
    }
    let mut missing = Map::new();
    for property in content.children_named("missingSet") {
        let (Some(path), Some(why)) = (property.child_text("path"), missing_fault(property)) else {
            continue;
        };
        missing.insert(path.to_owned(), from_fault(&why));
    }
    let mut object = json!({ "object": reference.to_string(), "properties": properties });
    if !missing.is_empty() {
        object["missing"] = Value::Object(missing);
    }
    Some(object)
}

/// Returns the fault for which a property is missing.
pub fn missing_fault(property: &XmlElement) -> Option<SoapFault> {
    let localized = property.child("fault")?;
    let message = localized.child_text("localizedMessage").unwrap_or_default();
    Some(SoapFault::from_element(localized.child("fault")?, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::vsphere::xml::parse;

    fn read(text: &str) -> Value {
        from_element(&parse(&format!("<r xmlns:xsi='i'>{text}</r>")).unwrap().children[0])
    }

    #[test]
    fn values_keep_their_shape() {
        for (text, expected) in [
            ("<val xsi:type='xsd:string'>a</val>", json!("a")),
            (
                "<val type='HostSystem' xsi:type='ManagedObjectReference'>host-1</val>",
                json!("HostSystem:host-1"),
            ),
            ("<val xsi:type='ArrayOfManagedObjectReference'/>", json!([])),
            (
                "<val xsi:type='ArrayOfManagedObjectReference'><M type='Datastore'>d:1</M></val>",
                json!(["Datastore:d:1"]),
            ),
            (
                "<val xsi:type='ArrayOfVirtualDevice'><VirtualDevice xsi:type='VirtualDisk'><key>1</key></VirtualDevice></val>",
                json!([{ "_type": "VirtualDisk", "key": "1" }]),
            ),
            (
                "<val><a>1</a><b>2</b><a>3</a><a>4</a></val>",
                json!({ "a": ["1", "3", "4"], "b": "2" }),
            ),
            (
                "<val><licenseKey>AAAAA-BBBBB-CCCCC-DDDDD-EEEEE</licenseKey></val>",
                json!({ "licenseKey": "*****-*****-*****-*****-EEEEE" }),
            ),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn of_an_extra_configuration_only_what_is_judged_is_kept() {
        let row =
            |key: &str| format!("<OptionValue><key>{key}</key><value>v</value></OptionValue>");
        let text = format!(
            "<val xsi:type='ArrayOfOptionValue'>{}{}{}</val>",
            row("guestinfo.userdata"),
            row("disk.enableUUID"),
            row("Snapshot.maxSnapshots")
        );
        assert_eq!(
            read(&text),
            json!([
                { "key": "disk.enableUUID", "value": "v" },
                { "key": "Snapshot.maxSnapshots", "value": "v" }
            ])
        );
    }

    #[test]
    fn what_is_missing_says_why() {
        let text = "<objects xmlns:xsi='i'><obj type='Datastore'>ds</obj><missingSet><path>name</path>\
                    <fault><fault xsi:type='NoPermission'><object type='Datastore'>ds</object>\
                    <privilegeId>System.View</privilegeId></fault><localizedMessage>No.</localizedMessage>\
                    </fault></missingSet></objects>";
        assert_eq!(
            from_object_content(&parse(text).unwrap()),
            Some(json!({
                "object": "Datastore:ds", "properties": {},
                "missing": { "name": {
                    "fault": "NoPermission", "message": "No.", "privilege": "System.View",
                    "object": "Datastore:ds"
                }}
            }))
        );
    }

    #[test]
    fn a_serial_keeps_its_last_five_characters() {
        assert_eq!(redact_serial("00000-11111"), "*****-11111");
        assert_eq!(redact_serial(""), "");
    }
}
