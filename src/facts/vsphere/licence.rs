//! The licence that is assigned to an ESXi host: whether it lets anything be written through the
//! API, which failback does and failover does not (S001, Common failback issues).
//!
//! What editions call themselves was gathered from public outputs, not from a list of VMware's; a
//! licence that is not recognised is unknown and never passes. Not for vCenter's own licence.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::property::{
    InventoryObject, elements, json_answer, object_listing, object_rows, optional_text,
};
use super::questions;
use super::service::AboutInfo;
use crate::facts::transcript::Transcript;
use crate::facts::{Fact, Unavailable};

/// What a licence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LicenceEdition {
    /// The free hypervisor: its API is read-only.
    Free,
    /// An evaluation that has not ended: everything is allowed.
    Evaluation,
    /// An evaluation that has ended.
    Expired,
    /// A licence somebody paid for.
    Paid,
    /// Neither key nor name tell, and the features that the API needs are not listed.
    ProbablyFree,
}

/// The licence of a host.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LicenceFacts {
    /// What it is.
    pub edition: Fact<LicenceEdition>,
    /// What it calls itself.
    pub name: String,
    /// Its edition key.
    pub key: String,
    /// The last five characters of its serial number.
    pub serial_end: String,
    /// Whole days that an evaluation has left.
    pub days_left: Fact<i64>,
    /// Name, key, and time left in one text.
    pub words: String,
}

/// A licence as a server or the shell of a host shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenceRecord {
    /// Its edition key; none when it has no such part.
    pub key: Option<String>,
    /// Its name; none when it has no such part.
    pub name: Option<String>,
    /// Its serial number, cut down to its end.
    pub serial: String,
    /// What else is said of it.
    pub properties: Result<LicenceProperties, Unavailable>,
}

/// The properties of a licence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LicenceProperties {
    /// What it allows, such as `vimapi`; empty for a feature without a readable name.
    pub features: Vec<String>,
    /// The others by their keys; of several the first.
    pub values: BTreeMap<String, String>,
}

impl LicenceProperties {
    fn from_api(rows: &[Value]) -> Self {
        let mut properties = Self::default();
        for row in rows {
            let value = row.get("value");
            match optional_text(row, "key") {
                Some("feature") => {
                    let name =
                        value.and_then(|value| optional_text(value, "key").or(value.as_str()));
                    properties.features.push(name.unwrap_or_default().to_owned());
                }
                Some(key) => {
                    let text = value.and_then(Value::as_str).unwrap_or_default();
                    properties.values.entry(key.to_owned()).or_insert(text.to_owned());
                }
                None => {}
            }
        }
        properties
    }
}

impl LicenceRecord {
    /// Reads one licence as the API has it: `licenseKey`, `editionKey`, `name`, `properties`.
    pub fn from_api(licence: &Value) -> Self {
        let text = |name| optional_text(licence, name).map(|text| text.trim().to_owned());
        // A release may list no properties: their absence proves nothing.
        let rows =
            licence.get("properties").map_or(Ok(&[][..]), |rows| object_rows(rows, "properties"));
        Self {
            key: text("editionKey"),
            name: text("name"),
            serial: text("licenseKey").unwrap_or_default(),
            properties: rows.map(LicenceProperties::from_api),
        }
    }

    /// What the licence lets a host do. `now` is the server's own time.
    ///
    /// ```
    /// use preflight::facts::vsphere::licence::{LicenceEdition, LicenceRecord};
    /// let free = serde_json::json!({ "editionKey": "esx.hypervisor.cpuPackageCoreLimited", "name": "vSphere 7 Hypervisor" });
    /// let facts = LicenceRecord::from_api(&free).facts(None);
    /// assert_eq!(facts.edition.known(), Some(&LicenceEdition::Free));
    /// ```
    pub fn facts(&self, now: Option<Timestamp>) -> LicenceFacts {
        let key = self.key.clone().unwrap_or_default();
        let name = self.name.clone().unwrap_or_default();
        let properties = self.properties.as_ref().map_err(Unavailable::from);
        let days_left = properties.clone().and_then(|properties| days_left(properties, now));
        let edition = properties.and_then(|properties| {
            let says = LicenceParts {
                key: self.key.as_deref().map(kind_by_key),
                name: self.name.as_deref().map(kind_by_name),
                zeros: !self.serial.is_empty()
                    && self.serial.chars().all(|c| matches!(c, '0' | '*' | '-')),
                writes: has_write_feature(&properties.features),
            };
            decide_edition(&says, &days_left)
        });
        let mut words = match name.as_str() {
            "" => format!("edition key {key:?}"),
            name => format!("{name} (edition key {key:?})"),
        };
        match (&edition, &days_left) {
            (Ok(LicenceEdition::Evaluation), Ok(days)) => {
                words.push_str(&format!(", {days} days left"));
            }
            (Ok(LicenceEdition::Expired), _) => words.push_str(", expired"),
            _ => {}
        }
        let start = self.serial.char_indices().rev().nth(4).map_or(0, |(at, _)| at);
        let serial_end = self.serial[start..].to_owned();
        let (edition, days_left) = (edition.into(), days_left.into());
        LicenceFacts { edition, name, key, serial_end, days_left, words }
    }
}

/// The licences of the hosts of a server. A vCenter's own list of licences is what it has in stock,
/// so only the assignment counts there; a lone host has no assignments and one licence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostLicences {
    /// That of a host which answers for itself.
    Lone(Result<LicenceRecord, Unavailable>),
    /// What a vCenter server assigns, by what it calls each host; of several the first.
    Assigned(Result<BTreeMap<String, Option<LicenceRecord>>, Unavailable>),
}

impl HostLicences {
    /// Reads those that a server shows, which says this of itself.
    pub fn from_transcript(
        transcript: &Transcript,
        about: &Result<AboutInfo, Unavailable>,
    ) -> Self {
        let api_type = about.as_ref().ok().and_then(|about| about.api_type.as_deref().ok());
        let is_host = api_type == Some("HostAgent");
        if is_host { Self::Lone(lone(transcript)) } else { Self::Assigned(assigned(transcript)) }
    }

    /// That of one host.
    pub fn assigned_to(&self, host: &InventoryObject) -> Result<&LicenceRecord, Unavailable> {
        match self {
            Self::Lone(licence) => Ok(licence.as_ref()?),
            Self::Assigned(assigned) => {
                let id = host.object.split_once(':').map_or("", |(_, id)| id);
                let licence = assigned.as_ref()?.get(id).and_then(Option::as_ref);
                Ok(licence.ok_or("no licence is assigned to it, or none that may be seen")?)
            }
        }
    }
}

fn assigned(
    transcript: &Transcript,
) -> Result<BTreeMap<String, Option<LicenceRecord>>, Unavailable> {
    let mut by_host = BTreeMap::new();
    for row in elements(&json_answer(transcript, questions::ASSIGNED_LICENCES)?) {
        let Some(host) = optional_text(row, "entityId") else { continue };
        let licence = || row.get("assignedLicense").map(LicenceRecord::from_api);
        by_host.entry(host.to_owned()).or_insert_with(licence);
    }
    Ok(by_host)
}

fn lone(transcript: &Transcript) -> Result<LicenceRecord, Unavailable> {
    let licences = object_listing(transcript, questions::LICENCES)?;
    let manager = licences.items.first().ok_or("the host shows no licences")?;
    require_one(elements(manager.value("licenses")?)).map(LicenceRecord::from_api)
}

/// The one licence that a host shows.
pub(super) fn require_one<T>(licences: &[T]) -> Result<&T, Unavailable> {
    match licences {
        [one] => Ok(one),
        [] => Err("the host shows no licences".into()),
        more => Err(format!("the host shows {} licences", more.len()).into()),
    }
}

/// What one part of a licence says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LicenceKind {
    Free,
    Evaluation,
    Paid,
    /// It tells nothing.
    Silent,
}

/// What the parts of a licence say, each by itself; a part that is missing is none.
struct LicenceParts {
    key: Option<LicenceKind>,
    name: Option<LicenceKind>,
    /// Whether the serial number is all zeros, as far as a capture keeps it. An evaluation's is, and
    /// so are the last five characters of a few others.
    zeros: bool,
    /// Whether a feature lets the API write; none when no feature is listed.
    writes: Option<bool>,
}

/// What a licence is, when its parts agree. Nothing is paid for or an evaluation by one part alone.
fn decide_edition(
    says: &LicenceParts,
    days_left: &Result<i64, Unavailable>,
) -> Result<LicenceEdition, Unavailable> {
    let disagree =
        || Err("its edition key, its name and its features contradict each other".into());
    let key = says.key.unwrap_or(LicenceKind::Silent);
    let name = says.name.unwrap_or(LicenceKind::Silent);
    match (key, name) {
        (LicenceKind::Free, LicenceKind::Free | LicenceKind::Silent)
        | (LicenceKind::Silent, LicenceKind::Free) => match says.writes {
            Some(true) => disagree(),
            _ => Ok(LicenceEdition::Free),
        },
        (LicenceKind::Free, _)
        | (LicenceKind::Evaluation | LicenceKind::Paid, LicenceKind::Free) => disagree(),
        (LicenceKind::Evaluation, LicenceKind::Paid)
        | (LicenceKind::Paid, LicenceKind::Evaluation) => disagree(),
        (LicenceKind::Paid, _) | (LicenceKind::Evaluation, _) if says.writes == Some(false) => {
            disagree()
        }
        // The name might have said another thing, and so might the key.
        (LicenceKind::Paid, _) if says.name.is_none() => Err("it has no name".into()),
        (_, LicenceKind::Evaluation) if says.key.is_none() => Err("it has no edition key".into()),
        (LicenceKind::Paid, _) => Ok(LicenceEdition::Paid),
        (LicenceKind::Evaluation, _) | (_, LicenceKind::Evaluation) => evaluation(days_left),
        (LicenceKind::Silent, _) if says.zeros && says.key.is_some() => match says.writes {
            Some(false) => disagree(),
            _ => evaluation(days_left),
        },
        (LicenceKind::Silent, _) if says.writes == Some(false) => Ok(LicenceEdition::ProbablyFree),
        (LicenceKind::Silent, _) => Err("neither its edition key nor its name tell".into()),
    }
}

fn evaluation(days_left: &Result<i64, Unavailable>) -> Result<LicenceEdition, Unavailable> {
    match days_left {
        Ok(days) if *days < 0 => Ok(LicenceEdition::Expired),
        Ok(_) => Ok(LicenceEdition::Evaluation),
        Err(why) => {
            Err(format!("an evaluation, and when it ends is not known: {}", why.reason).into())
        }
    }
}

/// What an edition key says. Free editions are `esxBasic` (4.x) and `esx.hypervisor...`; others have
/// been listed by people as `esx.free...` and `esxHypervisor`. Paid ones are `esx.` and something, or
/// `esx` and a capital letter, as in `esxEnterprise` of 4.x.
fn kind_by_key(key: &str) -> LicenceKind {
    let lower = key.to_ascii_lowercase();
    if lower == "esxbasic" || lower.contains("hypervisor") || lower.contains("free") {
        return LicenceKind::Free;
    }
    if lower == "eval" || lower.starts_with("esx.eval.") || lower.contains("evaluation") {
        return LicenceKind::Evaluation;
    }
    let rest = key.strip_prefix("esx").unwrap_or_default();
    let paid = rest.strip_prefix('.').is_some_and(|rest| !rest.is_empty())
        || rest.starts_with(|c: char| c.is_ascii_uppercase());
    if paid { LicenceKind::Paid } else { LicenceKind::Silent }
}

/// What a name says: `VMware vSphere 6 Hypervisor`, `Evaluation Mode`, `vSphere 7 Enterprise Plus`.
fn kind_by_name(name: &str) -> LicenceKind {
    let name = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["hypervisor", "free"]) {
        LicenceKind::Free
    } else if has(&["evaluation"]) {
        LicenceKind::Evaluation
    } else if has(&["enterprise", "standard", "essentials", "foundation", "advanced"]) {
        LicenceKind::Paid
    } else {
        LicenceKind::Silent
    }
}

/// Whether the features that are listed let the API write; none when there are none.
fn has_write_feature(features: &[String]) -> Option<bool> {
    let writes = |feature: &String| matches!(feature.as_str(), "vimapi" | "vstorage");
    (!features.is_empty()).then(|| features.iter().any(writes))
}

/// Days until an evaluation ends; below zero when it has ended. The hours never go below zero, the
/// date does not stop.
fn days_left(properties: &LicenceProperties, now: Option<Timestamp>) -> Result<i64, Unavailable> {
    let property = |name: &str| properties.values.get(name).map(|value| value.trim());
    let date: Option<Timestamp> = property("expirationDate").and_then(|date| date.parse().ok());
    if let (Some(date), Some(now)) = (date, now) {
        let seconds = date.as_second() - now.as_second();
        return Ok(seconds.div_euclid(24 * 3600));
    }
    let number = |name: &str| property(name).and_then(|number| number.parse::<i64>().ok());
    let (hours, minutes) = (number("expirationHours"), number("expirationMinutes"));
    match (hours, minutes) {
        (Some(0), Some(0) | None) => Ok(-1),
        (Some(hours), _) => Ok(hours / 24),
        (None, Some(minutes)) => Ok(if minutes == 0 { -1 } else { minutes / (24 * 60) }),
        (None, None) => Err("it does not say when it ends".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Option<Timestamp> {
        Some("2026-11-25T08:00:00Z".parse().unwrap())
    }

    fn edition_of(licence: Value) -> Option<LicenceEdition> {
        LicenceRecord::from_api(&licence).facts(now()).edition.known().copied()
    }

    #[test]
    fn editions_are_known_by_their_keys_and_names() {
        for (key, name, expected) in [
            ("esxBasic", "vSphere 4 Hypervisor", Some(LicenceEdition::Free)),
            ("esx.hypervisor.cpuPackage", "vSphere 5 Hypervisor", Some(LicenceEdition::Free)),
            (
                "esx.hypervisor.cpuPackageCoreLimited",
                "vSphere 8 Hypervisor",
                Some(LicenceEdition::Free),
            ),
            (
                "esx.essentialsPlus.cpuPackage",
                "VMware vSphere 6 Essentials Plus",
                Some(LicenceEdition::Paid),
            ),
            (
                "esx.enterprisePlus.cpuPackage",
                "vSphere 7 Enterprise Plus",
                Some(LicenceEdition::Paid),
            ),
            ("esxEnterprise", "vSphere 4 Enterprise", Some(LicenceEdition::Paid)),
            // Keys that people have listed, with names that say the same.
            ("esx.free.cpuPackage", "VMware vSphere 6 Hypervisor", Some(LicenceEdition::Free)),
            ("esxHypervisor", "VMware vSphere 6 Hypervisor", Some(LicenceEdition::Free)),
            ("esx.hypervisorEmbeddedOem.cpuPackage", "", Some(LicenceEdition::Free)),
            // Key and name disagree.
            ("esx.standard.cpuPackage", "vSphere 6 Hypervisor", None),
            ("esx.hypervisor.cpuPackage", "vSphere 6 Standard", None),
            ("esx.free.cpuPackage", "Evaluation Mode", None),
            ("esx.standard.cpuPackage", "Evaluation Mode", None),
            ("eval", "vSphere 6 Standard", None),
            ("", "VMware vSphere Hypervisor", Some(LicenceEdition::Free)),
            ("", "vSphere 6 Hypervisor", Some(LicenceEdition::Free)),
            ("", "", None),
            ("esx.", "", None),
            ("vc.standard.instance", "vCenter Server 6 Standard", None),
            ("ESX", "VMware ESX Server", None),
        ] {
            let licence = json!({ "editionKey": key, "name": name, "licenseKey": "*****-EEEEE" });
            assert_eq!(edition_of(licence), expected, "{key:?} {name:?}");
        }
    }

    #[test]
    fn an_evaluation_is_good_until_it_ends() {
        let eval = |key: &str, properties: Value| {
            let serial = "*****-*****-*****-*****-00000";
            let licence = json!({ "editionKey": key, "name": "Evaluation Mode", "licenseKey": serial, "properties": properties });
            let facts = LicenceRecord::from_api(&licence).facts(now());
            (facts.edition.known().copied(), facts.days_left.known().copied())
        };
        let property = |key: &str, value: &str| json!({ "key": key, "value": value });
        let date =
            |date| json!([property("expirationDate", date), property("expirationHours", "0")]);
        for (key, properties, expected) in [
            ("eval", date("2027-01-24T08:00:00Z"), (Some(LicenceEdition::Evaluation), Some(60))),
            ("eval", date("2026-11-25T09:00:00Z"), (Some(LicenceEdition::Evaluation), Some(0))),
            ("eval", date("2026-11-23T20:00:00Z"), (Some(LicenceEdition::Expired), Some(-2))),
            (
                "esx.eval.entitlement.cpuCoreMin",
                json!([property("expirationHours", "48")]),
                (Some(LicenceEdition::Evaluation), Some(2)),
            ),
            (
                "",
                json!([property("expirationHours", "0"), property("expirationMinutes", "0")]),
                (Some(LicenceEdition::Expired), Some(-1)),
            ),
            (
                "",
                json!([property("expirationHours", "0"), property("expirationMinutes", "30")]),
                (Some(LicenceEdition::Evaluation), Some(0)),
            ),
            ("eval", json!([]), (None, None)),
            ("eval", json!(""), (None, None)),
        ] {
            assert_eq!(eval(key, properties.clone()), expected, "{key} {properties}");
        }
    }

    #[test]
    fn missing_features_prove_nothing_and_listed_ones_only_a_suspicion() {
        let of = |features: &[&str]| {
            let properties: Vec<Value> = features
                .iter()
                .map(|key| json!({ "key": "feature", "value": { "_type": "KeyValue", "key": key, "value": "x" } }))
                .collect();
            edition_of(
                json!({ "editionKey": "", "name": "VMware ESX Server", "properties": properties }),
            )
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["vsmp:8"]), Some(LicenceEdition::ProbablyFree));
        assert_eq!(of(&["vsmp:8", "vimapi"]), None);
    }

    #[test]
    fn a_licence_is_what_all_of_its_parts_say() {
        let licence = json!({ "editionKey": "esx.standard.cpuPackage", "name": "vSphere 6 Standard", "licenseKey": "*****-EEEEE", "properties": [
            { "key": "feature", "value": { "key": "vimapi", "value": "vSphere API" } } ] });
        assert_eq!(edition_of(licence.clone()), Some(LicenceEdition::Paid));
        let with = |name: &str, value: Value| {
            let mut licence = licence.clone();
            licence[name] = value;
            licence
        };
        let only_smp = json!([{ "key": "feature", "value": { "key": "vsmp:8", "value": "x" } }]);
        assert_eq!(edition_of(with("properties", only_smp.clone())), None);
        for name in ["editionKey", "name", "properties"] {
            assert_eq!(edition_of(with(name, json!(null))), None, "{name}");
        }
        for name in ["editionKey", "name"] {
            let mut licence = licence.clone();
            licence.as_object_mut().unwrap().remove(name);
            assert_eq!(edition_of(licence), None, "{name}");
        }
        let free = |features: Value| json!({ "editionKey": "esx.hypervisor.cpuPackage", "name": "vSphere 6 Hypervisor", "properties": features });
        assert_eq!(edition_of(free(only_smp)), Some(LicenceEdition::Free));
        assert_eq!(edition_of(free(licence["properties"].clone())), None);
        let evaluation = json!({ "name": "Evaluation Mode", "licenseKey": "00000-00000", "properties": [
            { "key": "expirationHours", "value": "48" } ] });
        assert_eq!(edition_of(evaluation.clone()), None, "without a key");
        let mut keyed = evaluation;
        keyed["editionKey"] = json!("eval");
        assert_eq!(edition_of(keyed), Some(LicenceEdition::Evaluation));
    }
}
