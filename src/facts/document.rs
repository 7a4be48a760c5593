//! What can be said about a fact: its value, or why it could not be read; and all facts of one
//! target as a document that rules are evaluated over.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The key that marks an unavailable fact while facts are on their way into a [`Document`].
const MARK: &str = "\u{0}unavailable";

/// The most bytes of one text that is a fact: the longest path that Linux takes.
pub const MAX_TEXT: usize = 4096;

/// The most elements of one list that are facts.
pub const MAX_ITEMS: usize = 4096;

/// The most characters of the reason why a fact is absent, which may quote what a host said.
const MAX_REASON: usize = 400;

/// Why `complete` is absent of a list that says no more.
const CUT_SHORT: &str = "not everything could be looked at";

/// Why a fact could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// The reason, as a lower-case fragment: `permission denied`, `the probe timed out`.
    pub reason: String,
}

/// Every error and every text is a reason, so that `?` makes one of it.
impl<E: std::fmt::Display> From<E> for Unavailable {
    fn from(reason: E) -> Self {
        Self { reason: reason.to_string() }
    }
}

impl From<&Self> for Unavailable {
    fn from(why: &Self) -> Self {
        why.clone()
    }
}

/// A fact in a tree of facts: it was read, or there is a reason why it could not be.
///
/// Whatever reads facts returns a `Result<T, Unavailable>`, which becomes one of these where the
/// tree is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// It could not be read.
    Unavailable(Unavailable),
}

impl<T> Fact<T> {
    /// A fact that could not be read, for this reason.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable(Unavailable { reason: reason.into() })
    }

    /// The value, when it was read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unavailable(_) => None,
        }
    }

    /// The value, for whatever is read from it in turn.
    pub fn value(&self) -> Result<&T, Unavailable> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Unavailable(why) => Err(why.clone()),
        }
    }

    /// The fact with its value changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(change(value)),
            Self::Unavailable(why) => Fact::Unavailable(why),
        }
    }
}

impl<T, E: Into<Unavailable>> From<Result<T, E>> for Fact<T> {
    fn from(result: Result<T, E>) -> Self {
        result.map_or_else(|why| Self::Unavailable(why.into()), Self::Known)
    }
}

impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Unavailable(why) => {
                BTreeMap::from([(MARK, why.reason.as_str())]).serialize(serializer)
            }
        }
    }
}

/// A fact has its value's schema: whether it is there is not a matter of type.
impl<T: JsonSchema> JsonSchema for Fact<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// A list of things that were looked for, and whether all of them were seen.
///
/// A rule over `items` must also require `complete`: `.all` over a list cut short proves nothing.
/// In a [`Document`] `complete` is true or absent, so that a list cut short leaves a rule that
/// requires it undecided, unless what was seen decides it: one fault found is a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Collection<T> {
    /// What was found.
    pub items: Vec<T>,
    /// Whether nothing was cut off or skipped.
    pub complete: bool,
}

impl<T> Collection<T> {
    /// A list in which nothing is missing.
    pub fn complete(items: Vec<T>) -> Self {
        Self { items, complete: true }
    }
}

/// All facts of one target: a tree of known values, and the reason for every one that is absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The known facts, as nested maps; integers fit an `i64`, nothing is null.
    pub known: Value,
    /// Dotted path of each absent fact, with the reason.
    pub absent: BTreeMap<String, String>,
}

impl Default for Document {
    /// A document in which nothing is said of anything.
    fn default() -> Self {
        Self { known: Value::Object(serde_json::Map::new()), absent: BTreeMap::new() }
    }
}

impl Document {
    /// Makes the document of a tree of facts; `root` is the name rules know it by.
    ///
    /// # Panics
    ///
    /// Panics when a facts type does not serialise to JSON, which is a mistake in the type.
    pub fn new(root: &str, facts: &impl Serialize) -> Self {
        let mut tree = serde_json::to_value(facts).expect("facts serialise to JSON");
        let mut absent = BTreeMap::new();
        extract_absent(&mut tree, root, &mut absent);
        let mut known = serde_json::Map::new();
        if !tree.is_null() {
            known.insert(root.to_owned(), tree);
        }
        Self { known: Value::Object(known), absent }
    }

    /// Makes the document of known facts as an example or a capture writes them: an object whose
    /// members are the roots.
    pub fn from_known(mut known: Value) -> Self {
        let mut absent = BTreeMap::new();
        for (root, tree) in known.as_object_mut().into_iter().flatten() {
            extract_absent(tree, root, &mut absent);
        }
        Self { known, absent }
    }

    /// Says of lists that were cut short, and do not know why, that this is why.
    pub fn explain_incomplete_lists(mut self, reason: &str) -> Self {
        for why in self.absent.values_mut().filter(|why| *why == CUT_SHORT) {
            reason.clone_into(why);
        }
        self
    }

    /// Takes facts that are absent here from another document of the same thing, each as a whole:
    /// the rest of a list that was cut short is not to come from elsewhere. `may` says which.
    pub fn fill_absent_from(mut self, other: &Self, may: impl Fn(&str) -> bool) -> Self {
        let whole = |path: &&String| {
            !path.contains('[') && !path.ends_with(".complete") && may(path.as_str())
        };
        let paths: Vec<String> = self.absent.keys().filter(whole).cloned().collect();
        for path in paths {
            let found = path.split('.').try_fold(&other.known, |here, name| here.get(name));
            let Some(found) = found else { continue };
            let Some(place) = slot_at(&mut self.known, &path) else { continue };
            *place = found.clone();
            self.absent.remove(&path);
            let below = |absent_path: &&String| {
                absent_path
                    .strip_prefix(path.as_str())
                    .is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            let below: Vec<&String> = other.absent.keys().filter(below).collect();
            self.absent.extend(
                below
                    .into_iter()
                    .map(|absent_path| (absent_path.clone(), other.absent[absent_path].clone())),
            );
        }
        self
    }

    /// The part of it below one root.
    pub fn root(&self, root: &str) -> Self {
        let known = self.known.get(root).map(|facts| (root.to_owned(), facts.clone()));
        let below = |path: &&String| path.split(['.', '[']).next() == Some(root);
        let absent = self.absent.iter().filter(|(path, _)| below(path));
        Self {
            known: Value::Object(known.into_iter().collect()),
            absent: absent.map(|(path, why)| (path.clone(), why.clone())).collect(),
        }
    }

    /// Says why nothing is known about a root, when nobody has said anything about it.
    pub fn or_absent(mut self, root: &str, reason: &str) -> Self {
        let below = |path: &String| path.split(['.', '[']).next() == Some(root);
        if self.known.get(root).is_none() && !self.absent.keys().any(below) {
            self.absent.insert(root.to_owned(), reason.to_owned());
        }
        self
    }

    /// Replaces the member at a dotted path; nothing changes where what contains it is not known.
    pub fn set_member(&mut self, path: &str, facts: &impl Serialize) {
        let Some(slot) = slot_at(&mut self.known, path) else { return };
        let mut tree = serde_json::to_value(facts).expect("facts serialise to JSON");
        let below = |at: &str| {
            at.strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.absent.retain(|at, _| !below(at));
        extract_absent(&mut tree, path, &mut self.absent);
        *slot = tree;
    }

    /// Joins the facts of another document into this one.
    pub fn join(mut self, other: Self) -> Self {
        if let (Value::Object(mine), Value::Object(theirs)) = (&mut self.known, other.known) {
            mine.extend(theirs);
        }
        self.absent.extend(other.absent);
        self
    }
}

/// Where the member of a path belongs, when what contains it is known.
fn slot_at<'k>(known: &'k mut Value, path: &str) -> Option<&'k mut Value> {
    let (parents, name) = match path.rsplit_once('.') {
        Some((parents, name)) => (Some(parents), name),
        None => (None, path),
    };
    let mut here = known;
    for parent in parents.into_iter().flat_map(|parents| parents.split('.')) {
        here = here.get_mut(parent)?;
    }
    Some(here.as_object_mut()?.entry(name).or_insert(Value::Null))
}

/// Moves the marks out of the tree; a marked value becomes null and is dropped by its parent.
///
/// What is longer than facts are is absent as well, for rules and reports take time by it.
fn extract_absent(tree: &mut Value, path: &str, absent: &mut BTreeMap<String, String>) {
    if let Some(reason) = absence_reason(tree) {
        absent.insert(path.to_owned(), reason);
        *tree = Value::Null;
        return;
    }
    match tree {
        Value::Object(map) => {
            if let Some(reason) = incomplete_reason(map) {
                map.remove("complete");
                absent.insert(format!("{path}.complete"), reason);
            }
            for (key, value) in map.iter_mut() {
                extract_absent(value, &format!("{path}.{key}"), absent);
            }
            map.retain(|_, value| !value.is_null());
        }
        Value::Array(list) => {
            // An element is only told from its neighbours by its place, so a list with a hole
            // is no list; one that says whether it is complete has had its holes removed.
            if let Some(reason) = list.iter().find_map(absence_reason) {
                absent.insert(path.to_owned(), reason);
                *tree = Value::Null;
                return;
            }
            for (index, value) in list.iter_mut().enumerate() {
                extract_absent(value, &format!("{path}[{index}]"), absent);
            }
        }
        _ => {}
    }
}

/// Why a value is none: it is marked, or longer than facts are.
fn absence_reason(value: &Value) -> Option<String> {
    marked_reason(value).map(shorten).or_else(|| excess_reason(value))
}

/// Why a value is longer than facts are.
fn excess_reason(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.len() > MAX_TEXT => {
            Some(format!("it has {} bytes, at most {MAX_TEXT} are looked at", text.len()))
        }
        Value::Array(list) if list.len() > MAX_ITEMS => {
            Some(format!("it has {} elements, at most {MAX_ITEMS} are looked at", list.len()))
        }
        _ => None,
    }
}

/// A reason, without the end of one that quotes too much.
fn shorten(reason: &str) -> String {
    match reason.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}...", &reason[..end]),
        None => reason.to_owned(),
    }
}

/// The reason of a marked value.
fn marked_reason(value: &Value) -> Option<&str> {
    value.get(MARK)?.as_str()
}

/// Why a [`Collection`] is not complete: it says so, or elements of it, which are removed, could not
/// be read.
fn incomplete_reason(map: &mut serde_json::Map<String, Value>) -> Option<String> {
    let complete = map.get("complete")?.as_bool()?;
    let items = map.get_mut("items")?.as_array_mut()?;
    let many = items.len() > MAX_ITEMS;
    let long = many.then(|| format!("more than {MAX_ITEMS} elements are not looked at"));
    items.truncate(MAX_ITEMS);
    let first = items.iter().find_map(absence_reason);
    items.retain(|item| absence_reason(item).is_none());
    first.or(long).or_else(|| (!complete).then(|| CUT_SHORT.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Disc {
        label: Fact<String>,
        size: Fact<i64>,
        files: Fact<Collection<Fact<i64>>>,
    }

    #[test]
    fn an_unavailable_fact_is_absent_and_its_reason_is_kept() {
        let disc = Disc {
            label: Fact::Known("X".into()),
            size: Fact::unavailable("no permission"),
            files: Fact::Known(Collection::complete(vec![Fact::Known(1), Fact::Known(2)])),
        };
        let document = Document::new("image", &disc);
        assert_eq!(
            document.known,
            serde_json::json!({ "image": {
                "label": "X", "files": { "items": [1, 2], "complete": true }
            }})
        );
        assert_eq!(document.absent["image.size"], "no permission");
    }

    #[test]
    fn what_is_absent_is_taken_from_elsewhere_as_a_whole_or_not_at_all() {
        let list = |items: Value, complete: bool| serde_json::json!({ "items": items, "complete": complete });
        let mut mine = Document::from_known(
            serde_json::json!({ "vm": { "name": "a", "disks": list(serde_json::json!([1]), false) } }),
        );
        for path in ["vm.power", "vm.snapshots", "vm.tools", "vm.uuid"] {
            mine.absent.insert(path.to_owned(), "no answer".to_owned());
        }
        let theirs = Document::from_known(serde_json::json!({ "vm": {
            "name": "b", "power": "off", "tools": "on",
            "disks": list(serde_json::json!([2]), true), "snapshots": list(serde_json::json!([3]), false),
        } }));
        let filled = mine.fill_absent_from(&theirs, |path| path != "vm.tools");
        assert_eq!(
            filled.known,
            serde_json::json!({ "vm": { "name": "a", "power": "off", "disks": { "items": [1] }, "snapshots": { "items": [3] } } })
        );
        let absent: Vec<&str> = filled.absent.keys().map(String::as_str).collect();
        assert_eq!(absent, ["vm.disks.complete", "vm.snapshots.complete", "vm.tools", "vm.uuid"]);
    }

    #[test]
    fn what_is_longer_than_facts_are_is_absent_with_the_reason() {
        let text = |bytes: usize| "x".repeat(bytes);
        let facts = |label: Fact<String>, items: Vec<Fact<i64>>| {
            let disc = Disc {
                label,
                size: Fact::Known(1),
                files: Fact::Known(Collection::complete(items)),
            };
            Document::new("image", &disc)
        };
        let most = facts(Fact::Known(text(MAX_TEXT)), vec![Fact::Known(1); MAX_ITEMS]);
        assert_eq!(most.absent, BTreeMap::new());
        let more = facts(Fact::Known(text(MAX_TEXT + 1)), vec![Fact::Known(1); MAX_ITEMS + 1]);
        assert_eq!(
            more.absent,
            BTreeMap::from([
                (
                    "image.label".to_owned(),
                    "it has 4097 bytes, at most 4096 are looked at".to_owned()
                ),
                (
                    "image.files.complete".to_owned(),
                    "more than 4096 elements are not looked at".to_owned()
                ),
            ])
        );
        assert_eq!(more.known["image"]["files"]["items"].as_array().unwrap().len(), MAX_ITEMS);
        let quoted = facts(Fact::unavailable(text(10_000)), Vec::new());
        assert_eq!(quoted.absent["image.label"], text(MAX_REASON) + "...");
        let items = Collection::complete(vec![text(1), text(MAX_TEXT + 1)]);
        let listed = Document::new("list", &items);
        assert_eq!(listed.known["list"]["items"], serde_json::json!(["x"]));
        assert!(listed.absent.contains_key("list.complete"));
        let plain = Document::new("list", &vec![1; MAX_ITEMS + 1]);
        assert_eq!(plain.known, serde_json::json!({}));
        assert!(plain.absent["list"].starts_with("it has 4097 elements"), "{:?}", plain.absent);
    }

    #[test]
    fn a_list_cut_short_keeps_its_items_and_loses_its_completeness() {
        let known = serde_json::json!({ "image": {
            "labels": { "items": ["X"], "complete": false }
        }});
        let document = Document::from_known(known);
        assert_eq!(
            document.known,
            serde_json::json!({ "image": { "labels": { "items": ["X"] } } })
        );
        assert_eq!(document.absent["image.labels.complete"], "not everything could be looked at");
    }

    #[test]
    fn an_element_that_could_not_be_read_makes_its_list_incomplete() {
        let sizes = Collection::complete(vec![Fact::Known(1), Fact::unavailable("cut off")]);
        let document = Document::new("sizes", &sizes);
        assert_eq!(document.known, serde_json::json!({ "sizes": { "items": [1] } }));
        assert_eq!(document.absent["sizes.complete"], "cut off");
        let plain = Document::new("sizes", &vec![Fact::Known(1), Fact::unavailable("cut off")]);
        assert_eq!(plain.known, serde_json::json!({}));
        assert_eq!(plain.absent["sizes"], "cut off");
    }
}
