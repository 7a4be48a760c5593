//! What is known about a vCenter server, or about an ESXi host that answers for itself; rules know
//! it as `vcenter`.
//!
//! Not for what is in its inventory: machines, hosts and datastores have files of their own.

use schemars::JsonSchema;
use serde::Serialize;

use super::inventory::Inventory;
use super::privileges::{self, AccountFacts};
use super::property::{json_answer, object_rows, required_text};
use super::query_scope::QueryScope;
use super::questions;
use super::service::AboutInfo;
use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact, Unavailable};

/// Everything that is checked about a server.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VcenterFacts {
    /// How it answers.
    pub connection: ServiceFacts,
    /// Whether it is a vCenter server, and not an ESXi host.
    pub is_vcenter: Fact<bool>,
    /// What it calls itself, such as `VMware vCenter Server 6.7.0 build-14368073`.
    pub product: Fact<String>,
    /// Its version, such as `6.7.0`.
    pub version: Fact<String>,
    /// The version of what is checked: of the server itself, or of a host that it tells of.
    pub target_version: Fact<String>,
    /// The account that the configuration server discovers with.
    pub account: Fact<AccountFacts>,
    /// Machines whose snapshot.maxSnapshots is no number.
    pub odd_max_snapshots: Fact<Collection<String>>,
}

/// How a server answers.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ServiceFacts {
    /// Whether the server itself is what is checked.
    pub is_target: bool,
    /// Whether the vSphere service answers; false when something else does.
    pub service_answers: Fact<bool>,
    /// What answers, in words.
    pub answer: Fact<String>,
    /// The newest version of TLS that was agreed on, or offered, such as `TLSv1.2`.
    pub tls_version: Fact<String>,
    /// Whether that is TLS 1.2 or newer.
    pub tls_modern: Fact<bool>,
}

/// Kinds of failures that say what stands behind an open port.
const ANSWERED_OTHERWISE: &[FailureKind] = &[
    FailureKind::Http,
    FailureKind::NotVsphere,
    FailureKind::NotTls,
    FailureKind::Malformed,
    FailureKind::TooMuchOutput,
];

/// Reads what is known about a server.
pub fn from_answers(
    about: &Result<AboutInfo, Unavailable>,
    transcript: &Transcript,
    scope: &QueryScope,
    inventory: &Inventory,
    is_target: bool,
) -> VcenterFacts {
    let about = about.as_ref().map_err(Unavailable::from);
    let full_name = about.clone().and_then(|about| about.full_name.clone());
    let version = Fact::from(about.clone().and_then(|about| about.version.clone()));
    VcenterFacts {
        connection: service_facts(&full_name, transcript, is_target),
        target_version: if is_target {
            version.clone()
        } else {
            Fact::unavailable("what is checked has no version of its own")
        },
        is_vcenter: about.and_then(is_vcenter).into(),
        product: full_name.into(),
        version,
        account: privileges::from_transcript(transcript, scope, inventory).into(),
        odd_max_snapshots: odd_max_snapshots(inventory).into(),
    }
}

fn is_vcenter(about: &AboutInfo) -> Result<bool, Unavailable> {
    match about.api_type.as_ref()?.as_str() {
        "VirtualCenter" => Ok(true),
        "HostAgent" => Ok(false),
        other => Err(format!("the server calls itself {other:?}").into()),
    }
}

fn service_facts(
    full_name: &Result<String, Unavailable>,
    transcript: &Transcript,
    is_target: bool,
) -> ServiceFacts {
    // What is no vSphere service has no name as one.
    let (service_answers, answer) = match (full_name, &transcript.connection.failure) {
        (Ok(name), _) => (Ok(true), Ok(format!("{name} answers"))),
        (_, Some(failure)) if ANSWERED_OTHERWISE.contains(&failure.kind) => {
            (Ok(false), Ok(failure.reason.clone()))
        }
        (Err(why), _) => (Err(why), Err(why)),
    };
    let tls_version = tls_version(transcript);
    let is_modern = |version: String| version == "TLSv1.2" || version == "TLSv1.3";
    ServiceFacts {
        is_target,
        service_answers: service_answers.into(),
        answer: answer.into(),
        tls_modern: tls_version.clone().map(is_modern).into(),
        tls_version: tls_version.into(),
    }
}

fn tls_version(transcript: &Transcript) -> Result<String, Unavailable> {
    let agreed = json_answer(transcript, questions::TLS);
    match (&agreed, json_answer(transcript, questions::TLS_OFFERED)) {
        (Err(_), Ok(offered)) => {
            let version = offered.as_str();
            Ok(version
                .ok_or("the answer does not say which version of TLS was offered")?
                .to_owned())
        }
        _ => required_text(&agreed?, "version").map(str::to_owned),
    }
}

/// Machines whose `snapshot.maxSnapshots` is there and no number, for one such machine ends the
/// discovery of all (D:vmware-azure-troubleshoot-vcenter-discovery-failures).
fn odd_max_snapshots(inventory: &Inventory) -> Result<Collection<String>, Unavailable> {
    let mut complete = inventory.complete(questions::MACHINES)?;
    let mut items = Vec::new();
    for machine in inventory.list(questions::MACHINES) {
        // A machine that is not connected has no configuration to read.
        let rows = machine.value("config.extraConfig");
        let Ok(rows) = rows.and_then(|value| object_rows(value, "config.extraConfig")) else {
            complete = false;
            continue;
        };
        for row in rows {
            match (required_text(row, "key"), required_text(row, "value")) {
                (Ok(key), _) if !key.eq_ignore_ascii_case("snapshot.maxSnapshots") => {}
                (Ok(_), Ok(value)) if value.trim().parse::<i64>().is_ok() => {}
                (Ok(_), Ok(value)) => {
                    items.push(format!("{} ({value:?})", inventory.name(&machine.object)));
                }
                _ => complete = false,
            }
        }
    }
    Ok(Collection { items, complete })
}
