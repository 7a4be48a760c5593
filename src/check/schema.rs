//! The types of the facts, as rules and texts are verified against them.
//!
//! Read from the JSON schema that `schemars` derives of the facts' own types, so that there is no
//! second list of them. Not for validating reports or collected facts.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use schemars::{Schema, schema_for};
use serde_json::Value;

use super::provider::Provider;
use crate::facts::age::EvidenceFacts;
use crate::facts::azure::facts::AzureFacts;
use crate::facts::host::HostFacts;
use crate::facts::image::ImageFacts;
use crate::facts::image::depsolve::PackageSetFacts;
use crate::facts::returned::ReturnedFacts;
use crate::facts::site::SiteFacts;
use crate::facts::vsphere::esxi_host::EsxiFacts;
use crate::facts::vsphere::esxi_shell::EsxiShellFacts;
use crate::facts::vsphere::vcenter::VcenterFacts;
use crate::facts::vsphere::vm::VmFacts;
use crate::facts::windows::WindowsFacts;

/// Facts are trees, not graphs; a schema deeper than this refers to itself.
const MAX_DEPTH: usize = 24;

/// One kind of facts.
struct FactRoot {
    /// The name rules know it by.
    name: &'static str,
    /// Where its schema comes from.
    schema: fn() -> Schema,
    /// Who owns it.
    provider: Provider,
}

/// All kinds of facts that rules can speak of.
const ROOTS: &[FactRoot] = &[
    FactRoot { name: "image", schema: || schema_for!(ImageFacts), provider: Provider::Image },
    FactRoot {
        name: "packages",
        schema: || schema_for!(PackageSetFacts),
        provider: Provider::Image,
    },
    FactRoot { name: "mt", schema: || schema_for!(HostFacts), provider: Provider::MasterTarget },
    FactRoot {
        name: "wmt",
        schema: || schema_for!(WindowsFacts),
        provider: Provider::WindowsMasterTarget,
    },
    FactRoot { name: "ps", schema: || schema_for!(HostFacts), provider: Provider::ProcessServer },
    FactRoot {
        name: "guest",
        schema: || schema_for!(ReturnedFacts),
        provider: Provider::ReturnedMachine,
    },
    FactRoot { name: "site", schema: || schema_for!(SiteFacts), provider: Provider::SiteFile },
    FactRoot { name: "azure", schema: || schema_for!(AzureFacts), provider: Provider::Azure },
    FactRoot { name: "vcenter", schema: || schema_for!(VcenterFacts), provider: Provider::Vsphere },
    FactRoot { name: "vm", schema: || schema_for!(VmFacts), provider: Provider::Vsphere },
    FactRoot { name: "host", schema: || schema_for!(EsxiFacts), provider: Provider::Vsphere },
    FactRoot {
        name: "evidence",
        schema: || schema_for!(EvidenceFacts),
        provider: Provider::Record,
    },
    FactRoot {
        name: "shell",
        schema: || schema_for!(EsxiShellFacts),
        provider: Provider::EsxiShell,
    },
];

/// The root of what checks' own probes find; which members it has is for the set of checks to say.
pub const CUSTOM_ROOT: &str = "own";

/// Who answers for the fact at a path; `answers` are the one root that rules do not speak of.
pub fn provider(path: &str) -> Option<Provider> {
    let mut names = path.split(['.', '[']);
    let root = names.next().unwrap_or_default();
    match root {
        CUSTOM_ROOT => Some(Provider::CustomProbes),
        "site" if names.next().is_some_and(|name| MACHINE_FACTS.contains(&name)) => {
            Some(Provider::Machines)
        }
        "answers" => Some(Provider::Answers),
        _ => ROOTS.iter().find(|known| known.name == root).map(|known| known.provider),
    }
}

/// The facts of a site that exist only when it names the machines that fail back.
const MACHINE_FACTS: &[&str] = &["reiserfs_sources", "xfs_sources"];

/// The type of a fact or of a part of an expression.
#[derive(Clone, Debug, PartialEq, derive_more::Display)]
pub enum FactType {
    /// True or false.
    #[display("bool")]
    Bool,
    /// A whole number.
    #[display("int")]
    Int,
    /// A number with a fraction.
    #[display("double")]
    Double,
    /// A text; when the facts know only certain ones, those.
    #[display("string")]
    Text(Arc<[String]>),
    /// A list of one type.
    #[display("list of {_0}")]
    List(Arc<FactType>),
    /// Named members.
    #[display("record")]
    Record(Arc<BTreeMap<String, FactType>>),
    /// The element type of `[]`, which fits every type.
    #[display("nothing")]
    Nothing,
}

impl FactType {
    /// A text of any content.
    pub fn text() -> Self {
        Self::Text(Arc::from([]))
    }

    /// Whether values of both types can be compared with each other.
    pub fn is_comparable_to(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => true,
            (Self::Text(_), Self::Text(_)) => true,
            (Self::List(a), Self::List(b)) => a.is_comparable_to(b),
            (a, b) => a == b,
        }
    }

    /// The type of a member, when this is a record that has it.
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Record(members) => members.get(name),
            _ => None,
        }
    }

    /// The type at a path below this one, such as `kickstart.zerombr`.
    pub fn member_at<'a>(&self, mut path: impl Iterator<Item = &'a str>) -> Option<&Self> {
        path.try_fold(self, |here, name| here.member(name))
    }

    /// Returns where a value of an example does not match this type.
    ///
    /// Members may be missing, for an example gives only what matters.
    pub fn find_mismatch(&self, value: &Value) -> Option<String> {
        match (self, value) {
            (Self::Bool, Value::Bool(_)) | (Self::Double, Value::Number(_)) => None,
            (Self::Int, Value::Number(number)) if number.is_i64() => None,
            (Self::Text(known), Value::String(text)) => (!known.is_empty()
                && !known.contains(text))
            .then(|| format!("{text:?} is none of {}", known.join(", "))),
            (Self::List(item), Value::Array(list)) => {
                list.iter().find_map(|v| item.find_mismatch(v))
            }
            (Self::Record(members), Value::Object(map)) => map.iter().find_map(|(key, value)| {
                let Some(member) = members.get(key) else {
                    return Some(format!("there is no member {key:?}"));
                };
                member.find_mismatch(value).map(|why| format!("{key}: {why}"))
            }),
            (expected, value) => Some(format!("{value} is no {expected}")),
        }
    }
}

/// The types of all facts, as one record: its members are the roots.
pub fn all_facts() -> &'static FactType {
    static FACTS: LazyLock<FactType> = LazyLock::new(|| {
        let members = ROOTS.iter().map(|root| {
            let schema = (root.schema)().to_value();
            let ty = parse_schema(&schema, &schema["$defs"], 0);
            let ty = ty.expect("facts use only what rules can speak of, see the test below");
            (root.name.to_owned(), ty)
        });
        FactType::Record(Arc::new(members.collect()))
    });
    &FACTS
}

/// Reads a type from its JSON schema; fails with a phrase for what has no counterpart in rules.
fn parse_schema(schema: &Value, defs: &Value, depth: usize) -> Result<FactType, String> {
    if depth > MAX_DEPTH {
        return Err("a type that contains itself".to_owned());
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|at| at.strip_prefix("#/$defs/")) {
        return parse_schema(&defs[name], defs, depth + 1);
    }
    if let Some(values) = enum_values(schema) {
        return Ok(FactType::Text(values.into()));
    }
    match schema["type"].as_str() {
        Some("boolean") => Ok(FactType::Bool),
        Some("integer") => Ok(FactType::Int),
        Some("number") => Ok(FactType::Double),
        Some("string") => Ok(FactType::text()),
        Some("array") => {
            Ok(FactType::List(Arc::new(parse_schema(&schema["items"], defs, depth + 1)?)))
        }
        Some("object") => {
            let empty = serde_json::Map::new();
            let members = schema["properties"].as_object().unwrap_or(&empty);
            let members = members
                .iter()
                .map(|(name, member)| Ok((name.clone(), parse_schema(member, defs, depth + 1)?)))
                .collect::<Result<_, String>>()?;
            Ok(FactType::Record(Arc::new(members)))
        }
        _ => Err(format!("no type for rules: {schema}")),
    }
}

/// The values of an enumeration of texts, in any of the ways a schema spells one.
fn enum_values(schema: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(value) = schema.get("const") {
        return Some(vec![text(value)?]);
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(text).collect();
    }
    let parts: Option<Vec<_>> = schema["oneOf"].as_array()?.iter().map(enum_values).collect();
    parts.map(|parts| parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Option<&'static FactType> {
        all_facts().member_at(path.split('.'))
    }

    #[test]
    fn every_root_has_a_type() {
        for root in ROOTS {
            let schema = (root.schema)().to_value();
            assert!(parse_schema(&schema, &schema["$defs"], 0).is_ok(), "{}", root.name);
        }
    }

    #[test]
    fn types_come_from_the_facts_themselves() {
        assert_eq!(at("image.size"), Some(&FactType::Int));
        assert_eq!(at("image.medium.trees_agree"), Some(&FactType::Bool));
        assert_eq!(at("image.volume_id"), Some(&FactType::text()));
        assert_eq!(
            at("image.boot.labels.items"),
            Some(&FactType::List(Arc::new(FactType::text())))
        );
        let Some(FactType::Text(kinds)) = at("image.kind") else { panic!("kind is a text") };
        assert_eq!(
            **kinds,
            ["installer", "kickstart-disc", "custom-medium", "vendor-medium", "other"]
        );
        assert_eq!(at("image.nope"), None);
    }

    #[test]
    fn a_type_that_contains_itself_is_refused() {
        let schema = serde_json::json!({
            "$ref": "#/$defs/T",
            "$defs": { "T": { "type": "object", "properties": { "t": { "$ref": "#/$defs/T" } } } }
        });
        assert_eq!(
            parse_schema(&schema, &schema["$defs"], 0),
            Err("a type that contains itself".to_owned())
        );
    }

    #[test]
    fn an_example_that_departs_from_the_facts_is_told_where() {
        let image = |value| all_facts().find_mismatch(&serde_json::json!({ "image": value }));
        assert_eq!(image(serde_json::json!({ "kind": "installer" })), None);
        for (value, why) in [
            (serde_json::json!({ "kinds": "x" }), "image: there is no member \"kinds\""),
            (
                serde_json::json!({ "kind": "x" }),
                "image: kind: \"x\" is none of installer, kickstart-disc, custom-medium, vendor-medium, other",
            ),
            (
                serde_json::json!({ "boot": { "labels": { "items": [1] } } }),
                "image: boot: labels: items: 1 is no string",
            ),
        ] {
            assert_eq!(image(value).as_deref(), Some(why));
        }
    }
}
