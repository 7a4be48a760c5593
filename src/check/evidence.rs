//! The facts behind a finding, packed: of thousands of hosts many have the same.
//!
//! Not for which facts those are (`engine`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::Value;
use smol_str::SmolStr;

use super::shared::SharedTexts;

/// The known facts that a rule names, by path: as the text of a JSON object, which takes a tenth of the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence(SmolStr);

impl Default for Evidence {
    fn default() -> Self {
        Self(SmolStr::new_static("{}"))
    }
}

impl Evidence {
    /// Packs facts.
    pub(super) fn pack(facts: &BTreeMap<&str, &Value>, texts: &mut SharedTexts) -> Self {
        // Facts have text keys and plain values.
        serde_json::to_string(facts).map(|text| Self(texts.share(&text))).unwrap_or_default()
    }

    /// Packs facts that nothing is shared with.
    pub fn from_facts(facts: &BTreeMap<&str, Value>) -> Self {
        let facts = facts.iter().map(|(path, value)| (*path, value)).collect();
        Self::pack(&facts, &mut SharedTexts::default())
    }

    /// Returns the facts by path.
    pub fn facts(&self) -> BTreeMap<String, Value> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Whether no fact is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.facts().serialize(serializer)
    }
}

impl JsonSchema for Evidence {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        BTreeMap::<String, Value>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, Value>::json_schema(generator)
    }
}
