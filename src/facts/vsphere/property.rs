//! Objects of a vSphere inventory as captures have them: properties by path, each with a value, not
//! set, or missing for a reason.
//!
//! Not for what any property means: the files of the subjects say that.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::questions;
use crate::facts::probe::ProbeName;
use crate::facts::transcript::{ProbeAnswer, Transcript};
use crate::facts::{Collection, Unavailable};

/// A fault that stands where an answer or a property should.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PropertyFault {
    /// Its type, such as `NoPermission`.
    pub fault: String,
    /// What the server says to people.
    #[serde(default)]
    pub message: String,
    /// The privilege that is lacking.
    #[serde(default)]
    pub privilege: Option<String>,
    /// The object it is lacking on.
    #[serde(default)]
    pub object: Option<String>,
}

impl PropertyFault {
    /// Why a property is missing that no server refused.
    pub(super) fn without_server(reason: &str) -> Self {
        let message = reason.to_owned();
        Self { fault: String::new(), message, privilege: None, object: None }
    }

    /// Why something is not known, as a fragment.
    pub fn reason(&self) -> String {
        match (&self.privilege, self.message.trim().trim_end_matches('.')) {
            (Some(privilege), _) => {
                format!("the account lacks {privilege} ({})", self.fault)
            }
            // Not a fault of a server's, but why there is no answer at all.
            (None, message) if self.fault.is_empty() => message.to_owned(),
            (None, "") => format!("the server answered {}", self.fault),
            (None, message) => format!("the server answered {}: {message}", self.fault),
        }
    }
}

/// One object of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InventoryObject {
    /// What it is and what the server calls it, such as `VirtualMachine:vm-12`.
    pub object: String,
    /// What was read.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// What could not be read, and why.
    #[serde(default)]
    pub missing: BTreeMap<String, PropertyFault>,
}

/// Objects of one kind, or some that were asked for by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ObjectListing {
    /// The objects.
    pub objects: Vec<InventoryObject>,
    /// Whether these are all.
    pub complete: bool,
}

impl InventoryObject {
    /// The type, such as `VirtualMachine`.
    pub fn kind(&self) -> &str {
        self.object.split(':').next().unwrap_or_default()
    }

    /// A property; none when it is not set.
    pub fn optional(&self, path: &str) -> Result<Option<&Value>, Unavailable> {
        match self.properties.get(path) {
            // No answer of a server has this: something was taken out.
            Some(Value::Null) => return Err(format!("{path} has no value").into()),
            Some(value) => return Ok(Some(value)),
            None => {}
        }
        // A property is refused by its own path, or with everything around it.
        let refused = self.missing.iter().find(|(missing, _)| {
            path.strip_prefix(missing.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('.'))
        });
        match refused {
            Some((_, why)) => Err(why.reason().into()),
            // An object that may not be seen at all names one property as missing and is silent
            // about the others.
            None if self.properties.is_empty() => match self.missing.values().next() {
                Some(why) => Err(why.reason().into()),
                None => Err("the server gives no property of it".into()),
            },
            None => Ok(None),
        }
    }

    /// A property that is set on every object of its kind.
    pub fn value(&self, path: &str) -> Result<&Value, Unavailable> {
        Ok(self.optional(path)?.ok_or_else(|| format!("the server gives no {path}"))?)
    }

    /// A text.
    pub fn text(&self, path: &str) -> Result<String, Unavailable> {
        self.read(path, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// A whole number.
    pub fn int(&self, path: &str) -> Result<i64, Unavailable> {
        self.read(path, "a number", |value| value.as_str()?.trim().parse().ok())
    }

    /// A yes or no.
    pub fn bool(&self, path: &str) -> Result<bool, Unavailable> {
        self.read(path, "true or false", as_bool)
    }

    /// The references of an array.
    pub fn references(&self, path: &str) -> Result<Vec<String>, Unavailable> {
        self.read(path, "a list of objects", |value| {
            elements(value).iter().map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    fn read<T>(
        &self,
        path: &str,
        wanted: &str,
        of: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, Unavailable> {
        let value = self.value(path)?;
        Ok(of(value).ok_or_else(|| format!("{path} is {value:.60}, which is not {wanted}"))?)
    }
}

/// A yes or no, as XML has it.
pub fn as_bool(value: &Value) -> Option<bool> {
    match value.as_str()?.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The elements of an array. One element alone may stand there without its array, and an empty
/// array as an empty text.
pub fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::String(text) if text.is_empty() => &[],
        one => std::slice::from_ref(one),
    }
}

/// The elements of an array of objects; unavailable when one of them is something else, for then
/// nobody knows what it was.
pub fn object_rows<'v>(value: &'v Value, what: &str) -> Result<&'v [Value], Unavailable> {
    let rows = elements(value);
    match rows.iter().find(|row| !row.is_object()) {
        None => Ok(rows),
        Some(odd) => Err(format!("{what} has an element {odd:.60}").into()),
    }
}

/// A part of a value that is always there, as text.
pub fn required_text<'v>(value: &'v Value, name: &str) -> Result<&'v str, Unavailable> {
    match value.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(format!("{name} is {other:.60}, which is not a text").into()),
        None => Err(format!("the server gives no {name}").into()),
    }
}

/// A part of a value as text, when it has it.
pub fn optional_text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// The answer to a question.
pub fn json_answer(transcript: &Transcript, probe: ProbeName<'_>) -> Result<Value, Unavailable> {
    let ProbeAnswer { status, text } = transcript.answer(probe)?;
    if *status == 0 {
        let value = serde_json::from_str(text);
        return Ok(value.map_err(|error| format!("the answer {probe} is not read: {error}"))?);
    }
    match serde_json::from_str::<PropertyFault>(text) {
        Ok(refusal) => Err(refusal.reason().into()),
        Err(_) => Err(format!("the query {probe} failed").into()),
    }
}

/// What was asked about a master target alone: the first of a question has its answer in a place
/// of its own, further ones by their names in another. One that nobody asked about has none.
pub fn answer_for_master_target(
    transcript: &Transcript,
    probe: ProbeName<'_>,
    master_target: &str,
) -> Result<Value, Unavailable> {
    let asked = json_answer(transcript, questions::ASKED).ok();
    let asked = asked.as_ref().map(|asked| &asked["question"]["master_target"]);
    if asked.and_then(Value::as_str) == Some(master_target) {
        return json_answer(transcript, probe);
    }
    let all = json_answer(transcript, ProbeName::new(&others_probe(probe)))?;
    let value = all.get(master_target);
    let value = value.ok_or_else(|| format!("{probe}: nobody asked about {master_target}"))?;
    match serde_json::from_value::<PropertyFault>(value.clone()) {
        Ok(refusal) => Err(refusal.reason().into()),
        Err(_) => Ok(value.clone()),
    }
}

/// Where the answers about further master targets are.
pub fn others_probe(probe: ProbeName<'_>) -> String {
    format!("{probe}-of-others")
}

/// What changes quickly, with everything below it: whether a host is in touch with its server,
/// whether a machine and its VMware Tools run, and how much memory is in use.
const QUICK: &[&str] = &[
    "runtime.connectionState",
    "runtime.powerState",
    "guest.toolsRunningStatus",
    "summary.quickStats",
];

impl InventoryObject {
    /// The object without what changes quickly, for the reason that the answer is old.
    pub(super) fn without_quick(mut self, stale: &str) -> Self {
        let is_quick = |path: &str| {
            let below = |quick: &&str| {
                path.strip_prefix(*quick)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            QUICK.iter().any(below)
        };
        let paths: Vec<String> =
            self.properties.keys().filter(|path| is_quick(path)).cloned().collect();
        for path in paths {
            self.properties.remove(&path);
            self.missing.insert(path, PropertyFault::without_server(stale));
        }
        self
    }
}

/// The objects that a question brought.
pub fn object_listing(
    transcript: &Transcript,
    probe: ProbeName<'_>,
) -> Result<Collection<InventoryObject>, Unavailable> {
    let listing = serde_json::from_value(json_answer(transcript, probe)?);
    let ObjectListing { mut objects, complete } =
        listing.map_err(|error| format!("the answer {probe} is not read: {error}"))?;
    if let Some(stale) = &transcript.overrides.stale {
        objects = objects.into_iter().map(|object| object.without_quick(stale)).collect();
    }
    Ok(Collection { items: objects, complete })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(properties: Value, missing: Value) -> InventoryObject {
        let value = json!({ "object": "X:1", "properties": properties, "missing": missing });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_property_is_a_value_not_set_or_refused() {
        let object = object(
            json!({ "a": "12", "b": "true", "l": ["D:1"], "o": "D:2" }),
            json!({ "config": { "fault": "NoPermission", "privilege": "System.Read" } }),
        );
        assert_eq!(object.int("a"), Ok(12));
        assert_eq!(object.bool("b"), Ok(true));
        assert_eq!(object.references("l"), Ok(vec!["D:1".to_owned()]));
        assert_eq!(object.references("o"), Ok(vec!["D:2".to_owned()]));
        assert_eq!(object.int("b"), Err("b is \"true\", which is not a number".into()));
        assert_eq!(object.optional("snapshot"), Ok(None));
        assert_eq!(object.text("snapshot"), Err("the server gives no snapshot".into()));
        assert_eq!(
            object.text("config.uuid"),
            Err("the account lacks System.Read (NoPermission)".into())
        );
    }

    #[test]
    fn what_has_no_value_is_not_what_is_not_set() {
        let taken = object(json!({ "snapshot": null, "name": "x" }), json!({}));
        assert_eq!(taken.optional("snapshot"), Err("snapshot has no value".into()));
        let empty = object(json!({}), json!({}));
        assert!(empty.optional("snapshot").is_err());
        let bare: InventoryObject = serde_json::from_value(json!({ "object": "X:1" })).unwrap();
        assert!(bare.optional("snapshot").is_err());
    }

    #[test]
    fn a_row_that_is_no_object_spoils_its_array() {
        assert_eq!(object_rows(&json!([{ "a": "b" }]), "x").map(<[Value]>::len), Ok(1));
        assert_eq!(object_rows(&json!(""), "x").map(<[Value]>::len), Ok(0));
        for odd in [json!(null), json!([null]), json!([{}, "x"]), json!(7)] {
            assert!(object_rows(&odd, "x").is_err(), "{odd}");
        }
        for odd in [json!({}), json!({ "a": null }), json!({ "a": ["b"] })] {
            assert!(required_text(&odd, "a").is_err(), "{odd}");
        }
        assert_eq!(required_text(&json!({ "a": "b" }), "a"), Ok("b"));
    }

    #[test]
    fn an_object_that_may_not_be_seen_says_nothing() {
        let missing = json!({ "name": { "fault": "NoPermission", "privilege": "System.View" } });
        let hidden = object(json!({}), missing);
        assert_eq!(
            hidden.optional("snapshot"),
            Err("the account lacks System.View (NoPermission)".into())
        );
    }

    #[test]
    fn a_list_is_a_list_however_short() {
        assert!(elements(&json!("")).is_empty());
        assert_eq!(elements(&json!("a")), [json!("a")]);
        assert_eq!(elements(&json!(["a", "b"])).len(), 2);
    }
}
