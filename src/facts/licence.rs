//! The licence that is assigned to an ESXi host: whether it lets anything be written through the
//! API, which failback does and failover does not (S001, Common failback issues).
//!
//! What editions call themselves was gathered from public outputs, not from a list of VMware's; a
//! licence that is not recognised is unknown and never passes. Not for vCenter's own licence.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Fact;
use super::property::{list, part};

/// What a licence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Edition {
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
    pub edition: Fact<Edition>,
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

/// Reads one licence as the API has it: `licenseKey`, `editionKey`, `name`, `properties`. `now` is
/// the server's own time.
///
/// ```
/// use preflight::facts::licence::{Edition, parse};
/// let free = serde_json::json!({ "editionKey": "esx.hypervisor.cpuPackageCoreLimited", "name": "vSphere 7 Hypervisor" });
/// assert_eq!(parse(&free, None).edition.known(), Some(&Edition::Free));
/// ```
pub fn parse(licence: &Value, now: Option<Timestamp>) -> LicenceFacts {
    let text = |name| part(licence, name).unwrap_or_default().trim().to_owned();
    let (key, name, serial) = (text("editionKey"), text("name"), text("licenseKey"));
    let properties = licence.get("properties").map(list).unwrap_or_default();
    let days_left = days_left(properties, now);
    let edition = edition(&key, &name, &serial, properties, &days_left);
    let mut words = match name.as_str() {
        "" => format!("edition key {key:?}"),
        name => format!("{name} (edition key {key:?})"),
    };
    match (&edition, &days_left) {
        (Fact::Known(Edition::Evaluation), Fact::Known(days)) => {
            words.push_str(&format!(", {days} days left"));
        }
        (Fact::Known(Edition::Expired), _) => words.push_str(", expired"),
        _ => {}
    }
    let serial_end: String = {
        let tail: Vec<char> = serial.chars().rev().take(5).collect();
        tail.into_iter().rev().collect()
    };
    LicenceFacts { edition, name, key, serial_end, days_left, words }
}

fn edition(
    key: &str,
    name: &str,
    serial: &str,
    properties: &[Value],
    days_left: &Fact<i64>,
) -> Fact<Edition> {
    let lower = key.to_ascii_lowercase();
    if lower == "esxbasic" || lower.starts_with("esx.hypervisor") {
        return Fact::Known(Edition::Free);
    }
    // Captures keep the last five characters of a serial number: an evaluation's are zeros, and
    // so are a few that are none, so the zeros count only where the key does not say otherwise.
    let zeros = !serial.is_empty() && serial.chars().all(|c| matches!(c, '0' | '*' | '-'));
    let paid = is_paid(key);
    if lower == "eval" || lower.starts_with("esx.eval.") || (zeros && !paid) {
        return match days_left {
            Fact::Known(days) if *days < 0 => Fact::Known(Edition::Expired),
            Fact::Known(_) => Fact::Known(Edition::Evaluation),
            Fact::Unavailable(why) => Fact::unavailable(format!(
                "an evaluation of which is not known when it ends: {}",
                why.reason
            )),
        };
    }
    if paid {
        return Fact::Known(Edition::Paid);
    }
    if is_hypervisor(name) {
        return Fact::Known(Edition::Free);
    }
    let features: Vec<&str> = features(properties).collect();
    if !features.is_empty() && !features.iter().any(|f| matches!(*f, "vimapi" | "vstorage")) {
        return Fact::Known(Edition::ProbablyFree);
    }
    Fact::unavailable(format!("neither the edition key {key:?} nor the name {name:?} tell"))
}

/// `esx.` and something, or `esx` and a capital letter, as in `esxEnterprise` of 4.x.
fn is_paid(key: &str) -> bool {
    let rest = key.strip_prefix("esx").unwrap_or_default();
    rest.strip_prefix('.').is_some_and(|rest| !rest.is_empty())
        || rest.starts_with(|c: char| c.is_ascii_uppercase())
}

/// `vSphere Hypervisor`, or with a number between.
fn is_hypervisor(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let rest = name.split_once("vsphere").map_or("", |(_, rest)| rest);
    let rest = rest.trim_start().trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    rest.trim_start().starts_with("hypervisor")
}

fn features(properties: &[Value]) -> impl Iterator<Item = &str> {
    properties.iter().filter(|p| part(p, "key") == Some("feature")).filter_map(|property| {
        let value = property.get("value")?;
        part(value, "key").or(value.as_str())
    })
}

/// Days until an evaluation ends; below zero when it has ended. The hours never go below zero, the
/// date does not stop.
fn days_left(properties: &[Value], now: Option<Timestamp>) -> Fact<i64> {
    let property = |name: &str| {
        let found = properties.iter().find(|property| part(property, "key") == Some(name))?;
        part(found, "value")
    };
    let date: Option<Timestamp> = property("expirationDate").and_then(|date| date.parse().ok());
    if let (Some(date), Some(now)) = (date, now) {
        let seconds = date.as_second() - now.as_second();
        return Fact::Known(seconds.div_euclid(24 * 3600));
    }
    let hours: Option<i64> =
        property("expirationHours").and_then(|hours| hours.trim().parse().ok());
    let minutes: Option<i64> =
        property("expirationMinutes").and_then(|minutes| minutes.trim().parse().ok());
    match (hours, minutes) {
        (Some(0), Some(0) | None) => Fact::Known(-1),
        (Some(hours), _) => Fact::Known(hours / 24),
        (None, Some(minutes)) => Fact::Known(if minutes == 0 { -1 } else { minutes / (24 * 60) }),
        (None, None) => Fact::unavailable("it does not say when it ends"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Option<Timestamp> {
        Some("2026-11-25T08:00:00Z".parse().unwrap())
    }

    fn edition_of(licence: Value) -> Option<Edition> {
        parse(&licence, now()).edition.known().copied()
    }

    #[test]
    fn editions_are_known_by_their_keys_and_names() {
        for (key, name, expected) in [
            ("esxBasic", "vSphere 4 Hypervisor", Some(Edition::Free)),
            ("esx.hypervisor.cpuPackage", "vSphere 5 Hypervisor", Some(Edition::Free)),
            ("esx.hypervisor.cpuPackageCoreLimited", "vSphere 8 Hypervisor", Some(Edition::Free)),
            (
                "esx.essentialsPlus.cpuPackage",
                "VMware vSphere 6 Essentials Plus",
                Some(Edition::Paid),
            ),
            ("esx.enterprisePlus.cpuPackage", "vSphere 7 Enterprise Plus", Some(Edition::Paid)),
            ("esxEnterprise", "vSphere 4 Enterprise", Some(Edition::Paid)),
            ("", "VMware vSphere Hypervisor", Some(Edition::Free)),
            ("", "vSphere 6 Hypervisor", Some(Edition::Free)),
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
            let facts = parse(&licence, now());
            (facts.edition.known().copied(), facts.days_left.known().copied())
        };
        let property = |key: &str, value: &str| json!({ "key": key, "value": value });
        let date =
            |date| json!([property("expirationDate", date), property("expirationHours", "0")]);
        for (key, properties, expected) in [
            ("eval", date("2027-01-24T08:00:00Z"), (Some(Edition::Evaluation), Some(60))),
            ("eval", date("2026-11-25T09:00:00Z"), (Some(Edition::Evaluation), Some(0))),
            ("eval", date("2026-11-23T20:00:00Z"), (Some(Edition::Expired), Some(-2))),
            (
                "esx.eval.entitlement.cpuCoreMin",
                json!([property("expirationHours", "48")]),
                (Some(Edition::Evaluation), Some(2)),
            ),
            (
                "",
                json!([property("expirationHours", "0"), property("expirationMinutes", "0")]),
                (Some(Edition::Expired), Some(-1)),
            ),
            (
                "",
                json!([property("expirationHours", "0"), property("expirationMinutes", "30")]),
                (Some(Edition::Evaluation), Some(0)),
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
        assert_eq!(of(&["vsmp:8"]), Some(Edition::ProbablyFree));
        assert_eq!(of(&["vsmp:8", "vimapi"]), None);
    }
}
