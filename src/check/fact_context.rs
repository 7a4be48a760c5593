//! The facts of one target as rules see them: CEL values, and why others are absent.
//!
//! Not for deciding anything over them: `rule` does that.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Context;
use serde_json::Value;

use super::schema::{self, FactType};
use super::version;
use crate::facts::Document;

/// The facts of one target, as rules are decided over them.
pub struct FactContext<'d> {
    pub(super) document: &'d Document,
    pub(super) cel: Context<'static, 'static>,
    /// The reason given for a fact that is absent without one.
    default_reason: Option<&'static str>,
}

impl<'d> FactContext<'d> {
    /// Facts that were collected: what is absent has its reason.
    pub fn new(document: &'d Document) -> Self {
        Self { document, cel: cel_context(&document.known), default_reason: None }
    }

    /// Facts as an example gives them: whatever is not given is absent.
    pub fn from_example(document: &'d Document) -> Self {
        Self { default_reason: Some("not given in the example"), ..Self::new(document) }
    }

    /// The facts themselves.
    pub fn document(&self) -> &'d Document {
        self.document
    }

    /// The value of the fact at a path, when it is known.
    pub fn value(&self, path: &str) -> Option<&'d Value> {
        path.split('.').try_fold(&self.document.known, |here, name| here.get(name))
    }

    /// The first fact below `path` that is absent, with the reason.
    pub fn find_absence(&self, path: &str) -> Option<(String, String)> {
        let mut missing = Vec::new();
        find_missing(&self.document.known, path.split('.'), String::new(), &mut missing);
        missing.into_iter().find_map(|(at, _)| Some((at.clone(), self.absence_reason(&at)?)))
    }

    /// Why the fact at `path` is absent: for a reason of its own, or one of what contains it.
    pub(super) fn absence_reason(&self, path: &str) -> Option<String> {
        let absent = &self.document.absent;
        let own = path
            .match_indices(['.', '['])
            .map(|(end, _)| &path[..end])
            .chain([path])
            .find_map(|prefix| absent.get(prefix));
        own.cloned().or_else(|| self.default_reason.map(str::to_owned))
    }
}

/// Follows a path through known values and notes every place where it ends early, with the
/// member that is missing there.
pub(super) fn find_missing<'p>(
    known: &Value,
    mut path: impl Iterator<Item = &'p str> + Clone,
    walked: String,
    missing: &mut Vec<(String, String)>,
) {
    let Some(segment) = path.next() else { return };
    let (name, lists) = match segment.find('[') {
        Some(end) => (&segment[..end], segment[end..].len() / "[]".len()),
        None => (segment, 0),
    };
    let walked = if walked.is_empty() { name.to_owned() } else { format!("{walked}.{name}") };
    let is_root = walked == name;
    match known.get(name) {
        // A root is always there for the expression: its first member is what is missing.
        None if is_root && path.clone().next().is_some() => {
            find_missing(&Value::Null, path, walked, missing);
        }
        None => missing.push((walked, name.to_owned())),
        Some(value) => find_missing_in_elements(value, lists, path, walked, missing),
    }
}

/// Goes on below every element of `lists` nested lists.
fn find_missing_in_elements<'p>(
    known: &Value,
    lists: usize,
    path: impl Iterator<Item = &'p str> + Clone,
    walked: String,
    missing: &mut Vec<(String, String)>,
) {
    if lists == 0 {
        return find_missing(known, path, walked, missing);
    }
    for (index, element) in known.as_array().into_iter().flatten().enumerate() {
        find_missing_in_elements(
            element,
            lists - 1,
            path.clone(),
            format!("{walked}[{index}]"),
            missing,
        );
    }
}

/// The names a rule can use: all facts, and our functions.
fn cel_context(known: &Value) -> Context<'static, 'static> {
    let mut context = Context::default();
    context
        .add_function("versionCmp", |a: Arc<String>, b: Arc<String>| {
            version::compare(&a, &b) as i64
        })
        .expect("CEL has no function of this name");
    let empty = serde_json::Map::new();
    let known = known.as_object().unwrap_or(&empty);
    if let FactType::Record(roots) = schema::all_facts() {
        // Rules that speak of `own` were verified against the probes of their set.
        for root in roots.keys().map(String::as_str).chain([schema::CUSTOM_ROOT]) {
            let facts = known.get(root).map_or_else(empty_facts, to_cel);
            context.add_variable_from_value(root, facts);
        }
    }
    context
}

/// What stands for a root that was not collected: every member of it is absent.
fn empty_facts() -> cel::Value {
    cel::Value::from(HashMap::<String, cel::Value>::new())
}

/// A known value as CEL has it. Whole numbers are signed, for CEL's unsigned ones are a type apart.
fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(bool) => cel::Value::Bool(*bool),
        Value::Number(number) => number.as_i64().map_or_else(
            || cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            cel::Value::Int,
        ),
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(list) => cel::Value::List(Arc::new(list.iter().map(to_cel).collect())),
        Value::Object(map) => {
            let members: HashMap<String, cel::Value> =
                map.iter().map(|(key, value)| (key.clone(), to_cel(value))).collect();
            cel::Value::from(members)
        }
    }
}
